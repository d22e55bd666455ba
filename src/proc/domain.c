/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domain.c: every call about domains: arguments to the driver's function, its answer to the wire's structure. Decides
 * nothing.
 *
 * A client's name and id of a domain may be stale; only the UUID is handed on.
 */
#include "config.h"
#include "proc/table.h"

enum { LIST_ACTIVE = 1, LIST_INACTIVE = 2 }; /* virConnectListAllDomainsFlags */
enum { XML_SECURE = 1, XML_MIGRATABLE = 8 }; /* virDomainXMLFlags */
enum { AFFECT_LIVE = 1 };                    /* virDomainModificationImpact */
enum { VCPU_GUEST = 8 };                     /* virDomainVcpuFlags */

static void refs_free(VgDomRef *refs, gsize n) {
    for (gsize i = 0; i < n; i++)
        g_free(refs[i].name);
    g_free(refs);
}

/* --- which there are ---------------------------------------------------------------------------------------------- */

static gboolean too_many(gsize n, guint limit, GError **error) {
    if (n <= limit)
        return FALSE;
    vg_set_error(error, VG_ERR_RPC,
                 _("%zu domains are more than the %u that fit into one answer; ask for fewer by filters"), n, limit);
    return TRUE;
}

gboolean vg_do_connect_list_all_domains(VgCall *call, const remote_list_all_args *a,
                                        remote_connect_list_all_domains_ret *r, GError **error) {
    VgDomRef *refs = NULL;
    gsize n = 0;
    if (!call->driver->list(call->session, a->flags, &refs, &n, error))
        return FALSE;
    gboolean ok = !a->need_results || !too_many(n, REMOTE_DOMAIN_LIST_MAX, error);
    if (ok && a->need_results && n > 0) {
        r->domains.domains_val = g_new(remote_nonnull_domain, n);
        r->domains.domains_len = (guint)n;
        for (gsize i = 0; i < n; i++)
            vg_dom_take(&r->domains.domains_val[i], &refs[i]);
    }
    r->ret = (guint)n;
    refs_free(refs, n);
    return ok;
}

static gboolean count(VgCall *call, guint flags, remote_int *r, GError **error) {
    VgDomRef *refs = NULL;
    gsize n = 0;
    if (!call->driver->list(call->session, flags, &refs, &n, error))
        return FALSE;
    refs_free(refs, n);
    r->value = (int)MIN(n, G_MAXINT);
    return TRUE;
}

gboolean vg_do_connect_num_of_domains(VgCall *call, const remote_void *a, remote_int *r, GError **error) {
    return count(call, LIST_ACTIVE, r, error);
}

gboolean vg_do_connect_num_of_defined_domains(VgCall *call, const remote_void *a, remote_int *r, GError **error) {
    return count(call, LIST_INACTIVE, r, error);
}

/* The older lists: the client says how many it has room for, and gets at most that many. */
static gboolean list_at_most(VgCall *call, guint flags, int room, VgDomRef **ret, gsize *ret_n, gsize *ret_shown,
                             GError **error) {
    if (room < 0 || room > REMOTE_DOMAIN_LIST_MAX) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("room for %d domains asked for; 0 to %d are possible"), room,
                     REMOTE_DOMAIN_LIST_MAX);
        return FALSE;
    }
    if (!call->driver->list(call->session, flags, ret, ret_n, error))
        return FALSE;
    *ret_shown = MIN(*ret_n, (gsize)room);
    return TRUE;
}

gboolean vg_do_connect_list_domains(VgCall *call, const remote_int *a, remote_connect_list_domains_ret *r,
                                    GError **error) {
    VgDomRef *refs = NULL;
    gsize n = 0, shown = 0;
    if (!list_at_most(call, LIST_ACTIVE, a->value, &refs, &n, &shown, error))
        return FALSE;
    r->ids.ids_val = g_new(int, shown);
    r->ids.ids_len = (guint)shown;
    for (gsize i = 0; i < shown; i++)
        r->ids.ids_val[i] = refs[i].id;
    refs_free(refs, n);
    return TRUE;
}

gboolean vg_do_connect_list_defined_domains(VgCall *call, const remote_int *a,
                                            remote_connect_list_defined_domains_ret *r, GError **error) {
    VgDomRef *refs = NULL;
    gsize n = 0, shown = 0;
    if (!list_at_most(call, LIST_INACTIVE, a->value, &refs, &n, &shown, error))
        return FALSE;
    r->names.names_val = g_new(char *, shown);
    r->names.names_len = (guint)shown;
    for (gsize i = 0; i < shown; i++)
        r->names.names_val[i] = g_steal_pointer(&refs[i].name);
    refs_free(refs, n);
    return TRUE;
}

gboolean vg_do_domain_lookup_by_id(VgCall *call, const remote_int *a, remote_nonnull_domain *r, GError **error) {
    VgDomRef ref = {0};
    if (!call->driver->lookup_id(call->session, a->value, &ref, error))
        return FALSE;
    vg_dom_take(r, &ref);
    return TRUE;
}

gboolean vg_do_domain_lookup_by_name(VgCall *call, const remote_text *a, remote_nonnull_domain *r, GError **error) {
    VgDomRef ref = {0};
    if (!call->driver->lookup_name(call->session, a->text, &ref, error))
        return FALSE;
    vg_dom_take(r, &ref);
    return TRUE;
}

gboolean vg_do_domain_lookup_by_uuid(VgCall *call, const remote_domain_lookup_by_uuid_args *a, remote_nonnull_domain *r,
                                     GError **error) {
    VgDomRef ref = {0};
    VgUuid uuid;
    memcpy(uuid.b, a->uuid, sizeof(uuid.b));
    if (!call->driver->lookup_uuid(call->session, &uuid, &ref, error))
        return FALSE;
    vg_dom_take(r, &ref);
    return TRUE;
}

/* --- what they are ------------------------------------------------------------------------------------------------ */

gboolean vg_do_domain_get_xml_desc(VgCall *call, const remote_domain_flags_args *a, remote_text *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    if (call->conn->read_only && (a->flags & (XML_SECURE | XML_MIGRATABLE))) {
        vg_set_error(error, VG_ERR_OPERATION_DENIED, _("read only access prevents domain_get_xml_desc with secrets"));
        return FALSE;
    }
    return vg_give_text(r, call->driver->xml(call->session, &uuid, a->flags, error));
}

gboolean vg_do_domain_get_info(VgCall *call, const remote_domain_args *a, remote_domain_get_info_ret *r,
                               GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    VgDomInfo info = {0};
    if (!call->driver->info(call->session, &uuid, &info, error))
        return FALSE;
    r->state = (unsigned char)info.state;
    r->maxMem = info.max_mem_kib;
    r->memory = info.memory_kib;
    r->nrVirtCpu = (unsigned short)MIN(info.vcpus, G_MAXUSHORT);
    r->cpuTime = info.cpu_time_ns;
    return TRUE;
}

gboolean vg_do_domain_get_state(VgCall *call, const remote_domain_flags_args *a, remote_domain_get_state_ret *r,
                                GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    return call->driver->state(call->session, &uuid, a->flags, &r->state, &r->reason, error);
}

gboolean vg_do_domain_get_os_type(VgCall *call, const remote_domain_args *a, remote_text *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    return vg_give_text(r, call->driver->os_type(call->session, &uuid, error));
}

/* Questions whose answer is yes or no. */
#define ASK_DOMAIN(name, args, function, ...)                                                                          \
    gboolean vg_do_##name(VgCall *call, const args *a, remote_int *r, GError **error) {                                \
        VgUuid uuid = vg_dom_uuid(&a->dom);                                                                            \
        return call->driver->function(call->session, &uuid, ##__VA_ARGS__, &r->value, error);                          \
    }

ASK_DOMAIN(domain_is_active, remote_domain_args, is_active)
ASK_DOMAIN(domain_is_persistent, remote_domain_args, is_persistent)
ASK_DOMAIN(domain_is_updated, remote_domain_args, is_updated)
ASK_DOMAIN(domain_has_managed_save_image, remote_domain_flags_args, has_managed_save, a->flags)
ASK_DOMAIN(domain_get_autostart, remote_domain_args, get_autostart)

gboolean vg_do_domain_get_vcpus_flags(VgCall *call, const remote_domain_flags_args *a, remote_int *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    if (call->conn->read_only && (a->flags & VCPU_GUEST)) {
        vg_set_error(error, VG_ERR_OPERATION_DENIED,
                     _("read only access prevents domain_get_vcpus_flags of the guest's own count"));
        return FALSE;
    }
    return call->driver->vcpus(call->session, &uuid, a->flags, &r->value, error);
}

gboolean vg_do_domain_snapshot_num(VgCall *call, const remote_domain_flags_args *a, remote_int *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    return call->driver->snapshot_num(call->session, &uuid, a->flags, &r->value, error);
}

gboolean vg_do_domain_memory_stats(VgCall *call, const remote_domain_memory_stats_args *a,
                                   remote_domain_memory_stats_ret *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    g_autofree VgMemStat *stats = NULL;
    gsize n = 0;
    if (a->maxStats > REMOTE_DOMAIN_MEMORY_STATS_MAX) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("room for %u figures asked for; at most %d are possible"),
                     a->maxStats, REMOTE_DOMAIN_MEMORY_STATS_MAX);
        return FALSE;
    }
    if (!call->driver->memory_stats(call->session, &uuid, a->flags, &stats, &n, error))
        return FALSE;
    n = MIN(n, (gsize)a->maxStats);
    r->stats.stats_val = g_new(remote_domain_memory_stat, n);
    r->stats.stats_len = (guint)n;
    for (gsize i = 0; i < n; i++)
        r->stats.stats_val[i] = (remote_domain_memory_stat){stats[i].tag, stats[i].value};
    return TRUE;
}

gboolean vg_do_domain_get_metadata(VgCall *call, const remote_domain_get_metadata_args *a, remote_text *r,
                                   GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    return vg_give_text(r, call->driver->get_metadata(call->session, &uuid, a->type, vg_opt(a->uri), a->flags, error));
}

gboolean vg_do_domain_get_messages(VgCall *call, const remote_domain_flags_args *a, remote_domain_get_messages_ret *r,
                                   GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    char **messages = NULL;
    if (!call->driver->messages(call->session, &uuid, a->flags, &messages, error))
        return FALSE;
    vg_list_take(messages, REMOTE_DOMAIN_MESSAGES_MAX, &r->msgs.msgs_val, &r->msgs.msgs_len);
    return TRUE;
}

/* --- what is done to them ----------------------------------------------------------------------------------------- */

void vg_do_domain_define_xml(VgCall *call, const remote_text *a, VgDone done) {
    call->driver->define(call->session, a->text, 0, done);
}

void vg_do_domain_define_xml_flags(VgCall *call, const remote_text_flags *a, VgDone done) {
    call->driver->define(call->session, a->text, a->flags, done);
}

void vg_do_domain_create_xml(VgCall *call, const remote_text_flags *a, VgDone done) {
    call->driver->create_xml(call->session, a->text, a->flags, done);
}

/* Those that only hand the domain's UUID, and what is said behind it, to a function of the driver. */
#define ON_DOMAIN(name, args, function, ...)                                                                           \
    void vg_do_##name(VgCall *call, const args *a, VgDone done) {                                                      \
        VgUuid uuid = vg_dom_uuid(&a->dom);                                                                            \
        call->driver->function(call->session, &uuid, ##__VA_ARGS__, done);                                             \
    }

ON_DOMAIN(domain_create, remote_domain_args, create, 0)
ON_DOMAIN(domain_create_with_flags, remote_domain_flags_args, create, a->flags)
ON_DOMAIN(domain_destroy, remote_domain_args, destroy, 0)
ON_DOMAIN(domain_destroy_flags, remote_domain_flags_args, destroy, a->flags)
ON_DOMAIN(domain_shutdown, remote_domain_args, shutdown, 0)
ON_DOMAIN(domain_shutdown_flags, remote_domain_flags_args, shutdown, a->flags)
ON_DOMAIN(domain_reboot, remote_domain_flags_args, reboot, a->flags)
ON_DOMAIN(domain_suspend, remote_domain_args, suspend)
ON_DOMAIN(domain_resume, remote_domain_args, resume)
ON_DOMAIN(domain_undefine, remote_domain_args, undefine, 0)
ON_DOMAIN(domain_undefine_flags, remote_domain_flags_args, undefine, a->flags)
ON_DOMAIN(domain_set_autostart, remote_domain_set_autostart_args, set_autostart, a->autostart != 0)
ON_DOMAIN(domain_save, remote_domain_save_args, save, a->to, NULL, 0)
ON_DOMAIN(domain_save_flags, remote_domain_save_flags_args, save, a->to, vg_opt(a->dxml), a->flags)
ON_DOMAIN(domain_managed_save, remote_domain_flags_args, managed_save, a->flags)
ON_DOMAIN(domain_managed_save_remove, remote_domain_flags_args, managed_save_remove, a->flags)
ON_DOMAIN(domain_managed_save_get_xml_desc, remote_domain_flags_args, managed_save_xml, a->flags)
ON_DOMAIN(domain_managed_save_define_xml, remote_domain_managed_save_define_xml_args, managed_save_define,
          a->dxml != NULL ? *a->dxml : "", a->flags)
ON_DOMAIN(domain_core_dump, remote_domain_core_dump_args, core_dump, a->to, 0, a->flags)
ON_DOMAIN(domain_core_dump_with_format, remote_domain_core_dump_with_format_args, core_dump, a->to, a->dumpformat,
          a->flags)
ON_DOMAIN(domain_set_metadata, remote_domain_set_metadata_args, set_metadata, a->type, vg_opt(a->metadata),
          vg_opt(a->key), vg_opt(a->uri), a->flags)
ON_DOMAIN(domain_attach_device, remote_domain_text_args, attach_device, a->text, AFFECT_LIVE)
ON_DOMAIN(domain_attach_device_flags, remote_domain_text_flags_args, attach_device, a->text, a->flags)
ON_DOMAIN(domain_detach_device, remote_domain_text_args, detach_device, a->text, AFFECT_LIVE)
ON_DOMAIN(domain_detach_device_flags, remote_domain_text_flags_args, detach_device, a->text, a->flags)
ON_DOMAIN(domain_detach_device_alias, remote_domain_text_flags_args, detach_alias, a->text, a->flags)
ON_DOMAIN(domain_update_device_flags, remote_domain_text_flags_args, update_device, a->text, a->flags)

/* --- files of saved guests ---------------------------------------------------------------------------------------- */

void vg_do_domain_restore(VgCall *call, const remote_text *a, VgDone done) {
    call->driver->restore(call->session, a->text, NULL, 0, done);
}

void vg_do_domain_restore_flags(VgCall *call, const remote_domain_restore_flags_args *a, VgDone done) {
    call->driver->restore(call->session, a->from, vg_opt(a->dxml), a->flags, done);
}

void vg_do_domain_save_image_get_xml_desc(VgCall *call, const remote_text_flags *a, VgDone done) {
    call->driver->save_image_xml(call->session, a->text, a->flags, done);
}

void vg_do_domain_save_image_define_xml(VgCall *call, const remote_domain_save_image_define_xml_args *a, VgDone done) {
    call->driver->save_image_define(call->session, a->file, a->dxml, a->flags, done);
}
