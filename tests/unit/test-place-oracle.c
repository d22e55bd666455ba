/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-place-oracle.c: placement against a slow answer that tries everything, on many small hosts made up at random. */
#include "config.h"

#include <string.h>

#include "gpu/place.h"

static void room_free(VgRoom *room) {
    for (guint b = 0; b < room->n_bonds; b++)
        g_free(room->bonds[b].on);
    g_free(room->bonds);
    for (guint t = 0; t < room->n_types; t++)
        g_free(room->types[t].offers);
    g_free(room->types);
    g_free(room->gpus);
    g_free(room);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgRoom, room_free)

/* Places of a GPU with 8 slots: whole, halves, quarters and singles that are not everywhere. */
static const guint16 whole_at[] = {0}, halves_at[] = {0, 4}, quarters_at[] = {0, 2, 4, 6}, singles_at[] = {0, 3, 4, 7};
static const VgShape shapes[] = {{8, 1, whole_at}, {4, 2, halves_at}, {2, 4, quarters_at}, {1, 4, singles_at}};
enum { SHAPES = G_N_ELEMENTS(shapes) };

/* --- against everything ------------------------------------------------------------------------------------------- */

#define GPUS 5
#define WANTS 4
#define QUOTAS 2
#define BONDS 3

static VgRoom *random_room(GRand *rand, VgPolicy policies[2], VgRoomQuota quotas[QUOTAS]) {
    VgRoom *room = g_new0(VgRoom, 1);
    room->n_gpus = (guint32)g_rand_int_range(rand, 1, GPUS + 1);
    room->gpus = g_new0(VgRoomGpu, room->n_gpus);
    room->n_types = (guint32)g_rand_int_range(rand, 1, SHAPES + 1);
    room->types = g_new0(VgRoomType, room->n_types);
    room->policies = policies;
    room->quotas = quotas;
    room->n_quotas = g_rand_int_range(rand, 0, 3) == 0 ? QUOTAS : 0;
    for (guint i = 0; i < 2; i++) {
        policies[i] = (VgPolicy)g_rand_int_range(rand, 0, VG_POLICY_LAST);
        quotas[i] = (VgRoomQuota){g_rand_boolean(rand) ? (guint32)g_rand_int_range(rand, 0, 2) : VG_PLACE_ANY,
                                  g_rand_boolean(rand) ? 0 : VG_PLACE_ANY, (guint32)g_rand_int_range(rand, 1, 6), 0};
    }
    for (guint t = 0; t < room->n_types; t++) {
        guint32 kind = (guint32)g_rand_int_range(rand, 0, 3);
        room->types[t].shape = g_rand_int_range(rand, 0, 5) > 0 ? shapes[t] : (VgShape){0};
        room->types[t].kinds[VG_MODE_ONE_TYPE] = t;
        room->types[t].kinds[VG_MODE_EQUAL_SIZE] = kind;
        room->types[t].kinds[VG_MODE_MIXED_SIZE] = room->types[t].shape.length > 0 ? 99 : t;
        room->types[t].kinds[VG_MODE_MIG] = room->types[t].kinds[VG_MODE_MIXED_SIZE];
        room->types[t].once = g_rand_int_range(rand, 0, 4) == 0;
        room->types[t].offers = g_new0(VgRoomOffer, room->n_gpus);
    }
    for (guint g = 0; g < room->n_gpus; g++) {
        /* Half of the GPUs are like one before, so that what is alike gets its share of the tests. */
        guint like = g > 0 && g_rand_boolean(rand) ? (guint)g_rand_int_range(rand, 0, (gint32)g) : g;
        room->gpus[g] = (VgRoomGpu){.size = VG_UNITS,
                                    .kind = VG_PLACE_NOTHING,
                                    .group = (guint32)g_rand_int_range(rand, 0, 2),
                                    .model = room->gpus[like].model,
                                    .node = g_rand_boolean(rand) ? (guint32)g_rand_int_range(rand, 0, 2) : VG_PLACE_ANY,
                                    .mode = (VgGpuMode)g_rand_int_range(rand, 0, VG_MODE_LAST),
                                    .closed = g_rand_int_range(rand, 0, 12) == 0,
                                    .shapes = shapes,
                                    .n_shapes = SHAPES,
                                    .slots = 8};
        if (like == g)
            room->gpus[g].model = g;
        for (guint t = 0; t < room->n_types; t++) {
            VgRoomType *type = &room->types[t];
            const VgRoomOffer *other = like == g ? NULL : vg_place_offer(room, like, t);
            VgRoomOffer offer = {g, VG_UNITS >> g_rand_int_range(rand, 0, 3), g_rand_int_range(rand, 0, 8) > 0,
                                 g_rand_int_range(rand, 0, 8) > 0};
            if (other != NULL)
                offer = (VgRoomOffer){g, other->units, other->usable, other->enabled};
            if (other != NULL || (like == g && g_rand_int_range(rand, 0, 4) > 0))
                type->offers[type->n_offers++] = offer;
        }
    }
    for (guint i = 0; i < 6; i++) {
        guint32 g = (guint32)g_rand_int_range(rand, 0, (gint32)room->n_gpus);
        guint32 t = (guint32)g_rand_int_range(rand, 0, (gint32)room->n_types);
        const VgShape *shape = &room->types[t].shape;
        guint16 start = shape->length > 0 ? shape->starts[g_rand_int_range(rand, 0, shape->n_starts)] : VG_NO_START;
        if (vg_place_fit(room, g, t) == VG_FIT_OK && (room->gpus[g].mode < VG_MODE_MIXED_SIZE || shape->length == 0 ||
                                                      !(room->gpus[g].taken.bits[0] >> start & 1)))
            vg_room_take(room, g, t, start);
    }
    room->n_bonds = BONDS;
    room->bonds = g_new0(VgRoomBond, BONDS);
    for (guint b = 0; b < BONDS; b++) {
        room->bonds[b].apart = g_rand_boolean(rand);
        for (guint i = 0; i < 2; i++)
            if (g_rand_int_range(rand, 0, 4) == 0)
                vg_room_join(room, (guint32)g_rand_int_range(rand, 0, (gint32)room->n_gpus), b);
    }
    return room;
}

static void random_bonds(GRand *rand, VgWant *want) {
    for (guint b = 0; b < BONDS; b++)
        if (g_rand_int_range(rand, 0, 5) == 0) {
            want->bonds[want->n_bonds].bond = b;
            want->bonds[want->n_bonds++].preferred = g_rand_boolean(rand);
        }
}

/* The rules again, written without a thought for speed: a GPU as a row of slots. */
typedef struct {
    guint32 used, kind, once;
    gboolean slot[8];
} NaiveGpu;

static gboolean naive_slots(const VgRoom *room, guint gpu, guint type) {
    return room->gpus[gpu].mode >= VG_MODE_MIXED_SIZE && room->types[type].shape.length > 0;
}

static gboolean naive_free(const NaiveGpu *now, const VgShape *shape, guint i) {
    for (guint k = 0; k < shape->length; k++)
        if (now->slot[shape->starts[i] + k])
            return FALSE;
    return TRUE;
}

static guint naive_starts(const NaiveGpu *now, const VgShape *shape) {
    guint n = 0;
    for (guint i = 0; i < shape->n_starts; i++)
        n += naive_free(now, shape, i) ? 1 : 0;
    return n;
}

static void naive_put(NaiveGpu *now, const VgShape *shape, guint i) {
    for (guint k = 0; k < shape->length; k++)
        now->slot[shape->starts[i] + k] = TRUE;
}

/* How many free places of each length are left, the longest first, as one number. */
static guint64 naive_rest(const NaiveGpu *now) {
    guint64 sum = 0;
    for (guint i = 0; i < SHAPES; i++)
        sum = sum * 100 + naive_starts(now, &shapes[i]);
    return sum;
}

static guint naive_best(const NaiveGpu *now, const VgShape *shape) {
    guint best = G_MAXUINT;
    guint64 most = 0;
    for (guint i = 0; i < shape->n_starts; i++) {
        NaiveGpu after = *now;
        if (!naive_free(now, shape, i))
            continue;
        naive_put(&after, shape, i);
        if (best == G_MAXUINT || naive_rest(&after) > most) {
            best = i;
            most = naive_rest(&after);
        }
    }
    return best;
}

static gboolean naive_ok(const VgRoom *room, const VgWant *want, guint gpu, const NaiveGpu *now) {
    const VgRoomOffer *o = vg_place_offer(room, gpu, want->type);
    const VgRoomGpu *g = &room->gpus[gpu];
    if (o == NULL || !o->usable || !o->enabled || g->closed || (want->gpu != VG_PLACE_ANY && want->gpu != gpu) ||
        (want->group != VG_PLACE_ANY && g->group != want->group) ||
        (now->kind != VG_PLACE_NOTHING && now->kind != room->types[want->type].kinds[g->mode]))
        return FALSE;
    if (room->types[want->type].once && now->once > 0)
        return FALSE;
    if (naive_slots(room, gpu, want->type))
        return now->used < g->size && naive_starts(now, &room->types[want->type].shape) > 0;
    return now->used + o->units <= g->size;
}

/* Broken bonds of want @i with its pick: preferred ones count one, a needed one 1000. */
static guint naive_broken(const VgRoom *room, const VgWant *wants, guint i, const VgPick *picks, guint gpu) {
    guint broken = 0;
    for (guint k = 0; k < wants[i].n_bonds; k++) {
        const VgRoomBond *b = &room->bonds[wants[i].bonds[k].bond];
        guint here = b->on != NULL ? b->on[gpu] : 0, all = b->members;
        for (guint j = 0; j < i; j++)
            for (guint m = 0; m < wants[j].n_bonds; m++)
                if (wants[j].bonds[m].bond == wants[i].bonds[k].bond) {
                    all++;
                    here += picks[j].gpu == gpu ? 1 : 0;
                }
        if (b->apart ? here > 0 : all > 0 && here == 0)
            broken += wants[i].bonds[k].preferred ? 1 : 1000;
    }
    return broken;
}

static VgPolicy naive_policy(const VgRoom *room, const VgWant *want) {
    if (want->group != VG_PLACE_ANY)
        return room->policies[want->group];
    for (guint g = 0; g < room->n_gpus; g++) {
        const VgRoomOffer *o = vg_place_offer(room, g, want->type);
        if (o != NULL && o->usable && o->enabled && !room->gpus[g].closed &&
            (want->gpu == VG_PLACE_ANY || want->gpu == g))
            return room->policies[room->gpus[g].group];
    }
    return VG_POLICY_DEPTH_FIRST;
}

static guint64 naive_key(const VgRoom *room, const VgWant *want, guint gpu, const NaiveGpu *now) {
    guint64 left = naive_slots(room, gpu, want->type)
                       ? naive_starts(now, &room->types[want->type].shape)
                       : (room->gpus[gpu].size - now->used) / vg_place_offer(room, gpu, want->type)->units;
    if (room->types[want->type].once) /* room for one */
        left = 1;
    guint64 key = left;
    if (naive_policy(room, want) == VG_POLICY_BREADTH_FIRST)
        key = 1000 - left;
    if (naive_policy(room, want) == VG_POLICY_NUMA && want->node != VG_PLACE_ANY && want->node != room->gpus[gpu].node)
        key += 10000;
    if (naive_policy(room, want) == VG_POLICY_PACK && room->gpus[gpu].mode < VG_MODE_MIXED_SIZE)
        key = room->gpus[gpu].size - now->used;
    else if (naive_policy(room, want) == VG_POLICY_PACK) {
        guint longest = 0;
        for (guint from = 0; from < 8; from++)
            for (guint to = from; to < 8 && !now->slot[to]; to++)
                longest = MAX(longest, to - from + 1);
        key = (guint64)room->gpus[gpu].size * longest / 8;
    }
    return key * 1000 + gpu;
}

static void naive_take(const VgRoom *room, const VgWant *want, guint gpu, NaiveGpu *now, VgPick *pick) {
    const VgShape *shape = &room->types[want->type].shape;
    *pick = (VgPick){gpu, VG_NO_START};
    if (naive_slots(room, gpu, want->type)) {
        guint i = naive_best(now, shape);
        pick->start = shape->starts[i];
        naive_put(now, shape, i);
    } else
        now->used += vg_place_offer(room, gpu, want->type)->units;
    now->once += room->types[want->type].once ? 1 : 0;
    now->kind = room->types[want->type].kinds[room->gpus[gpu].mode];
}

static gboolean naive_quotas(const VgRoom *room, const VgWant *wants, guint n, const VgPick *picks) {
    for (guint q = 0; q < room->n_quotas; q++) {
        const VgRoomQuota *quota = &room->quotas[q];
        guint given = quota->used;
        gboolean asked = FALSE;
        for (guint i = 0; i < n; i++)
            if ((quota->group == VG_PLACE_ANY || quota->group == room->gpus[picks[i].gpu].group) &&
                (quota->type == VG_PLACE_ANY || quota->type == wants[i].type)) {
                given++;
                asked = TRUE;
            }
        if (asked && given > quota->most)
            return FALSE;
    }
    return TRUE;
}

/* All assignments; the least by its list of (what the policy says, GPU) wins. */
static gboolean naive(const VgRoom *room, const VgWant *wants, guint n, VgPick *best) {
    guint64 total = 1, best_key[WANTS] = {0};
    gboolean found = FALSE;
    for (guint i = 0; i < n; i++)
        total *= room->n_gpus;
    for (guint64 code = 0; code < total; code++) {
        NaiveGpu now[GPUS] = {0};
        VgPick pick[WANTS];
        guint64 key[WANTS] = {0}, rest = code;
        gboolean good = TRUE;
        for (guint g = 0; g < room->n_gpus; g++) {
            now[g].used = room->gpus[g].used;
            now[g].kind = room->gpus[g].kind;
            now[g].once = room->gpus[g].once;
            for (guint k = 0; k < 8; k++)
                now[g].slot[k] = room->gpus[g].taken.bits[0] >> k & 1;
        }
        for (guint i = 0; i < n && good; i++, rest /= room->n_gpus) {
            guint g = (guint)(rest % room->n_gpus);
            good = naive_ok(room, &wants[i], g, &now[g]);
            if (!good)
                break;
            guint broken = naive_broken(room, wants, i, pick, g);
            good = broken < 1000;
            if (!good)
                break;
            key[i] = naive_key(room, &wants[i], g, &now[g]) + ((guint64)broken << 50);
            naive_take(room, &wants[i], g, &now[g], &pick[i]);
        }
        good = good && naive_quotas(room, wants, n, pick);
        gboolean less = FALSE;
        for (guint i = 0; good && found && i < n; i++)
            if (key[i] != best_key[i]) {
                less = key[i] < best_key[i];
                break;
            }
        if (good && (!found || less)) {
            found = TRUE;
            memcpy(best_key, key, sizeof key);
            memcpy(best, pick, n * sizeof *pick);
        }
    }
    return found;
}

static guint32 maybe(GRand *rand, gint32 one_in, guint32 most) {
    return g_rand_int_range(rand, 0, one_in) == 0 ? (guint32)g_rand_int_range(rand, 0, (gint32)most) : VG_PLACE_ANY;
}

static void test_oracle(void) {
    g_autoptr(GRand) rand = g_rand_new_with_seed(g_test_perf() ? g_random_int() : 20261122);
    guint yes = 0;
    for (guint round = 0; round < 20000; round++) {
        VgPolicy policies[2];
        VgRoomQuota quotas[QUOTAS];
        g_autoptr(VgRoom) room = random_room(rand, policies, quotas);
        VgWant wants[WANTS];
        guint n = (guint)g_rand_int_range(rand, 1, WANTS + 1);
        for (guint i = 0; i < n; i++) {
            wants[i] = (VgWant){.type = (guint32)g_rand_int_range(rand, 0, (gint32)room->n_types),
                                .group = maybe(rand, 3, 2),
                                .gpu = maybe(rand, 4, room->n_gpus),
                                .node = maybe(rand, 2, 2)};
            random_bonds(rand, &wants[i]);
        }
        VgPick expected[WANTS], picked[VG_PLACE_MOST];
        gboolean should = naive(room, wants, n, expected), does = vg_place(room, wants, n, picked);
        if (should != does)
            g_error("round %u: %d, not %d", round, does, should);
        for (guint i = 0; should && i < n; i++)
            if (picked[i].gpu != expected[i].gpu || picked[i].start != expected[i].start)
                g_error("round %u: want %u on GPU %u at %u, not %u at %u", round, i, picked[i].gpu, picked[i].start,
                        expected[i].gpu, expected[i].start);
        yes += should ? 1 : 0;
        room->quotas = NULL;
    }
    g_assert_cmpuint(yes, >, 2000); /* both answers were asked for */
    g_assert_cmpuint(yes, <, 16000);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/place/oracle", test_oracle);
    return g_test_run();
}
