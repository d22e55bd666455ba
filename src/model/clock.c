/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock.c: <clock>. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_clock_names, VG_CLOCK_LAST, NULL, "utc", "localtime", "variable", "timezone", "absolute");
VG_NAMES(vg_basis_names, VG_BASIS_LAST, NULL, "utc", "localtime");
VG_NAMES(vg_timer_names, VG_TIMER_LAST, NULL, "platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock",
         "armvtimer");
VG_NAMES(vg_tick_names, VG_TICK_LAST, NULL, "delay", "catchup", "merge", "discard");
VG_NAMES(vg_track_names, VG_TRACK_LAST, NULL, "boot", "guest", "wall", "realtime");
VG_NAMES(vg_timer_mode_names, VG_TIMER_MODE_LAST, NULL, "auto", "native", "emulate", "paravirt", "smpsafe");

static gboolean check_timer(void *object, GError **error) {
    const VgTimer *timer = object;
    const char *name = vg_names_name(&vg_timer_names, (int)timer->name);
    if (timer->name != VG_TIMER_TSC && (timer->frequency != 0 || timer->mode != VG_TIMER_MODE_NONE)) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<timer name='%s'>: only the tsc timer has a frequency and a mode"), name);
        return FALSE;
    }
    if (timer->track != VG_TRACK_NONE && timer->name != VG_TIMER_PLATFORM && timer->name != VG_TIMER_RTC) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<timer name='%s'>: only the platform and rtc timers have a track"), name);
        return FALSE;
    }
    return TRUE;
}

static const VgXmlMap timer_map = {
    .size = sizeof(VgTimer),
    .check = check_timer,
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgTimer, name, "@name", vg_timer_names, .flags = VG_ROW_REQUIRED),
                               VG_X_ENUM(VgTimer, present, "@present", vg_yesno_names),
                               VG_X_ENUM(VgTimer, tickpolicy, "@tickpolicy", vg_tick_names, .flags = VG_ROW_INERT),
                               VG_X_ENUM(VgTimer, track, "@track", vg_track_names, .flags = VG_ROW_INERT),
                               VG_X_INT(VgTimer, frequency, "@frequency", 0, G_MAXINT64, .flags = VG_ROW_INERT),
                               VG_X_ENUM(VgTimer, mode, "@mode", vg_timer_mode_names),
                               VG_X_UNSUPPORTED("catchup", N_("Xen's timers have no catch-up policy")), VG_X_END}};

/* "reset", or seconds. */
static gboolean parse_adjustment(const char *text, void *member, guint flags) {
    VgClock *clock = member;
    if (strcmp(text, "reset") == 0) {
        clock->adjustment_reset = TRUE;
        return TRUE;
    }
    if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &clock->adjustment, NULL))
        return FALSE;
    clock->adjustment_given = TRUE;
    return TRUE;
}

static gboolean format_adjustment(const void *member, GString *out, guint flags) {
    const VgClock *clock = member;
    if (clock->offset == VG_CLOCK_VARIABLE)
        g_string_append_printf(out, "%" G_GINT64_FORMAT, clock->adjustment);
    else if (clock->adjustment_reset)
        g_string_append(out, "reset");
    else
        return FALSE;
    return TRUE;
}

static const VgXmlType adjustment_type = {
    .what = N_("'reset' or a number of seconds"), .parse = parse_adjustment, .format = format_adjustment};

/* A UTC or local clock that was moved is a variable one. */
static gboolean check_clock(void *object, GError **error) {
    VgClock *clock = object;
    if (clock->offset == VG_CLOCK_TIMEZONE || clock->offset == VG_CLOCK_ABSOLUTE) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<clock offset='%s'> is not supported: Xen has utc, localtime and variable"),
                     vg_names_name(&vg_clock_names, (int)clock->offset));
        return FALSE;
    }
    if (clock->offset == VG_CLOCK_NONE)
        clock->offset = VG_CLOCK_UTC;
    if (clock->offset != VG_CLOCK_VARIABLE && clock->adjustment_given) {
        clock->basis = clock->offset == VG_CLOCK_UTC ? VG_BASIS_UTC : VG_BASIS_LOCALTIME;
        clock->offset = VG_CLOCK_VARIABLE;
    }
    if (clock->offset == VG_CLOCK_VARIABLE && clock->basis == VG_BASIS_NONE)
        clock->basis = VG_BASIS_UTC;
    if (clock->offset != VG_CLOCK_VARIABLE)
        clock->basis = VG_BASIS_NONE;
    return TRUE;
}

const VgXmlMap vg_clock_map = {
    .name = "clock",
    .size = sizeof(VgClock),
    .check = check_clock,
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgClock, offset, "@offset", vg_clock_names),
                               VG_X_WHOLE("@adjustment", adjustment_type),
                               VG_X_ENUM(VgClock, basis, "@basis", vg_basis_names),
                               VG_X_ARRAY(VgClock, timers, VgTimer, "timer", timer_map, .max = 64), VG_X_END}};
