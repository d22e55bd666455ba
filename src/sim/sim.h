/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sim.h: the simulated hypervisor's insides, shared by hypervisor.c, create.c and control.c. */
#pragma once

#include <pthread.h>

#include "sim/console.h"
#include "sim/control.h"
#include "sim/domain.h"
#include "sim/host.h"

typedef struct {
    VgXen xen;
    pthread_mutex_t lock; /* guards doms and events */
    char *dir;            /* DIR/state/xen */
    VgSimHost *host;      /* immutable */
    GPtrArray *doms;      /* of VgSimDomain, dom0 first */
    GArray *events;       /* of VgXenEvent, not yet given to the driver */
    GSource *alarm;       /* wakes the main loop for events and guests' deadlines */
    VgSimControl *control;
    VgSimConsoles *consoles;
} VgSim;

/* Lock held: */
VgSimDomain *vg_sim_find(VgSim *sim, guint32 domid);
VgSimDomain *vg_sim_find_guest(VgSim *sim, guint32 domid, GError **error); /* NO_DOMAIN */
guint64 vg_sim_free_kib(VgSim *sim);
/* The guest ignores what it is asked. */
gboolean vg_sim_is_deaf(const VgSim *sim, const VgSimDomain *dom);
void vg_sim_event(VgSim *sim, VgXenEventKind kind, const VgSimDomain *dom);
/* The domain is off the disk already: now it is gone, and if anybody knew it its death is told. */
void vg_sim_drop(VgSim *sim, VgSimDomain *dom);

/* Lock not held; those without a comment are of the seam, see xen.h: */
gboolean vg_sim_list(VgXen *xen, VgXenDomain **ret, gsize *ret_n, GError **error);
gboolean vg_sim_figures(VgXen *xen, VgXenDomain **ret, gsize *ret_n, GError **error);
gboolean vg_sim_save(VgXen *xen, guint32 domid, int fd, const VgXenTask *task, GError **error);
gboolean vg_sim_resume(VgXen *xen, guint32 domid, GError **error);
gboolean vg_sim_restore(VgXen *xen, const VgXenMaking *making, int fd, guint32 *ret_domid, GError **error);
gboolean vg_sim_dump(VgXen *xen, guint32 domid, const char *path, GError **error);
gboolean vg_sim_set_memory(VgXen *xen, guint32 domid, guint64 kib, GError **error);
gboolean vg_sim_set_max_memory(VgXen *xen, guint32 domid, guint64 kib, GError **error);
gboolean vg_sim_set_vcpus(VgXen *xen, guint32 domid, guint n, GError **error);
gboolean vg_sim_pin_vcpu(VgXen *xen, guint32 domid, guint vcpu, const guint8 *map, gsize len, GError **error);
gboolean vg_sim_set_shares(VgXen *xen, guint32 domid, guint weight, guint cap, GError **error);
gboolean vg_sim_create(VgXen *xen, const VgXenMaking *making, guint32 *ret_domid, GError **error);
gboolean vg_sim_screenshot(VgXen *xen, guint32 domid, const char *path, GError **error);
/* model.c: may wait as long as what it runs. */
gboolean vg_sim_run_model(VgSim *sim, guint32 domid, const VgXenConfig *config, GError **error);
void vg_sim_drop_model(VgSim *sim, guint32 domid);
char *vg_sim_key(VgXen *xen, guint32 domid, const char *key);
void vg_sim_guest_acts(VgSim *sim, const char *name, VgXenReason how);
