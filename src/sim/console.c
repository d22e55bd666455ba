/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * console.c: see the header. One epoll for all terminals, in a thread: in the main loop one more descriptor would cost
 * every call of every client a system call. Both sides of a terminal are kept open, so that it does not hang up when a
 * client leaves, and keeps what is said meanwhile, as far as a terminal does.
 */
#include "config.h"
#include "sim/console.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

#define VG_AREA "sim"
#include "base/log.h"

enum { BATCH = 16, TAKE = 1024, SAID_MAX = 16 * 1024, FILE_MAX = 64 * 1024 };
#define STOP G_MAXUINT64 /* no domid */

typedef struct {
    guint32 domid;
    VgFd master, slave, file;
    gsize file_len;
    char path[64];
    gboolean running;
    GString *said; /* not yet in the terminal; while there is some, nothing is taken */
} Console;

struct VgSimConsoles {
    pthread_mutex_t lock; /* guards the table and what is in it */
    char *dir;
    VgFd epoll, stop;
    GThread *thread;
    GHashTable *table; /* domid -> Console */
};

static void console_free(gpointer data) {
    Console *console = data;
    vg_fd_clear(&console->slave);
    vg_fd_clear(&console->master);
    vg_fd_clear(&console->file);
    g_string_free(console->said, TRUE);
    g_free(console);
}

static char *file_path(const VgSimConsoles *consoles, guint32 domid) {
    return g_strdup_printf("%s/%u.console", consoles->dir, domid);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

/* Its last half stays. */
static void shorten(VgSimConsoles *consoles, Console *console) {
    g_autofree char *path = file_path(consoles, console->domid);
    g_autofree char *tail = g_malloc(FILE_MAX / 2);
    gssize n = pread(console->file, tail, FILE_MAX / 2, (off_t)(console->file_len - FILE_MAX / 2));
    if (n <= 0 || ftruncate(console->file, 0) < 0 || !vg_fd_write_all(console->file, tail, (gsize)n))
        vg_warn("%s cannot be shortened", path);
    console->file_len = (gsize)MAX(n, 0);
}

static void keep(VgSimConsoles *consoles, Console *console, const char *text, gsize len) {
    if (console->file < 0 || !vg_fd_write_all(console->file, text, len))
        return;
    console->file_len += len;
    if (console->file_len > FILE_MAX)
        shorten(consoles, console);
}

static void open_file(VgSimConsoles *consoles, Console *console) {
    g_autofree char *path = file_path(consoles, console->domid);
    console->file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    off_t len = console->file >= 0 ? lseek(console->file, 0, SEEK_END) : 0;
    console->file_len = (gsize)MAX(len, 0);
}

/* --- the terminal ------------------------------------------------------------------------------------------------- */

static void watch(VgSimConsoles *consoles, Console *console) {
    guint32 want = console->said->len ? EPOLLOUT : console->running ? EPOLLIN : 0;
    struct epoll_event event = {.events = want, .data.u64 = console->domid};
    epoll_ctl(consoles->epoll, EPOLL_CTL_MOD, console->master, &event);
}

static void flush(VgSimConsoles *consoles, Console *console) {
    gssize n = console->said->len ? write(console->master, console->said->str, console->said->len) : 0;
    if (n > 0)
        g_string_erase(console->said, 0, n);
    watch(consoles, console);
}

/* As a terminal wants it: a new line begins at its left. */
static void say(VgSimConsoles *consoles, Console *console, const char *text, gsize len) {
    gsize before = console->said->len;
    for (gsize i = 0; i < len && console->said->len < SAID_MAX; i++) {
        g_string_append_c(console->said, text[i]);
        if (text[i] == '\r')
            g_string_append_c(console->said, '\n');
    }
    keep(consoles, console, console->said->str + before, console->said->len - before);
    flush(consoles, console);
}

static void on_event(VgSimConsoles *consoles, guint32 domid, guint32 events) {
    char typed[TAKE];
    pthread_mutex_lock(&consoles->lock);
    Console *console = g_hash_table_lookup(consoles->table, GUINT_TO_POINTER(domid));
    if (console && events & EPOLLOUT)
        flush(consoles, console);
    else if (console && console->running && !console->said->len) {
        gssize n = read(console->master, typed, sizeof typed);
        if (n > 0)
            say(consoles, console, typed, (gsize)n);
    }
    pthread_mutex_unlock(&consoles->lock);
}

static gpointer run(gpointer data) {
    VgSimConsoles *consoles = data;
    struct epoll_event events[BATCH];
    for (;;) {
        int n = epoll_wait(consoles->epoll, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == STOP)
                return NULL;
            on_event(consoles, (guint32)events[i].data.u64, events[i].events);
        }
    }
}

/* Both sides, and no echo or line of its own between them. */
static gboolean open_terminal(Console *console) {
    struct termios mode;
    console->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (console->master < 0 || grantpt(console->master) < 0 || unlockpt(console->master) < 0 ||
        ptsname_r(console->master, console->path, sizeof console->path) != 0)
        return FALSE;
    console->slave = open(console->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (console->slave < 0 || tcgetattr(console->slave, &mode) < 0)
        return FALSE;
    cfmakeraw(&mode);
    return tcsetattr(console->slave, TCSANOW, &mode) == 0;
}

/* --- what is asked of it ------------------------------------------------------------------------------------------ */

void vg_sim_console_add(VgSimConsoles *consoles, guint32 domid, gboolean running) {
    Console *console = g_new0(Console, 1);
    *console = (Console){.domid = domid, .master = -1, .slave = -1, .file = -1, .running = running};
    console->said = g_string_new(NULL);
    struct epoll_event event = {.events = running ? EPOLLIN : 0, .data.u64 = domid};
    if (!open_terminal(console) || epoll_ctl(consoles->epoll, EPOLL_CTL_ADD, console->master, &event) < 0) {
        vg_info("domain %u has no terminal: %s", domid, g_strerror(errno));
        console_free(console);
        return;
    }
    open_file(consoles, console);
    pthread_mutex_lock(&consoles->lock);
    g_hash_table_replace(consoles->table, GUINT_TO_POINTER(domid), console);
    pthread_mutex_unlock(&consoles->lock);
}

void vg_sim_console_remove(VgSimConsoles *consoles, guint32 domid) {
    g_autofree char *path = file_path(consoles, domid);
    pthread_mutex_lock(&consoles->lock);
    g_hash_table_remove(consoles->table, GUINT_TO_POINTER(domid));
    unlink(path); /* one whose making was cut short has but the file */
    pthread_mutex_unlock(&consoles->lock);
}

void vg_sim_console_run(VgSimConsoles *consoles, guint32 domid, gboolean running) {
    pthread_mutex_lock(&consoles->lock);
    Console *console = g_hash_table_lookup(consoles->table, GUINT_TO_POINTER(domid));
    if (console) {
        console->running = running;
        watch(consoles, console);
    }
    pthread_mutex_unlock(&consoles->lock);
}

void vg_sim_console_say(VgSimConsoles *consoles, guint32 domid, const char *line) {
    pthread_mutex_lock(&consoles->lock);
    Console *console = g_hash_table_lookup(consoles->table, GUINT_TO_POINTER(domid));
    if (console) {
        say(consoles, console, line, strlen(line));
        say(consoles, console, "\r", 1);
    }
    pthread_mutex_unlock(&consoles->lock);
}

char *vg_sim_console_path(VgSimConsoles *consoles, guint32 domid) {
    pthread_mutex_lock(&consoles->lock);
    const Console *console = g_hash_table_lookup(consoles->table, GUINT_TO_POINTER(domid));
    char *path = console ? g_strdup(console->path) : NULL;
    pthread_mutex_unlock(&consoles->lock);
    return path;
}

VgSimConsoles *vg_sim_consoles_new(const char *dir) {
    VgSimConsoles *consoles = g_new0(VgSimConsoles, 1);
    pthread_mutex_init(&consoles->lock, NULL);
    consoles->dir = g_strdup(dir);
    consoles->table = g_hash_table_new_full(NULL, NULL, NULL, console_free);
    consoles->epoll = epoll_create1(EPOLL_CLOEXEC);
    consoles->stop = eventfd(0, EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = STOP};
    if (consoles->epoll < 0 || consoles->stop < 0 ||
        epoll_ctl(consoles->epoll, EPOLL_CTL_ADD, consoles->stop, &event) < 0)
        g_error("epoll: %s", g_strerror(errno));
    consoles->thread = g_thread_new("sim-consoles", run, consoles);
    return consoles;
}

void vg_sim_consoles_free(VgSimConsoles *consoles) {
    if (!consoles)
        return;
    eventfd_write(consoles->stop, 1);
    g_thread_join(consoles->thread);
    g_hash_table_destroy(consoles->table);
    vg_fd_clear(&consoles->stop);
    vg_fd_clear(&consoles->epoll);
    pthread_mutex_destroy(&consoles->lock);
    g_free(consoles->dir);
    g_free(consoles);
}
