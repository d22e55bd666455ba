/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hotplug.c: devices come to a domain, go, or change: in its definition (edit.c), in the running guest, or in both.
 *
 * While a device is on its way, the live status holds the definition without it and the device beside it. So whoever
 * starts after a crash takes it away, wherever it was, and knows what the guest has. What a client is told to be there
 * is on disk.
 */
#include <libvirt/libvirt.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "driver/affect.h"
#include "driver/edit.h"
#include "driver/given.h"
#include "driver/network.h"
#include "driver/pcidevs.h"
#include "driver/query.h"
#include "driver/run.h"
#include "driver/vgpu_plug.h"

#define VG_AREA "driver"
#include "base/log.h"

typedef struct {
    VgEditKind edit;
    char *xml, *alias; /* which device: either */
    VgDevice *device;  /* the same, read */
    /* of the running guest */
    gboolean live;          /* it is meant, and done */
    gboolean medium;        /* a drive gets another medium */
    VgDomain *def;          /* its definition afterwards */
    const VgDomain *holder; /* the definition that has the device, def or the one of now */
    gsize pos;              /* there */
    VgXenConfig *config;
    VgVgpuPlug *vgpu; /* NULL: it is none */
} Plug;

static void plug_free(gpointer data) {
    Plug *plug = data;
    vg_vgpu_plug_free(plug->vgpu);
    g_free(plug->xml);
    g_free(plug->alias);
    vg_device_free(plug->device);
    vg_domain_free(plug->def);
    vg_xen_config_free(plug->config);
    g_free(plug);
}

static void *record_of(const Plug *plug) {
    return vg_domain_get_device(plug->holder, plug->device->kind, plug->pos);
}

/* --- what a running guest can have -------------------------------------------------------------------------------- */

static gboolean refuse(const Plug *plug, const char *why, GError **error) {
    g_autofree char *what = vg_edit_describe(plug->device->kind, plug->device->any);
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("%s cannot be plugged while the guest runs: %s; with the flag 'config' the definition is changed, "
                   "for the next start"),
                 what, why);
    return FALSE;
}

static gboolean can_plug_disk(const Plug *plug, const VgDisk *disk, GError **error) {
    if (disk->device == VG_DISK_DEVICE_CDROM)
        return plug->medium || refuse(plug, _("a drive stays, its medium can be changed"), error);
    if (disk->device != VG_DISK_DEVICE_DISK)
        return refuse(plug, _("of the disks, those of device='disk' can"), error);
    if (plug->edit == VG_EDIT_UPDATE)
        return refuse(plug, _("only a cdrom drive's medium can be changed"), error);
    return disk->bus == VG_DISK_BUS_XEN ||
           refuse(plug, _("of the disks, those on the bus 'xen' can (<target dev='xvd…' bus='xen'/>)"), error);
}

static gboolean can_plug_hostdev(const Plug *plug, const VgHostdev *dev, GError **error) {
    if (dev->type == VG_HOSTDEV_PCI || dev->type == VG_HOSTDEV_VGPU)
        return TRUE;
    if (dev->type == VG_HOSTDEV_USB)
        return refuse(plug, _("of the host's devices, PCI devices and vGPUs on them can"), error);
    return refuse(plug, _("a mediated device is made known to the guest's device model when that starts"), error);
}

static gboolean can_plug(const Plug *plug, GError **error) {
    const VgDevice *device = plug->device;
    if (device->kind == VG_DEVICE_DISK)
        return can_plug_disk(plug, device->disk, error);
    if (plug->edit == VG_EDIT_UPDATE)
        return refuse(plug, _("only a cdrom drive's medium can be changed"), error);
    if (device->kind == VG_DEVICE_HOSTDEV)
        return can_plug_hostdev(plug, device->hostdev, error);
    return device->kind == VG_DEVICE_INTERFACE ||
           refuse(plug, _("Xen plugs disks, interfaces and PCI devices of the host"), error);
}

static const VgPciAddr *pci_of(const VgDevice *device) {
    if (device->kind == VG_DEVICE_HOSTDEV && device->hostdev->type == VG_HOSTDEV_PCI)
        return &device->hostdev->pci.addr;
    return device->kind == VG_DEVICE_INTERFACE && device->interface->type == VG_NET_HOSTDEV ? &device->interface->host
                                                                                            : NULL;
}

/* --- what is to be ------------------------------------------------------------------------------------------------ */

/* A drive that is there already gets the medium of the "new" one: clients change media so, too. */
static void see_medium(const VgRun *run, Plug *plug) {
    const VgDevice *device = plug->device;
    if (device->kind != VG_DEVICE_DISK || device->disk->device != VG_DISK_DEVICE_CDROM || plug->edit == VG_EDIT_DETACH)
        return;
    gssize pos = vg_domain_find_device(run->def, device);
    plug->medium = plug->edit == VG_EDIT_UPDATE || (pos >= 0 && run->def->disks[pos]->device == VG_DISK_DEVICE_CDROM);
    plug->edit = plug->medium ? VG_EDIT_UPDATE : plug->edit;
}

static gboolean plan_detach(const VgRun *run, Plug *plug, GError **error) {
    gssize pos = vg_edit_find(run->def, plug->device, error);
    if (pos < 0)
        return FALSE;
    VgDevice there = {.kind = plug->device->kind,
                      .any = vg_domain_get_device(run->def, plug->device->kind, (gsize)pos)};
    vg_device_free(plug->device);
    plug->device = vg_device_copy(&there);
    plug->holder = run->def;
    plug->pos = (gsize)pos;
    plug->def = vg_edit(run->def, VG_EDIT_DETACH, plug->device, 0, error);
    return plug->def != NULL;
}

static gboolean plan_arrival(const VgRun *run, Plug *plug, GError **error) {
    const VgPciAddr *pci = pci_of(plug->device);
    if (pci && !vg_given_free(run, pci, error))
        return FALSE;
    plug->def = vg_edit(run->def, plug->edit, plug->device, 0, error);
    gssize pos = plug->def ? vg_edit_find(plug->def, plug->device, error) : -1;
    if (pos < 0)
        return FALSE;
    plug->holder = plug->def;
    plug->pos = (gsize)pos;
    VgDeviceInfo *info = vg_device_info(plug->device->kind, record_of(plug));
    if (!info->alias)
        vg_live_alias(plug->def, plug->device->kind, info);
    return TRUE;
}

static gboolean is_vgpu(const VgDevice *device) {
    return device->kind == VG_DEVICE_HOSTDEV && device->hostdev->type == VG_HOSTDEV_VGPU;
}

static gboolean plan_vgpu(VgRun *run, Plug *plug, GError **error) {
    const char *why = NULL;
    gboolean out = plug->edit == VG_EDIT_DETACH;
    if (!out && !vg_def_complete(run->hub, plug->def, error))
        return FALSE;
    plug->vgpu =
        vg_vgpu_plug_new(run, out ? run->def : plug->def, out ? plug->def : run->def, plug->pos, out, &why, error);
    return plug->vgpu || (why ? refuse(plug, why, error) : FALSE);
}

static gboolean plan_live(VgOp *op, Plug *plug, GError **error) {
    VgRun *run = op->dom->run;
    plug->live = TRUE;
    if (run->foreign) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("domain '%s' was started by other hands, which know what devices it has; use what it was "
                       "started with"),
                     op->dom->name);
        return FALSE;
    }
    see_medium(run, plug);
    gboolean ok = plug->edit == VG_EDIT_DETACH ? plan_detach(run, plug, error) && can_plug(plug, error)
                                               : can_plug(plug, error) && plan_arrival(run, plug, error);
    return ok && (!is_vgpu(plug->device) || plan_vgpu(run, plug, error));
}

/* An attached drive is there at the next start; one that is there gets the medium. */
static gboolean plan_config(VgOp *op, const Plug *plug, VgEditKind edit, GError **error) {
    g_autoptr(VgDomain) def = vg_dom_parse(op->dom, error);
    op->def = def ? vg_edit(def, edit, plug->device, VG_XML_INACTIVE, error) : NULL;
    return op->def && vg_def_complete(op->hub, op->def, error);
}

static gboolean read_device(VgOp *op, Plug *plug, GError **error) {
    g_autoptr(VgDomain) own = op->flags & VIR_DOMAIN_AFFECT_LIVE ? NULL : vg_dom_parse(op->dom, error);
    const VgDomain *def = op->flags & VIR_DOMAIN_AFFECT_LIVE ? op->dom->run->def : own;
    if (!def)
        return FALSE;
    if (plug->xml) {
        guint flags = VG_XML_INACTIVE | (plug->edit == VG_EDIT_ATTACH ? 0 : VG_XML_DESCRIBES);
        plug->device = vg_device_parse(plug->xml, def, flags, error);
        return plug->device != NULL;
    }
    VgDevice there = {0};
    gssize pos = vg_domain_find_alias(def, plug->alias, &there.kind);
    if (pos < 0) {
        vg_set_error(error, VG_ERR_DEVICE_MISSING, _("domain '%s' has no device with the alias '%s'"), op->dom->name,
                     plug->alias);
        return FALSE;
    }
    there.any = vg_domain_get_device(def, there.kind, (gsize)pos);
    plug->device = vg_device_copy(&there);
    return TRUE;
}

/* --- doing it (job) ----------------------------------------------------------------------------------------------- */

static gboolean build(const VgRun *run, Plug *plug, GError **error) {
    VgXenBuild with = {.host = &run->hub->info};
    if (plug->holder == plug->def && !vg_networks_resolve(plug->def, run->hub->simulated, error))
        return FALSE;
    plug->config = vg_xen_config_build_device(plug->holder, plug->device->kind, plug->pos, &with, error);
    return plug->config != NULL;
}

static gboolean write_status(const char *point, const VgRun *run, const VgDomain *def, const char *device,
                             gboolean medium, GError **error) {
    if (!vg_fault(point))
        return vg_run_write_status_of(run, def, device, medium, error);
    vg_set_error(error, VG_ERR_OPERATION_FAILED, "%s failed as it was told to", point);
    return FALSE;
}

/* It stays as it was; what cannot be undone now is undone by the next start of the daemon. */
static void settle(const VgRun *run, const VgDomain *def) {
    g_autoptr(GError) error = NULL;
    if (!vg_run_write_status_of(run, def, NULL, FALSE, &error))
        vg_warn("live status of '%s': %s", run->def->name, error->message);
}

typedef struct {
    const VgRun *run;
    const char *device;
} Intent;

static gboolean write_intent(gpointer data, GError **error) {
    const Intent *intent = data;
    return vg_run_write_status_of(intent->run, intent->run->def, intent->device, FALSE, error);
}

static gboolean lend(VgRun *run, const Plug *plug, const char *device, GError **error) {
    Intent intent = {run, device};
    VgDevice there = {.kind = plug->device->kind, .any = record_of(plug)};
    const VgPciAddr *pci = pci_of(&there);
    VgTristate managed = there.kind == VG_DEVICE_HOSTDEV ? there.hostdev->managed : there.interface->managed;
    return !pci || vg_pcidevs_lend(run, pci, managed == VG_TRISTATE_YES, write_intent, &intent, error);
}

/* Its guest does not have it any more. */
static gboolean give_back(VgRun *run, const Plug *plug, GError **error) {
    const VgPciAddr *pci = pci_of(plug->device);
    return !pci || vg_pcidevs_give_back(run, pci, error);
}

static gboolean plug_in(VgRun *run, Plug *plug, const char *device, GError **error) {
    VgXen *xen = run->hub->xen;
    g_autoptr(GError) why = NULL;
    int devid = -1;
    if (!write_status("driver.plug.intent", run, run->def, device, FALSE, error))
        return FALSE;
    if (lend(run, plug, device, error) && xen->ops->attach(xen, run->domid, plug->config, &devid, error)) {
        if (devid >= 0)
            vg_live_name_vif(run, record_of(plug), devid);
        if (write_status("driver.plug.record", run, plug->def, NULL, FALSE, error))
            return TRUE;
    }
    if (xen->ops->detach(xen, run->domid, plug->config, &why) && give_back(run, plug, &why))
        settle(run, run->def);
    else
        vg_warn("what was half attached to '%s' would not go: %s; the next start of the daemon tries again",
                run->def->name, why->message);
    return FALSE;
}

static gboolean plug_out(VgRun *run, Plug *plug, const char *device, GError **error) {
    VgXen *xen = run->hub->xen;
    g_autoptr(GError) why = NULL;
    if (!write_status("driver.plug.intent", run, plug->def, device, FALSE, error))
        return FALSE;
    if (!xen->ops->detach(xen, run->domid, plug->config, error)) {
        settle(run, run->def);
        return FALSE;
    }
    if (!give_back(run, plug, &why))
        vg_warn("%s; it is tried again when domain '%s' ends", why->message, run->def->name);
    settle(run, plug->def);
    return TRUE;
}

static gboolean change_medium(const VgRun *run, Plug *plug, const char *device, GError **error) {
    VgXen *xen = run->hub->xen;
    if (!write_status("driver.plug.intent", run, plug->def, device, TRUE, error))
        return FALSE;
    gboolean ok = xen->ops->insert(xen, run->domid, plug->config, error);
    settle(run, ok ? plug->def : run->def);
    return ok;
}

static gboolean plug_job(VgOp *op, GError **error) {
    Plug *plug = op->data;
    VgRun *run = op->dom->run;
    if (!build(run, plug, error))
        return FALSE;
    VgDevice there = {.kind = plug->device->kind, .any = record_of(plug)};
    g_autofree char *device = vg_device_format(&there, VG_XML_SECURE);
    if (plug->medium)
        return change_medium(run, plug, device, error);
    return plug->edit == VG_EDIT_ATTACH ? plug_in(run, plug, device, error) : plug_out(run, plug, device, error);
}

/* --- in order ----------------------------------------------------------------------------------------------------- */

static void configured(VgOp *op, GError *error) {
    if (!error)
        vg_affect_take_config(op);
    vg_op_end(op, error);
}

static void tell(VgOp *op, const Plug *plug, VgEventId event) {
    const VgDeviceInfo *info = vg_device_info(plug->device->kind, record_of(plug));
    if (info && info->alias && !plug->medium)
        vg_tell(op->hub, op->dom, event, 0, info->alias);
}

static void plugged(VgOp *op, GError *error) {
    Plug *plug = op->data;
    if (error) {
        if (plug->edit == VG_EDIT_DETACH)
            tell(op, plug, VG_EVENT_DEVICE_REMOVAL_FAILED);
        vg_op_end(op, error);
        return;
    }
    tell(op, plug, plug->edit == VG_EDIT_ATTACH ? VG_EVENT_DEVICE_ADDED : VG_EVENT_DEVICE_REMOVED);
    vg_run_change_def(op->dom->run, g_steal_pointer(&plug->def));
    if (op->def)
        vg_op_job(op, vg_affect_write_config, configured);
    else
        vg_op_end(op, NULL);
}

static void begin_plug(VgOp *op) {
    GError *error = NULL;
    Plug *plug = op->data;
    VgEditKind edit = plug->edit;
    gboolean ok = vg_affect_resolve(op->dom, &op->flags, &error) && read_device(op, plug, &error) &&
                  (!(op->flags & VIR_DOMAIN_AFFECT_CONFIG) || plan_config(op, plug, edit, &error)) &&
                  (!(op->flags & VIR_DOMAIN_AFFECT_LIVE) || plan_live(op, plug, &error));
    if (!ok)
        vg_op_end(op, error);
    else if (plug->vgpu)
        vg_vgpu_plug_go(plug->vgpu, op, plugged);
    else if (plug->live)
        vg_op_job(op, plug_job, plugged);
    else
        vg_op_job(op, vg_affect_write_config, configured);
}

static void plug(VgSession *session, const VgUuid *uuid, VgEditKind edit, const char *xml, const char *alias,
                 guint flags, const char *call, VgDone done) {
    GError *error = NULL;
    /* Nothing is forced here that could be held back. */
    guint known = VG_AFFECT | (edit == VG_EDIT_UPDATE ? VIR_DOMAIN_DEVICE_MODIFY_FORCE : 0);
    VgDom *dom = vg_flags_known(flags, known, call, &error) ? vg_hub_guest(session->hub, uuid, &error) : NULL;
    if (!dom) {
        vg_done_error(done, error);
        return;
    }
    VgOp *op = vg_op_new(session->hub, dom, begin_plug, done);
    Plug *own = g_new0(Plug, 1);
    *own = (Plug){.edit = edit, .xml = g_strdup(xml), .alias = g_strdup(alias)};
    op->data = own;
    op->free_data = plug_free;
    op->flags = flags;
    vg_op_push(op, VG_OP_LAST);
}

void vg_attach(VgSession *session, const VgUuid *uuid, const char *xml, guint flags, VgDone done) {
    plug(session, uuid, VG_EDIT_ATTACH, xml, NULL, flags, "virDomainAttachDeviceFlags", done);
}

void vg_detach(VgSession *session, const VgUuid *uuid, const char *xml, guint flags, VgDone done) {
    plug(session, uuid, VG_EDIT_DETACH, xml, NULL, flags, "virDomainDetachDeviceFlags", done);
}

void vg_detach_alias(VgSession *session, const VgUuid *uuid, const char *alias, guint flags, VgDone done) {
    plug(session, uuid, VG_EDIT_DETACH, NULL, alias, flags, "virDomainDetachDeviceAlias", done);
}

void vg_update(VgSession *session, const VgUuid *uuid, const char *xml, guint flags, VgDone done) {
    plug(session, uuid, VG_EDIT_UPDATE, xml, NULL, flags, "virDomainUpdateDeviceFlags", done);
}

/* --- after a crash ------------------------------------------------------------------------------------------------ */

/* Does to Xen what was begun; @with has the device. */
static gboolean finish(VgRun *run, const VgDomain *with, const VgDevice *device, gboolean medium, GError **error) {
    VgXen *xen = run->hub->xen;
    VgXenBuild build = {.host = &run->hub->info};
    gssize pos = vg_edit_find(with, device, error);
    if (pos >= 0 && is_vgpu(device))
        return vg_vgpu_plug_repair(run, with, (gsize)pos, error);
    g_autoptr(VgXenConfig) config =
        pos < 0 ? NULL : vg_xen_config_build_device(with, device->kind, (gsize)pos, &build, error);
    return config && !vg_fault("driver.recover.plug") &&
           (medium ? xen->ops->insert : xen->ops->detach)(xen, run->domid, config, error);
}

void vg_plug_repair(VgRun *run, const char *xml, gboolean medium) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgDevice) device = vg_device_parse(xml, run->def, 0, &error);
    VgDomain *with = NULL;
    if (device)
        with = medium ? vg_domain_copy(run->def) : vg_edit(run->def, VG_EDIT_ATTACH, device, 0, &error);
    if (!with || !finish(run, with, device, medium, &error)) {
        vg_warn("domain '%s': a device was on its way when the daemon ended, and stays where it is: %s", run->def->name,
                error ? error->message : "told to fail");
        if (with && !medium)
            vg_run_change_def(run, g_steal_pointer(&with)); /* it is still there */
    }
    const VgPciAddr *pci = device && with ? pci_of(device) : NULL;
    if (pci && !vg_pcidevs_give_back(run, pci, &error))
        vg_warn("%s", error->message);
    vg_domain_free(with);
    settle(run, run->def);
}
