/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * life.h: what may happen next to a domain. Pure: no clock, no file, no Xen. The driver tells what is asked for and
 * what has happened (an input), and learns what to do and whom to tell (a step).
 *
 * libvirt's state chart, as clients see it:
 *
 *     shut off --start--> (starting) --> running <--suspend/resume--> paused
 *     running, paused --destroy, power-off, crash--> (ending) --> shut off; a transient domain vanishes there
 *     running --save--> (ending) --> shut off; restored as by a start
 *     running --guest reboot, on_*=restart--> (ending, again) --> (starting) --> running
 *     running --on_*=preserve--> kept: the guest has ended, what is left of it waits for destroy
 */
#pragma once

#include <glib.h>

#include "base/error.h"

/* Numbers of libvirt's virDomainState and of the reasons used here. */
enum { VG_DOM_NOSTATE, VG_DOM_RUNNING, VG_DOM_BLOCKED, VG_DOM_PAUSED, VG_DOM_SHUTDOWN, VG_DOM_SHUTOFF, VG_DOM_CRASHED };
enum { VG_RUNNING_UNKNOWN, VG_RUNNING_BOOTED, VG_RUNNING_RESTORED = 3, VG_RUNNING_UNPAUSED = 5 };
enum { VG_PAUSED_UNKNOWN, VG_PAUSED_USER };
enum {
    VG_SHUTOFF_UNKNOWN,
    VG_SHUTOFF_SHUTDOWN,
    VG_SHUTOFF_DESTROYED,
    VG_SHUTOFF_CRASHED,
    VG_SHUTOFF_SAVED = 5,
    VG_SHUTOFF_FAILED
};

/* Numbers of libvirt's virDomainEventType and of the details used here. */
enum {
    VG_EV_DEFINED,
    VG_EV_UNDEFINED,
    VG_EV_STARTED,
    VG_EV_SUSPENDED,
    VG_EV_RESUMED,
    VG_EV_STOPPED,
    VG_EV_SHUTDOWN,
    VG_EV_CRASHED = 8
};
enum {
    VG_EV_STOPPED_SHUTDOWN,
    VG_EV_STOPPED_DESTROYED,
    VG_EV_STOPPED_CRASHED,
    VG_EV_STOPPED_SAVED = 4,
    VG_EV_STOPPED_FAILED
};
enum { VG_EV_STARTED_RESTORED = 2, VG_EV_SUSPENDED_RESTORED = 4 };

typedef enum {
    VG_LIFE_OFF,
    VG_LIFE_STARTING,
    VG_LIFE_RUNNING,
    VG_LIFE_PAUSED,
    VG_LIFE_ENDING,
    VG_LIFE_KEPT,
    VG_LIFE_LAST
} VgLifePhase;

/* What becomes of a guest that ended: on_poweroff, on_reboot, on_crash. Names in libvirt's XML order. */
typedef enum {
    VG_LIFE_DESTROY,
    VG_LIFE_RESTART,
    VG_LIFE_RENAME_RESTART,
    VG_LIFE_PRESERVE,
    VG_LIFE_COREDUMP_DESTROY,
    VG_LIFE_COREDUMP_RESTART,
    VG_LIFE_ON_LAST
} VgLifeOn;

typedef enum {
    /* asked for by a client */
    VG_IN_START,
    VG_IN_SUSPEND,
    VG_IN_RESUME,
    VG_IN_SHUTDOWN,
    VG_IN_REBOOT,
    VG_IN_SAVE,
    VG_IN_DUMP,
    VG_IN_DESTROY,
    /* has happened: what we did */
    VG_IN_STARTED,
    VG_IN_STARTED_PAUSED,
    VG_IN_RESTORED,
    VG_IN_RESTORED_PAUSED,
    VG_IN_START_FAILED,
    VG_IN_SAVED,  /* what it was is in a file, and what is left of it is to go */
    VG_IN_DUMPED, /* the same, for a dump that was to end it */
    VG_IN_SUSPENDED,
    VG_IN_RESUMED,
    VG_IN_DOWN,        /* the guest is gone, with everything it held */
    VG_IN_DOWN_FAILED, /* it would not go */
    /* has happened: what the guest or other hands did */
    VG_IN_GUEST_POWEROFF,
    VG_IN_GUEST_REBOOT,
    VG_IN_GUEST_CRASH,
    VG_IN_GUEST_GONE,
    VG_IN_LAST
} VgLifeInput;

typedef enum {
    VG_DO_NOTHING,
    VG_DO_START, /* climb the ladder */
    VG_DO_ABORT, /* the ladder being climbed is to turn round */
    VG_DO_PAUSE,
    VG_DO_UNPAUSE,
    VG_DO_ASK_SHUTDOWN,
    VG_DO_ASK_REBOOT,
    VG_DO_SAVE,
    VG_DO_DUMP,
    VG_DO_TEARDOWN, /* descend: destroy the guest, give back what it holds */
    VG_DO_LAST
} VgLifeAction;

typedef struct {
    guint8 phase;                            /* VgLifePhase */
    guint8 reason;                           /* libvirt's reason of the state that phase shows */
    guint8 end;                              /* while ending: VG_SHUTOFF_* to come */
    guint8 before;                           /* while ending: the phase to go back to if the guest would not go */
    guint8 on_poweroff, on_reboot, on_crash; /* VgLifeOn */
    guint8 again;                            /* while ending: start it again then */
    guint8 persistent;
    guint8 soon; /* how often in a row it has ended by itself soon after it came up */
} VgLife;

#define VG_LIFE_EVENTS 2
typedef struct {
    VgLifeAction action;
    guint n_events;
    struct {
        int type, detail;
    } events[VG_LIFE_EVENTS];
    gboolean rebooted; /* tell libvirt's REBOOT event too */
    gboolean dump;     /* on_crash asks for a core dump first */
    gboolean vanish;   /* transient, and over */
} VgLifeStep;

void vg_life_init(VgLife *life, gboolean persistent);

/* Takes @input. FALSE, OPERATION_INVALID, nothing changed: a client asked for what is not possible now. Facts are never
 * refused. */
gboolean vg_life_step(VgLife *life, VgLifeInput input, VgLifeStep *ret, GError **error);

/*
 * A guest that ended by itself @lived_ms after it came up is to come again: how long that waits. Not at all, unless it
 * has done so again and again; then longer each time. Only whom a client starts begins anew.
 */
guint vg_life_wait_ms(VgLife *life, gint64 lived_ms);
#define VG_LIFE_SOON_MS 10000
/* It does so again and again. */
gboolean vg_life_is_looping(const VgLife *life);

/* libvirt's virDomainState, reason in @ret_reason (may be NULL). */
int vg_life_state(const VgLife *life, int *ret_reason);
/* Has an id; libvirt's "active". */
gboolean vg_life_active(const VgLife *life);
