/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_cpu.c: <cpu mode='host-passthrough'>: single features on and off, and nested virtualisation. Other modes have no
 * effect on Xen. */
#include <string.h>

#include "xen/conv.h"

/* libvirt's names of CPU features that libxl calls otherwise. */
static const struct {
    const char *libvirt, *libxl;
} renamed[] = {
    {"cx16", "cmpxchg16"},
    {"cid", "cntxid"},
    {"ds_cpl", "dscpl"},
    {"pclmuldq", "pclmulqdq"},
    {"pni", "sse3"},
    {"ht", "htt"},
    {"pn", "psn"},
    {"clflush", "clfsh"},
    {"sep", "sysenter"},
    {"cx8", "cmpxchg8"},
    {"nodeid_msr", "nodeid"},
    {"cr8legacy", "altmovcr8"},
    {"lahf_lm", "lahfsahf"},
    {"cmp_legacy", "cmplegacy"},
    {"fxsr_opt", "ffxsr"},
    {"pdpe1gb", "page1gb"},
    {"spec-ctrl", "ibrsb"},
};

static const char *libxl_name(const char *name) {
    for (gsize i = 0; i < G_N_ELEMENTS(renamed); i++)
        if (strcmp(renamed[i].libvirt, name) == 0)
            return renamed[i].libxl;
    return name;
}

/* The name goes into a text that libxl parses. */
static gboolean is_plain(const char *name) {
    return *name && strlen(name) < 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name);
}

static gboolean set_feature(libxl_domain_build_info *b, const char *name, gboolean on, GError **error) {
    if (name && is_plain(name)) {
        g_autofree char *text = g_strdup_printf("%s=%d", libxl_name(name), on ? 1 : 0);
        if (libxl_cpuid_parse_config(&b->cpuid, text) == 0)
            return TRUE;
    }
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<feature name='%.64s'>: Xen knows no such CPU feature"),
                 name ? name : "");
    return FALSE;
}

gboolean vg_xen_conv_cpu(const VgXenConv *conv, GError **error) {
    const VgCpu *cpu = &conv->dom->cpu;
    libxl_domain_build_info *b = &conv->c->b_info;
    if (conv->pv || cpu->mode != VG_CPU_MODE_HOST_PASSTHROUGH)
        return TRUE;
    gboolean nested = conv->build->nested_hvm;
    for (gsize i = 0; i < cpu->n_features; i++) {
        const VgCpuFeature *feature = cpu->features[i];
        if (feature->policy == VG_POLICY_OPTIONAL)
            continue;
        gboolean on = feature->policy != VG_POLICY_DISABLE && feature->policy != VG_POLICY_FORBID;
        if (g_strcmp0(feature->name, "vmx") == 0 || g_strcmp0(feature->name, "svm") == 0)
            nested = on;
        else if (!set_feature(b, feature->name, on, error))
            return FALSE;
    }
    libxl_defbool_set(&b->nested_hvm, nested);
    return TRUE;
}
