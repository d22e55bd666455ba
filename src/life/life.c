/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* life.c: the table of moves. A row says where an input leads from a phase; a request without a row is refused by the
 * words below. */
#include "life/life.h"

#include "base/i18n.h"

#define NONE 0xff

typedef struct {
    VgLifePhase from;
    VgLifeInput input;
    guint8 to;
    guint8 reason; /* of the state shown from now on; when ending: how it will be shut off */
    VgLifeAction action;
    struct {
        gint8 type, detail; /* type NONE: no event */
    } events[VG_LIFE_EVENTS];
} Move;

#define SILENT                                                                                                         \
    {                                                                                                                  \
        {-1, 0}, {                                                                                                     \
            -1, 0                                                                                                      \
        }                                                                                                              \
    }
#define TELL(type, detail)                                                                                             \
    {                                                                                                                  \
        {(type), (detail)}, {                                                                                          \
            -1, 0                                                                                                      \
        }                                                                                                              \
    }

/* clang-format off */
static const Move moves[] = {
    /* from               input                 to                reason                 do                  tell */
    {VG_LIFE_OFF,      VG_IN_START,          VG_LIFE_STARTING, VG_SHUTOFF_UNKNOWN,    VG_DO_START,        SILENT},

    {VG_LIFE_STARTING, VG_IN_STARTED,        VG_LIFE_RUNNING,  VG_RUNNING_BOOTED,     VG_DO_NOTHING,
     TELL(VG_EV_STARTED, 0)},
    {VG_LIFE_STARTING, VG_IN_STARTED_PAUSED, VG_LIFE_PAUSED,   VG_PAUSED_USER,        VG_DO_NOTHING,
     {{VG_EV_STARTED, 0}, {VG_EV_SUSPENDED, 0}}},
    {VG_LIFE_STARTING, VG_IN_RESTORED,       VG_LIFE_RUNNING,  VG_RUNNING_RESTORED,   VG_DO_NOTHING,
     TELL(VG_EV_STARTED, VG_EV_STARTED_RESTORED)},
    {VG_LIFE_STARTING, VG_IN_RESTORED_PAUSED, VG_LIFE_PAUSED,  VG_PAUSED_USER,        VG_DO_NOTHING,
     {{VG_EV_STARTED, VG_EV_STARTED_RESTORED}, {VG_EV_SUSPENDED, VG_EV_SUSPENDED_RESTORED}}},
    {VG_LIFE_STARTING, VG_IN_START_FAILED,   VG_LIFE_OFF,      VG_SHUTOFF_FAILED,     VG_DO_NOTHING,      SILENT},
    {VG_LIFE_STARTING, VG_IN_DESTROY,        VG_LIFE_STARTING, VG_SHUTOFF_UNKNOWN,    VG_DO_ABORT,        SILENT},
    {VG_LIFE_STARTING, VG_IN_DOWN_FAILED,    VG_LIFE_PAUSED,   VG_PAUSED_UNKNOWN,     VG_DO_NOTHING,      SILENT},

    {VG_LIFE_RUNNING,  VG_IN_SUSPEND,        VG_LIFE_RUNNING,  NONE,                  VG_DO_PAUSE,        SILENT},
    {VG_LIFE_RUNNING,  VG_IN_RESUME,         VG_LIFE_RUNNING,  NONE,                  VG_DO_NOTHING,      SILENT},
    {VG_LIFE_RUNNING,  VG_IN_SHUTDOWN,       VG_LIFE_RUNNING,  NONE,                  VG_DO_ASK_SHUTDOWN, SILENT},
    {VG_LIFE_RUNNING,  VG_IN_REBOOT,         VG_LIFE_RUNNING,  NONE,                  VG_DO_ASK_REBOOT,   SILENT},
    {VG_LIFE_RUNNING,  VG_IN_DESTROY,        VG_LIFE_ENDING,   VG_SHUTOFF_DESTROYED,  VG_DO_TEARDOWN,     SILENT},
    {VG_LIFE_RUNNING,  VG_IN_SAVE,           VG_LIFE_RUNNING,  NONE,                  VG_DO_SAVE,         SILENT},
    {VG_LIFE_RUNNING,  VG_IN_SAVED,          VG_LIFE_ENDING,   VG_SHUTOFF_SAVED,      VG_DO_TEARDOWN,     SILENT},
    {VG_LIFE_RUNNING,  VG_IN_DUMP,           VG_LIFE_RUNNING,  NONE,                  VG_DO_DUMP,         SILENT},
    {VG_LIFE_RUNNING,  VG_IN_DUMPED,         VG_LIFE_ENDING,   VG_SHUTOFF_CRASHED,    VG_DO_TEARDOWN,     SILENT},
    {VG_LIFE_RUNNING,  VG_IN_SUSPENDED,      VG_LIFE_PAUSED,   VG_PAUSED_USER,        VG_DO_NOTHING,
     TELL(VG_EV_SUSPENDED, 0)},
    {VG_LIFE_RUNNING,  VG_IN_GUEST_GONE,     VG_LIFE_ENDING,   VG_SHUTOFF_DESTROYED,  VG_DO_TEARDOWN,     SILENT},

    {VG_LIFE_PAUSED,   VG_IN_SUSPEND,        VG_LIFE_PAUSED,   NONE,                  VG_DO_NOTHING,      SILENT},
    {VG_LIFE_PAUSED,   VG_IN_RESUME,         VG_LIFE_PAUSED,   NONE,                  VG_DO_UNPAUSE,      SILENT},
    {VG_LIFE_PAUSED,   VG_IN_SHUTDOWN,       VG_LIFE_PAUSED,   NONE,                  VG_DO_ASK_SHUTDOWN, SILENT},
    {VG_LIFE_PAUSED,   VG_IN_REBOOT,         VG_LIFE_PAUSED,   NONE,                  VG_DO_ASK_REBOOT,   SILENT},
    {VG_LIFE_PAUSED,   VG_IN_DESTROY,        VG_LIFE_ENDING,   VG_SHUTOFF_DESTROYED,  VG_DO_TEARDOWN,     SILENT},
    {VG_LIFE_PAUSED,   VG_IN_DUMP,           VG_LIFE_PAUSED,   NONE,                  VG_DO_DUMP,         SILENT},
    {VG_LIFE_PAUSED,   VG_IN_DUMPED,         VG_LIFE_ENDING,   VG_SHUTOFF_CRASHED,    VG_DO_TEARDOWN,     SILENT},
    {VG_LIFE_PAUSED,   VG_IN_RESUMED,        VG_LIFE_RUNNING,  VG_RUNNING_UNPAUSED,   VG_DO_NOTHING,
     TELL(VG_EV_RESUMED, 0)},
    {VG_LIFE_PAUSED,   VG_IN_GUEST_GONE,     VG_LIFE_ENDING,   VG_SHUTOFF_DESTROYED,  VG_DO_TEARDOWN,     SILENT},

    {VG_LIFE_KEPT,     VG_IN_DUMP,           VG_LIFE_KEPT,     NONE,                  VG_DO_DUMP,         SILENT},
    {VG_LIFE_KEPT,     VG_IN_DUMPED,         VG_LIFE_ENDING,   VG_SHUTOFF_CRASHED,    VG_DO_TEARDOWN,     SILENT},
    {VG_LIFE_KEPT,     VG_IN_DESTROY,        VG_LIFE_ENDING,   VG_SHUTOFF_DESTROYED,  VG_DO_TEARDOWN,     SILENT},
    {VG_LIFE_KEPT,     VG_IN_GUEST_GONE,     VG_LIFE_ENDING,   VG_SHUTOFF_DESTROYED,  VG_DO_TEARDOWN,     SILENT},
};
/* clang-format on */

/* How a guest can end by itself, and which of the three settings decides. */
static const struct {
    VgLifeInput input;
    gsize setting;
    guint8 end;
    int kept_type, kept_detail;
} ends[] = {
    {VG_IN_GUEST_POWEROFF, G_STRUCT_OFFSET(VgLife, on_poweroff), VG_SHUTOFF_SHUTDOWN, VG_EV_SHUTDOWN, 0},
    {VG_IN_GUEST_REBOOT, G_STRUCT_OFFSET(VgLife, on_reboot), VG_SHUTOFF_SHUTDOWN, VG_EV_SHUTDOWN, 0},
    {VG_IN_GUEST_CRASH, G_STRUCT_OFFSET(VgLife, on_crash), VG_SHUTOFF_CRASHED, VG_EV_CRASHED, 0},
};

static const struct {
    gboolean again, keep, dump;
} settings[VG_LIFE_ON_LAST] = {
    [VG_LIFE_RESTART] = {.again = TRUE},
    [VG_LIFE_RENAME_RESTART] = {.again = TRUE}, /* as libvirt's Xen driver: the name stays */
    [VG_LIFE_PRESERVE] = {.keep = TRUE},
    [VG_LIFE_COREDUMP_DESTROY] = {.dump = TRUE},
    [VG_LIFE_COREDUMP_RESTART] = {.dump = TRUE, .again = TRUE},
};

enum { AT_ONCE = 3, FIRST_WAIT_MS = 1000, LAST_WAIT_MS = 60 * 1000, MOST_DOUBLINGS = 6 };

/* Why a request has no row. */
static const char *const refusals[VG_LIFE_LAST] = {
    [VG_LIFE_OFF] = N_("domain is not running"),
    [VG_LIFE_STARTING] = N_("domain is being started"),
    [VG_LIFE_RUNNING] = N_("Domain is already running"),
    [VG_LIFE_PAUSED] = N_("Domain is already running"),
    [VG_LIFE_ENDING] = N_("domain is being stopped"),
    [VG_LIFE_KEPT] = N_("the guest has ended and what is left of it is kept for inspection; destroy the domain first"),
};

void vg_life_init(VgLife *life, gboolean persistent) {
    *life = (VgLife){
        .phase = VG_LIFE_OFF,
        .on_poweroff = VG_LIFE_DESTROY,
        .on_reboot = VG_LIFE_RESTART,
        .on_crash = VG_LIFE_DESTROY,
    };
    life->persistent = persistent ? 1 : 0;
}

static void tell(VgLifeStep *step, int type, int detail) {
    step->events[step->n_events].type = type;
    step->events[step->n_events].detail = detail;
    step->n_events++;
}

static void begin_ending(VgLife *life, guint8 end) {
    life->before = life->phase;
    life->phase = VG_LIFE_ENDING;
    life->end = end;
    life->again = FALSE;
}

/* The guest ended by itself. */
static void guest_ended(VgLife *life, VgLifeInput input, VgLifeStep *step) {
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        if (ends[i].input != input)
            continue;
        guint8 on = G_STRUCT_MEMBER(guint8, life, ends[i].setting);
        step->dump = settings[on].dump;
        if (settings[on].keep) {
            life->phase = VG_LIFE_KEPT;
            life->end = ends[i].end;
            life->reason = life->end == VG_SHUTOFF_CRASHED ? 1 : 0;
            tell(step, ends[i].kept_type, ends[i].kept_detail);
            return;
        }
        begin_ending(life, ends[i].end);
        life->again = settings[on].again ? TRUE : FALSE;
        step->rebooted = input == VG_IN_GUEST_REBOOT && settings[on].again;
        step->action = VG_DO_TEARDOWN;
    }
}

static void is_off(VgLife *life, VgLifeStep *step) {
    step->vanish = !life->persistent;
}

/* All that the guest held is given back. */
static void is_down(VgLife *life, VgLifeStep *step) {
    static const int details[] = {
        [VG_SHUTOFF_SHUTDOWN] = VG_EV_STOPPED_SHUTDOWN,
        [VG_SHUTOFF_DESTROYED] = VG_EV_STOPPED_DESTROYED,
        [VG_SHUTOFF_CRASHED] = VG_EV_STOPPED_CRASHED,
        [VG_SHUTOFF_SAVED] = VG_EV_STOPPED_SAVED,
    };
    tell(step, VG_EV_STOPPED, details[life->end]);
    life->reason = life->end;
    life->phase = life->again ? VG_LIFE_STARTING : VG_LIFE_OFF;
    if (life->again)
        step->action = VG_DO_START;
    else
        is_off(life, step);
    life->again = FALSE;
}

static const Move *find_move(VgLifePhase from, VgLifeInput input) {
    for (gsize i = 0; i < G_N_ELEMENTS(moves); i++)
        if (moves[i].from == from && moves[i].input == input)
            return &moves[i];
    return NULL;
}

static void take_move(VgLife *life, const Move *move, VgLifeStep *step) {
    for (gsize i = 0; i < VG_LIFE_EVENTS; i++)
        if (move->events[i].type >= 0)
            tell(step, move->events[i].type, move->events[i].detail);
    step->action = move->action;
    if (move->to == VG_LIFE_ENDING && life->phase != VG_LIFE_ENDING) {
        begin_ending(life, move->reason);
        return;
    }
    life->phase = move->to;
    if (move->reason != NONE)
        life->reason = move->reason;
    if (life->phase == VG_LIFE_OFF)
        is_off(life, step);
}

static gboolean is_guest_end(VgLifeInput input) {
    return input == VG_IN_GUEST_POWEROFF || input == VG_IN_GUEST_REBOOT || input == VG_IN_GUEST_CRASH;
}

gboolean vg_life_is_looping(const VgLife *life) {
    return life->soon > AT_ONCE;
}

guint vg_life_wait_ms(VgLife *life, gint64 lived_ms) {
    if (lived_ms >= VG_LIFE_SOON_MS)
        life->soon = 0;
    else if (life->soon < G_MAXUINT8)
        life->soon++;
    if (!vg_life_is_looping(life))
        return 0;
    return MIN((guint)FIRST_WAIT_MS << MIN(life->soon - AT_ONCE - 1, MOST_DOUBLINGS), (guint)LAST_WAIT_MS);
}

gboolean vg_life_step(VgLife *life, VgLifeInput input, VgLifeStep *ret, GError **error) {
    *ret = (VgLifeStep){.action = VG_DO_NOTHING};
    const Move *move = find_move(life->phase, input);
    if (move) {
        if (input == VG_IN_START)
            life->soon = 0;
        take_move(life, move, ret);
        return TRUE;
    }
    if (input == VG_IN_SAVE && life->phase == VG_LIFE_PAUSED) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("a guest has to run to be saved, because it has a part in it: resume the domain first"));
        return FALSE;
    }
    if (input <= VG_IN_DESTROY) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID, "%s", _(refusals[life->phase]));
        return FALSE;
    }
    if (life->phase == VG_LIFE_ENDING && input == VG_IN_DOWN) {
        is_down(life, ret);
    } else if (life->phase == VG_LIFE_ENDING && input == VG_IN_DOWN_FAILED) {
        life->phase = life->before;
        life->again = FALSE;
    } else if (is_guest_end(input) && (life->phase == VG_LIFE_RUNNING || life->phase == VG_LIFE_PAUSED)) {
        guest_ended(life, input, ret);
    }
    return TRUE; /* a fact that changes nothing any more */
}

int vg_life_state(const VgLife *life, int *ret_reason) {
    static const int states[VG_LIFE_LAST] = {
        [VG_LIFE_OFF] = VG_DOM_SHUTOFF,   [VG_LIFE_STARTING] = VG_DOM_SHUTOFF, [VG_LIFE_RUNNING] = VG_DOM_RUNNING,
        [VG_LIFE_PAUSED] = VG_DOM_PAUSED, [VG_LIFE_ENDING] = VG_DOM_SHUTDOWN,  [VG_LIFE_KEPT] = VG_DOM_SHUTDOWN,
    };
    int state = states[life->phase];
    if (life->phase == VG_LIFE_KEPT && life->end == VG_SHUTOFF_CRASHED)
        state = VG_DOM_CRASHED;
    if (ret_reason)
        *ret_reason = life->phase == VG_LIFE_ENDING ? 0 : life->reason;
    return state;
}

gboolean vg_life_active(const VgLife *life) {
    return life->phase != VG_LIFE_OFF && life->phase != VG_LIFE_STARTING;
}
