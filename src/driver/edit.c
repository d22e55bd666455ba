/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* edit.c: definitions with one device more, less, or changed. What one element means for another is worked out anew by
 * reading what was written. */
#include "driver/edit.h"

#include "base/error.h"
#include "base/i18n.h"

static char *describe_hostdev(const VgHostdev *dev) {
    char text[MAX(VG_PCIADDR_TEXT, VG_UUID_TEXT)];
    switch (dev->type) {
    case VG_HOSTDEV_PCI:
        return g_strdup_printf(_("PCI device %s"), vg_pciaddr_format(&dev->pci.addr, text));
    case VG_HOSTDEV_USB:
        return g_strdup_printf(_("USB device %04x:%04x %u.%u"), dev->usb.vendor, dev->usb.product, dev->usb.bus,
                               dev->usb.device);
    case VG_HOSTDEV_MDEV:
        return g_strdup_printf(_("mediated device %s"), vg_uuid_format(&dev->mdev.uuid, text));
    default:
        if (dev->vgpu.has_uuid)
            return g_strdup_printf(_("vGPU %s"), vg_uuid_format(&dev->vgpu.uuid, text));
        return g_strdup_printf(_("vGPU of type '%s'"), dev->vgpu.type_name ? dev->vgpu.type_name : dev->vgpu.type_id);
    }
}

char *vg_edit_describe(VgDeviceKind kind, const void *record) {
    char mac[VG_MAC_TEXT];
    if (kind == VG_DEVICE_DISK)
        return g_strdup_printf(_("disk '%s'"), ((const VgDisk *)record)->target);
    if (kind == VG_DEVICE_HOSTDEV)
        return describe_hostdev(record);
    if (kind == VG_DEVICE_INTERFACE && ((const VgInterface *)record)->mac_given)
        return g_strdup_printf(_("interface %s"), vg_mac_format(&((const VgInterface *)record)->mac, mac));
    return g_strdup_printf("<%s>", vg_names_name(&vg_device_names, (int)kind));
}

gssize vg_edit_find(const VgDomain *def, const VgDevice *device, GError **error) {
    gssize pos = vg_domain_find_device(def, device);
    if (pos >= 0)
        return pos;
    g_autofree char *what = vg_edit_describe(device->kind, device->any);
    if (pos == -1)
        vg_set_error(error, VG_ERR_DEVICE_MISSING, _("domain '%s' has no %s like this"), def->name, what);
    else
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("domain '%s' has several that %s could mean: name one by its MAC address, or its UUID"),
                     def->name, what);
    return -1;
}

static gboolean is_new(const VgDomain *def, const VgDevice *device, GError **error) {
    if (!vg_device_has_identity(device->kind) || vg_domain_find_device(def, device) == -1)
        return TRUE;
    g_autofree char *what = vg_edit_describe(device->kind, device->any);
    vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain '%s' has %s already"), def->name, what);
    return FALSE;
}

/* An HVM guest's first console is its first serial port seen once more: without the one there is not the other. */
static void drop_twin(VgDomain *def, VgDeviceKind kind, gsize pos) {
    VgDeviceKind twin = kind == VG_DEVICE_SERIAL ? VG_DEVICE_CONSOLE : VG_DEVICE_SERIAL;
    if (!vg_domain_is_hvm(def) || pos != 0 || (kind != VG_DEVICE_SERIAL && kind != VG_DEVICE_CONSOLE))
        return;
    if (def->n_consoles && def->consoles[0]->console_target == VG_CONSOLE_SERIAL &&
        vg_domain_count_devices(def, twin) > 0)
        vg_device_free(vg_domain_take_device(def, twin, 0));
}

/* What the new one does not say of who it is, it keeps from the old one. */
static void keep_identity(const VgDevice *old, VgDevice *fresh) {
    if (old->kind == VG_DEVICE_INTERFACE && !fresh->interface->mac_given) {
        fresh->interface->mac = old->interface->mac;
        fresh->interface->mac_given = TRUE;
    }
    if (old->kind == VG_DEVICE_HOSTDEV && fresh->hostdev->type == VG_HOSTDEV_VGPU && !fresh->hostdev->vgpu.has_uuid) {
        fresh->hostdev->vgpu.uuid = old->hostdev->vgpu.uuid;
        fresh->hostdev->vgpu.has_uuid = TRUE;
    }
}

static void replace(VgDomain *def, const VgDevice *device, gsize pos) {
    g_autoptr(VgDevice) old = vg_domain_take_device(def, device->kind, pos);
    VgDevice *fresh = vg_device_copy(device);
    keep_identity(old, fresh);
    vg_domain_put_device(def, fresh, pos);
}

static gboolean apply(VgDomain *def, VgEditKind edit, const VgDevice *device, GError **error) {
    if (edit == VG_EDIT_ATTACH) {
        if (!is_new(def, device, error))
            return FALSE;
        vg_domain_add_device(def, vg_device_copy(device));
        return TRUE;
    }
    gssize pos = vg_edit_find(def, device, error);
    if (pos < 0)
        return FALSE;
    drop_twin(def, device->kind, (gsize)pos);
    if (edit == VG_EDIT_UPDATE)
        replace(def, device, (gsize)pos);
    else
        vg_device_free(vg_domain_take_device(def, device->kind, (gsize)pos));
    return TRUE;
}

VgDomain *vg_edit(const VgDomain *def, VgEditKind edit, const VgDevice *device, guint flags, GError **error) {
    g_autoptr(VgDomain) copy = vg_domain_copy(def);
    if (!apply(copy, edit, device, error))
        return NULL;
    g_autofree char *xml = vg_domain_format(copy, VG_XML_SECURE | flags);
    return vg_domain_parse(xml, flags, error);
}
