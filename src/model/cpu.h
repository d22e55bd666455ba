/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpu.h: <vcpu>, <cpu>, <cputune>, guest NUMA. */
#pragma once

#include "model/types.h"

typedef enum { VG_PLACEMENT_NONE, VG_PLACEMENT_STATIC, VG_PLACEMENT_AUTO, VG_PLACEMENT_LAST } VgPlacement;

typedef struct {
    VgPlacement placement;
    char *cpuset;  /* "0-3,^2" */
    guint current; /* 0 = absent: all */
    guint max;     /* >= 1 after parsing */
} VgVcpu;

typedef enum {
    VG_CPU_MODE_NONE,
    VG_CPU_MODE_CUSTOM,
    VG_CPU_MODE_HOST_MODEL,
    VG_CPU_MODE_HOST_PASSTHROUGH,
    VG_CPU_MODE_MAXIMUM,
    VG_CPU_MODE_LAST
} VgCpuMode;
typedef enum {
    VG_CPU_MATCH_NONE,
    VG_CPU_MATCH_EXACT,
    VG_CPU_MATCH_MINIMUM,
    VG_CPU_MATCH_STRICT,
    VG_CPU_MATCH_LAST
} VgCpuMatch;
typedef enum {
    VG_CPU_CHECK_NONE,
    VG_CPU_CHECK_NO,
    VG_CPU_CHECK_PARTIAL,
    VG_CPU_CHECK_FULL,
    VG_CPU_CHECK_LAST
} VgCpuCheck;
typedef enum { VG_FALLBACK_NONE, VG_FALLBACK_ALLOW, VG_FALLBACK_FORBID, VG_FALLBACK_LAST } VgCpuFallback;
typedef enum {
    VG_POLICY_NONE,
    VG_POLICY_FORCE,
    VG_POLICY_REQUIRE,
    VG_POLICY_OPTIONAL,
    VG_POLICY_DISABLE,
    VG_POLICY_FORBID,
    VG_POLICY_LAST
} VgCpuPolicy;

typedef struct {
    VgCpuPolicy policy; /* REQUIRE if absent */
    char *name;
} VgCpuFeature;

typedef struct {
    guint id;    /* of the other cell */
    guint value; /* 10..255 */
} VgSibling;

typedef struct {
    guint id;
    char *cpus;     /* "0-3" */
    guint64 memory; /* KiB */
    VgTristate discard;
    VgSibling **distances; /* none = 10 to itself, 20 to others */
    gsize n_distances;
} VgNumaCell;

typedef struct {
    VgCpuMode mode;
    VgCpuMatch match;
    VgCpuCheck check;
    VgTristate migratable;
    char *model;
    VgCpuFallback fallback; /* of model */
    char *vendor_id;        /* of model */
    char *vendor;
    guint sockets, dies, cores, threads; /* <topology>; sockets 0 = absent */
    VgCpuFeature **features;
    gsize n_features;
    VgNumaCell **cells;
    gsize n_cells;
} VgCpu;

typedef struct {
    guint vcpu;
    char *cpuset;
} VgVcpuPin;

/* <cputune> */
typedef struct {
    guint64 shares; /* 0 = absent */
    guint64 period; /* us, 0 = absent; inert */
    gint64 quota;   /* us, 0 = absent; inert */
    VgVcpuPin **vcpupins;
    gsize n_vcpupins;
    char *emulatorpin; /* cpuset; inert */
} VgCputune;
