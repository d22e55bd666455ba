/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * look.c: looks again at what the host has: devices that other hands made or removed, GPUs that were not ready. What
 * can be done for those is done on the way. Talks to the engine; the driver decides when.
 */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/engine.h"
#include "gpu/ready.h"

#define VG_AREA "gpu"
#include "base/log.h"

typedef struct {
    gboolean prepare;
    struct {
        gboolean set, wanted;
        VgGpuSwitch is;
    } modes[VG_DRIVER_MODE_LAST];
    char *mode_why;
    VgGpuFacts facts;
} One;

struct VgGpusLook {
    VgGpus *gpus;
    guint64 releases; /* when it began */
    One *ones;        /* of each GPU */
};

gboolean vg_gpus_waiting(const VgGpus *gpus) {
    for (guint i = 0; i < gpus->inventory.n; i++)
        if (vg_gpu_is_waiting(gpus->host, &gpus->inventory.gpus[i]) && gpus->inventory.gpus[i].why_not != NULL)
            return TRUE;
    return FALSE;
}

/* --- main loop: what is to be done -------------------------------------------------------------------------------- */

VgGpusLook *vg_gpus_look_begin(VgGpus *gpus) {
    VgGpusLook *look = g_new0(VgGpusLook, 1);
    gboolean closes = FALSE;
    *look = (VgGpusLook){.gpus = gpus, .releases = gpus->releases, .ones = g_new0(One, gpus->inventory.n + 1)};
    for (guint i = 0; i < gpus->inventory.n; i++) {
        VgGpu *gpu = &gpus->inventory.gpus[i];
        One *one = &look->ones[i];
        gboolean empty = gpus->room.gpus[i].count == 0 && gpu->closed == VG_GPU_OPEN;
        one->prepare = gpu->waiting != NULL && empty;
        /* They are lost by many things, so an empty GPU is asked each time. */
        for (guint m = 0; m < VG_DRIVER_MODE_LAST; m++) {
            one->modes[m].wanted = vg_gpu_wants_mode(gpu, (VgGpuDriverMode)m);
            one->modes[m].set = empty && (gpu->waiting != NULL || vg_gpu_has_driver_mode(gpus->host, gpu)) &&
                                (one->modes[m].wanted || gpu->modes[m] == VG_SWITCH_ON);
        }
        gpu->preparing = one->prepare;
        closes = closes || one->prepare;
    }
    if (closes) /* nobody gets them whole meanwhile */
        vg_gpus_apply(gpus);
    return look;
}

/* --- job ---------------------------------------------------------------------------------------------------------- */

static void set_mode(VgGpuHost *host, const VgGpuRecord *record, One *one, VgGpuDriverMode m) {
    g_autoptr(GError) error = NULL;
    if (vg_ready_set_mode(host, record, m, one->modes[m].wanted, &error)) {
        one->modes[m].is = one->modes[m].wanted ? VG_SWITCH_ON : VG_SWITCH_OFF;
        return;
    }
    char addr[VG_PCIADDR_TEXT];
    vg_warn("GPU %s: its mode could not be set: %s", vg_pciaddr_format(&record->addr, addr), error->message);
    g_free(one->mode_why);
    one->mode_why = g_strdup(error->message);
}

/* A mode ends before another begins. */
static void set_modes(VgGpuHost *host, const VgGpuRecord *record, One *one) {
    for (guint wanted = 0; wanted < 2; wanted++)
        for (guint m = 0; m < VG_DRIVER_MODE_LAST; m++)
            if (one->modes[m].set && one->modes[m].wanted == (gboolean)wanted)
                set_mode(host, record, one, (VgGpuDriverMode)m);
}

void vg_gpus_look_read(VgGpusLook *look) {
    VgGpus *gpus = look->gpus;
    for (guint i = 0; i < gpus->inventory.n; i++) {
        const VgGpuRecord *record = &gpus->inventory.gpus[i].record;
        One *one = &look->ones[i];
        if (one->prepare)
            vg_ready_prepare(gpus->host, record, gpus->backend_host.wait_ms);
        vg_inventory_ask(gpus->host, record, &one->facts);
        if (one->facts.waiting != NULL || gpus->host->ops->get_mode == NULL)
            continue;
        set_modes(gpus->host, record, one);
        if (one->modes[VG_DRIVER_MIG].is != VG_SWITCH_UNKNOWN) { /* it shows other types than before */
            vg_gpu_facts_clear(&one->facts);
            vg_inventory_ask(gpus->host, record, &one->facts);
        }
    }
}

/* --- main loop: what came of it ----------------------------------------------------------------------------------- */

static gboolean has_device(const GArray *devices, const VgKernelVgpu *wanted) {
    for (guint i = 0; i < devices->len; i++) {
        const VgKernelVgpu *v = &g_array_index(devices, VgKernelVgpu, i);
        if (v->has_uuid == wanted->has_uuid && vg_uuid_equal(&v->uuid, &wanted->uuid) &&
            vg_pciaddr_compare(&v->vf, &wanted->vf) == 0)
            return v->gpu == wanted->gpu && v->type == wanted->type && v->start == wanted->start;
    }
    return FALSE;
}

static gboolean same_devices(const GArray *a, const GArray *b) {
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++)
        if (!has_device(b, &g_array_index(a, VgKernelVgpu, i)))
            return FALSE;
    return TRUE;
}

static gboolean same_vfs(const GArray *a, const GArray *b) {
    gboolean same = a->len == b->len;
    for (guint i = 0; same && i < a->len; i++) {
        const VgVf *x = &g_array_index(a, VgVf, i), *y = &g_array_index(b, VgVf, i);
        same = vg_pciaddr_compare(&x->addr, &y->addr) == 0 && x->usable == y->usable;
    }
    return same;
}

/* Functions get their types one after the other: it is ready with the last, or when no more have come for a while. */
static void wait_for_the_rest(VgGpu *gpu, VgGpuFacts *facts) {
    guint n = 0;
    for (guint i = 0; i < facts->vfs->len; i++)
        n += g_array_index(facts->vfs, VgVf, i).usable ? 1 : 0;
    if (gpu->waiting == NULL || facts->waiting != NULL || facts->missing == 0 || n == gpu->seen_vfs)
        return;
    gpu->seen_vfs = n;
    facts->waiting = g_strdup(_("its driver shows types of vGPU on some of its virtual functions only, so far"));
}

/* Types are read anew where something came or went; a GPU that only runs something else keeps what it offers. */
static gboolean take_gpu(VgGpusLook *look, guint i) {
    VgGpus *gpus = look->gpus;
    VgGpu *gpu = &gpus->inventory.gpus[i];
    One *one = &look->ones[i];
    wait_for_the_rest(gpu, &one->facts);
    VgGpuSwitch modes[VG_DRIVER_MODE_LAST];
    gboolean changed = gpu->preparing || g_strcmp0(gpu->waiting, one->facts.waiting) != 0 ||
                       g_strcmp0(gpu->mode_why, one->mode_why) != 0;
    for (guint m = 0; m < VG_DRIVER_MODE_LAST; m++) {
        modes[m] = one->modes[m].is != VG_SWITCH_UNKNOWN ? one->modes[m].is : gpu->modes[m];
        changed = changed || modes[m] != gpu->modes[m];
    }
    gboolean other = (one->facts.backend != NULL && gpu->backend != one->facts.backend) ||
                     !same_vfs(gpu->vfs, one->facts.vfs) || modes[VG_DRIVER_MIG] != gpu->modes[VG_DRIVER_MIG];
    gpu->preparing = FALSE;
    if (other || g_strcmp0(gpu->waiting, one->facts.waiting) != 0) {
        gboolean became_ready = gpu->waiting != NULL && one->facts.waiting == NULL;
        vg_inventory_take(gpus->types, &gpus->inventory, i, &one->facts);
        /* Functions that went and came took the mode with them. */
        for (guint m = 0; m < VG_DRIVER_MODE_LAST; m++)
            if (gpu->waiting != NULL || (became_ready && one->modes[m].is == VG_SWITCH_UNKNOWN))
                modes[m] = VG_SWITCH_UNKNOWN;
        if (gpu->waiting != NULL || became_ready)
            vg_info("GPU %s: %s", gpu->text, gpu->waiting != NULL ? gpu->waiting : "ready");
    }
    memcpy(gpu->modes, modes, sizeof modes);
    g_free(gpu->mode_why);
    gpu->mode_why = g_steal_pointer(&one->mode_why);
    return changed || other;
}

static gboolean take_devices(VgGpusLook *look, const VgGpuFacts *facts) {
    VgGpus *gpus = look->gpus;
    g_autoptr(GArray) devices = vg_inventory_devices(gpus->types, &gpus->inventory, facts);
    if (same_devices(gpus->inventory.kernel, devices))
        return FALSE;
    g_autoptr(GArray) before = g_steal_pointer(&gpus->foreign);
    g_array_unref(gpus->inventory.kernel);
    gpus->inventory.kernel = g_steal_pointer(&devices);
    vg_gpus_find_foreign(gpus);
    if (same_devices(before, gpus->foreign))
        return FALSE;
    vg_info("%u devices made by other hands, %u before", gpus->foreign->len, before->len);
    return TRUE;
}

/* What was ours when we read, and has been given back since, would be taken for somebody else's. */
gboolean vg_gpus_look_end(VgGpusLook *look) {
    VgGpus *gpus = look->gpus;
    gboolean valid = look->releases == gpus->releases, changed = FALSE;
    guint n = gpus->inventory.n;
    for (guint i = 0; i < n; i++)
        changed = take_gpu(look, i) || changed;
    g_autofree VgGpuFacts *facts = g_new0(VgGpuFacts, n + 1);
    for (guint i = 0; i < n; i++)
        facts[i] = look->ones[i].facts;
    if (valid)
        changed = take_devices(look, facts) || changed;
    if (changed)
        vg_gpus_apply(gpus);
    for (guint i = 0; i < n; i++)
        vg_gpu_facts_clear(&facts[i]);
    g_free(look->ones);
    g_free(look);
    return valid;
}
