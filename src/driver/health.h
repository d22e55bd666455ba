/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * health.h: what the driver does by itself about GPUs: a GPU that fails goes into quarantine, devices that other hands
 * make or remove are noticed, one that is to be reset is, when it has become empty. Main loop only.
 */
#pragma once

#include "driver/run.h"

/* Listens from now on, after the start-up's repairs. */
void vg_health_begin(VgDriverState *hub);
void vg_health_end(VgDriverState *hub);

/* Looks for devices of other hands; @done is called once what it knows is not older than this call. */
void vg_health_look(VgDriverState *hub, VgDone done);
/* A domain marked for autostart whose GPU is not ready yet: it is started when that is. FALSE: it need not wait. */
gboolean vg_health_start_later(VgDriverState *hub, VgDom *dom);
/* Begins what was waiting for GPUs to become empty, and keeps the machine awake or lets it sleep. Called when
 * something was claimed, given back, or ordered. */
void vg_health_settle(VgDriverState *hub);
/* The guest of @op is to be stopped by force: what is decided for its GPUs is on disk before @then is called. */
void vg_health_force(VgOp *op, void (*then)(VgOp *op));
/* Gives @claim back, with what follows for the GPUs it was on. */
void vg_health_drop(VgDriverState *hub, VgClaim *claim);
/* Gives the claims of @run back (there may be none), with what follows for the GPUs it was on. */
void vg_health_release(VgRun *run);

/* --- grid.c ------------------------------------------------------------------------------------------------------- */

/* An order to the engine, after those before it. @keep: counts also when it cannot be written. @done.func may be NULL.
 */
void vg_order(VgDriverState *hub, const char *text, gboolean keep, VgDone done);
