/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tune.c: what a guest has and may be given more or less of, and what it does with it: memory, vcpus, devices. */
#include "config.h"
#include "proc/table.h"

#include "proc/typed_param.h"

enum { LIVE = 1, CONFIG = 2, MEM_MAXIMUM = 4, VCPU_MAXIMUM = 4 }; /* virDomainModificationImpact and what joins it */
enum { STRING_OKAY = 4 };                                         /* VIR_TYPED_PARAM_STRING_OKAY */

/* --- memory ------------------------------------------------------------------------------------------------------- */

gboolean vg_do_node_get_free_memory(VgCall *call, const remote_void *a, remote_ulong *r, GError **error) {
    guint64 bytes = 0;
    if (!call->driver->free_memory(call->session, &bytes, error))
        return FALSE;
    r->value = bytes;
    return TRUE;
}

gboolean vg_do_domain_get_max_memory(VgCall *call, const remote_domain_args *a, remote_ulong *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    guint64 kib = 0;
    if (!call->driver->max_memory(call->session, &uuid, &kib, error))
        return FALSE;
    r->value = kib;
    return TRUE;
}

/* The oldest call changes what runs, and nothing else; the one for the maximum, too. */
void vg_do_domain_set_memory(VgCall *call, const remote_domain_memory_args *a, VgDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->set_memory(call->session, &uuid, a->memory, LIVE, done);
}

void vg_do_domain_set_max_memory(VgCall *call, const remote_domain_memory_args *a, VgDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->set_memory(call->session, &uuid, a->memory, MEM_MAXIMUM, done);
}

void vg_do_domain_set_memory_flags(VgCall *call, const remote_domain_set_memory_flags_args *a, VgDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->set_memory(call->session, &uuid, a->memory, a->flags, done);
}

/* --- vcpus -------------------------------------------------------------------------------------------------------- */

void vg_do_domain_set_vcpus(VgCall *call, const remote_domain_set_vcpus_args *a, VgDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->set_vcpus(call->session, &uuid, a->nvcpus, LIVE, done);
}

void vg_do_domain_set_vcpus_flags(VgCall *call, const remote_domain_set_vcpus_flags_args *a, VgDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->set_vcpus(call->session, &uuid, a->nvcpus, a->flags, done);
}

gboolean vg_do_domain_get_max_vcpus(VgCall *call, const remote_domain_args *a, remote_int *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    return call->driver->vcpus(call->session, &uuid, VCPU_MAXIMUM, &r->value, error);
}

/* So many maps of such a length: what a client has room for. */
static gboolean room_ok(int n, int len, GError **error) {
    if (n >= 0 && len >= 0 && n <= REMOTE_VCPUINFO_MAX && (gint64)n * len <= REMOTE_CPUMAPS_MAX)
        return TRUE;
    vg_set_error(error, VG_ERR_RPC, _("room for %d vcpus with maps of %d bytes asked for, which no answer has"), n,
                 len);
    return FALSE;
}

gboolean vg_do_domain_get_vcpus(VgCall *call, const remote_domain_get_vcpus_args *a, remote_domain_get_vcpus_ret *r,
                                GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    g_autofree VgVcpuInfo *infos = NULL;
    g_autofree guint8 *maps = NULL;
    gsize n = 0, n_maps = 0;
    if (!room_ok(a->maxinfo, a->maplen, error) || !call->driver->vcpu_list(call->session, &uuid, &infos, &n, error))
        return FALSE;
    n = MIN(n, (gsize)a->maxinfo);
    gsize len = n * (gsize)a->maplen;
    if (len && !call->driver->vcpu_pins(call->session, &uuid, LIVE, (guint)n, (guint)a->maplen, &maps, &n_maps, error))
        return FALSE;
    r->info.info_val = g_new0(remote_vcpu_info, n + 1);
    r->info.info_len = (guint)n;
    for (gsize i = 0; i < n; i++)
        r->info.info_val[i] = (remote_vcpu_info){infos[i].number, infos[i].state, infos[i].time_ns, infos[i].cpu};
    r->cpumaps.cpumaps_val = g_malloc0(len + 1);
    r->cpumaps.cpumaps_len = (guint)len;
    if (len)
        memcpy(r->cpumaps.cpumaps_val, maps, MIN(len, n_maps * (gsize)a->maplen));
    return TRUE;
}

gboolean vg_do_domain_get_vcpu_pin_info(VgCall *call, const remote_domain_get_vcpu_pin_info_args *a,
                                        remote_domain_get_vcpu_pin_info_ret *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    guint8 *maps = NULL;
    gsize n = 0;
    if (!room_ok(a->ncpumaps, a->maplen, error) ||
        !call->driver->vcpu_pins(call->session, &uuid, a->flags, (guint)a->ncpumaps, (guint)a->maplen, &maps, &n,
                                 error))
        return FALSE;
    r->cpumaps.cpumaps_val = (char *)maps;
    r->cpumaps.cpumaps_len = (guint)(n * (gsize)a->maplen);
    r->num = (int)n;
    return TRUE;
}

static const guint8 *map_of(const char *bytes) {
    return (const guint8 *)bytes;
}

void vg_do_domain_pin_vcpu(VgCall *call, const remote_domain_pin_vcpu_args *a, VgDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->pin_vcpu(call->session, &uuid, a->vcpu, map_of(a->cpumap.cpumap_val), a->cpumap.cpumap_len, LIVE,
                           done);
}

void vg_do_domain_pin_vcpu_flags(VgCall *call, const remote_domain_pin_vcpu_flags_args *a, VgDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->pin_vcpu(call->session, &uuid, a->vcpu, map_of(a->cpumap.cpumap_val), a->cpumap.cpumap_len, a->flags,
                           done);
}

/* All of them are online. */
gboolean vg_do_node_get_cpu_map(VgCall *call, const remote_node_get_cpu_map_args *a, remote_node_get_cpu_map_ret *r,
                                GError **error) {
    VgNodeInfo info = {0};
    if (!call->driver->node_info(call->session, &info, error))
        return FALSE;
    guint n = (guint)CLAMP(info.cpus, 0, REMOTE_CPUMAP_MAX * 8);
    if (a->need_map) {
        r->cpumap.cpumap_len = (n + 7) / 8;
        r->cpumap.cpumap_val = g_malloc0(r->cpumap.cpumap_len + 1);
        for (guint cpu = 0; cpu < n; cpu++)
            r->cpumap.cpumap_val[cpu / 8] |= (char)(1u << cpu % 8);
    }
    r->online = a->need_online ? n : 0;
    r->ret = (int)n;
    return TRUE;
}

/* --- the scheduler ------------------------------------------------------------------------------------------------ */

gboolean vg_do_domain_get_scheduler_type(VgCall *call, const remote_domain_args *a,
                                         remote_domain_get_scheduler_type_ret *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    VgParam params[REMOTE_DOMAIN_SCHEDULER_PARAMETERS_MAX];
    const char *type = NULL;
    gsize n = 0;
    if (!call->driver->scheduler(call->session, &uuid, 0, &type, params, G_N_ELEMENTS(params), &n, error))
        return FALSE;
    r->type = g_strdup(type);
    r->nparams = (int)n;
    return TRUE;
}

static gboolean scheduler(VgCall *call, const remote_nonnull_domain *dom, int room, guint flags,
                          remote_domain_get_scheduler_parameters_ret *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(dom);
    VgParam params[REMOTE_DOMAIN_SCHEDULER_PARAMETERS_MAX];
    const char *type = NULL;
    gsize n = 0;
    if (room < 0 || room > REMOTE_DOMAIN_SCHEDULER_PARAMETERS_MAX) {
        vg_set_error(error, VG_ERR_RPC, _("nparams too large"));
        return FALSE;
    }
    if (!call->driver->scheduler(call->session, &uuid, flags & ~(guint)STRING_OKAY, &type, params, (gsize)room, &n,
                                 error))
        return FALSE;
    r->params.params_val = vg_typed_params_take(params, n);
    r->params.params_len = (guint)n;
    return TRUE;
}

gboolean vg_do_domain_get_scheduler_parameters(VgCall *call, const remote_domain_get_scheduler_parameters_args *a,
                                               remote_domain_get_scheduler_parameters_ret *r, GError **error) {
    return scheduler(call, &a->dom, a->nparams, 0, r, error);
}

gboolean vg_do_domain_get_scheduler_parameters_flags(VgCall *call,
                                                     const remote_domain_get_scheduler_parameters_flags_args *a,
                                                     remote_domain_get_scheduler_parameters_ret *r, GError **error) {
    return scheduler(call, &a->dom, a->nparams, a->flags, r, error);
}

static void set_scheduler(VgCall *call, const remote_nonnull_domain *dom, const remote_typed_param *params, guint n,
                          guint flags, VgDone done) {
    static const VgParamRule rules[] = {{"weight", VG_PARAM_UINT}, {"cap", VG_PARAM_UINT}};
    VgUuid uuid = vg_dom_uuid(dom);
    g_autoptr(GError) error = NULL;
    if (!vg_typed_params_check(params, n, rules, G_N_ELEMENTS(rules), &error)) {
        done.func(NULL, NULL, error, done.data);
        return;
    }
    g_autofree VgParam *given = vg_typed_params_give(params, n);
    call->driver->set_scheduler(call->session, &uuid, given, n, flags, done);
}

void vg_do_domain_set_scheduler_parameters(VgCall *call, const remote_domain_set_scheduler_parameters_args *a,
                                           VgDone done) {
    set_scheduler(call, &a->dom, a->params.params_val, a->params.params_len, LIVE, done);
}

void vg_do_domain_set_scheduler_parameters_flags(VgCall *call,
                                                 const remote_domain_set_scheduler_parameters_flags_args *a,
                                                 VgDone done) {
    set_scheduler(call, &a->dom, a->params.params_val, a->params.params_len, a->flags, done);
}
