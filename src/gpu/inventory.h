/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inventory.h: from PCI functions to GPUs: what each is, by which back end its vGPUs are made, which types it offers,
 * and which mediated devices the kernel has on it now. Reads the host once; blocks.
 */
#pragma once

#include "base/uuid.h"
#include "gpu/backend.h"
#include "gpu/gpus.h"
#include "gpu/host.h"
#include "gpu/place.h"
#include "gpu/types.h"

typedef struct {
    const VgType *type;
    guint max;        /* on this GPU when empty */
    gboolean enabled; /* by the administrator */
    const VgBackend *backend;
    const char *why_not; /* if it cannot be given now: the reason; the GPU's */
} VgGpuOffer;

/* Does it take new guests? In quarantine: something is wrong with it; being drained: it is to become empty. */
typedef enum {
    VG_GPU_OPEN,
    VG_GPU_QUARANTINE,
    VG_GPU_DRAIN,
    VG_GPU_RESET, /* to be reset as soon as it is empty, then open */
    VG_GPU_CLOSED_LAST
} VgGpuClosed;

/* What happens to a GPU when a guest that had some of it was stopped by force. */
typedef enum { VG_FORCED_NOTHING, VG_FORCED_RESET, VG_FORCED_QUARANTINE, VG_FORCED_LAST } VgGpuForced;

typedef struct {
    VgGpuRecord record;
    char text[VG_PCIADDR_TEXT];
    const VgBoard *board;     /* NULL: not in the catalogue */
    char *model;              /* "NVIDIA GRID K1", or what is known of it */
    const VgBackend *backend; /* NULL: nothing here makes vGPUs of it */
    char *why_not;            /* if its vGPUs cannot be given now: the reason */
    char *whole_why_not;      /* if it cannot be given as a whole */
    guint8 functions;         /* bits of those of its slot */
    guint n_vfs;              /* plain virtual functions that can be given, and where they are */
    guint vf_offset, vf_stride;
    guint group;
    VgGpuMode mode;
    VgGpuClosed closed;
    VgGpuForced forced;
    char *closed_why; /* the administrator's words, or NULL */
    GArray *offers;   /* of VgGpuOffer, by type number */
} VgGpu;

/* A mediated device that the kernel has. */
typedef struct {
    VgUuid uuid;
    guint gpu;
    const VgType *type; /* NULL: not told */
    guint16 start;      /* placement id, or VG_NO_START */
} VgKernelVgpu;

typedef struct {
    VgGpu *gpus; /* by address */
    guint n;
    GArray *kernel; /* of VgKernelVgpu */
} VgInventory;

gboolean vg_inventory_read(VgGpuHost *host, VgTypes *types, VgInventory *ret, GError **error);
void vg_inventory_clear(VgInventory *inventory);
/* The mediated devices that the kernel has now, of VgKernelVgpu. Blocks; any thread while nobody adds types. */
GArray *vg_inventory_read_devices(VgGpuHost *host, VgTypes *types, const VgInventory *inventory);

/* The address of a virtual function, and its number (n_vfs: it is none of this GPU's). */
VgPciAddr vg_gpu_vf(const VgGpu *gpu, guint i);
guint vg_gpu_vf_number(const VgGpu *gpu, const VgPciAddr *addr);

/* The number of the GPU at @addr, or VG_PLACE_ANY. */
guint vg_inventory_find(const VgInventory *inventory, const VgPciAddr *addr);
VgGpuOffer *vg_gpu_offer(const VgGpu *gpu, const VgType *type);
