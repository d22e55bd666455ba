/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grid_watch.c: what changes in the grid goes up to the daemon while somebody watches. Changes are gathered for a
 * moment; on a host so large that comparing takes long, for a longer one, so that the main loop has time for others.
 */
#include "driver/query.h"

#include "base/clock.h"
#include "gpu/told.h"

#define GATHER_MS 20
#define SHARE 20 /* of the time at most one part in so many goes into comparing */

static gboolean look(gpointer data) {
    VgDriverState *hub = data;
    hub->watch_source = 0;
    if (!hub->watched) {
        hub->listening = FALSE;
        vg_gpus_listen(hub->gpus, NULL);
        return G_SOURCE_REMOVE;
    }
    gint64 before = vg_clock_mono_us();
    vg_gpus_tell(hub->gpus);
    hub->watch_pause_ms = (guint)((vg_clock_mono_us() - before) * SHARE / 1000);
    return G_SOURCE_REMOVE;
}

static void later(gpointer data) {
    VgDriverState *hub = data;
    if (hub->watch_source == 0)
        hub->watch_source = g_timeout_add(MAX(GATHER_MS, hub->watch_pause_ms), look, hub);
}

static void tell(const char *json, gpointer data) {
    VgDriverState *hub = data;
    hub->watched = hub->host->grid_event(hub->host, json);
}

void vg_grid_watch(VgDriverState *hub) {
    const VgGpusListener listener = {tell, later, hub};
    hub->watched = TRUE;
    if (hub->listening) {
        vg_gpus_tell_problems(hub->gpus);
        return;
    }
    hub->listening = TRUE;
    vg_gpus_listen(hub->gpus, &listener);
}

void vg_grid_watch_end(VgDriverState *hub) {
    if (hub->listening)
        vg_gpus_listen(hub->gpus, NULL);
    if (hub->watch_source != 0)
        g_source_remove(hub->watch_source);
    hub->watch_source = 0;
}
