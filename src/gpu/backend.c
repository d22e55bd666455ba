/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backend.c: the back ends there are. A new one: its file, its row here. */
#include "config.h"

#include "gpu/backend.h"

static const VgBackend *const rows[VG_BACKEND_LAST] = {
    [VG_BACKEND_EMULATOR] = &vg_backend_emulator,
    [VG_BACKEND_MDEV] = &vg_backend_mdev,
    [VG_BACKEND_SRIOV] = &vg_backend_sriov,
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
