/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_inside.h: what the files of the simulated kernel share. All with the kernel's lock held. */
#pragma once

#include <pthread.h>

#include "sim/kernel.h"

typedef struct VgSimLater VgSimLater;

struct VgSimKernel {
    char *root;
    const VgSimGpu *gpus;
    gsize n;
    VgSysroot *sysroot;
    /* The kernel serialises writers itself, and so must who is in its place: jobs of many domains write at once. */
    pthread_mutex_t lock;
    VgSimLater *later;
    GHashTable *asked; /* path -> gint64: when its removal was first asked for */
};

/* FALSE: no vGPUs are made there. */
gboolean vg_sim_parent_find(const VgSimKernel *k, const VgPciAddr *addr, VgSimParent *ret);
const VgSimGpu *vg_sim_gpu_find(const VgSimKernel *k, const VgPciAddr *addr);
/* The driver that has it, or NULL. Caller frees. */
char *vg_sim_driver(const VgSimKernel *k, const VgPciAddr *addr);
/* Has the time come to take away what is at @path? Counts from the first time it is asked. */
gboolean vg_sim_released(VgSimKernel *k, const VgSimGpu *gpu, const char *path);

/* --- kernel.c: room -------------------------------------------------------------------------------------- */

/* How many more of @type on @parent. */
guint vg_sim_room(const VgSimKernel *k, const VgSimParent *parent, const VgSimMdevType *type);
gboolean vg_sim_runs_any(const VgSimKernel *k, const VgSimGpu *gpu);
/* Every file that says so. */
gboolean vg_sim_show_room(const VgSimKernel *k, const VgSimGpu *gpu);

/* --- kernel_pci.c: drivers of PCI functions -------------------------------------------------------------- */

/* 0 or an errno; -1: it is no file of these. */
int vg_sim_pci_write(VgSimKernel *k, const char *path, const char *text);

/* --- kernel_vf.c: virtual functions ---------------------------------------------------------------------- */

/* Writes to sriov_numvfs and sriov_drivers_autoprobe of @pf. */
int vg_sim_vf_number(VgSimKernel *k, const VgPciAddr *pf, const char *text);
int vg_sim_vf_autoprobe(VgSimKernel *k, const VgPciAddr *pf, const char *text);
/* The function at @addr was bound to a driver, or taken from one. */
gboolean vg_sim_vf_driver_changed(VgSimKernel *k, const VgPciAddr *addr);
/* Of a function of NVIDIA's framework: the type of the vGPU there ("557"), or NULL. Caller frees. */
char *vg_sim_vf_type(const VgSimKernel *k, const VgPciAddr *vf);
/* Writes to nvidia/FILE of @vf. */
int vg_sim_vf_write(VgSimKernel *k, const VgSimParent *vf, const char *file, const char *text);
/* nvml/ADDR/MODE: what NVIDIA's library does, not a file of the kernel's. */
int vg_sim_mode_write(VgSimKernel *k, const VgPciAddr *pf, const char *mode, const char *text);
gboolean vg_sim_is_mixed(const VgSimKernel *k, const VgPciAddr *pf);

/* --- kernel_later.c: what happens after a while ---------------------------------------------------------- */

/* @func is called with the lock held, from a thread of its own; never, if the kernel ends before. */
void vg_sim_later(VgSimKernel *k, guint ms, void (*func)(VgSimKernel *k, const VgPciAddr *addr, const char *text),
                  const VgPciAddr *addr, const char *text);
void vg_sim_later_end(VgSimKernel *k);
