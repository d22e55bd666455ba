/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hostdev.h: <hostdev mode='subsystem'>: a device of the host, or a virtual GPU, given to the guest.
 *
 * type='vgpu' is this project's own: the guest asks for a type, by name or id, from any GPU, from a group, or from one
 * GPU. What it got is in `bound`, which exists in a live definition only and prints as
 *   <bound backend='mdev'><gpu .../><vf .../><mdev uuid='...'/></bound> after <source>.
 */
#pragma once

#include "model/types.h"

typedef enum {
    VG_HOSTDEV_NONE,
    VG_HOSTDEV_USB,
    VG_HOSTDEV_PCI,
    VG_HOSTDEV_SCSI,      /* refused */
    VG_HOSTDEV_SCSI_HOST, /* refused */
    VG_HOSTDEV_MDEV,
    VG_HOSTDEV_VGPU,
    VG_HOSTDEV_LAST
} VgHostdevType;
extern const VgNames vg_hostdev_names;

typedef struct {
    gboolean has_addr; /* false only while parsing */
    VgPciAddr addr;
    VgTristate write_filtering; /* NO = libxl's permissive */
    char *driver;               /* <driver name=>: "xen" after parsing */
} VgHostdevPci;

typedef struct {
    gboolean has_product; /* by vendor and product ... */
    guint16 vendor, product;
    guint bus, device; /* ... or by place; 0/0 = absent */
    char *startup_policy;
} VgHostdevUsb;

typedef struct {
    char *model; /* "vfio-pci" */
    VgTristate display, ramfb;
    gboolean has_uuid; /* false only while parsing */
    VgUuid uuid;
} VgHostdevMdev;

typedef struct {
    char *name, *value;
} VgVgpuParam;

typedef enum { VG_AFFINITY_NONE, VG_AFFINITY_TOGETHER, VG_AFFINITY_APART, VG_AFFINITY_LAST } VgAffinityType;
typedef enum { VG_STRENGTH_NONE, VG_STRENGTH_REQUIRED, VG_STRENGTH_PREFERRED, VG_STRENGTH_LAST } VgAffinityStrength;

/* On one GPU with all vGPUs of this name and type, of whatever guest; or apart from each of them. */
typedef struct {
    char *name;
    VgAffinityType type;
    VgAffinityStrength strength; /* NONE: required */
} VgVgpuAffinity;

#define VG_VGPU_AFFINITIES 4 /* of one vGPU, at most */

/* What a running guest's vGPU was given. */
typedef struct {
    gboolean present;
    char *backend; /* "sriov", "passthrough", "emulator", "soft", "mdev", "vfio" */
    VgPciAddr gpu;
    gboolean has_vf;
    VgPciAddr vf;
    gboolean has_mdev;
    VgUuid mdev;
} VgVgpuBound;

typedef struct {
    char *type_name;    /* "GRID M60-1Q"; at least one of name and id */
    char *type_id;      /* "nvidia-15", as the host calls it */
    char *group;        /* NULL = any GPU with the type enabled */
    gboolean has_gpu;   /* pinned to one: by address, */
    VgPciAddr gpu;      /* all zero: not by that; */
    char *gpu_identity; /* by what stays when buses are numbered anew, "serial:0320…"; or by both */
    gboolean has_uuid;  /* false only while parsing: one is made when the domain is defined */
    VgUuid uuid;        /* identity for life */
    VgVgpuAffinity **affinities;
    gsize n_affinities;
    VgTristate display; /* YES: the guest's primary display */
    VgVgpuParam **params;
    gsize n_params;
    VgVgpuBound bound; /* live */
} VgHostdevVgpu;

typedef struct {
    VgHostdevType type;
    VgTristate managed;
    VgHostdevPci pci; /* only the one of `type` counts */
    VgHostdevUsb usb;
    VgHostdevMdev mdev;
    VgHostdevVgpu vgpu;
    char *rom_bar, *rom_file; /* <rom>; inert */
    VgDeviceInfo info;        /* info.address.type == PCI: the guest's slot */
} VgHostdev;

/* A vGPU's slot: QEMU has those below of its only bus for itself, and libxl's own come after. */
#define VG_VGPU_SLOT_FIRST 11
#define VG_VGPU_SLOT_LAST 28
