/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tune.c: a simulated guest gets more or less while it runs, and tells what it does: it shares its work among its
 * vcpus, follows its balloon at once, and has NICs and disks that nothing moves through.
 */
#include <string.h>

#include "base/i18n.h"
#include "sim/sim.h"

typedef struct {
    guint64 kib;
    guint n, cap;
    const guint8 *map;
    gsize len;
} Wish;

typedef gboolean (*Tune)(VgSim *sim, VgSimDomain *dom, const Wish *wish, GError **error);

static gboolean tune(VgXen *xen, guint32 domid, Tune what, const Wish *wish, GError **error) {
    VgSim *sim = (VgSim *)xen;
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find_guest(sim, domid, error);
    gboolean ok = dom && what(sim, dom, wish, error) && vg_sim_store_write(sim->dir, dom, error);
    pthread_mutex_unlock(&sim->lock);
    return ok;
}

/* As much as there is; as with a real balloon, to want more is no error. */
static gboolean do_memory(VgSim *sim, VgSimDomain *dom, const Wish *wish, GError **error) {
    guint64 most = dom->mem_kib + vg_sim_free_kib(sim), kib = MIN(wish->kib, most);
    dom->held_kib = dom->held_kib - dom->mem_kib + kib;
    dom->mem_kib = kib;
    return TRUE;
}

gboolean vg_sim_set_memory(VgXen *xen, guint32 domid, guint64 kib, GError **error) {
    return tune(xen, domid, do_memory, &(Wish){.kib = kib}, error);
}

static gboolean do_max_memory(VgSim *sim, VgSimDomain *dom, const Wish *wish, GError **error) {
    dom->max_mem_kib = wish->kib;
    return TRUE;
}

gboolean vg_sim_set_max_memory(VgXen *xen, guint32 domid, guint64 kib, GError **error) {
    return tune(xen, domid, do_max_memory, &(Wish){.kib = kib}, error);
}

static gboolean has_vcpu(const VgSimDomain *dom, guint vcpu, GError **error) {
    if (vcpu < dom->max_vcpus)
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u has %u vcpus"), dom->domid, dom->max_vcpus);
    return FALSE;
}

static gboolean do_vcpus(VgSim *sim, VgSimDomain *dom, const Wish *wish, GError **error) {
    if (!wish->n || !has_vcpu(dom, wish->n - 1, error))
        return FALSE;
    dom->vcpus = wish->n;
    return TRUE;
}

gboolean vg_sim_set_vcpus(VgXen *xen, guint32 domid, guint n, GError **error) {
    return tune(xen, domid, do_vcpus, &(Wish){.n = n}, error);
}

static gboolean do_pin(VgSim *sim, VgSimDomain *dom, const Wish *wish, GError **error) {
    if (!has_vcpu(dom, wish->n, error))
        return FALSE;
    for (guint cpu = 0; cpu < sim->host->info.cpus && cpu / 8 < wish->len; cpu++)
        if (wish->map[cpu / 8] >> cpu % 8 & 1)
            return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u: the host has none of these CPUs"), dom->domid);
    return FALSE;
}

gboolean vg_sim_pin_vcpu(VgXen *xen, guint32 domid, guint vcpu, const guint8 *map, gsize len, GError **error) {
    return tune(xen, domid, do_pin, &(Wish){.n = vcpu, .map = map, .len = len}, error);
}

static gboolean do_shares(VgSim *sim, VgSimDomain *dom, const Wish *wish, GError **error) {
    if (wish->n < 1 || wish->n > G_MAXUINT16) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u: weights go from 1 to %u"), dom->domid, G_MAXUINT16);
        return FALSE;
    }
    dom->weight = wish->n;
    dom->cap = wish->cap;
    return TRUE;
}

gboolean vg_sim_set_shares(VgXen *xen, guint32 domid, guint weight, guint cap, GError **error) {
    return tune(xen, domid, do_shares, &(Wish){.n = weight, .cap = cap}, error);
}

static void add_devices(const VgSimDomain *dom, VgXenDomain *ret) {
    ret->n_nics = dom->nics ? g_strv_length(dom->nics) : 0;
    ret->nics = g_new0(VgXenNic, ret->n_nics + 1);
    for (gsize i = 0; i < ret->n_nics; i++)
        ret->nics[i].number = (guint)g_ascii_strtoull(dom->nics[i], NULL, 10);
    ret->n_disks = dom->disks ? g_strv_length(dom->disks) : 0;
    ret->disks = g_new0(VgXenDisk, ret->n_disks + 1);
    for (gsize i = 0; i < ret->n_disks; i++) {
        gsize len = strcspn(dom->disks[i], " ");
        g_strlcpy(ret->disks[i].name, dom->disks[i], MIN(len + 1, sizeof ret->disks[i].name));
    }
}

static void add_figures(const VgSim *sim, const VgSimDomain *dom, VgXenDomain *ret) {
    ret->weight = dom->weight;
    ret->cap = dom->cap;
    ret->n_vcpu = dom->max_vcpus;
    ret->vcpu = g_new0(VgXenVcpu, ret->n_vcpu + 1);
    for (gsize i = 0; i < ret->n_vcpu; i++)
        ret->vcpu[i] = (VgXenVcpu){
            .online = i < dom->vcpus,
            .running = i < dom->vcpus && dom->run == VG_XEN_RUNNING,
            .cpu = (int)((dom->domid + i) % sim->host->info.cpus),
            .time_ns = i < dom->vcpus ? ret->cpu_ns / dom->vcpus : 0,
        };
    add_devices(dom, ret);
}

gboolean vg_sim_figures(VgXen *xen, VgXenDomain **ret, gsize *ret_n, GError **error) {
    VgSim *sim = (VgSim *)xen;
    if (!vg_sim_list(xen, ret, ret_n, error))
        return FALSE;
    pthread_mutex_lock(&sim->lock);
    for (gsize i = 0; i < *ret_n; i++) {
        const VgSimDomain *dom = vg_sim_find(sim, (*ret)[i].domid);
        if (dom)
            add_figures(sim, dom, &(*ret)[i]);
    }
    pthread_mutex_unlock(&sim->lock);
    return TRUE;
}
