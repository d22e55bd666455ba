/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-place.c: placement against the acceptance rows, named by their ids (RUN-1, CAP-14, GAP-22: how XenServer
 * behaves, as given, when, expect). test-place-oracle.c has a slow answer that tries everything.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "gpu/place.h"

/* --- the acceptance rows' cards ----------------------------------------------------------------------------------- */

enum { K100, K140Q, K200, K240Q, K260Q, WHOLE, N_TYPES };
static const guint fits[N_TYPES] = {8, 4, 8, 4, 2, 1};

typedef enum { K1, K2 } Card;
static const gboolean card_has[2][N_TYPES] = {
    [K1] = {[K100] = TRUE, [K140Q] = TRUE, [WHOLE] = TRUE},
    [K2] = {[K200] = TRUE, [K240Q] = TRUE, [K260Q] = TRUE, [WHOLE] = TRUE},
};

static VgRoom *room_new(const Card *cards, guint n, const VgPolicy *policies) {
    VgRoom *room = g_new0(VgRoom, 1);
    room->gpus = g_new0(VgRoomGpu, n);
    room->n_gpus = n;
    room->types = g_new0(VgRoomType, N_TYPES);
    room->n_types = N_TYPES;
    room->policies = policies;
    for (guint g = 0; g < n; g++)
        room->gpus[g] =
            (VgRoomGpu){.size = VG_UNITS, .kind = VG_PLACE_NOTHING, .model = cards[g], .node = VG_PLACE_ANY};
    for (guint t = 0; t < N_TYPES; t++) {
        for (guint m = 0; m < VG_MODE_LAST; m++)
            room->types[t].kinds[m] = t;
        room->types[t].offers = g_new0(VgRoomOffer, n);
        for (guint g = 0; g < n; g++)
            if (card_has[cards[g]][t])
                room->types[t].offers[room->types[t].n_offers++] = (VgRoomOffer){g, VG_UNITS / fits[t], TRUE, TRUE};
    }
    return room;
}

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

static const VgPolicy depth[] = {VG_POLICY_DEPTH_FIRST, VG_POLICY_DEPTH_FIRST};
static const VgPolicy breadth[] = {VG_POLICY_BREADTH_FIRST, VG_POLICY_BREADTH_FIRST};

static VgRoom *one(Card card) {
    return room_new(&card, 1, depth);
}

static void take(VgRoom *room, guint gpu, guint type, guint n) {
    for (guint i = 0; i < n; i++)
        vg_room_take(room, gpu, type, VG_NO_START);
}

/* --- RUN: may it run there? --------------------------------------------------------------------------------------- */

static void test_run(void) {
    static const struct {
        const char *id;
        guint runs, n; /* on a K2 */
        int disabled;
        guint asked;
        VgFit expect;
    } rows[] = {
        {"RUN-1", 0, 0, -1, K260Q, VG_FIT_OK},
        {"RUN-2a", 0, 0, -1, K200, VG_FIT_OK},
        {"RUN-2b", 0, 0, -1, K240Q, VG_FIT_OK},
        {"RUN-2c", 0, 0, -1, K260Q, VG_FIT_OK},
        {"RUN-3", K260Q, 1, -1, K260Q, VG_FIT_OK},
        {"RUN-4a", 0, 0, -1, K100, VG_FIT_UNSUPPORTED},
        {"RUN-4b", 0, 0, -1, K140Q, VG_FIT_UNSUPPORTED},
        {"RUN-5", 0, 0, K200, K200, VG_FIT_DISABLED},
        {"RUN-6", K260Q, 1, -1, K240Q, VG_FIT_INCOMPATIBLE},
        {"RUN-7", K260Q, 2, -1, K260Q, VG_FIT_FULL},
        /* The order of the checks: disabled goes before incompatible, incompatible before full. */
        {"RUN-order-1", K260Q, 1, K200, K200, VG_FIT_DISABLED},
        {"RUN-order-2", K260Q, 2, -1, K200, VG_FIT_INCOMPATIBLE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(VgRoom) room = one(K2);
        take(room, 0, rows[i].runs, rows[i].n);
        if (rows[i].disabled >= 0)
            room->types[rows[i].disabled].offers[0].enabled = FALSE;
        VgFit fit = vg_place_fit(room, 0, rows[i].asked);
        if (fit != rows[i].expect)
            g_error("%s: %d, not %d", rows[i].id, fit, rows[i].expect);
    }
}

/* --- CAP: how many more? ------------------------------------------------------------------------------------------ */

static void test_capacity(void) {
    /* "Scheduled" and "resident" are one thing here: a claim counts from the moment it is made. */
    static const struct {
        const char *id;
        Card card;
        guint runs, n, asked, expect;
    } rows[] = {
        {"CAP-1a", K2, 0, 0, K100, 0},      {"CAP-1b", K2, 0, 0, K140Q, 0},     {"CAP-2a", K2, 0, 0, K200, 8},
        {"CAP-2b", K2, 0, 0, K240Q, 4},     {"CAP-2c", K2, 0, 0, K260Q, 2},     {"CAP-4a", K1, 0, 0, K100, 8},
        {"CAP-4b", K1, 0, 0, K140Q, 4},     {"CAP-4c", K1, 0, 0, WHOLE, 1},     {"CAP-5", K2, 0, 0, WHOLE, 1},
        {"CAP-6", K1, WHOLE, 1, K100, 0},   {"CAP-7", K1, K100, 1, K140Q, 0},   {"CAP-8", K2, WHOLE, 1, K200, 0},
        {"CAP-9", K2, K260Q, 1, K200, 0},   {"CAP-10", K1, K100, 2, K100, 6},   {"CAP-11", K1, K140Q, 2, K140Q, 2},
        {"CAP-12", K1, WHOLE, 1, WHOLE, 0}, {"CAP-13", K2, K200, 1, K200, 7},   {"CAP-14", K2, K240Q, 3, K240Q, 1},
        {"CAP-15", K2, K260Q, 1, K260Q, 1}, {"CAP-16", K2, WHOLE, 1, WHOLE, 0}, {"CAP-17", K1, K100, 1, K100, 7},
        {"CAP-18", K1, K100, 1, WHOLE, 0},  {"CAP-19", K1, WHOLE, 1, K100, 0},  {"CAP-20", K1, WHOLE, 1, WHOLE, 0},
        {"CAP-21", K2, K200, 2, K200, 6},   {"CAP-22", K2, K200, 1, WHOLE, 0},  {"CAP-23", K2, WHOLE, 1, K200, 0},
        {"CAP-24", K2, WHOLE, 1, WHOLE, 0}, {"CAP-25", K1, K100, 3, K100, 5},   {"CAP-26", K2, K240Q, 3, K240Q, 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(VgRoom) room = one(rows[i].card);
        take(room, 0, rows[i].runs, rows[i].n);
        guint got = vg_place_capacity(room, 0, rows[i].asked);
        if (got != rows[i].expect)
            g_error("%s: %u, not %u", rows[i].id, got, rows[i].expect);
    }
}

/* CAP-3: falls by one with each, to none, and comes back by one with each that goes. */
static void test_capacity_steps(void) {
    for (guint type = K200; type <= K260Q; type++) {
        g_autoptr(VgRoom) room = one(K2);
        for (guint n = 0; n < fits[type]; n++) {
            g_assert_cmpuint(vg_place_capacity(room, 0, type), ==, fits[type] - n);
            take(room, 0, type, 1);
        }
        g_assert_cmpuint(vg_place_capacity(room, 0, type), ==, 0);
        for (guint n = 1; n <= fits[type]; n++) {
            vg_room_give(room, 0, type, (VgHold){VG_UNITS / fits[type], VG_NO_START, 0});
            g_assert_cmpuint(vg_place_capacity(room, 0, type), ==, n);
        }
        g_assert_cmpuint(room->gpus[0].kind, ==, VG_PLACE_NOTHING);
        g_assert_cmpuint(vg_place_capacity(room, 0, K200), ==, 8);
    }
}

/* --- choosing ----------------------------------------------------------------------------------------------------- */

static void expect(VgRoom *room, const VgWant *wants, guint n, const int *gpus) {
    VgPick picked[VG_PLACE_MOST];
    gboolean good = vg_place(room, wants, n, picked);
    g_assert_cmpint(good, ==, gpus != NULL);
    for (guint i = 0; gpus != NULL && i < n; i++)
        g_assert_cmpint((int)picked[i].gpu, ==, gpus[i]);
}

static VgWant any(guint type) {
    return (VgWant){type, VG_PLACE_ANY, VG_PLACE_ANY, VG_PLACE_ANY};
}

/* GAP-22: equal GPUs: the first. Then depth-first stays, breadth-first goes on, both to the same in each run. */
static void test_policies(void) {
    static const Card cards[] = {K2, K2, K2};
    static const int fill[] = {0, 0, 1, 1, 2, 2}, spread[] = {0, 1, 2, 0, 1, 2};
    const struct {
        const VgPolicy *policy;
        const int *order;
    } rows[] = {{depth, fill}, {breadth, spread}};
    for (gsize r = 0; r < G_N_ELEMENTS(rows); r++) {
        g_autoptr(VgRoom) room = room_new(cards, 3, rows[r].policy);
        VgWant want = any(K260Q);
        for (guint i = 0; i < 6; i++) {
            expect(room, &want, 1, &rows[r].order[i]);
            take(room, (guint)rows[r].order[i], K260Q, 1);
        }
        expect(room, &want, 1, NULL);
    }
}

static void test_scope(void) {
    static const Card cards[] = {K2, K2, K1};
    static const int second = 1;
    g_autoptr(VgRoom) room = room_new(cards, 3, depth);
    room->gpus[1].group = 1;
    VgWant in_group = {K200, 1, VG_PLACE_ANY, VG_PLACE_ANY}, pinned = {K200, VG_PLACE_ANY, 1, VG_PLACE_ANY};
    VgWant wrong = {K200, 0, 1, VG_PLACE_ANY};
    VgWant unsupported = {K200, VG_PLACE_ANY, 2, VG_PLACE_ANY};
    expect(room, &in_group, 1, &second);
    expect(room, &pinned, 1, &second);
    expect(room, &wrong, 1, NULL);
    expect(room, &unsupported, 1, NULL);
    room->types[K200].offers[1].usable = FALSE;
    expect(room, &in_group, 1, NULL);
}

/* GAP-16, GAP-25: two vGPUs, one GPU with room for one, another with room: one on each, decided together. */
static void test_together(void) {
    static const Card cards[] = {K2, K2};
    g_autoptr(VgRoom) room = room_new(cards, 2, depth);
    take(room, 0, K260Q, 1);
    VgWant two[] = {any(K260Q), any(K260Q)}, four[] = {any(K260Q), any(K260Q), any(K260Q), any(K260Q)};
    expect(room, two, 2, (const int[]){0, 1});
    expect(room, four, 3, (const int[]){0, 1, 1});
    expect(room, four, 4, NULL); /* all or nothing */
    /* The first leaves the GPU that the second is pinned to, though its policy likes it best. */
    VgWant pinned[] = {any(K260Q), {K260Q, VG_PLACE_ANY, 0, VG_PLACE_ANY}};
    expect(room, pinned, 2, (const int[]){1, 0});
    /* Of two types, the one that fits only beside its like goes there. */
    VgWant unlike[] = {any(K200), any(K260Q)};
    expect(room, unlike, 2, (const int[]){1, 0});
    take(room, 0, K260Q, 1);
    expect(room, unlike, 2, NULL);
}

/* GAP-2 and RNK: what remains in a group is the sum of its GPUs. */
static guint remains(const VgRoom *room, guint first, guint n, guint type) {
    guint sum = 0;
    for (guint g = first; g < first + n; g++)
        sum += vg_place_capacity(room, g, type);
    return sum;
}

static void test_ranking(void) {
    /* GPU 0: one host's K1; GPUs 1 and 2: the other's two. */
    static const Card cards[] = {K1, K1, K1};
    g_autoptr(VgRoom) room = room_new(cards, 3, depth);
    static const struct {
        const char *id;
        int gpu, add, asked;
        guint one, two;
    } rows[] = {
        {"RNK-1", -1, 0, K100, 8, 16},  {"RNK-2", -1, 0, K140Q, 4, 8},   {"RNK-3", 1, K100, K100, 8, 15},
        {"RNK-4", -1, 0, K140Q, 4, 4},  {"RNK-5", 2, K140Q, K100, 8, 7}, {"RNK-6", -1, 0, K140Q, 4, 3},
        {"RNK-7", 0, K100, K100, 7, 7}, {"RNK-8", 0, K100, K100, 6, 7},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].gpu >= 0)
            take(room, (guint)rows[i].gpu, (guint)rows[i].add, 1);
        guint first = remains(room, 0, 1, (guint)rows[i].asked), second = remains(room, 1, 2, (guint)rows[i].asked);
        if (first != rows[i].one || second != rows[i].two)
            g_error("%s: %u and %u, not %u and %u", rows[i].id, first, second, rows[i].one, rows[i].two);
    }
}

/* What a GPU runs without offering it (its driver has forgotten the type) leaves room for nothing, and goes cleanly. */
static void test_forgotten_type(void) {
    g_autoptr(VgRoom) room = one(K2);
    VgHold hold = vg_room_take(room, 0, K100, VG_NO_START);
    g_assert_cmpuint(vg_place_capacity(room, 0, K200), ==, 0);
    vg_room_give(room, 0, K100, hold);
    g_assert_cmpuint(vg_place_capacity(room, 0, K200), ==, 8);
}

/* What cannot be is given up soon, however many GPUs there are to try: the want that has no place is the last. */
static void test_effort(void) {
    enum { MANY = 1024 };
    g_autofree Card *cards = g_new0(Card, MANY);
    for (guint i = 0; i < MANY; i++)
        cards[i] = K2;
    g_autoptr(VgRoom) room = room_new(cards, MANY, depth);
    for (guint i = 0; i < MANY; i++) /* no two are alike, so that none can be left out */
        room->gpus[i].model = i;
    VgWant wants[VG_PLACE_MOST];
    for (guint i = 0; i < VG_PLACE_MOST; i++)
        wants[i] = any(i % 2 == 0 ? K200 : K240Q);
    wants[30].gpu = wants[31].gpu = 7; /* two types on one GPU */
    clock_t begin = clock();           /* of the processor: others may be busy, too */
    expect(room, wants, VG_PLACE_MOST, NULL);
    g_assert_cmpint(clock() - begin, <, CLOCKS_PER_SEC);
}

/* --- modes, quotas, nearness -------------------------------------------------------------------------------------- */

/* Places of a GPU with 8 slots: whole, halves, quarters and singles that are not everywhere. */
static const guint16 whole_at[] = {0}, halves_at[] = {0, 4}, quarters_at[] = {0, 2, 4, 6}, singles_at[] = {0, 3, 4, 7};
static const VgShape shapes[] = {{8, 1, whole_at}, {4, 2, halves_at}, {2, 4, quarters_at}, {1, 4, singles_at}};
enum { SHAPES = G_N_ELEMENTS(shapes) };

/* GPUs in @mode that offer one type of each shape, type t of shape t. */
static VgRoom *mode_room(VgGpuMode mode, guint n, const VgPolicy *policies) {
    VgRoom *room = g_new0(VgRoom, 1);
    room->gpus = g_new0(VgRoomGpu, n);
    room->n_gpus = n;
    room->types = g_new0(VgRoomType, SHAPES);
    room->n_types = SHAPES;
    room->policies = policies;
    for (guint g = 0; g < n; g++)
        room->gpus[g] = (VgRoomGpu){.size = VG_UNITS,
                                    .kind = VG_PLACE_NOTHING,
                                    .node = VG_PLACE_ANY,
                                    .mode = mode,
                                    .shapes = shapes,
                                    .n_shapes = SHAPES,
                                    .slots = 8};
    for (guint t = 0; t < SHAPES; t++) {
        room->types[t] = (VgRoomType){
            .kinds = {t, t / 2, 99, 99}, .shape = shapes[t], .offers = g_new0(VgRoomOffer, n), .n_offers = n};
        for (guint g = 0; g < n; g++)
            room->types[t].offers[g] = (VgRoomOffer){g, VG_UNITS / shapes[t].n_starts, TRUE, TRUE};
    }
    return room;
}

static int place_one(VgRoom *room, guint type) {
    VgPick pick;
    VgWant want = any(type);
    if (!vg_place(room, &want, 1, &pick))
        return -1;
    vg_room_take(room, pick.gpu, type, pick.start);
    return (int)(pick.gpu * 100 + (pick.start != VG_NO_START ? pick.start : 0));
}

/* Sizes side by side; each goes where the longest places stay. */
static void test_mixed_size(void) {
    g_autoptr(VgRoom) room = mode_room(VG_MODE_MIXED_SIZE, 2, depth);
    g_assert_cmpint(place_one(room, 3), ==, 0);                        /* 1 slot: one half is lost wherever it goes */
    g_assert_cmpint(place_one(room, 2), ==, 2);                        /* 2 slots: into the broken half */
    g_assert_cmpint(place_one(room, 1), ==, 4);                        /* 4 slots: the other half is whole */
    g_assert_cmpuint(vg_place_fit(room, 0, 3), ==, VG_FIT_FRAGMENTED); /* slot 1 is no start */
    g_assert_cmpint(place_one(room, 3), ==, 100);                      /* the next GPU */
    g_assert_cmpuint(vg_place_capacity(room, 1, 1), ==, 1);
    g_assert_cmpuint(vg_place_capacity(room, 1, 3), ==, 3);
    g_assert_cmpuint(room->gpus[0].used, <=, room->gpus[0].size);
}

/* GPU instances as an A100's driver publishes their places: 7 slices of processors over 8 of memory. */
static void test_mig(void) {
    static const guint16 at_any[] = {0, 1, 2, 3, 4, 5, 6}, at_even[] = {0, 2, 4}, at_half[] = {0, 4}, at_0[] = {0};
    enum { SLICES_7, SLICES_4, SLICES_3, SLICES_2, SLICE_1, MEDIA_1, N };
    static const VgShape of[N] = {{8, 1, at_0},    {4, 1, at_0},   {4, 2, at_half},
                                  {2, 3, at_even}, {1, 7, at_any}, {1, 7, at_any}};
    VgRoomGpu gpu = {
        .size = VG_UNITS, .kind = VG_PLACE_NOTHING, .mode = VG_MODE_MIG, .slots = 8, .shapes = of, .n_shapes = 5};
    VgRoomType types[N] = {{.n_offers = 0}};
    VgRoomOffer offers[N] = {{.gpu = 0}};
    for (guint t = 0; t < N; t++) {
        offers[t] = (VgRoomOffer){.units = VG_UNITS / of[t].n_starts, .usable = TRUE, .enabled = TRUE};
        types[t] = (VgRoomType){
            .kinds = {t, t, t, N}, .shape = of[t], .once = t == MEDIA_1, .offers = &offers[t], .n_offers = 1};
    }
    VgRoom room = {.gpus = &gpu, .n_gpus = 1, .types = types, .n_types = N, .policies = depth};
    static const guint most[N] = {1, 1, 2, 3, 7, 1};
    for (guint t = 0; t < N; t++)
        g_assert_cmpuint(vg_place_capacity(&room, 0, t), ==, most[t]);
    g_assert_cmpint(place_one(&room, MEDIA_1), ==, 6); /* where no larger one can begin */
    g_assert_cmpuint(vg_place_fit(&room, 0, MEDIA_1), ==, VG_FIT_FULL);
    g_assert_cmpint(place_one(&room, SLICE_1), ==, 4);
    g_assert_cmpint(place_one(&room, SLICES_4), ==, 0);
    g_assert_cmpuint(vg_place_fit(&room, 0, SLICES_2), ==, VG_FIT_FRAGMENTED); /* 5 and 7 are free */
    g_assert_cmpint(place_one(&room, SLICE_1), ==, 5);
    g_assert_cmpint(place_one(&room, SLICE_1), ==, -1); /* slice 7 of the memory begins nothing */
    g_assert_cmpuint(gpu.once, ==, 1);
}

/* wish-32: free memory in two pieces. */
static void test_fragmented(void) {
    g_autoptr(VgRoom) room = mode_room(VG_MODE_MIXED_SIZE, 1, depth);
    VgHold a = vg_room_take(room, 0, 2, 0), b = vg_room_take(room, 0, 2, 4);
    g_assert_cmpuint(vg_place_fit(room, 0, 1), ==, VG_FIT_FRAGMENTED);
    g_assert_cmpuint(vg_place_fit(room, 0, 0), ==, VG_FIT_FULL);
    vg_room_give(room, 0, 2, a);
    g_assert_cmpuint(vg_place_fit(room, 0, 1), ==, VG_FIT_OK);
    vg_room_give(room, 0, 2, b);
    g_assert_cmpuint(room->gpus[0].kind, ==, VG_PLACE_NOTHING);
    g_assert_cmpuint(vg_place_fit(room, 0, 0), ==, VG_FIT_OK);
    /* What is there and nobody can say where leaves room for nothing. */
    vg_room_take(room, 0, 2, VG_NO_START);
    g_assert_cmpuint(vg_place_fit(room, 0, 2), ==, VG_FIT_FULL);
}

/* Types of one kind share a GPU, each by its own units. */
static void test_equal_size(void) {
    g_autoptr(VgRoom) room = mode_room(VG_MODE_EQUAL_SIZE, 1, depth);
    g_assert_cmpint(place_one(room, 2), ==, 0);
    g_assert_cmpuint(vg_place_fit(room, 0, 3), ==, VG_FIT_OK);
    g_assert_cmpuint(vg_place_fit(room, 0, 1), ==, VG_FIT_INCOMPATIBLE);
    room->gpus[0].mode = VG_MODE_ONE_TYPE;
    g_assert_cmpuint(vg_place_fit(room, 0, 3), ==, VG_FIT_INCOMPATIBLE);
}

/* pack: large blocks stay whole, where depth-first would break one. */
static void test_pack(void) {
    static const VgPolicy pack[] = {VG_POLICY_PACK};
    g_autoptr(VgRoom) room = mode_room(VG_MODE_MIXED_SIZE, 2, pack);
    vg_room_take(room, 0, 1, 0);                              /* GPU 0: a half is free */
    vg_room_take(room, 1, 2, 2), vg_room_take(room, 1, 3, 7); /* GPU 1: 0-1 and 4-6 are free */
    g_assert_cmpint(place_one(room, 2), ==, 100);             /* into the hole of two */
    g_assert_cmpint(place_one(room, 2), ==, 104);
    g_assert_cmpint(place_one(room, 1), ==, 4);
}

/* wish-34: the GPU near the guest's memory; where none is near, one that is not. */
static void test_numa(void) {
    static const VgPolicy numa[] = {VG_POLICY_NUMA};
    static const Card cards[] = {K2, K2};
    g_autoptr(VgRoom) room = room_new(cards, 2, numa);
    room->gpus[0].node = 0;
    room->gpus[1].node = 1;
    VgWant near = any(K260Q);
    near.node = 1;
    expect(room, &near, 1, (const int[]){1});
    take(room, 1, K260Q, 2);
    expect(room, &near, 1, (const int[]){0});
    near.node = VG_PLACE_ANY;
    expect(room, &near, 1, (const int[]){0});
}

/* wish-35, and what a closed GPU says. */
static void test_quota(void) {
    static const Card cards[] = {K2, K2, K2};
    g_autoptr(VgRoom) room = room_new(cards, 3, depth);
    VgRoomQuota quotas[] = {{0, K260Q, 2, 0}, {VG_PLACE_ANY, VG_PLACE_ANY, 4, 0}};
    room->gpus[2].group = 1;
    room->quotas = quotas;
    room->n_quotas = 2;
    VgWant in_group = {K260Q, 0, VG_PLACE_ANY, VG_PLACE_ANY}, three[] = {in_group, in_group, in_group};
    VgWant anywhere[] = {any(K260Q), any(K260Q), any(K260Q), any(K260Q)};
    g_assert_cmpuint(vg_place_available(room, 2, 0, K260Q), ==, 2);
    g_assert_cmpuint(vg_place_available(room, 2, VG_PLACE_ANY, K260Q), ==, 4);
    g_assert_cmpuint(vg_place_available(room, 2, VG_PLACE_ANY, K200), ==, 4);
    expect(room, three, 2, (const int[]){0, 0});
    expect(room, three, 3, NULL);
    expect(room, anywhere, 4, (const int[]){0, 0, 2, 2});
    VgHold hold = vg_room_take(room, 0, K260Q, VG_NO_START);
    take(room, 1, K260Q, 1);
    g_assert_cmpuint(vg_place_fit(room, 0, K260Q), ==, VG_FIT_QUOTA);
    g_assert_cmpuint(vg_place_capacity(room, 0, K260Q), ==, 0);
    expect(room, &in_group, 1, NULL);
    vg_room_give(room, 0, K260Q, hold);
    expect(room, &in_group, 1, (const int[]){1});
    room->gpus[1].closed = TRUE;
    g_assert_cmpuint(vg_place_fit(room, 1, K260Q), ==, VG_FIT_CLOSED);
    expect(room, &in_group, 1, (const int[]){0});
    room->types[K260Q].offers[1].enabled = FALSE;
    g_assert_cmpuint(vg_place_fit(room, 1, K260Q), ==, VG_FIT_CLOSED); /* before enabled */
    room->n_quotas = 0;
    room->quotas = NULL;
}

/* --- affinity ----------------------------------------------------------------------------------------------------- */

static VgWant bound(guint type, guint bond, gboolean preferred) {
    VgWant want = any(type);
    want.n_bonds = 1;
    want.bonds[0].bond = bond;
    want.bonds[0].preferred = preferred;
    return want;
}

static void test_affinity(void) {
    static const Card cards[] = {K2, K2, K2};
    enum { TOGETHER, APART };
    g_autoptr(VgRoom) room = room_new(cards, 3, depth);
    room->n_bonds = 2;
    room->bonds = g_new0(VgRoomBond, 2);
    room->bonds[APART].apart = TRUE;
    /* With nobody there, the policy decides; then they stay together, though it would fill the first GPU. */
    VgWant together = bound(K260Q, TOGETHER, FALSE), apart = bound(K260Q, APART, FALSE);
    expect(room, &together, 1, (const int[]){0});
    vg_room_take(room, 2, K260Q, VG_NO_START);
    vg_room_join(room, 2, TOGETHER);
    take(room, 0, K260Q, 1);
    expect(room, &together, 1, (const int[]){2});
    take(room, 2, K260Q, 1);
    expect(room, &together, 1, NULL);
    g_assert_cmpuint(vg_place_fit_want(room, 1, &together), ==, VG_FIT_AFFINITY);
    g_assert_cmpuint(vg_place_fit_want(room, 2, &together), ==, VG_FIT_FULL);
    VgWant rather = bound(K260Q, TOGETHER, TRUE);
    expect(room, &rather, 1, (const int[]){0});
    /* Apart: each of one guest on another GPU, and none where one is. */
    VgWant three[] = {apart, apart, apart};
    expect(room, three, 2, (const int[]){0, 1});
    expect(room, three, 3, NULL);
    vg_room_join(room, 0, APART);
    expect(room, &apart, 1, (const int[]){1});
    VgWant rather_apart = bound(K260Q, APART, TRUE);
    expect(room, &rather_apart, 1, (const int[]){1});
    vg_room_join(room, 1, APART);
    expect(room, &apart, 1, NULL);
    expect(room, &rather_apart, 1, (const int[]){0});
    vg_room_part(room, 0, APART);
    expect(room, &apart, 1, (const int[]){0});
    /* The first of two has to leave the policy's GPU, for the second is pinned elsewhere. */
    vg_room_part(room, 1, APART);
    vg_room_part(room, 2, TOGETHER);
    VgWant both[] = {together, together};
    both[1].gpu = 1;
    expect(room, both, 2, (const int[]){1, 1});
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/place/RUN", test_run);
    g_test_add_func("/place/CAP", test_capacity);
    g_test_add_func("/place/CAP-3", test_capacity_steps);
    g_test_add_func("/place/GAP-22-policies", test_policies);
    g_test_add_func("/place/scope", test_scope);
    g_test_add_func("/place/GAP-16-together", test_together);
    g_test_add_func("/place/RNK", test_ranking);
    g_test_add_func("/place/forgotten-type", test_forgotten_type);
    g_test_add_func("/place/effort", test_effort);
    g_test_add_func("/place/mixed-size", test_mixed_size);
    g_test_add_func("/place/mig", test_mig);
    g_test_add_func("/place/wish-32-fragmented", test_fragmented);
    g_test_add_func("/place/equal-size", test_equal_size);
    g_test_add_func("/place/pack", test_pack);
    g_test_add_func("/place/wish-34-numa", test_numa);
    g_test_add_func("/place/wish-35-quota", test_quota);
    g_test_add_func("/place/affinity", test_affinity);
    return g_test_run();
}
