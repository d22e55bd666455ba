/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* define.c: definitions come, change and go: read, completed, checked against this host, written durably, then told. */
#include "driver/hub.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <string.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/i18n.h"
#include "driver/query.h"
#include "driver/run.h"

char *vg_def_path(VgDriverState *hub, const char *name) {
    return g_strdup_printf("%s/%s.xml", hub->confdir, name);
}

char *vg_autostart_path(VgDriverState *hub, const char *name) {
    return g_strdup_printf("%s/%s.xml", hub->autodir, name);
}

void vg_life_take_def(VgLife *life, const VgDomain *def) {
    static const guint8 ons[VG_ON_LAST] = {
        [VG_ON_NONE] = VG_LIFE_DESTROY,
        [VG_ON_DESTROY] = VG_LIFE_DESTROY,
        [VG_ON_RESTART] = VG_LIFE_RESTART,
        [VG_ON_RENAME_RESTART] = VG_LIFE_RENAME_RESTART,
        [VG_ON_PRESERVE] = VG_LIFE_PRESERVE,
        [VG_ON_COREDUMP_DESTROY] = VG_LIFE_COREDUMP_DESTROY,
        [VG_ON_COREDUMP_RESTART] = VG_LIFE_COREDUMP_RESTART,
    };
    life->on_poweroff = ons[def->on_poweroff];
    life->on_reboot = ons[def->on_reboot];
    life->on_crash = ons[def->on_crash];
}

/* --- completing --------------------------------------------------------------------------------------------------- */

static gboolean is_vgpu(const VgHostdev *dev) {
    return dev->type == VG_HOSTDEV_VGPU || dev->type == VG_HOSTDEV_MDEV;
}

static guint32 slots_in_use(const VgDomain *def) {
    guint32 used = 0;
    for (gsize i = 0; i < def->n_hostdevs; i++) {
        const VgAddress *address = &def->hostdevs[i]->info.address;
        if (address->type == VG_ADDRESS_PCI && address->pci.slot < 32)
            used |= 1u << address->pci.slot;
    }
    return used;
}

static gboolean give_slots(VgDomain *def, GError **error) {
    guint32 used = slots_in_use(def);
    guint8 slot = VG_VGPU_SLOT_FIRST;
    for (gsize i = 0; i < def->n_hostdevs; i++) {
        VgHostdev *dev = def->hostdevs[i];
        if (!is_vgpu(dev) || (dev->info.address.type == VG_ADDRESS_PCI && dev->info.address.pci.slot))
            continue;
        while (slot <= VG_VGPU_SLOT_LAST && used & (1u << slot))
            slot++;
        if (slot > VG_VGPU_SLOT_LAST) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                         _("no PCI slot of the guest is left for a vGPU: slots %d to %d are taken"), VG_VGPU_SLOT_FIRST,
                         VG_VGPU_SLOT_LAST);
            return FALSE;
        }
        dev->info.address.type = VG_ADDRESS_PCI;
        dev->info.address.pci = (VgPciAddr){.slot = slot++};
    }
    return TRUE;
}

gboolean vg_def_complete(VgDriverState *hub, VgDomain *def, GError **error) {
    gsize n = 0;
    if (!give_slots(def, error))
        return FALSE;
    VgVgpuRequest *requests = vg_requests_of(&hub->info, def, &n);
    gboolean ok = n == 0 || vg_gpus_check(hub->gpus, requests, n, error);
    vg_requests_free(requests, n);
    return ok;
}

/* --- define ------------------------------------------------------------------------------------------------------- */

static gboolean write_def(VgOp *op, GError **error) {
    g_autofree char *path = vg_def_path(op->hub, op->dom->name);
    op->text = vg_domain_format(op->def, VG_XML_SECURE | VG_XML_INACTIVE);
    return vg_durable_write(path, op->text, strlen(op->text), TRUE, error);
}

static void defined(VgOp *op, GError *error) {
    VgDom *dom = op->dom;
    gboolean added = dom->hidden || !dom->life.persistent;
    if (error) {
        if (dom->hidden)
            vg_doms_remove(&op->hub->doms, dom);
        vg_op_end(op, error);
        return;
    }
    g_free(dom->xml);
    dom->xml = g_steal_pointer(&op->text);
    vg_dom_facts_of(op->def, &dom->facts);
    dom->hidden = FALSE;
    dom->updated = vg_life_active(&dom->life) ? 1 : 0;
    dom->life.persistent = TRUE;
    vg_tell_lifecycle(op->hub, dom, VIR_DOMAIN_EVENT_DEFINED,
                      added ? VIR_DOMAIN_EVENT_DEFINED_ADDED : VIR_DOMAIN_EVENT_DEFINED_UPDATED);
    vg_op_end(op, NULL);
}

static void begin_define(VgOp *op) {
    vg_op_job(op, write_def, defined);
}

static void admit(VgDriverState *hub, VgDomain *def, guint flags, VgDone done);

/* It was undefined while this waited: defined anew. */
static void define_anew(VgOp *op, VgDone done) {
    admit(op->hub, g_steal_pointer(&op->def), op->flags, done);
}

static void admit(VgDriverState *hub, VgDomain *def, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *dom = NULL;
    if (!vg_def_complete(hub, def, &error) || !vg_doms_admit(&hub->doms, &def->uuid, def->name, &dom, &error)) {
        vg_domain_free(def);
        vg_done_error(done, error);
        return;
    }
    if (!dom) {
        dom = vg_dom_new(&def->uuid, def->name, TRUE);
        dom->hidden = TRUE;
        vg_doms_add(&hub->doms, dom);
    }
    VgOp *op = vg_op_new(hub, dom, begin_define, done);
    op->def = def;
    op->flags = flags;
    op->gone = define_anew;
    vg_op_push(op, VG_OP_LAST);
}

void vg_define(VgSession *session, const char *xml, guint flags, VgDone done) {
    GError *error = NULL;
    if (vg_flags_known(flags, VIR_DOMAIN_DEFINE_VALIDATE, "virDomainDefineXMLFlags", &error))
        vg_read_def(session->hub, xml, flags, flags & VIR_DOMAIN_DEFINE_VALIDATE, admit, done);
    else
        vg_done_error(done, error);
}

/* --- undefine ----------------------------------------------------------------------------------------------------- */

static gboolean remove_link(const char *path, GError **error) {
    if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
        return TRUE;
    vg_set_errno(error, errno, _("cannot remove '%s'"), path);
    return FALSE;
}

static gboolean remove_def(VgOp *op, GError **error) {
    g_autofree char *path = vg_def_path(op->hub, op->dom->name);
    g_autofree char *link = vg_autostart_path(op->hub, op->dom->name);
    g_autofree char *saved = vg_save_path(op->hub, op->dom->name);
    return (!op->dom->saved || vg_save_drop(saved, error)) && remove_link(link, error) &&
           vg_durable_remove(path, error);
}

static void undefined(VgOp *op, GError *error) {
    VgDom *dom = op->dom;
    if (!error) {
        dom->life.persistent = FALSE;
        dom->autostart = dom->saved = FALSE;
        vg_tell_lifecycle(op->hub, dom, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
        if (!vg_life_active(&dom->life))
            vg_doms_remove(&op->hub->doms, dom);
    }
    vg_op_end(op, error);
}

static void begin_undefine(VgOp *op) {
    GError *error = NULL;
    if (!op->dom->life.persistent)
        vg_set_error(&error, VG_ERR_OPERATION_INVALID, _("cannot undefine transient domain"));
    else if (op->dom->saved && !(op->flags & VIR_DOMAIN_UNDEFINE_MANAGED_SAVE))
        vg_set_error(
            &error, VG_ERR_OPERATION_INVALID,
            _("Refusing to undefine while domain managed save image exists; '--managed-save' removes it, too"));
    if (error)
        vg_op_end(op, error);
    else
        vg_op_job(op, remove_def, undefined);
}

void vg_undefine(VgSession *session, const VgUuid *uuid, guint flags, VgDone done) {
    /* There are no snapshots, checkpoints or variable stores of ours: to remove them is done. */
    const guint known = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                        VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM |
                        VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
    GError *error = NULL;
    VgDom *dom = NULL;
    if (vg_flags_known(flags, known, "virDomainUndefineFlags", &error))
        dom = vg_hub_guest(session->hub, uuid, &error);
    if (!dom) {
        vg_done_error(done, error);
        return;
    }
    VgOp *op = vg_op_new(session->hub, dom, begin_undefine, done);
    op->flags = flags;
    vg_op_push(op, VG_OP_LAST);
}

/* --- autostart ---------------------------------------------------------------------------------------------------- */

static gboolean link_def(VgOp *op, GError **error) {
    g_autofree char *target = g_strdup_printf("../%s.xml", op->dom->name);
    g_autofree char *link = vg_autostart_path(op->hub, op->dom->name);
    if (!op->flag)
        return remove_link(link, error);
    if (!vg_durable_mkdir(op->hub->autodir, error))
        return FALSE;
    if (symlink(target, link) == 0 || errno == EEXIST)
        return TRUE;
    vg_set_errno(error, errno, _("cannot create the link '%s'"), link);
    return FALSE;
}

static void linked(VgOp *op, GError *error) {
    if (!error)
        op->dom->autostart = op->flag ? 1 : 0;
    vg_op_end(op, error);
}

static void begin_autostart(VgOp *op) {
    GError *error = NULL;
    if (!op->dom->life.persistent)
        vg_set_error(&error, VG_ERR_OPERATION_INVALID, _("cannot set autostart for transient domain"));
    if (error || (op->dom->autostart != 0) == op->flag)
        vg_op_end(op, error);
    else
        vg_op_job(op, link_def, linked);
}

void vg_set_autostart(VgSession *session, const VgUuid *uuid, gboolean on, VgDone done) {
    GError *error = NULL;
    VgDom *dom = vg_hub_guest(session->hub, uuid, &error);
    if (!dom) {
        vg_done_error(done, error);
        return;
    }
    VgOp *op = vg_op_new(session->hub, dom, begin_autostart, done);
    op->flag = on ? TRUE : FALSE;
    vg_op_push(op, VG_OP_LAST);
}
