/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ladder.c: the one loop that climbs and descends. */
#include "driver/ladder.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/i18n.h"

#define VG_AREA "driver"
#include "base/log.h"

static void advance(VgLadder *ladder);

static gboolean faulted(const char *kind, const char *name, GError **error) {
    if (G_LIKELY(!vg_fault_armed))
        return FALSE;
    g_autofree char *point = g_strdup_printf("driver.%s.%s", kind, name);
    if (!vg_fault_hit(point))
        return FALSE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, "%s failed as it was told to", point);
    return TRUE;
}

/* The rung under way: the one above when climbing, the one below our feet when descending. */
static const VgRung *current(const VgLadder *ladder) {
    return &ladder->rungs[ladder->down ? ladder->at - 1 : ladder->at];
}

static void run_rung(gpointer data) {
    VgLadder *ladder = data;
    const VgRung *rung = current(ladder);
    gboolean (*step)(gpointer, GError **) = ladder->down ? rung->down : rung->up;
    if (faulted(ladder->down ? ladder->down_word : ladder->up_word, rung->name, &ladder->rung_error)) {
        ladder->ok = FALSE;
        return;
    }
    ladder->ok = !step || step(ladder->subject, &ladder->rung_error);
}

static gboolean told_to_turn(VgLadder *ladder) {
    return !ladder->down && g_atomic_int_get(&ladder->abort);
}

static GError *turned(const VgLadder *ladder) {
    GError *error = NULL;
    vg_set_error(&error, VG_ERR_OPERATION_ABORTED, "%s", _(ladder->given_up));
    return error;
}

static void keep_error(VgLadder *ladder, GError *error) {
    if (ladder->error) {
        vg_warn("%s", error->message);
        g_error_free(error);
    } else {
        ladder->error = error;
    }
}

/* Takes the outcome of the rung under way. */
static void take_outcome(VgLadder *ladder) {
    GError *error = g_steal_pointer(&ladder->rung_error);
    if (ladder->ok) {
        ladder->at += ladder->down ? -1 : 1;
        return;
    }
    if (told_to_turn(ladder)) {
        g_error_free(error);
        error = turned(ladder);
    }
    gboolean partial = !ladder->down && current(ladder)->partial;
    if (ladder->down)
        ladder->stuck = TRUE;
    else
        ladder->down = TRUE;
    if (partial)
        ladder->at++;
    keep_error(ladder, error);
}

static void rung_done(gpointer data) {
    take_outcome(data);
    advance(data);
}

static void turn_round_if_told(VgLadder *ladder) {
    if (!told_to_turn(ladder))
        return;
    ladder->down = TRUE;
    keep_error(ladder, turned(ladder));
}

static gboolean at_rest(VgLadder *ladder) {
    if (ladder->down)
        return ladder->stuck || ladder->at <= ladder->floor;
    if (ladder->at < ladder->n)
        return FALSE;
    GError *error = NULL;
    if (!faulted(ladder->up_word, "done", &error))
        return TRUE;
    ladder->down = TRUE;
    keep_error(ladder, error);
    return FALSE;
}

static void advance(VgLadder *ladder) {
    turn_round_if_told(ladder);
    while (!at_rest(ladder)) {
        VgRungWhere where = current(ladder)->where;
        if (where != VG_RUNG_MAIN) {
            vg_job_push(ladder->queues[where], run_rung, rung_done, ladder);
            return;
        }
        run_rung(ladder);
        take_outcome(ladder);
        turn_round_if_told(ladder);
    }
    ladder->moving = FALSE;
    ladder->rest(ladder, ladder->subject);
}

static void set_off(VgLadder *ladder, gboolean down, int floor) {
    g_clear_error(&ladder->error);
    ladder->stuck = FALSE;
    g_atomic_int_set(&ladder->abort, FALSE);
    ladder->down = down;
    ladder->floor = floor;
    ladder->moving = TRUE;
    advance(ladder);
}

void vg_ladder_climb(VgLadder *ladder) {
    set_off(ladder, FALSE, 0);
}

void vg_ladder_descend(VgLadder *ladder, int floor) {
    set_off(ladder, TRUE, floor);
}

void vg_ladder_clear(VgLadder *ladder) {
    g_clear_error(&ladder->error);
    g_clear_error(&ladder->rung_error);
}
