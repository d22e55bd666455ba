/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gpus_json.c: the engine as documents and views: docs/grid-protocol.md names every member, in this order. Changes
 * nothing.
 */
#include "config.h"

#include "base/i18n.h"
#include "gpu/engine.h"

static void set_hex(VgJson *o, const char *name, guint value) {
    char text[8];
    g_snprintf(text, sizeof text, "%04x", value & 0xffff);
    vg_json_set_string(o, name, text);
}

static const VgGpuGroup *group_of(const VgGpus *gpus, guint gpu) {
    return &g_array_index(gpus->groups, VgGpuGroup, gpus->room.gpus[gpu].group);
}

/*
 * How many vGPUs of @type are on @gpu (type NULL: of any). Where one type runs at a time, the picture that placement
 * has is enough.
 */
static guint count_on(const VgGpus *gpus, guint gpu, const VgType *type) {
    const VgRoomGpu *g = &gpus->room.gpus[gpu];
    if (type == NULL || g->count == 0)
        return g->count;
    if (g->mode == VG_MODE_ONE_TYPE)
        return g->kind == gpus->room.types[type->index].kinds[VG_MODE_ONE_TYPE] ? g->count : 0;
    guint n = 0;
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++)
            n += c->insides[k].gpu == gpu && c->insides[k].type == type ? 1 : 0;
    }
    for (guint i = 0; i < gpus->foreign->len; i++) {
        const VgKernelVgpu *v = &g_array_index(gpus->foreign, VgKernelVgpu, i);
        n += v->gpu == gpu && v->type == type ? 1 : 0;
    }
    return n;
}

/* --- gpus --------------------------------------------------------------------------------------------------------- */

static VgJson *gpu_types(const VgGpus *gpus, guint i) {
    const VgGpu *g = &gpus->inventory.gpus[i];
    VgJson *list = vg_json_new_array();
    for (guint k = 0; k < g->offers->len; k++) {
        const VgGpuOffer *offer = &g_array_index(g->offers, VgGpuOffer, k);
        VgJson *o = vg_json_append(list, vg_json_new_object());
        vg_json_set_string(o, "name", offer->type->name);
        vg_json_set_string(o, "id", offer->type->id);
        vg_json_set_bool(o, "enabled", offer->enabled);
        vg_json_set_int(o, "max", offer->max);
        vg_json_set_int(o, "running", count_on(gpus, i, offer->type));
        vg_json_set_int(o, "available", vg_place_capacity(&gpus->room, i, offer->type->index));
    }
    return list;
}

/* Where each vGPU can come and go, a guest has a claim for each. */
static gboolean is_listed(const VgJson *list, const VgClaim *c) {
    gboolean one_each =
        c->n == 1 && (c->places[0].backend == VG_BACKEND_SRIOV || c->places[0].backend == VG_BACKEND_PASSTHROUGH);
    for (gsize i = 0; one_each && i < vg_json_length(list); i++)
        if (g_strcmp0(vg_json_string(vg_json_at(list, i)), c->owner_name) == 0)
            return TRUE;
    return FALSE;
}

/* In one pass: there may be thousands of both. */
VgJson **vg_gpus_json_guests(const VgGpus *gpus) {
    VgJson **lists = g_new0(VgJson *, gpus->inventory.n + 1);
    g_autofree const VgClaim **last = g_new0(const VgClaim *, gpus->inventory.n + 1);
    for (guint i = 0; i < gpus->inventory.n; i++)
        lists[i] = vg_json_new_array();
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++) {
            guint gpu = c->insides[k].gpu;
            if (gpu == VG_PLACE_ANY || last[gpu] == c)
                continue;
            last[gpu] = c;
            if (!is_listed(lists[gpu], c))
                vg_json_append(lists[gpu], vg_json_new_string(c->owner_name));
        }
    }
    return lists;
}

static VgJson *gpu_document(const VgGpus *gpus, guint i, VgJson *guests) {
    const VgGpu *g = &gpus->inventory.gpus[i];
    const VgGpuRecord *r = &g->record;
    VgJson *o = vg_json_new_object();
    vg_json_set_string(o, "address", g->text);
    vg_json_set_string(o, "model", g->model);
    set_hex(o, "vendor", r->vendor);
    set_hex(o, "device", r->device);
    set_hex(o, "subvendor", r->subvendor);
    set_hex(o, "subdevice", r->subdevice);
    vg_json_set_string(o, "vendor_name", r->vendor_name);
    vg_json_set_string(o, "device_name", r->device_name);
    vg_json_set_string(o, "driver", r->driver);
    vg_json_set_int(o, "numa_node", r->numa_node);
    vg_json_set_int(o, "iommu_group", r->iommu_group);
    vg_json_set_bool(o, "boot_display", r->boot_display);
    if (g->board != NULL)
        vg_json_set_int(o, "framebuffer_mib", g->board->framebuffer_mib);
    vg_json_set_string(o, "identity", r->identity);
    vg_json_set_string(o, "group", group_of(gpus, i)->name);
    vg_json_set_string(o, "mode", vg_names_name(&vg_gpu_mode_names, (int)g->mode));
    vg_json_set_string(o, "closed",
                       g->closed != VG_GPU_OPEN ? vg_names_name(&vg_gpu_closed_names, (int)g->closed) : NULL);
    vg_json_set_string(o, "closed_reason", g->closed_why);
    vg_json_set_string(o, "after_force_stop", vg_names_name(&vg_gpu_forced_names, (int)g->forced));
    vg_json_set_string(o, "backend", g->backend != NULL ? g->backend->name : NULL);
    vg_json_set_bool(o, "usable", g->backend != NULL && g->why_not == NULL);
    vg_json_set_string(
        o, "reason", g->backend == NULL ? _("neither the kernel nor the catalogue has vGPU types for it") : g->why_not);
    vg_json_set_int(o, "units", gpus->room.gpus[i].size);
    vg_json_set_int(o, "used_units", MIN(gpus->room.gpus[i].used, gpus->room.gpus[i].size));
    vg_json_set_int(o, "vgpus", count_on(gpus, i, NULL));
    vg_json_set(o, "guests", guests);
    vg_json_set(o, "types", gpu_types(gpus, i));
    return o;
}

VgJson *vg_gpus_json_gpus(VgGpus *gpus) {
    VgJson *o = vg_json_new_object();
    VgJson *list = vg_json_set(o, "gpus", vg_json_new_array());
    g_autofree VgJson **guests = vg_gpus_json_guests(gpus);
    for (guint i = 0; i < gpus->inventory.n; i++)
        vg_json_append(list, gpu_document(gpus, i, guests[i]));
    VgJson *problems = vg_json_set(o, "problems", vg_json_new_array());
    if (gpus->vendor_problem != NULL) {
        VgJson *problem = vg_json_append(problems, vg_json_new_object());
        vg_json_set_string(problem, "about", gpus->vendor);
        vg_json_set_string(problem, "text", gpus->vendor_problem);
    }
    return o;
}

/* --- types -------------------------------------------------------------------------------------------------------- */

static VgJson *type_document(const VgGpus *gpus, const VgType *t) {
    const VgRoomType *room = &gpus->room.types[t->index];
    VgJson *o = vg_json_new_object();
    vg_json_set_string(o, "name", t->name);
    vg_json_set_string(o, "id", t->id);
    vg_json_set_string(o, "series", t->series);
    vg_json_set_string(o, "backing", t->mig ? "mig" : "time-sliced");
    if (t->slices > 0)
        vg_json_set_int(o, "slices", t->slices);
    static const char *const sources[] = {"catalogue", "vendor", "kernel"};
    vg_json_set_string(o, "source", sources[t->source]);
    vg_json_set_bool(o, "experimental", t->experimental);
    vg_json_set_int(o, "framebuffer_mib", t->framebuffer_mib);
    if (t->usable_bytes > 0)
        vg_json_set_int(o, "usable_bytes", (gint64)t->usable_bytes);
    vg_json_set_int(o, "heads", t->heads);
    VgJson *resolution = vg_json_set(o, "resolution", vg_json_new_array());
    vg_json_append(resolution, vg_json_new_int(t->width));
    vg_json_append(resolution, vg_json_new_int(t->height));
    if (t->frame_rate_limit > 0)
        vg_json_set_int(o, "frame_rate_limit", t->frame_rate_limit);
    vg_json_set_bool(o, "several_per_guest", !t->one_per_guest);
    if (t->pci != NULL)
        vg_json_set_string(o, "pci", t->pci);
    if (t->pci_subsystem != NULL)
        vg_json_set_string(o, "pci_subsystem", t->pci_subsystem);
    vg_json_set_int(o, "max_per_gpu", t->max);
    VgJson *list = vg_json_set(o, "gpus", vg_json_new_array());
    for (guint i = 0; i < room->n_offers; i++) {
        vg_json_append(list, vg_json_new_string(gpus->inventory.gpus[room->offers[i].gpu].text));
    }
    vg_json_set_int(o, "available", (gint64)vg_place_available(&gpus->room, gpus->groups->len, VG_PLACE_ANY, t->index));
    return o;
}

VgJson *vg_gpus_json_types(VgGpus *gpus) {
    VgJson *o = vg_json_new_object();
    VgJson *list = vg_json_set(o, "types", vg_json_new_array());
    for (guint i = 0; i < gpus->room.n_types; i++)
        if (gpus->room.types[i].n_offers > 0)
            vg_json_append(list, type_document(gpus, vg_types_nth(gpus->types, i)));
    VgJson *vendor = vg_json_set(o, "vendor", vg_json_new_object());
    vg_json_set_string(vendor, "path", gpus->vendor);
    vg_json_set_string(vendor, "problem", gpus->vendor_problem);
    return o;
}

/* --- vgpus -------------------------------------------------------------------------------------------------------- */

static VgJson *params_document(char **params) {
    VgJson *o = vg_json_new_object();
    for (char **p = params; p != NULL && p[0] != NULL && p[1] != NULL; p += 2)
        vg_json_set_string(o, p[0], p[1]);
    return o;
}

/* Borrows from what was told last. */
static GHashTable *sides_by_vgpu(const VgGpus *gpus) {
    GHashTable *table = g_hash_table_new(vg_uuid_hash, vg_uuid_equal_ptr);
    for (guint i = 0; gpus->sides != NULL && i < gpus->sides->len; i++) {
        VgGuestSide *side = &g_array_index(gpus->sides, VgGuestSide, i);
        g_hash_table_insert(table, &side->vgpu, side);
    }
    return table;
}

static void add_side(VgJson *o, const VgGuestSide *side) {
    if (side == NULL)
        return;
    vg_json_set_string(o, "guest_driver", side->driver);
    vg_json_set_string(o, "licence", side->licence);
}

VgJson *vg_gpus_json_vgpu(const VgClaim *c, gsize i) {
    char text[VG_UUID_TEXT], addr[VG_PCIADDR_TEXT];
    const VgPlace *p = &c->places[i];
    VgJson *o = vg_json_new_object();
    vg_json_set_string(o, "uuid", vg_uuid_format(&p->vgpu, text));
    vg_json_set_bool(o, "foreign", FALSE);
    if (vg_claim_is_node_device(c)) {
        vg_json_set_string(o, "node_device", c->owner_name);
        vg_json_set_string(o, "domain", c->user_name);
        vg_json_set_string(o, "domain_uuid", c->user_name != NULL ? vg_uuid_format(&c->user, text) : NULL);
    } else {
        vg_json_set_string(o, "domain", c->owner_name);
        vg_json_set_string(o, "domain_uuid", vg_uuid_format(&c->owner, text));
    }
    vg_json_set_string(o, "type", p->type_name);
    vg_json_set_string(o, "type_id", p->type_id);
    vg_json_set_string(o, "gpu", vg_pciaddr_format(&p->gpu, addr));
    vg_json_set_string(o, "vf", p->has_vf ? vg_pciaddr_format(&p->vf, addr) : NULL);
    vg_json_set_string(o, "backend", p->backend_name);
    if (p->start >= 0)
        vg_json_set_int(o, "placement", p->start);
    vg_json_set_int(o, "generation", (gint64)p->generation);
    vg_json_set_int(o, "guest_slot", c->insides[i].slot);
    vg_json_set_bool(o, "primary", c->insides[i].primary);
    vg_json_set(o, "params", params_document(c->insides[i].params));
    vg_json_set(o, "affinities", vg_gpus_json_affinities(c->insides[i].bonds));
    vg_json_set_string(o, "stuck", c->stuck);
    return o;
}

static VgJson *foreign_document(const VgGpus *gpus, const VgKernelVgpu *v) {
    char text[VG_UUID_TEXT], addr[VG_PCIADDR_TEXT];
    VgJson *o = vg_json_new_object();
    vg_json_set_string(o, "uuid", v->has_uuid ? vg_uuid_format(&v->uuid, text) : NULL);
    vg_json_set_bool(o, "foreign", TRUE);
    vg_json_set_string(o, "domain", NULL);
    vg_json_set_string(o, "domain_uuid", NULL);
    vg_json_set_string(o, "type", v->type != NULL ? v->type->name : NULL);
    vg_json_set_string(o, "type_id", v->type != NULL ? v->type->id : NULL);
    vg_json_set_string(o, "gpu", gpus->inventory.gpus[v->gpu].text);
    vg_json_set_string(o, "vf", v->has_vf ? vg_pciaddr_format(&v->vf, addr) : NULL);
    vg_json_set_string(o, "backend", gpus->inventory.gpus[v->gpu].backend->name);
    return o;
}

VgJson *vg_gpus_json_vgpus(VgGpus *gpus) {
    VgJson *o = vg_json_new_object();
    VgJson *list = vg_json_set(o, "vgpus", vg_json_new_array());
    g_autoptr(GHashTable) sides = sides_by_vgpu(gpus);
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++)
            add_side(vg_json_append(list, vg_gpus_json_vgpu(c, k)), g_hash_table_lookup(sides, &c->places[k].vgpu));
    }
    for (guint i = 0; i < gpus->foreign->len; i++)
        vg_json_append(list, foreign_document(gpus, &g_array_index(gpus->foreign, VgKernelVgpu, i)));
    return o;
}

/* --- capacity ----------------------------------------------------------------------------------------------------- */

/* A type in a group: what fits on its empty GPUs, runs, and still fits. NULL if no GPU of the group has it. */
static VgJson *capacity_document(const VgGpus *gpus, guint group, const VgType *type) {
    const VgRoomType *room = &gpus->room.types[type->index];
    guint64 max = 0, running = 0, on = 0, enabled = 0;
    for (guint i = 0; i < room->n_offers; i++) {
        guint gpu = room->offers[i].gpu;
        if (gpus->room.gpus[gpu].group != group)
            continue;
        on++;
        enabled += room->offers[i].enabled ? 1 : 0;
        max += VG_UNITS / room->offers[i].units;
        running += count_on(gpus, gpu, type);
    }
    if (on == 0)
        return NULL;
    VgJson *o = vg_json_new_object();
    vg_json_set_string(o, "name", type->name);
    vg_json_set_string(o, "id", type->id);
    vg_json_set_int(o, "gpus", (gint64)on);
    vg_json_set_int(o, "enabled_gpus", (gint64)enabled);
    vg_json_set_int(o, "max", (gint64)max);
    vg_json_set_int(o, "running", (gint64)running);
    vg_json_set_int(o, "available", (gint64)vg_place_available(&gpus->room, gpus->groups->len, group, type->index));
    return o;
}

/* Those that the administrator has set, also where no such group or type is now. */
static VgJson *quotas_document(const VgGpus *gpus) {
    VgJson *list = vg_json_new_array();
    for (guint i = 0; i < gpus->settings->quotas->len; i++) {
        const VgQuotaSetting *q = g_ptr_array_index(gpus->settings->quotas, i);
        VgJson *o = vg_json_append(list, vg_json_new_object());
        vg_json_set_string(o, "group", q->group);
        vg_json_set_string(o, "type", q->type);
        vg_json_set_int(o, "most", q->most);
    }
    return list;
}

VgJson *vg_gpus_json_capacity(VgGpus *gpus) {
    VgJson *o = vg_json_new_object();
    VgJson *groups = vg_json_set(o, "groups", vg_json_new_array());
    for (guint g = 0; g < gpus->groups->len; g++) {
        const VgGpuGroup *group = &g_array_index(gpus->groups, VgGpuGroup, g);
        VgJson *doc = vg_json_append(groups, vg_json_new_object());
        vg_json_set_string(doc, "name", group->name);
        vg_json_set_string(doc, "policy", vg_names_name(&vg_gpu_policy_names, (int)group->policy));
        vg_json_set_bool(doc, "default", !group->own);
        vg_json_set_bool(doc, "any_model", group->any_model);
        VgJson *members = vg_json_set(doc, "gpus", vg_json_new_array());
        for (guint i = 0; i < gpus->inventory.n; i++)
            if (gpus->room.gpus[i].group == g)
                vg_json_append(members, vg_json_new_string(gpus->inventory.gpus[i].text));
        VgJson *types = vg_json_set(doc, "types", vg_json_new_array());
        for (guint t = 0; t < gpus->room.n_types; t++) {
            VgJson *capacity = capacity_document(gpus, g, vg_types_nth(gpus->types, t));
            if (capacity != NULL)
                vg_json_append(types, capacity);
        }
    }
    vg_json_set(o, "quotas", quotas_document(gpus));
    return o;
}

/* --- views -------------------------------------------------------------------------------------------------------- */

gsize vg_gpus_count(VgGpus *gpus) {
    return gpus->inventory.n;
}

gboolean vg_gpus_view(VgGpus *gpus, gsize i, VgGpuView *ret) {
    if (i >= gpus->inventory.n)
        return FALSE;
    const VgGpu *g = &gpus->inventory.gpus[i];
    g_array_set_size(gpus->views, 0);
    for (guint k = 0; k < g->offers->len; k++) {
        const VgGpuOffer *offer = &g_array_index(g->offers, VgGpuOffer, k);
        if (offer->backend->id == VG_BACKEND_PASSTHROUGH)
            continue; /* no mediated device */
        VgGpuTypeView view = {offer->type->id, offer->type->name, offer->type->device_api,
                              vg_place_capacity(&gpus->room, (guint)i, offer->type->index), offer->max};
        g_array_append_val(gpus->views, view);
    }
    *ret = (VgGpuView){&g->record, (const VgGpuTypeView *)(const void *)gpus->views->data, gpus->views->len};
    return TRUE;
}
