/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backend.c: the back ends there are. A new one: its file, its row here. */
#include "config.h"

#include "base/i18n.h"
#include "gpu/backend.h"

static const VgBackend *const rows[VG_BACKEND_LAST] = {
    [VG_BACKEND_VFIO] = &vg_backend_vfio,
    [VG_BACKEND_MDEV] = &vg_backend_mdev,
    [VG_BACKEND_SRIOV] = &vg_backend_sriov,
    [VG_BACKEND_EMULATOR] = &vg_backend_emulator,
    [VG_BACKEND_PASSTHROUGH] = &vg_backend_passthrough,
};

const VgBackend *vg_backend(VgBackendId id) {
    return id < VG_BACKEND_LAST ? rows[id] : NULL;
}

const VgBackend *vg_backend_by_name(const char *name) {
    for (guint i = 0; i < VG_BACKEND_LAST; i++)
        if (rows[i] != NULL && g_strcmp0(rows[i]->name, name) == 0)
            return rows[i];
    return NULL;
}

VgErrorCode vg_backend_errno(const VgBackendErrno *table, gsize n, int errnum, const char **ret_why) {
    for (gsize i = 0; i < n; i++)
        if (table[i].errnum == errnum) {
            *ret_why = _(table[i].why);
            return table[i].code;
        }
    *ret_why = g_strerror(errnum);
    return VG_ERR_SYSTEM_ERROR;
}

gboolean vg_backend_can_vfio(const VgGpuHost *host, GError **error) {
    if (host->dm_can_vfio)
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("its vGPUs are mediated devices, and the configured device model cannot use VFIO under Xen: QEMU "
                   "maps a guest's memory "
                   "page by page there; a device model that can has to be declared in virtgridd.conf"));
    return FALSE;
}

const VgPciAddr *vg_place_function(const VgPlace *place) {
    return place->has_vf ? &place->vf : &place->gpu;
}

char *vg_params_text(const char *const *params) {
    if (params == NULL || params[0] == NULL)
        return NULL;
    GString *text = g_string_new(NULL);
    for (const char *const *p = params; p[0] != NULL && p[1] != NULL; p += 2)
        g_string_append_printf(text, "%s%s=%s", text->len > 0 ? "," : "", p[0], p[1]);
    return g_string_free(text, FALSE);
}
