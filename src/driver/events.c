/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* events.c: up to the daemon what happened to a domain; from Xen what happened to a guest. */
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

void vg_tell_step(VgDriverState *hub, const VgDom *dom, const VgLifeStep *step) {
    for (guint i = 0; i < step->n_events; i++)
        vg_tell_lifecycle(hub, dom, step->events[i].type, step->events[i].detail);
    if (step->rebooted)
        vg_tell(hub, dom, VG_EVENT_REBOOT, 0, NULL);
    if (step->dump)
        vg_warn("domain '%s' crashed; its on_crash asks for a core dump, which is not written", dom->name);
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
    if (step.action == VG_DO_TEARDOWN)
        vg_run_teardown(op);
    else
        vg_op_end(op, NULL);
}

typedef struct {
    VgDriverState *hub;
    guint32 domid;
    VgXenDomain xd;
    gboolean found;
} Newcomer;

static void newcomer_run(gpointer data) {
    Newcomer *new = data;
    new->found = new->hub->xen->ops->info(new->hub->xen, new->domid, &new->xd, NULL);
}

static void newcomer_done(gpointer data) {
    Newcomer *new = data;
    if (new->found && !new->xd.token &&new->xd.run != VG_XEN_DYING)
        vg_adopt_foreign(new->hub, &new->xd);
    if (new->found)
        vg_xen_domain_clear(&new->xd);
    g_free(new);
}

void vg_on_xen_event(const VgXenEvent *event, gpointer data) {
    VgDriverState *hub = data;
    if (hub->stopping)
        return;
    if (event->kind == VG_XEN_EVENT_NEW) {
        Newcomer *new = g_new0(Newcomer, 1);
        new->hub = hub;
        new->domid = event->domid;
        vg_job_push(hub->asking, newcomer_run, newcomer_done, new);
        return;
    }
    VgDom *dom = vg_doms_find(&hub->doms, &event->uuid);
    VgLifeInput input = input_of(event);
    if (!dom || input == VG_IN_LAST || (dom->run && dom->run->foreign && input != VG_IN_GUEST_GONE))
        return;
    VgOp *op = vg_op_new(hub, dom, begin_fact, (VgDone){NULL, NULL});
    op->flags = input;
    op->number = (int)event->domid;
    op->gone_is_fine = TRUE;
    vg_op_push(op, VG_OP_LAST);
}
