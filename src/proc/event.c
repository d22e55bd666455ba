/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event.c: who wants to hear what, and the fan-out. A message differs between subscribers only in the number that the
 * client's connection gave the subscription; these count from 0 on each, so most subscribers share one encoded message.
 */
#include "config.h"
#include "proc/table.h"

/* Of one connection: one for each domain of a full list, for one client that watches domains one by one. Of all
 * connections, and of those that may only read. */
enum {
    SUBSCRIPTIONS_MAX = REMOTE_DOMAIN_LIST_MAX,
    SUBSCRIPTIONS_ALL = 16 * SUBSCRIPTIONS_MAX,
    SUBSCRIPTIONS_READERS = SUBSCRIPTIONS_ALL / 4,
};
/* The old calls know the events up to this one. */
#define OLD_EVENT_LAST VG_EVENT_DEVICE_REMOVED

enum { OLD = -1 };

/* --- subscribe ---------------------------------------------------------------------------------------------------- */

static guint *total_of(const VgConn *conn) {
    return conn->read_only ? &conn->proc->reader_subscriptions : &conn->proc->writer_subscriptions;
}

void vg_conn_unsubscribe_all(VgConn *conn) {
    if (conn->subscriptions->len > 0)
        g_ptr_array_remove_fast(conn->proc->subscribers, conn);
    *total_of(conn) -= conn->subscriptions->len;
    g_array_set_size(conn->subscriptions, 0);
}

static gboolean subscribe(VgConn *conn, VgSubscription subscription, int last, GError **error) {
    if ((int)subscription.event < 0 || (int)subscription.event > last) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("unsupported event ID %d"), (int)subscription.event);
        return FALSE;
    }
    if (conn->subscriptions->len >= SUBSCRIPTIONS_MAX) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("this connection has %u event subscriptions already; subscribe once for all domains instead"),
                     conn->subscriptions->len);
        return FALSE;
    }
    if (*total_of(conn) >= (conn->read_only ? SUBSCRIPTIONS_READERS : SUBSCRIPTIONS_ALL)) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("all connections together have %u event subscriptions already; close some of them"),
                     *total_of(conn));
        return FALSE;
    }
    if (conn->subscriptions->len == 0)
        g_ptr_array_add(conn->proc->subscribers, conn);
    g_array_append_val(conn->subscriptions, subscription);
    ++*total_of(conn);
    return TRUE;
}

/* Ends the subscription @callback, or, if that is OLD, an old one to @event. */
static gboolean unsubscribe(VgConn *conn, int callback, int event, GError **error) {
    for (guint i = 0; i < conn->subscriptions->len; i++) {
        const VgSubscription *s = &g_array_index(conn->subscriptions, VgSubscription, i);
        if (s->callback != callback || (callback == OLD && (int)s->event != event))
            continue;
        g_array_remove_index(conn->subscriptions, i);
        --*total_of(conn);
        if (conn->subscriptions->len == 0)
            g_ptr_array_remove_fast(conn->proc->subscribers, conn);
        return TRUE;
    }
    if (callback == OLD)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("domain event %d not registered"), event);
    else
        vg_set_error(error, VG_ERR_INVALID_ARG, _("domain event callback %d not registered"), callback);
    return FALSE;
}

gboolean vg_do_connect_domain_event_register(VgCall *call, const remote_void *a, remote_int *r, GError **error) {
    return subscribe(call->conn, (VgSubscription){.callback = OLD, .event = VG_EVENT_LIFECYCLE}, OLD_EVENT_LAST, error);
}

gboolean vg_do_connect_domain_event_deregister(VgCall *call, const remote_void *a, remote_int *r, GError **error) {
    return unsubscribe(call->conn, OLD, VG_EVENT_LIFECYCLE, error);
}

gboolean vg_do_connect_domain_event_register_any(VgCall *call, const remote_int *a, remote_void *r, GError **error) {
    return subscribe(call->conn, (VgSubscription){.callback = OLD, .event = (VgEventId)a->value}, OLD_EVENT_LAST,
                     error);
}

gboolean vg_do_connect_domain_event_deregister_any(VgCall *call, const remote_int *a, remote_void *r, GError **error) {
    return unsubscribe(call->conn, OLD, a->value, error);
}

gboolean vg_do_connect_domain_event_callback_register_any(VgCall *call, const remote_callback_register_args *a,
                                                          remote_int *r, GError **error) {
    VgSubscription subscription = {.callback = call->conn->next_callback, .event = (VgEventId)a->eventID};
    if (a->dom != NULL) {
        /* Not looked up: a transient domain may be waited for, as with libvirt's own drivers. */
        subscription.filtered = TRUE;
        subscription.dom = vg_dom_uuid(a->dom);
    }
    if (!subscribe(call->conn, subscription, VG_EVENT_LAST - 1, error))
        return FALSE;
    r->value = subscription.callback;
    /* Numbers are not used twice, so that a late event is never taken for another's; after 2^31 of them they begin
     * anew. */
    call->conn->next_callback = subscription.callback == G_MAXINT ? 0 : subscription.callback + 1;
    return TRUE;
}

gboolean vg_do_connect_domain_event_callback_deregister_any(VgCall *call, const remote_int *a, remote_void *r,
                                                            GError **error) {
    if (a->value < 0) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("domain event callback %d not registered"), a->value);
        return FALSE;
    }
    return unsubscribe(call->conn, a->value, -1, error);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

/* One structure for all events and both forms; the encoder of each form reads its own member. */
typedef union {
    remote_nonnull_domain old_reboot;
    remote_domain_event_lifecycle_msg old_lifecycle;
    remote_domain_event_device_msg old_device;
    remote_domain_event_callback_reboot_msg reboot;
    remote_domain_event_callback_lifecycle_msg lifecycle;
    remote_domain_event_callback_device_msg device;
    remote_domain_event_callback_metadata_change_msg metadata;
} Body;

static void fill_lifecycle(Body *body, int callback, const remote_nonnull_domain *dom, const VgEvent *event,
                           char **text) {
    remote_domain_event_lifecycle_msg msg = {*dom, event->a, event->b};
    if (callback == OLD)
        body->old_lifecycle = msg;
    else
        body->lifecycle = (remote_domain_event_callback_lifecycle_msg){callback, msg};
}

static void fill_reboot(Body *body, int callback, const remote_nonnull_domain *dom, const VgEvent *event, char **text) {
    if (callback == OLD)
        body->old_reboot = *dom;
    else
        body->reboot = (remote_domain_event_callback_reboot_msg){callback, *dom};
}

static void fill_device(Body *body, int callback, const remote_nonnull_domain *dom, const VgEvent *event, char **text) {
    remote_domain_event_device_msg msg = {*dom, *text};
    if (callback == OLD)
        body->old_device = msg;
    else
        body->device = (remote_domain_event_callback_device_msg){callback, msg};
}

static void fill_metadata(Body *body, int callback, const remote_nonnull_domain *dom, const VgEvent *event,
                          char **text) {
    body->metadata =
        (remote_domain_event_callback_metadata_change_msg){callback, *dom, event->a, *text != NULL ? text : NULL};
}

/* Each event that we send: the numbers of its message, new and old, and who writes it. */
static const struct {
    VgEventId id;
    gint32 number, old_number; /* 0: has no old form */
    xdrproc_t proc, old_proc;
    void (*fill)(Body *body, int callback, const remote_nonnull_domain *dom, const VgEvent *event, char **text);
} forms[] = {
    {VG_EVENT_LIFECYCLE, 318, 107, (xdrproc_t)xdr_remote_domain_event_callback_lifecycle_msg,
     (xdrproc_t)xdr_remote_domain_event_lifecycle_msg, fill_lifecycle},
    {VG_EVENT_REBOOT, 319, 169, (xdrproc_t)xdr_remote_domain_event_callback_reboot_msg,
     (xdrproc_t)xdr_remote_nonnull_domain, fill_reboot},
    {VG_EVENT_DEVICE_REMOVED, 333, 311, (xdrproc_t)xdr_remote_domain_event_callback_device_msg,
     (xdrproc_t)xdr_remote_domain_event_device_msg, fill_device},
    {VG_EVENT_DEVICE_ADDED, 354, 0, (xdrproc_t)xdr_remote_domain_event_callback_device_msg, NULL, fill_device},
    {VG_EVENT_METADATA_CHANGE, 379, 0, (xdrproc_t)xdr_remote_domain_event_callback_metadata_change_msg, NULL,
     fill_metadata},
};

static VgMsg *encode(const VgEvent *event, int callback) {
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (forms[i].id != event->id || (callback == OLD && forms[i].old_number == 0))
            continue;
        Body body = {0};
        g_autofree char *name = g_strdup(event->dom.name), *text = g_strdup(event->s1);
        remote_nonnull_domain dom = {.name = name, .id = event->dom.id};
        memcpy(dom.uuid, event->dom.uuid.b, sizeof(dom.uuid));
        forms[i].fill(&body, callback, &dom, event, &text);
        VgMsgHeader header = {VG_REMOTE_PROGRAM,
                              VG_REMOTE_VERSION,
                              callback == OLD ? forms[i].old_number : forms[i].number,
                              VG_MSG_EVENT,
                              1,
                              VG_MSG_OK};
        return vg_msg_encode(&header, callback == OLD ? forms[i].old_proc : forms[i].proc, &body, NULL);
    }
    return NULL;
}

/* --- fan-out ------------------------------------------------------------------------------------------------------ */

static void send_to(VgConn *conn, const VgEvent *event, GHashTable *encoded) {
    for (guint i = 0; i < conn->subscriptions->len; i++) {
        const VgSubscription *s = &g_array_index(conn->subscriptions, VgSubscription, i);
        if (s->event != event->id || (s->filtered && !vg_uuid_equal(&s->dom, &event->dom.uuid)))
            continue;
        gpointer key = GINT_TO_POINTER(s->callback);
        VgMsg *msg = g_hash_table_lookup(encoded, key);
        if (msg == NULL) {
            msg = encode(event, s->callback);
            if (msg == NULL)
                continue;
            g_hash_table_insert(encoded, key, msg);
        }
        vg_client_send(conn->client, msg);
    }
}

static void msg_unref(gpointer msg) {
    vg_msg_unref(msg);
}

void vg_proc_event(VgProc *proc, const VgEvent *event) {
    if (proc->subscribers->len == 0)
        return;
    g_autoptr(GHashTable) encoded = g_hash_table_new_full(NULL, NULL, NULL, msg_unref);
    for (guint i = 0; i < proc->subscribers->len; i++)
        send_to(proc->subscribers->pdata[i], event, encoded);
}
