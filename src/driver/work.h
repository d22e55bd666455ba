/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * work.h: what takes long of a domain while it is under way, so that clients can ask how far it is and have it given
 * up. It is its operation's own; the domain's run points to it meanwhile. Main loop, but for what is atomic.
 */
#pragma once

#include "driver/hub.h"

struct VgWork {
    int operation; /* VIR_DOMAIN_JOB_OPERATION_* */
    gint64 since_us;
    VgXenTask task; /* what Xen is given of it; no abort: it cannot be given up */
    gint permille;  /* atomic; done so far, -1: nobody knows */
};

/* It begins. @abort: of its ladder, or NULL. */
void vg_work_begin(VgWork *work, VgDom *dom, int operation, gint *abort);
void vg_work_end(VgDom *dom);
/* To be given up, if anything is under way and can be. */
gboolean vg_work_abort(VgDom *dom);

gboolean vg_job_info(VgSession *session, const VgUuid *dom, guint flags, VgJobInfo *ret, GError **error);
gboolean vg_job_abort(VgSession *session, const VgUuid *dom, GError **error);
