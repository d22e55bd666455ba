/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run.h: a guest on the host, from the first rung of its start ladder to the last of its descent. While the ladder
 * moves, what its rungs touch belongs to them; at rest, to the main loop.
 */
#pragma once

#include "driver/hub.h"
#include "driver/ladder.h"

struct VgRun {
    VgDriverState *hub;
    VgDom *dom; /* borrowed: the domain owns its run */
    VgOp *op;   /* that waits for the ladder, or NULL */
    int id;     /* that clients see: domid, -1 until it is up */

    VgDomain *def; /* live definition; its live rows are filled in on the way up */
    VgVgpuRequest *requests;
    gsize n_requests;
    GPtrArray *claims; /* of VgClaim: its own vGPUs; see below. Changes on the main loop, while no job of it is on */
    GPtrArray *lent;   /* VgMdev that it has borrowed (mdevs.h); NULL: none */
    gboolean shown;    /* its vGPUs are node devices that clients have heard of */
    VgXenConfig *config;
    char **pcidevs; /* PCI devices that go back to the host's drivers: addresses; or NULL. The domain's queue's */
    char token[33];
    gboolean built; /* Xen has it, as domid */
    guint32 domid;
    gboolean paused;  /* is to stay paused */
    gboolean counted; /* among the hub's guests */
    gboolean again;   /* a guest that comes again: what it has was made before */
    gint64 up_us;     /* when it came up */
    gint64 lived_us;  /* how long it was up then */
    guint wait;       /* source that ends the wait for its coming again; 0: none */
    VgWork *work;     /* that takes long, see work.h; borrowed, or NULL */
    char *saving;     /* the file it is being saved into, see VgStatus */
    gboolean saved;   /* its end is that of a save */
    gboolean unsaved; /* a save was given up, but it may still take its last step: it goes on then */
    char *image;      /* of its managed save: goes before it does a thing; NULL: there is none */
    VgFd stream;      /* where a saved guest stands, to start from; or -1 */
    gboolean restored, image_gone;
    gboolean emulated;     /* a display emulator was ordered for it */
    VgFd emulator_fd;      /* of that process, when it has said that it runs; or -1 */
    guint emulator_source; /* that tells of its end */
    gboolean foreign;      /* made by other hands: shown, not looked after */

    guint64 mem_kib, max_mem_kib, cpu_ns; /* figures */
    guint vcpus;
    VgXenDomain seen; /* with what its vcpus and devices do, when it was last asked; domid 0: never */

    VgLadder ladder;
};

/* Takes over @def. */
VgRun *vg_run_new(VgDriverState *hub, VgDom *dom, VgDomain *def, gboolean paused);
void vg_run_free(VgRun *run);

/* --- held.c: its claims ------------------------------------------------------------------------------------------- */

/* All its vGPUs, those of its definition first and in that order. Strings borrowed, g_free. @run NULL: none. */
VgPlace *vg_held_places(const VgRun *run, gsize *ret_n);
/* It has @claim from now on. Made before it is on record: it may become several. Main loop. */
void vg_held_take(VgRun *run, VgClaim *claim);
/* The claim that @vgpu is in; @ret_alone: with nothing else. NULL: none. */
VgClaim *vg_held_find(const VgRun *run, const VgUuid *vgpu, gboolean *ret_alone);
/* For all of them; the first failure is told. */
gboolean vg_held_each(const VgRun *run, gboolean (*what)(VgClaim *claim, GError **error), GError **error);
void vg_held_set_stuck(const VgRun *run, const char *why);
void vg_held_release(VgRun *run);
/* With what @run has borrowed: the vendor's rules are about all vGPUs of a guest. */
gboolean vg_held_go_together(const VgRun *run, const VgVgpuRequest *requests, gsize n, GError **error);
/* Does the guest get it as a PCI function, which can come and go while it runs? */
gboolean vg_held_can_plug(const VgPlace *place);

/* --- what it wants ------------------------------------------------------------------------------------------------ */

/* The requests of a definition's vGPUs, borrowing its strings. Freed by vg_requests_free(). */
VgVgpuRequest *vg_requests_of(const VgXenHostInfo *host, const VgDomain *def, gsize *ret_n);
void vg_requests_free(VgVgpuRequest *requests, gsize n);
/* What the places mean for the guest's config, and the devices that it has borrowed (of VgMdev, or NULL); strings
 * borrowed from both. g_free(). @ret_n: of all. */
VgXenGpu *vg_xen_gpus_of(const VgDomain *def, const VgVgpuRequest *requests, const VgPlace *places, gsize n,
                         const GPtrArray *lent, gsize *ret_n);

/* The device model that these need, or NULL: any. Borrowed. */
const char *vg_xen_emulator_of(const VgDriverState *hub, const VgXenGpu *gpus, gsize n);

/* Already running: the ladder stands at its top. */
void vg_run_adopt(VgRun *run, guint32 domid);
/* Counts it, and clients see its id. */
void vg_run_up(VgRun *run);

/* A device of @claim writes into the guest's memory by itself, so all of it has to be there. */
gboolean vg_memory_is_fixed(const VgDomain *def, const VgClaim *claim, GError **error);

/* Writes the live status anew (job). */
gboolean vg_run_write_status(VgRun *run, GError **error);
/* With another live definition, and a device that is on its way (state.h). */
gboolean vg_run_write_status_of(const VgRun *run, const VgDomain *def, const char *device, gboolean medium,
                                GError **error);
/* The live definition becomes @def (taken over). The ladder must be at rest. */
void vg_run_change_def(VgRun *run, VgDomain *def);
/* Live rows of @run->def (job). */
void vg_live_fill(VgRun *run);
/* Of those the terminals alone, which a restart of their giver changes. */
void vg_live_fill_terminals(VgRun *run);
/* What the vGPU @dev was given. */
void vg_live_bind(VgHostdev *dev, const VgPlace *place);
/* An alias that no device of @def has; only for kinds that can be plugged. */
void vg_live_alias(const VgDomain *def, VgDeviceKind kind, VgDeviceInfo *info);
/* What its interface is called on the host, unless the definition says. */
void vg_live_name_vif(const VgRun *run, VgInterface *net, int devid);
typedef struct {
    gboolean serial; /* else a console */
    guint number;
} VgTerminal;
/* The device's terminal is @path. */
void vg_live_terminal(VgDomain *def, const VgTerminal *which, const char *path);

/* It comes again now, if it waits for that: something is wanted of its domain. */
void vg_run_hurry(VgRun *run);
void vg_run_hurry_all(VgDriverState *hub);

/* Operations: begin functions and what the table calls. */
#define VG_RUN_HAS_IMAGE 1 /* number of a start's op: there is a managed save, which ends with it */
void vg_run_begin_start(VgOp *op);
/* Life has said TEARDOWN: descends, and ends the operation. */
void vg_run_teardown(VgOp *op);
/* Starts it with the host. */
void vg_autostart(VgDriverState *hub, VgDom *dom);
void vg_create(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
void vg_create_xml(VgSession *session, const char *xml, guint flags, VgDone done);
/* Starts @def, from the state that @stream stands at, or from the beginning, -1. Takes both over. */
void vg_create_from(VgDriverState *hub, VgDomain *def, int stream, guint flags, VgDone done);
void vg_destroy(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
void vg_shutdown(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
void vg_reboot(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
void vg_suspend(VgSession *session, const VgUuid *dom, VgDone done);
void vg_resume(VgSession *session, const VgUuid *dom, VgDone done);

/* figures.c: a job takes new ones of all that runs, if these are older than a second. */
void vg_figures_want(VgDriverState *hub);
/* Nobody waits any more. */
void vg_figures_close(VgDriverState *hub);
