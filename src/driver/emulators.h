/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * emulators.h: the display emulator of a running guest, one process for all its vGPUs of that back end. The driver
 * orders it (gpu/emulator.h), virtgrid-dm starts it as the domain is made, here it is waited for, watched, stopped
 * before the domain goes, and found again by a later daemon. On a simulated host without an emulator in virtgridd.conf
 * there is nothing to do.
 */
#pragma once

#include "driver/run.h"

void vg_emulators_begin(VgDriverState *hub, const VgDriverPaths *paths);
void vg_emulators_end(VgDriverState *hub);
/* The program, or NULL. Borrowed. */
const char *vg_emulators_program(const VgDriverState *hub);

/* --- for the config ----------------------------------------------------------------------------------------------- */

/* What a VgXenBuild borrows. */
typedef struct {
    char *order;
    const char *args[3];
} VgStarter;
void vg_starter_clear(VgStarter *starter);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgStarter, vg_starter_clear)
/* virtgrid-dm comes before @build's device model if one of its GPUs needs an emulator for @owner. */
void vg_starter_take(VgStarter *starter, const VgDriverState *hub, const VgUuid *owner, VgXenBuild *build);

/* --- rungs (jobs) ------------------------------------------------------------------------------------------------- */

/* Before the domain. CONFIG_UNSUPPORTED: there is no QEMU to go on with. */
gboolean vg_emulator_order_it(VgRun *run, GError **error);
/* A create that failed may have failed because of it: then *error says so instead. */
void vg_emulator_blame(const VgRun *run, GError **error);
/* Until it says that it runs: before that a guest must not. OPERATION_TIMEOUT, OPERATION_FAILED with its own reason. */
gboolean vg_emulator_wait(VgRun *run, GError **error);
/* Takes the order back and ends the process; its guest, which goes next, stands still then. Fine if there is none. */
gboolean vg_emulator_end(VgRun *run, GError **error);
/* The same when there is no domain, or no longer: nothing is known of it afterwards. */
gboolean vg_emulator_forget(VgRun *run, GError **error);
/* The same for what somebody called @owner left behind; a running guest's is not touched. */
gboolean vg_emulator_end_orphan(const VgDriverState *hub, const VgUuid *owner, GError **error);

/* --- main loop ---------------------------------------------------------------------------------------------------- */

/* Its end counts as the guest's crash from now on. */
void vg_emulator_watch(VgRun *run);
void vg_emulator_unwatch(VgRun *run);

/* --- start-up (blocks) -------------------------------------------------------------------------------------------- */

/* A domain that is half made: its emulator goes first. */
void vg_emulators_drop(VgDriverState *hub, const VgUuid *owner);
/* May @run's guest go on, as far as its emulator is concerned? @waits: for one that is not ready yet. */
gboolean vg_emulators_allow(VgRun *run, gboolean waits);
/* After all guests were adopted: theirs are watched, and the others' ended. */
void vg_emulators_repair(VgDriverState *hub);
