/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend.h: by what means a vGPU comes to be. One row and one file per back end; what is not built has no row. A GPU
 * gets the first of them (in the order of VgBackendId) for which the host offers something. read, create and remove
 * block; create and remove are jobs, may be repeated, and touch only the place they are given.
 */
#pragma once

#include "gpu/facts.h"
#include "gpu/gpus.h"
#include "gpu/host.h"

typedef struct {
    VgSysroot *root;
    guint wait_ms; /* how long the kernel may take to show what it was told */
} VgBackendHost;

struct VgBackend {
    VgBackendId id;
    const char *name;
    guint64 bar_kib; /* memory that the guest's low hole needs for one */
    /* Where the device model finds the vGPU, below the root; NULL: nothing that VFIO opens. Caller frees. */
    char *(*vfio_path)(const VgPlace *place);
    gboolean of_catalogue; /* types are the board's in the catalogue: the host has no list of its own */
    gboolean plain_vfs;    /* there is one type: a whole virtual function */
    gboolean nameless;     /* the kernel does not say which vGPU one is; only where it is */
    /* What the host has for it on @gpu; FALSE: nothing. NULL: nothing to be read. */
    gboolean (*read)(VgSysroot *root, const VgGpuRecord *gpu, VgGpuFacts *facts);
    /* FALSE with the reason (CONFIG_UNSUPPORTED) if this host cannot do it at all with this GPU. */
    gboolean (*usable)(const VgGpuHost *host, const VgGpuRecord *gpu, GError **error);
    /* NULL: there is nothing to make. @params: name, value, …, NULL; or NULL. */
    gboolean (*create)(const VgBackendHost *host, const VgPlace *place, const char *const *params, GError **error);
    gboolean (*remove)(const VgBackendHost *host, const VgPlace *place, GError **error);
    /* Has the kernel this vGPU there, of its type? NULL: its driver never removes one by itself. */
    gboolean (*is_there)(const VgBackendHost *host, const VgPlace *place);
};

extern const VgBackend vg_backend_vfio, vg_backend_mdev, vg_backend_sriov, vg_backend_emulator, vg_backend_passthrough;

/* NULL: not built. */
const VgBackend *vg_backend(VgBackendId id);
const VgBackend *vg_backend_by_name(const char *name);

/* --- for several of them ------------------------------------------------------------------------------------------ */

/* What a driver means by an errno: a row of a back end's table. */
typedef struct {
    int errnum;
    VgErrorCode code;
    const char *why; /* marked for translation */
} VgBackendErrno;
/* The code and the words of @errnum; without a row, SYSTEM_ERROR and the C library's words. */
VgErrorCode vg_backend_errno(const VgBackendErrno *table, gsize n, int errnum, const char **ret_why);
/* FALSE with the reason: VFIO under Xen is nothing that a stock device model can. */
gboolean vg_backend_can_vfio(const VgGpuHost *host, GError **error);
/* The function that the vGPU is on. */
const VgPciAddr *vg_place_function(const VgPlace *place);
/* "name=value,name=value", as NVIDIA's driver takes it; NULL: there are none. Caller frees. */
char *vg_params_text(const char *const *params);
