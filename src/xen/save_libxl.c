/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * save_libxl.c: a guest's state in libxl's own stream, and dumps. libxl asks a PV or PVH guest, and an HVM guest with
 * PV drivers, to suspend itself, and waits a minute for it; an HVM guest without is stopped from outside. Starting from
 * a stream is in ops_libxl.c, beside the other start.
 */
#include "base/i18n.h"
#include "xen/libxl_op.h"

static gboolean is_told_to_abort(gconstpointer data) {
    const VgXenTask *task = data;
    return task->abort && g_atomic_int_get(task->abort);
}

gboolean vg_xen_libxl_save(VgXen *xen, guint32 domid, int fd, const VgXenTask *task, GError **error) {
    g_auto(VgXenOp) op = {0};
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    op.logger.permille = task->permille;
    int rc = libxl_domain_suspend(op.ctx, domid, fd, 0, &vg_xen_as_event);
    if (rc == 0)
        rc = vg_xen_op_see_through(&op, is_told_to_abort, task);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "save");
}

/* The quick way: the guest's own call returns and says that it was not restored, but goes on. */
gboolean vg_xen_libxl_resume(VgXen *xen, guint32 domid, GError **error) {
    g_auto(VgXenOp) op = {0};
    libxl_dominfo info;
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    libxl_dominfo_init(&info);
    int rc = libxl_domain_info(op.ctx, &info, domid);
    gboolean stands = rc == 0 && info.shutdown && info.shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND;
    libxl_dominfo_dispose(&info);
    if (stands)
        rc = libxl_domain_resume(op.ctx, domid, 1, NULL);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "resume");
}

gboolean vg_xen_libxl_dump(VgXen *xen, guint32 domid, const char *path, GError **error) {
    g_auto(VgXenOp) op = {0};
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    int rc = libxl_domain_core_dump(op.ctx, domid, path, NULL);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "dump-core");
}
