/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gpus.h: the GPU engine as the driver sees it: what GPUs there are, what fits where, who has what.
 *
 * Objects and rules: a GPU supports types, an administrator enables a subset, it belongs to one group; a group has a
 * policy; a vGPU has an identity (UUID), an owner (domain), a place. Checks in the order supported, enabled,
 * compatible, room, each with its own text.
 *
 * A CLAIM is what one domain holds: all vGPUs of its start, placed together (and made several, one for each, where they
 * can go one by one), or one that came while it ran. Its life, as rungs of the driver's start ladder:
 *
 *     vg_gpus_claim()   main loop   places and reserves; counts at once for everybody
 *     vg_claim_record() ledger queue  the ledger says so, durably (the intent)
 *     vg_claim_create() domain's job  the devices exist (idempotent), with parameters
 *     ... the guest runs ...
 *     vg_claim_remove() domain's job  the devices are verifiably gone (idempotent)
 *     vg_claim_forget() ledger queue  the ledger says so
 *     vg_gpus_release() main loop   capacity is back, the claim is freed
 *
 * A claim's places are immutable after vg_gpus_claim(), so jobs read them without a lock. Functions of the ledger queue
 * are serialised by the caller (one VgJobQueue). After a crash, vg_gpus_open() has read the ledger; the driver adopts
 * the claims of guests that run and drops the others (remove, forget, release).
 */
#pragma once

#include <glib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "gpu/host.h"
#include "gpu/news.h"

typedef struct VgGpus VgGpus;
typedef struct VgClaim VgClaim;

typedef struct {
    const char *config;      /* gpus.json: groups, enabled types, policy; may be absent */
    const char *catalogue;   /* the shipped catalogue of types */
    const char *ledger;      /* journal */
    const char *vendor;      /* vgpuConfig.xml; NULL or absent: there is none */
    const char *vendor_copy; /* of the last one that was good; ours to write */
} VgGpusPaths;

/* Start-up; blocks. Takes over @host, also when it fails. */
VgGpus *vg_gpus_open(VgGpuHost *host, const VgGpusPaths *paths, GError **error);
void vg_gpus_free(VgGpus *gpus);
/* Borrowed. */
VgGpuHost *vg_gpus_host(const VgGpus *gpus);

/* With all others of this name on one GPU, or each on another (apart). Both kinds of one name are two affinities. */
typedef struct {
    const char *name;
    gboolean apart;
    gboolean preferred; /* rather than needed */
} VgAffinity;

typedef struct {
    VgUuid vgpu;
    const char *type_name, *type_id; /* at least one */
    const char *group;               /* NULL: any GPU with the type enabled */
    gboolean pinned;
    VgPciAddr gpu;            /* if pinned */
    const char *gpu_identity; /* pinned by this; with an address as well, both have to be the same GPU. NULL: not */
    gboolean has_node;
    guint node;                /* of the host's memory the guest will be on, if known */
    const char *const *params; /* name, value, name, value, NULL; or NULL */
    const VgAffinity *affinities;
    guint n_affinities;
    guint guest_slot;
    gboolean primary;
} VgVgpuRequest;

/* In the order in which a GPU is tried for them. */
typedef enum {
    VG_BACKEND_VFIO,
    VG_BACKEND_MDEV,
    VG_BACKEND_SRIOV,
    VG_BACKEND_EMULATOR,
    VG_BACKEND_SOFT,
    VG_BACKEND_PASSTHROUGH,
    VG_BACKEND_LAST
} VgBackendId;

typedef struct {
    VgUuid vgpu;
    VgPciAddr gpu; /* the pGPU */
    int node;      /* of the host's memory it is near, -1: unknown */
    gboolean has_vf;
    VgPciAddr vf;
    guint8 functions; /* passthrough: a bit for each function of the slot that goes along */
    VgBackendId backend;
    const char *backend_name; /* "emulator" */
    const char *type_name, *type_id;
    guint64 generation; /* of the place: VFs and slots are reused */
    int start;          /* placement id in mixed-size mode; of a GPU instance: where it begins; -1: none */
    gboolean mig;       /* on a GPU instance */
    guint64 bar_kib;
    guint framebuffer_mib; /* of its type */
    gboolean compute;      /* its type draws nothing for a screen */
    gboolean saves;        /* its back end can write its state down, and go on from it */
    char *vfio_path;       /* mdev, vfio: the device's folder, as this host names it */
} VgPlace;

/*
 * Can it be known at define time that this request can never be met here (unknown type, unknown group, no such GPU, bad
 * parameter)? FALSE then. Pure.
 */
gboolean vg_gpus_check(VgGpus *gpus, const VgVgpuRequest *requests, gsize n, GError **error);

/* Is @request met by a device of the host's, which needs all of the guest's memory to be there? As far as can be known
 * before it has a place. */
gboolean vg_gpus_fix_memory(VgGpus *gpus, const VgVgpuRequest *request);

/*
 * Places all of them or none. RESOURCE_BUSY naming the holders when there is no room; OPERATION_DENIED: the type is
 * disabled; CONFIG_UNSUPPORTED: this host cannot, with the reason. A plan is a dry run that reserves nothing:
 * @ret_places (n, freed with vg_places_free) says what would be chosen.
 */
gboolean vg_gpus_plan(VgGpus *gpus, const VgVgpuRequest *requests, gsize n, VgPlace **ret_places, GError **error);
VgClaim *vg_gpus_claim(VgGpus *gpus, const VgUuid *owner, const char *owner_name, const VgVgpuRequest *requests,
                       gsize n, GError **error);
/* Takes the last of several vGPUs off @claim, which is on record nowhere yet, and makes it a claim of its own. Main
 * loop. */
VgClaim *vg_claim_split(VgClaim *claim);
void vg_places_free(VgPlace *places, gsize n);
const VgPlace *vg_claim_places(const VgClaim *claim, gsize *ret_n);
const VgUuid *vg_claim_owner(const VgClaim *claim);

/*
 * NODE DEVICES. A claim whose owner is the null UUID is no domain's: its one vGPU is there because a client made it,
 * and @owner_name is what the client calls it. It can be lent to a domain, which is then who has it; NULL: it is back.
 * Main loop.
 */
gboolean vg_claim_is_node_device(const VgClaim *claim);
void vg_claim_lend(VgClaim *claim, const VgUuid *user, const char *user_name);
/* Who has it, for texts: the user's name, else the owner's. Borrowed. */
const char *vg_claim_holder(const VgClaim *claim);
/* Are its devices there, as far as the kernel has devices for it? Blocks: start-up or jobs. */
gboolean vg_claim_exists(const VgClaim *claim);

gboolean vg_claim_record(VgClaim *claim, GError **error);
gboolean vg_claim_create(VgClaim *claim, GError **error);
gboolean vg_claim_remove(VgClaim *claim, GError **error);
/* A device model is about to have them: their driver may clean up by itself when that has ended. */
void vg_claim_use(VgClaim *claim);
/* For a guest that comes again: what its driver has cleaned up meanwhile is made again. */
gboolean vg_claim_renew(VgClaim *claim, GError **error);
gboolean vg_claim_forget(VgClaim *claim, GError **error);
void vg_gpus_release(VgClaim *claim);
/* Its guest is gone and it could not be taken down, because of @why: shown. @claim NULL: nothing to say. */
void vg_claim_set_stuck(VgClaim *claim, const char *why);

/* After open: claims that the ledger knows. The driver decides which live. Array of borrowed pointers, g_free. */
VgClaim **vg_gpus_claims(VgGpus *gpus, gsize *ret_n);

/*
 * What the administrator orders, as one of the documents of docs/grid-protocol.md ("orders"). vg_gpus_change_begin()
 * checks it against what runs and what is being started, and makes it count at once (NULL with the reason if it is
 * refused). _write() makes it durable, in a job. _end() on the main loop ends it: what could not be written is taken
 * back. One at a time: a second begin before the end is the caller's mistake.
 */
typedef struct VgGpusChange VgGpusChange;
VgGpusChange *vg_gpus_change_begin(VgGpus *gpus, const char *order, GError **error);
gboolean vg_gpus_change_write(VgGpusChange *change, GError **error);
void vg_gpus_change_end(VgGpusChange *change, gboolean written);

/* What the change has to say when it is done, a JSON object: who is left on GPUs that it closed. Caller frees. */
char *vg_gpus_change_answer(const VgGpusChange *change);

/* --- health.c ----------------------------------------------------------------------------------------------------- */

/* An order about one GPU, for vg_gpus_change_begin(). @reason may be NULL. Caller frees. */
char *vg_gpus_order(const char *order, const VgPciAddr *gpu, const char *reason);
/* The order that the GPU which failed asks for, told in the log with who is on it. NULL: it is none of this host's, or
 * is in quarantine. Caller frees. */
char *vg_gpus_failed(VgGpus *gpus, const VgGpuNews *news);
/* What is decided for a GPU on which @owner was stopped by force: an order, or NULL. Caller frees. */
char *vg_gpus_forced(VgGpus *gpus, const VgPciAddr *gpu, const char *owner);
/* A GPU that is to be reset and has become empty. FALSE: there is none. */
gboolean vg_gpus_next_reset(VgGpus *gpus, VgPciAddr *ret);
/* Resets it; a job. Nobody may be on it. */
gboolean vg_gpus_reset(VgGpus *gpus, const VgPciAddr *gpu, GError **error);
/* Was it to become empty, and is? */
gboolean vg_gpus_drained(VgGpus *gpus, const VgPciAddr *gpu);

/* --- look.c ------------------------------------------------------------------------------------------------------- */

/* Is there a GPU that is to serve and is not ready? A look does what can be done for it. */
gboolean vg_gpus_waiting(const VgGpus *gpus);
/*
 * What guests' own drivers say of their vGPUs, of VgGuestSide, replaces what was known before; NULL: nothing is known
 * any more. Takes it over. @have: somebody here could tell, and there is a vGPU to tell of.
 */
void vg_gpus_take_sides(VgGpus *gpus, GArray *sides);
gboolean vg_gpus_have_sides(const VgGpus *gpus);

/*
 * Looks again for devices of other hands and for GPUs that were not ready: _read() in a job, the others on the main
 * loop. _end() frees it; FALSE: as for devices it is worth nothing, because something was given back meanwhile, and has
 * to be done again. One at a time.
 */
typedef struct VgGpusLook VgGpusLook;
VgGpusLook *vg_gpus_look_begin(VgGpus *gpus);
void vg_gpus_look_read(VgGpusLook *look);
gboolean vg_gpus_look_end(VgGpusLook *look);

/* Documents of docs/grid-protocol.md. */
VgJson *vg_gpus_json_settings(VgGpus *gpus); /* gpus.json as it counts now */
VgJson *vg_gpus_json_gpus(VgGpus *gpus);
VgJson *vg_gpus_json_types(VgGpus *gpus);
VgJson *vg_gpus_json_vgpus(VgGpus *gpus);
VgJson *vg_gpus_json_capacity(VgGpus *gpus);
/* Would these get places now, which, and if not: each GPU's reason and what would have to change. Reserves nothing. */
VgJson *vg_gpus_json_plan(VgGpus *gpus, const VgVgpuRequest *requests, gsize n);
VgJson *vg_gpus_json_places(const VgPlace *places, gsize n);
/* Every type on every GPU that has it: how many more, and why none. */
VgJson *vg_gpus_json_why(VgGpus *gpus);

/* For node devices: every GPU, every vGPU. Borrowed, valid until the next change. */
typedef struct {
    const char *type_id, *type_name, *device_api;
    guint available, max;
} VgGpuTypeView;
typedef struct {
    const VgGpuRecord *record;
    const VgGpuTypeView *types;
    gsize n_types;
} VgGpuView;
gsize vg_gpus_count(VgGpus *gpus);
gboolean vg_gpus_view(VgGpus *gpus, gsize i, VgGpuView *ret); /* types valid until the next call */
