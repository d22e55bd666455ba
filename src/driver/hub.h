/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hub.h: what the parts of the driver share: the hosts it drives, the list of domains, where files lie, and operations.
 *
 * An OPERATION is what a client asks of a domain, or what its guest did: operations of one domain run one after the
 * other, in the order they came; a destroy goes to the front and makes a start under way turn round. An operation
 * begins on the main loop, works in jobs, and ends on the main loop.
 */
#pragma once

#include "api/driver.h"
#include "base/durable.h"
#include "base/fd.h"
#include "base/job.h"
#include "driver/domains.h"
#include "gpu/gpus.h"
#include "xen/config.h"
#include "xen/xen.h"

typedef struct VgWork VgWork;           /* driver/work.h */
typedef struct VgHealth VgHealth;       /* driver/health.h */
typedef struct VgTelemetry VgTelemetry; /* driver/telemetry.h */
typedef struct VgLeftovers VgLeftovers; /* driver/leftovers.h */
typedef struct VgEmulators VgEmulators; /* driver/emulators.h */

struct VgDriverState {
    const VgHost *host;
    gboolean simulated;
    char *confdir;   /* NAME.xml, autostart/ */
    char *autodir;   /* links of domains started with the host */
    char *statusdir; /* UUID.json: live status and intents */
    char *rundir;
    char *vfio_model; /* device model that can use VFIO under Xen, or NULL */
    char *savedir;    /* NAME.save, of managed saves */
    char *dumpdir;    /* NAME-DATE-TIME, of guests that crashed */
    char *schema;     /* the grammar of a domain */
    VgJournal *index; /* of definitions, see load.c; NULL: cannot be kept */
    VgFd manager;     /* holds the lock of the one who drives a real host, or -1 */
    VgXen *xen;
    VgXenHostInfo info;
    VgGpus *gpus;
    GArray *functions; /* all PCI functions of the host, as they were at the last look; gpu/functions.h */
    char *boot_id;
    gboolean same_boot; /* the driver has run before, since the host was started */
    char *hostname;
    VgDoms doms;
    GHashTable *mdevs;                  /* VgUuid -> VgMdev: vGPUs without a domain; mdevs.h */
    char *mdevdir;                      /* their definitions */
    guint watch_source, watch_pause_ms; /* what has changed in the grid is gathered; grid_watch.c */
    gboolean watched, listening;
    GQueue mdev_ops; /* the first is under way */
    VgJobQueue *mdev_queue;
    VgJobQueue *ledger;
    GQueue consoles;    /* that clients have open, or are about to; console.c */
    GQueue orders;      /* of the administrator, the first is under way; grid.c */
    VgJobQueue *asking; /* figures of what runs */
    VgHealth *health;   /* of the GPUs */
    VgLeftovers *leftovers;
    VgTelemetry *telemetry;
    VgEmulators *emulators;
    gboolean asked;    /* a job of it is under way */
    gint64 figures_us; /* when they were taken */
    GArray *waiting;   /* VgDone of clients that wait for them; figures.c */
    guint patience;    /* source that ends their wait */
    guint guests;      /* that run; Domain-0 and such of other hands not counted */
    gboolean stopping;
};

struct VgSession {
    VgDriverState *hub;
    gboolean read_only;
    char *uri; /* canonical: "xen:///system" */
};

/* --- operations (ops.c) ------------------------------------------------------------------------------------------- */

typedef struct VgOp VgOp;
struct VgOp {
    VgDriverState *hub;
    VgDom *dom; /* a reference */
    /* Main loop. Ends by vg_op_end(), perhaps at once. */
    void (*begin)(VgOp *op);
    VgDone done; /* func NULL: nobody waits */
    /* The domain vanished before its turn; NULL: NO_DOMAIN, or nothing if gone_is_fine. The answer is its to give. */
    void (*gone)(VgOp *op, VgDone done);
    gboolean gone_is_fine; /* a domain that vanished meanwhile is what was wanted */
    gboolean begun;
    gboolean flag; /* begin's own */
    void (*next)(VgOp *op);
    guint flags;
    int number;
    VgDomain *def; /* the op's own, freed with it */
    char *text, *text2, *text3;
    VgFd fd;       /* the op's own, or -1 */
    gpointer data; /* begin's own, freed by free_data */
    GDestroyNotify free_data;
    /* of the job, see vg_op_job() */
    gboolean (*job)(VgOp *op, GError **error);
    void (*after)(VgOp *op, GError *error);
    GError *error;
};

typedef enum { VG_OP_LAST, VG_OP_FIRST } VgOpPlace;
VgOp *vg_op_new(VgDriverState *hub, VgDom *dom, void (*begin)(VgOp *op), VgDone done);
void vg_op_push(VgOp *op, VgOpPlace place);
/* Some client waits for an operation of the domain. */
gboolean vg_ops_wanted(const VgDom *dom);
/* The client's answer (takes over @error, NULL: done), then the next operation. */
void vg_op_end(VgOp *op, GError *error);
/* @job on a worker, then @after (takes over the error) on the main loop. */
void vg_op_job(VgOp *op, gboolean (*job)(VgOp *op, GError **error), void (*after)(VgOp *op, GError *error));
/* Answers without an operation. Takes over @error. */
void vg_done_error(VgDone done, GError *error);
/* The domain of @uuid that clients see, or NULL with NO_DOMAIN. */
VgDom *vg_hub_dom(VgDriverState *hub, const VgUuid *uuid, GError **error);
/* The same for a call that changes something: Domain-0 is refused, OPERATION_INVALID. */
VgDom *vg_hub_guest(VgDriverState *hub, const VgUuid *uuid, GError **error);

/* --- events.c ----------------------------------------------------------------------------------------------------- */

void vg_tell_lifecycle(VgDriverState *hub, const VgDom *dom, int type, int detail);
void vg_tell(VgDriverState *hub, const VgDom *dom, VgEventId id, int a, const char *text);
/* Everything a step of life wants told. */
void vg_tell_step(VgDriverState *hub, const VgDom *dom, const VgLifeStep *step);
/* Those that are not in the list yet join it, soon. */
void vg_look_for_others(VgDriverState *hub);
/* Node devices: see driver.h. */
void vg_tell_nodedev(VgDriverState *hub, VgNodedevEventId id, VgNodedevChange type, const char *name);
/* Xen's own events, see xen.h. */
void vg_on_xen_event(const VgXenEvent *event, gpointer hub);

/* --- reading.c ---------------------------------------------------------------------------------------------------- */

/* Gets the definition, which it takes over; the done is its to call. */
typedef void (*VgReadFunc)(VgDriverState *hub, VgDomain *def, guint flags, VgDone done);
/*
 * Parses a definition and goes on with @then, perhaps later; what is no definition is answered, and what is not valid
 * by the grammar, if @validate.
 */
void vg_read_def(VgDriverState *hub, const char *xml, guint flags, gboolean validate, VgReadFunc then, VgDone done);

/* --- define.c ----------------------------------------------------------------------------------------------------- */

/*
 * Makes @def complete as a definition of this host: identities and guest slots of its vGPUs. CONFIG_UNSUPPORTED, or the
 * GPU engine's own refusal, for what this host can never give.
 */
gboolean vg_def_complete(VgDriverState *hub, VgDomain *def, GError **error);
char *vg_def_path(VgDriverState *hub, const char *name);
char *vg_autostart_path(VgDriverState *hub, const char *name);
/* The setting of life that a definition wants. */
void vg_life_take_def(VgLife *life, const VgDomain *def);
void vg_define(VgSession *session, const char *xml, guint flags, VgDone done);
void vg_undefine(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
void vg_set_autostart(VgSession *session, const VgUuid *dom, gboolean on, VgDone done);

/* --- save.c ------------------------------------------------------------------------------------------------------- */

char *vg_save_path(VgDriverState *hub, const char *name);
/* A managed save is over: dropped; or first put aside under a name that does not count, and then brought back, or
 * forgotten. Jobs; fine if there is none. SYSTEM_ERROR: it is as it was. */
gboolean vg_save_drop(const char *path, GError **error);
gboolean vg_save_aside(const char *path, GError **error);
gboolean vg_save_back(const char *path, GError **error);
void vg_save_forget(const char *path);
/* Which of the domains in the list have a managed save. Start-up. */
void vg_save_look(VgDriverState *hub);

/* --- metadata.c --------------------------------------------------------------------------------------------------- */

char *vg_get_metadata(VgSession *session, const VgUuid *dom, int type, const char *uri, guint flags, GError **error);
void vg_set_metadata(VgSession *session, const VgUuid *dom, int type, const char *metadata, const char *key,
                     const char *uri, guint flags, VgDone done);

/* --- hotplug.c ---------------------------------------------------------------------------------------------------- */

/* @xml: the device, or one that means it. */
void vg_attach(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);
void vg_detach(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);
void vg_detach_alias(VgSession *session, const VgUuid *dom, const char *alias, guint flags, VgDone done);
void vg_update(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);
/*
 * Start-up: the daemon died while @device came to @run's guest or went. It is taken away; a medium is put in. @run's
 * live definition says afterwards what the guest has.
 */
void vg_plug_repair(VgRun *run, const char *device, gboolean medium);

/* --- load.c ------------------------------------------------------------------------------------------------------- */

/* Every definition on disk joins the list. @index: file of what is known of them; may be missing. Before all else. */
void vg_load_defs(VgDriverState *hub, const char *index);
/* For the next start. */
void vg_save_index(VgDriverState *hub);

/* --- recover.c ---------------------------------------------------------------------------------------------------- */

/* After the definitions were loaded. */
gboolean vg_recover(VgDriverState *hub, GError **error);
/* A domain of other hands joins the list. */
void vg_adopt_foreign(VgDriverState *hub, const VgXenDomain *xd);
