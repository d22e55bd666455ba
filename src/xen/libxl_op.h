/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxl_op.h: one libxl context for one operation, and the host it belongs to; for ops_libxl.c and watch_libxl.c. */
#pragma once

#include "xen/libxl_config.h"

struct xs_handle;

/* Where the domain's own xenstore folder keeps our token. */
#define VG_XEN_TOKEN_KEY "virtgrid-token"

typedef struct {
    xentoollog_logger vtable; /* first: libxl gets a pointer to it */
    char last[512];           /* the last error libxl spoke of */
} VgXenLogger;

typedef struct {
    VgXenLogger logger;
    libxl_ctx *ctx;
} VgXenOp;

/* A context of its own: it reaps its own children and nobody else's, and a disaster is logged, not the end of the
 * process. NO_CONNECT. */
gboolean vg_xen_op_begin(VgXenOp *op, GError **error);
void vg_xen_op_end(VgXenOp *op);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgXenOp, vg_xen_op_end)

/* libxl's return code and last words as an error. @what: "domain 7 cannot be paused". Always FALSE. */
gboolean vg_xen_op_fail(const VgXenOp *op, int rc, GError **error, const char *what, ...) G_GNUC_PRINTF(4, 5);

/* --- watch_libxl.c: a thread that waits for xenstore to say that domains came, ended or went */
typedef struct VgXenWatch VgXenWatch;
VgXenWatch *vg_xen_watch_new(VgXen *xen, GError **error);
/* Waits for the thread; no event comes afterwards. Main loop. */
void vg_xen_watch_free(VgXenWatch *watch);
