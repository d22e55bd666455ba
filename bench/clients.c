/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clients: how many calls a second many clients at once get done, each a thread with a connection of its own in
 * libvirt's client library. "info" asks; "define" writes a definition of the thread's own, again and again. "durable"
 * is no call: the floor of define, one file of the thread's own written with fsync, rename and fsync of its folder.
 * Prints one line of JSON.
 *
 * usage: clients URI|FOLDER CLIENTS SECONDS info|define|durable
 */
#include <fcntl.h>
#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct Worker Worker;
struct Worker {
    const char *where;
    gboolean (*once)(Worker *);
    guint number;
    char *text, *path, *temporary;
    virConnectPtr conn;
    virDomainPtr dom;
    GArray *us;
    gboolean failed;
};

static gint ready, go, stop; /* atomic */

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static gboolean info(Worker *worker) {
    virDomainInfo ret;
    return virDomainGetInfo(worker->dom, &ret) == 0;
}

static gboolean define(Worker *worker) {
    virDomainPtr dom = virDomainDefineXML(worker->conn, worker->text);
    return dom != NULL && virDomainFree(dom) == 0;
}

static gboolean write_synced(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    gboolean ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static gboolean durable(Worker *worker) {
    if (!write_synced(worker->temporary, worker->text) || rename(worker->temporary, worker->path) < 0)
        return FALSE;
    int fd = open(worker->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static const struct {
    const char *name;
    gboolean (*once)(Worker *);
    gboolean connects;
} works[] = {{"info", info, TRUE}, {"define", define, TRUE}, {"durable", durable, FALSE}};

static gboolean prepare(Worker *worker, gboolean connects) {
    const char *type = strstr(worker->where, "test") ? "test" : strstr(worker->where, "qemu") ? "qemu" : "xen";
    worker->us = g_array_new(FALSE, FALSE, sizeof(double));
    worker->text = g_strdup_printf("<domain type='%s'><name>client-%u</name><uuid>c1c1c1c1-0000-4000-8000-%012u</uuid>"
                                   "<memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>",
                                   type, worker->number, worker->number);
    worker->path = g_strdup_printf("%s/client-%u", worker->where, worker->number);
    worker->temporary = g_strconcat(worker->path, ".new", NULL);
    if (!connects)
        return TRUE;
    worker->conn = virConnectOpen(worker->where);
    if (worker->conn != NULL && worker->once == info)
        worker->dom = virDomainLookupByName(worker->conn, "d00001");
    return worker->conn != NULL && (worker->once != info || worker->dom != NULL);
}

static gpointer work(gpointer data) {
    Worker *worker = data;
    g_atomic_int_inc(&ready);
    while (!g_atomic_int_get(&go))
        g_usleep(1000);
    while (!g_atomic_int_get(&stop) && !worker->failed) {
        double begin = now_us();
        worker->failed = !worker->once(worker);
        double took = now_us() - begin;
        g_array_append_val(worker->us, took);
    }
    if (worker->failed)
        fprintf(stderr, "client %u: %s\n", worker->number, virGetLastErrorMessage());
    return NULL;
}

static int ascending(gconstpointer a, gconstpointer b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    gsize which = 0;
    while (argc == 5 && which < G_N_ELEMENTS(works) && strcmp(works[which].name, argv[4]) != 0)
        which++;
    if (argc != 5 || which == G_N_ELEMENTS(works)) {
        fprintf(stderr, "usage: clients URI|FOLDER CLIENTS SECONDS info|define|durable\n");
        return 2;
    }
    guint n = (guint)strtoul(argv[2], NULL, 10);
    g_autofree Worker *workers = g_new0(Worker, n);
    g_autofree GThread **threads = g_new0(GThread *, n);
    for (guint i = 0; i < n; i++) {
        workers[i] = (Worker){.where = argv[1], .once = works[which].once, .number = i};
        if (!prepare(&workers[i], works[which].connects)) {
            fprintf(stderr, "%s: %s\n", argv[1], virGetLastErrorMessage());
            return 1;
        }
        threads[i] = g_thread_new("client", work, &workers[i]);
    }
    while (g_atomic_int_get(&ready) < (int)n)
        g_usleep(1000);
    double begin = now_us();
    g_atomic_int_set(&go, 1);
    g_usleep((gulong)(strtod(argv[3], NULL) * G_USEC_PER_SEC));
    g_atomic_int_set(&stop, 1);
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(double));
    gboolean failed = FALSE;
    for (guint i = 0; i < n; i++) {
        g_thread_join(threads[i]);
        failed = failed || workers[i].failed;
        g_array_append_vals(all, workers[i].us->data, workers[i].us->len);
    }
    double seconds = (now_us() - begin) / 1e6;
    g_array_sort(all, ascending);
    printf("{\"per_s\": %.1f, \"p50\": %.1f, \"p99\": %.1f}\n", all->len / seconds,
           g_array_index(all, double, all->len / 2), g_array_index(all, double, (gsize)all->len * 99 / 100));
    return failed ? 1 : 0;
}
