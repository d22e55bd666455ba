/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * figures.c: what running guests do. One job asks Xen for all of them, at most once a second and only when somebody
 * wants to know; who asks for figures waits for it, and nobody longer than a host needs that is well.
 */
#include "driver/query.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "driver/affect.h"
#include "driver/run.h"
#include "model/cpuset.h"

#define FIGURES_AGE_US G_USEC_PER_SEC
#define PATIENCE_MS 3000
#define DEFAULT_WEIGHT 256

/* --- the census --------------------------------------------------------------------------------------------------- */
typedef struct {
    VgDriverState *hub;
    VgXenDomain *doms;
    gsize n;
    guint64 free_kib;
    gboolean ok;
} Census;

static void census_run(gpointer data) {
    Census *census = data;
    VgXen *xen = census->hub->xen;
    xen->ops->free_memory(xen, &census->free_kib, NULL);
    census->ok = xen->ops->figures(xen, &census->doms, &census->n, NULL);
}

/* Other hands pause and unpause theirs without a word. */
static void follow(VgDriverState *hub, VgDom *dom, VgXenRunState run) {
    VgLifeStep step;
    if (dom->life.phase == VG_LIFE_RUNNING && run == VG_XEN_PAUSED)
        vg_life_step(&dom->life, VG_IN_SUSPENDED, &step, NULL);
    else if (dom->life.phase == VG_LIFE_PAUSED && (run == VG_XEN_RUNNING || run == VG_XEN_BLOCKED))
        vg_life_step(&dom->life, VG_IN_RESUMED, &step, NULL);
    else
        return;
    vg_tell_step(hub, dom, &step);
}

static void stop_waiting(VgDriverState *hub) {
    g_autoptr(GArray) waiting = g_steal_pointer(&hub->waiting);
    hub->waiting = g_array_new(FALSE, FALSE, sizeof(VgDone));
    if (hub->patience)
        g_source_remove(hub->patience);
    hub->patience = 0;
    for (guint i = 0; i < waiting->len; i++) {
        VgDone done = g_array_index(waiting, VgDone, i);
        done.func(NULL, NULL, NULL, done.data);
    }
}

static void take_figures(VgRun *run, VgXenDomain *xd) {
    run->mem_kib = xd->mem_kib;
    run->max_mem_kib = xd->max_mem_kib;
    run->cpu_ns = xd->cpu_ns;
    run->vcpus = xd->vcpus;
    vg_xen_domain_clear(&run->seen);
    run->seen = *xd;
    *xd = (VgXenDomain){0};
}

static void census_done(gpointer data) {
    Census *census = data;
    VgDriverState *hub = census->hub;
    for (gsize i = 0; i < census->n; i++) {
        VgXenDomain *xd = &census->doms[i];
        VgXenRunState state = xd->run;
        VgDom *dom = vg_doms_find_id(&hub->doms, (int)xd->domid);
        if (!dom || !dom->run)
            continue;
        take_figures(dom->run, xd);
        if (dom->run->foreign && !dom->ops)
            follow(hub, dom, state);
    }
    if (census->free_kib)
        hub->info.free_kib = census->free_kib;
    hub->figures_us = vg_clock_mono_us();
    hub->asked = FALSE;
    if (census->ok)
        vg_xen_domains_free(census->doms, census->n);
    g_free(census);
    stop_waiting(hub);
}

static gboolean too_old(const VgDriverState *hub) {
    return vg_clock_mono_us() - hub->figures_us >= FIGURES_AGE_US;
}

void vg_figures_want(VgDriverState *hub) {
    if (hub->asked || hub->stopping || !too_old(hub))
        return;
    Census *census = g_new0(Census, 1);
    census->hub = hub;
    hub->asked = TRUE;
    vg_job_push(hub->asking, census_run, census_done, census);
}

static gboolean patience_over(gpointer data) {
    VgDriverState *hub = data;
    hub->patience = 0;
    stop_waiting(hub);
    return G_SOURCE_REMOVE;
}

gboolean vg_fresh(VgSession *session, VgDone done) {
    VgDriverState *hub = session->hub;
    vg_figures_want(hub);
    if (!hub->asked)
        return TRUE;
    g_array_append_val(hub->waiting, done);
    if (!hub->patience)
        hub->patience = g_timeout_add(PATIENCE_MS, patience_over, hub);
    return FALSE;
}

void vg_figures_close(VgDriverState *hub) {
    stop_waiting(hub);
    g_clear_pointer(&hub->waiting, g_array_unref);
}

/* --- memory and time ---------------------------------------------------------------------------------------------- */

gboolean vg_free_memory(VgSession *session, guint64 *ret_bytes, GError **error) {
    *ret_bytes = session->hub->info.free_kib * 1024;
    return TRUE;
}

gboolean vg_max_memory(VgSession *session, const VgUuid *uuid, guint64 *ret_kib, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (dom)
        *ret_kib = vg_facts_of(dom).max_mem_kib;
    return dom != NULL;
}

VgDomFacts vg_facts_of(const VgDom *dom) {
    VgDomFacts facts = dom->facts;
    if (vg_is_live(dom))
        vg_dom_facts_of(dom->run->def, &facts);
    return facts;
}

gboolean vg_info_of(VgSession *session, const VgUuid *uuid, VgDomInfo *ret, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom)
        return FALSE;
    VgDomFacts facts = vg_facts_of(dom);
    *ret = (VgDomInfo){
        .state = vg_life_state(&dom->life, NULL),
        .max_mem_kib = facts.max_mem_kib,
        .memory_kib = facts.mem_kib,
        .vcpus = (int)facts.vcpus,
    };
    if (vg_is_live(dom)) {
        vg_figures_want(session->hub);
        ret->memory_kib = dom->run->mem_kib;
        ret->cpu_time_ns = dom->run->cpu_ns;
    }
    return TRUE;
}

gboolean vg_memory_stats(VgSession *session, const VgUuid *uuid, guint flags, VgMemStat **ret, gsize *ret_n,
                         GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, 0, "virDomainMemoryStats", error))
        return FALSE;
    if (!vg_is_live(dom)) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain is not running"));
        return FALSE;
    }
    vg_figures_want(session->hub);
    VgMemStat *stats = g_new0(VgMemStat, 2);
    stats[0] = (VgMemStat){VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, dom->run->mem_kib};
    stats[1] = (VgMemStat){VIR_DOMAIN_MEMORY_STAT_AVAILABLE, dom->run->def->memory};
    *ret = stats;
    *ret_n = 2;
    return TRUE;
}

/* --- vcpus -------------------------------------------------------------------------------------------------------- */

static gboolean vcpus_want_live(const VgDom *dom, guint flags, gboolean *ret, GError **error) {
    const guint both = VIR_DOMAIN_VCPU_LIVE | VIR_DOMAIN_VCPU_CONFIG;
    if ((flags & both) == both) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("live and config exclude each other"));
        return FALSE;
    }
    if (flags & VIR_DOMAIN_VCPU_LIVE && !vg_is_live(dom)) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain is not running"));
        return FALSE;
    }
    if (flags & VIR_DOMAIN_VCPU_CONFIG && !dom->life.persistent) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain is transient"));
        return FALSE;
    }
    *ret = (flags & both) ? (flags & VIR_DOMAIN_VCPU_LIVE) != 0 : vg_is_live(dom);
    return TRUE;
}

gboolean vg_vcpus(VgSession *session, const VgUuid *uuid, guint flags, int *ret, GError **error) {
    const guint known = VIR_DOMAIN_VCPU_LIVE | VIR_DOMAIN_VCPU_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM;
    gboolean live = FALSE;
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, known, "virDomainGetVcpusFlags", error) ||
        !vcpus_want_live(dom, flags, &live, error))
        return FALSE;
    VgDomFacts facts = live ? vg_facts_of(dom) : dom->facts;
    *ret = (int)(flags & VIR_DOMAIN_VCPU_MAXIMUM ? facts.max_vcpus : facts.vcpus);
    return TRUE;
}

static int state_of(const VgXenVcpu *vcpu) {
    if (!vcpu->online)
        return VIR_VCPU_OFFLINE;
    return vcpu->running ? VIR_VCPU_RUNNING : VIR_VCPU_BLOCKED;
}

/* The live @dom, OPERATION_INVALID. */
static const VgRun *running(VgSession *session, const VgUuid *uuid, GError **error) {
    const VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (dom && vg_is_live(dom))
        return dom->run;
    if (dom)
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain is not running"));
    return NULL;
}

gboolean vg_vcpu_list(VgSession *session, const VgUuid *uuid, VgVcpuInfo **ret, gsize *ret_n, GError **error) {
    const VgRun *run = running(session, uuid, error);
    if (!run)
        return FALSE;
    *ret_n = run->seen.n_vcpu;
    *ret = g_new0(VgVcpuInfo, *ret_n + 1);
    for (gsize i = 0; i < *ret_n; i++) {
        const VgXenVcpu *vcpu = &run->seen.vcpu[i];
        (*ret)[i] = (VgVcpuInfo){(guint)i, state_of(vcpu), vcpu->time_ns, vcpu->online ? vcpu->cpu : -1};
    }
    return TRUE;
}

static const char *pin_of(const VgDomain *def, guint vcpu) {
    for (gsize i = 0; i < def->cputune.n_vcpupins; i++)
        if (def->cputune.vcpupins[i]->vcpu == vcpu)
            return def->cputune.vcpupins[i]->cpuset;
    return NULL;
}

/* One without a pin runs on any CPU of the host. */
static void fill_map(const VgDomain *def, guint vcpu, guint cpus, guint8 *ret, guint len) {
    guint8 map[VG_CPUSET_MAX / 8];
    const char *pin = pin_of(def, vcpu);
    if (!pin || !vg_cpuset_parse(pin, map))
        memset(map, 0xff, sizeof map);
    for (guint cpu = 0; cpu < MIN(cpus, VG_CPUSET_MAX) && cpu / 8 < len; cpu++)
        ret[cpu / 8] = (guint8)(ret[cpu / 8] | (map[cpu / 8] & 1u << cpu % 8));
}

gboolean vg_vcpu_pins(VgSession *session, const VgUuid *uuid, guint flags, guint max, guint len, guint8 **ret,
                      gsize *ret_n, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, VG_AFFECT, "virDomainGetVcpuPinInfo", error) ||
        !vg_affect_is_one(flags, error) || !vg_affect_resolve(dom, &flags, error))
        return FALSE;
    g_autoptr(VgDomain) own = flags & VIR_DOMAIN_AFFECT_LIVE ? NULL : vg_dom_parse(dom, error);
    const VgDomain *def = flags & VIR_DOMAIN_AFFECT_LIVE ? dom->run->def : own;
    if (!def)
        return FALSE;
    *ret_n = MIN(def->vcpu.max, max);
    *ret = g_malloc0(*ret_n * len + 1);
    for (guint i = 0; i < *ret_n; i++)
        fill_map(def, i, session->hub->info.cpus, *ret + (gsize)i * len, len);
    return TRUE;
}

/* --- the scheduler ------------------------------------------------------------------------------------------------ */

static gboolean has_weights(const char *scheduler) {
    return g_strcmp0(scheduler, "credit") == 0 || g_strcmp0(scheduler, "credit2") == 0;
}

static VgParam uint_param(const char *name, guint value) {
    return (VgParam){.name = name, .type = VG_PARAM_UINT, .ui = value};
}

gboolean vg_scheduler(VgSession *session, const VgUuid *uuid, guint flags, const char **ret_type, VgParam *params,
                      gsize max, gsize *ret_n, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, VG_AFFECT, "virDomainGetSchedulerParametersFlags", error) ||
        !vg_affect_is_one(flags, error) || !vg_affect_resolve(dom, &flags, error))
        return FALSE;
    const char *scheduler = session->hub->info.scheduler;
    gboolean live = (flags & VIR_DOMAIN_AFFECT_LIVE) != 0;
    g_autoptr(VgDomain) own = live ? NULL : vg_dom_parse(dom, error);
    if (!live && !own)
        return FALSE;
    guint weight = live ? dom->run->seen.weight : (guint)own->cputune.shares;
    VgParam both[] = {
        uint_param(VIR_DOMAIN_SCHEDULER_WEIGHT, weight ? weight : DEFAULT_WEIGHT),
        uint_param(VIR_DOMAIN_SCHEDULER_CAP, live ? dom->run->seen.cap : 0),
    };
    *ret_type = scheduler ? scheduler : "unknown";
    *ret_n = has_weights(scheduler) ? MIN(max, live ? 2u : 1u) : 0;
    memcpy(params, both, *ret_n * sizeof *params);
    return TRUE;
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

static const VgXenDisk *seen_disk(const VgRun *run, const char *name) {
    for (gsize i = 0; i < run->seen.n_disks; i++)
        if (g_strcmp0(run->seen.disks[i].name, name) == 0)
            return &run->seen.disks[i];
    return NULL;
}

const VgXenDisk *vg_figures_disk(const VgRun *run, const VgDisk *disk) {
    return seen_disk(run, disk->target);
}

const VgXenNic *vg_figures_nic(const VgRun *run, gsize number) {
    for (gsize i = 0; i < run->seen.n_nics; i++)
        if (run->seen.nics[i].number == number)
            return &run->seen.nics[i];
    return NULL;
}

static gboolean add_disk(const VgRun *run, const VgDisk *disk, VgBlockStats *sum, GError **error) {
    const VgXenDisk *seen = vg_figures_disk(run, disk);
    if (!seen) {
        vg_set_error(error, VG_ERR_OPERATION_UNSUPPORTED,
                     _("disk '%s' of domain '%s': nobody counts for it; the kernel does for disks with <driver "
                       "name='phy'/>"),
                     disk->target, run->def->name);
        return FALSE;
    }
    sum->rd_req += (gint64)seen->read_requests;
    sum->rd_bytes += (gint64)seen->read_bytes;
    sum->wr_req += (gint64)seen->write_requests;
    sum->wr_bytes += (gint64)seen->write_bytes;
    return TRUE;
}

gboolean vg_block_stats(VgSession *session, const VgUuid *uuid, const char *path, VgBlockStats *ret, GError **error) {
    const VgRun *run = running(session, uuid, error);
    gboolean found = FALSE;
    if (!run)
        return FALSE;
    *ret = (VgBlockStats){.errs = -1};
    for (gsize i = 0; i < run->def->n_disks; i++) {
        const VgDisk *disk = run->def->disks[i];
        if (*path && g_strcmp0(disk->target, path) != 0 && g_strcmp0(vg_disk_path(disk), path) != 0)
            continue;
        if (!add_disk(run, disk, ret, error))
            return FALSE;
        found = TRUE;
    }
    if (!found)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("domain '%s' has no disk '%s'"), run->def->name, path);
    return found;
}

static gboolean is_called(const VgInterface *nic, const char *device) {
    char mac[VG_MAC_TEXT];
    return g_strcmp0(nic->target, device) == 0 || g_ascii_strcasecmp(vg_mac_format(&nic->mac, mac), device) == 0;
}

gboolean vg_net_stats(VgSession *session, const VgUuid *uuid, const char *device, VgNetStats *ret, GError **error) {
    const VgRun *run = running(session, uuid, error);
    if (!run)
        return FALSE;
    for (gsize i = 0; i < run->def->n_interfaces; i++) {
        const VgXenNic *nic = vg_figures_nic(run, i);
        if (!nic || !is_called(run->def->interfaces[i], device))
            continue;
        *ret = (VgNetStats){
            (gint64)nic->rx_bytes, (gint64)nic->rx_packets, (gint64)nic->rx_errors, (gint64)nic->rx_dropped,
            (gint64)nic->tx_bytes, (gint64)nic->tx_packets, (gint64)nic->tx_errors, (gint64)nic->tx_dropped,
        };
        return TRUE;
    }
    vg_set_error(error, VG_ERR_INVALID_ARG, _("domain '%s' has no NIC '%s' that figures are kept of"), run->def->name,
                 device);
    return FALSE;
}
