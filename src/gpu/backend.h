/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend.h: by what means a vGPU comes to be. One row and one file per back end; what is not built has no row. Chosen
 * by what the host offers. create and remove block (jobs), may be repeated, and touch only the place they are given.
 */
#pragma once

#include "gpu/gpus.h"
#include "gpu/host.h"

typedef struct {
    VgSysroot *root;
    guint wait_ms; /* how long the kernel may take to show what it was told */
} VgBackendHost;

typedef struct {
    VgBackendId id;
    const char *name;
    guint64 bar_kib;    /* memory that the guest's low hole needs for one */
    gboolean in_kernel; /* vGPUs are devices under sys/bus/mdev/devices */
    /* FALSE with the reason (CONFIG_UNSUPPORTED) if this host cannot do it at all with this GPU. */
    gboolean (*usable)(const VgGpuHost *host, const VgGpuRecord *gpu, GError **error);
    /* NULL: there is nothing to make. @params: name, value, …, NULL; or NULL. */
    gboolean (*create)(const VgBackendHost *host, const VgPlace *place, const char *const *params, GError **error);
    gboolean (*remove)(const VgBackendHost *host, const VgPlace *place, GError **error);
} VgBackend;

extern const VgBackend vg_backend_emulator, vg_backend_mdev, vg_backend_passthrough, vg_backend_sriov;

/* NULL: not built. */
const VgBackend *vg_backend(VgBackendId id);
const VgBackend *vg_backend_by_name(const char *name);
