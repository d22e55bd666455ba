/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain.c: what the Xen seam reports, freed. */
#include "xen/xen.h"

void vg_xen_domain_clear(VgXenDomain *dom) {
    g_clear_pointer(&dom->name, g_free);
    g_clear_pointer(&dom->token, g_free);
    g_clear_pointer(&dom->kind, g_free);
    g_clear_pointer(&dom->vcpu, g_free);
    g_clear_pointer(&dom->nics, g_free);
    g_clear_pointer(&dom->disks, g_free);
}

void vg_xen_domains_free(VgXenDomain *doms, gsize n) {
    for (gsize i = 0; i < n; i++)
        vg_xen_domain_clear(&doms[i]);
    g_free(doms);
}

void vg_xen_host_info_clear(VgXenHostInfo *info) {
    g_clear_pointer(&info->extra, g_free);
    g_clear_pointer(&info->caps, g_free);
    g_clear_pointer(&info->cpu_model, g_free);
    g_clear_pointer(&info->cpu_node, g_free);
}
