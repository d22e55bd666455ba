/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* room.c: builds placement's picture from inventory and groups. */
#include "config.h"

#include "gpu/engine.h"

static gboolean offers_equal(const VgGpu *a, const VgGpu *b) {
    if (a->offers->len != b->offers->len || (a->why_not == NULL) != (b->why_not == NULL))
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
            t->offers[t->n_offers++] = (VgRoomOffer){i, VG_UNITS / o->max, inv->gpus[i].why_not == NULL, o->enabled};
        }
}

void vg_gpus_room_build(VgGpus *gpus) {
    VgRoom *room = &gpus->room;
    g_autoptr(GArray) models = g_array_new(FALSE, FALSE, sizeof(guint32));
    gpus->policies = g_new0(VgPolicy, gpus->groups->len + 1);
    for (guint i = 0; i < gpus->groups->len; i++)
        gpus->policies[i] = g_array_index(gpus->groups, VgGpuGroup, i).policy;
    room->policies = gpus->policies;
    room->n_gpus = gpus->inventory.n;
    room->gpus = g_new0(VgRoomGpu, room->n_gpus);
    for (guint i = 0; i < room->n_gpus; i++)
        room->gpus[i] = (VgRoomGpu){.size = VG_UNITS,
                                    .kind = VG_PLACE_NOTHING,
                                    .group = gpus->inventory.gpus[i].group,
                                    .model = model_of(gpus, i, models)};
    room->n_types = vg_types_count(gpus->types);
    room->types = g_new0(VgRoomType, room->n_types);
    for (guint i = 0; i < room->n_types; i++)
        room->types[i].kind = i;
    fill_offers(gpus);
}

void vg_gpus_room_free(VgGpus *gpus) {
    for (guint i = 0; i < gpus->room.n_types; i++)
        g_free(gpus->room.types[i].offers);
    g_free(gpus->room.types);
    g_free(gpus->room.gpus);
    g_free(gpus->policies);
}
