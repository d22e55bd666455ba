/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domains.c: the list of domains, by UUID, name and id. */
#include "driver/domains.h"

#include "base/i18n.h"
#include "driver/run.h"

void vg_dom_facts_of(const VgDomain *def, VgDomFacts *ret) {
    *ret = (VgDomFacts){
        .max_mem_kib = def->memory,
        .mem_kib = def->current_memory,
        .vcpus = def->vcpu.current ? def->vcpu.current : def->vcpu.max,
        .max_vcpus = def->vcpu.max,
        .os_type = (guint8)def->os.type,
    };
    for (gsize i = 0; i < def->n_hostdevs; i++)
        if (def->hostdevs[i]->type == VG_HOSTDEV_VGPU)
            ret->vgpus = TRUE;
}

VgDom *vg_dom_new(const VgUuid *uuid, const char *name, gboolean persistent) {
    VgDom *dom = g_new0(VgDom, 1);
    dom->refs = 1;
    dom->uuid = *uuid;
    dom->name = g_strdup(name);
    vg_life_init(&dom->life, persistent);
    return dom;
}

VgDom *vg_dom_ref(VgDom *dom) {
    dom->refs++;
    return dom;
}

void vg_dom_unref(VgDom *dom) {
    if (!dom || --dom->refs > 0)
        return;
    vg_run_free(dom->run);
    vg_run_free(dom->leftover);
    g_clear_pointer(&dom->ops, g_queue_free);
    g_free(dom->name);
    g_free(dom->xml);
    g_free(dom);
}

static void drop_dom(gpointer data) {
    vg_dom_unref(data);
}

void vg_doms_init(VgDoms *doms) {
    doms->by_uuid = g_hash_table_new_full(vg_uuid_hash, vg_uuid_equal_ptr, NULL, drop_dom);
    doms->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    doms->by_id = g_hash_table_new(NULL, NULL);
    g_queue_init(&doms->leftovers);
}

static void drop_run(gpointer data) {
    vg_run_free(data);
}

void vg_doms_clear(VgDoms *doms) {
    g_queue_clear_full(&doms->leftovers, drop_run);
    g_clear_pointer(&doms->by_id, g_hash_table_unref);
    g_clear_pointer(&doms->by_name, g_hash_table_unref);
    g_clear_pointer(&doms->by_uuid, g_hash_table_unref);
}

VgDom *vg_doms_find(const VgDoms *doms, const VgUuid *uuid) {
    return g_hash_table_lookup(doms->by_uuid, uuid);
}

VgDom *vg_doms_find_name(const VgDoms *doms, const char *name) {
    return g_hash_table_lookup(doms->by_name, name);
}

VgDom *vg_doms_find_id(const VgDoms *doms, int id) {
    return g_hash_table_lookup(doms->by_id, GINT_TO_POINTER(id));
}

void vg_doms_add(VgDoms *doms, VgDom *dom) {
    g_hash_table_insert(doms->by_uuid, &dom->uuid, dom);
    g_hash_table_insert(doms->by_name, dom->name, dom);
}

VgDom *vg_doms_add_def(VgDoms *doms, const VgDomain *def, gboolean persistent) {
    VgDom *dom = vg_dom_new(&def->uuid, def->name, persistent);
    dom->xml = vg_domain_format(def, VG_XML_SECURE | VG_XML_INACTIVE);
    vg_dom_facts_of(def, &dom->facts);
    vg_doms_add(doms, dom);
    return dom;
}

void vg_doms_remove(VgDoms *doms, VgDom *dom) {
    if (dom->gone)
        return;
    vg_doms_set_id(doms, dom, -1);
    dom->gone = TRUE;
    if (dom->leftover)
        g_queue_push_tail(&doms->leftovers, g_steal_pointer(&dom->leftover));
    g_hash_table_remove(doms->by_name, dom->name);
    g_hash_table_remove(doms->by_uuid, &dom->uuid);
}

int vg_dom_id(const VgDom *dom) {
    return dom->run ? dom->run->id : -1;
}

void vg_doms_set_id(VgDoms *doms, VgDom *dom, int id) {
    if (!dom->run)
        return;
    if (dom->run->id >= 0)
        g_hash_table_remove(doms->by_id, GINT_TO_POINTER(dom->run->id));
    dom->run->id = id;
    if (id >= 0)
        g_hash_table_insert(doms->by_id, GINT_TO_POINTER(id), dom);
}

gboolean vg_doms_admit(const VgDoms *doms, const VgUuid *uuid, const char *name, VgDom **ret_known, GError **error) {
    char text[VG_UUID_TEXT];
    VgDom *dom = vg_doms_find(doms, uuid);
    *ret_known = NULL;
    if (dom && g_str_equal(dom->name, name)) {
        *ret_known = dom;
        return TRUE;
    }
    if (dom) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain '%s' is already defined with uuid %s"), dom->name,
                     vg_uuid_format(uuid, text));
        return FALSE;
    }
    dom = vg_doms_find_name(doms, name);
    if (dom) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain '%s' already exists with uuid %s"), name,
                     vg_uuid_format(&dom->uuid, text));
        return FALSE;
    }
    return TRUE;
}

VgDomain *vg_dom_parse(const VgDom *dom, GError **error) {
    return vg_domain_parse(dom->xml, VG_XML_INACTIVE, error);
}
