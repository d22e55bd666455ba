/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * place.h: which GPU, of the many. Pure: works on a compact picture of all GPUs that the engine keeps up to date,
 * changes nothing, allocates nothing. Time goes with the number of GPUs that offer a type and not with how many vGPUs
 * run.
 *
 * Capacity is counted in units: a GPU has VG_UNITS, a vGPU takes VG_UNITS / (how many of its type fit). On a GPU in
 * mixed-size or MIG mode it is counted in slots instead: a type has a length and a list of starts, none of which
 * overlap; what a GPU has once is counted by itself.
 * Checks in this order: supported, usable here, open, not experimental, enabled, within the quota, compatible with what
 * runs there, room.
 * Ties go to the lowest GPU number, which is address order.
 */
#pragma once

#include <glib.h>

#define VG_UNITS 1048576
#define VG_PLACE_MOST 32 /* vGPUs of one guest */
#define VG_PLACE_ANY G_MAXUINT32
#define VG_PLACE_NOTHING G_MAXUINT32
#define VG_PLACE_SLOTS 128 /* of a GPU in mixed-size mode, at most */
#define VG_NO_START G_MAXUINT16
#define VG_WANT_BONDS 4 /* affinities of one vGPU, at most */

/*
 * Which of the GPUs that would do:
 * depth-first: the one with the least room for the type; breadth-first: with the most;
 * pack: whose largest free block is the smallest, so that large ones stay whole;
 * numa: one near the guest's node before one that is not, and then as depth-first.
 */
typedef enum {
    VG_POLICY_DEPTH_FIRST,
    VG_POLICY_BREADTH_FIRST,
    VG_POLICY_PACK,
    VG_POLICY_NUMA,
    VG_POLICY_LAST
} VgPolicy;

/*
 * What may share a GPU: one type; types of equal size; any that have a free start; GPU instances (MIG), each with a
 * free start of its profile, and nothing else.
 */
typedef enum { VG_MODE_ONE_TYPE, VG_MODE_EQUAL_SIZE, VG_MODE_MIXED_SIZE, VG_MODE_MIG, VG_MODE_LAST } VgGpuMode;

/* Why a GPU is not taken, the most hopeful last. */
typedef enum {
    VG_FIT_UNSUPPORTED,
    VG_FIT_UNUSABLE,
    VG_FIT_CLOSED,
    VG_FIT_EXPERIMENTAL,
    VG_FIT_DISABLED,
    VG_FIT_QUOTA,
    VG_FIT_INCOMPATIBLE,
    VG_FIT_FULL,
    VG_FIT_FRAGMENTED, /* room enough, but in pieces where the type cannot lie */
    VG_FIT_AFFINITY,   /* room, but not with, or not without, whom it has to be */
    VG_FIT_OK
} VgFit;

typedef struct {
    guint64 bits[VG_PLACE_SLOTS / 64];
} VgSlots;

/* Places of one length in a GPU that is counted in slots. */
typedef struct {
    guint16 length, n_starts;
    const guint16 *starts; /* ascending, at least length apart, ends within VG_PLACE_SLOTS */
} VgShape;

typedef struct {
    guint32 size, used; /* units */
    guint32 count;      /* vGPUs there */
    guint32 most;       /* for how many it has virtual functions; 0: they need none */
    guint32 kind;       /* of what runs there, or VG_PLACE_NOTHING */
    guint32 once;       /* of these, those that need what a GPU has once */
    guint32 group;
    guint32 model; /* GPUs of one model have equal offers and shapes */
    guint32 node;  /* of the host's memory, or VG_PLACE_ANY: unknown */
    VgGpuMode mode;
    gboolean closed;         /* quarantined or being drained: takes nothing new */
    const VgShape *shapes;   /* counted in slots: the lengths there are, longest first */
    guint16 n_shapes, slots; /* slots it has in all */
    VgSlots taken;
} VgRoomGpu;

/* A type that a GPU supports. */
typedef struct {
    guint32 gpu, units;
    gboolean usable, enabled;
    gboolean held; /* back: nobody vouches for the type, and the administrator has not said that it may run */
} VgRoomOffer;

typedef struct {
    guint32 kinds[VG_MODE_LAST]; /* by the GPU's mode: types of one kind may share a GPU */
    VgShape shape;               /* length 0: none known, so it has no place beside others in mixed-size mode */
    gboolean once;               /* needs what a GPU has once */
    VgRoomOffer *offers;         /* by GPU number */
    guint32 n_offers;
} VgRoomType;

/* At most so many vGPUs of a type (or of any, VG_PLACE_ANY) in a group (or on the whole host). */
typedef struct {
    guint32 group, type, most, used;
} VgRoomQuota;

/* vGPUs that want to be on one GPU, or each on another. */
typedef struct {
    gboolean apart;
    guint32 members;
    guint32 *on; /* each GPU: how many of them; NULL: none anywhere */
} VgRoomBond;

typedef struct {
    VgRoomGpu *gpus;
    guint32 n_gpus;
    VgRoomType *types;
    guint32 n_types;
    const VgPolicy *policies; /* of each group */
    VgRoomQuota *quotas;
    guint32 n_quotas;
    VgRoomBond *bonds;
    guint32 n_bonds;
} VgRoom;

/* What one vGPU needs. */
typedef struct {
    guint32 type;
    guint32 group; /* or VG_PLACE_ANY */
    guint32 gpu;   /* pinned, or VG_PLACE_ANY */
    guint32 node;  /* where the guest's memory is, or VG_PLACE_ANY */
    guint32 n_bonds;
    struct {
        guint32 bond;
        gboolean preferred; /* rather than needed */
    } bonds[VG_WANT_BONDS];
} VgWant;

typedef struct {
    guint32 gpu;
    guint16 start; /* VG_NO_START: not counted in slots */
} VgPick;

/*
 * A want with bonds goes to a GPU where a member of each bond is, if there is one anywhere, or where none is (apart);
 * members of the same guest count from when they are placed. What is only preferred goes before the policy: the fewest
 * broken first.
 *
 * Places all @n (at most VG_PLACE_MOST) or none: the first answer in the order of the wants, each taking the best GPU
 * by its group's policy (by the policy of the first GPU that would do, if no group is asked for), and there the start
 * that leaves the most of the longest places, then of the next shorter ones. One start is tried on a GPU, which finds
 * every answer when all wants are of one type. FALSE: they do not fit together.
 */
gboolean vg_place(const VgRoom *room, const VgWant *wants, guint n, VgPick *picked);

/* Would this one go there? Ignores the want's group and pin. */
VgFit vg_place_fit(const VgRoom *room, guint32 gpu, guint32 type);
/* The same, with the want's needed bonds. */
VgFit vg_place_fit_want(const VgRoom *room, guint32 gpu, const VgWant *want);
/* How many more of @type fit on @gpu; 0 for any reason not to. */
guint32 vg_place_capacity(const VgRoom *room, guint32 gpu, guint32 type);
/* How many more of @type in @group (VG_PLACE_ANY: on the host), quotas kept. Of @n_groups groups. */
guint64 vg_place_available(const VgRoom *room, guint32 n_groups, guint32 group, guint32 type);
const VgRoomOffer *vg_place_offer(const VgRoom *room, guint32 gpu, guint32 type);
/* The quota that leaves the fewest to @type in @group, or NULL. */
const VgRoomQuota *vg_place_quota(const VgRoom *room, guint32 group, guint32 type);

/* What the engine does to the picture. What was taken is given back as it was: the hold says what it took. */
typedef struct {
    guint32 units;
    guint16 start, length;
} VgHold;
VgHold vg_room_take(VgRoom *room, guint32 gpu, guint32 type, guint16 start);
void vg_room_give(VgRoom *room, guint32 gpu, guint32 type, VgHold hold);
/* A member of @bond is on @gpu, or there no more. */
void vg_room_join(VgRoom *room, guint32 gpu, guint32 bond);
void vg_room_part(VgRoom *room, guint32 gpu, guint32 bond);
