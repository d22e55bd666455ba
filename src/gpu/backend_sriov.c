/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend_sriov.c: plain virtual functions, each for one guest as a PCI function. Where they are is worked out from the
 * physical function's own figures, so a place can be chosen before they exist; they are enabled, all together, when the
 * first is needed, and stay. A virtual function that a driver of the host has is somebody else's.
 */
#include "config.h"

#include <errno.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "gpu/backend.h"
#include "gpu/pci_bind.h"

#define STEP_MS 10

static gboolean usable(const VgGpuHost *host, const VgGpuRecord *gpu, GError **error) {
    if (gpu->iommu_group >= 0)
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("this host has no working IOMMU for it, so a guest cannot have one of its virtual functions"));
    return FALSE;
}

static char *file_of(const VgPciAddr *addr, const char *name) {
    char text[VG_PCIADDR_TEXT];
    return g_strconcat("sys/bus/pci/devices/", vg_pciaddr_format(addr, text), "/", name, NULL);
}

static gboolean is_there(const VgBackendHost *host, const VgPlace *place) {
    g_autofree char *physfn = file_of(&place->vf, "physfn");
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

/* All of them: a number, once written, cannot be raised. EBUSY: another start was faster. */
static gboolean enable(const VgBackendHost *host, const VgPlace *place, GError **error) {
    char gpu[VG_PCIADDR_TEXT], vf[VG_PCIADDR_TEXT];
    g_autofree char *total_path = file_of(&place->gpu, "sriov_totalvfs"), *path = file_of(&place->gpu, "sriov_numvfs");
    g_autofree char *probe = file_of(&place->gpu, "sriov_drivers_autoprobe");
    gint64 total = 0, now = 0;
    vg_pciaddr_format(&place->gpu, gpu);
    vg_sysroot_read_int(host->root, total_path, &total);
    vg_sysroot_read_int(host->root, path, &now);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, total);
    if (now == 0) {
        /* The host's own drivers are not to take them; older kernels have no such file. */
        vg_sysroot_write(host->root, probe, "0");
        int errnum = vg_fault("gpu.sriov.enable") ? EIO : vg_sysroot_write(host->root, path, number) ? 0 : errno;
        if (errnum != 0 && errnum != EBUSY) {
            vg_set_errno(error, errnum, _("cannot enable the virtual functions of GPU %s"), gpu);
            return FALSE;
        }
    }
    if (wait_until_there(host, place) && !vg_fault("gpu.sriov.enabled"))
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("GPU %s has no virtual function %s: %u of %u are enabled on this host"), gpu,
                 vg_pciaddr_format(&place->vf, vf), (guint)now, (guint)total);
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
    .usable = usable,
    .create = sriov_create,
    .remove = sriov_remove,
};
