/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * leftovers.h: what guests that are gone still hold, because the kernel or Xen did not let go of it. It stays on record
 * and counts; it is tried again by the domain's next start, and by itself, after a second first and then ever more
 * seldom. Main loop only.
 */
#pragma once

#include "driver/run.h"

void vg_leftovers_begin(VgDriverState *hub);
/* Nothing is tried from here on; what is under way ends as a job does. */
void vg_leftovers_end(VgDriverState *hub);
/* Something is left over: it is tried again soon. */
void vg_leftovers_later(VgDriverState *hub);
/* A claim of the ledger whose guest does not run and which could not be taken down at start-up. */
void vg_leftovers_add_claim(VgDriverState *hub, VgClaim *claim, const char *why);
/* At start-up, and when it is tried again; a job or before there is a loop. */
gboolean vg_leftovers_drop_claim(VgDriverState *hub, VgClaim *claim, GError **error);
