/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config.c: a domain translated for libxl, part by part through the table below. Talks to nobody: no context, no host.
 */
#include <stdlib.h>
#include <string.h>

#include "xen/conv.h"

/* What comes later may read what came before: graphics before video, PCI devices before vGPUs. */
static const VgXenConvFunc parts[] = {
    vg_xen_conv_create,     vg_xen_conv_memory,    vg_xen_conv_vcpu,   vg_xen_conv_cpu,      vg_xen_conv_numa,
    vg_xen_conv_clock,      vg_xen_conv_features,  vg_xen_conv_os,     vg_xen_conv_emulator, vg_xen_conv_disk,
    vg_xen_conv_controller, vg_xen_conv_interface, vg_xen_conv_serial, vg_xen_conv_channel,  vg_xen_conv_input,
    vg_xen_conv_sound,      vg_xen_conv_graphics,  vg_xen_conv_video,  vg_xen_conv_hostdev,  vg_xen_conv_vgpu,
    vg_xen_conv_actions,
};

/* Parts that make devices that come and go while a domain runs. */
static const VgXenConvFunc device_parts[VG_DEVICE_LAST] = {
    [VG_DEVICE_DISK] = vg_xen_conv_disk,
    [VG_DEVICE_INTERFACE] = vg_xen_conv_interface,
    [VG_DEVICE_HOSTDEV] = vg_xen_conv_hostdev,
};

static VgXenConfig *build_parts(const VgDomain *dom, const VgXenBuild *build, const VgXenConvFunc *funcs, gsize n,
                                GError **error) {
    g_autoptr(VgXenConfig) config = g_new0(VgXenConfig, 1);
    VgXenConv conv = {
        .dom = dom,
        .build = build,
        .c = &config->c,
        .hvm = dom->os.type == VG_OS_HVM,
        .pvh = dom->os.type == VG_OS_XENPVH,
    };
    conv.pv = !conv.hvm && !conv.pvh;
    libxl_domain_config_init(&config->c);
    libxl_domain_build_info_init_type(&config->c.b_info, conv.hvm   ? LIBXL_DOMAIN_TYPE_HVM
                                                         : conv.pvh ? LIBXL_DOMAIN_TYPE_PVH
                                                                    : LIBXL_DOMAIN_TYPE_PV);
    for (gsize i = 0; i < n; i++)
        if (!funcs[i](&conv, error))
            return NULL;
    return g_steal_pointer(&config);
}

VgXenConfig *vg_xen_config_build(const VgDomain *dom, const VgXenBuild *build, GError **error) {
    return build_parts(dom, build, parts, G_N_ELEMENTS(parts), error);
}

VgXenConfig *vg_xen_config_build_device(const VgDomain *dom, VgDeviceKind kind, gsize pos, const VgXenBuild *build,
                                        GError **error) {
    VgDomain alone = *dom; /* borrows everything */
    void *record = vg_domain_get_device(dom, kind, pos);
    if (!device_parts[kind] || !record) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<%s>: Xen cannot plug such a device into a running guest"),
                     vg_names_name(&vg_device_names, (int)kind));
        return NULL;
    }
    alone.disks = (VgDisk **)&record;
    alone.interfaces = (VgInterface **)&record;
    alone.hostdevs = (VgHostdev **)&record;
    alone.n_disks = kind == VG_DEVICE_DISK;
    alone.n_interfaces = kind == VG_DEVICE_INTERFACE;
    alone.n_hostdevs = kind == VG_DEVICE_HOSTDEV;
    VgXenConvFunc part = device_parts[kind];
    if (kind == VG_DEVICE_HOSTDEV && alone.hostdevs[0]->type == VG_HOSTDEV_VGPU)
        part = vg_xen_conv_vgpu;
    return build_parts(&alone, build, &part, 1, error);
}

void vg_xen_config_free(VgXenConfig *config) {
    if (!config)
        return;
    libxl_domain_config_dispose(&config->c);
    g_free(config);
}

char *vg_xen_config_to_json(const VgXenConfig *config, GError **error) {
    char *json = libxl_domain_config_to_json(NULL, (libxl_domain_config *)&config->c);
    if (!json)
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("libxl cannot print the configuration of '%s'"),
                     config->c.c_info.name);
    return json;
}

/* --- helpers of the parts; libxl frees with free(), which is what GLib allocates with */

void vg_xen_bitmap_alloc(libxl_bitmap *map, guint bits) {
    map->size = (bits + 7) / 8;
    map->map = g_new0(uint8_t, MAX(map->size, 1));
}

void vg_xen_bitmap_set(libxl_bitmap *map, guint bit) {
    if (bit / 8 < map->size)
        map->map[bit / 8] = (uint8_t)(map->map[bit / 8] | 1u << (bit & 7));
}

gboolean vg_xen_bitmap_any(const libxl_bitmap *map) {
    for (guint i = 0; i < map->size; i++)
        if (map->map[i])
            return TRUE;
    return FALSE;
}

static void bitmap_clear(libxl_bitmap *map, guint bit) {
    if (bit / 8 < map->size)
        map->map[bit / 8] = (uint8_t)(map->map[bit / 8] & ~(1u << (bit & 7)));
}

/* A number at *text, which moves behind it. */
static gboolean take_number(const char **text, guint *ret) {
    char *end = NULL;
    if (!g_ascii_isdigit(**text))
        return FALSE;
    guint64 v = g_ascii_strtoull(*text, &end, 10);
    *text = end;
    *ret = (guint)MIN(v, G_MAXUINT);
    return v <= G_MAXINT;
}

static const char *skip_blanks(const char *text) {
    while (g_ascii_isspace(*text))
        text++;
    return text;
}

gboolean vg_xen_bitmap_parse(libxl_bitmap *map, const char *text) {
    for (const char *p = skip_blanks(text);; p++) {
        guint first, last;
        gboolean without = *p == '^';
        p = skip_blanks(p + (without ? 1 : 0));
        if (!take_number(&p, &first))
            return FALSE;
        last = first;
        p = skip_blanks(p);
        if (*p == '-' && !without) {
            p = skip_blanks(p + 1);
            if (!take_number(&p, &last) || last < first)
                return FALSE;
            p = skip_blanks(p);
        }
        for (guint bit = first; bit <= MIN(last, map->size * 8); bit++)
            without ? bitmap_clear(map, bit) : vg_xen_bitmap_set(map, bit);
        if (*p != ',')
            return *p == '\0';
        p = skip_blanks(p + 1) - 1;
    }
}

void vg_xen_list_add(libxl_string_list *list, const char *text) {
    gsize n = 0;
    while (*list && (*list)[n])
        n++;
    *list = g_renew(char *, *list, n + 2);
    (*list)[n] = g_strdup(text);
    (*list)[n + 1] = NULL;
}

libxl_device_pci *vg_xen_add_pci(libxl_domain_config *c, const VgPciAddr *addr) {
    c->pcidevs = g_renew(libxl_device_pci, c->pcidevs, (gsize)c->num_pcidevs + 1);
    libxl_device_pci *pci = &c->pcidevs[c->num_pcidevs++];
    libxl_device_pci_init(pci);
    pci->domain = (int)addr->domain;
    pci->bus = addr->bus;
    pci->dev = addr->slot;
    pci->func = addr->function;
    return pci;
}
