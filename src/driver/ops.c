/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ops.c: the operations of a domain, one after the other, and how a client hears of their end. */
#include "driver/hub.h"

#include "base/i18n.h"
#include "driver/run.h"

static void no_domain(const VgUuid *uuid, const char *name, GError **error) {
    char text[VG_UUID_TEXT];
    if (name)
        vg_set_error(error, VG_ERR_NO_DOMAIN, _("no domain with matching uuid '%s' (%s)"), vg_uuid_format(uuid, text),
                     name);
    else
        vg_set_error(error, VG_ERR_NO_DOMAIN, _("no domain with matching uuid '%s'"), vg_uuid_format(uuid, text));
}

VgDom *vg_hub_dom(VgDriverState *hub, const VgUuid *uuid, GError **error) {
    VgDom *dom = vg_doms_find(&hub->doms, uuid);
    if (dom && !dom->hidden)
        return dom;
    no_domain(uuid, NULL, error);
    return NULL;
}

VgDom *vg_hub_guest(VgDriverState *hub, const VgUuid *uuid, GError **error) {
    VgDom *dom = vg_hub_dom(hub, uuid, error);
    if (!dom || !vg_uuid_is_null(&dom->uuid))
        return dom;
    vg_set_error(error, VG_ERR_OPERATION_INVALID,
                 _("Domain-0 is the host itself and does not support requested operation"));
    return NULL;
}

void vg_done_error(VgDone done, GError *error) {
    if (done.func)
        done.func(NULL, NULL, error, done.data);
    g_error_free(error);
}

VgOp *vg_op_new(VgDriverState *hub, VgDom *dom, void (*begin)(VgOp *op), VgDone done) {
    VgOp *op = g_new0(VgOp, 1);
    op->hub = hub;
    op->dom = vg_dom_ref(dom);
    op->begin = begin;
    op->done = done;
    op->fd = -1;
    return op;
}

static void op_free(VgOp *op) {
    vg_domain_free(op->def);
    vg_dom_unref(op->dom);
    vg_fd_clear(&op->fd);
    g_free(op->text);
    g_free(op->text2);
    g_free(op->text3);
    if (op->free_data)
        op->free_data(op->data);
    g_free(op);
}

static void answer(VgOp *op, const GError *error) {
    if (!op->done.func)
        return;
    VgDomRef ref = {.name = op->dom->name, .uuid = op->dom->uuid, .id = vg_dom_id(op->dom)};
    op->done.func(error ? NULL : &ref, NULL, error, op->done.data);
}

/* Takes the operation off the head of its queue. */
static void finish(VgOp *op, GError *error) {
    g_queue_pop_head(op->dom->ops);
    answer(op, error);
    g_clear_error(&error);
    op_free(op);
}

static void begin_next(VgOp *op) {
    GError *error = NULL;
    op->begun = TRUE;
    if (!op->dom->gone) {
        op->begin(op);
        return;
    }
    if (op->gone) {
        VgDone done = op->done;
        op->done = (VgDone){NULL, NULL};
        op->gone(op, done);
    } else if (!op->gone_is_fine)
        no_domain(&op->dom->uuid, op->dom->name, &error);
    finish(op, error);
}

/* One loop, so that operations that end at once do not pile up on the stack. */
static void kick(VgDom *dom) {
    if (dom->kicking)
        return;
    vg_dom_ref(dom);
    dom->kicking = TRUE;
    for (VgOp *op = g_queue_peek_head(dom->ops); op && !op->begun; op = g_queue_peek_head(dom->ops))
        begin_next(op);
    dom->kicking = FALSE;
    if (g_queue_is_empty(dom->ops)) {
        g_clear_pointer(&dom->ops, g_queue_free);
        g_clear_pointer(&dom->queue, vg_job_queue_free);
    }
    vg_dom_unref(dom);
}

void vg_op_push(VgOp *op, VgOpPlace place) {
    VgDom *dom = op->dom;
    if (!dom->ops) {
        dom->ops = g_queue_new();
        dom->queue = vg_job_queue_new(VG_JOB_DOMAIN, dom->name);
    }
    VgOp *head = g_queue_peek_head(dom->ops);
    if (place == VG_OP_LAST || !head)
        g_queue_push_tail(dom->ops, op);
    else
        g_queue_push_nth(dom->ops, op, head->begun ? 1 : 0);
    if (op->done.func && dom->run)
        vg_run_hurry(dom->run);
    kick(dom);
}

gboolean vg_ops_wanted(const VgDom *dom) {
    for (GList *at = dom->ops ? dom->ops->head : NULL; at; at = at->next)
        if (((const VgOp *)at->data)->done.func)
            return TRUE;
    return FALSE;
}

void vg_op_end(VgOp *op, GError *error) {
    g_autoptr(VgDom) dom = vg_dom_ref(op->dom);
    finish(op, error);
    kick(dom);
}

static void job_run(gpointer data) {
    VgOp *op = data;
    if (!op->job(op, &op->error) && !op->error)
        vg_set_error(&op->error, VG_ERR_OPERATION_FAILED, _("the host gave no reason"));
}

static void job_done(gpointer data) {
    VgOp *op = data;
    op->after(op, g_steal_pointer(&op->error));
}

void vg_op_job(VgOp *op, gboolean (*job)(VgOp *op, GError **error), void (*after)(VgOp *op, GError *error)) {
    op->job = job;
    op->after = after;
    vg_job_push(op->dom->queue, job_run, job_done, op);
}
