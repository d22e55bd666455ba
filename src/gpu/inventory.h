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

/* Is such a mode on, says its driver? */
typedef enum { VG_SWITCH_UNKNOWN, VG_SWITCH_OFF, VG_SWITCH_ON } VgGpuSwitch;

typedef struct {
    VgGpuRecord record;
    char text[VG_PCIADDR_TEXT];
    const VgBoard *board;                   /* NULL: not in the catalogue */
    char *model;                            /* "NVIDIA GRID K1", or what is known of it */
    const VgBackend *backend;               /* NULL: nothing here makes vGPUs of it */
    char *why_not;                          /* if its vGPUs cannot be given now: the reason */
    char *whole_why_not;                    /* if it cannot be given as a whole */
    guint8 functions;                       /* bits of those of its slot */
    gboolean on_vfs;                        /* each vGPU has a virtual function of its own */
    GArray *vfs;                            /* of VgVf, by number */
    char *waiting;                          /* it will have vGPUs, but not yet: what for; or NULL */
    char *mismatch;                         /* its driver's parts are of different versions: the reason; or NULL */
    guint seen_vfs;                         /* while it waits: so many had types last time */
    gboolean preparing;                     /* something is being done about that */
    VgGpuSwitch modes[VG_DRIVER_MODE_LAST]; /* the driver's own */
    char *mode_why;                         /* if it could not be set: the reason */
    guint group;
    VgGpuMode mode; /* as the administrator wants it */
    VgGpuClosed closed;
    VgGpuForced forced;
    char *closed_why; /* the administrator's words, or NULL */
    GArray *offers;   /* of VgGpuOffer, by type number */
} VgGpu;

/* A vGPU that the kernel has. */
typedef struct {
    gboolean has_uuid; /* mediated devices have one */
    VgUuid uuid;
    gboolean has_vf;
    VgPciAddr vf;
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
/* What the host says of the GPU of @record now. Blocks; any thread. */
void vg_inventory_ask(VgGpuHost *host, const VgGpuRecord *record, VgGpuFacts *ret);
/* GPU @index is as @facts say, what it offers and by what; its settings have to be laid over it again. */
void vg_inventory_take(VgTypes *types, VgInventory *inventory, guint index, const VgGpuFacts *facts);
/* The vGPUs there are, of VgKernelVgpu; @facts of each GPU. */
GArray *vg_inventory_devices(VgTypes *types, const VgInventory *inventory, const VgGpuFacts *facts);

/* How many virtual functions vGPUs can be made on. */
guint vg_gpu_usable_vfs(const VgGpu *gpu);
/* The number of a virtual function; VG_PLACE_ANY: it is none of this GPU's. */
guint vg_gpu_vf_number(const VgGpu *gpu, const VgPciAddr *addr);

/* The number of the GPU at @addr, or VG_PLACE_ANY. */
guint vg_inventory_find(const VgInventory *inventory, const VgPciAddr *addr);
VgGpuOffer *vg_gpu_offer(const VgGpu *gpu, const VgType *type);
