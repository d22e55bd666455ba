/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vgpu_plug.c: see vgpu_plug.h. The live status names the device before anything is on record or made, and until all of
 * it is undone: so whoever starts after a crash finds it, wherever it got to.
 */
#include "driver/vgpu_plug.h"

#include "base/fault.h"
#include "base/i18n.h"
#include "driver/given.h"
#include "driver/health.h"
#include "driver/leftovers.h"
#include "driver/mdevs.h"
#include "driver/pcidevs.h"

#define VG_AREA "driver"
#include "base/log.h"

struct VgVgpuPlug {
    VgRun *run;
    VgOp *op;
    void (*after)(VgOp *op, GError *error);
    const VgDomain *with, *without;
    gboolean out;
    gboolean in_guest; /* or may be */
    char *device;      /* as the live status has it */
    VgClaim *claim;    /* its own, or NULL: the run's */
    VgXenConfig *config;
    GError *error; /* to be told later */
    VgLadder ladder;
};

/* --- what it is to be --------------------------------------------------------------------------------------------- */

static const VgPlace *place_of(const VgClaim *claim) {
    gsize n = 0;
    return vg_claim_places(claim, &n);
}

static VgXenConfig *build(const VgRun *run, const VgDomain *with, gsize pos, const VgPlace *place, GError **error) {
    gsize n = 0;
    const VgHostdev *dev = with->hostdevs[pos];
    VgVgpuRequest request = {.vgpu = dev->vgpu.uuid, .guest_slot = dev->info.address.pci.slot};
    g_autofree VgXenGpu *gpus = vg_xen_gpus_of(with, &request, place, 1, NULL, &n);
    VgXenBuild build = {.host = &run->hub->info, .gpus = gpus, .n_gpus = n};
    return vg_xen_config_build_device(with, VG_DEVICE_HOSTDEV, pos, &build, error);
}

static const char *why_not(const VgHostdev *dev, const VgPlace *place) {
    if (!vg_held_can_plug(place))
        return _("its type is one that the guest's device model serves, and to that a vGPU is made known when it "
                 "starts; types of back ends 'sriov' and 'passthrough' can");
    if (dev->vgpu.display == VG_TRISTATE_YES)
        return _("a guest's primary display (display='on') is chosen when it starts");
    return NULL;
}

/* Where it would be, looked at first: what cannot be plugged anyway takes nobody's place meanwhile. */
static gboolean look(const VgRun *run, const VgHostdev *dev, const VgVgpuRequest *request, const char **ret_why,
                     GError **error) {
    VgPlace *planned = NULL;
    if (!vg_gpus_plan(run->hub->gpus, request, 1, &planned, error))
        return FALSE;
    *ret_why = why_not(dev, planned);
    vg_places_free(planned, 1);
    return *ret_why == NULL;
}

static const VgVgpuRequest *request_of(const VgVgpuRequest *requests, gsize n, const VgUuid *vgpu) {
    for (gsize i = 0; i < n; i++)
        if (vg_uuid_equal(&requests[i].vgpu, vgpu))
            return &requests[i];
    return NULL;
}

static VgClaim *claim_for(VgRun *run, const VgDomain *with, const VgHostdev *dev, const char **ret_why,
                          GError **error) {
    gsize n = 0;
    VgClaim *claim = NULL;
    VgVgpuRequest *requests = vg_requests_of(&run->hub->info, with, &n);
    const VgVgpuRequest *request = request_of(requests, n, &dev->vgpu.uuid);
    if (vg_held_go_together(run, requests, n, error) && look(run, dev, request, ret_why, error))
        claim = vg_gpus_claim(run->hub->gpus, &run->def->uuid, run->def->name, request, 1, error);
    vg_requests_free(requests, n);
    if (claim &&
        (!vg_memory_is_fixed(with, claim, error) || !vg_given_in_parts(run->hub, claim, NULL, run->def->name, error)))
        g_clear_pointer(&claim, vg_gpus_release);
    return claim;
}

static VgClaim *claim_of(const VgRun *run, const VgHostdev *dev, const char **ret_why, GError **error) {
    gboolean alone = FALSE;
    VgClaim *claim = vg_held_find(run, &dev->vgpu.uuid, &alone);
    if (!claim)
        vg_set_error(error, VG_ERR_DEVICE_MISSING, _("domain '%s' has no place for that vGPU on record"),
                     run->def->name);
    else if ((*ret_why = why_not(dev, place_of(claim))) == NULL && !alone)
        *ret_why = _("it shares a record with another vGPU of the guest until that is stopped");
    return *ret_why ? NULL : claim;
}

static const VgRung rungs[5];
#define n_rungs ((int)G_N_ELEMENTS(rungs))
static void on_rest(VgLadder *ladder, gpointer subject);

VgVgpuPlug *vg_vgpu_plug_new(VgRun *run, VgDomain *with, const VgDomain *without, gsize pos, gboolean out,
                             const char **ret_why, GError **error) {
    VgHostdev *dev = with->hostdevs[pos];
    *ret_why = NULL;
    VgClaim *claim = out ? claim_of(run, dev, ret_why, error) : claim_for(run, with, dev, ret_why, error);
    if (!claim)
        return NULL;
    VgVgpuPlug *plug = g_new0(VgVgpuPlug, 1);
    *plug = (VgVgpuPlug){.run = run, .with = with, .without = without, .out = out, .in_guest = out, .claim = claim};
    plug->config = build(run, with, pos, place_of(claim), error);
    if (!plug->config) {
        vg_vgpu_plug_free(plug);
        return NULL;
    }
    if (!out)
        vg_live_bind(dev, place_of(claim));
    VgDevice there = {.kind = VG_DEVICE_HOSTDEV, .any = dev};
    plug->device = vg_device_format(&there, VG_XML_SECURE);
    plug->ladder = (VgLadder){.rungs = rungs,
                              .n = n_rungs,
                              .queues = {[VG_RUNG_DOMAIN] = run->dom->queue, [VG_RUNG_LEDGER] = run->hub->ledger},
                              .subject = plug,
                              .up_word = "plug",
                              .down_word = "unplug",
                              .given_up = "",
                              .rest = on_rest,
                              .at = out ? n_rungs : 0};
    return plug;
}

void vg_vgpu_plug_free(VgVgpuPlug *plug) {
    if (!plug)
        return;
    if (plug->claim && !plug->out)
        vg_health_drop(plug->run->hub, plug->claim);
    vg_xen_config_free(plug->config);
    vg_ladder_clear(&plug->ladder);
    g_free(plug->device);
    g_free(plug);
}

/* --- rungs -------------------------------------------------------------------------------------------------------- */

static gboolean intent_up(gpointer subject, GError **error) {
    const VgVgpuPlug *plug = subject;
    return vg_run_write_status_of(plug->run, plug->without, plug->device, FALSE, error);
}

static gboolean intent_down(gpointer subject, GError **error) {
    const VgVgpuPlug *plug = subject;
    return vg_run_write_status_of(plug->run, plug->without, NULL, FALSE, error);
}

static gboolean ledger_up(gpointer subject, GError **error) {
    return vg_claim_record(((VgVgpuPlug *)subject)->claim, error);
}

static gboolean ledger_down(gpointer subject, GError **error) {
    return vg_claim_forget(((VgVgpuPlug *)subject)->claim, error);
}

static gboolean device_up(gpointer subject, GError **error) {
    return vg_claim_create(((VgVgpuPlug *)subject)->claim, error);
}

static gboolean device_down(gpointer subject, GError **error) {
    const VgVgpuPlug *plug = subject;
    vg_pcidevs_free_claim(plug->run->hub, plug->claim);
    return vg_claim_remove(plug->claim, error);
}

static gboolean guest_up(gpointer subject, GError **error) {
    VgVgpuPlug *plug = subject;
    VgXen *xen = plug->run->hub->xen;
    int devid = -1;
    plug->in_guest = TRUE;
    vg_claim_use(plug->claim);
    return xen->ops->attach(xen, plug->run->domid, plug->config, &devid, error);
}

static gboolean guest_down(gpointer subject, GError **error) {
    VgVgpuPlug *plug = subject;
    VgXen *xen = plug->run->hub->xen;
    if (!xen->ops->detach(xen, plug->run->domid, plug->config, error))
        return FALSE;
    plug->in_guest = FALSE;
    return TRUE;
}

static gboolean record_up(gpointer subject, GError **error) {
    const VgVgpuPlug *plug = subject;
    return vg_run_write_status_of(plug->run, plug->with, NULL, FALSE, error);
}

/* clang-format off */
static const VgRung rungs[] = {
    {"intent", VG_RUNG_DOMAIN, FALSE, intent_up, intent_down},
    {"ledger", VG_RUNG_LEDGER, TRUE,  ledger_up, ledger_down},
    {"device", VG_RUNG_DOMAIN, TRUE,  device_up, device_down},
    {"guest",  VG_RUNG_DOMAIN, TRUE,  guest_up,  guest_down},
    {"record", VG_RUNG_DOMAIN, TRUE,  record_up, intent_up},
};
/* clang-format on */

/* --- there, or back ----------------------------------------------------------------------------------------------- */

static void keep(VgVgpuPlug *plug) {
    if (!plug->out)
        g_ptr_array_add(plug->run->claims, plug->claim);
    plug->claim = NULL;
}

static void give_back(VgVgpuPlug *plug) {
    if (plug->out) {
        vg_nodedev_show_place(plug->run->hub, place_of(plug->claim), FALSE);
        g_ptr_array_remove(plug->run->claims, plug->claim);
    }
    vg_health_drop(plug->run->hub, g_steal_pointer(&plug->claim));
}

static void settle_run(gpointer data) {
    const VgVgpuPlug *plug = data;
    g_autoptr(GError) error = NULL;
    if (!vg_run_write_status_of(plug->run, plug->with, NULL, FALSE, &error))
        vg_warn("live status of '%s': %s", plug->run->def->name, error->message);
}

static void settled(gpointer data) {
    VgVgpuPlug *plug = data;
    plug->after(plug->op, g_steal_pointer(&plug->error));
}

static void on_rest(VgLadder *ladder, gpointer subject) {
    VgVgpuPlug *plug = subject;
    GError *error = ladder->error ? g_error_copy(ladder->error) : NULL;
    if (ladder->down && !ladder->stuck) {
        give_back(plug);
        if (plug->out)
            g_clear_error(&error);
    } else if (!ladder->down) {
        vg_nodedev_show_place(plug->run->hub, place_of(plug->claim), TRUE);
        keep(plug);
    } else {
        /* The guest has it, or the host does not take it back yet: it stays the guest's until that ends. */
        vg_warn("a vGPU of '%s' stays its own until it ends: %s", plug->run->def->name, error->message);
        keep(plug);
        if (plug->out && plug->in_guest) {
            plug->error = error;
            vg_job_push(plug->run->dom->queue, settle_run, settled, plug);
            return;
        }
        if (plug->out)
            g_clear_error(&error);
    }
    plug->after(plug->op, error);
}

void vg_vgpu_plug_go(VgVgpuPlug *plug, VgOp *op, void (*after)(VgOp *op, GError *error)) {
    plug->op = op;
    plug->after = after;
    if (plug->out)
        vg_ladder_descend(&plug->ladder, 0);
    else
        vg_ladder_climb(&plug->ladder);
}

/* --- after a crash ------------------------------------------------------------------------------------------------ */

static VgClaim *on_record(const VgRun *run, const VgUuid *vgpu) {
    gsize n = 0;
    g_autofree VgClaim **claims = vg_gpus_claims(run->hub->gpus, &n);
    for (gsize i = 0; i < n; i++)
        if (vg_uuid_equal(vg_claim_owner(claims[i]), &run->def->uuid) &&
            vg_uuid_equal(&place_of(claims[i])->vgpu, vgpu))
            return claims[i];
    return NULL;
}

gboolean vg_vgpu_plug_repair(VgRun *run, const VgDomain *with, gsize pos, GError **error) {
    VgXen *xen = run->hub->xen;
    g_autoptr(GError) why = NULL;
    VgClaim *claim = on_record(run, &with->hostdevs[pos]->vgpu.uuid);
    if (!claim)
        return TRUE; /* it came no further, or was gone */
    g_autoptr(VgXenConfig) config = build(run, with, pos, place_of(claim), error);
    if (!config || vg_fault("driver.recover.plug") || !xen->ops->detach(xen, run->domid, config, error))
        return FALSE;
    vg_pcidevs_free_claim(run->hub, claim);
    if (vg_leftovers_drop_claim(run->hub, claim, &why))
        vg_gpus_release(claim);
    else /* the guest, whose claims are taken over after this, has it until it ends */
        vg_warn("a vGPU that was taken out of '%s' stays its own: %s", run->def->name, why ? why->message : "?");
    return TRUE;
}
