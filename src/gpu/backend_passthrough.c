/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend_passthrough.c: a whole GPU for one guest, all functions of its slot together. What the host itself needs, its
 * screen, is never given.
 */
#include "config.h"

#include "base/i18n.h"
#include "gpu/backend.h"
#include "gpu/pci_bind.h"
#include "gpu/vfs.h"

static gboolean usable(const VgGpuHost *host, const VgGpuRecord *gpu, GError **error) {
    const char *why = NULL;
    if (gpu->boot_display)
        why = _("the host's own screen is on it, so it is not given to a guest");
    else if (!host->iommu && gpu->iommu_group < 0)
        why = _("this host has no working IOMMU for it, so a guest cannot have it whole");
    if (why != NULL)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, "%s", why);
    return why == NULL;
}

static VgPciAddr function(const VgPlace *place, guint i) {
    VgPciAddr addr = place->gpu;
    addr.function = (guint8)i;
    return addr;
}

static gboolean take_back(const VgBackendHost *host, const VgPlace *place, GError **error) {
    gboolean good = TRUE;
    for (guint i = 0; i < 8; i++) {
        VgPciAddr addr = function(place, i);
        if (place->functions >> i & 1 && !vg_pci_take_back(host->root, &addr, TRUE, host->wait_ms, good ? error : NULL))
            good = FALSE;
    }
    return good;
}

static gboolean lend(const VgBackendHost *host, const VgPlace *place, const char *const *params, GError **error) {
    for (guint i = 0; i < 8; i++) {
        VgPciAddr addr = function(place, i);
        if (!(place->functions >> i & 1))
            continue;
        /* A guest that got it with its virtual functions on could not use it, and the host could still reach those. */
        if (vg_vfs_clear(host->root, &addr, host->wait_ms, error) &&
            vg_pci_lend(host->root, &addr, TRUE, host->wait_ms, error))
            continue;
        take_back(host, place, NULL);
        return FALSE;
    }
    return TRUE;
}

const VgBackend vg_backend_passthrough = {
    .id = VG_BACKEND_PASSTHROUGH,
    .name = "passthrough",
    .usable = usable,
    .create = lend,
    .remove = take_back,
};
