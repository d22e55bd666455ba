/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * place.h: which GPU, of the many. Pure: works on a compact picture of all GPUs that the engine keeps up to date,
 * changes nothing, allocates nothing. Time goes with the number of GPUs that offer a type and not with how many vGPUs
 * run.
 *
 * Capacity is counted in units: a GPU has VG_UNITS, a vGPU takes VG_UNITS / (how many of its type fit). Checks in this
 * order: supported, enabled, compatible with what runs there, room. Ties go to the lowest GPU number, which is address
 * order.
 */
#pragma once

#include <glib.h>

#define VG_UNITS 1048576
#define VG_PLACE_MOST 32 /* vGPUs of one guest */
#define VG_PLACE_ANY G_MAXUINT32
#define VG_PLACE_NOTHING G_MAXUINT32

typedef enum { VG_POLICY_DEPTH_FIRST, VG_POLICY_BREADTH_FIRST, VG_POLICY_LAST } VgPolicy;

/* Why a GPU is not taken, the most hopeful last. */
typedef enum {
    VG_FIT_UNSUPPORTED,
    VG_FIT_UNUSABLE,
    VG_FIT_DISABLED,
    VG_FIT_INCOMPATIBLE,
    VG_FIT_FULL,
    VG_FIT_OK
} VgFit;

typedef struct {
    guint32 size, used; /* units */
    guint32 count;      /* vGPUs there */
    guint32 kind;       /* of what runs there, or VG_PLACE_NOTHING */
    guint32 group;
    guint32 model; /* GPUs of one model have equal offers */
} VgRoomGpu;

/* A type that a GPU supports. */
typedef struct {
    guint32 gpu, units;
    gboolean usable, enabled;
} VgRoomOffer;

typedef struct {
    guint32 kind;        /* types of one kind may share a GPU; for now each is of its own */
    VgRoomOffer *offers; /* by GPU number */
    guint32 n_offers;
} VgRoomType;

typedef struct {
    VgRoomGpu *gpus;
    guint32 n_gpus;
    VgRoomType *types;
    guint32 n_types;
    const VgPolicy *policies; /* of each group */
} VgRoom;

/* What one vGPU needs. */
typedef struct {
    guint32 type;
    guint32 group; /* or VG_PLACE_ANY */
    guint32 gpu;   /* pinned, or VG_PLACE_ANY */
} VgWant;

/*
 * Places all @n (at most VG_PLACE_MOST) or none: the first answer in the order of the wants, each taking the best GPU
 * by its group's policy (by the policy of the first GPU that would do, if no group is asked for). FALSE: they do not
 * fit together. @picked: n GPU numbers.
 */
gboolean vg_place(const VgRoom *room, const VgWant *wants, guint n, guint32 *picked);

/* Would this one go there? Ignores the want's group and pin. */
VgFit vg_place_fit(const VgRoom *room, guint32 gpu, guint32 type);
/* How many more of @type fit on @gpu; 0 for any reason not to. */
guint32 vg_place_capacity(const VgRoom *room, guint32 gpu, guint32 type);
const VgRoomOffer *vg_place_offer(const VgRoom *room, guint32 gpu, guint32 type);

/* What the engine does to the picture. @units as vg_room_take() returned them. */
guint32 vg_room_take(VgRoom *room, guint32 gpu, guint32 type);
void vg_room_give(VgRoom *room, guint32 gpu, guint32 units);
