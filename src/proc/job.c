/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* job.c: what takes long of a domain: how far it is, and that it is to be given up. */
#include "config.h"
#include "proc/table.h"

#include "proc/typed_param.h"

gboolean vg_do_domain_get_job_info(VgCall *call, const remote_domain_args *a, remote_domain_get_job_info_ret *r,
                                   GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    VgJobInfo info = {0};
    if (!call->driver->job_info(call->session, &uuid, 0, &info, error))
        return FALSE;
    *r = (remote_domain_get_job_info_ret){
        .type = info.type,
        .timeElapsed = info.elapsed_ms,
        .dataTotal = info.total,
        .dataProcessed = info.processed,
        .dataRemaining = info.total - info.processed,
        .memTotal = info.total,
        .memProcessed = info.processed,
        .memRemaining = info.total - info.processed,
    };
    return TRUE;
}

static VgParam number(const char *name, guint64 value) {
    return (VgParam){.name = name, .type = VG_PARAM_ULLONG, .ul = value};
}

gboolean vg_do_domain_get_job_stats(VgCall *call, const remote_domain_flags_args *a, remote_domain_get_job_stats_ret *r,
                                    GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    VgJobInfo info = {0};
    if (!call->driver->job_info(call->session, &uuid, a->flags, &info, error))
        return FALSE;
    const VgParam params[] = {
        {.name = "operation", .type = VG_PARAM_INT, .i = info.operation},
        number("time_elapsed", info.elapsed_ms),
        number("data_total", info.total),
        number("data_processed", info.processed),
        number("data_remaining", info.total - info.processed),
        number("memory_total", info.total),
        number("memory_processed", info.processed),
        number("memory_remaining", info.total - info.processed),
    };
    r->type = info.type;
    r->params.params_len = info.type == 0 ? 0 : info.total == 0 ? 2 : G_N_ELEMENTS(params);
    r->params.params_val = vg_typed_params_take(params, r->params.params_len);
    return TRUE;
}

gboolean vg_do_domain_abort_job(VgCall *call, const remote_domain_args *a, remote_void *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    return call->driver->job_abort(call->session, &uuid, error);
}
