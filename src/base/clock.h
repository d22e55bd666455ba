/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock.h: time, which a test can stop and move. Any thread. */
#pragma once

#include <glib.h>

gint64 vg_clock_mono_us(void); /* since some fixed moment, never back */
gint64 vg_clock_real_us(void); /* since 1970, UTC */

/* Tests: from now on both clocks stand still at what they say, plus what is added here. */
void vg_clock_stop(void);
void vg_clock_warp(gint64 us);
