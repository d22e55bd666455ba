/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hypervisor.c: the Xen seam on the simulated host. Jobs of the driver call it from any thread; events and the guests'
 * time run on the main loop.
 *
 * It stands in the place of another program, the hypervisor, whose every call is atomic: hence the lock, which is held
 * for one call or one step of a create and never while it waits (a pthread one: the thread sanitizer cannot see
 * GLib's). What the driver may not lose is on disk before a call returns.
 */
#include "sim/hypervisor.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "sim/control.h"
#include "sim/domain.h"
#include "sim/host.h"
#include "sim/plug.h"
#include "sim/sim.h"

#define VG_AREA "sim"
#include "base/log.h"

VgSimDomain *vg_sim_find(VgSim *sim, guint32 domid) {
    for (guint i = 0; i < sim->doms->len; i++) {
        VgSimDomain *dom = g_ptr_array_index(sim->doms, i);
        if (dom->domid == domid)
            return dom;
    }
    return NULL;
}

VgSimDomain *vg_sim_find_guest(VgSim *sim, guint32 domid, GError **error) {
    VgSimDomain *dom = vg_sim_find(sim, domid);
    if (!dom)
        vg_set_error(error, VG_ERR_NO_DOMAIN, _("the host has no domain with id %u"), domid);
    return dom;
}

guint64 vg_sim_free_kib(VgSim *sim) {
    guint64 held = 0;
    for (guint i = 0; i < sim->doms->len; i++)
        held += ((VgSimDomain *)g_ptr_array_index(sim->doms, i))->held_kib;
    return sim->host->info.memory_kib - MIN(held, sim->host->info.memory_kib);
}

/* --- the main loop's side */

static gint64 next_deadline(VgSim *sim) {
    gint64 next = 0;
    for (guint i = 0; i < sim->doms->len; i++) {
        const VgSimDomain *dom = g_ptr_array_index(sim->doms, i);
        if (dom->run == VG_XEN_RUNNING && dom->deadline_us > 0 && (!next || dom->deadline_us < next))
            next = dom->deadline_us;
    }
    return next;
}

/* Sets the alarm to the earliest thing to do. Any thread, lock held. */
static void rearm(VgSim *sim) {
    gint64 next = next_deadline(sim);
    if (sim->events->len)
        g_source_set_ready_time(sim->alarm, 0);
    else if (next)
        g_source_set_ready_time(sim->alarm, g_get_monotonic_time() + MAX(next - vg_clock_real_us(), 0));
    else
        g_source_set_ready_time(sim->alarm, -1);
}

void vg_sim_event(VgSim *sim, VgXenEventKind kind, const VgSimDomain *dom) {
    VgXenEvent event = {.kind = kind, .domid = dom->domid, .uuid = dom->uuid, .reason = dom->reason};
    g_array_append_val(sim->events, event);
    rearm(sim);
}

static void save(VgSim *sim, const VgSimDomain *dom) {
    g_autoptr(GError) error = NULL;
    if (!vg_sim_store_write(sim->dir, dom, &error))
        vg_err("domain %u: %s", dom->domid, error->message);
}

/* What a guest says when it is up, the small ones of a real host's tests say, too. */
static void say_hello(VgSim *sim, const VgSimDomain *dom) {
    g_autofree char *who = g_strdup_printf("%s: a simulated guest; it says again what is typed", dom->name);
    g_autofree char *up = g_strdup_printf("GUEST-UP %s", dom->kind ? dom->kind : "");
    vg_sim_console_say(sim->consoles, dom->domid, who);
    vg_sim_console_say(sim->consoles, dom->domid, up);
}

static void say_goodbye(VgSim *sim, const VgSimDomain *dom) {
    static const char *const words[] = {
        [VG_XEN_POWEROFF] = "GUEST-END poweroff", [VG_XEN_REBOOT] = "GUEST-END reboot",
        [VG_XEN_SUSPEND] = "GUEST-END suspend",   [VG_XEN_CRASH] = "GUEST-END crash",
        [VG_XEN_WATCHDOG] = "GUEST-END watchdog", [VG_XEN_SOFT_RESET] = "GUEST-END reboot",
    };
    vg_sim_console_run(sim->consoles, dom->domid, FALSE);
    vg_sim_console_say(sim->consoles, dom->domid, words[dom->reason]);
}

static void tick(VgSim *sim) {
    for (guint i = 0; i < sim->doms->len; i++) {
        VgSimDomain *dom = g_ptr_array_index(sim->doms, i);
        if (!vg_sim_guest_tick(dom, vg_clock_real_us()))
            continue;
        say_goodbye(sim, dom);
        save(sim, dom);
        vg_sim_event(sim, VG_XEN_EVENT_SHUTDOWN, dom);
    }
}

static gboolean alarm_dispatch(GSource *source, GSourceFunc callback, gpointer data) {
    VgSim *sim = data;
    pthread_mutex_lock(&sim->lock);
    tick(sim);
    g_autoptr(GArray) events = g_steal_pointer(&sim->events);
    sim->events = g_array_new(FALSE, FALSE, sizeof(VgXenEvent));
    rearm(sim);
    pthread_mutex_unlock(&sim->lock);
    for (guint i = 0; i < events->len && sim->xen.event; i++)
        sim->xen.event(&g_array_index(events, VgXenEvent, i), sim->xen.event_data);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs alarm_funcs = {.dispatch = alarm_dispatch};

static GSource *alarm_new(VgSim *sim) {
    GSource *source = g_source_new(&alarm_funcs, sizeof(GSource));
    g_source_set_static_name(source, "simulated Xen");
    /* GSource hands the callback's data to dispatch, and only that. */
    g_source_set_callback(source, G_SOURCE_FUNC(NULL), sim, NULL);
    g_source_attach(source, NULL);
    return source;
}

/* --- reading */

static gboolean sim_free_memory(VgXen *xen, guint64 *ret_kib, GError **error) {
    VgSim *sim = (VgSim *)xen;
    pthread_mutex_lock(&sim->lock);
    *ret_kib = vg_sim_free_kib(sim);
    pthread_mutex_unlock(&sim->lock);
    return TRUE;
}

static gboolean sim_host_info(VgXen *xen, VgXenHostInfo *ret, GError **error) {
    VgSim *sim = (VgSim *)xen;
    const VgXenHostInfo *info = &sim->host->info;
    *ret = *info;
    ret->extra = g_strdup(info->extra);
    ret->caps = g_strdup(info->caps);
    ret->cpu_model = g_strdup(info->cpu_model);
    ret->cpu_node = g_memdup2(info->cpu_node, info->cpus * sizeof *info->cpu_node);
    return sim_free_memory(xen, &ret->free_kib, error);
}

static void describe(const VgSimDomain *dom, VgXenDomain *ret) {
    *ret = (VgXenDomain){
        .domid = dom->domid,
        .uuid = dom->uuid,
        .name = g_strdup(dom->name),
        .token = g_strdup(dom->token),
        .kind = g_strdup(dom->kind),
        .run = dom->run,
        .reason = dom->reason,
        .mem_kib = dom->mem_kib,
        .max_mem_kib = dom->max_mem_kib,
        .cpu_ns = vg_sim_guest_cpu_ns(dom, vg_clock_real_us()),
        .vcpus = dom->vcpus,
    };
}

gboolean vg_sim_list(VgXen *xen, VgXenDomain **ret, gsize *ret_n, GError **error) {
    VgSim *sim = (VgSim *)xen;
    pthread_mutex_lock(&sim->lock);
    *ret_n = sim->doms->len;
    *ret = g_new0(VgXenDomain, *ret_n);
    for (guint i = 0; i < sim->doms->len; i++)
        describe(g_ptr_array_index(sim->doms, i), &(*ret)[i]);
    pthread_mutex_unlock(&sim->lock);
    return TRUE;
}

static gboolean sim_info(VgXen *xen, guint32 domid, VgXenDomain *ret, GError **error) {
    VgSim *sim = (VgSim *)xen;
    pthread_mutex_lock(&sim->lock);
    const VgSimDomain *dom = vg_sim_find_guest(sim, domid, error);
    if (dom)
        describe(dom, ret);
    pthread_mutex_unlock(&sim->lock);
    return dom != NULL;
}

static int sim_vnc_port(VgXen *xen, guint32 domid) {
    VgSim *sim = (VgSim *)xen;
    pthread_mutex_lock(&sim->lock);
    const VgSimDomain *dom = vg_sim_find(sim, domid);
    int port = dom ? dom->vnc_port : -1;
    pthread_mutex_unlock(&sim->lock);
    return port;
}

static char *sim_console_path(VgXen *xen, guint32 domid, guint n) {
    return n == 0 ? vg_sim_console_path(((VgSim *)xen)->consoles, domid) : NULL;
}

/* --- changing */

/* What one call does to one domain; FALSE with @error if Xen would refuse. */
typedef gboolean (*SimChange)(VgSim *sim, VgSimDomain *dom, VgXenReason how, GError **error);

static gboolean change(VgXen *xen, guint32 domid, SimChange what, VgXenReason how, GError **error) {
    VgSim *sim = (VgSim *)xen;
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find_guest(sim, domid, error);
    gboolean ok = dom && what(sim, dom, how, error) && vg_sim_store_write(sim->dir, dom, error);
    rearm(sim);
    pthread_mutex_unlock(&sim->lock);
    return ok;
}

/* dom0 is refused what would stop the host; a half-made domain what needs a whole one. */
static gboolean is_guest(const VgSimDomain *dom, GError **error) {
    if (dom->domid != 0 && dom->stage == VG_SIM_STAGE_DONE)
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_INVALID,
                 dom->domid ? _("domain %u is still being built") : _("domain %u is the host itself"), dom->domid);
    return FALSE;
}

static gboolean do_unpause(VgSim *sim, VgSimDomain *dom, VgXenReason how, GError **error) {
    if (!is_guest(dom, error))
        return FALSE;
    gboolean first = dom->run == VG_XEN_PAUSED && !dom->cpu_ns;
    vg_sim_guest_run(dom, vg_clock_real_us());
    vg_sim_console_run(sim->consoles, dom->domid, dom->run == VG_XEN_RUNNING);
    if (first)
        say_hello(sim, dom);
    return TRUE;
}

static gboolean do_pause(VgSim *sim, VgSimDomain *dom, VgXenReason how, GError **error) {
    if (!is_guest(dom, error))
        return FALSE;
    vg_sim_guest_pause(dom, vg_clock_real_us());
    vg_sim_console_run(sim->consoles, dom->domid, FALSE);
    return TRUE;
}

gboolean vg_sim_is_deaf(const VgSim *sim, const VgSimDomain *dom) {
    for (char **pattern = sim->host->deaf; *pattern; pattern++)
        if (g_pattern_match_simple(*pattern, dom->name))
            return TRUE;
    return FALSE;
}

static gboolean do_ask(VgSim *sim, VgSimDomain *dom, VgXenReason how, GError **error) {
    if (!is_guest(dom, error))
        return FALSE;
    if (!vg_sim_is_deaf(sim, dom))
        vg_sim_guest_ask(dom, how, vg_clock_real_us(), (gint64)sim->host->shutdown_ms * 1000);
    return TRUE;
}

static gboolean sim_unpause(VgXen *xen, guint32 domid, GError **error) {
    return change(xen, domid, do_unpause, VG_XEN_POWEROFF, error);
}

static gboolean sim_pause(VgXen *xen, guint32 domid, GError **error) {
    return change(xen, domid, do_pause, VG_XEN_POWEROFF, error);
}

static gboolean sim_shutdown(VgXen *xen, guint32 domid, GError **error) {
    return change(xen, domid, do_ask, VG_XEN_POWEROFF, error);
}

static gboolean sim_reboot(VgXen *xen, guint32 domid, GError **error) {
    return change(xen, domid, do_ask, VG_XEN_REBOOT, error);
}

void vg_sim_drop(VgSim *sim, VgSimDomain *dom) {
    if (dom->stage == VG_SIM_STAGE_DONE)
        vg_sim_event(sim, VG_XEN_EVENT_DEATH, dom);
    vg_sim_console_remove(sim->consoles, dom->domid);
    vg_sim_drop_model(sim, dom->domid);
    g_ptr_array_remove(sim->doms, dom);
    rearm(sim);
}

static gboolean sim_destroy(VgXen *xen, guint32 domid, GError **error) {
    VgSim *sim = (VgSim *)xen;
    if (domid == 0) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain 0 is the host itself"));
        return FALSE;
    }
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find_guest(sim, domid, error);
    if (dom)
        vg_sim_guest_pause(dom, vg_clock_real_us());
    gboolean ok = dom && vg_sim_store_write(sim->dir, dom, error);
    if (ok && vg_fault("sim.destroy.paused")) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u could not be destroyed: Input/output error"), domid);
        ok = FALSE;
    }
    ok = ok && vg_sim_store_remove(sim->dir, domid, error);
    if (ok)
        vg_sim_drop(sim, dom);
    pthread_mutex_unlock(&sim->lock);
    return ok;
}

void vg_sim_guest_acts(VgSim *sim, const char *name, VgXenReason how) {
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = NULL;
    for (guint i = 0; i < sim->doms->len && !dom; i++) {
        VgSimDomain *d = g_ptr_array_index(sim->doms, i);
        if (d->domid && g_strcmp0(d->name, name) == 0)
            dom = d;
    }
    if (dom && dom->run == VG_XEN_RUNNING) {
        vg_sim_guest_end(dom, how, vg_clock_real_us());
        say_goodbye(sim, dom);
        save(sim, dom);
        vg_sim_event(sim, VG_XEN_EVENT_SHUTDOWN, dom);
    } else
        vg_warn("control: no running domain is called '%s'", name);
    pthread_mutex_unlock(&sim->lock);
}

/* --- life of the host */

static VgSimDomain *dom0_new(VgSim *sim) {
    VgSimDomain *dom = g_new0(VgSimDomain, 1);
    dom->name = g_strdup("Domain-0");
    dom->stage = VG_SIM_STAGE_DONE;
    dom->vnc_port = -1;
    dom->run = VG_XEN_RUNNING;
    dom->since_us = vg_clock_real_us();
    g_ptr_array_insert(sim->doms, 0, dom);
    return dom;
}

/* dom0 is as host.json says today; guests whose time came while nobody looked have ended. */
static gboolean settle(VgSim *sim, GError **error) {
    VgSimDomain *dom0 = vg_sim_find(sim, 0);
    if (!dom0)
        dom0 = dom0_new(sim);
    dom0->vcpus = dom0->max_vcpus = sim->host->info.cpus;
    dom0->weight = VG_SIM_WEIGHT;
    dom0->mem_kib = dom0->max_mem_kib = dom0->held_kib = sim->host->dom0_kib;
    if (!vg_sim_store_write(sim->dir, dom0, error))
        return FALSE;
    for (guint i = 0; i < sim->doms->len; i++) {
        VgSimDomain *dom = g_ptr_array_index(sim->doms, i);
        if (dom->terminal && dom->stage == VG_SIM_STAGE_DONE)
            vg_sim_console_add(sim->consoles, dom->domid, dom->run == VG_XEN_RUNNING);
        if (vg_sim_guest_tick(dom, vg_clock_real_us()) && !vg_sim_store_write(sim->dir, dom, error))
            return FALSE;
    }
    return TRUE;
}

static void sim_free(VgXen *xen) {
    VgSim *sim = (VgSim *)xen;
    vg_sim_control_free(sim->control);
    vg_sim_consoles_free(sim->consoles);
    if (sim->alarm) {
        g_source_destroy(sim->alarm);
        g_source_unref(sim->alarm);
    }
    g_clear_pointer(&sim->doms, g_ptr_array_unref);
    g_clear_pointer(&sim->events, g_array_unref);
    vg_sim_host_free(sim->host);
    pthread_mutex_destroy(&sim->lock);
    g_free(sim->dir);
    g_free(sim);
}

static const VgXenOps sim_ops = {
    .name = "simulated",
    .host_info = sim_host_info,
    .free_memory = sim_free_memory,
    .list = vg_sim_list,
    .info = sim_info,
    .figures = vg_sim_figures,
    .create = vg_sim_create,
    .unpause = sim_unpause,
    .pause = sim_pause,
    .shutdown = sim_shutdown,
    .reboot = sim_reboot,
    .destroy = sim_destroy,
    .attach = vg_sim_attach,
    .detach = vg_sim_detach,
    .insert = vg_sim_insert,
    .save = vg_sim_save,
    .resume = vg_sim_resume,
    .restore = vg_sim_restore,
    .dump = vg_sim_dump,
    .set_memory = vg_sim_set_memory,
    .set_max_memory = vg_sim_set_max_memory,
    .set_vcpus = vg_sim_set_vcpus,
    .pin_vcpu = vg_sim_pin_vcpu,
    .set_shares = vg_sim_set_shares,
    .pci_lent = vg_sim_pci_lent,
    .pci_lend = vg_sim_pci_lend,
    .pci_give_back = vg_sim_pci_give_back,
    .pci_reset = vg_sim_pci_reset,
    .vnc_port = sim_vnc_port,
    .console_path = sim_console_path,
    .screenshot = vg_sim_screenshot,
    .key = vg_sim_key,
    .free = sim_free,
};

VgXen *vg_sim_xen_new(const char *dir, GError **error) {
    VgSim *sim = g_new0(VgSim, 1);
    sim->xen.ops = &sim_ops;
    pthread_mutex_init(&sim->lock, NULL);
    sim->dir = g_build_filename(dir, "state", "xen", NULL);
    sim->events = g_array_new(FALSE, FALSE, sizeof(VgXenEvent));
    sim->consoles = vg_sim_consoles_new(sim->dir);
    gboolean ok = (sim->host = vg_sim_host_load(dir, error)) && vg_sim_store_open(sim->dir, error) &&
                  (sim->doms = vg_sim_store_load(sim->dir, error)) && settle(sim, error);
    if (ok) {
        sim->alarm = alarm_new(sim);
        rearm(sim);
        ok = (sim->control = vg_sim_control_new(sim, dir, error)) != NULL;
    }
    if (!ok) {
        sim_free(&sim->xen);
        return NULL;
    }
    return &sim->xen;
}
