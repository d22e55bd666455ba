/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* place.c: how long placement takes on 1,024 GPUs, by how many vGPUs run. Prints p50 and p99 in microseconds; no
 * test. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/place.h"

enum { GPUS = 1024, TYPES = 4, ROUNDS = 5000 };
static const guint fits[TYPES] = {16, 8, 4, 2};

static guint64 now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (guint64)t.tv_sec * 1000000000 + (guint64)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;
    return x < y ? -1 : x > y;
}

static void build(VgRoom *room, const VgPolicy *policy) {
    *room = (VgRoom){.gpus = g_new0(VgRoomGpu, GPUS),
                     .n_gpus = GPUS,
                     .types = g_new0(VgRoomType, TYPES),
                     .n_types = TYPES,
                     .policies = policy};
    for (guint g = 0; g < GPUS; g++)
        room->gpus[g] = (VgRoomGpu){.size = VG_UNITS, .kind = VG_PLACE_NOTHING, .node = VG_PLACE_ANY};
    for (guint t = 0; t < TYPES; t++) {
        room->types[t] = (VgRoomType){.kinds = {t, t, t}, .offers = g_new0(VgRoomOffer, GPUS), .n_offers = GPUS};
        for (guint g = 0; g < GPUS; g++)
            room->types[t].offers[g] = (VgRoomOffer){g, VG_UNITS / fits[t], TRUE, TRUE};
    }
}

static void measure(const char *name, const VgRoom *room, const VgWant *wants, guint n) {
    static guint64 took[ROUNDS];
    VgPick picked[VG_PLACE_MOST];
    guint placed = 0;
    for (guint i = 0; i < ROUNDS; i++) {
        guint64 begin = now_ns();
        placed += vg_place(room, wants, n, picked) ? 1 : 0;
        took[i] = now_ns() - begin;
    }
    qsort(took, ROUNDS, sizeof *took, by_value);
    printf("%-44s p50 %7.2f us  p99 %7.2f us  %s\n", name, (double)took[ROUNDS / 2] / 1e3,
           (double)took[ROUNDS * 99 / 100] / 1e3, placed > 0 ? "placed" : "no room");
}

int main(void) {
    static const guint running[] = {0, 1024, 4096, 8192, 16384};
    for (VgPolicy policy = 0; policy < VG_POLICY_LAST; policy++)
        for (guint r = 0; r < G_N_ELEMENTS(running); r++) {
            VgRoom room;
            build(&room, &policy);
            VgWant want = {.group = VG_PLACE_ANY, .gpu = VG_PLACE_ANY, .node = VG_PLACE_ANY};
            VgPick gpu;
            for (guint i = 0; i < running[r] && vg_place(&room, &want, 1, &gpu); i++)
                vg_room_take(&room, gpu.gpu, 0, VG_NO_START);
            static const char *const names[VG_POLICY_LAST] = {"depth-first", "breadth-first", "pack", "numa"};
            const char *by = names[policy];
            g_autofree char *one = g_strdup_printf("%s, %u run, 1 vGPU", by, running[r]);
            g_autofree char *four = g_strdup_printf("%s, %u run, 4 vGPUs", by, running[r]);
            VgWant wants[4] = {want, want, want, want};
            measure(one, &room, &want, 1);
            measure(four, &room, wants, 4);
            for (guint t = 0; t < TYPES; t++)
                g_free(room.types[t].offers);
            g_free(room.types);
            g_free(room.gpus);
        }
    return 0;
}
