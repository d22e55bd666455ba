/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-place.c: placement against the acceptance rows, named by their ids (RUN-1, CAP-14, GAP-22: how XenServer
 * behaves, as given, when, expect), and against a slow answer that tries everything.
 */
#include "config.h"

#include <string.h>

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

/* GAP-16: two vGPUs, one GPU with room for one, another with room: one on each, decided together. */
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
    gint64 begin = g_get_monotonic_time();
    expect(room, wants, VG_PLACE_MOST, NULL);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, G_USEC_PER_SEC);
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

/* --- against everything ------------------------------------------------------------------------------------------- */

#define GPUS 5
#define WANTS 4
#define QUOTAS 2

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
    return room;
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
            key[i] = naive_key(room, &wants[i], g, &now[g]);
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
        for (guint i = 0; i < n; i++)
            wants[i] = (VgWant){(guint32)g_rand_int_range(rand, 0, (gint32)room->n_types), maybe(rand, 3, 2),
                                maybe(rand, 4, room->n_gpus), maybe(rand, 2, 2)};
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
    g_test_add_func("/place/oracle", test_oracle);
    return g_test_run();
}
