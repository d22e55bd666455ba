/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* control.c: what clients ask of a domain's life: start, stop, pause; each is checked by life, then done. */
#include <libvirt/libvirt.h>

#include "base/i18n.h"
#include "driver/health.h"
#include "driver/query.h"
#include "driver/run.h"
#include "driver/work.h"

#define VG_AREA "driver"
#include "base/log.h"

/* The domain if the call may go on; otherwise it has been answered. */
static VgDom *guest(VgSession *session, const VgUuid *uuid, guint flags, guint known, const char *call, VgDone done) {
    GError *error = NULL;
    VgDom *dom = vg_flags_known(flags, known, call, &error) ? vg_hub_guest(session->hub, uuid, &error) : NULL;
    if (!dom)
        vg_done_error(done, error);
    return dom;
}

/* --- start -------------------------------------------------------------------------------------------------------- */

void vg_create(VgSession *session, const VgUuid *uuid, guint flags, VgDone done) {
    VgDom *dom = guest(session, uuid, flags, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_FORCE_BOOT,
                       "virDomainCreateWithFlags", done);
    if (!dom)
        return;
    VgOp *op = vg_op_new(session->hub, dom, vg_run_begin_start, done);
    op->flags = flags;
    vg_op_push(op, VG_OP_LAST);
}

static void autostarted(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    if (error)
        vg_warn("a domain marked for autostart did not start: %s", error->message);
}

void vg_autostart(VgDriverState *hub, VgDom *dom) {
    vg_op_push(vg_op_new(hub, dom, vg_run_begin_start, (VgDone){autostarted, NULL}), VG_OP_LAST);
}

static VgDom *admit_transient(VgDriverState *hub, VgDomain *def, GError **error) {
    VgDom *dom = NULL;
    if (!vg_def_complete(hub, def, error) || !vg_doms_admit(&hub->doms, &def->uuid, def->name, &dom, error))
        return NULL;
    if (dom && (vg_life_active(&dom->life) || !dom->life.persistent || dom->hidden)) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     vg_life_active(&dom->life) ? _("domain '%s' is already active")
                                                : _("domain '%s' is already being started"),
                     def->name);
        return NULL;
    }
    return dom ? dom : vg_doms_add_def(&hub->doms, def, FALSE);
}

/* The domain that it was to start was undefined, or ended, while this waited. */
static void create_anew(VgOp *op, VgDone done) {
    vg_create_from(op->hub, g_steal_pointer(&op->def), vg_fd_steal(&op->fd), op->flags, done);
}

void vg_create_from(VgDriverState *hub, VgDomain *def, int stream, guint flags, VgDone done) {
    GError *error = NULL;
    g_auto(VgFd) fd = stream;
    VgDom *dom = admit_transient(hub, def, &error);
    if (!dom) {
        vg_domain_free(def);
        vg_done_error(done, error);
        return;
    }
    VgOp *op = vg_op_new(hub, dom, vg_run_begin_start, done);
    op->flags = flags;
    op->def = def;
    op->fd = vg_fd_steal(&fd);
    op->gone = create_anew;
    vg_op_push(op, VG_OP_LAST);
}

static void create_transient(VgDriverState *hub, VgDomain *def, guint flags, VgDone done) {
    vg_create_from(hub, def, -1, flags, done);
}

void vg_create_xml(VgSession *session, const char *xml, guint flags, VgDone done) {
    GError *error = NULL;
    if (flags & VIR_DOMAIN_START_AUTODESTROY)
        vg_set_error(&error, VG_ERR_ARGUMENT_UNSUPPORTED,
                     _("a guest cannot be tied to the life of a connection; leave autodestroy out"));
    else if (vg_flags_known(flags, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_VALIDATE, "virDomainCreateXML", &error))
        vg_read_def(session->hub, xml, flags, flags & VIR_DOMAIN_START_VALIDATE, create_transient, done);
    if (error)
        vg_done_error(done, error);
}

/* --- stop --------------------------------------------------------------------------------------------------------- */

static void begin_destroy(VgOp *op) {
    GError *error = NULL;
    VgLifeStep step;
    /* op->flag: it came while a start was under way, and ended that */
    if (op->flag && op->dom->life.phase == VG_LIFE_OFF) {
        vg_op_end(op, NULL);
        return;
    }
    if (!vg_life_step(&op->dom->life, VG_IN_DESTROY, &step, &error)) {
        vg_op_end(op, error);
        return;
    }
    vg_health_force(op, vg_run_teardown);
}

void vg_destroy(VgSession *session, const VgUuid *uuid, guint flags, VgDone done) {
    VgDom *dom = guest(session, uuid, flags, VIR_DOMAIN_DESTROY_GRACEFUL, "virDomainDestroyFlags", done);
    if (!dom)
        return;
    VgOp *op = vg_op_new(session->hub, dom, begin_destroy, done);
    gboolean starting = dom->life.phase == VG_LIFE_STARTING;
    op->flag = op->gone_is_fine = starting;
    vg_work_abort(dom);
    vg_op_push(op, VG_OP_FIRST);
    if (starting && dom->run)
        g_atomic_int_set(&dom->run->ladder.abort, TRUE);
}

/* --- asking the guest, pausing ------------------------------------------------------------------------------------ */

typedef struct {
    VgLifeInput input;
    VgLifeAction action;
    gboolean (*job)(VgOp *op, GError **error);
    VgLifeInput fact; /* when it is done; VG_IN_LAST: the guest will tell */
} Asking;

static gboolean ask_shutdown(VgOp *op, GError **error) {
    return op->hub->xen->ops->shutdown(op->hub->xen, op->dom->run->domid, error);
}

static gboolean ask_reboot(VgOp *op, GError **error) {
    return op->hub->xen->ops->reboot(op->hub->xen, op->dom->run->domid, error);
}

/* The wish is on disk before the guest stops and after it goes on, so that a restart of the daemon never unpauses what
 * a client paused. */
static gboolean pause_guest(VgOp *op, GError **error) {
    VgRun *run = op->dom->run;
    run->paused = TRUE;
    if (!run->foreign && !vg_run_write_status(run, error))
        return FALSE;
    return op->hub->xen->ops->pause(op->hub->xen, run->domid, error);
}

static gboolean unpause_guest(VgOp *op, GError **error) {
    VgRun *run = op->dom->run;
    if (!op->hub->xen->ops->unpause(op->hub->xen, run->domid, error))
        return FALSE;
    run->paused = FALSE;
    return run->foreign || vg_run_write_status(run, error);
}

static const Asking askings[] = {
    {VG_IN_SHUTDOWN, VG_DO_ASK_SHUTDOWN, ask_shutdown, VG_IN_LAST},
    {VG_IN_REBOOT, VG_DO_ASK_REBOOT, ask_reboot, VG_IN_LAST},
    {VG_IN_SUSPEND, VG_DO_PAUSE, pause_guest, VG_IN_SUSPENDED},
    {VG_IN_RESUME, VG_DO_UNPAUSE, unpause_guest, VG_IN_RESUMED},
};

static void asked(VgOp *op, GError *error) {
    VgLifeStep step;
    const Asking *asking = &askings[op->number];
    if (!error && asking->fact != VG_IN_LAST) {
        vg_life_step(&op->dom->life, asking->fact, &step, NULL);
        vg_tell_step(op->hub, op->dom, &step);
    }
    vg_op_end(op, error);
}

static void begin_asking(VgOp *op) {
    GError *error = NULL;
    VgLifeStep step;
    const Asking *asking = &askings[op->number];
    if (!vg_life_step(&op->dom->life, asking->input, &step, &error) || step.action == VG_DO_NOTHING)
        vg_op_end(op, error);
    else
        vg_op_job(op, asking->job, asked);
}

static void ask(VgSession *session, const VgUuid *uuid, guint flags, guint known, const char *call, int number,
                VgDone done) {
    VgDom *dom = guest(session, uuid, flags, known, call, done);
    if (!dom)
        return;
    VgOp *op = vg_op_new(session->hub, dom, begin_asking, done);
    op->number = number;
    vg_op_push(op, VG_OP_LAST);
}

void vg_shutdown(VgSession *session, const VgUuid *uuid, guint flags, VgDone done) {
    ask(session, uuid, flags, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN | VIR_DOMAIN_SHUTDOWN_PARAVIRT,
        "virDomainShutdownFlags", 0, done);
}

void vg_reboot(VgSession *session, const VgUuid *uuid, guint flags, VgDone done) {
    ask(session, uuid, flags, VIR_DOMAIN_REBOOT_PARAVIRT | VIR_DOMAIN_REBOOT_ACPI_POWER_BTN, "virDomainReboot", 1,
        done);
}

void vg_suspend(VgSession *session, const VgUuid *uuid, VgDone done) {
    ask(session, uuid, 0, 0, "virDomainSuspend", 2, done);
}

void vg_resume(VgSession *session, const VgUuid *uuid, VgDone done) {
    ask(session, uuid, 0, 0, "virDomainResume", 3, done);
}
