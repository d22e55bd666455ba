/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock.h: <clock> and its timers. */
#pragma once

#include "model/types.h"

typedef enum {
    VG_CLOCK_NONE,
    VG_CLOCK_UTC,
    VG_CLOCK_LOCALTIME,
    VG_CLOCK_VARIABLE,
    VG_CLOCK_TIMEZONE, /* refused */
    VG_CLOCK_ABSOLUTE, /* refused */
    VG_CLOCK_LAST
} VgClockOffset;
typedef enum { VG_BASIS_NONE, VG_BASIS_UTC, VG_BASIS_LOCALTIME, VG_BASIS_LAST } VgClockBasis;
typedef enum {
    VG_TIMER_NONE,
    VG_TIMER_PLATFORM,
    VG_TIMER_PIT,
    VG_TIMER_RTC,
    VG_TIMER_HPET,
    VG_TIMER_TSC,
    VG_TIMER_KVMCLOCK,
    VG_TIMER_HYPERVCLOCK,
    VG_TIMER_ARMVTIMER,
    VG_TIMER_LAST
} VgTimerName;
typedef enum {
    VG_TICK_NONE,
    VG_TICK_DELAY,
    VG_TICK_CATCHUP,
    VG_TICK_MERGE,
    VG_TICK_DISCARD,
    VG_TICK_LAST
} VgTickPolicy;
typedef enum {
    VG_TRACK_NONE,
    VG_TRACK_BOOT,
    VG_TRACK_GUEST,
    VG_TRACK_WALL,
    VG_TRACK_REALTIME,
    VG_TRACK_LAST
} VgTimerTrack;
typedef enum {
    VG_TIMER_MODE_NONE,
    VG_TIMER_MODE_AUTO,
    VG_TIMER_MODE_NATIVE,
    VG_TIMER_MODE_EMULATE,
    VG_TIMER_MODE_PARAVIRT,
    VG_TIMER_MODE_SMPSAFE,
    VG_TIMER_MODE_LAST
} VgTimerMode;

typedef struct {
    VgTimerName name;
    VgTickPolicy tickpolicy; /* inert */
    VgTimerTrack track;      /* inert */
    guint64 frequency;       /* Hz, 0 = absent; inert */
    VgTimerMode mode;        /* of tsc */
    VgTristate present;
} VgTimer;

typedef struct {
    VgClockOffset offset;      /* UTC if the domain has no <clock> */
    gboolean adjustment_reset; /* adjustment='reset' */
    gboolean adjustment_given;
    /* Seconds, for VARIABLE; for UTC and LOCALTIME a number turns the clock into VARIABLE while parsing. */
    gint64 adjustment;
    VgClockBasis basis; /* of VARIABLE */
    VgTimer **timers;
    gsize n_timers;
} VgClock;
