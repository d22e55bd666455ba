/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_create.c: what Xen must know before there is a domain: type, name, UUID, paging, label. And what to do when it
 * ends. */
#include <string.h>

#include "xen/conv.h"

static libxl_passthrough passthrough_of(const VgFeatures *features) {
    static const libxl_passthrough on[VG_PASSTHROUGH_LAST] = {
        [VG_PASSTHROUGH_NONE] = LIBXL_PASSTHROUGH_ENABLED,
        [VG_PASSTHROUGH_SYNC_PT] = LIBXL_PASSTHROUGH_SYNC_PT,
        [VG_PASSTHROUGH_SHARE_PT] = LIBXL_PASSTHROUGH_SHARE_PT,
    };
    if (!features->xen_present || features->passthrough == VG_TRISTATE_NONE)
        return LIBXL_PASSTHROUGH_DEFAULT;
    if (features->passthrough == VG_TRISTATE_NO || features->passthrough_mode >= VG_PASSTHROUGH_LAST)
        return LIBXL_PASSTHROUGH_DISABLED;
    return on[features->passthrough_mode];
}

gboolean vg_xen_conv_create(const VgXenConv *conv, GError **error) {
    libxl_domain_create_info *info = &conv->c->c_info;
    const VgDomain *dom = conv->dom;
    if (!dom->name || !*dom->name) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("the domain has no name"));
        return FALSE;
    }
    info->type = conv->c->b_info.type;
    info->name = g_strdup(dom->name);
    memcpy(info->uuid.uuid, dom->uuid.b, VG_UUID_LEN);
    if (!conv->pv && dom->features.hap != VG_TRISTATE_NONE)
        libxl_defbool_set(&info->hap, dom->features.hap == VG_TRISTATE_YES);
    info->passthrough = passthrough_of(&dom->features);
    /* Only libxl can turn the label into a number, and only with a context: it does so itself, from the text. */
    if (dom->n_seclabels > 0 && g_strcmp0(dom->seclabels[0]->type, "static") == 0)
        info->ssid_label = g_strdup(dom->seclabels[0]->label);
    return TRUE;
}

static libxl_action_on_shutdown action_of(VgOnAction action) {
    static const libxl_action_on_shutdown of[VG_ON_LAST] = {
        [VG_ON_NONE] = LIBXL_ACTION_ON_SHUTDOWN_DESTROY,
        [VG_ON_DESTROY] = LIBXL_ACTION_ON_SHUTDOWN_DESTROY,
        [VG_ON_RESTART] = LIBXL_ACTION_ON_SHUTDOWN_RESTART,
        [VG_ON_RENAME_RESTART] = LIBXL_ACTION_ON_SHUTDOWN_RESTART_RENAME,
        [VG_ON_PRESERVE] = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE,
        [VG_ON_COREDUMP_DESTROY] = LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY,
        [VG_ON_COREDUMP_RESTART] = LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART,
    };
    return action < VG_ON_LAST ? of[action] : LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
}

gboolean vg_xen_conv_actions(const VgXenConv *conv, GError **error) {
    conv->c->on_poweroff = action_of(conv->dom->on_poweroff);
    conv->c->on_reboot = action_of(conv->dom->on_reboot);
    conv->c->on_crash = action_of(conv->dom->on_crash);
    return TRUE;
}
