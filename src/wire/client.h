/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client.h: the inside of a server and of its clients, for server.c, client.c and keepalive.c.
 *
 * A client is OPEN; CLOSING, when only what is queued still goes out; or CUT, when it is dead and waits for its
 * `closed`. Whatever kills a client only marks it CUT and wakes it: the end itself comes from the server's source, so
 * that nobody loses a client under his feet.
 */
#pragma once

#include <sys/epoll.h>

#include "wire/frame.h"
#include "wire/outq.h"
#include "wire/server.h"
#include "wire/stream.h"

enum {
    VG_BATCH = 64,                     /* events of one epoll_wait */
    VG_READ_SIZE = 64 * 1024,          /* one read; may hold hundreds of calls */
    VG_TURN = 32,                      /* messages of one client before the others have their turn */
    VG_HELD_BYTES = 256 * 1024,        /* whole messages taken in while max_calls are under way */
    VG_LINGER_US = 5 * G_USEC_PER_SEC, /* a closing client has so long to read its last answer */
};

/* What an epoll event points to. */
typedef struct {
    int fd;
    enum { VG_WATCH_CLIENT, VG_WATCH_LISTENER, VG_WATCH_STREAM, VG_WATCH_WAKEUP } kind;
} VgWatch;

typedef struct {
    VgWatch watch;
    char *path;
    char *name; /* last part of the path; a GRefString */
    gboolean read_only, paused, ours;
    guint64 device, inode; /* of the file we made */
} VgListener;

struct VgServer {
    VgServerLimits limits;
    const VgServerHandler *handler;
    gpointer data;
    int epoll;
    GMainContext *context;
    GSource *source, *tick; /* tick: NULL while nothing is timed */
    GPtrArray *listeners;
    GQueue clients, anonymous, ready; /* through links inside the clients; anonymous: oldest first */
    guint timed;                      /* clients with keepalive, or closing */
    guint64 last_serial;
    guint n_streams;                /* of all clients */
    VgStream *dead_streams;         /* freed at the end of the turn */
    gsize memory, memory_read_only; /* sums of the clients' charged: of all, and of those who may only read */
    guint8 *scratch;
    gboolean stopping;
    VgWatch wakeup; /* GLib's own descriptor, when we wait in its place */
    int n_events;   /* found by that, not yet handled */
    struct epoll_event events[VG_BATCH];
};

typedef enum { VG_CLIENT_OPEN, VG_CLIENT_CLOSING, VG_CLIENT_CUT } VgClientState;

struct VgClient {
    VgWatch watch;
    gatomicrefcount refs;
    VgServer *server; /* NULL after the end */
    VgClientState state;
    guint32 interest; /* epoll's mask now */
    gboolean read_only, anonymous, is_ready, keepalive, timed;
    gboolean corked; /* its input is being worked on: what is sent waits for the end of it */
    guint64 serial;
    char *socket; /* a GRefString */
    GList link, anonymous_link, ready_link;

    VgFrame frame;
    gsize charged; /* frame, held, out and stream_bytes, as the server counts them */
    GQueue held;   /* of VgMsg, whole, not yet handed up */
    gsize held_bytes;
    guint calls;
    VgOutq out;
    VgStream *streams;
    guint n_streams;
    gsize stream_bytes; /* sent by it, not yet taken by what is behind its streams */
    GPtrArray *fillers; /* VgClient that wait until it has read; NULL: none */
    guint holds;        /* reasons not to hand its messages up */

    gint64 heard;    /* when it last gave a sign of life */
    guint pings;     /* unanswered since */
    gint64 deadline; /* CLOSING: when patience ends */

    gpointer data;
    GDestroyNotify destroy;
};

/* server.c */
void vg_server_wake(VgServer *server, VgClient *client); /* vg_client_run() soon, from the source */
void vg_server_timed(VgServer *server);                  /* something is timed now: tick */

/* client.c, for server.c */
VgClient *vg_client_new(VgServer *server, int fd, gboolean read_only, char *socket);
void vg_client_event(VgClient *client, guint32 events);
void vg_client_run(VgClient *client);
void vg_client_cut(VgClient *client);
void vg_client_drop(VgClient *client); /* all that is held for it */
void vg_client_tick(VgClient *client, gint64 now);

/* client.c, for stream.c */
void vg_client_update(VgClient *client);     /* what it waits for has changed */
void vg_client_make_timed(VgClient *client); /* it has a deadline */

/* stream.c */
gboolean vg_streams_message(VgClient *client, VgMsg *msg); /* FALSE: of none of ours */
gboolean vg_streams_is_abort(const VgMsgHeader *header);
void vg_streams_watch(VgClient *client); /* room came or went */
void vg_streams_run(VgClient *client);   /* those that cannot be polled */
void vg_streams_tick(VgClient *client, gint64 now);
void vg_streams_drop(VgClient *client);     /* all of them */
void vg_streams_farewell(VgClient *client); /* the same, and the client hears it if it has room */
void vg_streams_bury(VgServer *server);
void vg_stream_event(VgStream *stream, guint32 events);

/* keepalive.c */
gboolean vg_keepalive_is(const VgMsgHeader *header);
/* Answers a ping; a pong needs nothing, every byte is a sign of life. */
void vg_keepalive_message(VgClient *client, const VgMsg *msg);
/* Pings when idle. FALSE: given up. */
gboolean vg_keepalive_tick(VgClient *client, gint64 now);
