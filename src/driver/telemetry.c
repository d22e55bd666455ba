/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* telemetry.c: see telemetry.h. A program that hangs is ended, and asked ever more seldom. */
#include "driver/telemetry.h"

#include "base/clock.h"
#include "gpu/smi.h"

#define VG_AREA "driver"
#include "base/log.h"

#define AGE_S 10
#define MOST_AGE_S 600
#define PATIENCE_MS 5000

struct VgTelemetry {
    VgJobQueue *queue;
    gboolean asked; /* a job is under way */
    gint64 next_us; /* not before that */
    guint wait_s;
    gint left; /* the job's */
};

typedef struct {
    VgDriverState *hub;
    GArray *sides; /* NULL: failed */
    GError *error;
} Ask;

static void ask_run(gpointer data) {
    Ask *ask = data;
    ask->sides = vg_smi_read(vg_gpus_host(ask->hub->gpus)->root, PATIENCE_MS, &ask->hub->telemetry->left, &ask->error);
}

static void ask_done(gpointer data) {
    Ask *ask = data;
    VgTelemetry *t = ask->hub->telemetry;
    t->asked = FALSE;
    t->wait_s = ask->error ? MIN(2 * t->wait_s, MOST_AGE_S) : AGE_S;
    t->next_us = vg_clock_mono_us() + (gint64)t->wait_s * G_USEC_PER_SEC;
    if (ask->error)
        vg_warn("what guests say of their vGPUs is not known: %s; next try in %u s", ask->error->message, t->wait_s);
    vg_gpus_take_sides(ask->hub->gpus, g_steal_pointer(&ask->sides));
    g_clear_error(&ask->error);
    g_free(ask);
}

void vg_telemetry_want(VgDriverState *hub) {
    VgTelemetry *t = hub->telemetry;
    if (t->asked || hub->stopping || vg_clock_mono_us() < t->next_us || !vg_gpus_have_sides(hub->gpus))
        return;
    Ask *ask = g_new0(Ask, 1);
    ask->hub = hub;
    t->asked = TRUE;
    vg_job_push(t->queue, ask_run, ask_done, ask);
}

void vg_telemetry_begin(VgDriverState *hub) {
    hub->telemetry = g_new0(VgTelemetry, 1);
    hub->telemetry->wait_s = AGE_S;
    hub->telemetry->queue = vg_job_queue_new(VG_JOB_HOST, "telemetry");
}

void vg_telemetry_end(VgDriverState *hub) {
    VgTelemetry *t = g_steal_pointer(&hub->telemetry);
    if (!t)
        return;
    vg_job_queue_free(t->queue);
    g_free(t);
}
