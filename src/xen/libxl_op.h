/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxl_op.h: one libxl context for one operation, and the host it belongs to; for ops_libxl.c and watch_libxl.c. */
#pragma once

#include "base/fd.h"
#include "xen/libxl_config.h"
#include "xen/xen.h"

struct xs_handle;

/* Where the domain's own xenstore folder keeps our token. */
#define VG_XEN_TOKEN_KEY "virtgrid-token"

typedef struct {
    xentoollog_logger vtable; /* first: libxl gets a pointer to it */
    char about[64];           /* whom its messages are about, or "" */
    VgFd file;                /* of that domain alone, or -1 */
    gboolean quiet;           /* its errors are expected */
    gint *permille;           /* atomic: how much is done of what it tells the progress of; or NULL */
    char errors[512];         /* what it called errors, in order */
} VgXenLogger;

typedef struct {
    VgXenLogger logger;
    libxl_ctx *ctx;
} VgXenOp;

/*
 * Once, before the first context. libxl's children that are not another program yet have all our descriptors: one that
 * waits for a device model would keep our locks and the clients' sockets when the daemon is killed.
 */
void vg_xen_children_end_with_us(void);

/*
 * A context of its own: it reaps its own children and nobody else's, and a disaster is logged, not the end of the
 * process. @about: the domain's name, for the log, or NULL. NO_CONNECT.
 */
gboolean vg_xen_op_begin(VgXenOp *op, const char *about, GError **error);
/* The same for a domain that is there. */
gboolean vg_xen_op_begin_on(VgXenOp *op, guint32 domid, GError **error);
void vg_xen_op_end(VgXenOp *op);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgXenOp, vg_xen_op_end)

/* libxl's return code and its errors' words as an error. @what: "domain 7 cannot be paused". Always FALSE. */
gboolean vg_xen_op_fail(const VgXenOp *op, int rc, GError **error, const char *what, ...) G_GNUC_PRINTF(4, 5);

/* --- ops_libxl.c */

/*
 * To the end of the operation begun @vg_xen_as_event. When @is_enough says so it is aborted, and its complaints are
 * expected: op->logger.quiet tells.
 */
extern const libxl_asyncop_how vg_xen_as_event;
int vg_xen_op_see_through(VgXenOp *op, gboolean (*is_enough)(gconstpointer data), gconstpointer data);

/* --- log_libxl.c */

#define VG_XEN_LOG_FOLDER VG_LOGDIR "/libxl" /* NAME.log of each domain */
void vg_xen_logger_init(VgXenLogger *logger);
/* Its messages are about this domain from now on; NULL: about none. */
void vg_xen_logger_about(VgXenLogger *logger, const char *about);
void vg_xen_logger_clear(VgXenLogger *logger);

/* --- room_libxl.c */

/*
 * Waits until xl starts no guest, and has domain 0 give what @c needs. @ret_lock is held until the guest has its
 * memory. RESOURCE_BUSY, OPERATION_ABORTED.
 */
gboolean vg_xen_make_room(VgXenOp *op, libxl_domain_config *c, const VgXenMaking *making, VgFd *ret_lock,
                          GError **error);
/* KiB that domain 0 can be made to give. */
guint64 vg_xen_spare_of_dom0(VgXenOp *op);
#define VG_XEN_DOM0_LEAST_KIB (512 * 1024) /* nobody asks it to live with less */

/* --- plug_libxl.c: attach, detach, insert of xen.h */
gboolean vg_xen_plug_attach(VgXen *xen, guint32 domid, const VgXenConfig *devices, int *ret_devid, GError **error);
gboolean vg_xen_plug_detach(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error);
gboolean vg_xen_plug_insert(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error);

/* --- figures_libxl.c: what domains that were listed do; one that is gone meanwhile gets none */
void vg_xen_add_figures(struct xs_handle *store, VgXenDomain *doms, gsize n);

/* --- save_libxl.c, tune_libxl.c: see xen.h */
gboolean vg_xen_libxl_save(VgXen *xen, guint32 domid, int fd, const VgXenTask *task, GError **error);
gboolean vg_xen_libxl_resume(VgXen *xen, guint32 domid, GError **error);
gboolean vg_xen_libxl_dump(VgXen *xen, guint32 domid, const char *path, GError **error);
gboolean vg_xen_libxl_set_memory(VgXen *xen, guint32 domid, guint64 kib, GError **error);
gboolean vg_xen_libxl_set_max_memory(VgXen *xen, guint32 domid, guint64 kib, GError **error);
gboolean vg_xen_libxl_set_vcpus(VgXen *xen, guint32 domid, guint n, GError **error);
gboolean vg_xen_libxl_pin_vcpu(VgXen *xen, guint32 domid, guint vcpu, const guint8 *map, gsize len, GError **error);
gboolean vg_xen_libxl_set_shares(VgXen *xen, guint32 domid, guint weight, guint cap, GError **error);

/* --- pci_libxl.c: pci_lent, pci_lend, pci_give_back, pci_reset of xen.h */
gboolean vg_xen_pci_lent(VgXen *xen, const VgPciAddr *addr);
gboolean vg_xen_pci_lend(VgXen *xen, const VgPciAddr *addr, GError **error);
gboolean vg_xen_pci_give_back(VgXen *xen, const VgPciAddr *addr, gboolean rebind, GError **error);
gboolean vg_xen_pci_reset(VgXen *xen, const VgPciAddr *addr, GError **error);

/* --- watch_libxl.c: a thread that waits for xenstore to say that domains came, ended or went */
typedef struct VgXenWatch VgXenWatch;
VgXenWatch *vg_xen_watch_new(VgXen *xen, GError **error);
/* Waits for the thread; no event comes afterwards. Main loop. */
void vg_xen_watch_free(VgXenWatch *watch);
