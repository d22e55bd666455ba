/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl_op.c: how a context is made and asked. What libxl calls errors becomes part of ours.
 */
#include "xen/libxl_op.h"

#include <libxl_utils.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/i18n.h"

#define VG_AREA "libxl"
#include "base/log.h"

static void on_disaster(void *user, libxl_event_type type, const char *msg, int errnum) {
    vg_err("libxl lost track of its events (%s): %s", libxl_event_type_to_string(type), msg);
}

static const libxl_childproc_hooks child_hooks = {.chldowner = libxl_sigchld_owner_libxl_always_selective_reap};
static const libxl_event_hooks event_hooks = {.disaster = on_disaster};

static pid_t daemon_pid;

/* Only our own: what they begin in turn, a device model above all, lives on. Nothing here may lock or allocate. */
static void end_with_daemon(void) {
    if (getppid() == daemon_pid)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void vg_xen_children_end_with_us(void) {
    daemon_pid = getpid();
    pthread_atfork(NULL, NULL, end_with_daemon);
}

static gboolean begin(VgXenOp *op, GError **error) {
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

gboolean vg_xen_op_begin(VgXenOp *op, const char *about, GError **error) {
    *op = (VgXenOp){.ctx = NULL};
    vg_xen_logger_init(&op->logger);
    vg_xen_logger_about(&op->logger, about);
    return begin(op, error);
}

gboolean vg_xen_op_begin_on(VgXenOp *op, guint32 domid, GError **error) {
    if (!vg_xen_op_begin(op, NULL, error))
        return FALSE;
    char *name = libxl_domid_to_name(op->ctx, domid);
    vg_xen_logger_about(&op->logger, name);
    free(name);
    return TRUE;
}

void vg_xen_op_end(VgXenOp *op) {
    if (op->ctx)
        libxl_ctx_free(op->ctx);
    op->ctx = NULL;
    vg_xen_logger_clear(&op->logger);
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
    if (op->logger.errors[0] && op->logger.file >= 0)
        vg_set_error(error, code_of(rc), _("%s: %s (all that libxl said is in '%s/%s.log')"), text, op->logger.errors,
                     VG_XEN_LOG_FOLDER, op->logger.about);
    else if (op->logger.errors[0])
        vg_set_error(error, code_of(rc), "%s: %s", text, op->logger.errors);
    else
        vg_set_error(error, code_of(rc), _("%s: libxl says '%s'"), text, code ? code : "?");
    return FALSE;
}
