/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * control.h: DIR/control, where a test or a person makes a guest act by itself: a file named after the domain,
 * containing "poweroff", "reboot", "crash" or "watchdog". The file is taken away when it was obeyed.
 */
#pragma once

#include "base/error.h"
#include "base/names.h"

extern const VgNames vg_sim_act_names; /* of VgXenReason: what a guest can be told to do */

typedef struct VgSimControl VgSimControl;

/* Main loop. @sim is a VgSim. */
VgSimControl *vg_sim_control_new(gpointer sim, const char *dir, GError **error);
void vg_sim_control_free(VgSimControl *control);
