/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * create.c: a simulated domain comes to be, in the steps of libxl's own create. After each the domain is on disk in
 * exactly that state, and there a test can make it fail or kill the daemon ("sim.create.<step>"): whoever starts next
 * sees what libxl would have left behind.
 */
#include <inttypes.h>
#include <libxl_utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/names.h"
#include "sim/plug.h"

#define HVM_MAX_VCPUS 128
#define PV_MAX_VCPUS 8192
#define LIBXL_SLACK_KIB 2048 /* what libxl adds to every guest's need */
#define VNC_FIRST_PORT 5900
#define VNC_PORTS 1024
#define BUILD_STEP_US 10000

typedef const libxl_domain_config *Config;
typedef gboolean (*StepFunc)(VgSim *sim, VgSimDomain *dom, Config c, const char *token, GError **error);

static const VgSimDomain *holder_of_name(VgSim *sim, const VgSimDomain *self, const char *name) {
    for (guint i = 0; i < sim->doms->len; i++) {
        const VgSimDomain *dom = g_ptr_array_index(sim->doms, i);
        if (dom != self && g_strcmp0(dom->name, name) == 0)
            return dom;
    }
    return NULL;
}

static const VgSimDomain *holder_of_uuid(VgSim *sim, const VgSimDomain *self) {
    for (guint i = 0; i < sim->doms->len; i++) {
        const VgSimDomain *dom = g_ptr_array_index(sim->doms, i);
        if (dom != self && dom->domid && vg_uuid_equal(&dom->uuid, &self->uuid))
            return dom;
    }
    return NULL;
}

/* --- the steps */

static gboolean step_domain(VgSim *sim, VgSimDomain *dom, Config c, const char *token, GError **error) {
    gboolean pv = c->c_info.type == LIBXL_DOMAIN_TYPE_PV;
    int most = pv ? PV_MAX_VCPUS : HVM_MAX_VCPUS;
    if (pv ? !sim->host->info.pv : !sim->host->info.hvm) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("this host runs no guests of type %s: its capabilities are '%s'"),
                     libxl_domain_type_to_string(c->c_info.type), sim->host->info.caps);
        return FALSE;
    }
    if (c->b_info.max_vcpus < 1 || c->b_info.max_vcpus > most) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("Xen gives such a guest 1 to %d vcpus, not %d"), most,
                     c->b_info.max_vcpus);
        return FALSE;
    }
    const VgSimDomain *other = holder_of_uuid(sim, dom);
    if (other) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u ('%s') has the same UUID"), other->domid,
                     other->name ? other->name : "");
        return FALSE;
    }
    return TRUE;
}

static gboolean step_named(VgSim *sim, VgSimDomain *dom, Config c, const char *token, GError **error) {
    const VgSimDomain *other = holder_of_name(sim, dom, c->c_info.name);
    if (other) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("the name '%s' is taken by domain %u"), c->c_info.name,
                     other->domid);
        return FALSE;
    }
    dom->name = g_strdup(c->c_info.name);
    dom->token = g_strdup(token);
    return TRUE;
}

/* libxl leaves a figure that was not asked for at all ones. */
static guint64 figure(uint64_t value) {
    return value == LIBXL_MEMKB_DEFAULT ? 0 : value;
}

static guint online_of(const libxl_domain_build_info *b) {
    guint n = 0;
    for (int i = 0; i < b->max_vcpus; i++)
        n += libxl_bitmap_test(&b->avail_vcpus, i) ? 1 : 0;
    return n ? n : (guint)b->max_vcpus;
}

/* end=WORD among the words of the kernel's command line: it does so by itself, each time it comes up. */
static void plan_end(VgSim *sim, VgSimDomain *dom, Config c) {
    const char *line = c->c_info.type == LIBXL_DOMAIN_TYPE_PV ? c->b_info.u.pv.cmdline : c->b_info.cmdline;
    g_auto(GStrv) words = g_strsplit(line ? line : "", " ", -1);
    for (char **word = words; *word; word++) {
        int how = g_str_has_prefix(*word, "end=") ? vg_names_value(&vg_sim_act_names, *word + strlen("end=")) : -1;
        if (how >= 0)
            vg_sim_guest_ask(dom, (VgXenReason)how, 0, (gint64)sim->host->shutdown_ms * 1000);
    }
}

static gboolean step_built(VgSim *sim, VgSimDomain *dom, Config c, const char *token, GError **error) {
    const libxl_domain_build_info *b = &c->b_info;
    guint64 target = figure(b->target_memkb), most = figure(b->max_memkb);
    guint64 held = (target ? target : most) + figure(b->shadow_memkb) + LIBXL_SLACK_KIB;
    guint64 spare = vg_sim_free_kib(sim);
    if (held > spare) {
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("not enough free memory: domain '%s' needs %" PRIu64 " KiB and the host has %" PRIu64
                       " KiB left; stop a guest, or give this one less"),
                     dom->name, held, spare);
        return FALSE;
    }
    dom->mem_kib = target ? target : most;
    dom->max_mem_kib = most ? most : target;
    dom->held_kib = held;
    dom->max_vcpus = (guint)b->max_vcpus;
    dom->vcpus = online_of(b);
    dom->weight = b->sched_params.weight > 0 ? (guint)b->sched_params.weight : VG_SIM_WEIGHT;
    dom->cap = b->sched_params.cap > 0 ? (guint)b->sched_params.cap : 0;
    plan_end(sim, dom, c);
    return TRUE;
}

static gboolean step_disks(VgSim *sim, VgSimDomain *dom, Config c, const char *token, GError **error) {
    for (int i = 0; i < c->num_disks; i++)
        if (!vg_sim_plug_disk(dom, &c->disks[i], error))
            return FALSE;
    return TRUE;
}

static gboolean step_nics(VgSim *sim, VgSimDomain *dom, Config c, const char *token, GError **error) {
    for (int i = 0; i < c->num_nics; i++)
        vg_sim_plug_nic(dom, &c->nics[i]);
    return TRUE;
}

static const VgSimDomain *holder_of_port(VgSim *sim, int port) {
    for (guint i = 0; i < sim->doms->len; i++) {
        const VgSimDomain *dom = g_ptr_array_index(sim->doms, i);
        if (dom->vnc_port == port)
            return dom;
    }
    return NULL;
}

static const libxl_vnc_info *vnc_of(Config c) {
    if (c->c_info.type == LIBXL_DOMAIN_TYPE_HVM)
        return &c->b_info.u.hvm.vnc;
    return c->num_vfbs > 0 ? &c->vfbs[0].vnc : NULL;
}

/* Everything libxl does not know by itself counts as false. */
static gboolean is_true(libxl_defbool b) {
    return !libxl_defbool_is_default(b) && libxl_defbool_val(b);
}

/* A guest without a device model has a console of Xen's own. */
static gboolean has_terminal(Config c) {
    const libxl_domain_build_info *b = &c->b_info;
    if (c->c_info.type != LIBXL_DOMAIN_TYPE_HVM)
        return TRUE;
    const char *serial = b->u.hvm.serial_list ? b->u.hvm.serial_list[0] : b->u.hvm.serial;
    return g_strcmp0(serial, "pty") == 0;
}

/* The device model listens for VNC clients: where it was told to, or on the first free port from there. */
static gboolean step_model(VgSim *sim, VgSimDomain *dom, Config c, const char *token, GError **error) {
    dom->terminal = has_terminal(c);
    if (dom->terminal)
        vg_sim_console_add(sim->consoles, dom->domid, FALSE);
    const libxl_vnc_info *vnc = vnc_of(c);
    if (!vnc || !is_true(vnc->enable))
        return TRUE;
    int port = VNC_FIRST_PORT + CLAMP(vnc->display, 0, 65535 - VNC_FIRST_PORT - VNC_PORTS);
    const VgSimDomain *other = holder_of_port(sim, port);
    gboolean search = libxl_defbool_is_default(vnc->findunused) || libxl_defbool_val(vnc->findunused);
    for (int i = 0; other && search && i < VNC_PORTS; i++)
        other = holder_of_port(sim, ++port);
    if (other) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("the device model of '%s' cannot listen on port %d: domain %u ('%s') does"), dom->name, port,
                     other->domid, other->name);
        return FALSE;
    }
    dom->vnc_port = port;
    return TRUE;
}

static gboolean is_passed(libxl_passthrough passthrough) {
    return passthrough != LIBXL_PASSTHROUGH_DISABLED;
}

static gboolean step_pci(VgSim *sim, VgSimDomain *dom, Config c, const char *token, GError **error) {
    dom->passthrough =
        c->c_info.passthrough == LIBXL_PASSTHROUGH_DEFAULT ? c->num_pcidevs > 0 : is_passed(c->c_info.passthrough);
    for (int i = 0; i < c->num_pcidevs; i++)
        if (!vg_sim_plug_pci(sim, dom, &c->pcidevs[i], error))
            return FALSE;
    return TRUE;
}

typedef struct {
    const char *fault;
    StepFunc run; /* NULL: nothing can go wrong */
} CreateStep;

/* In the order of VgSimStage. */
static const CreateStep steps[] = {
    [VG_SIM_STAGE_DOMAIN] = {"sim.create.domain", step_domain}, [VG_SIM_STAGE_NAMED] = {"sim.create.named", step_named},
    [VG_SIM_STAGE_BUILT] = {"sim.create.built", step_built},    [VG_SIM_STAGE_DISKS] = {"sim.create.disks", step_disks},
    [VG_SIM_STAGE_NICS] = {"sim.create.nics", step_nics},       [VG_SIM_STAGE_MODEL] = {"sim.create.model", step_model},
    [VG_SIM_STAGE_PCI] = {"sim.create.pci", step_pci},          [VG_SIM_STAGE_DONE] = {"sim.create.done", NULL},
};
G_STATIC_ASSERT(G_N_ELEMENTS(steps) == VG_SIM_STAGE_LAST);

/* --- climbing */

static VgSimDomain *domain_new(VgSim *sim, Config c, GError **error) {
    g_autoptr(VgSimDomain) dom = g_new0(VgSimDomain, 1);
    g_autofree char *json = libxl_domain_config_to_json(NULL, (libxl_domain_config *)c);
    memcpy(dom->uuid.b, c->c_info.uuid.uuid, VG_UUID_LEN);
    dom->run = VG_XEN_PAUSED;
    dom->vnc_port = -1;
    dom->kind = g_strdup(libxl_domain_type_to_string(c->c_info.type));
    if (!json) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("libxl cannot print the configuration of '%s'"), c->c_info.name);
        return NULL;
    }
    if (!vg_sim_store_next_domid(sim->dir, &dom->domid, error) ||
        !vg_sim_store_write_config(sim->dir, dom->domid, json, error))
        return NULL;
    return g_steal_pointer(&dom);
}

static gboolean begin(VgSim *sim, Config c, guint32 *ret_domid, GError **error) {
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = domain_new(sim, c, error);
    if (dom) {
        *ret_domid = dom->domid;
        g_ptr_array_add(sim->doms, dom);
    }
    pthread_mutex_unlock(&sim->lock);
    return dom != NULL;
}

/* The domain may have been destroyed since the last step: that aborts the create. */
static gboolean climb(VgSim *sim, guint32 domid, VgSimStage stage, Config c, const char *token, GError **error) {
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find(sim, domid);
    if (!dom)
        vg_set_error(error, VG_ERR_OPERATION_ABORTED, _("'%s' was destroyed while it was being built"), c->c_info.name);
    gboolean ok = dom && (!steps[stage].run || steps[stage].run(sim, dom, c, token, error));
    if (ok) {
        dom->stage = stage;
        ok = vg_sim_store_write(sim->dir, dom, error);
    }
    pthread_mutex_unlock(&sim->lock);
    if (ok && vg_fault(steps[stage].fault)) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("libxl failed at step '%s': Input/output error"),
                     steps[stage].fault);
        ok = FALSE;
    }
    return ok;
}

static void undo(VgSim *sim, guint32 domid) {
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find(sim, domid);
    if (dom && vg_sim_store_remove(sim->dir, domid, NULL))
        vg_sim_drop(sim, dom);
    pthread_mutex_unlock(&sim->lock);
}

/* Building takes its time, unless it is told to abort. */
static gboolean build(VgSim *sim, const VgXenMaking *making, GError **error) {
    gint64 end_us = g_get_monotonic_time() + sim->host->build_ms * G_TIME_SPAN_MILLISECOND;
    while (g_get_monotonic_time() < end_us) {
        if (vg_xen_told_to_abort(making)) {
            vg_set_error(error, VG_ERR_OPERATION_ABORTED, _("'%s' is not built any further, as it was told"),
                         making->config->c.c_info.name);
            return FALSE;
        }
        g_usleep(BUILD_STEP_US);
    }
    return TRUE;
}

gboolean vg_sim_create(VgXen *xen, const VgXenMaking *making, guint32 *ret_domid, GError **error) {
    VgSim *sim = (VgSim *)xen;
    guint32 domid = 0;
    if (!begin(sim, &making->config->c, &domid, error))
        return FALSE;
    for (int stage = 0; stage < VG_SIM_STAGE_LAST; stage++) {
        gboolean modelled = stage != VG_SIM_STAGE_MODEL || vg_sim_run_model(sim, domid, making->config, error);
        if (!modelled || !climb(sim, domid, (VgSimStage)stage, &making->config->c, making->token, error) ||
            (stage == VG_SIM_STAGE_NAMED && !build(sim, making, error))) {
            undo(sim, domid);
            return FALSE;
        }
    }
    *ret_domid = domid;
    return TRUE;
}
