/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * save.c: a running guest goes into a file. A ladder as a start's: the status says that it is being saved, a new file
 * takes header and XML, the guest its last step, its state goes behind, the file gets its name. Up there, and only
 * there, the guest is over and its own ladder descends; from any rung before, the same loop leads back to a guest that
 * runs and no file. A crash is seen by whether the file has its name yet, recover.c.
 */
#include "driver/save.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "driver/affect.h"
#include "driver/query.h"
#include "driver/run.h"
#include "driver/savefile.h"
#include "driver/work.h"

#define VG_AREA "driver"
#include "base/log.h"

#define USED ".used"

char *vg_save_path(VgDriverState *hub, const char *name) {
    return g_strdup_printf("%s/%s.save", hub->savedir, name);
}

static char *used_name(const char *path) {
    return g_strconcat(path, USED, NULL);
}

gboolean vg_save_aside(const char *path, GError **error) {
    g_autofree char *used = used_name(path);
    return (access(path, F_OK) < 0 && errno == ENOENT) || vg_savefile_keep(path, used, error);
}

gboolean vg_save_back(const char *path, GError **error) {
    g_autofree char *used = used_name(path);
    return (access(used, F_OK) < 0 && errno == ENOENT) || vg_savefile_keep(used, path, error);
}

void vg_save_forget(const char *path) {
    g_autofree char *used = used_name(path);
    unlink(used);
}

gboolean vg_save_drop(const char *path, GError **error) {
    if (!vg_save_aside(path, error))
        return FALSE;
    vg_save_forget(path);
    return TRUE;
}

static void remove_used(const char *dir, const char *name) {
    g_autofree char *path = g_build_filename(dir, name, NULL);
    unlink(path);
}

void vg_save_look(VgDriverState *hub) {
    g_autoptr(GDir) dir = g_dir_open(hub->savedir, 0, NULL);
    for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
        if (g_str_has_suffix(name, USED))
            remove_used(hub->savedir, name);
        if (!g_str_has_suffix(name, ".save"))
            continue;
        g_autofree char *of = g_strndup(name, strlen(name) - strlen(".save"));
        VgDom *dom = vg_doms_find_name(&hub->doms, of);
        if (dom && dom->life.persistent)
            dom->saved = TRUE;
        else
            vg_warn("%s/%s is of no domain that is defined; it stays", hub->savedir, name);
    }
}

/* --- what cannot be saved ----------------------------------------------------------------------------------------- */

static gboolean devices_can(const VgRun *run, GError **error) {
    char addr[VG_PCIADDR_TEXT], uuid[VG_UUID_TEXT];
    for (gsize i = 0; i < run->def->n_hostdevs; i++) {
        const VgHostdev *dev = run->def->hostdevs[i];
        if (dev->type == VG_HOSTDEV_MDEV) {
            vg_set_error(error, VG_ERR_OPERATION_UNSUPPORTED,
                         _("domain '%s' cannot be saved: mediated device %s is in it, whose state nobody can write "
                           "down; shut the guest down instead"),
                         run->def->name, vg_uuid_format(&dev->mdev.uuid, uuid));
            return FALSE;
        }
        if (dev->type != VG_HOSTDEV_PCI)
            continue;
        vg_set_error(error, VG_ERR_OPERATION_UNSUPPORTED,
                     _("domain '%s' cannot be saved: PCI device %s of the host is in it, whose state nobody can write "
                       "down; detach it first, or shut the guest down instead"),
                     run->def->name, vg_pciaddr_format(&dev->pci.addr, addr));
        return FALSE;
    }
    gsize n = 0;
    g_autofree VgPlace *places = vg_held_places(run, &n);
    for (gsize i = 0; i < n; i++) {
        if (places[i].saves)
            continue;
        vg_set_error(error, VG_ERR_OPERATION_UNSUPPORTED,
                     _("domain '%s' cannot be saved: its vGPU %s (type '%s' on GPU %s) has state that back end '%s' "
                       "cannot write down; shut the guest down instead"),
                     run->def->name, vg_uuid_format(&places[i].vgpu, uuid), places[i].type_name,
                     vg_pciaddr_format(&places[i].gpu, addr), places[i].backend_name);
        return FALSE;
    }
    return TRUE;
}

static gboolean can_be_saved(const VgOp *op, GError **error) {
    const VgRun *run = op->dom->run;
    if (!run->foreign)
        return devices_can(run, error);
    vg_set_error(error, VG_ERR_OPERATION_INVALID,
                 _("domain '%s' was made by other hands, and is theirs to save: 'xl save'"), op->dom->name);
    return FALSE;
}

/* --- the ladder --------------------------------------------------------------------------------------------------- */

typedef struct {
    VgOp *op;
    char *path, *part; /* the file's name, and what it is called until it is whole */
    gboolean managed;
    VgFd fd;
    VgLadder ladder;
    VgWork work;
} Save;

static void save_free(gpointer data) {
    Save *save = data;
    vg_fd_clear(&save->fd);
    vg_ladder_clear(&save->ladder);
    g_free(save->path);
    g_free(save->part);
    g_free(save);
}

static gboolean intent_up(gpointer subject, GError **error) {
    const Save *save = subject;
    return (!save->managed || vg_durable_mkdir(save->op->hub->savedir, error)) &&
           vg_run_write_status(save->op->dom->run, error);
}

static gboolean intent_down(gpointer subject, GError **error) {
    Save *save = subject;
    g_clear_pointer(&save->op->dom->run->saving, g_free);
    return vg_run_write_status(save->op->dom->run, error);
}

static gboolean file_up(gpointer subject, GError **error) {
    Save *save = subject;
    g_autofree char *xml = vg_domain_format(save->op->dom->run->def, VG_XML_SECURE);
    save->fd = vg_savefile_begin(save->part, xml, error);
    return save->fd >= 0;
}

static gboolean file_down(gpointer subject, GError **error) {
    Save *save = subject;
    vg_fd_clear(&save->fd);
    if (unlink(save->part) == 0 || errno == ENOENT)
        return TRUE;
    vg_set_errno(error, errno, _("cannot remove %s"), save->part);
    return FALSE;
}

static gboolean stream_up(gpointer subject, GError **error) {
    Save *save = subject;
    VgXen *xen = save->op->hub->xen;
    return xen->ops->save(xen, save->op->dom->run->domid, save->fd, &save->work.task, error);
}

static gboolean stream_down(gpointer subject, GError **error) {
    Save *save = subject;
    VgXen *xen = save->op->hub->xen;
    save->op->dom->run->unsaved = TRUE;
    return xen->ops->resume(xen, save->op->dom->run->domid, error);
}

static gboolean sync_up(gpointer subject, GError **error) {
    Save *save = subject;
    return vg_savefile_sync(save->fd, save->part, error);
}

static gboolean name_up(gpointer subject, GError **error) {
    Save *save = subject;
    return vg_savefile_keep(save->part, save->path, error);
}

/* Before the guest goes on: a whole file of it beside a guest that runs is a trap for the next start. */
static gboolean name_down(gpointer subject, GError **error) {
    Save *save = subject;
    if (rename(save->path, save->part) == 0 || errno == ENOENT)
        return TRUE;
    vg_set_errno(error, errno, _("cannot rename %s to %s"), save->path, save->part);
    return FALSE;
}

/* clang-format off */
static const VgRung rungs[] = {
    {"intent", VG_RUNG_DOMAIN, TRUE,  intent_up, intent_down},
    {"file",   VG_RUNG_DOMAIN, TRUE,  file_up,   file_down},
    {"stream", VG_RUNG_DOMAIN, TRUE,  stream_up, stream_down},
    {"sync",   VG_RUNG_DOMAIN, FALSE, sync_up,   NULL},
    {"name",   VG_RUNG_DOMAIN, FALSE, name_up,   name_down},
};
/* clang-format on */

static void step(VgOp *op, VgLifeInput fact) {
    VgLifeStep step;
    vg_life_step(&op->dom->life, fact, &step, NULL);
    vg_tell_step(op->hub, op->dom, &step);
}

static void on_rest(VgLadder *ladder, gpointer subject) {
    Save *save = subject;
    VgOp *op = save->op;
    vg_work_end(op->dom);
    if (!ladder->down) {
        op->dom->saved = op->dom->saved || save->managed;
        g_clear_pointer(&op->dom->run->saving, g_free);
        op->dom->run->saved = TRUE;
        step(op, VG_IN_SAVED);
        vg_run_teardown(op);
        return;
    }
    if (ladder->stuck)
        vg_warn("domain '%s' could not be saved, nor all of that be undone", op->dom->name);
    vg_op_end(op, g_error_copy(ladder->error));
}

static void begin_save(VgOp *op) {
    GError *error = NULL;
    VgLifeStep step;
    Save *save = op->data;
    if (!vg_life_step(&op->dom->life, VG_IN_SAVE, &step, &error) || !can_be_saved(op, &error)) {
        vg_op_end(op, error);
        return;
    }
    if (save->managed && !op->dom->life.persistent) {
        vg_set_error(&error, VG_ERR_OPERATION_INVALID, _("cannot do managed save for transient domain"));
        vg_op_end(op, error);
        return;
    }
    op->dom->run->saving = g_strdup(save->part);
    op->dom->run->unsaved = FALSE;
    save->op = op;
    save->ladder = (VgLadder){
        .rungs = rungs,
        .n = G_N_ELEMENTS(rungs),
        .queues = {[VG_RUNG_DOMAIN] = op->dom->queue},
        .subject = save,
        .up_word = "save",
        .down_word = "unsave",
        .given_up = N_("the save was given up, as it was told; the guest goes on"),
        .rest = on_rest,
    };
    vg_work_begin(&save->work, op->dom, VIR_DOMAIN_JOB_OPERATION_SAVE, &save->ladder.abort);
    vg_ladder_climb(&save->ladder);
}

/* Takes over @path. */
static void push_save(VgDriverState *hub, VgDom *dom, char *path, gboolean managed, VgDone done) {
    VgUuid random;
    char text[VG_UUID_TEXT];
    Save *save = g_new0(Save, 1);
    vg_uuid_generate(&random);
    save->path = path;
    save->part = g_strdup_printf("%s.%.8s", path, vg_uuid_format(&random, text));
    save->managed = managed;
    save->fd = -1;
    VgOp *op = vg_op_new(hub, dom, begin_save, done);
    op->data = save;
    op->free_data = save_free;
    vg_op_push(op, VG_OP_LAST);
}

static gboolean no_xml(const char *dxml, GError **error) {
    if (!dxml)
        return TRUE;
    vg_set_error(error, VG_ERR_ARGUMENT_UNSUPPORTED,
                 _("xml modification unsupported: change the file afterwards, 'virsh save-image-define'"));
    return FALSE;
}

static gboolean path_ok(const char *path, GError **error) {
    if (g_path_is_absolute(path))
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("'%s' is not an absolute path"), path);
    return FALSE;
}

void vg_save(VgSession *session, const VgUuid *uuid, const char *to, const char *dxml, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *dom = NULL;
    if (vg_flags_known(flags, VIR_DOMAIN_SAVE_RUNNING, "virDomainSaveFlags", &error) && no_xml(dxml, &error) &&
        path_ok(to, &error))
        dom = vg_hub_guest(session->hub, uuid, &error);
    if (dom)
        push_save(session->hub, dom, g_strdup(to), FALSE, done);
    else
        vg_done_error(done, error);
}

/* --- managed saves ------------------------------------------------------------------------------------------------ */

void vg_managed_save(VgSession *session, const VgUuid *uuid, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *dom = vg_flags_known(flags, VIR_DOMAIN_SAVE_RUNNING, "virDomainManagedSave", &error)
                     ? vg_hub_guest(session->hub, uuid, &error)
                     : NULL;
    if (dom)
        push_save(session->hub, dom, vg_save_path(session->hub, dom->name), TRUE, done);
    else
        vg_done_error(done, error);
}

static gboolean remove_image(VgOp *op, GError **error) {
    g_autofree char *path = vg_save_path(op->hub, op->dom->name);
    return vg_save_drop(path, error);
}

static void image_removed(VgOp *op, GError *error) {
    if (!error)
        op->dom->saved = FALSE;
    vg_op_end(op, error);
}

static void begin_remove(VgOp *op) {
    if (op->dom->saved)
        vg_op_job(op, remove_image, image_removed);
    else
        vg_op_end(op, NULL);
}

void vg_managed_save_remove(VgSession *session, const VgUuid *uuid, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *dom = vg_flags_known(flags, 0, "virDomainManagedSaveRemove", &error)
                     ? vg_hub_guest(session->hub, uuid, &error)
                     : NULL;
    if (dom)
        vg_op_push(vg_op_new(session->hub, dom, begin_remove, done), VG_OP_LAST);
    else
        vg_done_error(done, error);
}

static VgDom *saved_dom(VgSession *session, const VgUuid *uuid, GError **error) {
    VgDom *dom = vg_hub_guest(session->hub, uuid, error);
    if (!dom || dom->saved)
        return dom;
    vg_set_error(error, VG_ERR_NO_DOMAIN, _("domain '%s' does not have managed save image"), dom->name);
    return NULL;
}

void vg_managed_save_xml(VgSession *session, const VgUuid *uuid, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *dom = saved_dom(session, uuid, &error);
    if (dom)
        vg_image_xml(session->hub, vg_save_path(session->hub, dom->name), flags, done);
    else
        vg_done_error(done, error);
}

void vg_managed_save_define(VgSession *session, const VgUuid *uuid, const char *xml, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *dom = saved_dom(session, uuid, &error);
    if (dom)
        vg_image_define(session->hub, vg_save_path(session->hub, dom->name), xml, flags, done);
    else
        vg_done_error(done, error);
}

/* --- core dumps --------------------------------------------------------------------------------------------------- */

/* Paused meanwhile: whoever dies here leaves a guest that the next daemon lets go on. */
static gboolean dump(VgOp *op, GError **error) {
    const VgRun *run = op->dom->run;
    VgXen *xen = op->hub->xen;
    gboolean pause = op->dom->life.phase == VG_LIFE_RUNNING && !(op->flags & VIR_DUMP_LIVE);
    if (pause && !xen->ops->pause(xen, run->domid, error))
        return FALSE;
    gboolean ok = FALSE;
    if (vg_fault("driver.dump"))
        vg_set_error(error, VG_ERR_OPERATION_FAILED, "%s", "driver.dump failed as it was told to");
    else
        ok = xen->ops->dump(xen, run->domid, op->text2, error);
    if (ok && rename(op->text2, op->text) < 0) {
        vg_set_errno(error, errno, _("cannot rename %s to %s"), op->text2, op->text);
        ok = FALSE;
    }
    if (!ok)
        unlink(op->text2);
    g_autoptr(GError) why = NULL;
    if (pause && !(ok && op->flags & VIR_DUMP_CRASH) && !xen->ops->unpause(xen, run->domid, &why)) {
        vg_warn("domain '%s' does not go on after its dump: %s", op->dom->name, why->message);
        ok = FALSE;
        if (error && !*error)
            g_propagate_error(error, g_steal_pointer(&why));
    }
    return ok;
}

static void dumped(VgOp *op, GError *error) {
    vg_work_end(op->dom);
    if (error || !(op->flags & VIR_DUMP_CRASH)) {
        vg_op_end(op, error);
        return;
    }
    step(op, VG_IN_DUMPED);
    vg_run_teardown(op);
}

static void begin_dump(VgOp *op) {
    GError *error = NULL;
    VgLifeStep step;
    if (!vg_life_step(&op->dom->life, VG_IN_DUMP, &step, &error)) {
        vg_op_end(op, error);
        return;
    }
    vg_work_begin(op->data, op->dom, VIR_DOMAIN_JOB_OPERATION_DUMP, NULL); /* libxl cannot be stopped in it */
    vg_op_job(op, dump, dumped);
}

void vg_core_dump(VgSession *session, const VgUuid *uuid, const char *to, guint format, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *dom = NULL;
    const guint known = VIR_DUMP_LIVE | VIR_DUMP_CRASH | VIR_DUMP_MEMORY_ONLY;
    if (format != VIR_DOMAIN_CORE_DUMP_FORMAT_RAW)
        vg_set_error(&error, VG_ERR_ARGUMENT_UNSUPPORTED,
                     _("Xen writes dumps in its own format; leave the format out"));
    else if (vg_flags_known(flags, known, "virDomainCoreDumpWithFormat", &error) && path_ok(to, &error))
        dom = vg_hub_guest(session->hub, uuid, &error);
    if (!dom) {
        vg_done_error(done, error);
        return;
    }
    VgOp *op = vg_op_new(session->hub, dom, begin_dump, done);
    op->flags = flags;
    op->text = g_strdup(to);
    op->text2 = g_strdup_printf("%s.part", to);
    op->data = g_new0(VgWork, 1);
    op->free_data = g_free;
    vg_op_push(op, VG_OP_LAST);
}
