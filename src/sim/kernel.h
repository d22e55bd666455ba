/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel.h: in the place of the kernel: a tree of files with the layout that PCI devices and mediated devices have
 * under /sys, and what the kernel does when one of them is written. The tree is the state: it is on disk, a kill at any
 * moment leaves one that the next start repairs.
 */
#pragma once

#include "base/error.h"
#include "base/pciaddr.h"
#include "base/sysroot.h"

typedef struct {
    char *id, *name, *description; /* "nvidia-222"; name and description may be NULL, as some drivers leave them out */
    guint max;                     /* on an empty GPU */
} VgSimMdevType;

typedef struct {
    VgPciAddr addr;
    guint16 vendor, device, subvendor, subdevice;
    guint32 class_code;
    char *vendor_name, *device_name, *driver; /* or NULL */
    int numa_node, iommu_group;
    gboolean boot_display;
    gboolean can_reset;
    int vfs;            /* virtual functions it can have */
    char *serial;       /* or NULL */
    GArray *mdev_types; /* of VgSimMdevType; empty: no parent of mediated devices. With vfs: the functions are */
    gboolean vfio;      /* with vfs: NVIDIA's files of kernels from 6.8 on, no mediated devices */
    guint create_ms;    /* a vGPU is there only so long after it was ordered */
    guint release_ms;   /* one is not taken away before so long after it was first asked for */
    guint ready_ms;     /* types are there only so long after the driver has a virtual function */
} VgSimGpu;

#define VG_SIM_BOOT_ID "proc/sys/kernel/random/boot_id"

typedef struct VgSimKernel VgSimKernel;

/* Where vGPUs of a GPU are: itself, or a virtual function. */
typedef struct {
    const VgSimGpu *gpu;
    VgPciAddr addr;
    gboolean is_vf;
} VgSimParent;

/*
 * @gpus: @n of them, by address; borrowed, they live longer. Makes the tree at @path, or repairs it: what is there
 * stays, but for GPUs that are not in
 * @gpus.
 */
VgSimKernel *vg_sim_kernel_new(const char *path, const VgSimGpu *gpus, gsize n, GError **error);
void vg_sim_kernel_free(VgSimKernel *kernel);

/* Whose writes the kernel answers. It answers from any thread. */
VgSysroot *vg_sim_kernel_root(VgSimKernel *kernel);

/* --- kernel_inside.h has what its files share --------------------------------------------------------------------- */

/* --- kernel_tree.c: its log, files and links under the root ------------------------------------------------------- */

/* All FALSE with errno. @path relative to @root. */
gboolean vg_sim_put(const char *root, const char *path, const char *text);    /* whole or not at all; makes folders */
gboolean vg_sim_link(const char *root, const char *path, const char *target); /* kept if it is right */
gboolean vg_sim_remove(const char *root, const char *path);                   /* with all below; absent is right */
gboolean vg_sim_mkdir(const char *root, const char *path);
/* A line for dev/kmsg. */
gboolean vg_sim_say(const char *root, const char *line);

/* "sys/devices/pci0000:00/0000:82:00.0". Caller frees. */
char *vg_sim_gpu_folder(const VgPciAddr *addr);

VgPciAddr vg_sim_gpu_vf(const VgSimGpu *gpu, guint i);
/* The files of a type below @parent, a parent of mediated devices, as far as they do not change. */
gboolean vg_sim_type_build(const char *root, const char *parent, const VgSimMdevType *type);

/* Everything about @gpu but its mediated devices and virtual functions. */
gboolean vg_sim_gpu_build(const char *root, const VgSimGpu *gpu);
gboolean vg_sim_gpu_remove(const char *root, const VgPciAddr *addr);
