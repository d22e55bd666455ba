/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_vcpu.c: how many vcpus, where they run, how much they weigh; the guest's NUMA nodes. */
#include <libxl_utils.h>
#include <string.h>

#include "xen/conv.h"

#define HVM_MAX_VCPUS 128 /* Xen's limit, also of PVH */
#define PV_MAX_VCPUS 8192
#define MOST_WEIGHT 65535
#define MOST_CELLS 64

static gboolean set_affinity(const VgXenConv *conv, const VgVcpuPin *pin, libxl_bitmap *map, GError **error) {
    memset(map->map, 0, map->size);
    if (pin->cpuset && vg_xen_bitmap_parse(map, pin->cpuset) && vg_xen_bitmap_any(map))
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<vcpupin vcpu='%u'>: cpuset '%s' names no CPU of this host"),
                 pin->vcpu, pin->cpuset ? pin->cpuset : "");
    return FALSE;
}

/* vcpus below the last pinned one get a map each; those without a pin run anywhere. */
static gboolean affinities(const VgXenConv *conv, GError **error) {
    const VgCputune *tune = &conv->dom->cputune;
    libxl_domain_build_info *b = &conv->c->b_info;
    guint n = 0, cpus = conv->build->host && conv->build->host->cpus ? conv->build->host->cpus : 1;
    for (gsize i = 0; i < tune->n_vcpupins; i++)
        if (tune->vcpupins[i]->vcpu < (guint)b->max_vcpus)
            n = MAX(n, tune->vcpupins[i]->vcpu + 1);
    if (n == 0)
        return TRUE;
    b->num_vcpu_hard_affinity = (int)n;
    b->vcpu_hard_affinity = g_new0(libxl_bitmap, n);
    for (guint i = 0; i < n; i++) {
        vg_xen_bitmap_alloc(&b->vcpu_hard_affinity[i], cpus);
        memset(b->vcpu_hard_affinity[i].map, 0xff, b->vcpu_hard_affinity[i].size);
    }
    for (gsize i = 0; i < tune->n_vcpupins; i++)
        if (tune->vcpupins[i]->vcpu < n &&
            !set_affinity(conv, tune->vcpupins[i], &b->vcpu_hard_affinity[tune->vcpupins[i]->vcpu], error))
            return FALSE;
    libxl_defbool_set(&b->numa_placement, false);
    return TRUE;
}

gboolean vg_xen_conv_vcpu(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_build_info *b = &conv->c->b_info;
    guint most = conv->pv ? PV_MAX_VCPUS : HVM_MAX_VCPUS, max = dom->vcpu.max;
    if (max < 1 || max > most || dom->vcpu.current > max) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<vcpu>: Xen gives such a guest 1 to %u vcpus, not %u"), most,
                     max);
        return FALSE;
    }
    b->max_vcpus = (int)max;
    vg_xen_bitmap_alloc(&b->avail_vcpus, max);
    for (guint i = 0; i < (dom->vcpu.current ? dom->vcpu.current : max); i++)
        vg_xen_bitmap_set(&b->avail_vcpus, i);
    b->shadow_memkb = libxl_get_required_shadow_memory((unsigned long)b->max_memkb, max);
    if (dom->cputune.shares > MOST_WEIGHT) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<shares> of <cputune>: Xen's weights end at %d"),
                     MOST_WEIGHT);
        return FALSE;
    }
    if (dom->cputune.shares)
        b->sched_params.weight = (int)dom->cputune.shares;
    return affinities(conv, error);
}

/* --- NUMA */

static uint32_t distance(const VgNumaCell *cell, gsize self, gsize other) {
    for (gsize i = 0; i < cell->n_distances; i++)
        if (cell->distances[i]->id == other)
            return cell->distances[i]->value;
    return self == other ? 10 : 20;
}

static gboolean node(const VgXenConv *conv, gsize i, libxl_vnode_info *ret, GError **error) {
    const VgCpu *cpu = &conv->dom->cpu;
    const VgNumaCell *cell = cpu->cells[i];
    ret->memkb = cell->memory;
    vg_xen_bitmap_alloc(&ret->vcpus, (guint)conv->c->b_info.max_vcpus);
    if (!cell->cpus || !vg_xen_bitmap_parse(&ret->vcpus, cell->cpus) || !vg_xen_bitmap_any(&ret->vcpus)) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<cell id='%u'>: cpus='%s' names no vcpu of this guest"),
                     cell->id, cell->cpus ? cell->cpus : "");
        return FALSE;
    }
    ret->num_distances = (int)cpu->n_cells;
    ret->distances = g_new0(uint32_t, cpu->n_cells);
    for (gsize j = 0; j < cpu->n_cells; j++)
        ret->distances[j] = distance(cell, i, j);
    return TRUE;
}

gboolean vg_xen_conv_numa(const VgXenConv *conv, GError **error) {
    libxl_domain_build_info *b = &conv->c->b_info;
    gsize n = conv->dom->cpu.n_cells;
    if (n == 0)
        return TRUE;
    if (n > MOST_CELLS) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<numa>: a Xen guest has at most %d cells"), MOST_CELLS);
        return FALSE;
    }
    /* With more cells than the host has nodes, all live on node 0. */
    gboolean spread = conv->build->host && n <= conv->build->host->nodes;
    b->vnuma_nodes = g_new0(libxl_vnode_info, n);
    b->num_vnuma_nodes = (int)n;
    for (gsize i = 0; i < n; i++)
        libxl_vnode_info_init(&b->vnuma_nodes[i]);
    for (gsize i = 0; i < n; i++) {
        b->vnuma_nodes[i].pnode = spread ? (uint32_t)i : 0;
        if (!node(conv, i, &b->vnuma_nodes[i], error))
            return FALSE;
    }
    return TRUE;
}
