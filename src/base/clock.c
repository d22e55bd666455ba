/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock.c: GLib's two clocks, until a test stops them. */
#include "config.h"
#include "base/clock.h"

static gboolean stopped; /* set after both moments below are, so any thread may read them */
static gint64 mono_at, real_at, warped;

gint64 vg_clock_mono_us(void) {
    if (G_LIKELY(!__atomic_load_n(&stopped, __ATOMIC_ACQUIRE)))
        return g_get_monotonic_time();
    return mono_at + __atomic_load_n(&warped, __ATOMIC_RELAXED);
}

gint64 vg_clock_real_us(void) {
    if (G_LIKELY(!__atomic_load_n(&stopped, __ATOMIC_ACQUIRE)))
        return g_get_real_time();
    return real_at + __atomic_load_n(&warped, __ATOMIC_RELAXED);
}

void vg_clock_stop(void) {
    if (stopped)
        return;
    mono_at = g_get_monotonic_time();
    real_at = g_get_real_time();
    __atomic_store_n(&stopped, TRUE, __ATOMIC_RELEASE);
}

void vg_clock_warp(gint64 us) {
    vg_clock_stop();
    __atomic_add_fetch(&warped, us, __ATOMIC_RELAXED);
}
