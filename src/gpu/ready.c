/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ready.c: see ready.h. Talks to the kernel's files and, for the mode, to the host seam. */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/ready.h"
#include "gpu/vfs.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define DRIVER "nvidia"
#define STUB "pci-pf-stub"

static gboolean can_have_vfs(VgGpuHost *host, const VgGpuRecord *record) {
    g_autofree char *path = vg_pci_file(&record->addr, "sriov_totalvfs");
    gint64 total = 0;
    return record->vendor == VG_NVIDIA && host->dm_can_vfio && vg_sysroot_read_int(host->root, path, &total) &&
           total > 0;
}

void vg_ready_missing(VgGpuHost *host, const VgGpuRecord *record, VgGpuFacts *facts) {
    const char *why = NULL;
    if (!can_have_vfs(host, record))
        return;
    if (facts->driver == NULL)
        why = _("its driver has not taken it yet");
    else if (strcmp(facts->driver, DRIVER) != 0 && strcmp(facts->driver, STUB) != 0)
        return; /* somebody wants it whole */
    else if (vg_vfs_count(host->root, &record->addr) == 0)
        why = _("its virtual functions are not enabled yet");
    else
        why = _("its driver does not show types of vGPU on its virtual functions yet");
    facts->waiting = g_strdup(why);
    facts->backend = vg_backend(VG_BACKEND_VFIO);
    facts->partial = TRUE;
}

void vg_ready_prepare(VgGpuHost *host, const VgGpuRecord *record, guint wait_ms) {
    g_autoptr(GError) error = NULL;
    char addr[VG_PCIADDR_TEXT];
    g_auto(VgGpuFacts) facts = {0};
    vg_inventory_ask(host, record, &facts);
    guint before = vg_vfs_count(host->root, &record->addr);
    /* No driver and no virtual functions: it is the driver's turn; with them it is half-done work of ours. */
    if (facts.waiting == NULL || (facts.driver == NULL && before == 0))
        return;
    if (!vg_vfs_enable(host->root, &record->addr, TRUE, wait_ms, &error))
        vg_warn("GPU %s: %s", vg_pciaddr_format(&record->addr, addr), error->message);
    else if (before == 0)
        vg_info("GPU %s: %u virtual functions are enabled", vg_pciaddr_format(&record->addr, addr),
                vg_vfs_count(host->root, &record->addr));
}

gboolean vg_ready_set_mixed(VgGpuHost *host, const VgGpuRecord *record, gboolean on, GError **error) {
    gboolean now = FALSE;
    char addr[VG_PCIADDR_TEXT];
    if (!host->ops->get_mixed(host, &record->addr, &now, error))
        return FALSE;
    if (now == on)
        return TRUE;
    if (!host->ops->set_mixed(host, &record->addr, on, error) ||
        !host->ops->get_mixed(host, &record->addr, &now, error))
        return FALSE;
    if (now == on)
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED,
                 _("the driver of GPU %s was told its mode, and has another all the same"),
                 vg_pciaddr_format(&record->addr, addr));
    return FALSE;
}

gboolean vg_gpu_has_driver_mode(const VgGpuHost *host, const VgGpu *gpu) {
    return host->ops->get_mixed != NULL && host->dm_can_vfio && gpu->record.vendor == VG_NVIDIA && gpu->on_vfs &&
           gpu->backend != NULL && gpu->backend->vfio_path != NULL;
}

static gboolean lacks_mode(const VgGpuHost *host, const VgGpu *gpu) {
    return gpu->mode == VG_MODE_MIXED_SIZE && gpu->mixed != VG_MIXED_ON && vg_gpu_has_driver_mode(host, gpu);
}

gboolean vg_gpu_is_waiting(const VgGpuHost *host, const VgGpu *gpu) {
    return gpu->waiting != NULL || lacks_mode(host, gpu);
}

static char *reason(const VgGpuHost *host, const VgGpu *gpu) {
    g_autoptr(GError) cannot = NULL;
    if (gpu->backend == NULL)
        return NULL;
    if (gpu->mismatch != NULL)
        return g_strdup(gpu->mismatch);
    if (!gpu->backend->usable(host, &gpu->record, &cannot))
        return g_strdup(cannot->message);
    if (gpu->waiting != NULL)
        return g_strdup_printf(_("it is not ready: %s"), gpu->waiting);
    if (lacks_mode(host, gpu))
        return gpu->mode_why != NULL ? g_strdup_printf(_("it is not ready: %s"), gpu->mode_why)
                                     : g_strdup(_("it is not ready: its mixed-size mode is not on yet"));
    return NULL;
}

void vg_gpu_ready_update(const VgGpuHost *host, VgGpu *gpu) {
    g_autoptr(GError) whole = NULL;
    g_free(gpu->why_not);
    g_free(gpu->whole_why_not);
    gpu->why_not = reason(host, gpu);
    gpu->whole_why_not = NULL;
    if (!vg_backend(VG_BACKEND_PASSTHROUGH)->usable(host, &gpu->record, &whole))
        gpu->whole_why_not = g_strdup(whole->message);
    else if (gpu->preparing)
        gpu->whole_why_not = g_strdup(_("its virtual functions are being enabled just now"));
    for (guint i = 0; i < gpu->offers->len; i++) {
        VgGpuOffer *o = &g_array_index(gpu->offers, VgGpuOffer, i);
        o->why_not = o->backend->id == VG_BACKEND_PASSTHROUGH ? gpu->whole_why_not : gpu->why_not;
    }
}
