/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-ledger.c: the ledger alone: cut at every byte it knows what was whole (wish-24); dead, or failing, at every step
 * of a compaction it has lost nothing and invented nothing (wish-12).
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "crash.h"
#include "gpu/ledger.h"
#include "scratch.h"

#define VG_AREA "test"
#include "base/log.h"

#define KEPT 3
#define MANY 300 /* come and go: more than are kept for nothing */

static VgLedger *open_in(const char *dir, GPtrArray **ret_claims, guint64 *ret_generation) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(dir, "ledger", NULL);
    VgLedger *ledger = vg_ledger_open(path, ret_claims, ret_generation, &error);
    g_assert_no_error(error);
    return ledger;
}

static gboolean claim(VgLedger *ledger, guint64 id) {
    static const char *params[] = {"frame_rate_limiter", "0", NULL};
    VgLedgerVgpu v = {.gpu = {.bus = 0x82},
                      .backend = (char *)"mdev",
                      .type_name = (char *)"GRID T4-1Q",
                      .type_id = (char *)"nvidia-230",
                      .generation = id,
                      .start = -1,
                      .params = (char **)params};
    VgLedgerClaim c = {.id = id, .owner_name = (char *)"guest", .vgpus = &v, .n = 1};
    v.vgpu.b[15] = (guint8)id;
    c.owner.b[14] = (guint8)id;
    g_autofree char *record = vg_ledger_print(&c);
    return vg_ledger_claim(ledger, id, record, NULL);
}

static gboolean has(const GPtrArray *claims, guint64 id) {
    for (guint i = 0; i < claims->len; i++) {
        const VgLedgerClaim *c = g_ptr_array_index(claims, i);
        if (c->id == id)
            return c->n == 1 && c->vgpus[0].generation == id && strcmp(c->vgpus[0].params[1], "0") == 0;
    }
    return FALSE;
}

/* --- torn --------------------------------------------------------------------------------------------------------- */

/* Whatever the cut, each record before it counts and none after it; and it can be written on. */
static void test_torn(void) {
    g_autofree char *dir = scratch_new(), *path = g_build_filename(dir, "ledger", NULL);
    g_autofree char *whole = NULL;
    gsize len = 0, ends[4] = {0};
    guint64 generation;
    GPtrArray *claims;
    VgLedger *ledger = open_in(dir, &claims, &generation);
    g_ptr_array_unref(claims);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) { /* 1, 2 claimed; 1 released; 3 claimed */
        g_assert_true(i == 2 ? vg_ledger_release(ledger, 1, NULL) : claim(ledger, i == 3 ? 3 : i + 1));
        g_clear_pointer(&whole, g_free);
        g_assert_true(g_file_get_contents(path, &whole, &len, NULL));
        ends[i] = len;
    }
    vg_ledger_free(ledger);
    for (gsize cut = 0; cut <= len; cut++) {
        g_assert_true(g_file_set_contents(path, whole, (gssize)cut, NULL));
        ledger = open_in(dir, &claims, &generation);
        g_assert_cmpint(has(claims, 1), ==, cut >= ends[0] && cut < ends[2]);
        g_assert_cmpint(has(claims, 2), ==, cut >= ends[1]);
        g_assert_cmpint(has(claims, 3), ==, cut >= ends[3]);
        g_ptr_array_unref(claims);
        g_assert_true(claim(ledger, 4));
        vg_ledger_free(ledger);
        ledger = open_in(dir, &claims, &generation);
        g_assert_true(has(claims, 4));
        g_assert_cmpuint(generation, ==, 4);
        g_ptr_array_unref(claims);
        vg_ledger_free(ledger);
    }
    crash_remove_dir(dir);
}

/* --- compaction --------------------------------------------------------------------------------------------------- */

/* Few stay, many come and go; each release that was answered is noted beside it. */
static int story(const char *dir) {
    vg_fault_init();
    GPtrArray *claims;
    guint64 generation, id = 0;
    g_autofree char *path = g_build_filename(dir, "ledger", NULL), *log = g_build_filename(dir, "released", NULL);
    VgLedger *ledger = vg_ledger_open(path, &claims, &generation, NULL);
    if (ledger == NULL)
        return 0;
    g_ptr_array_unref(claims);
    while (id < KEPT)
        if (claim(ledger, id + 1) || claim(ledger, id + 1))
            id++;
    while (id < MANY) {
        id++;
        g_assert_true(claim(ledger, id) || claim(ledger, id));
        g_assert_true(vg_ledger_release(ledger, id, NULL) || vg_ledger_release(ledger, id, NULL));
        FILE *f = fopen(log, "w");
        g_assert_nonnull(f);
        fprintf(f, "%" G_GUINT64_FORMAT, id);
        fclose(f);
    }
    vg_ledger_free(ledger);
    return 0;
}

static void check(const char *dir, const char *fault) {
    g_autofree char *log = g_build_filename(dir, "released", NULL), *text = NULL;
    guint64 generation, last = g_file_get_contents(log, &text, NULL, NULL) ? g_ascii_strtoull(text, NULL, 10) : 0;
    g_autoptr(GPtrArray) claims = NULL;
    VgLedger *ledger = open_in(dir, &claims, &generation);
    g_test_message("%s: %u claims, last released %u", fault, claims->len, (guint)last);
    for (guint64 id = 1; last > 0 && id <= KEPT; id++)
        g_assert_true(has(claims, id));
    /* beside them only the one that was under way */
    g_assert_cmpuint(claims->len, <=, KEPT + 1);
    if (claims->len == KEPT + 1)
        g_assert_true(has(claims, MAX(last, KEPT) + 1));
    g_assert_cmpuint(generation, >=, last);
    g_assert_true(claim(ledger, generation + 1));
    vg_ledger_free(ledger);
}

/* Not those of the many appends, which are all alike: of the first of them, and of what a compaction does. */
static gboolean is_of_interest(const char *point) {
    gboolean append = g_str_has_prefix(point, "journal.") || g_str_has_prefix(point, "gpu.ledger.");
    return !append || g_str_has_suffix(point, ":1") || g_str_has_suffix(point, ":4") ||
           g_str_has_prefix(point, "gpu.ledger.compact");
}

static void test_compaction(gconstpointer action) {
    g_autofree char *first = scratch_new();
    g_autoptr(GPtrArray) points = crash_points("--child", first);
    guint n = 0;
    check(first, "no fault");
    crash_remove_dir(first);
    g_assert_true(crash_has_point(points, "gpu.ledger.compact=") && crash_has_point(points, "durable.rename="));
    for (guint i = 0; i < points->len; i++) {
        g_autofree char *fault = crash_fault(points, i, action);
        if (!is_of_interest(fault))
            continue;
        g_autofree char *dir = scratch_new();
        gboolean killed = crash_child("--child", dir, fault, NULL);
        g_assert_cmpint(killed, ==, g_str_equal(action, "kill"));
        check(dir, fault);
        crash_remove_dir(dir);
        n++;
    }
    g_assert_cmpuint(n, >=, 15);
}

int main(int argc, char **argv) {
    vg_log_set_level(VG_LOG_ERROR);
    if (argc == 3 && strcmp(argv[1], "--child") == 0)
        return story(argv[2]);
    g_test_init(&argc, &argv, NULL);
    crash_self = argv[0];
    g_test_add_func("/ledger/wish-24-torn", test_torn);
    g_test_add_data_func("/ledger/wish-12-compaction-kill", "kill", test_compaction);
    g_test_add_data_func("/ledger/wish-12-compaction-fail", "fail", test_compaction);
    return g_test_run();
}
