/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* place.c: which GPU, of the many. Asked by the engine; knows numbers only. */
#include "config.h"

#include "gpu/place.h"

#define TRIED_MOST 16
#define EFFORT_MOST 400000 /* offers looked at: a few milliseconds */
#define WORD 64

typedef struct {
    const VgRoom *room;
    const VgWant *wants;
    guint n;
    VgPick *picked;
    guint depth; /* wants that have a GPU */
    guint effort;
    guint64 touched[VG_PLACE_MOST + 1]; /* at each depth: a bit for each picked GPU, by its number modulo 64 */
} Search;

/* What a GPU is like to the search; two alike ones lead to the same end. */
typedef struct {
    VgSlots taken;
    guint32 used, size, kind, group, model, node, mode, once;
    VgSlots bonds; /* a bit for each bond of each want: has it a member here? */
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

/* --- slots -------------------------------------------------------------------------------------------------------- */

/* The bits of one word that a run of slots covers. */
static inline guint64 run_bits(guint start, guint length, guint word) {
    guint begin = MAX(start, word * WORD), end = MIN(start + length, (word + 1) * WORD);
    if (begin >= end)
        return 0;
    guint64 bits = end - begin == WORD ? G_MAXUINT64 : (G_GUINT64_CONSTANT(1) << (end - begin)) - 1;
    return bits << (begin - word * WORD);
}

static gboolean slots_free(const VgSlots *taken, guint start, guint length) {
    for (guint w = 0; w < G_N_ELEMENTS(taken->bits); w++)
        if (taken->bits[w] & run_bits(start, length, w))
            return FALSE;
    return TRUE;
}

static void slots_set(VgSlots *taken, guint start, guint length, gboolean on) {
    for (guint w = 0; w < G_N_ELEMENTS(taken->bits); w++)
        taken->bits[w] =
            on ? taken->bits[w] | run_bits(start, length, w) : taken->bits[w] & ~run_bits(start, length, w);
}

static guint free_starts(const VgSlots *taken, const VgShape *shape) {
    guint n = 0;
    for (guint i = 0; i < shape->n_starts; i++)
        n += slots_free(taken, shape->starts[i], shape->length) ? 1 : 0;
    return n;
}

static guint slots_left(const VgRoomGpu *gpu) {
    guint n = gpu->slots;
    for (guint w = 0; w < G_N_ELEMENTS(gpu->taken.bits); w++)
        n -= (guint)__builtin_popcountll(gpu->taken.bits[w]);
    return n;
}

/* Does @a leave more of the longest places than @b, then of the next? */
static gboolean leaves_more(const VgRoomGpu *gpu, const VgSlots *a, const VgSlots *b) {
    for (guint i = 0; i < gpu->n_shapes; i++) {
        guint x = free_starts(a, &gpu->shapes[i]), y = free_starts(b, &gpu->shapes[i]);
        if (x != y)
            return x > y;
    }
    return FALSE;
}

static guint16 best_start(const VgRoomGpu *gpu, const VgShape *shape) {
    guint16 best = VG_NO_START;
    VgSlots best_after = {{0}};
    for (guint i = 0; i < shape->n_starts; i++) {
        if (!slots_free(&gpu->taken, shape->starts[i], shape->length))
            continue;
        VgSlots after = gpu->taken;
        slots_set(&after, shape->starts[i], shape->length, TRUE);
        if (best == VG_NO_START || leaves_more(gpu, &after, &best_after)) {
            best = shape->starts[i];
            best_after = after;
        }
    }
    return best;
}

/* --- one GPU, one type -------------------------------------------------------------------------------------------- */

static inline gboolean has_slots(const VgRoomGpu *gpu) {
    return gpu->mode == VG_MODE_MIXED_SIZE || gpu->mode == VG_MODE_MIG;
}

static inline gboolean by_slots(const VgRoomGpu *gpu, const VgRoomType *type) {
    return has_slots(gpu) && type->shape.length > 0;
}

/* Where each vGPU needs a virtual function, their number counts as well. */
static inline guint32 functions_left(const VgRoomGpu *gpu) {
    return gpu->most == 0 ? G_MAXUINT32 : gpu->most - MIN(gpu->count, gpu->most);
}

static inline guint32 room_left(const VgRoomGpu *gpu, const VgRoomType *type, guint32 units) {
    guint32 left = gpu->used <= gpu->size ? (gpu->size - gpu->used) / units : 0;
    if (by_slots(gpu, type)) /* not if something is there that nobody can say where */
        left = gpu->used < gpu->size ? free_starts(&gpu->taken, &type->shape) : 0;
    left = MIN(left, functions_left(gpu));
    return type->once ? MIN(left, gpu->once == 0 ? 1 : 0) : left;
}

static inline VgFit allowed(const VgRoomGpu *gpu, const VgRoomOffer *offer) {
    if (!offer->usable)
        return VG_FIT_UNUSABLE;
    if (gpu->closed)
        return VG_FIT_CLOSED;
    if (offer->held)
        return VG_FIT_EXPERIMENTAL;
    return offer->enabled ? VG_FIT_OK : VG_FIT_DISABLED;
}

static inline VgFit fit(const VgRoomGpu *gpu, const VgRoomType *type, const VgRoomOffer *offer) {
    if (gpu->kind != VG_PLACE_NOTHING && gpu->kind != type->kinds[gpu->mode])
        return VG_FIT_INCOMPATIBLE;
    if (room_left(gpu, type, offer->units) > 0)
        return VG_FIT_OK;
    gboolean in_pieces = by_slots(gpu, type) && gpu->used < gpu->size && functions_left(gpu) > 0 &&
                         slots_left(gpu) >= type->shape.length;
    return in_pieces && !(type->once && gpu->once > 0) ? VG_FIT_FRAGMENTED : VG_FIT_FULL;
}

static inline gboolean quota_is_of(const VgRoomQuota *q, guint32 group, guint32 type) {
    return (q->group == VG_PLACE_ANY || q->group == group) && (q->type == VG_PLACE_ANY || q->type == type);
}

static inline guint32 quota_left(const VgRoomQuota *q) {
    return q->used < q->most ? q->most - q->used : 0;
}

const VgRoomQuota *vg_place_quota(const VgRoom *room, guint32 group, guint32 type) {
    const VgRoomQuota *least = NULL;
    for (guint32 i = 0; i < room->n_quotas; i++) {
        const VgRoomQuota *q = &room->quotas[i];
        if (quota_is_of(q, group, type) && (least == NULL || quota_left(q) < quota_left(least)))
            least = q;
    }
    return least;
}

VgFit vg_place_fit(const VgRoom *room, guint32 gpu, guint32 type) {
    const VgRoomGpu *g = &room->gpus[gpu];
    const VgRoomOffer *offer = vg_place_offer(room, gpu, type);
    if (offer == NULL)
        return VG_FIT_UNSUPPORTED;
    VgFit may = allowed(g, offer);
    if (may != VG_FIT_OK)
        return may;
    const VgRoomQuota *quota = vg_place_quota(room, g->group, type);
    return quota != NULL && quota_left(quota) == 0 ? VG_FIT_QUOTA : fit(g, &room->types[type], offer);
}

guint32 vg_place_capacity(const VgRoom *room, guint32 gpu, guint32 type) {
    if (vg_place_fit(room, gpu, type) != VG_FIT_OK)
        return 0;
    const VgRoomQuota *quota = vg_place_quota(room, room->gpus[gpu].group, type);
    guint32 left = room_left(&room->gpus[gpu], &room->types[type], vg_place_offer(room, gpu, type)->units);
    return quota != NULL ? MIN(left, quota_left(quota)) : left;
}

guint64 vg_place_available(const VgRoom *room, guint32 n_groups, guint32 group, guint32 type) {
    const VgRoomType *t = &room->types[type];
    g_autofree guint64 *sums = g_new0(guint64, n_groups + 1);
    for (guint32 i = 0; i < t->n_offers; i++) {
        guint32 in = room->gpus[t->offers[i].gpu].group;
        if ((group == VG_PLACE_ANY || group == in) && in < n_groups)
            sums[in] += vg_place_capacity(room, t->offers[i].gpu, type);
    }
    guint64 all = 0;
    for (guint32 g = 0; g < n_groups; g++) {
        const VgRoomQuota *quota = sums[g] > 0 ? vg_place_quota(room, g, type) : NULL;
        all += quota != NULL ? MIN(sums[g], quota_left(quota)) : sums[g];
    }
    for (guint32 i = 0; i < room->n_quotas; i++)
        if (room->quotas[i].group == VG_PLACE_ANY && quota_is_of(&room->quotas[i], VG_PLACE_ANY, type))
            all = MIN(all, quota_left(&room->quotas[i]));
    return all;
}

/* --- the picture changes ------------------------------------------------------------------------------------------ */

static void count_quotas(VgRoom *room, guint32 group, guint32 type, gboolean more) {
    for (guint32 i = 0; i < room->n_quotas; i++)
        if (quota_is_of(&room->quotas[i], group, type) && more)
            room->quotas[i].used++;
        else if (quota_is_of(&room->quotas[i], group, type))
            room->quotas[i].used--;
}

VgHold vg_room_take(VgRoom *room, guint32 gpu, guint32 type, guint16 start) {
    VgRoomGpu *g = &room->gpus[gpu];
    const VgRoomType *t = &room->types[type];
    const VgRoomOffer *offer = vg_place_offer(room, gpu, type);
    VgHold hold = {.start = VG_NO_START};
    if (offer != NULL && by_slots(g, t) && start != VG_NO_START && start + t->shape.length <= g->slots &&
        slots_free(&g->taken, start, t->shape.length)) {
        hold.start = start;
        hold.length = t->shape.length;
        hold.units = (guint32)((guint64)g->size * hold.length / g->slots);
        slots_set(&g->taken, start, hold.length, TRUE);
    } else if (offer != NULL && !by_slots(g, t))
        hold.units = offer->units;
    else /* What runs there and cannot be said where, or is not offered (any more), leaves room for nothing else. */
        hold.units = g->size;
    g->used += hold.units;
    g->count++;
    g->once += t->once ? 1 : 0;
    g->kind = t->kinds[g->mode];
    count_quotas(room, g->group, type, TRUE);
    return hold;
}

void vg_room_give(VgRoom *room, guint32 gpu, guint32 type, VgHold hold) {
    VgRoomGpu *g = &room->gpus[gpu];
    g->used -= hold.units;
    g->once -= room->types[type].once ? 1 : 0;
    slots_set(&g->taken, hold.start, hold.length, FALSE);
    if (--g->count == 0)
        g->kind = VG_PLACE_NOTHING;
    count_quotas(room, g->group, type, FALSE);
}

void vg_room_join(VgRoom *room, guint32 gpu, guint32 bond) {
    VgRoomBond *b = &room->bonds[bond];
    if (b->on == NULL)
        b->on = g_new0(guint32, room->n_gpus);
    b->on[gpu]++;
    b->members++;
}

void vg_room_part(VgRoom *room, guint32 gpu, guint32 bond) {
    VgRoomBond *b = &room->bonds[bond];
    b->on[gpu]--;
    if (--b->members == 0)
        g_clear_pointer(&b->on, g_free);
}

/* --- bonds -------------------------------------------------------------------------------------------------------- */

static gboolean wants_bond(const VgWant *want, guint32 bond) {
    for (guint32 i = 0; i < want->n_bonds; i++)
        if (want->bonds[i].bond == bond)
            return TRUE;
    return FALSE;
}

/* Is the bond kept if one more member goes to @gpu? @s NULL: nothing was given away yet. */
static gboolean bond_is_kept(const VgRoom *room, const Search *s, guint32 bond, guint32 gpu) {
    const VgRoomBond *b = &room->bonds[bond];
    guint32 here = b->on != NULL ? b->on[gpu] : 0, all = b->members;
    for (guint i = 0; s != NULL && i < s->depth; i++)
        if (wants_bond(&s->wants[i], bond)) {
            all++;
            here += s->picked[i].gpu == gpu ? 1 : 0;
        }
    return b->apart ? here == 0 : all == 0 || here > 0;
}

/* How many preferred ones are broken there; VG_PLACE_NOTHING: a needed one is. */
static guint32 broken_bonds(const VgRoom *room, const Search *s, const VgWant *want, guint32 gpu) {
    guint32 n = 0;
    for (guint32 i = 0; i < want->n_bonds; i++)
        if (!bond_is_kept(room, s, want->bonds[i].bond, gpu)) {
            if (!want->bonds[i].preferred)
                return VG_PLACE_NOTHING;
            n++;
        }
    return n;
}

/* Which bonds of the search's wants have a member on @gpu. */
static VgSlots bonds_here(const Search *s, guint32 gpu) {
    G_STATIC_ASSERT(VG_PLACE_MOST * VG_WANT_BONDS <= VG_PLACE_SLOTS);
    VgSlots bits = {{0}};
    for (guint w = 0; w < s->n; w++)
        for (guint32 i = 0; i < s->wants[w].n_bonds; i++) {
            guint at = w * VG_WANT_BONDS + i;
            guint32 bond = s->wants[w].bonds[i].bond;
            const VgRoomBond *b = &s->room->bonds[bond];
            gboolean here = b->on != NULL && b->on[gpu] > 0;
            for (guint k = 0; k < s->depth && !here; k++)
                here = s->picked[k].gpu == gpu && wants_bond(&s->wants[k], bond);
            bits.bits[at / WORD] |= here ? G_GUINT64_CONSTANT(1) << (at % WORD) : 0;
        }
    return bits;
}

VgFit vg_place_fit_want(const VgRoom *room, guint32 gpu, const VgWant *want) {
    VgFit fit = vg_place_fit(room, gpu, want->type);
    if (fit != VG_FIT_OK)
        return fit;
    return broken_bonds(room, NULL, want, gpu) == VG_PLACE_NOTHING ? VG_FIT_AFFINITY : VG_FIT_OK;
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
        if (s->picked[i].gpu == gpu) {
            const VgRoomType *t = &s->room->types[s->wants[i].type];
            if (s->picked[i].start != VG_NO_START)
                slots_set(&g.taken, s->picked[i].start, t->shape.length, TRUE);
            else
                g.used += vg_place_offer(s->room, gpu, s->wants[i].type)->units;
            g.once += t->once ? 1 : 0;
            g.kind = t->kinds[g.mode];
        }
    return g;
}

/* Does every quota leave one more of the want's type in @group, after what this search has given away? */
static gboolean within_quotas(const Search *s, guint32 group, guint32 type) {
    for (guint32 i = 0; i < s->room->n_quotas; i++) {
        const VgRoomQuota *q = &s->room->quotas[i];
        guint32 given = 0;
        if (!quota_is_of(q, group, type))
            continue;
        for (guint k = 0; k < s->depth; k++)
            given += quota_is_of(q, s->room->gpus[s->picked[k].gpu].group, s->wants[k].type) ? 1 : 0;
        if (quota_left(q) <= given)
            return FALSE;
    }
    return TRUE;
}

static VgPolicy policy_of(const VgRoom *room, const VgWant *want) {
    if (want->group != VG_PLACE_ANY)
        return room->policies[want->group];
    const VgRoomType *t = &room->types[want->type];
    for (guint32 i = 0; i < t->n_offers; i++)
        if (allowed(&room->gpus[t->offers[i].gpu], &t->offers[i]) == VG_FIT_OK &&
            in_scope(want, room->gpus, t->offers[i].gpu))
            return room->policies[room->gpus[t->offers[i].gpu].group];
    return VG_POLICY_DEPTH_FIRST;
}

/* The largest free block, in units. */
static guint32 block(const VgRoomGpu *g) {
    if (!has_slots(g) || g->slots == 0)
        return g->size - g->used;
    /* From taken bit to taken bit. */
    guint longest = 0, from = 0;
    for (guint w = 0; w < G_N_ELEMENTS(g->taken.bits); w++)
        for (guint64 bits = g->taken.bits[w]; bits != 0; bits &= bits - 1) {
            guint at = w * WORD + (guint)__builtin_ctzll(bits);
            longest = MAX(longest, at - from);
            from = at + 1;
        }
    longest = MAX(longest, g->slots - MIN(from, g->slots));
    return (guint32)((guint64)g->size * longest / g->slots);
}

#define GPU_BITS 24 /* of a rank: its last part is the GPU's number */

/* Lower is better: broken bonds, what the policy says, then the GPU's number. */
static inline guint64 rank(VgPolicy policy, const VgWant *want, const VgRoomGpu *g, guint32 left, guint32 gpu,
                           guint32 broken) {
    guint32 key = left;
    if (policy == VG_POLICY_BREADTH_FIRST)
        key = G_MAXUINT32 - left;
    else if (policy == VG_POLICY_PACK)
        key = block(g);
    else if (policy == VG_POLICY_NUMA && want->node != VG_PLACE_ANY && g->node != want->node)
        key |= (guint32)1 << 31;
    return (guint64)broken << (GPU_BITS + 32) | (guint64)key << GPU_BITS | gpu;
}

/* The best GPU for @want that ranks after @after (0: from the start). G_MAXUINT64: none. */
static guint64 next_best(Search *s, const VgWant *want, VgPolicy policy, guint64 after) {
    const VgRoomType *t = &s->room->types[want->type];
    const VgRoomGpu *gpus = s->room->gpus;
    guint64 best = G_MAXUINT64;
    guint32 asked = VG_PLACE_ANY; /* GPUs of one group are often side by side */
    gboolean within = TRUE;
    s->effort += t->n_offers;
    for (guint32 i = 0; i < t->n_offers; i++) {
        const VgRoomOffer *o = &t->offers[i];
        const VgRoomGpu *g = &gpus[o->gpu];
        if (!o->usable || !o->enabled || o->held || g->closed || !in_scope(want, gpus, o->gpu))
            continue;
        if (s->room->n_quotas > 0 && g->group != asked) {
            asked = g->group;
            within = within_quotas(s, asked, want->type);
        }
        VgRoomGpu changed;
        if (s->touched[s->depth] >> (o->gpu % 64) & 1) {
            changed = seen_by(s, o->gpu);
            g = &changed;
        }
        if (!within || (g->kind != VG_PLACE_NOTHING && g->kind != t->kinds[g->mode]))
            continue;
        guint32 left = room_left(g, t, o->units);
        guint32 broken = left > 0 && want->n_bonds > 0 ? broken_bonds(s->room, s, want, o->gpu) : 0;
        if (left == 0 || broken == VG_PLACE_NOTHING)
            continue;
        guint64 r = rank(policy, want, g, left, o->gpu, broken);
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
    for (guint w = 0; w < G_N_ELEMENTS(a->taken.bits); w++)
        if (a->taken.bits[w] != b->taken.bits[w] || a->bonds.bits[w] != b->bonds.bits[w])
            return FALSE;
    return a->used == b->used && a->size == b->size && a->kind == b->kind && a->group == b->group &&
           a->model == b->model && a->node == b->node && a->mode == b->mode && a->once == b->once;
}

/* TRUE if a GPU just like this one was tried at this depth and led nowhere; otherwise notes it. */
static gboolean tried_alike(const Search *s, const VgRoomGpu *g, guint32 gpu, Look tried[TRIED_MOST], guint *n_tried) {
    if (pinned_later(s, gpu))
        return FALSE;
    Look look = {g->taken, g->used, g->size, g->kind, g->group,
                 g->model, g->node, g->mode, g->once, bonds_here(s, gpu)};
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
    const VgRoomType *t = &s->room->types[want->type];
    VgPolicy policy = policy_of(s->room, want);
    Look tried[TRIED_MOST];
    guint n_tried = 0;
    guint64 best = next_best(s, want, policy, 0);
    while (best != G_MAXUINT64 && s->effort < EFFORT_MOST) {
        guint32 gpu = (guint32)(best & ((1 << GPU_BITS) - 1));
        VgRoomGpu g = seen_by(s, gpu);
        if (!tried_alike(s, &g, gpu, tried, &n_tried)) {
            s->touched[s->depth + 1] = s->touched[s->depth] | G_GUINT64_CONSTANT(1) << (gpu % 64);
            s->picked[s->depth++] = (VgPick){gpu, by_slots(&g, t) ? best_start(&g, &t->shape) : VG_NO_START};
            if (search(s))
                return TRUE;
            s->depth--;
        }
        best = next_best(s, want, policy, best + 1);
    }
    return FALSE;
}

static gboolean alike(const VgWant *a, const VgWant *b) {
    return a->type == b->type && a->group == b->group && a->gpu == b->gpu;
}

/*
 * Is there, for wants that are alike, enough room in all? Answers at once what the search would only find out by trying
 * everything.
 */
static gboolean enough(const VgRoom *room, const VgWant *wants, guint n) {
    for (guint i = 0; i < n; i++) {
        guint32 same = 0, before = 0;
        for (guint j = 0; j < n; j++)
            if (alike(&wants[j], &wants[i])) {
                same++;
                before += j < i ? 1 : 0;
            }
        if (before > 0)
            continue;
        const VgRoomType *t = &room->types[wants[i].type];
        guint64 left = 0;
        for (guint32 k = 0; k < t->n_offers && left < same; k++) {
            const VgRoomGpu *g = &room->gpus[t->offers[k].gpu];
            if (in_scope(&wants[i], room->gpus, t->offers[k].gpu) && allowed(g, &t->offers[k]) == VG_FIT_OK &&
                fit(g, t, &t->offers[k]) == VG_FIT_OK)
                left += room_left(g, t, t->offers[k].units);
        }
        if (left < same)
            return FALSE;
    }
    return TRUE;
}

gboolean vg_place(const VgRoom *room, const VgWant *wants, guint n, VgPick *picked) {
    if (n > VG_PLACE_MOST || (n > 1 && !enough(room, wants, n)))
        return FALSE;
    Search s = {.room = room, .wants = wants, .n = n, .picked = picked, .touched = {0}};
    return search(&s);
}
