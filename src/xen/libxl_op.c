/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl_op.c: how a context is made and asked. libxl's messages go to our log; what it calls errors becomes part of
 * ours.
 */
#include "xen/libxl_op.h"

#include <stdio.h>
#include <string.h>

#include "base/i18n.h"

#define VG_AREA "libxl"
#include "base/log.h"

static VgLogLevel level_of(xentoollog_level level) {
    if (level >= XTL_ERROR)
        return VG_LOG_ERROR;
    if (level >= XTL_WARN)
        return VG_LOG_WARN;
    return level >= XTL_NOTICE ? VG_LOG_INFO : VG_LOG_DEBUG;
}

/* Behind "libxl_create.c:123:function: ", which is for the log. */
static const char *where_it_says(const char *text) {
    const char *rest = g_str_has_prefix(text, "libxl_") ? strstr(text, ": ") : NULL;
    return rest ? rest + 2 : text;
}

static void keep(VgXenLogger *logger, const char *text) {
    gsize len = strlen(logger->errors);
    snprintf(logger->errors + len, sizeof logger->errors - len, "%s%s", len ? "; " : "", text);
}

/* Also called by libxl's children between fork and exec: no allocation, no lock. */
static void G_GNUC_PRINTF(5, 0) on_message(xentoollog_logger *vtable, xentoollog_level level, int errnum,
                                           const char *context, const char *format, va_list args) {
    VgXenLogger *logger = (VgXenLogger *)vtable;
    VgLogLevel ours = logger->quiet ? VG_LOG_DEBUG : level_of(level);
    char text[sizeof logger->errors];
    if (ours < vg_log_level() && level < XTL_ERROR)
        return;
    int n = vsnprintf(text, sizeof text, format, args);
    if (errnum > 0 && n >= 0 && (gsize)n < sizeof text)
        snprintf(text + n, sizeof text - (gsize)n, ": %s", g_strerror(errnum));
    if (level >= XTL_ERROR && !logger->quiet)
        keep(logger, where_it_says(text));
    vg_log(ours, VG_AREA, "%s%s%s: %s", logger->about, logger->about[0] ? ": " : "", context ? context : "", text);
}

static void on_progress(xentoollog_logger *vtable, const char *context, const char *doing, int percent,
                        unsigned long done, unsigned long total) {
}

static void on_destroy(xentoollog_logger *vtable) {
}

static void on_disaster(void *user, libxl_event_type type, const char *msg, int errnum) {
    vg_err("libxl lost track of its events (%s): %s", libxl_event_type_to_string(type), msg);
}

static const libxl_childproc_hooks child_hooks = {.chldowner = libxl_sigchld_owner_libxl_always_selective_reap};
static const libxl_event_hooks event_hooks = {.disaster = on_disaster};

gboolean vg_xen_op_begin(VgXenOp *op, const char *about, GError **error) {
    *op = (VgXenOp){.logger.vtable = {on_message, on_progress, on_destroy}};
    g_strlcpy(op->logger.about, about ? about : "", sizeof op->logger.about);
    if (libxl_ctx_alloc(&op->ctx, LIBXL_VERSION, 0, &op->logger.vtable) != 0) {
        op->ctx = NULL;
        vg_set_error(error, VG_ERR_NO_CONNECT,
                     _("the Xen hypervisor does not answer (%s): this is no Xen host, or root is needed; "
                       "'--simulate DIR' runs a simulated host instead"),
                     op->logger.errors[0] ? op->logger.errors : _("libxl gives no context"));
        return FALSE;
    }
    libxl_childproc_setmode(op->ctx, &child_hooks, NULL);
    libxl_event_register_callbacks(op->ctx, &event_hooks, NULL);
    return TRUE;
}

void vg_xen_op_end(VgXenOp *op) {
    if (op->ctx)
        libxl_ctx_free(op->ctx);
    op->ctx = NULL;
}

static VgErrorCode code_of(int rc) {
    switch (rc) {
    case ERROR_DOMAIN_NOTFOUND:
    case ERROR_DOMAIN_DESTROYED:
        return VG_ERR_NO_DOMAIN;
    case ERROR_NOMEM:
    case ERROR_DEVICE_EXISTS:
        return VG_ERR_RESOURCE_BUSY;
    case ERROR_NOPARAVIRT:
    case ERROR_NI:
        return VG_ERR_OPERATION_UNSUPPORTED;
    case ERROR_ABORTED:
        return VG_ERR_OPERATION_ABORTED;
    case ERROR_TIMEDOUT:
    case ERROR_GUEST_TIMEDOUT:
        return VG_ERR_OPERATION_TIMEOUT;
    default:
        return VG_ERR_OPERATION_FAILED;
    }
}

gboolean vg_xen_op_fail(const VgXenOp *op, int rc, GError **error, const char *what, ...) {
    va_list args;
    va_start(args, what);
    g_autofree char *text = g_strdup_vprintf(what, args);
    va_end(args);
    const char *code = libxl_error_to_string(rc);
    if (op->logger.errors[0])
        vg_set_error(error, code_of(rc), "%s: %s", text, op->logger.errors);
    else
        vg_set_error(error, code_of(rc), _("%s: libxl says '%s'"), text, code ? code : "?");
    return FALSE;
}
