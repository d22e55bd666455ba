/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * types.h: kinds of vGPU and the boards that have them. A figure is the kernel's if it says one, else that of the
 * vendor's own file on this host (vendor.h), else the shipped catalogue's. A type is known by its name everywhere; its
 * id is what the host calls it.
 */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "gpu/vendor.h"

/* Who vouches for a type, the least first. */
typedef enum { VG_FROM_CATALOGUE, VG_FROM_VENDOR, VG_FROM_KERNEL } VgTypeSource;

typedef struct {
    guint index; /* its number in VgTypes, and in placement */
    char *name;  /* "GRID T4-1Q" */
    char *id;    /* "nvidia-230"; the kernel's word wins over the catalogue's */
    char *series;
    char *device_api;
    VgTypeSource source;
    gboolean experimental; /* nobody vouches for it: only if the administrator says so */
    gboolean mig;          /* backed by a GPU instance, not by time slices */
    guint framebuffer_mib;
    guint64 usable_bytes; /* of the framebuffer; 0: unknown */
    guint heads, width, height;
    guint64 pixels;
    guint frame_rate_limit; /* 0: unknown or none */
    guint max;              /* on an empty GPU */
    guint max_mixed;        /* with other sizes beside it; 0: it cannot */
    guint slices;           /* mig: of the GPU's processors; 0: unknown */
    gboolean one_per_gpu;   /* it needs what a GPU has once */
    guint placement_size;   /* in the GPU's slots, for mixed sizes; 0: unknown */
    guint16 *placement_ids; /* where it may begin */
    guint n_placement_ids;
    guint bar1_mib;            /* of the guest's device: its window on the framebuffer; 0: unknown */
    gboolean one_per_guest;    /* the vendor forbids a second one in a guest */
    char *pci, *pci_subsystem; /* what the guest sees, "10de:0fe7", or NULL */
} VgType;

typedef struct {
    char *name;                                   /* "NVIDIA GRID K1" */
    guint gpus;                                   /* on one board */
    guint16 vendor, device, subvendor, subdevice; /* sub… 0: any */
    guint framebuffer_mib;
    GPtrArray *types; /* of VgType, borrowed */
} VgBoard;

typedef struct VgTypes VgTypes;

/* Blocks. INVALID_ARG naming the member that is wrong. */
VgTypes *vg_types_load(const char *path, GError **error);
void vg_types_free(VgTypes *types);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgTypes, vg_types_free)

/* Its word goes before the catalogue's, and it says alone what NVIDIA's GPUs have. Taken over; NULL: there is none.
 * Before any lookup. */
void vg_types_take_vendor(VgTypes *types, VgVendor *vendor);

guint vg_types_count(const VgTypes *types);
const VgType *vg_types_nth(const VgTypes *types, guint index);
const VgType *vg_types_by_name(const VgTypes *types, const char *name);
const VgType *vg_types_by_id(const VgTypes *types, const char *id);

/* The board of a GPU; one with its subsystem goes before one for any. NULL if unknown. */
const VgBoard *vg_types_board(const VgTypes *types, guint16 vendor, guint16 device, guint16 subvendor,
                              guint16 subdevice);

/* What such a GPU has, by the vendor's file or the catalogue: of VgTypeOffer, empty if neither knows it. g_array_unref.
 */
typedef struct {
    const VgType *type;
    guint max; /* on an empty one */
} VgTypeOffer;
GArray *vg_types_offers(const VgTypes *types, guint16 vendor, guint16 device, guint16 subvendor, guint16 subdevice);

/*
 * What a kernel offers as @id. @name and @description may be NULL (drivers leave them out): then the id names it. Found
 * by name, then by id; made if new. What @description says goes before what is known. @max: what fits on an empty GPU
 * as far as the kernel's numbers tell; used if nobody else says.
 */
const VgType *vg_types_of_kernel(VgTypes *types, const char *id, const char *name, const char *description,
                                 const char *device_api, guint max);

/* A whole GPU as a type like any other; its name and id are "passthrough". */
const VgType *vg_types_passthrough(VgTypes *types);

/* A plain virtual function of a GPU of @model. */
const VgType *vg_types_vf(VgTypes *types, const char *model, guint16 vendor, guint16 device);

/* May @params (name, value, …, NULL) be given to a vGPU of @type? CONFIG_UNSUPPORTED naming what is allowed. */
gboolean vg_types_check_params(const VgTypes *types, const VgType *type, const char *const *params, GError **error);
