/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* events.c: up to the daemon what happened to a domain; from Xen what happened to a guest. */
#include "driver/coredump.h"
#include "driver/hub.h"
#include "driver/run.h"

#define VG_AREA "driver"
#include "base/log.h"

void vg_tell(VgDriverState *hub, const VgDom *dom, VgEventId id, int a, const char *text) {
    VgEvent event = {
        .id = id,
        .dom = {.name = dom->name, .uuid = dom->uuid, .id = vg_dom_id(dom)},
        .a = a,
        .s1 = text,
    };
    hub->host->event(hub->host, &event);
}

void vg_tell_lifecycle(VgDriverState *hub, const VgDom *dom, int type, int detail) {
    VgEvent event = {
        .id = VG_EVENT_LIFECYCLE,
        .dom = {.name = dom->name, .uuid = dom->uuid, .id = vg_dom_id(dom)},
        .a = type,
        .b = detail,
    };
    hub->host->event(hub->host, &event);
}

void vg_tell_nodedev(VgDriverState *hub, VgNodedevEventId id, VgNodedevChange type, const char *name) {
    VgNodedevEvent event = {.id = id, .type = type, .name = name};
    hub->host->nodedev_event(hub->host, &event);
}

void vg_tell_step(VgDriverState *hub, const VgDom *dom, const VgLifeStep *step) {
    for (guint i = 0; i < step->n_events; i++)
        vg_tell_lifecycle(hub, dom, step->events[i].type, step->events[i].detail);
    if (step->rebooted)
        vg_tell(hub, dom, VG_EVENT_REBOOT, 0, NULL);
}

static VgLifeInput input_of(const VgXenEvent *event) {
    static const VgLifeInput inputs[] = {
        [VG_XEN_POWEROFF] = VG_IN_GUEST_POWEROFF,
        [VG_XEN_REBOOT] = VG_IN_GUEST_REBOOT,
        [VG_XEN_SUSPEND] = VG_IN_LAST,
        [VG_XEN_CRASH] = VG_IN_GUEST_CRASH,
        [VG_XEN_WATCHDOG] = VG_IN_GUEST_CRASH,
        [VG_XEN_SOFT_RESET] = VG_IN_GUEST_REBOOT,
    };
    if (event->kind == VG_XEN_EVENT_DEATH)
        return VG_IN_GUEST_GONE;
    return (guint)event->reason < G_N_ELEMENTS(inputs) ? inputs[event->reason] : VG_IN_LAST;
}

/* What a guest did waits its turn like what a client asks; by then the guest may be another one. */
static void begin_fact(VgOp *op) {
    VgLifeStep step;
    if (vg_dom_id(op->dom) != op->number || !vg_life_active(&op->dom->life)) {
        vg_op_end(op, NULL);
        return;
    }
    vg_life_step(&op->dom->life, (VgLifeInput)op->flags, &step, NULL);
    vg_tell_step(op->hub, op->dom, &step);
    if (op->flags == VG_IN_GUEST_GONE)
        op->dom->run->built = FALSE; /* somebody has destroyed it already */
    if (step.action != VG_DO_TEARDOWN)
        vg_op_end(op, NULL);
    else if (step.dump)
        vg_coredump(op, vg_run_teardown);
    else
        vg_run_teardown(op);
}

/* It was asked to suspend itself, and does so when the save is over that asked it. Others may save it, too: theirs. */
static gboolean go_on(VgOp *op, GError **error) {
    return op->hub->xen->ops->resume(op->hub->xen, op->dom->run->domid, error);
}

static void gone_on(VgOp *op, GError *error) {
    if (error)
        vg_warn("domain '%s' stands still after a save that was given up: %s", op->dom->name, error->message);
    else if (op->dom->run)
        op->dom->run->unsaved = FALSE; /* the next one is somebody else's */
    vg_op_end(op, error);
}

static void begin_suspended(VgOp *op) {
    const VgDom *dom = op->dom;
    if (vg_dom_id(dom) == op->number && vg_life_active(&dom->life) && dom->run->unsaved)
        vg_op_job(op, go_on, gone_on);
    else
        vg_op_end(op, NULL);
}

/* --- guests of other hands */

enum { ANY_DOMAIN = -1 };

typedef struct {
    VgDriverState *hub;
    gint64 domid; /* ANY_DOMAIN: all */
    VgXenDomain *doms;
    gsize n;
} Look;

static gboolean look_at(Look *look, GError **error) {
    VgXen *xen = look->hub->xen;
    if (look->domid == ANY_DOMAIN)
        return xen->ops->list(xen, &look->doms, &look->n, error);
    look->doms = g_new0(VgXenDomain, 1);
    look->n = xen->ops->info(xen, (guint32)look->domid, look->doms, error) ? 1 : 0;
    return look->n == 1;
}

static void look_run(gpointer data) {
    Look *look = data;
    g_autoptr(GError) error = NULL;
    if (!look_at(look, &error) && !g_error_matches(error, VG_ERROR, VG_ERR_NO_DOMAIN))
        vg_warn("guests of other hands may be missing: %s", error->message);
}

/* One without a name is still being made; Xen tells again when it is complete. */
static void look_done(gpointer data) {
    Look *look = data;
    for (gsize i = 0; i < look->n && !look->hub->stopping; i++) {
        const VgXenDomain *xd = &look->doms[i];
        const VgDom *dom = vg_doms_find(&look->hub->doms, &xd->uuid);
        /* Its predecessor is on its way out: then we are called again. */
        gboolean later = dom && dom->run && dom->run->foreign;
        if (!xd->token && xd->name && xd->run != VG_XEN_DYING && !later)
            vg_adopt_foreign(look->hub, xd);
    }
    vg_xen_domains_free(look->doms, look->n);
    g_free(look);
}

static void begin_look(VgDriverState *hub, gint64 domid) {
    Look *look = g_new0(Look, 1);
    look->hub = hub;
    look->domid = domid;
    vg_job_push(hub->asking, look_run, look_done, look);
}

void vg_look_for_others(VgDriverState *hub) {
    begin_look(hub, ANY_DOMAIN);
}

void vg_on_xen_event(const VgXenEvent *event, gpointer data) {
    VgDriverState *hub = data;
    if (hub->stopping)
        return;
    if (event->kind == VG_XEN_EVENT_NEW) {
        begin_look(hub, event->domid);
        return;
    }
    VgDom *dom = vg_doms_find(&hub->doms, &event->uuid);
    VgLifeInput input = input_of(event);
    gboolean suspended = event->kind == VG_XEN_EVENT_SHUTDOWN && event->reason == VG_XEN_SUSPEND;
    if (!dom || (input == VG_IN_LAST && !suspended))
        return;
    VgOp *op = vg_op_new(hub, dom, suspended ? begin_suspended : begin_fact, (VgDone){NULL, NULL});
    op->flags = input;
    op->number = (int)event->domid;
    op->gone_is_fine = TRUE;
    vg_op_push(op, VG_OP_LAST);
}
