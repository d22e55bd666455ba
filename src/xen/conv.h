/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conv.h: one part of a translation. A conv_<device>.c fills its part of `c` from `dom`, in the order of the table in
 * config.c; what an earlier one filled in may be read. Everything put into `c` is freed with it, so each string is a
 * fresh copy.
 */
#pragma once

#include "base/i18n.h"
#include "xen/libxl_config.h"

typedef struct {
    const VgDomain *dom;
    const VgXenBuild *build;
    libxl_domain_config *c;
    gboolean hvm, pvh, pv;
} VgXenConv;

typedef gboolean (*VgXenConvFunc)(const VgXenConv *conv, GError **error);

gboolean vg_xen_conv_create(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_memory(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_vcpu(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_cpu(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_numa(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_clock(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_features(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_os(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_emulator(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_controller(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_disk(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_interface(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_serial(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_channel(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_input(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_sound(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_graphics(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_video(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_hostdev(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_vgpu(const VgXenConv *conv, GError **error);
gboolean vg_xen_conv_actions(const VgXenConv *conv, GError **error);

/* --- bitmaps: libxl's own allocators need a context and crash without one */
void vg_xen_bitmap_alloc(libxl_bitmap *map, guint bits);
void vg_xen_bitmap_set(libxl_bitmap *map, guint bit);
gboolean vg_xen_bitmap_any(const libxl_bitmap *map);
/* "0-3,^2,8": sets what lies within the map and ignores the rest, as a host with fewer CPUs must. FALSE if @text is no
 * such list. */
gboolean vg_xen_bitmap_parse(libxl_bitmap *map, const char *text);

/* Puts @text (a copy) at the end of a list of strings of libxl. */
void vg_xen_list_add(libxl_string_list *list, const char *text);

/* One more zeroed element of the PCI list, initialised. Valid until the next call. */
libxl_device_pci *vg_xen_add_pci(libxl_domain_config *c, const VgPciAddr *addr);
