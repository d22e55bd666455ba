/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * health.c: what goes wrong with GPUs and who else uses them: a GPU that failed, one that is to be reset, devices that
 * other hands made or removed. Talks to the engine; the driver decides when.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "gpu/engine.h"

#define VG_AREA "gpu"
#include "base/log.h"

/* --- a GPU that failed -------------------------------------------------------------------------------------------- */

/* By its slot: not every message names the function. Or by one of its virtual functions. */
static guint find_told(const VgGpus *gpus, const VgPciAddr *addr) {
    for (guint i = 0; i < gpus->inventory.n; i++) {
        const VgGpu *gpu = &gpus->inventory.gpus[i];
        const VgPciAddr *own = &gpu->record.addr;
        if ((own->domain == addr->domain && own->bus == addr->bus && own->slot == addr->slot) ||
            vg_gpu_vf_number(gpu, addr) != VG_PLACE_ANY)
            return i;
    }
    return VG_PLACE_ANY;
}

char *vg_gpus_failed(VgGpus *gpus, const VgGpuNews *news) {
    guint i = find_told(gpus, &news->gpu);
    if (i == VG_PLACE_ANY || gpus->inventory.gpus[i].closed == VG_GPU_QUARANTINE)
        return NULL;
    const VgGpu *gpu = &gpus->inventory.gpus[i];
    g_autofree char *who = vg_gpus_holders(gpus, i);
    vg_warn("GPU %s has failed and goes into quarantine: %s; on it: %s", gpu->text, news->why,
            *who != '\0' ? who : "nobody");
    return vg_gpus_order("quarantine", &gpu->record.addr, news->why);
}

char *vg_gpus_order(const char *order, const VgPciAddr *gpu, const char *reason) {
    char addr[VG_PCIADDR_TEXT];
    g_autofree char *valid = reason != NULL ? g_utf8_make_valid(reason, -1) : NULL;
    g_autoptr(VgJson) o = vg_json_new_object();
    vg_json_set_string(o, "order", order);
    vg_json_set_string(o, "gpu", vg_pciaddr_format(gpu, addr));
    if (valid != NULL)
        vg_json_set_string(o, "reason", valid);
    return vg_json_print(o, FALSE);
}

/* --- what is to happen when it is empty, and after a stop by force ------------------------------------------------ */

gboolean vg_gpus_next_reset(VgGpus *gpus, VgPciAddr *ret) {
    for (guint i = 0; i < gpus->inventory.n; i++)
        if (gpus->inventory.gpus[i].closed == VG_GPU_RESET && gpus->room.gpus[i].count == 0) {
            *ret = gpus->inventory.gpus[i].record.addr;
            return TRUE;
        }
    return FALSE;
}

gboolean vg_gpus_drained(VgGpus *gpus, const VgPciAddr *gpu) {
    guint i = vg_inventory_find(&gpus->inventory, gpu);
    return i != VG_PLACE_ANY && gpus->inventory.gpus[i].closed == VG_GPU_DRAIN && gpus->room.gpus[i].count == 0;
}

char *vg_gpus_forced(VgGpus *gpus, const VgPciAddr *gpu, const char *owner) {
    static const char *const orders[VG_FORCED_LAST] = {NULL, "reset", "quarantine"};
    guint i = vg_inventory_find(&gpus->inventory, gpu);
    const VgGpu *g = i != VG_PLACE_ANY ? &gpus->inventory.gpus[i] : NULL;
    /* A reset would end a drain. */
    if (g == NULL || orders[g->forced] == NULL || g->closed == VG_GPU_QUARANTINE ||
        (g->closed != VG_GPU_OPEN && g->forced == VG_FORCED_RESET))
        return NULL;
    g_autofree char *why = g_strdup_printf(_("guest '%s' on it was stopped by force"), owner);
    return vg_gpus_order(orders[g->forced], gpu, why);
}

gboolean vg_gpus_reset(VgGpus *gpus, const VgPciAddr *gpu, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/reset", vg_pciaddr_format(gpu, addr));
    int errnum = vg_fault("gpu.reset") ? EIO : vg_sysroot_write(gpus->host->root, path, "1") ? 0 : errno;
    if (errnum == 0)
        return !vg_fault("gpu.reset.done");
    if (errnum == ENOENT)
        vg_set_error(error, VG_ERR_NO_SUPPORT, _("GPU %s cannot be reset: the kernel knows no way to do it"), addr);
    else
        vg_set_errno(error, errnum, _("GPU %s cannot be reset"), addr);
    return FALSE;
}

/* --- what guests' drivers say ------------------------------------------------------------------------------------- */

void vg_gpus_take_sides(VgGpus *gpus, GArray *sides) {
    g_clear_pointer(&gpus->sides, g_array_unref);
    gpus->sides = sides;
    vg_gpus_changed(gpus);
}

gboolean vg_gpus_have_sides(const VgGpus *gpus) {
    return gpus->can_tell && gpus->claims->len > 0;
}
