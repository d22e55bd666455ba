/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * events: what a subscriber sees. Subscribers speak the wire protocol themselves (libvirt's client would be measured
 * more than the daemon); one client of the library suspends and resumes a running guest.
 *
 *   events URI NAME SOCKET spread SUBSCRIBERS EVENTS   from the first subscriber's event to the last one's, in us
 *   events URI NAME SOCKET deaf CALLBACKS EVENTS       one that never reads, with so many callbacks; returns when all
 *                                                      events were sent, and stays until its standard input ends
 *
 * URI as the library wants it; NAME what the daemon's open call is told ("test:///default", "xen:///system").
 */
#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PROGRAM = 0x20008086, OPEN = 1, AUTH_LIST = 66, REGISTER = 316, HEADER = 28 };

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void put_word(GByteArray *out, uint32_t value) {
    value = GUINT32_TO_BE(value);
    g_byte_array_append(out, (const guint8 *)&value, 4);
}

static gboolean read_exactly(int fd, void *data, size_t len) {
    for (size_t done = 0; done < len;) {
        ssize_t r = read(fd, (char *)data + done, len - done);
        if (r <= 0)
            return FALSE;
        done += (size_t)r;
    }
    return TRUE;
}

/* One reply, which must be a good one. */
static gboolean read_reply(int fd) {
    uint32_t head[HEADER / 4];
    char rest[4096];
    if (!read_exactly(fd, head, sizeof(head)))
        return FALSE;
    uint32_t len = GUINT32_FROM_BE(head[0]) - HEADER;
    return len <= sizeof(rest) && read_exactly(fd, rest, len) && head[6] == 0;
}

static gboolean call(int fd, uint32_t procedure, const char *open_name) {
    g_autoptr(GByteArray) out = g_byte_array_new();
    const uint32_t head[] = {0, PROGRAM, 1, procedure, 0, 1, 0};
    for (size_t i = 0; i < G_N_ELEMENTS(head); i++)
        put_word(out, head[i]);
    if (procedure == OPEN) {
        guint len = (guint)strlen(open_name);
        put_word(out, 1);
        put_word(out, len);
        g_byte_array_append(out, (const guint8 *)open_name, len);
        g_byte_array_append(out, (const guint8 *)"\0\0\0", (4 - len % 4) % 4);
        put_word(out, 0);
    } else if (procedure == REGISTER) {
        put_word(out, 0); /* life cycle, of every domain */
        put_word(out, 0);
    }
    uint32_t len = GUINT32_TO_BE(out->len);
    memcpy(out->data, &len, 4);
    return write(fd, out->data, out->len) == (ssize_t)out->len && read_reply(fd);
}

static int subscribe(const char *path, const char *name, guint callbacks) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gboolean ok =
        connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 && call(fd, AUTH_LIST, NULL) && call(fd, OPEN, name);
    for (guint i = 0; ok && i < callbacks; i++)
        ok = call(fd, REGISTER, NULL);
    if (!ok)
        g_error("%s: cannot subscribe", path);
    return fd;
}

/* --- what happens to the guest ------------------------------------------------------------------------------------ */

typedef struct {
    virDomainPtr dom;
    gint todo; /* atomic: events that may happen now */
} Source;

static void toggle(virDomainPtr dom, guint n) {
    if ((n % 2 == 0 ? virDomainSuspend(dom) : virDomainResume(dom)) < 0)
        g_error("%s", virGetLastErrorMessage());
}

static gpointer source_run(gpointer data) {
    Source *source = data;
    for (guint n = 0;; n++) {
        while (g_atomic_int_get(&source->todo) == 0)
            g_usleep(100);
        if (g_atomic_int_get(&source->todo) < 0)
            return NULL;
        g_atomic_int_set(&source->todo, 0);
        toggle(source->dom, n);
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void spread(virDomainPtr dom, const char *path, const char *name, guint subscribers, guint events) {
    Source source = {.dom = dom};
    GThread *thread = g_thread_new("source", source_run, &source);
    g_autofree double *us = g_new0(double, events);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (guint i = 0; i < subscribers; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = subscribe(path, name, 1)};
        epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
    }
    for (guint n = 0; n < events; n++) {
        double first = 0;
        g_atomic_int_set(&source.todo, 1);
        for (guint heard = 0; heard < subscribers;) {
            struct epoll_event ready[128];
            char
                message[4096]; /* an event is one message, far shorter, and the next one comes when all have this one */
            int some = epoll_wait(epoll, ready, G_N_ELEMENTS(ready), 10000);
            if (first == 0)
                first = now_us();
            if (some <= 0)
                g_error("%u of %u subscribers heard", heard, subscribers);
            for (int i = 0; i < some; i++, heard++)
                if (read(ready[i].data.fd, message, sizeof(message)) <= 0)
                    g_error("cut off");
        }
        us[n] = now_us() - first;
        g_usleep(2000); /* the caller has its answer, and all is quiet */
    }
    g_atomic_int_set(&source.todo, -1);
    g_thread_join(thread);
    qsort(us, events, sizeof(*us), ascending);
    printf("{\"p50\": %.1f, \"p99\": %.1f}\n", us[events / 2], us[(gsize)events * 99 / 100]);
}

static void deaf(virDomainPtr dom, const char *path, const char *name, guint callbacks, guint events) {
    int fd = subscribe(path, name, callbacks);
    for (guint n = 0; n < events; n++)
        toggle(dom, n);
    printf("sent\n");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    close(fd);
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "usage: events URI NAME SOCKET spread|deaf SUBSCRIBERS|CALLBACKS EVENTS\n");
        return 2;
    }
    virConnectPtr conn = virConnectOpen(argv[1]);
    virDomainPtr dom = conn == NULL ? NULL : virDomainLookupByName(conn, "d00001");
    if (dom == NULL)
        g_error("%s", virGetLastErrorMessage());
    if (!virDomainIsActive(dom) && virDomainCreate(dom) < 0)
        g_error("%s", virGetLastErrorMessage());
    void (*run)(virDomainPtr, const char *, const char *, guint, guint) = strcmp(argv[4], "deaf") == 0 ? deaf : spread;
    run(dom, argv[3], argv[2], (guint)strtoul(argv[5], NULL, 10), (guint)strtoul(argv[6], NULL, 10));
    virDomainDestroy(dom);
    virDomainFree(dom);
    virConnectClose(conn);
    return 0;
}
