/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * held.c: what a run has of the GPU engine: one claim for all vGPUs of its start, or one for each where they can come
 * and go while it runs. See run.h.
 */
#include "driver/mdevs.h"
#include "driver/run.h"

gboolean vg_held_each(const VgRun *run, gboolean (*what)(VgClaim *claim, GError **error), GError **error) {
    gboolean good = TRUE;
    for (guint i = 0; i < run->claims->len; i++)
        if (!what(run->claims->pdata[i], good ? error : NULL))
            good = FALSE;
    return good;
}

void vg_held_set_stuck(const VgRun *run, const char *why) {
    for (guint i = 0; i < run->claims->len; i++)
        vg_claim_set_stuck(run->claims->pdata[i], why);
}

VgPlace *vg_held_places(const VgRun *run, gsize *ret_n) {
    *ret_n = 0;
    if (!run || run->claims->len == 0)
        return NULL;
    g_autoptr(GArray) all = g_array_new(TRUE, FALSE, sizeof(VgPlace));
    for (guint i = 0; i < run->claims->len; i++) {
        gsize n = 0;
        const VgPlace *places = vg_claim_places(run->claims->pdata[i], &n);
        g_array_append_vals(all, places, (guint)n);
    }
    VgPlace *places = (VgPlace *)(void *)g_array_steal(all, ret_n);
    gsize at = 0;
    for (gsize i = 0; i < run->n_requests; i++)
        for (gsize k = at; k < *ret_n; k++)
            if (vg_uuid_equal(&places[k].vgpu, &run->requests[i].vgpu)) {
                VgPlace found = places[k];
                places[k] = places[at];
                places[at++] = found;
                break;
            }
    return places;
}

VgClaim *vg_held_find(const VgRun *run, const VgUuid *vgpu, gboolean *ret_alone) {
    for (guint i = 0; i < run->claims->len; i++) {
        gsize n = 0;
        const VgPlace *places = vg_claim_places(run->claims->pdata[i], &n);
        for (gsize k = 0; k < n; k++)
            if (vg_uuid_equal(&places[k].vgpu, vgpu)) {
                *ret_alone = n == 1;
                return run->claims->pdata[i];
            }
    }
    return NULL;
}

void vg_held_release(VgRun *run) {
    while (run->claims->len > 0)
        vg_gpus_release(g_ptr_array_remove_index(run->claims, run->claims->len - 1));
}

gboolean vg_held_go_together(const VgRun *run, const VgVgpuRequest *requests, gsize n, GError **error) {
    g_autofree VgVgpuRequest *all = g_new0(VgVgpuRequest, n + (run->lent ? run->lent->len : 0) + 1);
    for (gsize i = 0; i < n; i++)
        all[i] = requests[i];
    for (guint i = 0; run->lent && i < run->lent->len; i++) {
        gsize n_places = 0;
        const VgPlace *place = vg_claim_places(((const VgMdev *)run->lent->pdata[i])->claim, &n_places);
        all[n++] = (VgVgpuRequest){.vgpu = place->vgpu, .type_name = place->type_name};
    }
    return vg_gpus_check(run->hub->gpus, all, n, error);
}

gboolean vg_held_can_plug(const VgPlace *place) {
    return place->backend == VG_BACKEND_SRIOV || place->backend == VG_BACKEND_PASSTHROUGH;
}

void vg_held_take(VgRun *run, VgClaim *claim) {
    gsize n = 0;
    const VgPlace *places = vg_claim_places(claim, &n);
    gboolean apart = TRUE;
    for (gsize i = 0; i < n; i++)
        apart = apart && vg_held_can_plug(&places[i]);
    g_ptr_array_add(run->claims, claim);
    for (; apart && n > 1; n--)
        g_ptr_array_add(run->claims, vg_claim_split(claim));
}
