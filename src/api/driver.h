/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * driver.h: the seam between the daemon and a driver module. Types and prose, no code.
 *
 * OBJECTS. A module exports one symbol, `vg_driver` (a VgDriver). The daemon loads it, checks size and version, and
 * calls start() once: that gives the VgDriverState. Each client's CONNECT_OPEN makes a VgSession of it, closed at
 * CONNECT_CLOSE or when the connection drops.
 *
 * THREADS. Every function is called on the main loop and returns at once. A function that only reads ("query") answers
 * through its return value and out parameters from what the driver knows already. A function that may block or must be
 * durable ("slow") takes a VgDone as its last parameter: the driver calls it exactly once, on the main loop, perhaps
 * before the function returns, with the result or the error. There is no way to take back a slow call; when the client
 * has gone meanwhile, the daemon just drops the answer.
 *
 * MEMORY. Arguments belong to the caller and are valid only during the call: a slow function copies what it needs. What
 * comes back through ret_ parameters is the caller's (g_free, vg_domref_clear, ...); it is written only on success.
 * What is handed to a VgDone or an event is valid only during that call.
 *
 * ERRORS. GError of domain VG_ERROR (base/error.h); each code is a libvirt code. A function that is NULL in the table
 * is answered "not supported".
 *
 * RIGHTS. The daemon authorises before it calls: a read-only session reaches only queries. The driver checks rights in
 * one case only: XML with secrets (VG_XML_SECURE), which the daemon refuses to read-only sessions as well.
 *
 * DOMAINS are named by UUID alone; name and id in a VgDomRef from a client may be stale. Unknown UUID: NO_DOMAIN.
 *
 * EVENTS go up through VgHost.event; the daemon fans them out to subscribers, and filters by domain.
 *
 * ABI. struct_size and abi come first; new members only at the end. The daemon takes the size the module says and
 * zeroes the rest.
 */
#pragma once

#include <glib.h>

#include "api/types.h"
#include "base/error.h"

#define VG_DRIVER_ABI 1

typedef struct VgDriverState VgDriverState; /* the module's own */
typedef struct VgSession VgSession;         /* the module's own, one per open connection */

/* How a slow call ends: @dom if the call returns a domain (else NULL), @text if it returns text, or @error. All
 * borrowed. */
typedef void (*VgDoneFunc)(const VgDomRef *dom, const char *text, const GError *error, gpointer data);
typedef struct {
    VgDoneFunc func;
    gpointer data;
} VgDone;

/* --- streams ------------------------------------------------------------------------------------------------------ */

/*
 * What the bytes of a client's stream come from and go to: a console, a picture. The driver makes it and gives it to a
 * VgStreamDone; from then on the daemon reads and writes the descriptor, and nobody else. Main loop.
 */
typedef struct VgStreamEnd VgStreamEnd;
struct VgStreamEnd {
    int fd;        /* the driver's, open until close(); non-blocking, or a file */
    gboolean both; /* the client may write, too */
    /* The driver's: exactly once, nothing flows any more: the client has ended it or is gone, or the descriptor came to
     * its end. Frees it all. */
    void (*close)(VgStreamEnd *end);
    /* The daemon's, set before the VgStreamDone returns: the driver ends the stream, @error goes to the client. Calls
     * close() before it returns. */
    void (*cut)(VgStreamEnd *end, const GError *error);
    gpointer daemon; /* its own */
};

/* How a call ends that opens a stream; as VgDone. @end (taken over, close() may come before this returns), and @text if
 * the call returns text; or @error. */
typedef void (*VgStreamDoneFunc)(VgStreamEnd *end, const char *text, const GError *error, gpointer data);
typedef struct {
    VgStreamDoneFunc func;
    gpointer data;
} VgStreamDone;

/* --- what a driver tells ------------------------------------------------------------------------------------------ */

/* Programs of gridctl: what to list. The answer is one JSON document; its members are described in
 * docs/grid-protocol.md. */
typedef enum {
    VG_GRID_GPUS = 1,
    VG_GRID_TYPES = 2,
    VG_GRID_VGPUS = 3,
    VG_GRID_CAPACITY = 4,
    VG_GRID_CONFIG = 5,   /* @arg: domain name or UUID; libxl's own JSON of what would be started */
    VG_GRID_ORDER = 6,    /* @arg: what the administrator orders, as JSON; changes gpus.json; "{}" when it is durable */
    VG_GRID_PLAN = 7,     /* @arg: domain name or UUID; where its vGPUs would go now, or why not */
    VG_GRID_WHY = 8,      /* each type on each GPU: how many more, and why none */
    VG_GRID_WATCH = 9,    /* somebody watches: from now on VgHost.grid_event tells all that changes; "{}" */
    VG_GRID_UNWATCH = 10, /* the daemon's own: one of them watches no more */
    VG_GRID_EVENT = 11,   /* no call: the message of one */
    VG_GRID_EXPORT = 12,  /* all that was set, to be imported elsewhere */
    VG_GRID_CHECK = 13,   /* @arg: a domain's XML; whether it could be defined */
    VG_GRID_LAST
} VgGridQuery;

/* --- what the daemon offers a module ------------------------------------------------------------------------------ */

typedef struct VgHost VgHost;
struct VgHost {
    gsize struct_size;
    /* Tells every subscriber. Main loop only. */
    void (*event)(const VgHost *host, const VgEvent *event);
    /* How many guests run now: --timeout never fires while it is not 0. */
    void (*busy)(const VgHost *host, guint guests);
    /* The same two for what happens to node devices and to the grid: @json is one object of docs/grid-protocol.md
     * ("events"), on one line, of less than 64 KiB. */
    void (*nodedev_event)(const VgHost *host, const VgNodedevEvent *event);
    gboolean (*grid_event)(const VgHost *host, const char *json); /* FALSE: nobody watches any more */
    /* Guests with GPUs run: the machine must not go to sleep. */
    void (*awake)(const VgHost *host, gboolean wanted);
};

/* Paths and options of this run. All strings live as long as the module. */
typedef struct {
    const char *simulate;          /* DIR of --simulate, or NULL on a real host */
    const char *sysconfdir;        /* …/virtgrid : gpus.json, xen/ */
    const char *statedir;          /* ledger, saved guests */
    const char *rundir;            /* live status */
    const char *datadir;           /* the shipped catalogue */
    const char *vendor_catalogue;  /* the vendor's own, of this host; need not be there */
    const char *vfio_device_model; /* one that can use VFIO under Xen, or NULL */
    const char *libexecdir;        /* programs of ours that no user calls */
    const char *emulator;          /* a vendor's display emulator, or NULL */
    const char *device_model;      /* what QEMU is called on this host, or NULL: it is looked for */
    guint emulator_start_s, emulator_ready_s, emulator_stop_s; /* its time limits; 0: as virtgridd.conf has them */
} VgDriverPaths;

/* --- the table ---------------------------------------------------------------------------------------------------- */

typedef struct {
    gsize struct_size;
    guint abi;
    const char *name;           /* "xen" */
    const char *const *schemes; /* {"xen", "grid", NULL} */

    /* start: reads everything from disk, adopts what runs, repairs what a crash left; may block (nobody is connected
     * yet). stop: finishes what is under way, touches no guest. */
    VgDriverState *(*start)(const VgHost *host, const VgDriverPaths *paths, GError **error);
    void (*stop)(VgDriverState *state);

    /* @uri as the client sent it, scheme and path only, never NULL ("" became the default). Refuses paths it has no use
     * for. */
    VgSession *(*open)(VgDriverState *state, const char *uri, gboolean read_only, GError **error);
    void (*close)(VgSession *session);

    /* queries about the host */
    const char *(*type)(VgSession *session);                               /* "Xen" */
    gboolean (*version)(VgSession *session, guint64 *ret, GError **error); /* major*1000000 + minor*1000 + release */
    char *(*hostname)(VgSession *session, GError **error);
    char *(*uri)(VgSession *session, GError **error); /* canonical: xen:///system */
    char *(*capabilities)(VgSession *session, GError **error);
    char *(*domain_capabilities)(VgSession *session, const char *emulator, const char *arch, const char *machine,
                                 const char *virttype, guint flags, GError **error); /* any string may be NULL */
    gboolean (*node_info)(VgSession *session, VgNodeInfo *ret, GError **error);
    gboolean (*max_vcpus)(VgSession *session, const char *type, int *ret, GError **error);

    /* queries about domains. @flags are libvirt's of the call of the same name; unknown bits are refused with
     * INVALID_ARG */
    /* virConnectListAllDomains */
    gboolean (*list)(VgSession *session, guint flags, VgDomRef **ret, gsize *ret_n, GError **error);
    gboolean (*lookup_id)(VgSession *session, int id, VgDomRef *ret, GError **error);
    gboolean (*lookup_uuid)(VgSession *session, const VgUuid *uuid, VgDomRef *ret, GError **error);
    gboolean (*lookup_name)(VgSession *session, const char *name, VgDomRef *ret, GError **error);
    char *(*xml)(VgSession *session, const VgUuid *dom, guint flags, GError **error);
    gboolean (*info)(VgSession *session, const VgUuid *dom, VgDomInfo *ret, GError **error);
    gboolean (*state)(VgSession *session, const VgUuid *dom, guint flags, int *ret_state, int *ret_reason,
                      GError **error);
    char *(*os_type)(VgSession *session, const VgUuid *dom, GError **error);
    gboolean (*is_active)(VgSession *session, const VgUuid *dom, gboolean *ret, GError **error);
    gboolean (*is_persistent)(VgSession *session, const VgUuid *dom, gboolean *ret, GError **error);
    gboolean (*is_updated)(VgSession *session, const VgUuid *dom, gboolean *ret, GError **error);
    gboolean (*has_managed_save)(VgSession *session, const VgUuid *dom, guint flags, gboolean *ret, GError **error);
    gboolean (*get_autostart)(VgSession *session, const VgUuid *dom, gboolean *ret, GError **error);
    gboolean (*vcpus)(VgSession *session, const VgUuid *dom, guint flags, int *ret, GError **error);
    gboolean (*memory_stats)(VgSession *session, const VgUuid *dom, guint flags, VgMemStat **ret, gsize *ret_n,
                             GError **error);
    char *(*get_metadata)(VgSession *session, const VgUuid *dom, int type, const char *uri, guint flags,
                          GError **error);
    /* virDomainGetMessages */
    gboolean (*messages)(VgSession *session, const VgUuid *dom, guint flags, char ***ret, GError **error);
    gboolean (*snapshot_num)(VgSession *session, const VgUuid *dom, guint flags, int *ret, GError **error);

    /* slow calls about domains */
    void (*define)(VgSession *session, const char *xml, guint flags, VgDone done);
    void (*create_xml)(VgSession *session, const char *xml, guint flags, VgDone done);
    void (*create)(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
    void (*destroy)(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
    void (*shutdown)(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
    void (*reboot)(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
    void (*suspend)(VgSession *session, const VgUuid *dom, VgDone done);
    void (*resume)(VgSession *session, const VgUuid *dom, VgDone done);
    void (*undefine)(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
    void (*set_autostart)(VgSession *session, const VgUuid *dom, gboolean on, VgDone done);
    /* NULL @metadata removes; @key and @uri only for element metadata */
    void (*set_metadata)(VgSession *session, const VgUuid *dom, int type, const char *metadata, const char *key,
                         const char *uri, guint flags, VgDone done);

    /* queries about node devices: GPUs and mediated devices. Names as libvirt makes them: pci_0000_05_00_0,
     * mdev_<uuid>_… */
    /* virConnectListAllNodeDevices */
    gboolean (*nodedev_list)(VgSession *session, guint flags, char ***ret, GError **error);
    /* Gives the canonical name. */
    gboolean (*nodedev_exists)(VgSession *session, const char *name, char **ret_name, GError **error);
    char *(*nodedev_xml)(VgSession *session, const char *name, guint flags, GError **error);
    /* *ret NULL: has none. */
    gboolean (*nodedev_parent)(VgSession *session, const char *name, char **ret, GError **error);
    gboolean (*nodedev_caps)(VgSession *session, const char *name, char ***ret, GError **error);
    gboolean (*nodedev_is_active)(VgSession *session, const char *name, gboolean *ret, GError **error);

    /* gridctl */
    void (*grid)(VgSession *session, VgGridQuery what, const char *arg, VgDone done);

    /* calls that open a stream */
    /* virDomainOpenConsole; @device: alias, NULL: the first console */
    void (*open_console)(VgSession *session, const VgUuid *dom, const char *device, guint flags, VgStreamDone done);
    /* virDomainScreenshot; @text: the picture's MIME type */
    void (*screenshot)(VgSession *session, const VgUuid *dom, guint screen, guint flags, VgStreamDone done);

    /* devices come, go and change; @xml: the device, or as much of it as says which one is meant */
    void (*attach_device)(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);
    void (*detach_device)(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);
    void (*detach_alias)(VgSession *session, const VgUuid *dom, const char *alias, guint flags, VgDone done);
    void (*update_device)(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);

    /* Are the figures of running guests fresh, at most a second old? FALSE: @done is called when they are (without an
     * error), or when the host takes too long. Asked before the queries that give some. */
    gboolean (*fresh)(VgSession *session, VgDone done);
    gboolean (*free_memory)(VgSession *session, guint64 *ret_bytes, GError **error);
    gboolean (*max_memory)(VgSession *session, const VgUuid *dom, guint64 *ret_kib, GError **error);
    gboolean (*vcpu_list)(VgSession *session, const VgUuid *dom, VgVcpuInfo **ret, gsize *ret_n, GError **error);
    /* virDomainGetVcpuPinInfo: @ret_n maps of @len bytes, at most @max; bit n is the host's CPU n */
    gboolean (*vcpu_pins)(VgSession *session, const VgUuid *dom, guint flags, guint max, guint len, guint8 **ret,
                          gsize *ret_n, GError **error);
    /* Its name, and its parameters; static strings. @params may be NULL. */
    gboolean (*scheduler)(VgSession *session, const VgUuid *dom, guint flags, const char **ret_type, VgParam *params,
                          gsize max, gsize *ret_n, GError **error);
    /* @path: a disk's target or source, "" for the sum of all; @device: target or MAC of a NIC */
    gboolean (*block_stats)(VgSession *session, const VgUuid *dom, const char *path, VgBlockStats *ret, GError **error);
    gboolean (*net_stats)(VgSession *session, const VgUuid *dom, const char *device, VgNetStats *ret, GError **error);
    /* virConnectGetAllDomainStats; @n_doms 0: those that @flags select. vg_stats_clear(). */
    gboolean (*stats)(VgSession *session, const VgUuid *doms, gsize n_doms, guint stats, guint flags, VgStats *ret,
                      GError **error);

    /* slow calls: a guest gets more or less. @flags: of virDomainSetMemoryFlags, virDomainSetVcpusFlags, and
     * virDomainModificationImpact */
    void (*set_memory)(VgSession *session, const VgUuid *dom, guint64 kib, guint flags, VgDone done);
    void (*set_vcpus)(VgSession *session, const VgUuid *dom, guint n, guint flags, VgDone done);
    void (*pin_vcpu)(VgSession *session, const VgUuid *dom, guint vcpu, const guint8 *map, gsize len, guint flags,
                     VgDone done);
    void (*set_scheduler)(VgSession *session, const VgUuid *dom, const VgParam *params, gsize n, guint flags,
                          VgDone done);

    /* more about node devices; a GPU is persistent and started with the host, as libvirt says of all that is no
     * mediated device */
    gboolean (*nodedev_is_persistent)(VgSession *session, const char *name, gboolean *ret, GError **error);
    gboolean (*nodedev_get_autostart)(VgSession *session, const char *name, gboolean *ret, GError **error);
    /* slow: @done's text of the first two is the device's name */
    void (*nodedev_create_xml)(VgSession *session, const char *xml, guint flags, VgDone done);
    void (*nodedev_define)(VgSession *session, const char *xml, guint flags, VgDone done);
    void (*nodedev_undefine)(VgSession *session, const char *name, guint flags, VgDone done);
    void (*nodedev_create)(VgSession *session, const char *name, guint flags, VgDone done); /* starts one */
    void (*nodedev_destroy)(VgSession *session, const char *name, VgDone done);
    void (*nodedev_set_autostart)(VgSession *session, const char *name, gboolean on, VgDone done);

    /* a PCI device leaves the host's drivers, comes back to them, is reset; @driver: NULL or "xen" */
    void (*nodedev_order)(VgSession *session, VgNodedevOrder what, const char *name, const char *driver, guint flags,
                          VgDone done);

    /* slow calls about saved guests; @to: an absolute path. The next start begins with a managed save. _xml: text */
    void (*save)(VgSession *session, const VgUuid *dom, const char *to, const char *dxml, guint flags, VgDone done);
    void (*restore)(VgSession *session, const char *from, const char *dxml, guint flags, VgDone done);
    void (*managed_save)(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
    void (*managed_save_remove)(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
    void (*managed_save_xml)(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
    void (*managed_save_define)(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);
    void (*save_image_xml)(VgSession *session, const char *file, guint flags, VgDone done);
    void (*save_image_define)(VgSession *session, const char *file, const char *xml, guint flags, VgDone done);
    /* @format: VIR_DOMAIN_CORE_DUMP_FORMAT_* */
    void (*core_dump)(VgSession *session, const VgUuid *dom, const char *to, guint format, guint flags, VgDone done);

    /* What takes long of the domain; and that it is to be given up, soon. OPERATION_INVALID: nothing that can be. */
    gboolean (*job_info)(VgSession *session, const VgUuid *dom, guint flags, VgJobInfo *ret, GError **error);
    gboolean (*job_abort)(VgSession *session, const VgUuid *dom, GError **error);
} VgDriver;
