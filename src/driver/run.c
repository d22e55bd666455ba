/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run.c: guests come up and go down. Life (pure) says what is to happen, the ladder does it, and here the two meet:
 * every way up ends in started(), every way down in went_down() or would_not_go().
 */
#include "driver/run.h"

#include <libvirt/libvirt.h>

#include "base/i18n.h"
#include "driver/emulators.h"
#include "driver/leftovers.h"
#include "driver/mdevs.h"
#include "driver/rungs.h"
#include "driver/savefile.h"

#define VG_AREA "driver"
#include "base/log.h"

static void on_rest(VgLadder *ladder, gpointer subject);

VgRun *vg_run_new(VgDriverState *hub, VgDom *dom, VgDomain *def, gboolean paused) {
    VgRun *run = g_new0(VgRun, 1);
    VgUuid token;
    run->hub = hub;
    run->dom = dom;
    run->id = -1;
    run->stream = run->emulator_fd = -1;
    run->def = def;
    run->claims = g_ptr_array_new();
    run->paused = paused;
    run->requests = vg_requests_of(&run->hub->info, def, &run->n_requests);
    vg_uuid_generate(&token);
    for (guint i = 0; i < VG_UUID_LEN; i++)
        g_snprintf(&run->token[i * 2], 3, "%02x", token.b[i]);
    run->max_mem_kib = def->memory;
    run->mem_kib = def->current_memory;
    run->vcpus = def->vcpu.current ? def->vcpu.current : def->vcpu.max;
    run->ladder = (VgLadder){
        .rungs = vg_rungs,
        .n = vg_n_rungs,
        .subject = run,
        .up_word = "start",
        .down_word = "stop",
        .given_up = N_("the start was given up because the domain was destroyed meanwhile"),
        .rest = on_rest,
    };
    return run;
}

void vg_run_free(VgRun *run) {
    if (!run)
        return;
    vg_emulator_unwatch(run);
    vg_requests_free(run->requests, run->n_requests);
    vg_xen_domain_clear(&run->seen);
    g_clear_pointer(&run->lent, g_ptr_array_unref);
    g_ptr_array_unref(run->claims);
    vg_fd_clear(&run->stream);
    g_free(run->saving);
    g_free(run->image);
    g_clear_pointer(&run->config, vg_xen_config_free);
    vg_domain_free(run->def);
    vg_ladder_clear(&run->ladder);
    g_strfreev(run->pcidevs);
    g_free(run);
}

void vg_run_change_def(VgRun *run, VgDomain *def) {
    vg_requests_free(run->requests, run->n_requests);
    vg_domain_free(run->def);
    run->def = def;
    run->requests = vg_requests_of(&run->hub->info, def, &run->n_requests);
}

static void use_queues(VgRun *run, VgOp *op) {
    run->op = op;
    run->ladder.queues[VG_RUNG_DOMAIN] = run->dom->queue;
    run->ladder.queues[VG_RUNG_LEDGER] = run->hub->ledger;
}

static void count(VgRun *run, gboolean on) {
    if (run->counted == on || run->foreign)
        return;
    run->counted = on;
    run->hub->guests += on ? 1u : -1u;
    run->hub->host->busy(run->hub->host, run->hub->guests);
}

void vg_run_up(VgRun *run) {
    vg_doms_set_id(&run->hub->doms, run->dom, (int)run->domid);
    run->up_us = g_get_monotonic_time();
    run->hub->figures_us = 0; /* those there are know nothing of it */
    vg_emulator_watch(run);
    count(run, TRUE);
}

void vg_run_adopt(VgRun *run, guint32 domid) {
    run->domid = domid;
    run->built = TRUE;
    run->ladder.at = run->ladder.n;
}

/* --- up ----------------------------------------------------------------------------------------------------------- */

/* Tells what life says after an outcome; a transient domain that is over leaves the list. */
static VgLifeAction take_outcome(VgRun *run, VgDom *dom, VgLifeInput input) {
    VgLifeStep step;
    vg_life_step(&dom->life, input, &step, NULL);
    vg_tell_step(run->hub, dom, &step);
    if (step.vanish)
        vg_doms_remove(&run->hub->doms, dom);
    return step.action;
}

static void end_op(VgRun *run, GError *error) {
    VgOp *op = g_steal_pointer(&run->op);
    vg_op_end(op, error);
}

static void forget_run(gpointer path) {
    vg_save_forget(path);
    g_free(path);
}

static void started(VgRun *run) {
    if (run->image)
        vg_job_push(run->dom->queue, forget_run, NULL, g_steal_pointer(&run->image));
    vg_run_up(run);
    vg_nodedev_show(run, TRUE);
    if (run->restored)
        take_outcome(run, run->dom, run->paused ? VG_IN_RESTORED_PAUSED : VG_IN_RESTORED);
    else
        take_outcome(run, run->dom, run->paused ? VG_IN_STARTED_PAUSED : VG_IN_STARTED);
    run->restored = FALSE;
    end_op(run, NULL);
}

/* --- down --------------------------------------------------------------------------------------------------------- */

static void would_not_go(VgRun *run, GError *error) {
    vg_warn("domain '%s' would not go: %s", run->dom->name, error->message);
    vg_run_up(run);
    take_outcome(run, run->dom, VG_IN_DOWN_FAILED);
    end_op(run, error);
}

/* What could not be taken down stays with the domain, or in the list if that is gone; its place is not given away. */
static void let_go(VgRun *run, VgDom *dom) {
    vg_emulator_unwatch(run);
    vg_doms_set_id(&run->hub->doms, dom, -1);
    count(run, FALSE);
    dom->run = NULL;
    dom->updated = FALSE;
    if (run->foreign && !run->hub->stopping)
        vg_look_for_others(run->hub);
    if (run->ladder.stuck) {
        vg_warn("domain '%s': %s; it is tried again", dom->name, run->ladder.error->message);
        vg_held_set_stuck(run, run->ladder.error->message);
        dom->leftover = run;
        vg_leftovers_later(run->hub);
    }
}

static void went_down(VgRun *run, GError *error) {
    g_autoptr(VgDom) dom = vg_dom_ref(run->dom);
    gboolean starting = dom->life.phase == VG_LIFE_STARTING;
    VgOp *op = g_steal_pointer(&run->op);
    let_go(run, dom);
    /* A restart that got stuck on its way down has no way up. */
    if (take_outcome(run, dom, starting ? VG_IN_START_FAILED : VG_IN_DOWN) == VG_DO_START)
        take_outcome(run, dom, VG_IN_START_FAILED);
    if (!run->ladder.stuck)
        vg_run_free(run);
    if (!starting)
        g_clear_error(&error);
    vg_op_end(op, error);
}

static gboolean wait_is_over(gpointer data) {
    VgRun *run = data;
    run->wait = 0;
    vg_ladder_climb(&run->ladder);
    return G_SOURCE_REMOVE;
}

/* Down as far as a restart needs: up again from there. One that does nothing but come and go waits meanwhile, so that
 * others have the host. */
static void come_again(VgRun *run) {
    const VgDom *dom = run->dom;
    guint wait_ms = vg_life_wait_ms(&run->dom->life, run->lived_us / 1000);
    vg_emulator_unwatch(run);
    vg_doms_set_id(&run->hub->doms, run->dom, -1);
    take_outcome(run, run->dom, VG_IN_DOWN);
    run->paused = FALSE;
    run->again = TRUE;
    if (wait_ms && !run->hub->stopping && !vg_ops_wanted(dom)) {
        vg_warn("domain '%s' ended by itself %u times in a row within %d s of its start; it is started again in %u s",
                dom->name, dom->life.soon, VG_LIFE_SOON_MS / 1000, wait_ms / 1000);
        run->wait = g_timeout_add(wait_ms, wait_is_over, run);
    } else
        vg_ladder_climb(&run->ladder);
}

void vg_run_hurry(VgRun *run) {
    guint wait = run->wait;
    if (!wait)
        return;
    g_source_remove(wait);
    wait_is_over(run);
}

void vg_run_hurry_all(VgDriverState *hub) {
    g_autoptr(GPtrArray) runs = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((VgDom *)value)->run)
            g_ptr_array_add(runs, ((VgDom *)value)->run);
    for (guint i = 0; i < runs->len; i++)
        vg_run_hurry(g_ptr_array_index(runs, i));
}

static void on_rest(VgLadder *ladder, gpointer subject) {
    VgRun *run = subject;
    GError *error = ladder->error ? g_error_copy(ladder->error) : NULL;
    if (run->image_gone)
        run->dom->saved = run->image_gone = FALSE;
    if (!ladder->down)
        started(run);
    else if (ladder->stuck && ladder->at > vg_rung_domain)
        would_not_go(run, error);
    else if (ladder->floor > 0 && !ladder->stuck)
        come_again(run);
    else
        went_down(run, error);
}

void vg_run_teardown(VgOp *op) {
    VgRun *run = op->dom->run;
    use_queues(run, op);
    run->lived_us = g_get_monotonic_time() - run->up_us;
    vg_ladder_descend(&run->ladder, op->dom->life.again ? vg_rung_restart : 0);
}

/* --- start -------------------------------------------------------------------------------------------------------- */

static void start_failed_early(VgOp *op, GError *error) {
    VgLifeStep step;
    vg_life_step(&op->dom->life, VG_IN_START_FAILED, &step, NULL);
    if (step.vanish)
        vg_doms_remove(&op->hub->doms, op->dom);
    vg_op_end(op, error);
}

static void climb_now(VgOp *op) {
    GError *error = NULL;
    VgDom *dom = op->dom;
    VgDomain *def = op->def ? g_steal_pointer(&op->def) : vg_dom_parse(dom, &error);
    if (!def) {
        start_failed_early(op, error);
        return;
    }
    vg_life_take_def(&dom->life, def);
    dom->run = vg_run_new(op->hub, dom, def, (op->flags & VIR_DOMAIN_START_PAUSED) != 0);
    dom->run->stream = vg_fd_steal(&op->fd);
    if (op->number == VG_RUN_HAS_IMAGE)
        dom->run->image = vg_save_path(op->hub, dom->name);
    use_queues(dom->run, op);
    vg_ladder_climb(&dom->run->ladder);
}

static gboolean open_image(VgOp *op, GError **error) {
    g_autofree char *path = vg_save_path(op->hub, op->dom->name), *xml = NULL;
    op->fd = vg_savefile_open(path, &xml, error);
    op->def = op->fd >= 0 ? vg_domain_parse(xml, VG_XML_INACTIVE, error) : NULL;
    if (!op->def)
        g_prefix_error(error, _("the saved state of '%s' cannot be restored ('--force-boot' starts without it): "),
                       op->dom->name);
    return op->def != NULL;
}

static void image_open(VgOp *op, GError *error) {
    if (error)
        start_failed_early(op, error);
    else
        climb_now(op);
}

/* One with a managed save goes on where it was, or, by force, from the beginning: the save is over either way. */
static void climb(VgOp *op) {
    if (!op->dom->saved || op->def) {
        climb_now(op);
        return;
    }
    op->number = VG_RUN_HAS_IMAGE;
    if (op->flags & VIR_DOMAIN_START_FORCE_BOOT)
        climb_now(op);
    else
        vg_op_job(op, open_image, image_open);
}

/* What an earlier stop could not take away has been tried once more. Another domain's does not hold this one up. */
static void on_leftover_rest(VgLadder *ladder, gpointer subject) {
    VgRun *run = subject;
    VgOp *op = g_steal_pointer(&run->op);
    if (!ladder->stuck) {
        vg_run_free(run);
        climb(op);
        return;
    }
    if (!vg_uuid_equal(&run->def->uuid, &op->dom->uuid)) {
        g_queue_push_tail(&op->hub->doms.leftovers, run);
        climb(op);
        return;
    }
    GError *error = NULL;
    vg_set_error(&error, VG_ERR_RESOURCE_BUSY, _("what domain '%s' held before is not free yet: %s"), op->dom->name,
                 ladder->error->message);
    op->dom->leftover = run;
    start_failed_early(op, error);
}

/* The domain's own, else that of one that was called so before, else the oldest of those that are gone. */
static VgRun *take_leftover(VgDom *dom, GQueue *of_gone) {
    if (dom->leftover)
        return g_steal_pointer(&dom->leftover);
    for (GList *at = of_gone->head; at; at = at->next) {
        VgRun *run = at->data;
        if (!vg_uuid_equal(&run->def->uuid, &dom->uuid))
            continue;
        g_queue_delete_link(of_gone, at);
        return run;
    }
    return g_queue_pop_head(of_gone);
}

void vg_run_begin_start(VgOp *op) {
    GError *error = NULL;
    VgLifeStep step;
    if (!vg_life_step(&op->dom->life, VG_IN_START, &step, &error)) {
        vg_op_end(op, error);
        return;
    }
    VgRun *leftover = take_leftover(op->dom, &op->hub->doms.leftovers);
    if (!leftover) {
        climb(op);
        return;
    }
    leftover->dom = op->dom;
    use_queues(leftover, op);
    leftover->ladder.rest = on_leftover_rest;
    vg_ladder_descend(&leftover->ladder, 0);
}
