/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ports.h: which port of the host a guest's screen is seen on. */
#pragma once

#include "driver/hub.h"

/*
 * Gives every VNC and SPICE screen with autoport the first port from 5900 on that no running guest has and, on a real
 * host, no other program either. They are taken as long as a run has @def, and nowhere else noted down. Main loop.
 * RESOURCE_BUSY: none is left.
 */
gboolean vg_ports_choose(VgDriverState *hub, VgDomain *def, GError **error);
