/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine.h: what the files of the engine share: its state. Main loop only, except where gpus.h says otherwise. */
#pragma once

#include "gpu/gpus.h"
#include "gpu/inventory.h"
#include "gpu/ledger.h"
#include "gpu/place.h"
#include "gpu/settings.h"
#include "gpu/smi.h"

/* What a place is besides what the driver sees. */
typedef struct {
    guint32 gpu; /* VG_PLACE_ANY: not there any more */
    const VgType *type;
    VgHold hold;
    guint slot;
    gboolean primary;
    char **params; /* or NULL */
    gboolean lost; /* whatever is at its place is not it: the place has a newer owner, or the host was started anew */
    gboolean instance_found; /* the GPU instance below it was there before it: it stays */
    gboolean instance_made;  /* or is ours, perhaps half made */
    char **bonds;            /* keys of its affinities, see affinity.c; or NULL */
} VgPlaceInside;

struct VgClaim {
    VgGpus *gpus;
    VgUuid owner;
    char *owner_name;
    VgUuid user;     /* of a node device: who has it, */
    char *user_name; /* NULL: nobody */
    gsize n;
    VgPlace *places;
    VgPlaceInside *insides;
    guint64 id;
    char *record; /* for the ledger */
    gint used;    /* atomic: a device model has had its vGPUs, or may have */
    char *stuck;  /* why it is still there although its guest is gone, or NULL */
};

typedef struct VgGpusTold VgGpusTold;

struct VgGpus {
    VgGpuHost *host;
    VgTypes *types;
    VgInventory inventory;
    char *config; /* gpus.json, or NULL */
    char *vendor; /* the vendor's file, if there is one, and what is wrong with it, or NULL */
    char *vendor_problem;
    char *boot; /* of the host: what was made before it last started is gone; or NULL */
    VgSettings *settings;
    gboolean changing; /* a change of them is under way */
    GArray *groups;    /* of VgGpuGroup */
    VgPolicy *policies;
    VgRoom room;
    GArray *shapes;       /* of VgShape, of all GPUs; room's */
    GPtrArray *bond_keys; /* of the room's bonds, by number; NULL: not in use */
    VgLedger *ledger;     /* the ledger queue's */
    guint64 generation;
    GPtrArray *claims;   /* of VgClaim, oldest first */
    GHashTable *by_vgpu; /* VgUuid -> VgClaim */
    GArray *foreign;     /* of VgKernelVgpu: made by other hands */
    guint64 releases;    /* how often something was given back */
    GArray *views;       /* what vg_gpus_view() lent last */
    GArray *sides;       /* of VgGuestSide, or NULL */
    gboolean can_tell;   /* of what guests' drivers say */
    VgBackendHost backend_host;
    VgGpusTold *told; /* NULL: nobody listens */
    guint clean_ms;   /* so long the driver may take to clean up after a guest by itself; 0: it never does */
    gint in_vain;     /* atomic: it was waited for once, and did not */
};

/* --- room.c ------------------------------------------------------------------------------------------------------- */

/* Anew from inventory, settings, claims and what others made. */
void vg_gpus_room_build(VgGpus *gpus);
void vg_gpus_room_free(VgGpus *gpus);
/* Can what is offered be there at all in the GPU's mode? */
gboolean vg_gpus_mode_suits(const VgGpu *gpu, const VgGpuOffer *offer);
/* A claim begins or ends to count. */
void vg_gpus_room_enter(VgClaim *claim);
void vg_gpus_room_leave(VgClaim *claim);

/* --- affinity.c --------------------------------------------------------------------------------------------------- */

/* "apart NAME" or "together NAME": what the ledger and claims keep. Caller frees. */
char *vg_bond_key(const VgAffinity *affinity);
/* The number of @key, made if it is new. VG_PLACE_ANY: there are too many. */
guint32 vg_gpus_bond(VgGpus *gpus, const char *key);
/* Those without members; wants that name them must be over. */
void vg_gpus_forget_bonds(VgGpus *gpus);
gboolean vg_gpus_resolve_bonds(VgGpus *gpus, const VgVgpuRequest *r, VgWant *want, GError **error);
/* After VG_FIT_AFFINITY: which, and who. Caller frees. */
char *vg_gpus_bond_reason(VgGpus *gpus, guint gpu, const VgWant *want);
const char *vg_gpus_bond_name(const VgGpus *gpus, guint32 bond);
VgJson *vg_gpus_json_affinities(char *const *keys);

/* --- gpus.c ------------------------------------------------------------------------------------------------------- */

/* Makes the list of what the kernel has and no claim does. */
void vg_gpus_find_foreign(VgGpus *gpus);
/* Lays the settings over the inventory, and makes placement's picture of both. */
void vg_gpus_apply(VgGpus *gpus);

/* --- request.c: from what is asked for to what placement wants ---------------------------------------------------- */

/* FALSE if it can never be met here. @wants: n of them, or NULL. */
gboolean vg_gpus_resolve(VgGpus *gpus, const VgVgpuRequest *requests, gsize n, VgWant *wants, GError **error);

/* --- told.c ------------------------------------------------------------------------------------------------------- */

/* Something may be otherwise than it was told. */
void vg_gpus_changed(VgGpus *gpus);
/* The same of the vGPUs of a claim, which are there now, or gone. */
void vg_gpus_claim_changed(VgClaim *claim, gboolean gone);

/* --- import.c ----------------------------------------------------------------------------------------------------- */

/* The settings in an order to import them. */
VgSettings *vg_import_read(const VgJson *order, GError **error);
/* What the GPUs are; and, with other settings in force, whether they still are what those in use must stay. */
GArray *vg_import_look(const VgGpus *gpus);
gboolean vg_import_fits(VgGpus *gpus, const GArray *before, GError **error);

/* --- gpus_json.c -------------------------------------------------------------------------------------------------- */

/* For each GPU an array of the names of the guests on it. g_free() it when the arrays have a place. */
VgJson **vg_gpus_json_guests(const VgGpus *gpus);
/* As in the list of vGPUs. */
VgJson *vg_gpus_json_vgpu(const VgClaim *claim, gsize i);

/* --- explain.c: why not, and who has it --------------------------------------------------------------------------- */

/* After vg_place() said no: the most hopeful reason as the error, every GPU's as its text. */
void vg_gpus_explain(VgGpus *gpus, const VgWant *wants, guint n, GError **error);
/* What one GPU says to one want, as vg_place_fit_want() found. Caller frees. */
char *vg_gpus_reason_want(VgGpus *gpus, guint gpu, const VgWant *want, VgFit fit);
/* The same of one type, as vg_place_fit() found. */
char *vg_gpus_reason(VgGpus *gpus, guint gpu, guint type, VgFit fit);
/* Who is on @gpu, in some words; "" if nobody. Caller frees. */
char *vg_gpus_holders(VgGpus *gpus, guint gpu);
/* Names of types that this host has, shortened. Caller frees. */
char *vg_gpus_type_names(VgGpus *gpus);
char *vg_gpu_type_names(const VgGpu *gpu);
/* Adds ", item", and from the @most-th on counts only; vg_list_end() says how many more. */
typedef struct {
    GString *text;
    guint n, most;
} VgShortList;
void vg_list_begin(VgShortList *list, guint most);
void vg_list_add(VgShortList *list, const char *item);
char *vg_list_end(VgShortList *list);
