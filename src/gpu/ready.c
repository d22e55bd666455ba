/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ready.c: see ready.h. Talks to the kernel's files and, for the mode, to the host seam. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "gpu/pci_bind.h"
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
    if (facts.waiting == NULL)
        return;
    /* With virtual functions and no driver it is half-done work of ours. Without them the driver is not there yet, or
     * we died with the GPU on its way to or from the stub: then nobody else asks for it. */
    if (facts.driver == NULL && before == 0) {
        vg_pci_take_back_from(host->root, &record->addr, STUB, TRUE, wait_ms, NULL);
        return;
    }
    if (!vg_vfs_enable(host->root, &record->addr, TRUE, wait_ms, &error))
        vg_warn("GPU %s: %s", vg_pciaddr_format(&record->addr, addr), error->message);
    else if (before == 0)
        vg_info("GPU %s: %u virtual functions are enabled", vg_pciaddr_format(&record->addr, addr),
                vg_vfs_count(host->root, &record->addr));
}

static const struct {
    VgGpuMode mode;
    const char *off; /* marked for translation */
} driver_modes[VG_DRIVER_MODE_LAST] = {
    [VG_DRIVER_MIXED] = {VG_MODE_MIXED_SIZE, N_("its mixed-size mode is not on yet")},
    [VG_DRIVER_MIG] = {VG_MODE_MIG, N_("its MIG mode is not on yet")},
};

static gboolean not_set(const char *addr, GError **error) {
    vg_set_errno(error, EIO, _("cannot set the mode of GPU %s"), addr);
    return FALSE;
}

gboolean vg_ready_set_mode(VgGpuHost *host, const VgGpuRecord *record, VgGpuDriverMode mode, gboolean on,
                           GError **error) {
    gboolean now = FALSE;
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(&record->addr, addr);
    if (!host->ops->get_mode(host, &record->addr, mode, &now, error))
        return FALSE;
    if (now == on)
        return TRUE;
    if (vg_fault("gpu.mode.set"))
        return not_set(addr, error);
    if (!host->ops->set_mode(host, &record->addr, mode, on, error))
        return FALSE;
    if (vg_fault("gpu.mode.was-set"))
        return not_set(addr, error);
    if (!host->ops->get_mode(host, &record->addr, mode, &now, error))
        return FALSE;
    if (now == on)
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED,
                 mode == VG_DRIVER_MIG ? _("the driver of GPU %s was told its MIG mode, and changes it with the next "
                                           "reset of the GPU: gridctl reset")
                                       : _("the driver of GPU %s was told its mode, and has another all the same"),
                 addr);
    return FALSE;
}

gboolean vg_gpu_wants_mode(const VgGpu *gpu, VgGpuDriverMode mode) {
    return gpu->mode == driver_modes[mode].mode;
}

gboolean vg_gpu_has_driver_mode(const VgGpuHost *host, const VgGpu *gpu) {
    return host->ops->get_mode != NULL && host->dm_can_vfio && gpu->record.vendor == VG_NVIDIA && gpu->on_vfs &&
           gpu->backend != NULL && gpu->backend->vfio_path != NULL;
}

/* What it lacks, marked for translation; NULL: nothing. */
static const char *lacks_mode(const VgGpuHost *host, const VgGpu *gpu) {
    for (guint i = 0; i < VG_DRIVER_MODE_LAST; i++)
        if (vg_gpu_wants_mode(gpu, (VgGpuDriverMode)i) && gpu->modes[i] != VG_SWITCH_ON &&
            vg_gpu_has_driver_mode(host, gpu))
            return driver_modes[i].off;
    return NULL;
}

gboolean vg_gpu_is_waiting(const VgGpuHost *host, const VgGpu *gpu) {
    return gpu->waiting != NULL || lacks_mode(host, gpu) != NULL;
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
    const char *lacks = lacks_mode(host, gpu);
    if (lacks == NULL)
        return NULL;
    return g_strdup_printf(_("it is not ready: %s"), gpu->mode_why != NULL ? gpu->mode_why : _(lacks));
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
