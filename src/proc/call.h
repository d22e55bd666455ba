/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * call.h: what a procedure's handler is given: the connection it came on, the driver's table, the session. Within proc
 * only; main loop only.
 */
#pragma once

#include <string.h>

#include "base/i18n.h"
#include "proc/proc.h"
#include "proc/remote_xdr.h"

#define VG_REMOTE_PROGRAM 0x20008086
#define VG_REMOTE_VERSION 1

typedef char remote_void;     /* no arguments, or an empty reply */
typedef VgStats remote_stats; /* remote_connect_get_all_domain_stats_ret, only written */

typedef enum { VG_HEARS_DOMAINS, VG_HEARS_NODEDEVS, VG_HEARS_GRID } VgHears;

/* One subscription to an event. Old ones (libvirt before 1.2) have no number of their own and get the old message. */
typedef struct {
    VgHears hears;
    int callback;      /* unique on this connection; -1: an old one */
    int event;         /* VgEventId, VgNodedevEventId */
    gboolean filtered; /* only events of @dom */
    VgUuid dom;
    char *dev; /* only of this node device; NULL: of all */
} VgSubscription;
/* For a GArray of them. */
void vg_subscription_clear(gpointer subscription);

/* One client's state. Lives as long as the client is connected or a slow call of it is under way; so long the session
 * stays open. */
typedef struct {
    guint refs;
    VgProc *proc;
    VgClient *client;   /* not owned; NULL when it has gone */
    VgSession *session; /* NULL before CONNECT_OPEN */
    gboolean read_only;
    gboolean closing; /* CONNECT_CLOSE was answered: nothing more is read */
    GArray *subscriptions;
    int next_callback;
} VgConn;

struct VgProc {
    const VgDriver *driver;
    VgDriverState *state;
    guint sessions;
    GPtrArray *subscribers;                           /* VgConn with at least one subscription, not owned */
    guint writer_subscriptions, reader_subscriptions; /* of all connections, by their right */
};

typedef struct VgRow VgRow;

typedef struct {
    VgConn *conn;
    const VgDriver *driver;
    VgSession *session;
    const VgRow *row;
    VgMsgHeader header; /* of the call */
} VgCall;

/* stream.c: @end, which it takes over, becomes the stream of @call on @client. The reply comes after it. */
gboolean vg_call_open_stream(const VgCall *call, VgClient *client, VgStreamEnd *end, GError **error);

/* Forgets all subscriptions of @conn. */
void vg_conn_unsubscribe_all(VgConn *conn);

/* An optional string of the wire as a C string or NULL, and back (takes the string; NULL stays NULL). */
static inline const char *vg_opt(remote_string text) {
    return text != NULL ? *text : NULL;
}
remote_string vg_opt_take(char *text);

/* The text that a function of the driver returned; NULL: it failed. */
static inline gboolean vg_give_text(remote_text *ret, char *text) {
    ret->text = text;
    return text != NULL;
}

static inline VgUuid vg_dom_uuid(const remote_nonnull_domain *dom) {
    VgUuid uuid;
    memcpy(uuid.b, dom->uuid, VG_UUID_LEN);
    return uuid;
}

/* Moves @ref into @ret; the name changes owner. */
void vg_dom_take(remote_nonnull_domain *ret, VgDomRef *ref);

/* Takes @list (NULL or NULL-terminated) as an array of the wire with at most @max strings; the rest is freed. */
void vg_list_take(char **list, guint max, char ***ret_strings, u_int *ret_n);
