/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* leftovers.c: see leftovers.h. A domain's own are an operation of the domain; others have a queue for themselves. */
#include "driver/leftovers.h"

#include "base/fault.h"
#include "driver/emulators.h"

#define VG_AREA "driver"
#include "base/log.h"

#define FIRST_MS 1000
#define MOST_MS 60000

struct VgLeftovers {
    guint timer;
    guint wait_ms;     /* until the next try */
    guint trying;      /* under way */
    gboolean again;    /* one of them failed */
    GPtrArray *claims; /* of VgClaim, whose guests nobody knows any more */
    VgJobQueue *queue; /* of what belongs to no domain */
};

static void arm(VgDriverState *hub);

static void tried(VgDriverState *hub, gboolean gone) {
    VgLeftovers *left = hub->leftovers;
    if (!left)
        return;
    left->again = left->again || !gone;
    if (--left->trying == 0 && left->again)
        arm(hub);
}

/* --- of a domain, and of one that left the list ------------------------------------------------------------------- */

static void keep(VgDriverState *hub, VgRun *run, VgDom *dom) {
    vg_held_set_stuck(run, run->ladder.error ? run->ladder.error->message : NULL);
    if (dom && !dom->gone && !dom->leftover)
        dom->leftover = run;
    else
        g_queue_push_tail(&hub->doms.leftovers, run);
}

static void on_rest(VgLadder *ladder, gpointer subject) {
    VgRun *run = subject;
    VgDriverState *hub = run->hub;
    VgOp *op = g_steal_pointer(&run->op);
    gboolean gone = !ladder->stuck;
    if (gone) {
        vg_info("what domain '%s' could not give back is free now", run->def->name);
        vg_run_free(run);
    } else
        keep(hub, run, op ? op->dom : NULL);
    if (op)
        vg_op_end(op, NULL);
    tried(hub, gone);
}

static void descend(VgRun *run, VgOp *op, VgJobQueue *queue) {
    run->op = op;
    run->ladder.queues[VG_RUNG_DOMAIN] = queue;
    run->ladder.queues[VG_RUNG_LEDGER] = run->hub->ledger;
    run->ladder.rest = on_rest;
    vg_ladder_descend(&run->ladder, 0);
}

/* A start before this may have done it. */
static void begin_try(VgOp *op) {
    VgRun *run = g_steal_pointer(&op->dom->leftover);
    if (run) {
        run->dom = op->dom;
        descend(run, op, op->dom->queue);
        return;
    }
    VgDriverState *hub = op->hub;
    vg_op_end(op, NULL);
    tried(hub, TRUE);
}

/* It went to those of domains that left the list. */
static void domain_gone(VgOp *op, VgDone done) {
    tried(op->hub, FALSE);
}

/* --- of nobody ---------------------------------------------------------------------------------------------------- */

typedef struct {
    VgDriverState *hub;
    VgClaim *claim;
    GError *error;
    gboolean gone;
} Drop;

/* An emulator that would not go has the vGPU still. */
gboolean vg_leftovers_drop_claim(VgDriverState *hub, VgClaim *claim, GError **error) {
    return !vg_fault("driver.recover.remove") && vg_emulator_end_orphan(hub, vg_claim_owner(claim), error) &&
           vg_claim_remove(claim, error) && !vg_fault("driver.recover.forget") && vg_claim_forget(claim, error);
}

static void drop_run(gpointer data) {
    Drop *drop = data;
    drop->gone = vg_leftovers_drop_claim(drop->hub, drop->claim, &drop->error);
}

static void drop_done(gpointer data) {
    Drop *drop = data;
    if (drop->gone)
        vg_gpus_release(drop->claim);
    else
        vg_leftovers_add_claim(drop->hub, drop->claim, drop->error ? drop->error->message : NULL);
    tried(drop->hub, drop->gone);
    g_clear_error(&drop->error);
    g_free(drop);
}

void vg_leftovers_add_claim(VgDriverState *hub, VgClaim *claim, const char *why) {
    vg_warn("what a guest that is gone held is not free yet: %s", why ? why : "told to fail");
    vg_claim_set_stuck(claim, why ? why : "");
    g_ptr_array_add(hub->leftovers->claims, claim);
    vg_leftovers_later(hub);
}

/* --- when --------------------------------------------------------------------------------------------------------- */

static void try_domains(VgDriverState *hub) {
    g_autoptr(GPtrArray) doms = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((VgDom *)value)->leftover)
            g_ptr_array_add(doms, value);
    hub->leftovers->trying += doms->len;
    for (guint i = 0; i < doms->len; i++) {
        VgOp *op = vg_op_new(hub, g_ptr_array_index(doms, i), begin_try, (VgDone){NULL, NULL});
        op->gone = domain_gone;
        vg_op_push(op, VG_OP_LAST);
    }
}

static gboolean try_all(gpointer data) {
    VgDriverState *hub = data;
    VgLeftovers *left = hub->leftovers;
    left->timer = 0;
    if (hub->stopping)
        return G_SOURCE_REMOVE;
    left->again = FALSE;
    left->wait_ms = MIN(2 * left->wait_ms, MOST_MS);
    left->trying = 1;
    for (guint n = g_queue_get_length(&hub->doms.leftovers); n > 0; n--) {
        VgRun *run = g_queue_pop_head(&hub->doms.leftovers);
        left->trying++;
        descend(run, NULL, left->queue);
    }
    g_autoptr(GPtrArray) claims = g_steal_pointer(&left->claims);
    left->claims = g_ptr_array_new();
    for (guint i = 0; i < claims->len; i++) {
        Drop *drop = g_new0(Drop, 1);
        *drop = (Drop){.hub = hub, .claim = g_ptr_array_index(claims, i)};
        left->trying++;
        vg_job_push(hub->ledger, drop_run, drop_done, drop);
    }
    try_domains(hub);
    tried(hub, TRUE);
    return G_SOURCE_REMOVE;
}

static void arm(VgDriverState *hub) {
    if (!hub->stopping && !hub->leftovers->timer)
        hub->leftovers->timer = g_timeout_add(hub->leftovers->wait_ms, try_all, hub);
}

void vg_leftovers_later(VgDriverState *hub) {
    VgLeftovers *left = hub->leftovers;
    if (left->trying > 0) {
        left->again = TRUE;
        return;
    }
    left->wait_ms = FIRST_MS;
    if (left->timer)
        g_source_remove(left->timer);
    left->timer = 0;
    arm(hub);
}

void vg_leftovers_begin(VgDriverState *hub) {
    hub->leftovers = g_new0(VgLeftovers, 1);
    hub->leftovers->wait_ms = FIRST_MS;
    hub->leftovers->claims = g_ptr_array_new();
    hub->leftovers->queue = vg_job_queue_new(VG_JOB_HOST, "leftovers");
}

void vg_leftovers_end(VgDriverState *hub) {
    VgLeftovers *left = g_steal_pointer(&hub->leftovers);
    if (!left)
        return;
    if (left->timer)
        g_source_remove(left->timer);
    g_ptr_array_unref(left->claims);
    vg_job_queue_free(left->queue);
    g_free(left);
}
