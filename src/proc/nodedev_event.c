/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nodedev_event.c: the events of node devices: what a client may subscribe to, and their messages. */
#include "config.h"
#include "proc/subscription.h"
#include "proc/table.h"

enum { LIFECYCLE_MSG = 376, UPDATE_MSG = 377 };

gboolean vg_do_connect_node_device_event_register_any(VgCall *call, const remote_nodedev_register_args *a,
                                                      remote_int *r, GError **error) {
    if (a->eventID < 0 || a->eventID >= VG_NODEDEV_EVENT_LAST) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("unsupported event ID %d"), a->eventID);
        return FALSE;
    }
    /* Not looked up: a device may be waited for. */
    VgSubscription subscription = {.hears = VG_HEARS_NODEDEVS,
                                   .callback = call->conn->next_callback,
                                   .event = a->eventID,
                                   .dev = a->dev != NULL ? g_strdup(a->dev->name) : NULL};
    r->value = subscription.callback;
    return vg_subscribe(call->conn, &subscription, error);
}

gboolean vg_do_connect_node_device_event_deregister_any(VgCall *call, const remote_int *a, remote_void *r,
                                                        GError **error) {
    if (a->value >= 0 && vg_unsubscribe(call->conn, VG_HEARS_NODEDEVS, a->value, -1))
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("node device event callback %d not registered"), a->value);
    return FALSE;
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static VgMsg *encode(gconstpointer data, int callback) {
    const VgNodedevEvent *event = data;
    g_autofree char *name = g_strdup(event->name);
    gboolean lifecycle = event->id == VG_NODEDEV_EVENT_LIFECYCLE;
    remote_node_device_event_lifecycle_msg changed = {callback, {name}, (int)event->type, 0};
    remote_node_device_event_update_msg updated = {callback, {name}};
    VgMsgHeader header = {VG_REMOTE_PROGRAM, VG_REMOTE_VERSION, lifecycle ? LIFECYCLE_MSG : UPDATE_MSG, VG_MSG_EVENT, 1,
                          VG_MSG_OK};
    return lifecycle ? vg_msg_encode(&header, (xdrproc_t)xdr_remote_node_device_event_lifecycle_msg, &changed, NULL)
                     : vg_msg_encode(&header, (xdrproc_t)xdr_remote_node_device_event_update_msg, &updated, NULL);
}

static gboolean wants(const VgSubscription *s, gconstpointer data) {
    const VgNodedevEvent *event = data;
    return s->event == (int)event->id && (s->dev == NULL || strcmp(s->dev, event->name) == 0);
}

void vg_proc_nodedev_event(VgProc *proc, const VgNodedevEvent *event) {
    vg_fan_out(proc, VG_HEARS_NODEDEVS, wants, encode, event);
}
