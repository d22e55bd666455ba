/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* work.c: how far something is that takes long, and that nobody wants it any more. */
#include "driver/work.h"

#include <libvirt/libvirt.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "driver/query.h"
#include "driver/run.h"

void vg_work_begin(VgWork *work, VgDom *dom, int operation, gint *abort) {
    work->operation = operation;
    work->since_us = vg_clock_mono_us();
    work->permille = -1;
    work->task = (VgXenTask){.abort = abort, .permille = &work->permille};
    dom->run->work = work;
}

void vg_work_end(VgDom *dom) {
    if (dom->run)
        dom->run->work = NULL;
}

gboolean vg_work_abort(VgDom *dom) {
    VgWork *work = dom->run ? dom->run->work : NULL;
    if (!work || !work->task.abort)
        return FALSE;
    g_atomic_int_set(work->task.abort, TRUE);
    return TRUE;
}

gboolean vg_job_info(VgSession *session, const VgUuid *uuid, guint flags, VgJobInfo *ret, GError **error) {
    const VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, 0, "virDomainGetJobStats", error))
        return FALSE;
    *ret = (VgJobInfo){.type = VIR_DOMAIN_JOB_NONE};
    VgWork *work = dom->run ? dom->run->work : NULL;
    if (!work)
        return TRUE;
    gint permille = g_atomic_int_get(&work->permille);
    ret->type = VIR_DOMAIN_JOB_UNBOUNDED;
    ret->operation = work->operation;
    ret->elapsed_ms = (guint64)(vg_clock_mono_us() - work->since_us) / 1000;
    if (permille >= 0) {
        ret->total = dom->run->def->memory * 1024;
        ret->processed = ret->total / 1000 * (guint64)MIN(permille, 1000);
    }
    return TRUE;
}

gboolean vg_job_abort(VgSession *session, const VgUuid *uuid, GError **error) {
    VgDom *dom = vg_hub_guest(session->hub, uuid, error);
    if (!dom || vg_work_abort(dom))
        return dom != NULL;
    if (dom->run && dom->run->work)
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("domain '%s': what is under way cannot be given up; it ends by itself"), dom->name);
    else
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("no job is active on the domain"));
    return FALSE;
}
