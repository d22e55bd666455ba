/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vendor.h: vgpuConfig.xml, with which NVIDIA's host software says what types of vGPU there are and which GPU has
 * which. Knows the file only; types.h says what it means beside the kernel's word and our own catalogue.
 *
 * One entry that makes no sense costs that entry and not the whole file: it is counted, and the first one's reason is
 * kept.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

typedef struct {
    guint id;                                     /* the driver's number: "nvidia-<id>" */
    char *name;                                   /* or NULL */
    char *class_name;                             /* "Quadro", "NVS", "Compute", "Geforce"; or NULL */
    guint16 vendor, device, subvendor, subdevice; /* what the guest sees */
    guint64 framebuffer;                          /* bytes that the guest can use */
    guint64 reserved;                             /* and that it cannot; 0: not said */
    guint heads, width, height, frame_rate_limit;
    guint64 pixels; /* 0: not said */
    guint bar1_mib; /* 0: not said */
    gboolean several_per_guest;
    gboolean mig; /* on a GPU instance */
} VgVendorType;

typedef struct {
    guint type, max; /* its id; how many fit */
} VgVendorLink;

typedef struct {
    guint16 vendor, device, subvendor, subdevice; /* subdevice 0: any */
    gboolean sriov;
    GArray *links; /* of VgVendorLink, in the file's order */
} VgVendorGpu;

typedef struct {
    GArray *types; /* of VgVendorType, no two of one id */
    GArray *gpus;  /* of VgVendorGpu */
    guint skipped; /* entries that make no sense */
    char *why;     /* the first one's reason; NULL: none */
} VgVendor;

/* XML_DETAIL, XML_ERROR: it is no such file, naming @what. */
VgVendor *vg_vendor_parse(const char *text, const char *what, GError **error);
void vg_vendor_free(VgVendor *vendor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgVendor, vg_vendor_free)

/*
 * NULL if there is none at @path (NULL: nowhere), which is no problem. One that is damaged is reported through
 * *ret_problem (caller frees) and @copy, the last one that was good, is used; a good one becomes that copy. Blocks.
 */
VgVendor *vg_vendor_read(const char *path, const char *copy, char **ret_problem);
