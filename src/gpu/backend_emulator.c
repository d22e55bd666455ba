/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend_emulator.c: cards whose vGPUs are made by an emulator process beside the device model. Nothing exists before
 * that process runs, so there is nothing to create or remove here: the driver starts it with the place.
 */
#include "config.h"

#include "base/i18n.h"
#include "gpu/backend.h"

static gboolean usable(const VgGpuHost *host, const VgGpuRecord *gpu, GError **error) {
    if (host->has_emulator)
        return TRUE;
    vg_set_error(
        error, VG_ERR_CONFIG_UNSUPPORTED,
        _("this host has no display emulator for it, and its kernel offers no types for it (mdev_supported_types)"));
    return FALSE;
}

/* The low hole: what guest builders of this kind of host add to it for a vGPU. */
const VgBackend vg_backend_emulator = {
    .id = VG_BACKEND_EMULATOR,
    .name = "emulator",
    .of_catalogue = TRUE,
    .bar_kib = 256 * 1024,
    .usable = usable,
};
