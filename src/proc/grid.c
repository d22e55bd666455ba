/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grid.c: gridctl's program; every procedure number is a VgGridQuery. The driver answers, but for who watches. */
#include "config.h"
#include "proc/subscription.h"
#include "proc/table.h"

/* gridctl, which knows no driver, has the numbers from grid.x. */
#define SAME(query) G_STATIC_ASSERT((int)GRID_PROC_##query == (int)VG_GRID_##query)
SAME(GPUS);
SAME(TYPES);
SAME(VGPUS);
SAME(CAPACITY);
SAME(CONFIG);
SAME(ORDER);
SAME(PLAN);
SAME(WHY);
SAME(WATCH);
SAME(UNWATCH);
SAME(EVENT);
SAME(EXPORT);
SAME(CHECK);
G_STATIC_ASSERT((int)VG_GRID_LAST == (int)GRID_PROC_CHECK + 1);

/* --- who watches: one subscription on a connection, that cannot be told from another ------------------------------ */

enum { WATCH = 0 };

static void watch(VgCall *call, VgDone done) {
    g_autoptr(GError) error = NULL;
    VgConn *conn = call->conn;
    VgSubscription subscription = {.hears = VG_HEARS_GRID, .callback = VG_OLD_CALLBACK, .event = WATCH};
    /* Twice is once. */
    vg_unsubscribe(conn, VG_HEARS_GRID, VG_OLD_CALLBACK, WATCH);
    if (vg_subscribe(conn, &subscription, &error))
        call->driver->grid(call->session, VG_GRID_WATCH, NULL, done);
    else
        done.func(NULL, NULL, error, done.data);
}

static gboolean wants(const VgSubscription *s, gconstpointer event) {
    return TRUE;
}

static VgMsg *encode(gconstpointer event, int callback) {
    g_autofree char *json = g_strdup(event);
    grid_event_msg msg = {.json = json};
    VgMsgHeader header = {GRID_PROGRAM, GRID_VERSION, GRID_PROC_EVENT, VG_MSG_EVENT, 1, VG_MSG_OK};
    return vg_msg_encode(&header, (xdrproc_t)xdr_grid_event_msg, &msg, NULL);
}

gboolean vg_proc_grid_event(VgProc *proc, const char *json) {
    return vg_fan_out(proc, VG_HEARS_GRID, wants, encode, json);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

void vg_do_grid(VgCall *call, const grid_args *a, VgDone done) {
    switch (call->header.procedure) {
    case GRID_PROC_WATCH:
        watch(call, done);
        break;
    case GRID_PROC_UNWATCH:
        vg_unsubscribe(call->conn, VG_HEARS_GRID, VG_OLD_CALLBACK, WATCH);
        done.func(NULL, "{}", NULL, done.data);
        break;
    default:
        call->driver->grid(call->session, (VgGridQuery)call->header.procedure, a->arg != NULL ? *a->arg : NULL, done);
    }
}
