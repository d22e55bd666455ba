/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mdev_ops.c: what clients ask of vGPUs without a domain. Operations run one after the other, in the order they came,
 * whichever device they are about: two of them are never of two minds. A device comes and goes by a ladder of its own.
 */
#include "driver/mdevs.h"

#include <libvirt/libvirt.h>

#include "base/i18n.h"
#include "driver/given.h"
#include "driver/health.h"
#include "driver/query.h"
#include "driver/run.h"

#define VG_AREA "driver"
#include "base/log.h"

typedef struct MdevOp MdevOp;
struct MdevOp {
    VgDriverState *hub;
    void (*begin)(MdevOp *op);
    VgDone done;
    char *name; /* of the device asked for, or NULL */
    VgNodedevWish *wish;
    gboolean on;
    void (*then)(VgDriverState *hub);
    VgMdev *mdev;                              /* it is about */
    gboolean (*job)(MdevOp *, GError **error); /* on a worker, */
    void (*after)(MdevOp *, GError *error);    /* and what follows; takes over the error */
    GError *error;
};

/* --- one after the other ------------------------------------------------------------------------------------------ */

static void begin_next(VgDriverState *hub) {
    MdevOp *op = g_queue_peek_head(&hub->mdev_ops);
    if (op)
        op->begin(op);
}

static void push(MdevOp *op) {
    g_queue_push_tail(&op->hub->mdev_ops, op);
    if (op->hub->mdev_ops.length == 1)
        begin_next(op->hub);
}

static MdevOp *op_new(VgDriverState *hub, void (*begin)(MdevOp *op), const char *name, VgDone done) {
    MdevOp *op = g_new0(MdevOp, 1);
    *op = (MdevOp){.hub = hub, .begin = begin, .name = g_strdup(name), .done = done};
    return op;
}

/* The client's answer (takes over @error), then the next one. */
static void end(MdevOp *op, GError *error) {
    VgDriverState *hub = op->hub;
    g_autofree char *name = !error && op->mdev ? vg_mdev_name(op->mdev) : NULL;
    g_queue_pop_head(&hub->mdev_ops);
    if (op->done.func)
        op->done.func(NULL, name, error, op->done.data);
    g_clear_error(&error);
    if (op->wish)
        vg_nodedev_wish_free(op->wish);
    g_free(op->name);
    g_free(op);
    begin_next(hub);
}

static void job_run(gpointer data) {
    MdevOp *op = data;
    if (!op->job(op, &op->error) && !op->error)
        vg_set_error(&op->error, VG_ERR_OPERATION_FAILED, _("the host gave no reason"));
}

static void job_done(gpointer data) {
    MdevOp *op = data;
    op->after(op, g_steal_pointer(&op->error));
}

static void do_job(MdevOp *op, gboolean (*job)(MdevOp *, GError **error), void (*after)(MdevOp *, GError *error)) {
    op->job = job;
    op->after = after;
    vg_job_push(op->hub->mdev_queue, job_run, job_done, op);
}

static gboolean write_file(MdevOp *op, GError **error) {
    return vg_mdev_write(op->mdev, error);
}

static gboolean unlink_file(MdevOp *op, GError **error) {
    return vg_mdev_unlink(op->mdev, error);
}

/* The device that is meant, one of these; else the operation has ended. */
static gboolean find(MdevOp *op) {
    GError *error = NULL;
    op->mdev = vg_nodedev_mdev(op->hub, op->name, &error);
    if (op->mdev)
        return TRUE;
    end(op, error);
    return FALSE;
}

/* --- it comes and goes -------------------------------------------------------------------------------------------- */

static gboolean claim_up(gpointer subject, GError **error) {
    static const VgUuid nobody;
    VgMdev *mdev = subject;
    g_autofree char *name = vg_mdev_name(mdev);
    g_auto(GStrv) params = NULL;
    VgVgpuRequest request = vg_mdev_request(mdev, &params);
    mdev->claim = vg_gpus_claim(mdev->hub->gpus, &nobody, name, &request, 1, error);
    if (!mdev->claim)
        return FALSE;
    if (vg_given_in_parts(mdev->hub, mdev->claim, NULL, name, error))
        return TRUE;
    g_clear_pointer(&mdev->claim, vg_gpus_release);
    return FALSE;
}

static gboolean claim_down(gpointer subject, GError **error) {
    VgMdev *mdev = subject;
    g_clear_pointer(&mdev->claim, vg_gpus_release);
    vg_health_settle(mdev->hub);
    return TRUE;
}

static gboolean ledger_up(gpointer subject, GError **error) {
    return vg_claim_record(((VgMdev *)subject)->claim, error);
}

static gboolean ledger_down(gpointer subject, GError **error) {
    return vg_claim_forget(((VgMdev *)subject)->claim, error);
}

static gboolean device_up(gpointer subject, GError **error) {
    return vg_claim_create(((VgMdev *)subject)->claim, error);
}

static gboolean device_down(gpointer subject, GError **error) {
    return vg_claim_remove(((VgMdev *)subject)->claim, error);
}

static const VgRung rungs[] = {
    {"mdev-claim", VG_RUNG_MAIN, FALSE, claim_up, claim_down},
    {"mdev-ledger", VG_RUNG_LEDGER, FALSE, ledger_up, ledger_down},
    {"mdev-device", VG_RUNG_DOMAIN, TRUE, device_up, device_down},
};

/* A transient device that is not there any more is nothing. What could not be taken away stays in sight. */
static void drop_if_gone(VgMdev *mdev) {
    if (!mdev->active && !mdev->claim && !mdev->persistent)
        vg_mdevs_remove(mdev);
}

static void rested(MdevOp *op, const VgLadder *ladder) {
    VgMdev *mdev = op->mdev;
    GError *error = ladder->error ? g_error_copy(ladder->error) : NULL;
    gboolean was = mdev->active;
    mdev->active = !ladder->down;
    if (mdev->active != was)
        vg_nodedev_tell(mdev, mdev->active ? VG_NODEDEV_CREATED : VG_NODEDEV_DELETED);
    if (!mdev->active)
        op->mdev = NULL;
    drop_if_gone(mdev);
    end(op, error);
}

/* Its ladder has come to rest; who waits for it is the operation at the head of the queue. */
static void on_rest(VgLadder *ladder, gpointer subject) {
    VgMdev *mdev = subject;
    MdevOp *op = g_queue_peek_head(&mdev->hub->mdev_ops);
    gboolean cleared = op->on && ladder->down && !ladder->error;
    if (cleared) /* what an earlier stop had left */
        vg_ladder_climb(ladder);
    else
        rested(op, ladder);
}

static void set_off(MdevOp *op, gboolean on) {
    VgLadder *ladder = &op->mdev->ladder;
    op->on = on;
    ladder->rungs = rungs;
    ladder->n = G_N_ELEMENTS(rungs);
    ladder->queues[VG_RUNG_DOMAIN] = op->hub->mdev_queue;
    ladder->queues[VG_RUNG_LEDGER] = op->hub->ledger;
    ladder->subject = op->mdev;
    ladder->rest = on_rest;
    if (op->mdev->active) /* also one that was adopted at start-up */
        ladder->at = ladder->n;
    if (on && !op->mdev->claim)
        vg_ladder_climb(ladder);
    else
        vg_ladder_descend(ladder, 0);
}

/* --- create, start, destroy --------------------------------------------------------------------------------------- */

static void begin_create_xml(MdevOp *op) {
    GError *error = NULL;
    VgMdev *mdev = vg_mdev_new(op->hub, op->wish, &error);
    const VgMdev *known = mdev ? vg_mdevs_find(op->hub, &mdev->uuid) : NULL;
    if (known) {
        g_autofree char *name = vg_mdev_name(known);
        vg_set_error(&error, VG_ERR_OPERATION_INVALID,
                     known->active ? _("node device '%s' is there already")
                                   : _("node device '%s' is defined already; "
                                       "'virsh nodedev-start' makes it"),
                     name);
    }
    if (error) {
        vg_mdev_free(mdev);
        end(op, error);
        return;
    }
    vg_mdevs_add(mdev);
    op->mdev = mdev;
    set_off(op, TRUE);
}

static void begin_start(MdevOp *op) {
    GError *error = NULL;
    if (!find(op))
        return;
    if (!op->mdev->active) {
        set_off(op, TRUE);
        return;
    }
    vg_set_error(&error, VG_ERR_OPERATION_INVALID, _("Device is already active"));
    end(op, error);
}

static void begin_destroy(MdevOp *op) {
    GError *error = NULL;
    if (!find(op))
        return;
    const VgMdev *mdev = op->mdev;
    g_autofree char *name = vg_mdev_name(mdev);
    if (!mdev->active && !mdev->claim)
        vg_set_error(&error, VG_ERR_OPERATION_INVALID, _("Device '%s' is not active"), name);
    else if (mdev->user)
        vg_set_error(&error, VG_ERR_RESOURCE_BUSY,
                     _("Unable to destroy '%s': device in use by domain '%s'; stop that one first"), name,
                     mdev->user->name);
    if (error)
        end(op, error);
    else
        set_off(op, FALSE);
}

/* --- define, undefine, autostart ---------------------------------------------------------------------------------- */

static void defined(MdevOp *op, GError *error) {
    VgMdev *mdev = op->mdev;
    mdev->persistent = error == NULL;
    if (!error)
        vg_nodedev_tell(mdev, VG_NODEDEV_DEFINED);
    else
        op->mdev = NULL;
    drop_if_gone(mdev);
    end(op, error);
}

/* One that was created becomes a definition by the same description: clients do both, in this order. */
static gboolean may_define(const VgMdev *known, const VgMdev *wanted, GError **error) {
    g_autofree char *name = vg_mdev_name(known);
    if (known->persistent)
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("node device '%s' is defined already; undefine it first to define it anew"), name);
    else if (vg_pciaddr_compare(&known->parent, &wanted->parent) != 0 ||
             g_strcmp0(known->type_id, wanted->type_id) != 0)
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("node device '%s' is there and of type '%s'; destroy it first to define it otherwise"), name,
                     known->type_id);
    else
        return TRUE;
    return FALSE;
}

static void begin_define(MdevOp *op) {
    GError *error = NULL;
    VgMdev *mdev = vg_mdev_new(op->hub, op->wish, &error);
    VgMdev *known = mdev ? vg_mdevs_find(op->hub, &mdev->uuid) : NULL;
    if (!mdev || (known && !may_define(known, mdev, &error))) {
        vg_mdev_free(mdev);
        end(op, error);
        return;
    }
    if (known)
        vg_mdev_free(mdev);
    else
        vg_mdevs_add(mdev);
    op->mdev = known ? known : mdev;
    do_job(op, write_file, defined);
}

static void undefined(MdevOp *op, GError *error) {
    VgMdev *mdev = op->mdev;
    if (!error) {
        mdev->persistent = mdev->autostart = FALSE;
        vg_nodedev_tell(mdev, VG_NODEDEV_UNDEFINED);
        op->mdev = NULL;
        drop_if_gone(mdev);
    }
    end(op, error);
}

static void begin_undefine(MdevOp *op) {
    GError *error = NULL;
    if (!find(op))
        return;
    if (op->mdev->persistent) {
        do_job(op, unlink_file, undefined);
        return;
    }
    g_autofree char *name = vg_mdev_name(op->mdev);
    vg_set_error(&error, VG_ERR_OPERATION_INVALID, _("Node device '%s' is not defined"), name);
    end(op, error);
}

static void marked(MdevOp *op, GError *error) {
    if (error)
        op->mdev->autostart = !op->on;
    end(op, error);
}

static void begin_autostart(MdevOp *op) {
    GError *error = NULL;
    if (!find(op))
        return;
    if (!op->mdev->persistent)
        vg_set_error(&error, VG_ERR_OPERATION_INVALID, _("cannot set autostart for transient device"));
    if (error || op->mdev->autostart == op->on) {
        end(op, error);
        return;
    }
    op->mdev->autostart = op->on;
    do_job(op, write_file, marked);
}

/* --- the calls ---------------------------------------------------------------------------------------------------- */

/* A description is checked now, and is an operation afterwards. */
static void describe(VgSession *session, const char *xml, void (*begin)(MdevOp *op), VgDone done, GError *error) {
    VgNodedevWish *wish = error ? NULL : vg_nodedev_parse(xml, &error);
    if (!wish) {
        vg_done_error(done, error);
        return;
    }
    MdevOp *op = op_new(session->hub, begin, NULL, done);
    op->wish = wish;
    push(op);
}

/* @known: of virNodeDeviceCreateXML and virNodeDeviceDefineXML; our own parser is strict anyway. */
void vg_nodedev_create_xml(VgSession *session, const char *xml, guint flags, VgDone done) {
    GError *error = NULL;
    vg_flags_known(flags, VIR_NODE_DEVICE_CREATE_XML_VALIDATE, "virNodeDeviceCreateXML", &error);
    describe(session, xml, begin_create_xml, done, error);
}

void vg_nodedev_define(VgSession *session, const char *xml, guint flags, VgDone done) {
    GError *error = NULL;
    vg_flags_known(flags, VIR_NODE_DEVICE_DEFINE_XML_VALIDATE, "virNodeDeviceDefineXML", &error);
    describe(session, xml, begin_define, done, error);
}

static void ask(VgSession *session, void (*begin)(MdevOp *op), const char *name, gboolean on, VgDone done) {
    MdevOp *op = op_new(session->hub, begin, name, done);
    op->on = on;
    push(op);
}

void vg_nodedev_undefine(VgSession *session, const char *name, guint flags, VgDone done) {
    GError *error = NULL;
    if (vg_flags_known(flags, 0, "virNodeDeviceUndefine", &error))
        ask(session, begin_undefine, name, FALSE, done);
    else
        vg_done_error(done, error);
}

void vg_nodedev_create(VgSession *session, const char *name, guint flags, VgDone done) {
    GError *error = NULL;
    if (vg_flags_known(flags, 0, "virNodeDeviceCreate", &error))
        ask(session, begin_start, name, TRUE, done);
    else
        vg_done_error(done, error);
}

void vg_nodedev_destroy(VgSession *session, const char *name, VgDone done) {
    ask(session, begin_destroy, name, FALSE, done);
}

void vg_nodedev_set_autostart(VgSession *session, const char *name, gboolean on, VgDone done) {
    ask(session, begin_autostart, name, on != FALSE, done);
}

/* --- with the host ------------------------------------------------------------------------------------------------ */

static void autostarted(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    if (error)
        vg_warn("a node device marked for autostart did not start: %s", error->message);
}

static void begin_then(MdevOp *op) {
    void (*then)(VgDriverState *) = op->then;
    VgDriverState *hub = op->hub;
    end(op, NULL);
    then(hub);
}

void vg_mdevs_autostart(VgDriverState *hub, void (*then)(VgDriverState *hub)) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->mdevs);
    g_autoptr(GPtrArray) wanted = g_ptr_array_new_with_free_func(g_free);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgMdev *mdev = value;
        if (mdev->autostart && !mdev->active)
            g_ptr_array_add(wanted, vg_mdev_name(mdev));
    }
    for (guint i = 0; i < wanted->len; i++)
        push(op_new(hub, begin_start, wanted->pdata[i], (VgDone){autostarted, NULL}));
    MdevOp *last = op_new(hub, begin_then, NULL, (VgDone){NULL, NULL});
    last->then = then;
    push(last);
}
