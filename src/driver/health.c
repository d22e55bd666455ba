/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * health.c: see health.h. What follows from news is an order like those of the administrator, so that it is on disk,
 * shown, and ended by him. What was acted on is remembered by its place in the kernel's log, in the run folder: the
 * next daemon of this boot reads on from there, and what happened while none ran is noticed once.
 */
#include "driver/health.h"

#include <fcntl.h>
#include <string.h>

#include "base/i18n.h"
#include "driver/query.h"
#include "gpu/functions.h"
#include "gpu/watch.h"

#define VG_AREA "driver"
#include "base/log.h"

#define PATIENCE_LEAST_MS 100
#define PATIENCE_MOST_MS 5000
#define LATE_MOST_US (10 * 60 * G_USEC_PER_SEC)

struct VgHealth {
    VgGpuWatch *watch;
    char *seen_path;
    guint64 seen;
    gboolean looking, again; /* a look is under way; what it finds may be old already */
    GArray *waiting;         /* of VgDone: for the next look */
    GArray *served;          /* for the one under way */
    gboolean resetting;
    guint patience_ms; /* until the next look at GPUs that are not ready */
    guint timer;
    GPtrArray *late; /* of VgDom: marked for autostart, wait for those */
    gint64 late_until;
    gboolean awake; /* the machine is kept so */
};

/* --- a GPU fails -------------------------------------------------------------------------------------------------- */

typedef struct {
    VgDriverState *hub;
    guint64 at;
    char *path;
} Failure;

static void write_seen(gpointer data) {
    Failure *failure = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT "\n", failure->at);
    if (!vg_durable_write(failure->path, text, strlen(text), FALSE, &error))
        vg_warn("%s", error->message);
}

static void failure_free(gpointer data) {
    Failure *failure = data;
    g_free(failure->path);
    g_free(failure);
}

/* What could not be written is read in the log again by the next daemon. */
static void quarantined(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    Failure *failure = data;
    VgHealth *health = failure->hub->health;
    if (error)
        vg_warn("a quarantine holds only as long as this daemon runs: %s", error->message);
    if (error || !health || failure->at <= health->seen) {
        failure_free(failure);
        return;
    }
    health->seen = failure->at;
    failure->path = g_strdup(health->seen_path);
    vg_job_push(failure->hub->ledger, write_seen, failure_free, failure);
}

static void on_news(const VgGpuNews *news, guint64 at, gpointer data) {
    VgDriverState *hub = data;
    if (hub->stopping) /* the next daemon reads it */
        return;
    if (news->kind == VG_NEWS_DEVICES) {
        vg_health_look(hub, (VgDone){NULL, NULL});
        return;
    }
    g_autofree char *order = vg_gpus_failed(hub->gpus, news);
    if (!order)
        return;
    Failure *failure = g_new0(Failure, 1);
    *failure = (Failure){.hub = hub, .at = at};
    vg_order(hub, order, TRUE, (VgDone){quarantined, failure});
}

/* --- devices of other hands --------------------------------------------------------------------------------------- */

typedef struct {
    VgDriverState *hub;
    VgGpusLook *look;
    GArray *functions; /* those known before, then those of now */
} Look;

static void begin_look(VgDriverState *hub);

static void look_run(gpointer data) {
    Look *look = data;
    vg_gpus_look_read(look->look);
    g_autoptr(GArray) before = look->functions;
    look->functions = vg_functions_read(vg_gpus_host(look->hub->gpus), before);
}

static void answer_all(GArray *dones) {
    g_autoptr(GArray) own = dones;
    for (guint i = 0; i < own->len; i++) {
        VgDone done = g_array_index(own, VgDone, i);
        done.func(NULL, "{}\n", NULL, done.data);
    }
}

/* --- GPUs that are not ready, and who waits for them -------------------------------------------------------------- */

/* Not every driver tells when it has what was waited for. */
static gboolean look_again(gpointer data) {
    VgDriverState *hub = data;
    hub->health->timer = 0;
    vg_health_look(hub, (VgDone){NULL, NULL});
    return G_SOURCE_REMOVE;
}

static void be_patient(VgDriverState *hub) {
    VgHealth *health = hub->health;
    if (!vg_gpus_waiting(hub->gpus) || hub->stopping) {
        health->patience_ms = PATIENCE_LEAST_MS;
        return;
    }
    if (health->timer)
        return;
    health->timer = g_timeout_add(health->patience_ms, look_again, hub);
    health->patience_ms = MIN(health->patience_ms * 2, PATIENCE_MOST_MS);
}

static gboolean has_place(VgDriverState *hub, VgDom *dom) {
    VgPlace *places = NULL;
    gsize n = 0;
    VgDomain *def = vg_dom_parse(dom, NULL);
    if (!def)
        return TRUE; /* its start says what is wrong */
    VgVgpuRequest *requests = vg_requests_of(&hub->info, def, &n);
    gboolean good = n == 0 || vg_gpus_plan(hub->gpus, requests, n, &places, NULL);
    vg_places_free(places, n);
    vg_requests_free(requests, n);
    vg_domain_free(def);
    return good;
}

/* Those whose GPUs are ready now; all, when there is nothing more to be waited for. */
static void start_late(VgDriverState *hub) {
    VgHealth *health = hub->health;
    gboolean over = !vg_gpus_waiting(hub->gpus) || g_get_monotonic_time() > health->late_until;
    for (guint i = 0; i < health->late->len && !hub->stopping;) {
        VgDom *dom = g_ptr_array_index(health->late, i);
        if (!over && !has_place(hub, dom)) {
            i++;
            continue;
        }
        if (!dom->run && !dom->hidden)
            vg_autostart(hub, dom);
        g_ptr_array_remove_index(health->late, i);
    }
}

gboolean vg_health_start_later(VgDriverState *hub, VgDom *dom) {
    if (!vg_gpus_waiting(hub->gpus) || has_place(hub, dom))
        return FALSE;
    vg_info("domain '%s' starts as soon as its GPU is ready", dom->name);
    g_ptr_array_add(hub->health->late, vg_dom_ref(dom));
    return TRUE;
}

static void look_done(gpointer data) {
    Look *look = data;
    VgDriverState *hub = look->hub;
    VgHealth *health = hub->health;
    health->looking = FALSE;
    vg_nodedev_tell_functions(hub, hub->functions, look->functions);
    g_array_unref(hub->functions);
    hub->functions = look->functions;
    if (!vg_gpus_look_end(look->look)) {
        g_array_append_vals(health->waiting, health->served->data, health->served->len);
        g_array_set_size(health->served, 0);
        health->again = TRUE;
    } else {
        answer_all(g_steal_pointer(&health->served));
        health->served = g_array_new(FALSE, FALSE, sizeof(VgDone));
        vg_health_settle(hub);
    }
    g_free(look);
    start_late(hub);
    if (health->again && !health->looking)
        begin_look(hub);
    else if (!health->looking)
        be_patient(hub);
}

static void begin_look(VgDriverState *hub) {
    VgHealth *health = hub->health;
    Look *look = g_new0(Look, 1);
    *look = (Look){hub, vg_gpus_look_begin(hub->gpus), g_array_ref(hub->functions)};
    health->looking = TRUE;
    health->again = FALSE;
    g_array_append_vals(health->served, health->waiting->data, health->waiting->len);
    g_array_set_size(health->waiting, 0);
    vg_job_push(hub->asking, look_run, look_done, look);
}

void vg_health_look(VgDriverState *hub, VgDone done) {
    VgHealth *health = hub->health;
    if (done.func)
        g_array_append_val(health->waiting, done);
    health->again = TRUE;
    if (!health->looking)
        begin_look(hub);
}

/* --- GPUs that become empty --------------------------------------------------------------------------------------- */

typedef struct {
    VgDriverState *hub;
    VgPciAddr gpu;
    GError *error;
} Reset;

static void reset_run(gpointer data) {
    Reset *reset = data;
    if (!vg_gpus_reset(reset->hub->gpus, &reset->gpu, &reset->error) && !reset->error)
        vg_set_error(&reset->error, VG_ERR_OPERATION_FAILED, _("the reset failed as it was told to"));
}

static void reset_ended(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    VgDriverState *hub = data;
    if (error)
        vg_warn("the end of a reset is not on record: %s", error->message);
    if (hub->health)
        hub->health->resetting = FALSE;
}

static void reset_done(gpointer data) {
    Reset *reset = data;
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(&reset->gpu, addr);
    if (reset->error)
        vg_warn("%s", reset->error->message);
    else
        vg_info("GPU %s was reset and is open again", addr);
    g_autofree char *order = vg_gpus_order(reset->error ? "reset-failed" : "reset-done", &reset->gpu,
                                           reset->error ? reset->error->message : NULL);
    vg_order(reset->hub, order, TRUE, (VgDone){reset_ended, reset->hub});
    g_clear_error(&reset->error);
    g_free(reset);
}

static void keep_awake(VgDriverState *hub) {
    gsize n = 0;
    g_autofree VgClaim **claims = vg_gpus_claims(hub->gpus, &n);
    if (hub->health->awake == (n > 0) || !hub->host->awake)
        return;
    hub->health->awake = n > 0;
    hub->host->awake(hub->host, n > 0);
}

void vg_health_settle(VgDriverState *hub) {
    VgHealth *health = hub->health;
    VgPciAddr gpu;
    if (health)
        keep_awake(hub);
    if (!health || hub->stopping || health->resetting || !vg_gpus_next_reset(hub->gpus, &gpu))
        return;
    Reset *reset = g_new0(Reset, 1);
    *reset = (Reset){.hub = hub, .gpu = gpu};
    health->resetting = TRUE;
    vg_job_push(hub->ledger, reset_run, reset_done, reset);
}

typedef struct {
    VgOp *op;
    void (*then)(VgOp *op);
    guint waiting;
} Force;

static void force_one_less(Force *force) {
    if (--force->waiting > 0)
        return;
    force->then(force->op);
    g_free(force);
}

/* One that cannot be written counts all the same. */
static void forced(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    Force *force = data;
    if (error)
        vg_warn("what a stop of '%s' by force means for its GPU is not on disk: %s", force->op->dom->name,
                error->message);
    force_one_less(force);
}

void vg_health_force(VgOp *op, void (*then)(VgOp *op)) {
    const VgRun *run = op->dom->run;
    gsize n = 0;
    g_autofree VgPlace *places = vg_held_places(run, &n);
    Force *force = g_new0(Force, 1);
    *force = (Force){op, then, 1};
    for (gsize i = 0; i < n; i++) {
        g_autofree char *order = vg_gpus_forced(op->hub->gpus, &places[i].gpu, op->dom->name);
        if (!order)
            continue;
        force->waiting++;
        vg_order(op->hub, order, TRUE, (VgDone){forced, force});
    }
    force_one_less(force);
}

void vg_health_drop(VgDriverState *hub, VgClaim *claim) {
    gsize n = 0;
    const VgPlace *places = vg_claim_places(claim, &n);
    g_autoptr(GArray) gpus = g_array_new(FALSE, FALSE, sizeof(VgPciAddr));
    for (gsize i = 0; i < n; i++)
        g_array_append_val(gpus, places[i].gpu);
    vg_gpus_release(claim);
    for (guint i = 0; i < gpus->len; i++) {
        char addr[VG_PCIADDR_TEXT];
        const VgPciAddr *gpu = &g_array_index(gpus, VgPciAddr, i);
        if (vg_gpus_drained(hub->gpus, gpu))
            vg_info("GPU %s is drained: nobody is on it any more", vg_pciaddr_format(gpu, addr));
    }
    vg_health_settle(hub);
}

void vg_health_release(VgRun *run) {
    while (run->claims->len > 0)
        vg_health_drop(run->hub, g_ptr_array_remove_index(run->claims, run->claims->len - 1));
    vg_health_settle(run->hub);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

void vg_health_begin(VgDriverState *hub) {
    VgHealth *health = g_new0(VgHealth, 1);
    hub->health = health;
    health->waiting = g_array_new(FALSE, FALSE, sizeof(VgDone));
    health->served = g_array_new(FALSE, FALSE, sizeof(VgDone));
    health->seen_path = g_build_filename(hub->rundir, "kernel-log-seen", NULL);
    g_autofree char *seen = vg_fd_read_file(AT_FDCWD, health->seen_path, 64, NULL);
    health->seen = seen ? g_ascii_strtoull(seen, NULL, 10) : 0;
    health->watch = vg_gpu_watch_new(vg_gpus_host(hub->gpus), health->seen, on_news, hub);
    vg_health_settle(hub);
    health->patience_ms = PATIENCE_LEAST_MS;
    health->late = g_ptr_array_new_with_free_func((GDestroyNotify)vg_dom_unref);
    health->late_until = g_get_monotonic_time() + LATE_MOST_US;
    if (vg_gpus_waiting(hub->gpus))
        vg_health_look(hub, (VgDone){NULL, NULL});
}

/* After the jobs have ended. */
void vg_health_end(VgDriverState *hub) {
    VgHealth *health = g_steal_pointer(&hub->health);
    if (!health)
        return;
    vg_gpu_watch_free(health->watch);
    g_clear_handle_id(&health->timer, g_source_remove);
    g_ptr_array_unref(health->late);
    g_array_unref(health->waiting);
    g_array_unref(health->served);
    g_free(health->seen_path);
    g_free(health);
}
