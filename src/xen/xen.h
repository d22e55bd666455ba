/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xen.h: the Xen seam. A VgXen is one Xen host: the real one through libxl (ops_libxl.c) or the simulated one
 * (sim/hypervisor.c).
 *
 * Every operation blocks and is called from a job, any thread, several at once for different domains. Domains are named
 * by domid; a domid is never reused while its death has not been reported. Only the event callback comes on the main
 * loop.
 *
 * create() builds the domain and leaves it paused. The token is put into the domain's own xenstore data before the
 * domain can be seen as complete, and list() gives it back: so a half-made domain is known as ours after a
 * crash. One that fails leaves no domain behind; one that is told to abort fails as soon as it can, with
 * OPERATION_ABORTED, and may leave what *@ret_domid says, for destroy().
 *
 * Errors: VG_ERROR. NO_DOMAIN: no such domid. RESOURCE_BUSY: a device or the memory is not to be had, naming the
 * holder. OPERATION_FAILED with the host's own last error text otherwise.
 */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "base/pciaddr.h"
#include "base/uuid.h"

typedef struct VgXen VgXen;
typedef struct VgXenConfig VgXenConfig; /* xen/config.h: a libxl_domain_config with its JSON */

typedef enum { VG_XEN_RUNNING, VG_XEN_BLOCKED, VG_XEN_PAUSED, VG_XEN_SHUTDOWN, VG_XEN_DYING } VgXenRunState;
/* libxl_shutdown_reason */
typedef enum {
    VG_XEN_POWEROFF = 0,
    VG_XEN_REBOOT,
    VG_XEN_SUSPEND,
    VG_XEN_CRASH,
    VG_XEN_WATCHDOG,
    VG_XEN_SOFT_RESET
} VgXenReason;

typedef struct {
    gboolean online, running; /* running now, else waiting for work */
    int cpu;                  /* of the host, where it ran last */
    guint64 time_ns;
} VgXenVcpu;

/* What a NIC has moved, as the guest sees it. */
typedef struct {
    guint number; /* of the guest's NICs, from 0 */
    guint64 rx_bytes, rx_packets, rx_errors, rx_dropped;
    guint64 tx_bytes, tx_packets, tx_errors, tx_dropped;
} VgXenNic;

typedef struct {
    char name[16]; /* the guest's, "xvda" */
    guint64 read_requests, read_bytes, write_requests, write_bytes;
} VgXenDisk;

typedef struct {
    guint32 domid;
    VgUuid uuid;
    char *name;
    char *token; /* ours, or NULL: made by other hands */
    char *kind;  /* "pv", "pvh", "hvm"; NULL: nobody knows */
    VgXenRunState run;
    VgXenReason reason; /* when run is SHUTDOWN */
    guint64 mem_kib, max_mem_kib;
    guint64 cpu_ns;
    guint vcpus;
    /* of figures() only; a device that nobody counts for is not there */
    guint weight, cap; /* of the scheduler; weight 0: it has none */
    VgXenVcpu *vcpu;
    gsize n_vcpu;
    VgXenNic *nics;
    gsize n_nics;
    VgXenDisk *disks;
    gsize n_disks;
} VgXenDomain;
void vg_xen_domain_clear(VgXenDomain *dom);
void vg_xen_domains_free(VgXenDomain *doms, gsize n);

typedef struct {
    guint version; /* major*1000000 + minor*1000 */
    char *extra;   /* ".5" */
    char *caps;    /* "xen-3.0-x86_64 hvm-3.0-x86_32 ..." */
    gboolean hvm, hap, pv, iommu;
    guint cpus, nodes, sockets, cores, threads, mhz;
    guint64 memory_kib, free_kib;
    char *cpu_model;       /* "x86_64" */
    guint32 *cpu_node;     /* of each of `cpus`: the node it is on, VG_XEN_NO_NODE: unknown; NULL: all unknown */
    const char *scheduler; /* "credit2"; static */
} VgXenHostInfo;
#define VG_XEN_NO_NODE G_MAXUINT32
void vg_xen_host_info_clear(VgXenHostInfo *info);

typedef enum { VG_XEN_EVENT_SHUTDOWN, VG_XEN_EVENT_DEATH, VG_XEN_EVENT_NEW } VgXenEventKind;
typedef struct {
    VgXenEventKind kind;
    guint32 domid;
    VgUuid uuid;
    VgXenReason reason; /* of SHUTDOWN */
} VgXenEvent;
typedef void (*VgXenEventFunc)(const VgXenEvent *event, gpointer data);

/* A domain to be made; all of it borrowed. */
typedef struct {
    const VgXenConfig *config;
    const char *token;
    gint *abort; /* atomic; or NULL */
} VgXenMaking;
static inline gboolean vg_xen_told_to_abort(const VgXenMaking *making) {
    return making->abort && g_atomic_int_get(making->abort);
}

/* Of something that takes long; both may be NULL. */
typedef struct {
    gint *abort;    /* atomic: it is to fail as soon as it can, with OPERATION_ABORTED */
    gint *permille; /* atomic: how much of it is done */
} VgXenTask;

typedef struct {
    const char *name; /* "libxl", "simulated" */
    gboolean (*host_info)(VgXen *xen, VgXenHostInfo *ret, GError **error);
    /* What of host_info() changes: KiB that a guest can have, domain 0's share that it would give included. */
    gboolean (*free_memory)(VgXen *xen, guint64 *ret_kib, GError **error);
    gboolean (*list)(VgXen *xen, VgXenDomain **ret, gsize *ret_n, GError **error); /* dom0 included */
    gboolean (*info)(VgXen *xen, guint32 domid, VgXenDomain *ret, GError **error);
    /* list() with what its domains do. */
    gboolean (*figures)(VgXen *xen, VgXenDomain **ret, gsize *ret_n, GError **error);
    gboolean (*create)(VgXen *xen, const VgXenMaking *making, guint32 *ret_domid, GError **error);
    gboolean (*unpause)(VgXen *xen, guint32 domid, GError **error);
    gboolean (*pause)(VgXen *xen, guint32 domid, GError **error);
    /* Ask the guest. OPERATION_UNSUPPORTED if nothing in it listens. */
    gboolean (*shutdown)(VgXen *xen, guint32 domid, GError **error);
    gboolean (*reboot)(VgXen *xen, guint32 domid, GError **error);
    gboolean (*destroy)(VgXen *xen, guint32 domid, GError **error);
    /*
     * Devices of a running domain; @devices holds one, see vg_xen_config_build_device(). What attach() could not do it
     * has undone; *ret_devid is the number of a network card, else -1. detach() of what is not there is done;
     * OPERATION_TIMEOUT or OPERATION_FAILED: the guest does not let it go, it stays. insert() puts another medium, or
     * none, into a drive.
     */
    gboolean (*attach)(VgXen *xen, guint32 domid, const VgXenConfig *devices, int *ret_devid, GError **error);
    gboolean (*detach)(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error);
    gboolean (*insert)(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error);
    /*
     * The guest's whole state into @fd. Afterwards it stands still until resume() or destroy(). A failure may leave it
     * either way, or have it stand still later: resume() then, which does nothing to one that runs. OPERATION_TIMEOUT:
     * it has not taken its part.
     */
    gboolean (*save)(VgXen *xen, guint32 domid, int fd, const VgXenTask *task, GError **error);
    gboolean (*resume)(VgXen *xen, guint32 domid, GError **error);
    /* As create(), with what save() wrote, which @fd stands at. */
    gboolean (*restore)(VgXen *xen, const VgXenMaking *making, int fd, guint32 *ret_domid, GError **error);
    /* The guest's memory into a new file, in Xen's own format; its state stays as it is. */
    gboolean (*dump)(VgXen *xen, guint32 domid, const char *path, GError **error);
    /* What its balloon is to leave it, and what it may have at most. The guest follows when it gets round to it. */
    gboolean (*set_memory)(VgXen *xen, guint32 domid, guint64 kib, GError **error);
    gboolean (*set_max_memory)(VgXen *xen, guint32 domid, guint64 kib, GError **error);
    /* The first @n are to be online. */
    gboolean (*set_vcpus)(VgXen *xen, guint32 domid, guint n, GError **error);
    /* Bit n of @map is the host's CPU n. */
    gboolean (*pin_vcpu)(VgXen *xen, guint32 domid, guint vcpu, const guint8 *map, gsize len, GError **error);
    gboolean (*set_shares)(VgXen *xen, guint32 domid, guint weight, guint cap, GError **error);
    /*
     * PCI functions of the host, for guests. lent: it is with Xen's own driver, so that a guest can have it. lend takes
     * it from the driver that has it and remembers which; give_back: it is with that one again, or, if not @rebind,
     * with none. Both may be repeated. What is no device here is not lent, and cannot be.
     */
    gboolean (*pci_lent)(VgXen *xen, const VgPciAddr *addr);
    gboolean (*pci_lend)(VgXen *xen, const VgPciAddr *addr, GError **error);
    gboolean (*pci_give_back)(VgXen *xen, const VgPciAddr *addr, gboolean rebind, GError **error);
    gboolean (*pci_reset)(VgXen *xen, const VgPciAddr *addr, GError **error);
    /* VNC port of the running guest, or -1 */
    int (*vnc_port)(VgXen *xen, guint32 domid);
    /* path of the pty of console @n (serial or PV), or NULL; caller frees */
    char *(*console_path)(VgXen *xen, guint32 domid, guint n);
    /* The guest's first screen, as PPM, into the file @path, which is there and empty. */
    gboolean (*screenshot)(VgXen *xen, guint32 domid, const char *path, GError **error);
    /* A key of the domain's own part of xenstore ("vgpu/state"), or NULL: there is none. Caller frees. */
    char *(*key)(VgXen *xen, guint32 domid, const char *key);
    void (*free)(VgXen *xen);
} VgXenOps;

struct VgXen {
    const VgXenOps *ops;
    VgXenEventFunc event; /* set by the driver before the first create; called on the main loop */
    gpointer event_data;
};
