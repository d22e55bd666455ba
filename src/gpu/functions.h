/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * functions.h: all PCI functions of this machine, GPUs or not, as clients see them as node devices. From files that the
 * kernel answers by itself: no device is woken, and no driver asked.
 */
#pragma once

#include "gpu/host.h"

#define VG_BRIDGE_CLASS 0x06 /* the upper byte of three */

typedef struct {
    VgPciAddr addr;
    guint16 vendor, device;
    guint32 class_code;
    char *vendor_name, *device_name; /* of the machine's pci.ids, or NULL */
    char *driver;                    /* bound now, or NULL */
    char *path;                      /* "/sys/devices/…" */
    gboolean has_parent;             /* it is behind a bridge */
    VgPciAddr parent;
    int numa_node;   /* -1: unknown */
    int iommu_group; /* -1: none */
    gboolean is_vf;
    VgPciAddr pf;  /* of a VF */
    guint max_vfs; /* of a PF, else 0 */
} VgPciFunction;

/* By address, never changed again. @before: what was read last, or NULL: names are taken from it. Blocks; start-up or
 * jobs. Caller unrefs. */
GArray *vg_functions_read(VgGpuHost *host, GArray *before);
/* NULL: there is none. Borrowed from @functions. */
const VgPciFunction *vg_functions_find(const GArray *functions, const VgPciAddr *addr);
