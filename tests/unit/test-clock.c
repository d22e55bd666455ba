/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-clock.c: time passes, until it is stopped. The order of the cases matters: there is no way back. */
#include "config.h"
#include "base/clock.h"

static void test_runs(void) {
    gint64 before = g_get_real_time(), mono = vg_clock_mono_us(), real = vg_clock_real_us();
    g_assert_cmpint(real, >=, before);
    g_assert_cmpint(real, <=, g_get_real_time());
    g_usleep(2000);
    g_assert_cmpint(vg_clock_mono_us() - mono, >=, 2000);
    g_assert_cmpint(vg_clock_real_us(), >, real);
}

static void test_stopped(void) {
    vg_clock_stop();
    gint64 mono = vg_clock_mono_us(), real = vg_clock_real_us();
    g_usleep(2000);
    g_assert_cmpint(vg_clock_mono_us(), ==, mono);
    g_assert_cmpint(vg_clock_real_us(), ==, real);
    vg_clock_warp(5);
    vg_clock_warp(G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC);
    vg_clock_stop(); /* once more means nothing */
    g_assert_cmpint(vg_clock_mono_us() - mono, ==, G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC + 5);
    g_assert_cmpint(vg_clock_real_us() - real, ==, G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC + 5);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock/1-runs", test_runs);
    g_test_add_func("/clock/2-stopped", test_stopped);
    return g_test_run();
}
