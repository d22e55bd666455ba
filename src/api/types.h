/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* types.h: the records that pass the seam between daemon and driver, most of them libvirt's own. */
#pragma once

#include <glib.h>

#include "base/uuid.h"

typedef struct {
    char *name;
    VgUuid uuid;
    int id; /* -1 when not running */
} VgDomRef;

typedef struct { /* libvirt's virNodeInfo */
    char model[32];
    guint64 memory_kib;
    int cpus, mhz, nodes, sockets, cores, threads;
} VgNodeInfo;

typedef struct { /* libvirt's virDomainInfo; state is VIR_DOMAIN_* */
    int state;
    guint64 max_mem_kib, memory_kib;
    int vcpus;
    guint64 cpu_time_ns;
} VgDomInfo;

typedef struct { /* libvirt's virDomainMemoryStatStruct: tag VIR_DOMAIN_MEMORY_STAT_*, KiB */
    int tag;
    guint64 value;
} VgMemStat;

typedef struct {   /* what takes long of a domain; libvirt's virDomainJobInfo */
    int type;      /* VIR_DOMAIN_JOB_NONE: nothing does; VIR_DOMAIN_JOB_UNBOUNDED */
    int operation; /* VIR_DOMAIN_JOB_OPERATION_* */
    guint64 elapsed_ms;
    guint64 total, processed; /* bytes of the guest's memory; total 0: nobody knows how far it is */
} VgJobInfo;

typedef struct { /* libvirt's virVcpuInfo; state is VIR_VCPU_* */
    guint number;
    int state;
    guint64 time_ns;
    int cpu; /* -1: unknown */
} VgVcpuInfo;

typedef struct { /* libvirt's virDomainBlockStatsStruct; -1: not counted */
    gint64 rd_req, rd_bytes, wr_req, wr_bytes, errs;
} VgBlockStats;

typedef struct { /* libvirt's virDomainInterfaceStatsStruct, as the guest sees it */
    gint64 rx_bytes, rx_packets, rx_errs, rx_drop, tx_bytes, tx_packets, tx_errs, tx_drop;
} VgNetStats;

/* libvirt's virTypedParameterType */
typedef enum {
    VG_PARAM_INT = 1,
    VG_PARAM_UINT,
    VG_PARAM_LLONG,
    VG_PARAM_ULLONG,
    VG_PARAM_DOUBLE,
    VG_PARAM_BOOLEAN,
    VG_PARAM_STRING
} VgParamType;

/* A typed parameter. What gives one says how long its strings live. */
typedef struct {
    const char *name;
    VgParamType type;
    union {
        int i; /* BOOLEAN too */
        guint ui;
        gint64 l;
        guint64 ul;
        double d;
        const char *s;
    };
} VgParam;

/*
 * Figures of many domains: each record has @n of the parameters, from @first. Strings are borrowed from the driver,
 * until the main loop goes on, or lie in @texts.
 */
typedef struct {
    VgDomRef dom; /* its name is borrowed */
    guint first, n;
} VgStatsRecord;

typedef struct {
    GArray *records;     /* of VgStatsRecord */
    GArray *params;      /* of VgParam */
    GStringChunk *texts; /* or NULL */
} VgStats;

static inline void vg_stats_clear(VgStats *stats) {
    g_clear_pointer(&stats->records, g_array_unref);
    g_clear_pointer(&stats->params, g_array_unref);
    g_clear_pointer(&stats->texts, g_string_chunk_free);
}

/* Numbers of libvirt's virDomainEventID, for those we send. */
typedef enum {
    VG_EVENT_LIFECYCLE = 0, /* a: VIR_DOMAIN_EVENT_*, b: detail */
    VG_EVENT_REBOOT = 1,
    VG_EVENT_DEVICE_REMOVED = 15,        /* s1: alias */
    VG_EVENT_DEVICE_ADDED = 19,          /* s1: alias */
    VG_EVENT_DEVICE_REMOVAL_FAILED = 22, /* s1: alias */
    VG_EVENT_METADATA_CHANGE = 23,       /* a: VIR_DOMAIN_METADATA_*, s1: namespace or NULL */
    VG_EVENT_LAST = 27,                  /* ids below this may be subscribed to; virsh asks for all of them */
} VgEventId;

typedef struct {
    VgEventId id;
    VgDomRef dom;
    int a, b;
    const char *s1;
} VgEvent;

/* Numbers of libvirt's virNodeDeviceEventID, and of virNodeDeviceEventLifecycleType. */
typedef enum { VG_NODEDEV_EVENT_LIFECYCLE, VG_NODEDEV_EVENT_UPDATE, VG_NODEDEV_EVENT_LAST } VgNodedevEventId;
typedef enum { VG_NODEDEV_CREATED, VG_NODEDEV_DELETED, VG_NODEDEV_DEFINED, VG_NODEDEV_UNDEFINED } VgNodedevChange;

typedef struct {
    VgNodedevEventId id;
    VgNodedevChange type; /* of LIFECYCLE */
    const char *name;     /* of the node device */
} VgNodedevEvent;

typedef enum { VG_NODEDEV_DETACH, VG_NODEDEV_REATTACH, VG_NODEDEV_RESET } VgNodedevOrder;
