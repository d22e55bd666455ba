/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* query.c: what is known of domains, answered at once from what the main loop holds. */
#include "driver/query.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "base/i18n.h"
#include "driver/affect.h"
#include "driver/run.h"

gboolean vg_flags_known(guint flags, guint known, const char *call, GError **error) {
    if (!(flags & ~known))
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("unsupported flags (0x%x) in %s"), flags & ~known, call);
    return FALSE;
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

/* libvirt's filters are groups: a domain must match one bit of each group that is asked for. */
typedef struct {
    guint flag;
    gboolean (*match)(const VgDom *dom);
} Filter;

static gboolean is_active(const VgDom *dom) {
    return vg_is_live(dom);
}
static gboolean is_inactive(const VgDom *dom) {
    return !vg_is_live(dom);
}
static gboolean is_persistent(const VgDom *dom) {
    return dom->life.persistent;
}
static gboolean is_transient(const VgDom *dom) {
    return !dom->life.persistent;
}
static gboolean is_running(const VgDom *dom) {
    return vg_life_state(&dom->life, NULL) == VIR_DOMAIN_RUNNING;
}
static gboolean is_paused(const VgDom *dom) {
    return vg_life_state(&dom->life, NULL) == VIR_DOMAIN_PAUSED;
}
static gboolean is_shutoff(const VgDom *dom) {
    return vg_life_state(&dom->life, NULL) == VIR_DOMAIN_SHUTOFF;
}
static gboolean is_other(const VgDom *dom) {
    return !is_running(dom) && !is_paused(dom) && !is_shutoff(dom);
}
static gboolean has_autostart(const VgDom *dom) {
    return dom->autostart != 0;
}
static gboolean no_autostart(const VgDom *dom) {
    return !dom->autostart;
}
static gboolean is_saved(const VgDom *dom) {
    return dom->saved;
}
static gboolean is_not_saved(const VgDom *dom) {
    return !dom->saved;
}
static gboolean never(const VgDom *dom) {
    return FALSE;
}
static gboolean always(const VgDom *dom) {
    return TRUE;
}

static const Filter filters[][4] = {
    {{VIR_CONNECT_LIST_DOMAINS_ACTIVE, is_active}, {VIR_CONNECT_LIST_DOMAINS_INACTIVE, is_inactive}},
    {{VIR_CONNECT_LIST_DOMAINS_PERSISTENT, is_persistent}, {VIR_CONNECT_LIST_DOMAINS_TRANSIENT, is_transient}},
    {{VIR_CONNECT_LIST_DOMAINS_RUNNING, is_running},
     {VIR_CONNECT_LIST_DOMAINS_PAUSED, is_paused},
     {VIR_CONNECT_LIST_DOMAINS_SHUTOFF, is_shutoff},
     {VIR_CONNECT_LIST_DOMAINS_OTHER, is_other}},
    {{VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, is_saved}, {VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, is_not_saved}},
    {{VIR_CONNECT_LIST_DOMAINS_AUTOSTART, has_autostart}, {VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, no_autostart}},
    {{VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, never}, {VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT, always}},
    {{VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, never}, {VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT, always}},
};

guint vg_filter_narrowing(guint flags) {
    for (gsize g = 0; g < G_N_ELEMENTS(filters); g++) {
        guint all = 0;
        for (gsize i = 0; i < G_N_ELEMENTS(filters[g]); i++)
            all |= filters[g][i].flag;
        if ((flags & all) == all)
            flags &= ~all;
    }
    return flags;
}

gboolean vg_filter_passes(const VgDom *dom, guint flags) {
    if (!flags)
        return TRUE;
    for (gsize g = 0; g < G_N_ELEMENTS(filters); g++) {
        guint asked = 0;
        gboolean match = FALSE;
        for (gsize i = 0; i < G_N_ELEMENTS(filters[g]) && filters[g][i].match; i++) {
            asked |= flags & filters[g][i].flag;
            match = match || (flags & filters[g][i].flag && filters[g][i].match(dom));
        }
        if (asked && !match)
            return FALSE;
    }
    return TRUE;
}

static void fill_ref(const VgDom *dom, VgDomRef *ret) {
    *ret = (VgDomRef){.name = g_strdup(dom->name), .uuid = dom->uuid, .id = vg_dom_id(dom)};
}

gboolean vg_list(VgSession *session, guint flags, VgDomRef **ret, gsize *ret_n, GError **error) {
    VgDoms *doms = &session->hub->doms;
    if (!vg_flags_known(flags, VG_FILTER_ALL, "virConnectListAllDomains", error))
        return FALSE;
    flags = vg_filter_narrowing(flags);
    VgDomRef *refs = g_new(VgDomRef, g_hash_table_size(doms->by_uuid) + 1);
    gsize n = 0;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, doms->by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgDom *dom = value;
        if (!dom->hidden && vg_filter_passes(dom, flags))
            fill_ref(dom, &refs[n++]);
    }
    *ret = refs;
    *ret_n = n;
    return TRUE;
}

static gboolean found(const VgDom *dom, VgDomRef *ret) {
    if (!dom || dom->hidden)
        return FALSE;
    fill_ref(dom, ret);
    return TRUE;
}

gboolean vg_lookup_id(VgSession *session, int id, VgDomRef *ret, GError **error) {
    if (found(id < 0 ? NULL : vg_doms_find_id(&session->hub->doms, id), ret))
        return TRUE;
    vg_set_error(error, VG_ERR_NO_DOMAIN, _("no domain with matching id '%d'"), id);
    return FALSE;
}

gboolean vg_lookup_uuid(VgSession *session, const VgUuid *uuid, VgDomRef *ret, GError **error) {
    const VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    return dom && found(dom, ret);
}

gboolean vg_lookup_name(VgSession *session, const char *name, VgDomRef *ret, GError **error) {
    if (found(vg_doms_find_name(&session->hub->doms, name), ret))
        return TRUE;
    vg_set_error(error, VG_ERR_NO_DOMAIN, _("no domain with matching name '%s'"), name);
    return FALSE;
}

/* --- XML ---------------------------------------------------------------------------------------------------------- */

/* The stored text is what VG_XML_SECURE | VG_XML_INACTIVE gives; without a password in it the other ways look the
 * same. */
static char *inactive_xml(const VgDom *dom, guint flags, GError **error) {
    gboolean as_stored = !(flags & VG_XML_MIGRATABLE) && (flags & VG_XML_SECURE || !strstr(dom->xml, " passwd"));
    if (as_stored)
        return g_strdup(dom->xml);
    g_autoptr(VgDomain) def = vg_dom_parse(dom, error);
    return def ? vg_domain_format(def, flags | VG_XML_INACTIVE) : NULL;
}

char *vg_xml(VgSession *session, const VgUuid *uuid, guint flags, GError **error) {
    const guint known = VG_XML_SECURE | VG_XML_INACTIVE | VG_XML_UPDATE_CPU | VG_XML_MIGRATABLE;
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, known, "virDomainGetXMLDesc", error))
        return NULL;
    if (flags & VG_XML_SECURE && session->read_only) {
        vg_set_error(error, VG_ERR_OPERATION_DENIED, _("a read-only connection is not shown secrets"));
        return NULL;
    }
    if (vg_is_live(dom) && !(flags & VG_XML_INACTIVE))
        return vg_domain_format(dom->run->def, flags);
    return inactive_xml(dom, flags, error);
}

/* --- one answer each ---------------------------------------------------------------------------------------------- */

gboolean vg_state(VgSession *session, const VgUuid *uuid, guint flags, int *ret_state, int *ret_reason,
                  GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, 0, "virDomainGetState", error))
        return FALSE;
    if (dom->run && dom->run->foreign)
        vg_figures_want(session->hub);
    *ret_state = vg_life_state(&dom->life, ret_reason);
    return TRUE;
}

char *vg_os_type(VgSession *session, const VgUuid *uuid, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    return dom ? g_strdup(vg_names_name(&vg_os_names, vg_facts_of(dom).os_type)) : NULL;
}

gboolean vg_is_active(VgSession *session, const VgUuid *uuid, gboolean *ret, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (dom)
        *ret = vg_is_live(dom);
    return dom != NULL;
}

gboolean vg_is_persistent(VgSession *session, const VgUuid *uuid, gboolean *ret, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (dom)
        *ret = dom->life.persistent;
    return dom != NULL;
}

gboolean vg_is_updated(VgSession *session, const VgUuid *uuid, gboolean *ret, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (dom)
        *ret = dom->updated ? TRUE : FALSE;
    return dom != NULL;
}

gboolean vg_has_managed_save(VgSession *session, const VgUuid *uuid, guint flags, gboolean *ret, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, 0, "virDomainHasManagedSaveImage", error))
        return FALSE;
    *ret = dom->saved;
    return TRUE;
}

gboolean vg_get_autostart(VgSession *session, const VgUuid *uuid, gboolean *ret, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (dom)
        *ret = dom->autostart ? TRUE : FALSE;
    return dom != NULL;
}

gboolean vg_snapshot_num(VgSession *session, const VgUuid *uuid, guint flags, int *ret, GError **error) {
    if (!vg_hub_dom(session->hub, uuid, error))
        return FALSE;
    *ret = 0;
    return TRUE;
}

/* A guest whose GPU is far from its memory runs all the same. */
static void add_far_gpus(const VgRun *run, GPtrArray *messages) {
    gsize n = 0;
    g_autofree VgPlace *places = vg_held_places(run, &n);
    for (gsize i = 0; i < MIN(n, run->n_requests); i++) {
        char addr[VG_PCIADDR_TEXT];
        if (run->requests[i].has_node && places[i].node >= 0 && (guint)places[i].node != run->requests[i].node)
            g_ptr_array_add(messages,
                            g_strdup_printf(_("a vGPU is on GPU %s, which is near NUMA node %d, but the vcpus are "
                                              "pinned to node %u: each access crosses nodes; no nearer GPU was free "
                                              "or asked for"),
                                            vg_pciaddr_format(&places[i].gpu, addr), places[i].node,
                                            run->requests[i].node));
    }
}

static char **messages_of(const VgRun *run) {
    char **inert = vg_domain_messages(run->def);
    GPtrArray *messages = g_ptr_array_new();
    for (char **m = inert; *m; m++)
        g_ptr_array_add(messages, *m);
    g_free(inert);
    add_far_gpus(run, messages);
    g_ptr_array_add(messages, NULL);
    return (char **)g_ptr_array_free(messages, FALSE);
}

/* What a start would be refused for, although the definition may stay as it is: another host may see it otherwise. */
static char **messages_of_def(VgDriverState *hub, const VgDomain *def) {
    char **inert = vg_domain_messages(def);
    gsize n = 0;
    VgVgpuRequest *requests = vg_requests_of(&hub->info, def, &n);
    const char *fixed = NULL;
    for (gsize i = 0; i < n && def->current_memory < def->memory; i++)
        if (vg_gpus_fix_memory(hub->gpus, &requests[i]))
            fixed = requests[i].type_name ? requests[i].type_name : requests[i].type_id;
    if (fixed) {
        guint len = g_strv_length(inert);
        inert = g_renew(char *, inert, len + 2);
        inert[len] = g_strdup_printf(_("a vGPU of type %s needs the guest's memory to be fixed: it cannot be started "
                                       "until <currentMemory> is as large as <memory>"),
                                     fixed);
        inert[len + 1] = NULL;
    }
    vg_requests_free(requests, n);
    return inert;
}

gboolean vg_messages(VgSession *session, const VgUuid *uuid, guint flags, char ***ret, GError **error) {
    const guint known = VIR_DOMAIN_MESSAGE_DEPRECATION | VIR_DOMAIN_MESSAGE_TAINTING;
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, known, "virDomainGetMessages", error))
        return FALSE;
    if (flags == VIR_DOMAIN_MESSAGE_DEPRECATION) {
        *ret = g_new0(char *, 1);
        return TRUE;
    }
    if (vg_is_live(dom)) {
        *ret = messages_of(dom->run);
        return TRUE;
    }
    g_autoptr(VgDomain) def = vg_dom_parse(dom, error);
    if (def)
        *ret = messages_of_def(session->hub, def);
    return def != NULL;
}
