/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* scratch.h: folders for tests that write much and may be killed. What a killed one left goes with the next test. */
#pragma once

#include <glib.h>

/* A new one, in memory where there is such a place: what is tested is the order of things, not the disk. Ours as long
 * as this process lives. Caller frees the name. */
char *scratch_new(void);
/* With all that is in it. */
void scratch_remove(const char *dir);
