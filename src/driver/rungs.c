/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rungs.c: each step of a start, with its undoing. The intent is on disk before anything of the guest exists outside
 * this process, and goes away last: whatever a crash leaves is found again by it, by the ledger, or by the token in the
 * domain.
 */
#include "driver/rungs.h"

#include "base/i18n.h"
#include "driver/emulators.h"
#include "driver/given.h"
#include "driver/health.h"
#include "driver/mdevs.h"
#include "driver/network.h"
#include "driver/pcidevs.h"
#include "driver/ports.h"
#include "driver/run.h"
#include "driver/state.h"

#include <inttypes.h>
#include <string.h>

enum {
    CLAIM,
    PORTS,
    INTENT,
    LEDGER,
    VGPUS,
    PCI,
    CONFIG,
    MEMORY,
    EMULATOR,
    DOMAIN,
    RECORD,
    READY,
    IMAGE,
    UNPAUSE,
    N_RUNGS
};

/* A device that writes into the guest's memory by itself needs all of it to be there: no balloon. */
gboolean vg_memory_is_fixed(const VgDomain *def, const VgClaim *claim, GError **error) {
    gsize n = 0;
    const VgPlace *places = vg_claim_places(claim, &n);
    for (gsize i = 0; i < n; i++)
        if (vg_held_can_plug(&places[i]) && def->current_memory < def->memory) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                         _("domain '%s' has a vGPU of type %s, which needs the guest's memory to be fixed: make "
                           "<currentMemory> as large as <memory>"),
                         def->name, places[i].type_name);
            return FALSE;
        }
    return TRUE;
}

/* One that the definition names has not been declared able. */
static gboolean model_is_able(const VgRun *run, const VgClaim *claim, GError **error) {
    gsize n = 0;
    const VgPlace *places = vg_claim_places(claim, &n);
    const char *own = run->def->emulator, *able = run->hub->vfio_model;
    for (gsize i = 0; i < n && own && able; i++)
        if (places[i].vfio_path && strcmp(own, able) != 0) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                         _("domain '%s' has a vGPU of type %s, which needs the device model '%s', and names '%s' in "
                           "<emulator>: leave that out"),
                         run->def->name, places[i].type_name, able, own);
            return FALSE;
        }
    return TRUE;
}

static gboolean may_have_all(const VgRun *run, GError **error) {
    if (run->lent && !vg_held_go_together(run, run->requests, run->n_requests, error))
        return FALSE;
    for (guint i = 0; i < run->claims->len; i++) {
        const VgClaim *claim = run->claims->pdata[i];
        if (!model_is_able(run, claim, error) || !vg_memory_is_fixed(run->def, claim, error))
            return FALSE;
    }
    for (guint i = 0; run->lent && i < run->lent->len; i++)
        if (!vg_memory_is_fixed(run->def, ((VgMdev *)run->lent->pdata[i])->claim, error))
            return FALSE;
    return vg_given_once(run, error);
}

static void give_back(VgRun *run) {
    vg_mdevs_return(run);
    vg_held_release(run);
}

static gboolean claim_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    if (!vg_mdevs_lend(run, error))
        return FALSE;
    VgClaim *claim = NULL;
    if (run->n_requests)
        claim = vg_gpus_claim(run->hub->gpus, &run->def->uuid, run->def->name, run->requests, run->n_requests, error);
    if (claim)
        vg_held_take(run, claim);
    if ((!run->n_requests || claim) && may_have_all(run, error)) {
        vg_health_settle(run->hub);
        return TRUE;
    }
    give_back(run);
    return FALSE;
}

static gboolean claim_down(gpointer subject, GError **error) {
    vg_nodedev_show(subject, FALSE);
    vg_mdevs_return(subject);
    vg_health_release(subject);
    return TRUE;
}

static gboolean ports_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    return vg_ports_choose(run->hub, run->def, error);
}

static gboolean intent_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    VgStatus status = {
        .uuid = run->def->uuid,
        .name = run->def->name,
        .boot = run->hub->boot_id,
        .token = run->token,
        .paused = run->paused,
        .domid = -1,
        .pcidevs = run->pcidevs,
    };
    return vg_status_write(run->hub->statusdir, &status, error);
}

static gboolean intent_down(gpointer subject, GError **error) {
    VgRun *run = subject;
    return vg_status_remove(run->hub->statusdir, &run->def->uuid, error);
}

static gboolean ledger_up(gpointer subject, GError **error) {
    return vg_held_each(subject, vg_claim_record, error);
}

static gboolean ledger_down(gpointer subject, GError **error) {
    return vg_held_each(subject, vg_claim_forget, error);
}

static gboolean vgpus_up(gpointer subject, GError **error) {
    return vg_held_each(subject, vg_claim_create, error);
}

static gboolean vgpus_down(gpointer subject, GError **error) {
    return vg_held_each(subject, vg_claim_remove, error);
}

static gboolean pci_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    for (gsize i = 0; i < vg_pcidevs_count(run->def); i++) {
        gboolean managed = FALSE;
        const VgPciAddr *addr = vg_pcidevs_nth(run->def, i, &managed);
        if (addr && !vg_pcidevs_lend(run, addr, managed, intent_up, run, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean pci_down(gpointer subject, GError **error) {
    VgRun *run = subject;
    for (guint i = 0; i < run->claims->len; i++)
        vg_pcidevs_free_claim(run->hub, run->claims->pdata[i]);
    return vg_pcidevs_give_back_all(run, error);
}

static gboolean config_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    gsize n = 0;
    if (!vg_networks_resolve(run->def, run->hub->simulated, error) ||
        (run->again && !vg_held_each(run, vg_claim_renew, error)))
        return FALSE;
    g_autofree VgPlace *places = vg_held_places(run, &n);
    g_autofree VgXenGpu *gpus = vg_xen_gpus_of(run->def, run->requests, places, MIN(n, run->n_requests), run->lent, &n);
    VgXenBuild build = {.host = &run->hub->info, .gpus = gpus, .n_gpus = n};
    build.emulator = vg_xen_emulator_of(run->hub, gpus, n);
    g_auto(VgStarter) starter = {0};
    vg_starter_take(&starter, run->hub, &run->def->uuid, &build);
    run->config = vg_xen_config_build(run->def, &build, error);
    return run->config != NULL;
}

static gboolean config_down(gpointer subject, GError **error) {
    VgRun *run = subject;
    g_clear_pointer(&run->config, vg_xen_config_free);
    return TRUE;
}

/* Said here in words; the real check is Xen's own, when it builds the guest. */
static gboolean memory_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    guint64 free_kib = 0;
    if (!run->hub->xen->ops->free_memory(run->hub->xen, &free_kib, error))
        return FALSE;
    if (run->def->current_memory <= free_kib)
        return TRUE;
    vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                 _("not enough memory: domain '%s' wants %" PRIu64 " MiB, the host has %" PRIu64
                   " MiB free; stop another guest or make its <memory> smaller"),
                 run->def->name, run->def->current_memory / 1024, free_kib / 1024);
    return FALSE;
}

static gboolean emulator_up(gpointer subject, GError **error) {
    return vg_emulator_order_it(subject, error);
}

static gboolean emulator_down(gpointer subject, GError **error) {
    return vg_emulator_forget(subject, error);
}

static gboolean ready_up(gpointer subject, GError **error) {
    return vg_emulator_wait(subject, error);
}

/* The emulator goes before the domain. */
static gboolean ready_down(gpointer subject, GError **error) {
    return vg_emulator_end(subject, error);
}

static gboolean domain_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    VgXen *xen = run->hub->xen;
    VgXenMaking making = {.config = run->config, .token = run->token, .abort = &run->ladder.abort};
    guint32 domid = 0;
    gboolean ok;
    for (guint i = 0; i < run->claims->len; i++)
        vg_claim_use(run->claims->pdata[i]);
    if (run->stream < 0) {
        ok = xen->ops->create(xen, &making, &domid, error);
    } else {
        ok = run->restored = xen->ops->restore(xen, &making, run->stream, &domid, error);
        vg_fd_clear(&run->stream);
    }
    run->built = domid != 0; /* perhaps only to be destroyed */
    if (run->built)
        run->domid = domid;
    if (!ok && !vg_xen_told_to_abort(&making))
        vg_emulator_blame(run, error);
    return ok;
}

static gboolean domain_down(gpointer subject, GError **error) {
    VgRun *run = subject;
    g_autoptr(GError) why = NULL;
    if (!run->built)
        return TRUE;
    if (!run->hub->xen->ops->destroy(run->hub->xen, run->domid, &why) &&
        !g_error_matches(why, VG_ERROR, VG_ERR_NO_DOMAIN)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    run->built = FALSE;
    return TRUE;
}

static gboolean record_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    vg_live_fill(run);
    return vg_run_write_status(run, error);
}

/*
 * A managed save does not count any more before the guest does a thing: memory of then beside disks of now would be the
 * end of its file systems. One whose start fails has it back.
 */
static gboolean image_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    run->image_gone = run->image && vg_save_aside(run->image, error);
    return !run->image || run->image_gone;
}

static gboolean image_down(gpointer subject, GError **error) {
    VgRun *run = subject;
    if (run->image && !vg_save_back(run->image, error))
        return FALSE;
    run->image_gone = FALSE;
    return TRUE;
}

static gboolean unpause_up(gpointer subject, GError **error) {
    VgRun *run = subject;
    return run->paused || run->hub->xen->ops->unpause(run->hub->xen, run->domid, error);
}

/* clang-format off */
const VgRung vg_rungs[] = {
    [CLAIM]    = {"claim",    VG_RUNG_MAIN,   FALSE, claim_up,    claim_down},
    [PORTS]    = {"ports",    VG_RUNG_MAIN,   FALSE, ports_up,    NULL},
    [INTENT]   = {"intent",   VG_RUNG_DOMAIN, TRUE,  intent_up,   intent_down},
    [LEDGER]   = {"ledger",   VG_RUNG_LEDGER, TRUE,  ledger_up,   ledger_down},
    [VGPUS]    = {"vgpus",    VG_RUNG_DOMAIN, TRUE,  vgpus_up,    vgpus_down},
    [PCI]      = {"pci",      VG_RUNG_DOMAIN, TRUE,  pci_up,      pci_down},
    [CONFIG]   = {"config",   VG_RUNG_DOMAIN, FALSE, config_up,   config_down},
    [MEMORY]   = {"memory",   VG_RUNG_DOMAIN, FALSE, memory_up,   NULL},
    [EMULATOR] = {"emulator", VG_RUNG_DOMAIN, TRUE,  emulator_up, emulator_down},
    [DOMAIN]   = {"domain",   VG_RUNG_DOMAIN, TRUE,  domain_up,   domain_down},
    [RECORD]   = {"record",   VG_RUNG_DOMAIN, FALSE, record_up,   NULL},
    [READY]    = {"ready",    VG_RUNG_DOMAIN, TRUE,  ready_up,    ready_down},
    [IMAGE]    = {"image",    VG_RUNG_DOMAIN, FALSE, image_up,    image_down},
    [UNPAUSE]  = {"unpause",  VG_RUNG_DOMAIN, FALSE, unpause_up,  NULL},
};
/* clang-format on */
const int vg_n_rungs = N_RUNGS;
const int vg_rung_restart = CONFIG;
const int vg_rung_domain = DOMAIN;
