/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * subscription.c: who wants to hear what, and the fan-out. A message differs between subscribers only in the number
 * that the client's connection gave the subscription; these count from 0 on each, so most subscribers share one encoded
 * message.
 */
#include "config.h"
#include "proc/subscription.h"

/* Of one connection: one for each domain of a full list, for one client that watches domains one by one. Of all
 * connections, and of those that may only read. */
enum {
    SUBSCRIPTIONS_MAX = REMOTE_DOMAIN_LIST_MAX,
    SUBSCRIPTIONS_ALL = 16 * SUBSCRIPTIONS_MAX,
    SUBSCRIPTIONS_READERS = SUBSCRIPTIONS_ALL / 4,
};

static guint *total_of(const VgConn *conn) {
    return conn->read_only ? &conn->proc->reader_subscriptions : &conn->proc->writer_subscriptions;
}

void vg_subscription_clear(gpointer subscription) {
    g_free(((VgSubscription *)subscription)->dev);
}

void vg_conn_unsubscribe_all(VgConn *conn) {
    if (conn->subscriptions->len > 0)
        g_ptr_array_remove_fast(conn->proc->subscribers, conn);
    *total_of(conn) -= conn->subscriptions->len;
    g_array_set_size(conn->subscriptions, 0);
}

static gboolean has_room(const VgConn *conn, GError **error) {
    guint total = *total_of(conn);
    if (conn->subscriptions->len >= SUBSCRIPTIONS_MAX) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("this connection has %u event subscriptions already; subscribe once for all domains instead"),
                     conn->subscriptions->len);
        return FALSE;
    }
    if (total >= (conn->read_only ? SUBSCRIPTIONS_READERS : SUBSCRIPTIONS_ALL)) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("all connections together have %u event subscriptions already; close some of them"), total);
        return FALSE;
    }
    return TRUE;
}

gboolean vg_subscribe(VgConn *conn, VgSubscription *subscription, GError **error) {
    if (!has_room(conn, error)) {
        vg_subscription_clear(subscription);
        return FALSE;
    }
    if (conn->subscriptions->len == 0)
        g_ptr_array_add(conn->proc->subscribers, conn);
    g_array_append_val(conn->subscriptions, *subscription);
    ++*total_of(conn);
    /* Numbers are not used twice, so that a late event is never taken for another's; after 2^31 of them they begin
     * anew. */
    if (subscription->callback == conn->next_callback)
        conn->next_callback = subscription->callback == G_MAXINT ? 0 : subscription->callback + 1;
    return TRUE;
}

gboolean vg_unsubscribe(VgConn *conn, VgHears hears, int callback, int event) {
    for (guint i = 0; i < conn->subscriptions->len; i++) {
        const VgSubscription *s = &g_array_index(conn->subscriptions, VgSubscription, i);
        if (s->hears != hears || s->callback != callback || (callback == VG_OLD_CALLBACK && s->event != event))
            continue;
        g_array_remove_index(conn->subscriptions, i);
        --*total_of(conn);
        if (conn->subscriptions->len == 0)
            g_ptr_array_remove_fast(conn->proc->subscribers, conn);
        return TRUE;
    }
    return FALSE;
}

/* --- fan-out ------------------------------------------------------------------------------------------------------ */

typedef struct {
    VgHears hears;
    VgWants wants;
    VgEncode encode;
    gconstpointer event;
    GHashTable *encoded; /* callback -> VgMsg */
} FanOut;

static VgMsg *message(const FanOut *out, int callback) {
    gpointer key = GINT_TO_POINTER(callback);
    VgMsg *msg = g_hash_table_lookup(out->encoded, key);
    if (msg == NULL && (msg = out->encode(out->event, callback)) != NULL)
        g_hash_table_insert(out->encoded, key, msg);
    return msg;
}

static void send_to(VgConn *conn, const FanOut *out) {
    for (guint i = 0; i < conn->subscriptions->len; i++) {
        const VgSubscription *s = &g_array_index(conn->subscriptions, VgSubscription, i);
        VgMsg *msg = s->hears == out->hears && out->wants(s, out->event) ? message(out, s->callback) : NULL;
        if (msg != NULL)
            vg_client_send(conn->client, msg);
    }
}

static void msg_unref(gpointer msg) {
    vg_msg_unref(msg);
}

gboolean vg_fan_out(VgProc *proc, VgHears hears, VgWants wants, VgEncode encode, gconstpointer event) {
    if (proc->subscribers->len == 0)
        return FALSE;
    g_autoptr(GHashTable) encoded = g_hash_table_new_full(NULL, NULL, NULL, msg_unref);
    const FanOut out = {hears, wants, encode, event, encoded};
    for (guint i = 0; i < proc->subscribers->len; i++)
        send_to(proc->subscribers->pdata[i], &out);
    return g_hash_table_size(encoded) > 0;
}
