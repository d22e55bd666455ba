/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rig.h: the driver's table called in process, on a simulated host in a folder of its own. */
#pragma once

#include "api/driver.h"

extern const VgDriver vg_driver;

typedef struct {
    char *dir;
    gboolean own_dir;
    VgHost host; /* first use: event and busy */
    VgDriverState *state;
    VgSession *session, *reader;
    GString *events; /* "name:type/detail " */
    GString *told;   /* of node devices "name:type ", "name:# " (an update); of the grid each document and a blank */
    guint guests;
    gboolean awake; /* the machine is kept so */
} Rig;

/* Time limits of the display emulator in seconds; 0: as they are. */
typedef struct {
    guint start_s, ready_s, stop_s;
} RigLimits;
extern RigLimits rig_limits;
/* The host in @dir has a display emulator from now on (tests/scenarios/lib/emulator.sh), which does as it is told. */
void rig_add_emulator(const char *dir);
void rig_tell_emulator(const char *dir, const char *how);
/* Of all that ever ran there none does. */
void rig_assert_no_emulators(const char *dir);

/* A folder with a small host in it, for rig_new(). */
char *rig_new_host(void);
/* @dir NULL: a new one, removed at the end. NULL: the driver does not start. */
Rig *rig_new(const char *dir);
/* What a new process of the daemon would see: everything but the folder is gone. */
void rig_restart(Rig *rig);
void rig_free(Rig *rig);
void rig_stop(Rig *rig);
/* All that a child does that is to die of VIRTGRID_FAULT while it repairs: what a new daemon does first. Returns 0. */
int rig_repair(const char *dir);
gboolean rig_try_start(Rig *rig);

/* A slow call, waited for. */
typedef struct {
    gboolean done;
    int code; /* 0: fine */
    char *message;
    char *text;
    char *name;
    VgUuid uuid;
    int id;
} Outcome;
VgDone rig_done(Outcome *outcome);
void rig_wait(Outcome *outcome);
void outcome_clear(Outcome *outcome);
void rig_spin(guint ms);
/* Turns the main loop until it holds: TRUE. FALSE: it does not come, and a slow machine is not the reason. */
gboolean rig_until(Rig *rig, gboolean (*condition)(Rig *rig, gpointer data), gpointer data);

/* Code of the outcome, 0: fine. @why may be NULL. */
int rig_define(Rig *rig, const char *xml, char **why);
int rig_start(Rig *rig, const char *name, guint flags, char **why);
int rig_destroy(Rig *rig, const char *name, char **why);
int rig_undefine(Rig *rig, const char *name, char **why);
VgUuid rig_uuid(Rig *rig, const char *name);
int rig_state(Rig *rig, const char *name, int *reason); /* -1: no such domain */
gboolean rig_wait_state(Rig *rig, const char *name, int state);
/* The guest acts by itself: "poweroff", "reboot", "crash". */
void rig_act(Rig *rig, const char *name, const char *how);
char *rig_xml(Rig *rig, const char *name, guint flags);

/* XML of a guest; @more goes before </domain> or NULL, @devices into <devices> or NULL. */
char *guest_xml(const char *name, const char *uuid, const char *more, const char *devices);
char *vgpu_xml(const char *type, const char *source);

/* Nothing is left on the host of guests that are gone: no domain, no mediated device, no claim, no live status. */
void rig_assert_clean(Rig *rig);
