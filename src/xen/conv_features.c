/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_features.c: <features>, with the enlightenments that Windows looks for. */
#include <stddef.h>

#include "xen/conv.h"

/* <hyperv> element -> the group of Xen's viridian interface that holds it. */
#define GROUP(member, group)                                                                                           \
    { offsetof(VgHyperv, member), LIBXL_VIRIDIAN_ENLIGHTENMENT_##group }
static const struct {
    gsize offset;
    libxl_viridian_enlightenment group;
} groups[] = {
    GROUP(relaxed, BASE),  GROUP(vpindex, BASE),      GROUP(spinlocks, BASE),
    GROUP(runtime, BASE),  GROUP(vapic, APIC_ASSIST), GROUP(synic, SYNIC),
    GROUP(stimer, STIMER), GROUP(frequencies, FREQ),  GROUP(tlbflush, HCALL_REMOTE_TLB_FLUSH),
    GROUP(ipi, HCALL_IPI),
};
#define GROUP_BITS (LIBXL_VIRIDIAN_ENLIGHTENMENT_CPU_HOTPLUG + 1)

static void hyperv(const VgHyperv *h, libxl_domain_build_info *b) {
    gboolean any = FALSE;
    vg_xen_bitmap_alloc(&b->u.hvm.viridian_enable, GROUP_BITS);
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
        const VgTristate *on = (const VgTristate *)(gconstpointer)((const char *)h + groups[i].offset);
        if (*on != VG_TRISTATE_YES)
            continue;
        vg_xen_bitmap_set(&b->u.hvm.viridian_enable, groups[i].group);
        any = TRUE;
    }
    if (any)
        vg_xen_bitmap_set(&b->u.hvm.viridian_enable, LIBXL_VIRIDIAN_ENLIGHTENMENT_BASE);
}

gboolean vg_xen_conv_features(const VgXenConv *conv, GError **error) {
    const VgFeatures *f = &conv->dom->features;
    libxl_domain_build_info *b = &conv->c->b_info;
    if (conv->hvm) {
        libxl_defbool_set(&b->u.hvm.pae, f->pae);
        libxl_defbool_set(&b->apic, f->apic);
        libxl_defbool_set(&b->acpi, f->acpi);
        if (f->viridian)
            libxl_defbool_set(&b->u.hvm.viridian, true);
        if (f->hyperv.present)
            hyperv(&f->hyperv, b);
    }
    if (conv->pv && f->xen_present && f->e820_host != VG_TRISTATE_NONE)
        libxl_defbool_set(&b->u.pv.e820_host, f->e820_host == VG_TRISTATE_YES);
    return TRUE;
}
