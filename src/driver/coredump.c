/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * coredump.c: what a guest was when it crashed, kept in a file as libvirt's Xen driver does: NAME-DATE-TIME below the
 * folder of dumps. Whether that works or not, the guest's life goes on. One that crashes again and again is not dumped
 * each time: the dumps would fill the disk with one and the same.
 */
#include "driver/coredump.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "driver/run.h"

#define VG_AREA "driver"
#include "base/log.h"

static gboolean rename_file(const char *from, const char *to, GError **error) {
    if (rename(from, to) == 0)
        return TRUE;
    vg_set_errno(error, errno, _("cannot rename %s to %s"), from, to);
    return FALSE;
}

/* The name says that it is whole. */
static gboolean write_dump(VgOp *op, GError **error) {
    VgXen *xen = op->hub->xen;
    g_autofree char *part = g_strconcat(op->text, ".part", NULL);
    gboolean ok = vg_durable_mkdir(op->hub->dumpdir, error) && xen->ops->dump(xen, op->dom->run->domid, part, error) &&
                  rename_file(part, op->text, error);
    if (!ok)
        unlink(part);
    return ok;
}

static void written(VgOp *op, GError *error) {
    void (*then)(VgOp * op) = op->next;
    if (error)
        vg_warn("domain '%s' crashed, and no core dump of it could be written: %s", op->dom->name, error->message);
    else
        vg_warn("domain '%s' crashed; its core dump is '%s'", op->dom->name, op->text);
    g_clear_error(&error);
    then(op);
}

void vg_coredump(VgOp *op, void (*then)(VgOp *op)) {
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *when = g_date_time_format(now, "%Y-%m-%d-%H:%M:%S");
    gint64 lived_us = g_get_monotonic_time() - op->dom->run->up_us;
    if (vg_life_is_looping(&op->dom->life) && lived_us < VG_LIFE_SOON_MS * G_TIME_SPAN_MILLISECOND) {
        vg_info("domain '%s' crashed again; there are dumps of it already", op->dom->name);
        then(op);
        return;
    }
    op->text = g_strdup_printf("%s/%s-%s", op->hub->dumpdir, op->dom->name, when);
    op->next = then;
    vg_op_job(op, write_dump, written);
}
