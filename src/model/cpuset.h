/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpuset.h: sets of CPUs as text, such as <vcpu cpuset='0-3,^2'>. */
#pragma once

#include <glib.h>

#define VG_CPUSET_MAX 4096

/* Bit n of @map (n % 8 of byte n / 8) is CPU n. FALSE: not such a set, or a number of 4096 or more. */
gboolean vg_cpuset_parse(const char *text, guint8 map[VG_CPUSET_MAX / 8]);
/* Caller frees; "" for the empty set. */
char *vg_cpuset_format(const guint8 map[VG_CPUSET_MAX / 8]);
/* Replaces *text, which may be NULL, by its normal form. FALSE: no such set, or empty. */
gboolean vg_cpuset_normalize(char **text);
