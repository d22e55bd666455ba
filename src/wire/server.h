/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * server.h: listening sockets and their clients; bytes in, messages out. Knows no procedure, except that the keepalive
 * program is answered here.
 *
 * All clients sit behind one epoll descriptor with one GSource. A client's input is read into one buffer and handed up
 * message by message; its output is a queue of referenced messages. Two things bound it (VgServerLimits.max_queue
 * bytes): while so much waits, no further call of the client is taken up; and who lets so many events wait is cut off
 * and logged once. So a slow reader of large replies only waits. While a client has max_calls calls unanswered, its
 * next ones wait, first here (256 KiB), then in its socket; keepalive is answered all the same. A half-sent message
 * lives as long as its client, and takes memory as its bytes come. All of this together is bounded by max_memory.
 * Memory of an idle client: under 1 KiB. Everything on the main loop.
 */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "wire/message.h"

typedef struct VgServer VgServer;
typedef struct VgClient VgClient;

typedef struct {
    guint max_clients; /* 5000, more wait to be accepted; read-only sockets leave the last tenth to the others */
    /* 20: connected, not yet authenticated; one more pushes out the oldest that has no call under way. */
    guint max_anonymous;
    guint max_calls; /* 64 in flight on one connection */
    gsize max_queue; /* 1 MiB of output waiting for one client, see above */
    /*
     * 256 MiB for all that is held for clients together: messages half-sent, waiting to be taken up, waiting to be
     * read. A quarter of it for read-only clients. Beyond it who wants more, and has 64 KiB already, is cut off.
     */
    gsize max_memory;
    guint keepalive_us;    /* 5 s; 0: off */
    guint keepalive_count; /* 5 unanswered pings end the connection */
    guint max_streams;     /* 64 of one connection, 1024 of all together: each holds a descriptor */
    guint max_streams_all;
    guint stream_finish_us; /* 2 s: so long may a console take what was typed before the client left it */
} VgServerLimits;
extern const VgServerLimits vg_server_limits; /* the defaults */

typedef struct {
    /* A client came; its data may be set with vg_client_set_data(). */
    void (*connected)(VgClient *client, gpointer data);
    /* A whole message, but none of keepalive nor of a stream (stream.h). Borrowed; keep it with vg_msg_ref(). */
    void (*message)(VgClient *client, VgMsg *msg, gpointer data);
    /* The connection is gone; nothing can be sent any more. The VgClient lives on while referenced. */
    void (*closed)(VgClient *client, gpointer data);
    /* A message of a stream that is none of ours (any more); NULL: dropped. Borrowed. */
    void (*stray)(VgClient *client, VgMsg *msg, gpointer data);
} VgServerHandler;

/* On the caller's default main context. */
VgServer *vg_server_new(const VgServerLimits *limits, const VgServerHandler *handler, gpointer data);
/* Ends every connection (each gets its `closed`, and hears of the end of its streams if it has room) and removes the
 * socket files it made. Not from inside a handler. */
void vg_server_free(VgServer *server);

/* Listens at @path (at most 107 bytes; a stale socket file nobody listens on is replaced, a live one refused by name),
 * mode @mode, or adopts @fd if >= 0. */
gboolean vg_server_listen_unix(VgServer *server, const char *path, int fd, guint mode, gboolean read_only,
                               GError **error);
/* Takes over a connected socket: tests, fuzzers. */
VgClient *vg_server_adopt(VgServer *server, int fd, gboolean read_only);
/* Closes the listening sockets and takes up no further call; what is under way is still answered. */
void vg_server_stop_accepting(VgServer *server);
/* From now on its main context waits in the server's own epoll while nothing else is to be polled: a system call less
 * per call. At most one server of a process, on the default context. */
void vg_server_poll_directly(VgServer *server);
guint vg_server_clients(const VgServer *server);

/* --- a client ----------------------------------------------------------------------------------------------------- */

VgClient *vg_client_ref(VgClient *client);
void vg_client_unref(VgClient *client);
gboolean vg_client_is_open(const VgClient *client);
gboolean vg_client_read_only(const VgClient *client);
guint64 vg_client_serial(const VgClient *client); /* unique in this run */
/* Of the peer (SO_PEERCRED); FALSE if unknown. */
gboolean vg_client_credentials(const VgClient *client, uint32_t *uid, uint32_t *gid, gint32 *pid);
const char *vg_client_socket(const VgClient *client); /* name of the listening socket: "virtxend-sock" */

void vg_client_set_data(VgClient *client, gpointer data, GDestroyNotify destroy);
gpointer vg_client_data(const VgClient *client);
void vg_client_authenticated(VgClient *client); /* no longer counted as anonymous */

/* Queues @msg (takes its own reference). Silently nothing if the client is closed. */
void vg_client_send(VgClient *client, VgMsg *msg);
/* Nothing more of this client is handed up until it was released as often as held; what it sends waits, bounded. */
void vg_client_hold(VgClient *client);
void vg_client_release(VgClient *client);
/* Sends as above what @from, perhaps of another server, has sent: while much of it waits for @client, @from is held. */
void vg_client_pass(VgClient *client, VgMsg *msg, VgClient *from);
/* One more / one less call of this client is being worked on (max_calls). */
void vg_client_call_begin(VgClient *client);
void vg_client_call_end(VgClient *client);
/* From now on the client is pinged when idle (it asked for feature 10). */
void vg_client_keepalive_start(VgClient *client);
/* After what is queued has been sent. */
void vg_client_close(VgClient *client);
