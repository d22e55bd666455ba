/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch.c: three descriptors and a thread. What is heard goes to the main loop one by one, and not faster than it takes
 * them: a driver in trouble says the same a thousand times.
 */
#include "config.h"

#include "gpu/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/job.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define MOST_WAITING 64
#define PATIENCE_MS 20
#define LINE_MOST 8192
#define UEVENT_GROUP 1 /* of the kernel itself; 2 is udev's */

enum { LOG, EVENTS, FILES, STOP, N_FDS };

struct VgGpuWatch {
    VgGpuNewsFunc func; /* NULL: over, and only what is under way still holds this */
    gpointer data;
    VgFd fds[N_FDS];
    gboolean records; /* the log gives a record at each read, with its number; else it is a plain file */
    guint64 at;       /* the log was read up to here: a record's number, or bytes */
    gint waiting;     /* atomic: news on their way to the main loop */
    GThread *thread;
};

typedef struct {
    VgGpuWatch *watch;
    VgGpuNews news;
    guint64 at;
} Message;

static void clear(gpointer data) {
    VgGpuWatch *watch = data;
    for (guint i = 0; i < N_FDS; i++)
        vg_fd_clear(&watch->fds[i]);
}

static void deliver(gpointer data) {
    Message *message = data;
    if (message->watch->func != NULL)
        message->watch->func(&message->news, message->at, message->watch->data);
    g_atomic_int_add(&message->watch->waiting, -1);
    g_atomic_rc_box_release_full(message->watch, clear);
    g_free(message);
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

static void tell(VgGpuWatch *watch, const VgGpuNews *news, guint64 at) {
    struct pollfd stop = {.fd = watch->fds[STOP], .events = POLLIN};
    while (g_atomic_int_get(&watch->waiting) >= MOST_WAITING && poll(&stop, 1, PATIENCE_MS) <= 0)
        continue;
    Message *message = g_new(Message, 1);
    *message = (Message){g_atomic_rc_box_acquire(watch), *news, at};
    g_atomic_int_inc(&watch->waiting);
    vg_job_tell(deliver, message);
}

/* "6,1234,5678901,-;text\n KEY=VALUE\n" */
static void read_record(VgGpuWatch *watch, char *text) {
    char *said = strchr(text, ';'), *comma = strchr(text, ',');
    VgGpuNews news;
    if (said == NULL || comma == NULL || comma > said)
        return;
    guint64 number = g_ascii_strtoull(comma + 1, NULL, 10);
    said[strcspn(said, "\n")] = '\0';
    if (number <= watch->at)
        return;
    watch->at = number;
    if (vg_gpu_news_of_log(said + 1, &news))
        tell(watch, &news, number);
}

/* Whole lines only: one that is just being written is read when it is complete, or when it is as long as none is. */
static void read_lines(VgGpuWatch *watch, char *text, gsize len) {
    VgGpuNews news;
    char *line = text;
    for (char *end; (end = memchr(line, '\n', (gsize)(text + len - line))) != NULL; line = end + 1) {
        *end = '\0';
        watch->at += (guint64)(end - line) + 1;
        if (vg_gpu_news_of_log(line, &news))
            tell(watch, &news, watch->at);
    }
    if (line == text && len >= LINE_MOST)
        watch->at += len;
}

static void read_log(VgGpuWatch *watch) {
    char text[LINE_MOST + 1];
    for (;;) {
        gssize n = watch->records ? read(watch->fds[LOG], text, LINE_MOST)
                                  : pread(watch->fds[LOG], text, LINE_MOST, (off_t)watch->at);
        guint64 before = watch->at;
        if (n < 0 && errno == EPIPE) /* some were lost before they could be read */
            continue;
        if (n <= 0)
            return;
        text[n] = '\0';
        if (watch->records)
            read_record(watch, text);
        else
            read_lines(watch, text, (gsize)n);
        if (!watch->records && watch->at == before)
            return;
    }
}

static void read_events(VgGpuWatch *watch) {
    char text[LINE_MOST];
    for (gssize n; (n = recv(watch->fds[EVENTS], text, sizeof text, MSG_DONTWAIT)) > 0 || errno == ENOBUFS;) {
        VgGpuNews news = {.kind = VG_NEWS_DEVICES}; /* of lost ones: there may have been some */
        if (n <= 0 || vg_gpu_news_of_event(text, (gsize)n, &news))
            tell(watch, &news, 0);
    }
}

/* The plain log grew, or mediated devices came or went: only the latter are worth a word. */
static void read_files(VgGpuWatch *watch) {
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    gboolean devices = FALSE;
    for (gssize n; (n = read(watch->fds[FILES], buffer, sizeof buffer)) > 0;)
        for (gssize at = 0; at < n;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);
            devices = devices || (event->mask & (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM)) != 0;
            at += (gssize)(sizeof *event + event->len);
        }
    if (devices)
        tell(watch, &(VgGpuNews){.kind = VG_NEWS_DEVICES}, 0);
    if (!watch->records)
        read_log(watch);
}

static void *listen_to(void *data) {
    static void (*const readers[N_FDS])(VgGpuWatch *
                                        watch) = {[LOG] = read_log, [EVENTS] = read_events, [FILES] = read_files};
    VgGpuWatch *watch = data;
    struct pollfd fds[N_FDS];
    for (guint i = 0; i < N_FDS; i++)
        fds[i] = (struct pollfd){.fd = watch->fds[i], .events = POLLIN};
    if (!watch->records) /* always readable, says poll of a plain file */
        fds[LOG].fd = -1;
    read_log(watch);
    while (poll(fds, N_FDS, -1) < 0 || !fds[STOP].revents)
        for (guint i = 0; i < STOP; i++)
            if (fds[i].revents)
                readers[i](watch);
    return NULL;
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

static void open_log(VgGpuWatch *watch, const char *path) {
    struct stat st;
    watch->fds[LOG] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (watch->fds[LOG] < 0 || fstat(watch->fds[LOG], &st) < 0) {
        vg_info("the kernel's log %s cannot be read (%s): a GPU that fails is not noticed by it", path,
                g_strerror(errno));
        return;
    }
    watch->records = S_ISCHR(st.st_mode);
    if (!watch->records && watch->at > (guint64)st.st_size)
        watch->at = 0;
}

static VgFd open_events(void) {
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = UEVENT_GROUP};
    g_auto(VgFd) fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
        vg_info("the kernel's events cannot be heard: %s", g_strerror(errno));
        return -1;
    }
    return vg_fd_steal(&fd);
}

VgGpuWatch *vg_gpu_watch_new(VgGpuHost *host, guint64 since, VgGpuNewsFunc func, gpointer data) {
    VgGpuWatch *watch = g_atomic_rc_box_new0(VgGpuWatch);
    const char *root = vg_sysroot_path(host->root);
    g_autofree char *log = g_build_filename(root, "dev", "kmsg", NULL);
    g_autofree char *devices = g_build_filename(root, "sys", "bus", "mdev", "devices", NULL);
    watch->func = func;
    watch->data = data;
    watch->at = since;
    open_log(watch, log);
    watch->fds[EVENTS] = host->has_uevents ? open_events() : -1;
    watch->fds[FILES] = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch->fds[STOP] = eventfd(0, EFD_CLOEXEC);
    if (!host->has_uevents && watch->fds[FILES] >= 0) {
        inotify_add_watch(watch->fds[FILES], log, IN_MODIFY);
        inotify_add_watch(watch->fds[FILES], devices, IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM);
    }
    watch->thread = g_thread_new("gpu-watch", listen_to, watch);
    return watch;
}

void vg_gpu_watch_free(VgGpuWatch *watch) {
    if (watch == NULL)
        return;
    watch->func = NULL;
    eventfd_write(watch->fds[STOP], 1);
    g_thread_join(watch->thread);
    g_atomic_rc_box_release_full(watch, clear);
}
