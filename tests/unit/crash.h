/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crash.h: a life in a child process that dies, or whose effect fails, at each single step there is. Steps are not
 * listed anywhere: a first run logs the fault points it passes. The child is the test program itself, with other
 * arguments.
 */
#pragma once

#include <glib.h>

/* Set by main() before anything else: argv[0]. */
extern const char *crash_self;

/* Runs "SELF what dir" to its end, with a fault and a log of points, if not NULL. Its status is 0, or it was killed;
 * anything else ends the test. TRUE: killed. */
gboolean crash_child(const char *what, const char *dir, const char *fault, const char *log);
/* Every point that "SELF what dir" passes, in order. Of strings for crash_fault(). */
GPtrArray *crash_points(const char *what, const char *dir);
/* What makes point @i, the N-th of its name, do @action. Caller frees. */
char *crash_fault(GPtrArray *points, guint i, const char *action);
/* Is a point there whose name begins so? */
gboolean crash_has_point(GPtrArray *points, const char *prefix);
void crash_remove_dir(const char *dir);
