/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mdevs.h: vGPUs that are there without a domain: mediated devices that clients create, define, start and stop as node
 * devices (virsh nodedev-create, nodedev-define), by whatever back end they come to be. They are placed, claimed and
 * recorded as those of domains are, with nobody as their owner; a guest that names one by UUID, <hostdev type='mdev'>,
 * borrows it while it runs.
 *
 * A definition is a file CONFDIR/PARENT/UUID in mdevctl's format. One that is not defined goes with its device. Main
 * loop, but for the files, which are written in jobs.
 */
#pragma once

#include "driver/hub.h"
#include "driver/ladder.h"
#include "model/nodedev.h"

typedef struct {
    VgDriverState *hub;
    VgUuid uuid;
    VgPciAddr parent; /* a GPU, where it is now, */
    char *identity;   /* and what it is wherever it is; or NULL */
    char *type_id;
    char **attrs; /* name, value, …, NULL */
    gboolean persistent, autostart;
    gboolean active; /* it is there, and may be lent */
    VgClaim *claim;  /* NULL: none */
    VgDom *user;     /* who has borrowed it; a reference */
    VgLadder ladder;
} VgMdev;

/* --- mdevs.c: the list, and its files ----------------------------------------------------------------------------- */

/* Reads the definitions below @confdir. Blocks: start-up. */
void vg_mdevs_load(VgDriverState *hub, const char *confdir);
void vg_mdevs_free(VgDriverState *hub);
/* What the ledger says is there: kept if the host was not started anew since, else given back. Blocks: start-up. */
void vg_mdevs_adopt(VgDriverState *hub, VgClaim *claim);

VgMdev *vg_mdevs_find(const VgDriverState *hub, const VgUuid *uuid);
/* What makes a device of @wish; not in the list yet. INVALID_ARG, CONFIG_UNSUPPORTED: what this host can never make. */
VgMdev *vg_mdev_new(VgDriverState *hub, const VgNodedevWish *wish, GError **error);
void vg_mdev_free(VgMdev *mdev);
void vg_mdevs_add(VgMdev *mdev);
void vg_mdevs_remove(VgMdev *mdev);
char *vg_mdev_name(const VgMdev *mdev);
/* Its vGPU as something to be placed; strings borrowed. */
VgVgpuRequest vg_mdev_request(const VgMdev *mdev, char ***ret_params);
/* All definitions, as 'gridctl export' has them. */
VgJson *vg_mdevs_json(const VgDriverState *hub);
/* Files (jobs). */
gboolean vg_mdev_write(const VgMdev *mdev, GError **error);
gboolean vg_mdev_unlink(const VgMdev *mdev, GError **error);

/* --- lending ------------------------------------------------------------------------------------------------------ */

/* The devices that @def names, in its order; NULL if it names none. DEVICE_MISSING: one is not there. Borrowed, of
 * VgMdev. */
GPtrArray *vg_mdevs_of(const VgDriverState *hub, const VgDomain *def, GError **error);
/* All that @run's definition names become its own, or none: DEVICE_MISSING, OPERATION_INVALID naming who has it. */
gboolean vg_mdevs_lend(VgRun *run, GError **error);
void vg_mdevs_return(VgRun *run);

/* --- nodedev.c ---------------------------------------------------------------------------------------------------- */

/* The one called @name. NO_NODE_DEVICE; CONFIG_UNSUPPORTED: a GPU; OPERATION_INVALID: a domain's own vGPU. */
VgMdev *vg_nodedev_mdev(VgDriverState *hub, const char *name, GError **error);
void vg_nodedev_tell(const VgMdev *mdev, VgNodedevChange change);
/* The vGPUs of its own that @run has are node devices from now on, or no longer. */
void vg_nodedev_show(VgRun *run, gboolean on);
void vg_nodedev_show_place(VgDriverState *hub, const VgPlace *place, gboolean on);

/* --- mdev_ops.c: what clients ask, see api/driver.h --------------------------------------------------------------- */

void vg_nodedev_create_xml(VgSession *session, const char *xml, guint flags, VgDone done);
void vg_nodedev_define(VgSession *session, const char *xml, guint flags, VgDone done);
void vg_nodedev_undefine(VgSession *session, const char *name, guint flags, VgDone done);
void vg_nodedev_create(VgSession *session, const char *name, guint flags, VgDone done);
void vg_nodedev_destroy(VgSession *session, const char *name, VgDone done);
void vg_nodedev_set_autostart(VgSession *session, const char *name, gboolean on, VgDone done);

/* Starts all that are marked for it, then calls @then. */
void vg_mdevs_autostart(VgDriverState *hub, void (*then)(VgDriverState *hub));
