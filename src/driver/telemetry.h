/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * telemetry.h: what only a program of the GPU's vendor can tell. It is asked in a queue of its own, at most every ten
 * seconds and only when somebody wants to know; nobody waits for it: a query is answered with what was told last. Main
 * loop only.
 */
#pragma once

#include "driver/hub.h"

void vg_telemetry_begin(VgDriverState *hub);
void vg_telemetry_end(VgDriverState *hub);
/* Somebody looks at vGPUs: what is told of them is to be young soon. */
void vg_telemetry_want(VgDriverState *hub);
