/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host.h: the GPU seam: what this machine has in PCI slots, and where the kernel's files are. The real side reads
 * libpciaccess and /sys; the simulated host (sim/gpus.c) gives the same records from host.json and a tree of its own.
 * Calls block: start-up or jobs only.
 */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "base/pciaddr.h"
#include "base/sysroot.h"

/* One PCI function of display class (0x03xxxx), or a VF of one. */
typedef struct {
    VgPciAddr addr;
    guint16 vendor, device, subvendor, subdevice;
    guint32 class_code;
    char *vendor_name, *device_name; /* of pci.ids, or NULL */
    char *driver;                    /* bound now, or NULL */
    int numa_node;                   /* -1: unknown */
    int iommu_group;                 /* -1: none */
    gboolean boot_display;           /* the host's own screen is on it */
    char *identity; /* stays when buses are numbered anew: "serial:…", "uuid:…", "slot:…"; or NULL */
    gboolean is_vf;
    VgPciAddr pf; /* of a VF */
} VgGpuRecord;
void vg_gpu_record_clear(VgGpuRecord *record);

/* What NVIDIA's driver can be told of a whole GPU: vGPUs of several sizes on it; it is cut into GPU instances. */
typedef enum { VG_DRIVER_MIXED, VG_DRIVER_MIG, VG_DRIVER_MODE_LAST } VgGpuDriverMode;

/* A GPU instance: its profile ("1g.5gb"), and the slices of memory it lies on. */
typedef struct {
    char profile[32];
    guint id, start, size;
} VgGpuInstance;

typedef struct VgGpuHost VgGpuHost;
typedef struct {
    /* Sorted by address. */
    gboolean (*scan)(VgGpuHost *host, VgGpuRecord **ret, gsize *ret_n, GError **error);
    /* NULL: this host cannot tell or change its drivers' modes. CONFIG_UNSUPPORTED: the GPU has no such mode. */
    gboolean (*get_mode)(VgGpuHost *host, const VgPciAddr *gpu, VgGpuDriverMode mode, gboolean *ret, GError **error);
    gboolean (*set_mode)(VgGpuHost *host, const VgPciAddr *gpu, VgGpuDriverMode mode, gboolean on, GError **error);
    /* GPU instances (MIG), of VgGpuInstance. NULL, like the two below: this host has none. */
    GArray *(*instances)(VgGpuHost *host, const VgPciAddr *gpu, GError **error);
    gboolean (*make_instance)(VgGpuHost *host, const VgPciAddr *gpu, const VgGpuInstance *wanted, GError **error);
    gboolean (*drop_instance)(VgGpuHost *host, const VgPciAddr *gpu, const VgGpuInstance *instance, GError **error);
    void (*free)(VgGpuHost *host);
} VgGpuHostOps;

struct VgGpuHost {
    const VgGpuHostOps *ops;
    VgSysroot *root;       /* the kernel's files; sys/bus/pci/devices, sys/class/mdev_bus, sys/bus/mdev/devices */
    gboolean dm_can_vfio;  /* the configured device model can use VFIO under Xen (the simulated one says so) */
    gboolean iommu;        /* Xen has one, and the kernel shows no groups of it; else the groups say so */
    gboolean has_uevents;  /* its kernel tells of devices by netlink: not where the files are on a disk */
    gboolean has_emulator; /* an emulator binary is there for cards of the vendor catalogue */
    gint smi_left;         /* see smi.h */
    gboolean saves_vgpus;  /* and it can write the state of its vGPUs down, for a guest that is saved */
};
