/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend_sriov.c: plain virtual functions, each for one guest as a PCI function. Where they are is worked out from the
 * physical function's own figures, so a place can be chosen before they exist; they are enabled, all together, when the
 * first is needed, and stay. A virtual function that a driver of the host has is somebody else's.
 */
#include "config.h"

#include "base/fault.h"
#include "base/i18n.h"
#include "gpu/backend.h"
#include "gpu/pci_bind.h"
#include "gpu/vfs.h"

#define STEP_MS 10

static gboolean usable(const VgGpuHost *host, const VgGpuRecord *gpu, GError **error) {
    if (host->iommu || gpu->iommu_group >= 0)
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("this host has no working IOMMU for it, so a guest cannot have one of its virtual functions"));
    return FALSE;
}

/* NVIDIA's need its own driver on this host, so they are none to be given away. */
static gboolean sriov_read(VgSysroot *root, const VgGpuRecord *gpu, VgGpuFacts *facts) {
    if (gpu->vendor == VG_NVIDIA || !vg_vfs_foresee(root, &gpu->addr, facts))
        return FALSE;
    facts->on_vfs = TRUE;
    return TRUE;
}

static gboolean is_there(const VgBackendHost *host, const VgPlace *place) {
    g_autofree char *physfn = vg_pci_file(&place->vf, "physfn");
    return vg_sysroot_exists(host->root, physfn);
}

static gboolean wait_until_there(const VgBackendHost *host, const VgPlace *place) {
    for (guint waited = 0; !is_there(host, place); waited += STEP_MS) {
        if (waited >= host->wait_ms)
            return FALSE;
        g_usleep(STEP_MS * 1000);
    }
    return TRUE;
}

static gboolean enable(const VgBackendHost *host, const VgPlace *place, GError **error) {
    char gpu[VG_PCIADDR_TEXT], vf[VG_PCIADDR_TEXT];
    if (!vg_vfs_enable(host->root, &place->gpu, FALSE, host->wait_ms, error))
        return FALSE;
    if (wait_until_there(host, place) && !vg_fault("gpu.sriov.enabled"))
        return TRUE;
    vg_set_error(
        error, VG_ERR_CONFIG_UNSUPPORTED, _("GPU %s has no virtual function %s: %u of them are enabled on this host"),
        vg_pciaddr_format(&place->gpu, gpu), vg_pciaddr_format(&place->vf, vf), vg_vfs_count(host->root, &place->gpu));
    return FALSE;
}

static gboolean sriov_create(const VgBackendHost *host, const VgPlace *place, const char *const *params,
                             GError **error) {
    return (is_there(host, place) || enable(host, place, error)) &&
           vg_pci_lend(host->root, &place->vf, FALSE, host->wait_ms, error);
}

static gboolean sriov_remove(const VgBackendHost *host, const VgPlace *place, GError **error) {
    return vg_pci_take_back(host->root, &place->vf, FALSE, host->wait_ms, error);
}

const VgBackend vg_backend_sriov = {
    .id = VG_BACKEND_SRIOV,
    .name = "sriov",
    .plain_vfs = TRUE,
    .read = sriov_read,
    .usable = usable,
    .create = sriov_create,
    .remove = sriov_remove,
};
