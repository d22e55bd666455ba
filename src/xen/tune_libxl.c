/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tune_libxl.c: a running guest gets more or less: memory, vcpus, CPUs to run on, a share of them. */
#include <libxl_utils.h>
#include <string.h>

#include "base/i18n.h"
#include "xen/libxl_op.h"

gboolean vg_xen_libxl_set_memory(VgXen *xen, guint32 domid, guint64 kib, GError **error) {
    g_auto(VgXenOp) op = {0};
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    int rc = libxl_set_memory_target(op.ctx, domid, (int64_t)kib, 0, 1);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "mem-set");
}

gboolean vg_xen_libxl_set_max_memory(VgXen *xen, guint32 domid, guint64 kib, GError **error) {
    g_auto(VgXenOp) op = {0};
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    int rc = libxl_domain_setmaxmem(op.ctx, domid, kib);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "mem-max");
}

gboolean vg_xen_libxl_set_vcpus(VgXen *xen, guint32 domid, guint n, GError **error) {
    g_auto(VgXenOp) op = {0};
    libxl_bitmap map;
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    libxl_bitmap_init(&map);
    int rc = libxl_cpu_bitmap_alloc(op.ctx, &map, (int)n);
    for (guint i = 0; rc == 0 && i < n; i++)
        libxl_bitmap_set(&map, (int)i);
    if (rc == 0)
        rc = libxl_set_vcpuonline(op.ctx, domid, &map, NULL);
    libxl_bitmap_dispose(&map);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "vcpu-set");
}

gboolean vg_xen_libxl_pin_vcpu(VgXen *xen, guint32 domid, guint vcpu, const guint8 *map, gsize len, GError **error) {
    g_auto(VgXenOp) op = {0};
    libxl_bitmap cpus;
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    libxl_bitmap_init(&cpus);
    int rc = libxl_cpu_bitmap_alloc(op.ctx, &cpus, 0);
    if (rc == 0) {
        memcpy(cpus.map, map, MIN(len, (gsize)cpus.size));
        rc = libxl_set_vcpuaffinity(op.ctx, domid, vcpu, &cpus, NULL);
    }
    libxl_bitmap_dispose(&cpus);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "vcpu-pin");
}

gboolean vg_xen_libxl_set_shares(VgXen *xen, guint32 domid, guint weight, guint cap, GError **error) {
    g_auto(VgXenOp) op = {0};
    libxl_domain_sched_params params;
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    libxl_domain_sched_params_init(&params);
    int rc = libxl_domain_sched_params_get(op.ctx, domid, &params);
    if (rc == 0) {
        params.weight = (int)weight;
        params.cap = (int)cap;
        rc = libxl_domain_sched_params_set(op.ctx, domid, &params);
    }
    libxl_domain_sched_params_dispose(&params);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "sched");
}
