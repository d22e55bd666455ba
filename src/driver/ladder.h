/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ladder.h: a bring-up as an array of rungs {name, where, up, down}, climbed by one loop, and descended by the same
 * loop when a rung fails, when it is told to turn round, or when what it built up is to go.
 *
 * Rungs marked MAIN run on the main loop, the others as jobs of the queue they name; only one rung runs at a time, so
 * the subject needs no lock. A rung's up that fails leaves nothing behind, unless the rung is `partial`: then its down
 * is called too. Every down is idempotent. A down that fails stops the descent: what stands below it may still be in
 * use.
 *
 * Fault points: driver.start.NAME before each up, driver.start.done after the last, driver.stop.NAME before each down;
 * another ladder than that of a start has its own words for "start" and "stop".
 */
#pragma once

#include <glib.h>

#include "base/job.h"

typedef enum { VG_RUNG_MAIN, VG_RUNG_DOMAIN, VG_RUNG_LEDGER } VgRungWhere;

typedef struct {
    const char *name;
    VgRungWhere where;
    gboolean partial;
    gboolean (*up)(gpointer subject, GError **error); /* NULL: nothing to do */
    gboolean (*down)(gpointer subject, GError **error);
} VgRung;

typedef struct VgLadder VgLadder;
struct VgLadder {
    const VgRung *rungs;
    int n;
    VgJobQueue *queues[VG_RUNG_LEDGER + 1]; /* borrowed; none for MAIN */
    gpointer subject;
    const char *up_word, *down_word; /* of its fault points */
    const char *given_up;            /* what is said when it is told to turn round; marked for translation */
    /* On the main loop, when it has come to rest. `error` says why it turned round, or why it is stuck; `at` where it
     * stands. */
    void (*rest)(VgLadder *ladder, gpointer subject);

    int at;         /* rungs up: 0..n */
    int floor;      /* a descent ends here */
    gboolean down;  /* direction */
    gboolean stuck; /* a down failed, at rung `at` - 1 */
    gint abort;     /* atomic, set on the main loop: turn round at the next rung; a long rung looks itself */
    gboolean moving;
    GError *error; /* first one */
    /* private: of the rung under way */
    gboolean ok;
    GError *rung_error;
};

/* From where it stands to the top. */
void vg_ladder_climb(VgLadder *ladder);
/* From where it stands to @floor. */
void vg_ladder_descend(VgLadder *ladder, int floor);
void vg_ladder_clear(VgLadder *ladder);
