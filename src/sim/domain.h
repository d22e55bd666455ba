/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domain.h: one simulated domain: what Xen knows of it, and the guest inside. guest.c moves it through time, store.c
 * keeps it on disk. Private to sim/; the caller holds the hypervisor's lock.
 */
#pragma once

#include <glib.h>

#include "xen/xen.h"

/* How far libxl's own create has come, in its order. */
typedef enum {
    VG_SIM_STAGE_DOMAIN, /* the hypervisor has a domain: UUID, nothing else */
    VG_SIM_STAGE_NAMED,  /* xenstore has its name and our token */
    VG_SIM_STAGE_BUILT,  /* it has memory and vcpus */
    VG_SIM_STAGE_DISKS,
    VG_SIM_STAGE_NICS,
    VG_SIM_STAGE_MODEL, /* the device model runs */
    VG_SIM_STAGE_PCI,
    VG_SIM_STAGE_DONE,
    VG_SIM_STAGE_LAST
} VgSimStage;

#define VG_SIM_WEIGHT 256 /* credit2's own */

typedef struct {
    guint32 domid;
    VgUuid uuid;
    char *name, *token;
    VgSimStage stage;
    VgXenRunState run; /* RUNNING, PAUSED or SHUTDOWN */
    VgXenReason reason;
    guint64 mem_kib, max_mem_kib;
    guint64 held_kib; /* what it takes from the host: with video, shadow and libxl's slack */
    guint vcpus;      /* online */
    guint max_vcpus;
    guint weight, cap;    /* of the scheduler */
    guint64 cpu_ns;       /* until since_us */
    gint64 since_us;      /* runs since then; 0: does not run */
    gint64 deadline_us;   /* the guest ends at this time; 0: it has no such plan; negative: paused, so much is left */
    VgXenReason deadline; /* in this way */
    int vnc_port;         /* or -1 */
    char **disks;         /* "xvda /path", or "hdc" with nothing in it; or NULL */
    char **nics;          /* "0 00:16:3e:…": number and MAC; or NULL */
    char *kind;           /* "pv", "pvh", "hvm" */
    gboolean terminal;    /* it has a serial port or console */
    char **pci;           /* addresses of the host's devices it holds, or NULL */
    gboolean passthrough; /* the IOMMU knows it: it can have such devices */
} VgSimDomain;

void vg_sim_domain_free(VgSimDomain *dom);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgSimDomain, vg_sim_domain_free)

/* --- guest.c: time */
void vg_sim_guest_run(VgSimDomain *dom, gint64 now_us);
void vg_sim_guest_pause(VgSimDomain *dom, gint64 now_us);
/* The guest heard a request and will end in @delay_us; a plan to end sooner stays. */
void vg_sim_guest_ask(VgSimDomain *dom, VgXenReason how, gint64 now_us, gint64 delay_us);
/* It ends now. */
void vg_sim_guest_end(VgSimDomain *dom, VgXenReason how, gint64 now_us);
/* TRUE if its deadline has come; it has ended then. A paused guest's time stands still. */
gboolean vg_sim_guest_tick(VgSimDomain *dom, gint64 now_us);
guint64 vg_sim_guest_cpu_ns(const VgSimDomain *dom, gint64 now_us);

/* --- store.c: the folder DIR/state/xen, here @dir: <domid>.json, <domid>.libxl.json (what it was made from, as libxl
 * prints it), next-domid */
gboolean vg_sim_store_open(const char *dir, GError **error);
gboolean vg_sim_store_write_config(const char *dir, guint32 domid, const char *json, GError **error);
/* Replaced as one; survives the daemon, not the machine: no fsync. */
gboolean vg_sim_store_write(const char *dir, const VgSimDomain *dom, GError **error);
gboolean vg_sim_store_remove(const char *dir, guint32 domid, GError **error);
/* Every domain there, by domid; a file that cannot be read is reported and left out. */
GPtrArray *vg_sim_store_load(const char *dir, GError **error);
/* Never given before, whatever happened in between. */
gboolean vg_sim_store_next_domid(const char *dir, guint32 *ret, GError **error);
