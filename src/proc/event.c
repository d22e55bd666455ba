/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* event.c: the events of domains: what a client may subscribe to, and their messages. */
#include "config.h"
#include "proc/subscription.h"
#include "proc/table.h"

/* The old calls know the events up to this one. */
#define OLD_EVENT_LAST VG_EVENT_DEVICE_REMOVED

/* --- subscribe ---------------------------------------------------------------------------------------------------- */

static gboolean subscribe(VgCall *call, VgSubscription subscription, int last, GError **error) {
    if (subscription.event < 0 || subscription.event > last) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("unsupported event ID %d"), subscription.event);
        return FALSE;
    }
    return vg_subscribe(call->conn, &subscription, error);
}

static gboolean unsubscribe_old(VgCall *call, int event, GError **error) {
    if (vg_unsubscribe(call->conn, VG_HEARS_DOMAINS, VG_OLD_CALLBACK, event))
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("domain event %d not registered"), event);
    return FALSE;
}

gboolean vg_do_connect_domain_event_register(VgCall *call, const remote_void *a, remote_int *r, GError **error) {
    return subscribe(call, (VgSubscription){.callback = VG_OLD_CALLBACK, .event = VG_EVENT_LIFECYCLE}, OLD_EVENT_LAST,
                     error);
}

gboolean vg_do_connect_domain_event_deregister(VgCall *call, const remote_void *a, remote_int *r, GError **error) {
    return unsubscribe_old(call, VG_EVENT_LIFECYCLE, error);
}

gboolean vg_do_connect_domain_event_register_any(VgCall *call, const remote_int *a, remote_void *r, GError **error) {
    return subscribe(call, (VgSubscription){.callback = VG_OLD_CALLBACK, .event = a->value}, OLD_EVENT_LAST, error);
}

gboolean vg_do_connect_domain_event_deregister_any(VgCall *call, const remote_int *a, remote_void *r, GError **error) {
    return unsubscribe_old(call, a->value, error);
}

gboolean vg_do_connect_domain_event_callback_register_any(VgCall *call, const remote_callback_register_args *a,
                                                          remote_int *r, GError **error) {
    VgSubscription subscription = {.callback = call->conn->next_callback, .event = a->eventID};
    if (a->dom != NULL) {
        /* Not looked up: a transient domain may be waited for, as with libvirt's own drivers. */
        subscription.filtered = TRUE;
        subscription.dom = vg_dom_uuid(a->dom);
    }
    r->value = subscription.callback;
    return subscribe(call, subscription, VG_EVENT_LAST - 1, error);
}

gboolean vg_do_connect_domain_event_callback_deregister_any(VgCall *call, const remote_int *a, remote_void *r,
                                                            GError **error) {
    /* No callback has such a number, and VG_OLD_CALLBACK means another thing. */
    int callback = a->value < 0 ? G_MAXINT : a->value;
    if (vg_unsubscribe(call->conn, VG_HEARS_DOMAINS, callback, -1))
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("domain event callback %d not registered"), a->value);
    return FALSE;
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
    if (callback == VG_OLD_CALLBACK)
        body->old_lifecycle = msg;
    else
        body->lifecycle = (remote_domain_event_callback_lifecycle_msg){callback, msg};
}

static void fill_reboot(Body *body, int callback, const remote_nonnull_domain *dom, const VgEvent *event, char **text) {
    if (callback == VG_OLD_CALLBACK)
        body->old_reboot = *dom;
    else
        body->reboot = (remote_domain_event_callback_reboot_msg){callback, *dom};
}

static void fill_device(Body *body, int callback, const remote_nonnull_domain *dom, const VgEvent *event, char **text) {
    remote_domain_event_device_msg msg = {*dom, *text};
    if (callback == VG_OLD_CALLBACK)
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
    {VG_EVENT_DEVICE_REMOVAL_FAILED, 367, 0, (xdrproc_t)xdr_remote_domain_event_callback_device_msg, NULL, fill_device},
    {VG_EVENT_METADATA_CHANGE, 379, 0, (xdrproc_t)xdr_remote_domain_event_callback_metadata_change_msg, NULL,
     fill_metadata},
};

static VgMsg *encode(gconstpointer data, int callback) {
    const VgEvent *event = data;
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (forms[i].id != event->id || (callback == VG_OLD_CALLBACK && forms[i].old_number == 0))
            continue;
        Body body = {0};
        g_autofree char *name = g_strdup(event->dom.name), *text = g_strdup(event->s1);
        remote_nonnull_domain dom = {.name = name, .id = event->dom.id};
        memcpy(dom.uuid, event->dom.uuid.b, sizeof(dom.uuid));
        forms[i].fill(&body, callback, &dom, event, &text);
        VgMsgHeader header = {VG_REMOTE_PROGRAM,
                              VG_REMOTE_VERSION,
                              callback == VG_OLD_CALLBACK ? forms[i].old_number : forms[i].number,
                              VG_MSG_EVENT,
                              1,
                              VG_MSG_OK};
        return vg_msg_encode(&header, callback == VG_OLD_CALLBACK ? forms[i].old_proc : forms[i].proc, &body, NULL);
    }
    return NULL;
}

/* --- fan-out ------------------------------------------------------------------------------------------------------ */

static gboolean wants(const VgSubscription *s, gconstpointer data) {
    const VgEvent *event = data;
    return s->event == (int)event->id && (!s->filtered || vg_uuid_equal(&s->dom, &event->dom.uuid));
}

void vg_proc_event(VgProc *proc, const VgEvent *event) {
    vg_fan_out(proc, VG_HEARS_DOMAINS, wants, encode, event);
}
