/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* place.c: which GPU, of the many. Asked by the engine; knows numbers only. */
#include "config.h"

#include "gpu/place.h"

#define TRIED_MOST 16
#define EFFORT_MOST 400000 /* offers looked at: a few milliseconds */

typedef struct {
    const VgRoom *room;
    const VgWant *wants;
    guint n;
    guint32 *picked;
    guint depth; /* wants that have a GPU */
    guint effort;
    guint64 touched[VG_PLACE_MOST + 1]; /* at each depth: a bit for each picked GPU, by its number modulo 64 */
} Search;

/* What a GPU is like to the search; two alike ones lead to the same end. */
typedef struct {
    guint32 used, size, kind, group, model;
} Look;

const VgRoomOffer *vg_place_offer(const VgRoom *room, guint32 gpu, guint32 type) {
    const VgRoomType *t = &room->types[type];
    guint32 low = 0, high = t->n_offers;
    while (low < high) {
        guint32 mid = low + (high - low) / 2;
        if (t->offers[mid].gpu < gpu)
            low = mid + 1;
        else
            high = mid;
    }
    return low < t->n_offers && t->offers[low].gpu == gpu ? &t->offers[low] : NULL;
}

static VgFit fit(const VgRoomGpu *gpu, const VgRoomOffer *offer, guint32 kind) {
    if (offer == NULL)
        return VG_FIT_UNSUPPORTED;
    if (!offer->usable)
        return VG_FIT_UNUSABLE;
    if (!offer->enabled)
        return VG_FIT_DISABLED;
    if (gpu->kind != VG_PLACE_NOTHING && gpu->kind != kind)
        return VG_FIT_INCOMPATIBLE;
    return gpu->used <= gpu->size && gpu->size - gpu->used >= offer->units ? VG_FIT_OK : VG_FIT_FULL;
}

VgFit vg_place_fit(const VgRoom *room, guint32 gpu, guint32 type) {
    return fit(&room->gpus[gpu], vg_place_offer(room, gpu, type), room->types[type].kind);
}

guint32 vg_place_capacity(const VgRoom *room, guint32 gpu, guint32 type) {
    const VgRoomOffer *offer = vg_place_offer(room, gpu, type);
    if (fit(&room->gpus[gpu], offer, room->types[type].kind) != VG_FIT_OK)
        return 0;
    return (room->gpus[gpu].size - room->gpus[gpu].used) / offer->units;
}

guint32 vg_room_take(VgRoom *room, guint32 gpu, guint32 type) {
    VgRoomGpu *g = &room->gpus[gpu];
    const VgRoomOffer *offer = vg_place_offer(room, gpu, type);
    /* What runs there although the GPU does not offer it (any more) leaves room for nothing else. */
    guint32 units = offer != NULL ? offer->units : g->size;
    g->used += units;
    g->count++;
    g->kind = room->types[type].kind;
    return units;
}

void vg_room_give(VgRoom *room, guint32 gpu, guint32 units) {
    VgRoomGpu *g = &room->gpus[gpu];
    g->used -= units;
    if (--g->count == 0)
        g->kind = VG_PLACE_NOTHING;
}

/* --- searching ---------------------------------------------------------------------------------------------------- */

static gboolean in_scope(const VgWant *want, const VgRoomGpu *gpus, guint32 gpu) {
    return (want->gpu == VG_PLACE_ANY || want->gpu == gpu) &&
           (want->group == VG_PLACE_ANY || want->group == gpus[gpu].group);
}

/* The GPU as it is after what this search has given away so far. */
static VgRoomGpu seen_by(const Search *s, guint32 gpu) {
    VgRoomGpu g = s->room->gpus[gpu];
    for (guint i = 0; i < s->depth; i++)
        if (s->picked[i] == gpu) {
            g.used += vg_place_offer(s->room, gpu, s->wants[i].type)->units;
            g.kind = s->room->types[s->wants[i].type].kind;
        }
    return g;
}

static VgPolicy policy_of(const VgRoom *room, const VgWant *want) {
    if (want->group != VG_PLACE_ANY)
        return room->policies[want->group];
    const VgRoomType *t = &room->types[want->type];
    for (guint32 i = 0; i < t->n_offers; i++)
        if (t->offers[i].usable && t->offers[i].enabled && in_scope(want, room->gpus, t->offers[i].gpu))
            return room->policies[room->gpus[t->offers[i].gpu].group];
    return VG_POLICY_DEPTH_FIRST;
}

/* Lower is better: what the policy says of the room left, then the GPU's number. */
static inline guint64 rank(VgPolicy policy, const VgRoomGpu *g, guint32 units, guint32 gpu) {
    guint32 left = (g->size - g->used) / units;
    return (guint64)(policy == VG_POLICY_BREADTH_FIRST ? G_MAXUINT32 - left : left) << 32 | gpu;
}

/* The best GPU for @want that ranks after @after (0: from the start). G_MAXUINT64: none. */
static guint64 next_best(Search *s, const VgWant *want, VgPolicy policy, guint64 after) {
    const VgRoomType *t = &s->room->types[want->type];
    const VgRoomGpu *gpus = s->room->gpus;
    guint64 best = G_MAXUINT64;
    s->effort += t->n_offers;
    for (guint32 i = 0; i < t->n_offers; i++) {
        const VgRoomOffer *o = &t->offers[i];
        if (!o->usable || !o->enabled || !in_scope(want, gpus, o->gpu))
            continue;
        const VgRoomGpu *g = &gpus[o->gpu];
        VgRoomGpu changed;
        if (s->touched[s->depth] >> (o->gpu % 64) & 1) {
            changed = seen_by(s, o->gpu);
            g = &changed;
        }
        if (fit(g, o, t->kind) != VG_FIT_OK)
            continue;
        guint64 r = rank(policy, g, o->units, o->gpu);
        if (r >= after && r < best)
            best = r;
    }
    return best;
}

static gboolean pinned_later(const Search *s, guint32 gpu) {
    for (guint i = s->depth + 1; i < s->n; i++)
        if (s->wants[i].gpu == gpu)
            return TRUE;
    return FALSE;
}

static gboolean look_equal(const Look *a, const Look *b) {
    return a->used == b->used && a->size == b->size && a->kind == b->kind && a->group == b->group &&
           a->model == b->model;
}

/* TRUE if a GPU just like this one was tried at this depth and led nowhere; otherwise notes it. */
static gboolean tried_alike(const Search *s, guint32 gpu, Look tried[TRIED_MOST], guint *n_tried) {
    if (pinned_later(s, gpu))
        return FALSE;
    VgRoomGpu g = seen_by(s, gpu);
    Look look = {g.used, g.size, g.kind, g.group, g.model};
    for (guint i = 0; i < *n_tried; i++)
        if (look_equal(&tried[i], &look))
            return TRUE;
    if (*n_tried < TRIED_MOST)
        tried[(*n_tried)++] = look;
    return FALSE;
}

static gboolean search(Search *s) {
    if (s->depth == s->n)
        return TRUE;
    const VgWant *want = &s->wants[s->depth];
    VgPolicy policy = policy_of(s->room, want);
    Look tried[TRIED_MOST];
    guint n_tried = 0;
    guint64 best = next_best(s, want, policy, 0);
    while (best != G_MAXUINT64 && s->effort < EFFORT_MOST) {
        guint32 gpu = (guint32)best;
        if (!tried_alike(s, gpu, tried, &n_tried)) {
            s->touched[s->depth + 1] = s->touched[s->depth] | G_GUINT64_CONSTANT(1) << (gpu % 64);
            s->picked[s->depth++] = gpu;
            if (search(s))
                return TRUE;
            s->depth--;
        }
        best = next_best(s, want, policy, best + 1);
    }
    return FALSE;
}

/* Is there, for wants that are alike, enough room in all? Answers at once what the search would only find out by trying
 * everything. */
static gboolean enough(const VgRoom *room, const VgWant *wants, guint n) {
    for (guint i = 0; i < n; i++) {
        guint32 alike = 0, before = 0;
        for (guint j = 0; j < n; j++)
            if (wants[j].type == wants[i].type && wants[j].group == wants[i].group && wants[j].gpu == wants[i].gpu) {
                alike++;
                before += j < i ? 1 : 0;
            }
        if (before > 0)
            continue;
        const VgRoomType *t = &room->types[wants[i].type];
        guint64 left = 0;
        for (guint32 k = 0; k < t->n_offers && left < alike; k++) {
            const VgRoomGpu *g = &room->gpus[t->offers[k].gpu];
            if (in_scope(&wants[i], room->gpus, t->offers[k].gpu) && fit(g, &t->offers[k], t->kind) == VG_FIT_OK)
                left += (g->size - g->used) / t->offers[k].units;
        }
        if (left < alike)
            return FALSE;
    }
    return TRUE;
}

gboolean vg_place(const VgRoom *room, const VgWant *wants, guint n, guint32 *picked) {
    if (n > VG_PLACE_MOST || (n > 1 && !enough(room, wants, n)))
        return FALSE;
    Search s = {.room = room, .wants = wants, .n = n, .picked = picked, .touched = {0}};
    return search(&s);
}
