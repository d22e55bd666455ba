/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caps.h: <capabilities>: what this host is and which kinds of guest it runs, as a client of libvirt's Xen driver knows
 * it. Pure: a struct in, text out; knows neither Xen nor GPUs. Any thread.
 */
#pragma once

#include <glib.h>

/* A physical CPU (thread) of the host. */
typedef struct {
    guint id, socket, core;
} VgCapsCpu;

/* A NUMA node. */
typedef struct {
    guint id;
    guint64 memory_kib;
    const guint *distances; /* to node 0, 1, ...; 0: unknown, left out */
    gsize n_distances;
    const VgCapsCpu *cpus;
    gsize n_cpus;
} VgCapsCell;

typedef struct {
    const char *arch; /* "x86_64"; NULL: that */
    gboolean pae;
    const char *cpu_model, *cpu_vendor; /* "Skylake-Server", "Intel"; NULL: not told */
    const char *const *cpu_features;    /* names beyond the model's, or NULL */
    guint sockets, cores, threads;      /* cores per socket, threads per core; any 0: not told */
    gboolean iommu;
    const VgCapsCell *cells; /* NULL: made of the next three by spreading CPUs and memory evenly */
    gsize n_cells;
    guint nodes, cpus;
    guint64 memory_kib;
    const char *xen_caps;          /* the hypervisor's own list: "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_64" */
    const char *emulator, *loader; /* paths of the device model and of hvmloader */
    gboolean hide_pvh; /* leave out the guests of type xenpvh: OpenStack's nova stops at a type it does not know */
} VgCapsInfo;

/* The whole document in libvirt's style. Caller frees. */
char *vg_caps_format(const VgCapsInfo *info);
