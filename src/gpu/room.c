/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* room.c: builds placement's picture from inventory, settings, claims and what others made, and keeps it. */
#include "config.h"

#include <string.h>

#include "gpu/engine.h"

static gboolean offers_equal(const VgGpu *a, const VgGpu *b) {
    if (a->offers->len != b->offers->len || a->on_vfs != b->on_vfs || vg_gpu_usable_vfs(a) != vg_gpu_usable_vfs(b) ||
        (a->why_not == NULL) != (b->why_not == NULL) || (a->whole_why_not == NULL) != (b->whole_why_not == NULL))
        return FALSE;
    for (guint i = 0; i < a->offers->len; i++) {
        const VgGpuOffer *x = &g_array_index(a->offers, VgGpuOffer, i), *y = &g_array_index(b->offers, VgGpuOffer, i);
        if (x->type != y->type || x->max != y->max || x->enabled != y->enabled)
            return FALSE;
    }
    return TRUE;
}

/* The number of the first GPU that offers the same. Only models met so far are compared, and there are few. */
static guint32 model_of(const VgGpus *gpus, guint i, GArray *models) {
    for (guint k = 0; k < models->len; k++) {
        guint32 first = g_array_index(models, guint32, k);
        if (offers_equal(&gpus->inventory.gpus[first], &gpus->inventory.gpus[i]))
            return first;
    }
    guint32 self = i;
    g_array_append_val(models, self);
    return self;
}

gboolean vg_gpus_mode_suits(const VgGpu *gpu, const VgGpuOffer *offer) {
    const VgType *type = offer->type;
    if (offer->backend->id == VG_BACKEND_PASSTHROUGH)
        return TRUE;
    if (type->mig || gpu->mode == VG_MODE_MIG)
        return type->mig && gpu->mode == VG_MODE_MIG;
    /* In mixed-size mode there is no place for what has none. */
    return gpu->mode != VG_MODE_MIXED_SIZE || (type->placement_size > 0 && type->n_placement_ids > 0);
}

static void fill_offers(VgGpus *gpus) {
    VgRoom *room = &gpus->room;
    const VgInventory *inv = &gpus->inventory;
    for (guint i = 0; i < inv->n; i++)
        for (guint k = 0; k < inv->gpus[i].offers->len; k++)
            room->types[g_array_index(inv->gpus[i].offers, VgGpuOffer, k).type->index].n_offers++;
    for (guint t = 0; t < room->n_types; t++) {
        room->types[t].offers = g_new0(VgRoomOffer, room->types[t].n_offers);
        room->types[t].n_offers = 0;
    }
    for (guint i = 0; i < inv->n; i++)
        for (guint k = 0; k < inv->gpus[i].offers->len; k++) {
            const VgGpuOffer *o = &g_array_index(inv->gpus[i].offers, VgGpuOffer, k);
            VgRoomType *t = &room->types[o->type->index];
            gboolean usable = o->why_not == NULL && vg_gpus_mode_suits(&inv->gpus[i], o);
            t->offers[t->n_offers++] = (VgRoomOffer){.gpu = i,
                                                     .units = VG_UNITS / o->max,
                                                     .usable = usable,
                                                     .enabled = o->enabled,
                                                     .held = o->type->experimental && !gpus->settings->experimental};
        }
}

/* --- what may share a GPU ----------------------------------------------------------------------------------------- */

/* Types of series A, B and Q with framebuffers of one size may run side by side (the vendor's drivers 17 and later). */
static gboolean same_size(const VgType *a, const VgType *b) {
    static const char *const series[] = {"A", "B", "Q", NULL};
    return !a->mig && !b->mig && a->framebuffer_mib == b->framebuffer_mib && g_strv_contains(series, a->series) &&
           g_strv_contains(series, b->series);
}

static guint32 size_kind(const VgGpus *gpus, const VgType *type) {
    for (guint i = 0; i < type->index; i++)
        if (same_size(vg_types_nth(gpus->types, i), type))
            return i;
    return type->index;
}

static void fill_types(VgGpus *gpus) {
    VgRoom *room = &gpus->room;
    for (guint i = 0; i < room->n_types; i++) {
        const VgType *type = vg_types_nth(gpus->types, i);
        VgRoomType *t = &room->types[i];
        if (type->placement_size > 0 && type->n_placement_ids > 0)
            t->shape = (VgShape){(guint16)type->placement_size, (guint16)type->n_placement_ids, type->placement_ids};
        t->once = type->one_per_gpu;
        /* In slots, whatever still fits may go beside the others. */
        guint32 any = room->n_types;
        t->kinds[VG_MODE_ONE_TYPE] = i;
        t->kinds[VG_MODE_EQUAL_SIZE] = size_kind(gpus, type);
        t->kinds[VG_MODE_MIXED_SIZE] = t->shape.length > 0 ? any : i;
        t->kinds[VG_MODE_MIG] = type->mig ? any : i;
    }
}

/* The longest first; of one length, that with the fewest places. 0: they have the same places. */
static int shape_order(gconstpointer a, gconstpointer b) {
    const VgShape *x = a, *y = b;
    if (x->length != y->length)
        return (int)y->length - (int)x->length;
    return x->n_starts != y->n_starts ? (int)x->n_starts - (int)y->n_starts
                                      : memcmp(x->starts, y->starts, x->n_starts * sizeof *x->starts);
}

/*
 * The kinds of place that @gpu has, one of each; where they lie in the array is filled in later: it moves as it
 * grows.
 */
static guint add_shapes(VgGpus *gpus, const VgGpu *gpu, guint16 *ret_slots) {
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(VgShape));
    *ret_slots = 0;
    for (guint i = 0; i < gpu->offers->len; i++) {
        const VgGpuOffer *offer = &g_array_index(gpu->offers, VgGpuOffer, i);
        const VgShape *shape = &gpus->room.types[offer->type->index].shape;
        if (shape->length == 0 || !vg_gpus_mode_suits(gpu, offer))
            continue;
        gboolean known = FALSE;
        for (guint k = 0; k < found->len; k++)
            known = known || shape_order(&g_array_index(found, VgShape, k), shape) == 0;
        if (!known)
            g_array_append_vals(found, shape, 1);
        *ret_slots = MAX(*ret_slots, (guint16)(shape->starts[shape->n_starts - 1] + shape->length));
    }
    g_array_sort(found, shape_order);
    g_array_append_vals(gpus->shapes, found->data, found->len);
    return found->len;
}

static void fill_shapes(VgGpus *gpus) {
    VgRoom *room = &gpus->room;
    gpus->shapes = g_array_new(FALSE, FALSE, sizeof(VgShape));
    for (guint i = 0; i < room->n_gpus; i++)
        if (room->gpus[i].mode == VG_MODE_MIXED_SIZE || room->gpus[i].mode == VG_MODE_MIG)
            room->gpus[i].n_shapes = (guint16)add_shapes(gpus, &gpus->inventory.gpus[i], &room->gpus[i].slots);
    const VgShape *next = (const VgShape *)(const void *)gpus->shapes->data;
    for (guint i = 0; i < room->n_gpus; i++) {
        room->gpus[i].shapes = next;
        next += room->gpus[i].n_shapes;
    }
}

/* --- who may have how many ---------------------------------------------------------------------------------------- */

/* Those about groups and types that there are now. */
static void fill_quotas(VgGpus *gpus) {
    VgRoom *room = &gpus->room;
    room->quotas = g_new0(VgRoomQuota, gpus->settings->quotas->len + 1);
    for (guint i = 0; i < gpus->settings->quotas->len; i++) {
        const VgQuotaSetting *s = g_ptr_array_index(gpus->settings->quotas, i);
        VgRoomQuota q = {VG_PLACE_ANY, VG_PLACE_ANY, s->most, 0};
        const VgType *type = s->type != NULL ? vg_types_by_name(gpus->types, s->type) : NULL;
        for (guint g = 0; s->group != NULL && g < gpus->groups->len; g++)
            if (strcmp(g_array_index(gpus->groups, VgGpuGroup, g).name, s->group) == 0)
                q.group = g;
        if (type != NULL)
            q.type = type->index;
        if ((s->group == NULL || q.group != VG_PLACE_ANY) && (s->type == NULL || type != NULL))
            room->quotas[room->n_quotas++] = q;
    }
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void fill_gpus(VgGpus *gpus) {
    VgRoom *room = &gpus->room;
    g_autoptr(GArray) models = g_array_new(FALSE, FALSE, sizeof(guint32));
    room->n_gpus = gpus->inventory.n;
    room->gpus = g_new0(VgRoomGpu, room->n_gpus + 1);
    for (guint i = 0; i < room->n_gpus; i++) {
        const VgGpu *g = &gpus->inventory.gpus[i];
        room->gpus[i] = (VgRoomGpu){.size = VG_UNITS,
                                    .kind = VG_PLACE_NOTHING,
                                    .group = g->group,
                                    .mode = g->mode,
                                    .most = g->on_vfs ? vg_gpu_usable_vfs(g) : 0,
                                    .closed = g->closed != VG_GPU_OPEN,
                                    .node = g->record.numa_node >= 0 ? (guint32)g->record.numa_node : VG_PLACE_ANY,
                                    .model = model_of(gpus, i, models)};
    }
}

static void take_foreign(VgGpus *gpus) {
    for (guint i = 0; i < gpus->foreign->len; i++) {
        const VgKernelVgpu *v = &g_array_index(gpus->foreign, VgKernelVgpu, i);
        VgRoomGpu *g = &gpus->room.gpus[v->gpu];
        if (v->type != NULL)
            vg_room_take(&gpus->room, v->gpu, v->type->index, v->start);
        else { /* nobody knows what it takes */
            g->used += g->size;
            g->count++;
        }
    }
}

void vg_gpus_room_enter(VgClaim *claim) {
    VgRoom *room = &claim->gpus->room;
    for (gsize i = 0; i < claim->n; i++) {
        VgPlaceInside *in = &claim->insides[i];
        int start = claim->places[i].start;
        if (in->gpu == VG_PLACE_ANY)
            continue;
        in->hold = vg_room_take(room, in->gpu, in->type->index, start >= 0 ? (guint16)start : VG_NO_START);
        for (char **key = in->bonds; key != NULL && *key != NULL; key++) {
            guint32 bond = vg_gpus_bond(claim->gpus, *key);
            if (bond != VG_PLACE_ANY)
                vg_room_join(room, in->gpu, bond);
        }
    }
}

void vg_gpus_room_leave(VgClaim *claim) {
    VgRoom *room = &claim->gpus->room;
    for (gsize i = 0; i < claim->n; i++) {
        const VgPlaceInside *in = &claim->insides[i];
        if (in->gpu == VG_PLACE_ANY)
            continue;
        vg_room_give(room, in->gpu, in->type->index, in->hold);
        for (char **key = in->bonds; key != NULL && *key != NULL; key++) {
            guint32 bond = vg_gpus_bond(claim->gpus, *key);
            if (bond != VG_PLACE_ANY)
                vg_room_part(room, in->gpu, bond);
        }
    }
}

void vg_gpus_room_build(VgGpus *gpus) {
    VgRoom *room = &gpus->room;
    gpus->policies = g_new0(VgPolicy, gpus->groups->len + 1);
    for (guint i = 0; i < gpus->groups->len; i++)
        gpus->policies[i] = g_array_index(gpus->groups, VgGpuGroup, i).policy;
    room->policies = gpus->policies;
    fill_gpus(gpus);
    room->n_types = vg_types_count(gpus->types);
    room->types = g_new0(VgRoomType, room->n_types + 1);
    fill_types(gpus);
    fill_offers(gpus);
    fill_shapes(gpus);
    fill_quotas(gpus);
    gpus->bond_keys = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < gpus->claims->len; i++)
        vg_gpus_room_enter(g_ptr_array_index(gpus->claims, i));
    take_foreign(gpus);
}

void vg_gpus_room_free(VgGpus *gpus) {
    for (guint i = 0; i < gpus->room.n_types; i++)
        g_free(gpus->room.types[i].offers);
    g_free(gpus->room.types);
    g_free(gpus->room.gpus);
    g_free(gpus->room.quotas);
    for (guint i = 0; i < gpus->room.n_bonds; i++)
        g_free(gpus->room.bonds[i].on);
    g_free(gpus->room.bonds);
    g_clear_pointer(&gpus->bond_keys, g_ptr_array_unref);
    g_clear_pointer(&gpus->shapes, g_array_unref);
    g_clear_pointer(&gpus->policies, g_free);
    gpus->room = (VgRoom){0};
}
