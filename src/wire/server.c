/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * server.c: listening sockets and connections behind one epoll descriptor, which is the one thing that GLib polls. A
 * turn handles what is ready, each client one read at most, and then those that were woken: whose messages waited, and
 * who is to end.
 */
#include "config.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define VG_AREA "wire"
#include "base/clock.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "base/log.h"
#include "wire/client.h"
#include "wire/socket.h"

enum {
    ROUNDS = 4,       /* full batches before GLib's other sources have their turn */
    ACCEPT_TURN = 16, /* connections taken at once */
    RESERVED = 10,    /* one in so many of max_clients is not for read-only sockets */
    TICK_MAX_MS = 1000,
};

const VgServerLimits vg_server_limits = {
    .max_clients = 5000,
    .max_anonymous = 20,
    .max_calls = 64,
    .max_queue = 1024 * 1024,
    .max_memory = 256 * 1024 * 1024,
    .keepalive_us = 5 * G_USEC_PER_SEC,
    .keepalive_count = 5,
    .max_streams = 64,
    .max_streams_all = 1024,
    .stream_finish_us = 2 * G_USEC_PER_SEC,
};

typedef struct {
    GSource base;
    VgServer *server;
    gpointer tag;
} VgServerSource;

/* --- accepting ---------------------------------------------------------------------------------------------------- */

static gboolean has_room(const VgServer *server, const VgListener *listener) {
    guint max = server->limits.max_clients;
    return server->clients.length < (listener->read_only ? max - max / RESERVED : max);
}

static void set_paused(VgServer *server, VgListener *listener, gboolean paused) {
    if (listener->paused == paused)
        return;
    struct epoll_event event = {.events = paused ? 0 : EPOLLIN, .data.ptr = &listener->watch};
    epoll_ctl(server->epoll, EPOLL_CTL_MOD, listener->watch.fd, &event);
    listener->paused = paused;
    vg_debug("%s: %s accepting", listener->name, paused ? "paused" : "resumed");
}

static void resume_accepting(VgServer *server) {
    for (guint i = 0; i < server->listeners->len; i++) {
        VgListener *listener = server->listeners->pdata[i];
        if (listener->paused && has_room(server, listener))
            set_paused(server, listener, FALSE);
    }
}

static void push_out_anonymous(VgServer *server) {
    for (GList *l = server->anonymous.head; l != NULL; l = l->next) {
        VgClient *client = l->data;
        if (client->calls > 0)
            continue;
        vg_info("client %" G_GUINT64_FORMAT " on %s did not authenticate and makes room for others", client->serial,
                client->socket);
        vg_client_cut(client);
        vg_client_authenticated(client); /* out of the count */
        return;
    }
}

/*
 * Said, and not left to closing it: while a child that was forked has not come to its exec, it has the descriptor too,
 * and epoll would go on telling of it.
 */
static void unwatch(const VgServer *server, int fd) {
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static VgClient *add_client(VgServer *server, int fd, gboolean read_only, char *name) {
    VgClient *client = vg_client_new(server, fd, read_only, name);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &client->watch};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        vg_warn("cannot watch a new client: %s", g_strerror(errno));
        vg_fd_close(fd);
        vg_client_unref(client);
        return NULL;
    }
    g_queue_push_tail_link(&server->clients, &client->link);
    client->anonymous = TRUE;
    g_queue_push_tail_link(&server->anonymous, &client->anonymous_link);
    server->handler->connected(client, server->data);
    if (server->anonymous.length > server->limits.max_anonymous)
        push_out_anonymous(server);
    return client;
}

static void accept_some(VgServer *server, VgListener *listener) {
    for (int i = 0; i < ACCEPT_TURN; i++) {
        if (!has_room(server, listener)) {
            vg_warn("%s: %u clients are connected, more have to wait", listener->name, server->clients.length);
            set_paused(server, listener, TRUE);
            return;
        }
        int fd = accept4(listener->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            add_client(server, fd, listener->read_only, listener->name);
            continue;
        }
        if (errno == EAGAIN)
            return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* It would stay readable: ask again when a client has gone, or with the next tick. */
            vg_warn("%s: cannot accept a connection: %s", listener->name, g_strerror(errno));
            set_paused(server, listener, TRUE);
            vg_server_timed(server);
            return;
        }
    }
}

/* --- the end of a client ------------------------------------------------------------------------------------------ */

static void finish(VgServer *server, VgClient *client) {
    vg_client_authenticated(client);
    g_queue_unlink(&server->clients, &client->link);
    if (client->timed)
        server->timed--;
    client->timed = FALSE;
    vg_client_drop(client);
    unwatch(server, client->watch.fd);
    vg_fd_clear(&client->watch.fd);
    server->handler->closed(client, server->data);
    client->server = NULL;
    vg_client_unref(client);
    resume_accepting(server);
}

void vg_server_wake(VgServer *server, VgClient *client) {
    if (client->is_ready)
        return;
    client->is_ready = TRUE;
    g_queue_push_tail_link(&server->ready, &client->ready_link);
}

static void run_ready(VgServer *server) {
    for (guint n = server->ready.length; n > 0; n--) {
        VgClient *client = g_queue_pop_head_link(&server->ready)->data;
        client->is_ready = FALSE;
        if (client->state == VG_CLIENT_CUT)
            finish(server, client);
        else
            vg_client_run(client);
    }
}

/* --- the source --------------------------------------------------------------------------------------------------- */

static gboolean source_prepare(GSource *source, int *timeout) {
    *timeout = -1;
    return ((VgServerSource *)source)->server->ready.length > 0;
}

static gboolean source_check(GSource *source) {
    VgServerSource *self = (VgServerSource *)source;
    return self->server->ready.length > 0 || g_source_query_unix_fd(source, self->tag) != 0;
}

/* What direct_poll() found, or what is there now. */
static int take_events(VgServer *server) {
    int n = server->n_events;
    server->n_events = 0;
    return n > 0 ? n : epoll_wait(server->epoll, server->events, VG_BATCH, 0);
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer data) {
    VgServer *server = ((VgServerSource *)source)->server;
    for (int round = 0; round < ROUNDS; round++) {
        int n = take_events(server);
        for (int i = 0; i < n; i++) {
            VgWatch *watch = server->events[i].data.ptr;
            if (watch->kind == VG_WATCH_CLIENT)
                vg_client_event((VgClient *)watch, server->events[i].events);
            else if (watch->kind == VG_WATCH_LISTENER)
                accept_some(server, (VgListener *)watch);
            else if (watch->kind == VG_WATCH_STREAM)
                vg_stream_event((VgStream *)watch, server->events[i].events);
        }
        run_ready(server);
        vg_streams_bury(server);
        if (n < VG_BATCH)
            break;
    }
    return G_SOURCE_CONTINUE;
}

/* --- waiting in our own epoll instead of GLib's poll -------------------------------------------------------------- */

static VgServer *direct_server;

/* GLib's wake-up descriptor lives as long as its context, so it is watched once and for all. */
static gboolean watch_wakeup(VgServer *server, int fd) {
    if (server->wakeup.fd == fd)
        return TRUE;
    server->wakeup = (VgWatch){.fd = fd, .kind = VG_WATCH_WAKEUP};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &server->wakeup};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/*
 * If GLib would poll but us and its own wake-up, one epoll_wait does both and brings our events along; a turn costs one
 * system call less. As soon as somebody else's descriptor is among them, it is GLib's poll again.
 */
static gint direct_poll(GPollFD *fds, guint n, gint timeout) {
    VgServer *server = direct_server;
    guint own = n == 2 && fds[1].fd == server->epoll ? 1 : 0;
    server->n_events = 0;
    if (n != 2 || fds[own].fd != server->epoll || !watch_wakeup(server, fds[1 - own].fd))
        return g_poll(fds, n, timeout);
    fds[0].revents = fds[1].revents = 0;
    int found = epoll_wait(server->epoll, server->events, VG_BATCH, timeout);
    if (found < 0)
        return found;
    server->n_events = found;
    for (int i = 0; i < found; i++)
        fds[server->events[i].data.ptr == &server->wakeup ? 1 - own : own].revents = G_IO_IN;
    return (fds[0].revents != 0) + (fds[1].revents != 0);
}

void vg_server_poll_directly(VgServer *server) {
    direct_server = server;
    g_main_context_set_poll_func(server->context, direct_poll);
}

static GSourceFuncs source_funcs = {.prepare = source_prepare, .check = source_check, .dispatch = source_dispatch};

static gboolean tick(gpointer data) {
    VgServer *server = data;
    gint64 now = vg_clock_mono_us();
    for (GList *l = server->clients.head; l != NULL; l = l->next)
        vg_client_tick(l->data, now);
    resume_accepting(server);
    if (server->timed > 0)
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&server->tick, g_source_unref);
    return G_SOURCE_REMOVE;
}

void vg_server_timed(VgServer *server) {
    if (server->tick != NULL)
        return;
    guint interval =
        server->limits.keepalive_us == 0 ? TICK_MAX_MS : MIN(server->limits.keepalive_us / 5000, (guint)TICK_MAX_MS);
    server->tick = g_timeout_source_new(MAX(interval, 1));
    g_source_set_callback(server->tick, tick, server, NULL);
    g_source_attach(server->tick, server->context);
}

/* --- what is asked of it ------------------------------------------------------------------------------------------ */

static void listener_free(gpointer data) {
    VgListener *listener = data;
    struct stat st;
    /* By now the path may be another daemon's. */
    if (listener->ours && lstat(listener->path, &st) == 0 && st.st_dev == listener->device &&
        st.st_ino == listener->inode)
        unlink(listener->path);
    vg_fd_clear(&listener->watch.fd);
    g_ref_string_release(listener->name);
    g_free(listener->path);
    g_free(listener);
}

VgServer *vg_server_new(const VgServerLimits *limits, const VgServerHandler *handler, gpointer data) {
    VgServer *server = g_new0(VgServer, 1);
    server->limits = *limits;
    server->handler = handler;
    server->data = data;
    server->listeners = g_ptr_array_new_with_free_func(listener_free);
    server->scratch = g_malloc(VG_READ_SIZE);
    server->context = g_main_context_ref_thread_default();
    server->wakeup.fd = -1;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0)
        g_error("epoll_create1: %s", g_strerror(errno));
    server->source = g_source_new(&source_funcs, sizeof(VgServerSource));
    g_source_set_name(server->source, "virtgrid-clients");
    VgServerSource *self = (VgServerSource *)server->source;
    self->server = server;
    self->tag = g_source_add_unix_fd(server->source, server->epoll, G_IO_IN);
    /* Nothing here turns the loop again. A source that may not recurse is taken out of the poll and put back at each
     * turn: three system calls more. */
    g_source_set_can_recurse(server->source, TRUE);
    g_source_attach(server->source, server->context);
    return server;
}

void vg_server_free(VgServer *server) {
    vg_server_stop_accepting(server);
    while (server->clients.head != NULL) {
        VgClient *client = server->clients.head->data;
        vg_streams_farewell(client);
        client->state = VG_CLIENT_CUT;
        if (client->is_ready)
            g_queue_unlink(&server->ready, &client->ready_link);
        client->is_ready = TRUE; /* wakes nobody any more */
        finish(server, client);
    }
    vg_streams_bury(server);
    if (server->tick != NULL)
        g_source_destroy(server->tick);
    g_clear_pointer(&server->tick, g_source_unref);
    if (direct_server == server) {
        g_main_context_set_poll_func(server->context, NULL);
        direct_server = NULL;
    }
    g_source_destroy(server->source);
    g_source_unref(server->source);
    vg_fd_clear(&server->epoll);
    g_main_context_unref(server->context);
    g_ptr_array_unref(server->listeners);
    g_free(server->scratch);
    g_free(server);
}

gboolean vg_server_listen_unix(VgServer *server, const char *path, int fd, guint mode, gboolean read_only,
                               GError **error) {
    gboolean ours = fd < 0;
    if (ours && (fd = vg_socket_listen_unix(path, mode, error)) < 0)
        return FALSE;
    if (!ours && !vg_socket_prepare(fd)) {
        vg_set_errno(error, errno, _("cannot use the socket handed over for '%s'"), path);
        return FALSE;
    }
    VgListener *listener = g_new0(VgListener, 1);
    g_autofree char *name = g_path_get_basename(path);
    *listener = (VgListener){
        .watch = {.fd = fd, .kind = VG_WATCH_LISTENER}, .path = g_strdup(path), .read_only = read_only, .ours = ours};
    listener->name = g_ref_string_new(name);
    struct stat st;
    if (ours && lstat(path, &st) == 0) {
        listener->device = st.st_dev;
        listener->inode = st.st_ino;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener->watch};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        vg_set_errno(error, errno, _("cannot watch the socket '%s'"), path);
        listener_free(listener);
        return FALSE;
    }
    g_ptr_array_add(server->listeners, listener);
    return TRUE;
}

VgClient *vg_server_adopt(VgServer *server, int fd, gboolean read_only) {
    if (!vg_socket_prepare(fd)) {
        vg_warn("cannot adopt a connection: %s", g_strerror(errno));
        vg_fd_close(fd);
        return NULL;
    }
    char *name = g_ref_string_new("adopted");
    VgClient *client = add_client(server, fd, read_only, name);
    g_ref_string_release(name);
    return client;
}

void vg_server_stop_accepting(VgServer *server) {
    server->stopping = TRUE;
    server->n_events = 0; /* one may point to a listener; epoll will tell again of the others */
    for (guint i = 0; i < server->listeners->len; i++)
        unwatch(server, ((VgListener *)server->listeners->pdata[i])->watch.fd);
    g_ptr_array_set_size(server->listeners, 0);
}

guint vg_server_clients(const VgServer *server) {
    return server->clients.length;
}
