/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inhibit.h: the machine does not go to sleep while guests with GPUs run: no GPU driver brings a guest's state through
 * that. It is systemd's inhibitor lock "sleep" of kind "block": who asks for sleep is told that virtgrid is in the way,
 * and may insist. Without logind nothing is held, and the log says so. Main loop only.
 */
#pragma once

#include <glib.h>

typedef struct VgInhibit VgInhibit;

VgInhibit *vg_inhibit_new(void);
/* Soon: the bus is asked in a job. */
void vg_inhibit_set(VgInhibit *inhibit, gboolean wanted);
/* Is it held now? */
gboolean vg_inhibit_held(const VgInhibit *inhibit);
/* Lets go. No job may be under way. */
void vg_inhibit_free(VgInhibit *inhibit);
