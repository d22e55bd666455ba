/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nodedev.c: calls about node devices, ours: GPUs and their mediated devices. */
#include "config.h"
#include "proc/table.h"

#include "base/names.h"

/* The names that the older calls filter by; the bit of virConnectListAllNodeDeviceFlags is the position. */
VG_NAMES(cap_names, 22, "system", "pci", "usb_device", "usb", "net", "scsi_host", "scsi_target", "scsi", "storage",
         "fc_host", "vports", "scsi_generic", "drm", "mdev_types", "mdev", "ccw", "css", "vdpa", "ap_card", "ap_queue",
         "ap_matrix", "vpd");

static guint list_len(char **list) {
    return list != NULL ? g_strv_length(list) : 0;
}

gboolean vg_do_connect_list_all_node_devices(VgCall *call, const remote_list_all_args *a,
                                             remote_list_node_devices_ret *r, GError **error) {
    char **names = NULL;
    if (!call->driver->nodedev_list(call->session, a->flags, &names, error))
        return FALSE;
    guint n = list_len(names);
    r->ret = n;
    if (!a->need_results) {
        g_strfreev(names);
        return TRUE;
    }
    if (n > REMOTE_NODE_DEVICE_LIST_MAX) {
        vg_set_error(error, VG_ERR_RPC,
                     _("%u devices are more than the %d that fit into one answer; ask for fewer by filters"), n,
                     REMOTE_NODE_DEVICE_LIST_MAX);
        g_strfreev(names);
        return FALSE;
    }
    r->devices.devices_val = g_new(remote_nonnull_node_device, n);
    r->devices.devices_len = n;
    for (guint i = 0; i < n; i++)
        r->devices.devices_val[i].name = names[i];
    g_free(names);
    return TRUE;
}

/* The devices with capability @cap (NULL: all). A name that means nothing to us fits no device. */
static gboolean list_by_cap(VgCall *call, const char *cap, guint flags, char ***ret, GError **error) {
    guint filter = 0;
    if (flags != 0) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("unsupported flags (0x%x) in %s"), flags, call->row->name);
        return FALSE;
    }
    if (cap != NULL) {
        int bit = vg_names_value(&cap_names, cap);
        if (bit < 0) {
            *ret = NULL;
            return TRUE;
        }
        filter = 1u << bit;
    }
    return call->driver->nodedev_list(call->session, filter, ret, error);
}

gboolean vg_do_node_num_of_devices(VgCall *call, const remote_node_num_of_devices_args *a, remote_int *r,
                                   GError **error) {
    g_auto(GStrv) names = NULL;
    if (!list_by_cap(call, vg_opt(a->cap), a->flags, &names, error))
        return FALSE;
    r->value = (int)list_len(names);
    return TRUE;
}

static gboolean check_room(int room, int max, GError **error) {
    if (room >= 0 && room <= max)
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("room for %d names asked for; 0 to %d are possible"), room, max);
    return FALSE;
}

gboolean vg_do_node_list_devices(VgCall *call, const remote_node_list_devices_args *a, remote_names_ret *r,
                                 GError **error) {
    char **names = NULL;
    if (!check_room(a->maxnames, REMOTE_NODE_DEVICE_LIST_MAX, error) ||
        !list_by_cap(call, vg_opt(a->cap), a->flags, &names, error))
        return FALSE;
    vg_list_take(names, (guint)a->maxnames, &r->names.names_val, &r->names.names_len);
    return TRUE;
}

gboolean vg_do_node_device_lookup_by_name(VgCall *call, const remote_text *a, remote_nonnull_node_device *r,
                                          GError **error) {
    return call->driver->nodedev_exists(call->session, a->text, &r->name, error);
}

gboolean vg_do_node_device_get_xml_desc(VgCall *call, const remote_text_flags *a, remote_text *r, GError **error) {
    return vg_give_text(r, call->driver->nodedev_xml(call->session, a->text, a->flags, error));
}

gboolean vg_do_node_device_get_parent(VgCall *call, const remote_text *a, remote_maybe_text *r, GError **error) {
    char *parent = NULL;
    if (!call->driver->nodedev_parent(call->session, a->text, &parent, error))
        return FALSE;
    r->text = vg_opt_take(parent);
    return TRUE;
}

gboolean vg_do_node_device_num_of_caps(VgCall *call, const remote_text *a, remote_int *r, GError **error) {
    g_auto(GStrv) caps = NULL;
    if (!call->driver->nodedev_caps(call->session, a->text, &caps, error))
        return FALSE;
    r->value = (int)list_len(caps);
    return TRUE;
}

gboolean vg_do_node_device_list_caps(VgCall *call, const remote_list_caps_args *a, remote_names_ret *r,
                                     GError **error) {
    char **caps = NULL;
    if (!check_room(a->maxnames, REMOTE_NODE_DEVICE_LIST_MAX, error) ||
        !call->driver->nodedev_caps(call->session, a->name, &caps, error))
        return FALSE;
    vg_list_take(caps, (guint)a->maxnames, &r->names.names_val, &r->names.names_len);
    return TRUE;
}

static gboolean give_flag(remote_int *r, gboolean ok, gboolean value) {
    r->value = value ? 1 : 0;
    return ok;
}

gboolean vg_do_node_device_is_active(VgCall *call, const remote_text *a, remote_int *r, GError **error) {
    gboolean value = FALSE;
    gboolean ok = call->driver->nodedev_is_active(call->session, a->text, &value, error);
    return give_flag(r, ok, value);
}

gboolean vg_do_node_device_is_persistent(VgCall *call, const remote_text *a, remote_int *r, GError **error) {
    gboolean value = FALSE;
    gboolean ok = call->driver->nodedev_is_persistent(call->session, a->text, &value, error);
    return give_flag(r, ok, value);
}

gboolean vg_do_node_device_get_autostart(VgCall *call, const remote_text *a, remote_int *r, GError **error) {
    gboolean value = FALSE;
    gboolean ok = call->driver->nodedev_get_autostart(call->session, a->text, &value, error);
    return give_flag(r, ok, value);
}

/* --- made, defined, started --------------------------------------------------------------------------------------- */

void vg_do_node_device_create_xml(VgCall *call, const remote_text_flags *a, VgDone done) {
    call->driver->nodedev_create_xml(call->session, a->text, a->flags, done);
}

void vg_do_node_device_define_xml(VgCall *call, const remote_text_flags *a, VgDone done) {
    call->driver->nodedev_define(call->session, a->text, a->flags, done);
}

void vg_do_node_device_undefine(VgCall *call, const remote_text_flags *a, VgDone done) {
    call->driver->nodedev_undefine(call->session, a->text, a->flags, done);
}

void vg_do_node_device_create(VgCall *call, const remote_text_flags *a, VgDone done) {
    call->driver->nodedev_create(call->session, a->text, a->flags, done);
}

void vg_do_node_device_destroy(VgCall *call, const remote_text *a, VgDone done) {
    call->driver->nodedev_destroy(call->session, a->text, done);
}

void vg_do_node_device_set_autostart(VgCall *call, const remote_text_on *a, VgDone done) {
    call->driver->nodedev_set_autostart(call->session, a->text, a->on != 0, done);
}

/* --- orders ------------------------------------------------------------------------------------------------------- */

void vg_do_node_device_dettach(VgCall *call, const remote_text *a, VgDone done) {
    call->driver->nodedev_order(call->session, VG_NODEDEV_DETACH, a->text, NULL, 0, done);
}

void vg_do_node_device_detach_flags(VgCall *call, const remote_node_device_detach_flags_args *a, VgDone done) {
    call->driver->nodedev_order(call->session, VG_NODEDEV_DETACH, a->name, vg_opt(a->driverName), a->flags, done);
}

void vg_do_node_device_re_attach(VgCall *call, const remote_text *a, VgDone done) {
    call->driver->nodedev_order(call->session, VG_NODEDEV_REATTACH, a->text, NULL, 0, done);
}

void vg_do_node_device_reset(VgCall *call, const remote_text *a, VgDone done) {
    call->driver->nodedev_order(call->session, VG_NODEDEV_RESET, a->text, NULL, 0, done);
}
