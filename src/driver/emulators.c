/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* emulators.c: see emulators.h. Talks to virtgrid-dm by files, to the process through base/process.h. */
#include "driver/emulators.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "driver/mdevs.h"
#include "gpu/emulator.h"

#define VG_AREA "driver"
#include "base/log.h"

enum {
    START_S = 30,
    READY_S = 60,
    STOP_S = 10,
    SAVE_STOP_S = 60, /* of a guest that is saved: its emulator may still be writing */
    FORCE_MS = 10000,
    LOOK_MS = 50
};

#define STARTER "virtgrid-dm"

struct VgEmulators {
    char *program, *starter, *model, *dir;
    guint start_ms, ready_ms, stop_ms;
};

/* What QEMU is called where Xen is: libxl has one of these built in and does not tell. */
static const char *const models[] = {
    "/usr/libexec/xen-qemu-system-i386",
    "/usr/lib/xen/bin/qemu-system-i386",
    "/usr/lib64/xen/bin/qemu-system-i386",
    "/usr/libexec/xen/bin/qemu-system-i386",
    "/usr/local/lib/xen/bin/qemu-system-i386",
    "/usr/local/libexec/xen/bin/qemu-system-i386",
    "/usr/bin/qemu-system-i386",
    "/usr/bin/qemu-system-x86_64",
};

static char *find_model(const VgDriverPaths *paths) {
    if (paths->device_model || paths->simulate)
        return g_strdup(paths->device_model);
    for (gsize i = 0; i < G_N_ELEMENTS(models); i++)
        if (access(models[i], X_OK) == 0)
            return g_strdup(models[i]);
    return NULL;
}

void vg_emulators_begin(VgDriverState *hub, const VgDriverPaths *paths) {
    VgEmulators *e = hub->emulators = g_new0(VgEmulators, 1);
    e->program = g_strdup(paths->emulator);
    e->starter = g_build_filename(paths->libexecdir ? paths->libexecdir : ".", STARTER, NULL);
    e->model = find_model(paths);
    e->dir = g_build_filename(paths->rundir, "emulators", NULL);
    e->start_ms = 1000 * (paths->emulator_start_s ? paths->emulator_start_s : START_S);
    e->ready_ms = 1000 * (paths->emulator_ready_s ? paths->emulator_ready_s : READY_S);
    e->stop_ms = 1000 * (paths->emulator_stop_s ? paths->emulator_stop_s : STOP_S);
}

void vg_emulators_end(VgDriverState *hub) {
    VgEmulators *e = g_steal_pointer(&hub->emulators);
    if (!e)
        return;
    g_free(e->program);
    g_free(e->starter);
    g_free(e->model);
    g_free(e->dir);
    g_free(e);
}

const char *vg_emulators_program(const VgDriverState *hub) {
    return hub->emulators->program;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static char *file_of(const VgDriverState *hub, const VgUuid *owner, const char *suffix) {
    char text[VG_UUID_TEXT];
    g_autofree char *name = g_strconcat(vg_uuid_format(owner, text), suffix, NULL);
    return g_build_filename(hub->emulators->dir, name, NULL);
}

static gboolean remove_file(const VgDriverState *hub, const VgUuid *owner, const char *suffix, GError **error) {
    g_autofree char *path = file_of(hub, owner, suffix);
    if (unlink(path) == 0 || errno == ENOENT)
        return TRUE;
    vg_set_errno(error, errno, _("cannot remove '%s'"), path);
    return FALSE;
}

static gboolean has_report(const VgDriverState *hub, const VgUuid *owner) {
    g_autofree char *path = file_of(hub, owner, VG_EMULATOR_REPORT_SUFFIX);
    return access(path, F_OK) == 0;
}

static gboolean is_ordered(const VgDriverState *hub, const VgUuid *owner) {
    g_autofree char *path = file_of(hub, owner, VG_EMULATOR_ORDER_SUFFIX);
    return access(path, F_OK) == 0;
}

static gboolean read_report(const VgDriverState *hub, const VgUuid *owner, VgEmulatorReport *ret) {
    gsize len = 0;
    g_autofree char *path = file_of(hub, owner, VG_EMULATOR_REPORT_SUFFIX);
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, VG_EMULATOR_FILE_MAX, &len);
    g_autoptr(VgJson) json = text ? vg_json_parse(text, len, path, NULL) : NULL;
    return json && vg_emulator_report_parse(json, ret);
}

/* --- the config --------------------------------------------------------------------------------------------------- */

void vg_starter_clear(VgStarter *starter) {
    g_clear_pointer(&starter->order, g_free);
}

void vg_starter_take(VgStarter *starter, const VgDriverState *hub, const VgUuid *owner, VgXenBuild *build) {
    gboolean needed = FALSE;
    for (gsize i = 0; i < build->n_gpus; i++)
        needed = needed || build->gpus[i].kind == VG_XEN_GPU_EMULATOR;
    if (!needed || !hub->emulators->program)
        return;
    starter->order = file_of(hub, owner, VG_EMULATOR_ORDER_SUFFIX);
    starter->args[0] = VG_EMULATOR_ORDER_ARG;
    starter->args[1] = starter->order;
    build->starter = hub->emulators->starter;
    build->starter_args = starter->args;
}

/* --- the order ---------------------------------------------------------------------------------------------------- */

static guint slot_of(const VgDomain *def, const VgUuid *mdev) {
    for (gsize i = 0; i < def->n_hostdevs; i++)
        if (def->hostdevs[i]->type == VG_HOSTDEV_MDEV && vg_uuid_equal(&def->hostdevs[i]->mdev.uuid, mdev))
            return def->hostdevs[i]->info.address.pci.slot;
    return 0;
}

/* Its own vGPUs, and those it has borrowed. @keep holds what they point to. Free with g_free(). */
static VgEmulatorVgpu *vgpus_of(const VgRun *run, GPtrArray *keep, gsize *ret_n) {
    gsize n = 0, at = 0, n_one = 0;
    VgPlace *places = vg_held_places(run, &n);
    g_ptr_array_add(keep, places);
    n = MIN(n, run->n_requests);
    VgEmulatorVgpu *vgpus = g_new0(VgEmulatorVgpu, n + (run->lent ? run->lent->len : 0) + 1);
    for (gsize i = 0; i < n; i++)
        if (places[i].backend == VG_BACKEND_EMULATOR)
            vgpus[at++] = (VgEmulatorVgpu){&places[i], run->requests[i].guest_slot, run->requests[i].params};
    for (guint i = 0; run->lent && i < run->lent->len; i++) {
        const VgMdev *mdev = run->lent->pdata[i];
        const VgPlace *place = vg_claim_places(mdev->claim, &n_one);
        char **params = NULL;
        if (place->backend != VG_BACKEND_EMULATOR)
            continue;
        vg_mdev_request(mdev, &params);
        for (char **p = params; p && *p; p++)
            g_ptr_array_add(keep, *p);
        g_ptr_array_add(keep, params);
        vgpus[at++] = (VgEmulatorVgpu){place, slot_of(run->def, &mdev->uuid), (const char *const *)params};
    }
    *ret_n = at;
    return vgpus;
}

static gboolean write_order(const VgRun *run, const VgEmulatorOrder *order, const VgEmulatorVgpu *vgpus, gsize n,
                            GError **error) {
    g_autoptr(VgJson) json = vg_emulator_order(order, vgpus, n);
    g_autofree char *text = vg_json_print(json, TRUE);
    g_autofree char *path = file_of(run->hub, &run->def->uuid, VG_EMULATOR_ORDER_SUFFIX);
    return vg_durable_mkdir(run->hub->emulators->dir, error) &&
           vg_durable_write(path, text, strlen(text), FALSE, error);
}

static gboolean needs_vfio(const VgRun *run) {
    gsize n = 0;
    g_autofree VgPlace *places = vg_held_places(run, &n);
    for (gsize i = 0; i < n; i++)
        if (places[i].vfio_path)
            return TRUE;
    for (guint i = 0; run->lent && i < run->lent->len; i++)
        if (vg_claim_places(((VgMdev *)run->lent->pdata[i])->claim, &n)->vfio_path)
            return TRUE;
    return FALSE;
}

static const char *model_of(const VgRun *run) {
    if (run->hub->simulated)
        return NULL;
    if (run->def->emulator)
        return run->def->emulator;
    return needs_vfio(run) ? run->hub->vfio_model : run->hub->emulators->model;
}

gboolean vg_emulator_order_it(VgRun *run, GError **error) {
    const VgEmulators *e = run->hub->emulators;
    gsize n = 0;
    g_autoptr(GPtrArray) keep = g_ptr_array_new_with_free_func(g_free);
    g_autofree VgEmulatorVgpu *vgpus = vgpus_of(run, keep, &n);
    const VgEmulatorOrder order = {
        .program = e->program,
        .model = model_of(run),
        .vcpus = run->def->vcpu.max,
        .start_ms = e->start_ms,
        .resume = run->stream >= 0,
    };
    if (n == 0 || !e->program)
        return TRUE;
    if (!order.model && !run->hub->simulated) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("domain '%s' needs a display emulator beside QEMU, and this host's QEMU is not found: name it "
                       "as 'device_model' in virtgridd.conf"),
                     run->def->name);
        return FALSE;
    }
    /* What an earlier life left: two of one guest would write the same keys. */
    run->emulated = TRUE;
    return vg_emulator_forget(run, error) && write_order(run, &order, vgpus, n, error);
}

void vg_emulator_blame(const VgRun *run, GError **error) {
    g_auto(VgEmulatorReport) report = {0};
    if (!run->emulated || !read_report(run->hub, &run->def->uuid, &report) || report.outcome == VG_EMULATOR_FINE)
        return;
    g_clear_error(error);
    vg_emulator_explain(&report, run->def->name, run->hub->emulators->program, error);
}

/* --- until it runs ------------------------------------------------------------------------------------------------ */

/* One look, within @wait_ms. TRUE: it is decided, and @report's outcome says how. */
static gboolean look(const VgRun *run, int fd, guint wait_ms, VgEmulatorReport *report) {
    VgXen *xen = run->hub->xen;
    gboolean ended = fd < 0 || vg_process_ended(fd, wait_ms);
    g_autofree char *text = xen->ops->key(xen, run->domid, VG_EMULATOR_STATE_KEY);
    VgEmulatorState state = vg_emulator_state(text);
    if (state == VG_EMULATOR_FAILED) {
        report->outcome = VG_EMULATOR_ERROR;
        report->code = xen->ops->key(xen, run->domid, VG_EMULATOR_ERROR_KEY);
    } else if (ended) {
        report->outcome = VG_EMULATOR_ENDED;
        report->number = -1;
    }
    return report->outcome != VG_EMULATOR_FINE || state == VG_EMULATOR_RUNNING;
}

gboolean vg_emulator_wait(VgRun *run, GError **error) {
    const VgEmulators *e = run->hub->emulators;
    g_auto(VgEmulatorReport) report = {0};
    if (!run->emulated)
        return TRUE;
    gint64 until = g_get_monotonic_time() + (gint64)e->ready_ms * 1000;
    if (!read_report(run->hub, &run->def->uuid, &report))
        report.outcome = VG_EMULATOR_ENDED;
    g_auto(VgFd) fd = report.outcome == VG_EMULATOR_FINE ? vg_process_open(&report.process) : -1;
    guint wait_ms = 0;
    while (report.outcome == VG_EMULATOR_FINE && !look(run, fd, wait_ms, &report)) {
        wait_ms = MIN(2 * wait_ms + 1, LOOK_MS);
        if (g_atomic_int_get(&run->ladder.abort)) { /* the ladder says why */
            vg_set_error(error, VG_ERR_OPERATION_ABORTED, "%s", _(run->ladder.given_up));
            return FALSE;
        }
        if (g_get_monotonic_time() > until) {
            report.outcome = VG_EMULATOR_LATE;
            report.number = (int)(e->ready_ms / 1000);
        }
    }
    if (report.outcome == VG_EMULATOR_FINE) {
        vg_fd_clear(&run->emulator_fd);
        run->emulator_fd = vg_fd_steal(&fd);
        return TRUE;
    }
    vg_emulator_explain(&report, run->def->name, e->program ? e->program : "", error);
    return FALSE;
}

/* --- until it is gone --------------------------------------------------------------------------------------------- */

/* The report stays: it says of a guest that is still there that it had an emulator. */
static gboolean end(const VgDriverState *hub, const VgUuid *owner, guint polite_ms, GError **error) {
    g_auto(VgEmulatorReport) report = {0};
    return remove_file(hub, owner, VG_EMULATOR_ORDER_SUFFIX, error) &&
           (!read_report(hub, owner, &report) || vg_process_stop(&report.process, polite_ms, FORCE_MS, error));
}

static gboolean end_it(VgRun *run, GError **error) {
    guint polite_ms = run->hub->emulators->stop_ms;
    if (run->saved)
        polite_ms = MAX(polite_ms, SAVE_STOP_S * 1000);
    if (end(run->hub, &run->def->uuid, polite_ms, error))
        return TRUE;
    g_prefix_error(error, _("the display emulator of domain '%s': "), run->def->name);
    return FALSE;
}

static VgXenRunState state_of(VgXen *xen, guint32 domid) {
    VgXenDomain dom = {.run = VG_XEN_DYING};
    xen->ops->info(xen, domid, &dom, NULL);
    VgXenRunState state = dom.run;
    vg_xen_domain_clear(&dom);
    return state;
}

gboolean vg_emulator_end(VgRun *run, GError **error) {
    VgXen *xen = run->hub->xen;
    if (!run->emulated || !run->built)
        return TRUE;
    VgXenRunState before = state_of(xen, run->domid);
    gboolean stands = before == VG_XEN_PAUSED || !xen->ops->pause(xen, run->domid, NULL);
    if (end_it(run, error))
        return TRUE;
    if (!stands)
        xen->ops->unpause(xen, run->domid, NULL);
    return FALSE;
}

gboolean vg_emulator_forget(VgRun *run, GError **error) {
    return !run->emulated ||
           (end_it(run, error) && remove_file(run->hub, &run->def->uuid, VG_EMULATOR_REPORT_SUFFIX, error));
}

gboolean vg_emulator_end_orphan(const VgDriverState *hub, const VgUuid *owner, GError **error) {
    g_auto(VgEmulatorReport) report = {0};
    return is_ordered(hub, owner) || !read_report(hub, owner, &report) ||
           vg_process_stop(&report.process, hub->emulators->stop_ms, FORCE_MS, error);
}

/* --- while it runs ------------------------------------------------------------------------------------------------ */

/* op->flag: the guest has ended already, and its emulator with it. */
static gboolean pause_guest(VgOp *op, GError **error) {
    VgXen *xen = op->hub->xen;
    VgXenRunState state = state_of(xen, (guint32)op->number);
    op->flag = state == VG_XEN_SHUTDOWN || state == VG_XEN_DYING;
    return op->flag || xen->ops->pause(xen, (guint32)op->number, error);
}

/* A guest without what its GPU is made of stands still; what becomes of it, its on_crash says. */
static void guest_stands(VgOp *op, GError *error) {
    VgXenEvent event = {.kind = VG_XEN_EVENT_SHUTDOWN, .domid = (guint32)op->number, .uuid = op->dom->uuid};
    event.reason = VG_XEN_CRASH;
    if (error)
        vg_warn("domain '%s' cannot be paused: %s", op->dom->name, error->message);
    g_clear_error(&error);
    if (!op->flag) {
        vg_warn("the display emulator of domain '%s' has ended, and so its vGPU: it counts as a crash of the guest",
                op->dom->name);
        vg_on_xen_event(&event, op->hub);
    }
    vg_op_end(op, NULL);
}

static void begin_ended(VgOp *op) {
    const VgDom *dom = op->dom;
    if (vg_dom_id(dom) != op->number || (dom->life.phase != VG_LIFE_RUNNING && dom->life.phase != VG_LIFE_PAUSED)) {
        vg_op_end(op, NULL);
        return;
    }
    vg_op_job(op, pause_guest, guest_stands);
}

static void tell_end(VgRun *run) {
    VgOp *op = vg_op_new(run->hub, run->dom, begin_ended, (VgDone){NULL, NULL});
    op->number = (int)run->domid;
    op->gone_is_fine = TRUE;
    vg_op_push(op, VG_OP_LAST);
}

static gboolean on_end(gint fd, GIOCondition condition, gpointer data) {
    VgRun *run = data;
    run->emulator_source = 0;
    vg_fd_clear(&run->emulator_fd); /* it is told once */
    if (!run->ladder.moving)
        tell_end(run);
    return G_SOURCE_REMOVE;
}

void vg_emulator_watch(VgRun *run) {
    if (run->emulator_fd >= 0 && !run->emulator_source)
        run->emulator_source = g_unix_fd_add(run->emulator_fd, G_IO_IN, on_end, run);
}

void vg_emulator_unwatch(VgRun *run) {
    if (run->emulator_source)
        g_source_remove(run->emulator_source);
    run->emulator_source = 0;
    vg_fd_clear(&run->emulator_fd);
}

/* --- start-up ----------------------------------------------------------------------------------------------------- */

void vg_emulators_drop(VgDriverState *hub, const VgUuid *owner) {
    g_autoptr(GError) error = NULL;
    if (vg_fault("driver.recover.emulator") || !end(hub, owner, hub->emulators->stop_ms, &error) ||
        !remove_file(hub, owner, VG_EMULATOR_REPORT_SUFFIX, &error))
        vg_warn("a display emulator whose guest is gone stays: %s", error ? error->message : "told to fail");
}

gboolean vg_emulators_allow(VgRun *run, gboolean waits) {
    g_autoptr(GError) error = NULL;
    gboolean ordered = is_ordered(run->hub, &run->def->uuid);
    run->emulated = ordered || has_report(run->hub, &run->def->uuid);
    if (run->emulated && !ordered) /* it was being stopped */
        return FALSE;
    if (!waits || vg_emulator_wait(run, &error))
        return TRUE;
    vg_warn("'%s' does not go on: %s", run->def->name, error->message);
    return FALSE;
}

static void take_over(VgRun *run) {
    g_auto(VgEmulatorReport) report = {0};
    run->emulated = TRUE;
    errno = ESRCH;
    if (run->emulator_fd < 0 && read_report(run->hub, &run->def->uuid, &report))
        run->emulator_fd = vg_process_open(&report.process);
    if (run->emulator_fd >= 0)
        vg_emulator_watch(run);
    else if (errno == ESRCH)
        tell_end(run);
    else
        vg_warn("the display emulator of '%s' cannot be watched: %s", run->def->name, g_strerror(errno));
}

static gboolean uuid_of(const char *name, VgUuid *ret) {
    g_autofree char *text = g_strndup(name, VG_UUID_TEXT - 1);
    const char *rest = strlen(name) > strlen(text) ? name + strlen(text) : "";
    return (strcmp(rest, VG_EMULATOR_ORDER_SUFFIX) == 0 || strcmp(rest, VG_EMULATOR_REPORT_SUFFIX) == 0) &&
           vg_uuid_parse(text, ret);
}

/* Both files of one, or either. */
void vg_emulators_repair(VgDriverState *hub) {
    g_autoptr(GHashTable) done = g_hash_table_new_full(vg_uuid_hash, vg_uuid_equal_ptr, g_free, NULL);
    g_autoptr(GDir) folder = g_dir_open(hub->emulators->dir, 0, NULL);
    for (const char *name = folder ? g_dir_read_name(folder) : NULL; name; name = g_dir_read_name(folder)) {
        VgUuid uuid;
        if (!uuid_of(name, &uuid) || !g_hash_table_add(done, g_memdup2(&uuid, sizeof uuid)))
            continue;
        VgDom *dom = vg_doms_find(&hub->doms, &uuid);
        if (!dom || !dom->run)
            vg_emulators_drop(hub, &uuid);
        else if (dom->run->foreign) /* ours once, and it may need it still */
            vg_warn("the display emulator of '%s' is left alone: that guest could not be taken over", dom->name);
        else
            take_over(dom->run);
    }
}
