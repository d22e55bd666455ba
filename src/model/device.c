/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device.c: one device out of a domain. A kind is a row: its table, and where its list is in the domain. */
#include "config.h"
#include "model/device.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_device_names, VG_DEVICE_LAST, "disk", "controller", "interface", "serial", "parallel", "console", "channel",
         "input", "tpm", "graphics", "sound", "audio", "video", "hostdev", "watchdog", "memballoon", "rng", "panic");

typedef struct {
    const VgXmlMap *map;
    gsize list, count; /* offsets in VgDomain; memballoon: no list */
    gsize info;        /* offset in the record; 0: it has none */
} Kind;

#define KIND(mp, T, m)                                                                                                 \
    { &(mp), offsetof(VgDomain, m), offsetof(VgDomain, n_##m), offsetof(T, info) }
static const Kind kinds[VG_DEVICE_LAST] = {
    [VG_DEVICE_DISK] = KIND(vg_disk_map, VgDisk, disks),
    [VG_DEVICE_CONTROLLER] = KIND(vg_controller_map, VgController, controllers),
    [VG_DEVICE_INTERFACE] = KIND(vg_interface_map, VgInterface, interfaces),
    [VG_DEVICE_SERIAL] = KIND(vg_serial_map, VgChardev, serials),
    [VG_DEVICE_PARALLEL] = KIND(vg_parallel_map, VgChardev, parallels),
    [VG_DEVICE_CONSOLE] = KIND(vg_console_map, VgChardev, consoles),
    [VG_DEVICE_CHANNEL] = KIND(vg_channel_map, VgChardev, channels),
    [VG_DEVICE_INPUT] = KIND(vg_input_map, VgInput, inputs),
    [VG_DEVICE_TPM] = KIND(vg_tpm_map, VgTpm, tpms),
    [VG_DEVICE_GRAPHICS] = {&vg_graphics_map, offsetof(VgDomain, graphics), offsetof(VgDomain, n_graphics), 0},
    [VG_DEVICE_SOUND] = KIND(vg_sound_map, VgSound, sounds),
    [VG_DEVICE_AUDIO] = {&vg_audio_map, offsetof(VgDomain, audios), offsetof(VgDomain, n_audios), 0},
    [VG_DEVICE_VIDEO] = KIND(vg_video_map, VgVideo, videos),
    [VG_DEVICE_HOSTDEV] = KIND(vg_hostdev_map, VgHostdev, hostdevs),
    [VG_DEVICE_WATCHDOG] = KIND(vg_watchdog_map, VgWatchdog, watchdogs),
    [VG_DEVICE_MEMBALLOON] = {&vg_memballoon_map, 0, 0, offsetof(VgMemballoon, info)},
    [VG_DEVICE_RNG] = KIND(vg_rng_map, VgRng, rngs),
    [VG_DEVICE_PANIC] = KIND(vg_panic_map, VgPanic, panics),
};

static void ***list_of(const VgDomain *dom, VgDeviceKind kind) {
    return (void ***)(void *)((char *)(gsize)dom + kinds[kind].list);
}

static gsize *count_of(const VgDomain *dom, VgDeviceKind kind) {
    return (gsize *)(void *)((char *)(gsize)dom + kinds[kind].count);
}

/* What is only described keeps the identity that it was given, or none. */
static gboolean is_unnamed(const VgDevice *device) {
    if (device->kind == VG_DEVICE_INTERFACE)
        return !device->interface->mac_given;
    return device->kind == VG_DEVICE_HOSTDEV && device->hostdev->type == VG_HOSTDEV_VGPU &&
           !device->hostdev->vgpu.has_uuid;
}

static gboolean fill_defaults(VgDevice *device, const VgDomain *dom, guint flags, GError **error) {
    if (flags & VG_XML_DESCRIBES && is_unnamed(device))
        return TRUE;
    switch (device->kind) {
    case VG_DEVICE_DISK:
        return vg_disk_fill_defaults(device->disk, dom, error);
    case VG_DEVICE_INTERFACE:
        vg_interface_fill_defaults(device->interface);
        return TRUE;
    case VG_DEVICE_SERIAL:
    case VG_DEVICE_PARALLEL:
    case VG_DEVICE_CONSOLE:
        vg_chardev_fill_defaults(device->chardev, dom);
        return TRUE;
    case VG_DEVICE_INPUT:
        vg_input_fill_defaults(device->input, dom);
        return TRUE;
    case VG_DEVICE_GRAPHICS:
        return vg_graphics_fill_defaults(device->graphics, error);
    case VG_DEVICE_VIDEO:
        vg_video_fill_defaults(device->video, dom);
        return TRUE;
    case VG_DEVICE_HOSTDEV:
        vg_hostdev_fill_defaults(device->hostdev);
        return TRUE;
    case VG_DEVICE_CONTROLLER:
        vg_controller_fill_defaults(device->controller, dom);
        return TRUE;
    default:
        return TRUE;
    }
}

VgDevice *vg_device_parse(const char *xml, const VgDomain *dom, guint flags, GError **error) {
    g_autofree char *name = vg_xml_root_name(xml, error);
    if (name == NULL)
        return NULL;
    int kind = vg_names_value(&vg_device_names, name);
    if (kind < 0) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<%.40s> is no device that a Xen guest can have"), name);
        return NULL;
    }
    void *record = vg_xml_map_parse(kinds[kind].map, NULL, xml, flags, error);
    if (record == NULL)
        return NULL;
    g_autoptr(VgDevice) device = g_new0(VgDevice, 1);
    device->kind = (VgDeviceKind)kind;
    device->any = record;
    return fill_defaults(device, dom, flags, error) ? g_steal_pointer(&device) : NULL;
}

char *vg_device_format(const VgDevice *device, guint flags) {
    GString *out = g_string_new(NULL);
    vg_xml_map_format(kinds[device->kind].map, device->any, flags, 0, out);
    return g_string_free(out, FALSE);
}

VgDevice *vg_device_copy(const VgDevice *device) {
    VgDevice *copy = g_new0(VgDevice, 1);
    copy->kind = device->kind;
    copy->any = vg_xml_map_copy(kinds[device->kind].map, device->any);
    return copy;
}

void vg_device_free(VgDevice *device) {
    if (device == NULL)
        return;
    vg_xml_map_free(kinds[device->kind].map, device->any);
    g_free(device);
}

void vg_domain_add_device(VgDomain *dom, VgDevice *device) {
    if (device->kind == VG_DEVICE_MEMBALLOON) {
        vg_xml_map_free(&vg_memballoon_map, dom->memballoon);
        dom->memballoon = device->any;
    } else {
        vg_xml_array_add(list_of(dom, device->kind), count_of(dom, device->kind), device->any);
    }
    g_free(device);
}

gsize vg_domain_count_devices(const VgDomain *dom, VgDeviceKind kind) {
    if (kind == VG_DEVICE_MEMBALLOON)
        return dom->memballoon != NULL;
    return *count_of(dom, kind);
}

void *vg_domain_get_device(const VgDomain *dom, VgDeviceKind kind, gsize pos) {
    if (pos >= vg_domain_count_devices(dom, kind))
        return NULL;
    return kind == VG_DEVICE_MEMBALLOON ? (void *)dom->memballoon : (*list_of(dom, kind))[pos];
}

void vg_domain_put_device(VgDomain *dom, VgDevice *device, gsize pos) {
    VgDeviceKind kind = device->kind;
    vg_domain_add_device(dom, device);
    if (kind == VG_DEVICE_MEMBALLOON)
        return;
    void **list = *list_of(dom, kind), *last = list[*count_of(dom, kind) - 1];
    memmove(list + pos + 1, list + pos, (*count_of(dom, kind) - 1 - pos) * sizeof(void *));
    list[pos] = last;
}

VgDevice *vg_domain_take_device(VgDomain *dom, VgDeviceKind kind, gsize pos) {
    g_return_val_if_fail(pos < vg_domain_count_devices(dom, kind), NULL);
    VgDevice *device = g_new0(VgDevice, 1);
    device->kind = kind;
    if (kind == VG_DEVICE_MEMBALLOON)
        device->any = g_steal_pointer(&dom->memballoon);
    else
        device->any = vg_xml_array_take(list_of(dom, kind), count_of(dom, kind), pos);
    return device;
}

VgDeviceInfo *vg_device_info(VgDeviceKind kind, void *record) {
    return kinds[kind].info ? (VgDeviceInfo *)(void *)((char *)record + kinds[kind].info) : NULL;
}

/* --- which one is meant ------------------------------------------------------------------------------------------- */

static gboolean is_same_vgpu(const VgHostdevVgpu *a, const VgHostdevVgpu *wanted) {
    if (wanted->has_uuid)
        return vg_uuid_equal(&a->uuid, &wanted->uuid);
    return (wanted->type_name == NULL || g_strcmp0(a->type_name, wanted->type_name) == 0) &&
           (wanted->type_id == NULL || g_strcmp0(a->type_id, wanted->type_id) == 0);
}

static gboolean is_same_hostdev(const VgHostdev *a, const VgHostdev *wanted) {
    if (a->type != wanted->type)
        return FALSE;
    switch (a->type) {
    case VG_HOSTDEV_PCI:
        return vg_pciaddr_compare(&a->pci.addr, &wanted->pci.addr) == 0;
    case VG_HOSTDEV_USB:
        if (wanted->usb.bus != 0 || wanted->usb.device != 0)
            return a->usb.bus == wanted->usb.bus && a->usb.device == wanted->usb.device;
        return a->usb.vendor == wanted->usb.vendor && a->usb.product == wanted->usb.product;
    case VG_HOSTDEV_MDEV:
        return vg_uuid_equal(&a->mdev.uuid, &wanted->mdev.uuid);
    default:
        return is_same_vgpu(&a->vgpu, &wanted->vgpu);
    }
}

static gboolean is_same_interface(const VgInterface *a, const VgInterface *wanted) {
    return (!wanted->mac_given || memcmp(&a->mac, &wanted->mac, sizeof(a->mac)) == 0) &&
           (wanted->model == NULL || g_strcmp0(a->model, wanted->model) == 0) &&
           (wanted->mac_given || a->type == wanted->type);
}

gboolean vg_device_has_identity(VgDeviceKind kind) {
    switch (kind) {
    case VG_DEVICE_DISK:
    case VG_DEVICE_INTERFACE:
    case VG_DEVICE_HOSTDEV:
    case VG_DEVICE_CONTROLLER:
    case VG_DEVICE_SERIAL:
    case VG_DEVICE_PARALLEL:
    case VG_DEVICE_CONSOLE:
    case VG_DEVICE_CHANNEL:
    case VG_DEVICE_MEMBALLOON:
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean is_same(VgDeviceKind kind, const void *a, const void *wanted) {
    switch (kind) {
    case VG_DEVICE_DISK:
        return g_strcmp0(((const VgDisk *)a)->target, ((const VgDisk *)wanted)->target) == 0;
    case VG_DEVICE_INTERFACE:
        return is_same_interface(a, wanted);
    case VG_DEVICE_HOSTDEV:
        return is_same_hostdev(a, wanted);
    case VG_DEVICE_CONTROLLER:
        return ((const VgController *)a)->type == ((const VgController *)wanted)->type &&
               ((const VgController *)a)->index == ((const VgController *)wanted)->index;
    case VG_DEVICE_SERIAL:
    case VG_DEVICE_PARALLEL:
    case VG_DEVICE_CONSOLE:
        return ((const VgChardev *)a)->port == ((const VgChardev *)wanted)->port;
    case VG_DEVICE_CHANNEL:
        return g_strcmp0(((const VgChardev *)a)->target_name, ((const VgChardev *)wanted)->target_name) == 0;
    case VG_DEVICE_GRAPHICS:
        return ((const VgGraphics *)a)->type == ((const VgGraphics *)wanted)->type;
    case VG_DEVICE_INPUT:
        return ((const VgInput *)a)->type == ((const VgInput *)wanted)->type &&
               ((const VgInput *)a)->bus == ((const VgInput *)wanted)->bus;
    case VG_DEVICE_MEMBALLOON:
        return TRUE;
    default: /* nothing tells two apart: equal if they read the same */
        return FALSE;
    }
}

static gboolean reads_same(VgDeviceKind kind, const void *a, const void *b) {
    g_autoptr(GString) one = g_string_new(NULL), other = g_string_new(NULL);
    vg_xml_map_format(kinds[kind].map, a, VG_XML_INACTIVE, 0, one);
    vg_xml_map_format(kinds[kind].map, b, VG_XML_INACTIVE, 0, other);
    return g_string_equal(one, other);
}

gssize vg_domain_find_device(const VgDomain *dom, const VgDevice *device) {
    gsize n = vg_domain_count_devices(dom, device->kind);
    gssize found = -1;
    for (gsize i = 0; i < n; i++)
        if (is_same(device->kind, vg_domain_get_device(dom, device->kind, i), device->any))
            found = found == -1 ? (gssize)i : -2;
    if (found >= 0)
        return found;
    for (gsize i = 0; i < n; i++)
        if (reads_same(device->kind, vg_domain_get_device(dom, device->kind, i), device->any))
            return (gssize)i;
    return found;
}

gssize vg_domain_find_alias(const VgDomain *dom, const char *alias, VgDeviceKind *ret_kind) {
    for (guint kind = 0; kind < VG_DEVICE_LAST; kind++)
        for (gsize i = 0; i < vg_domain_count_devices(dom, (VgDeviceKind)kind); i++) {
            const VgDeviceInfo *info =
                vg_device_info((VgDeviceKind)kind, vg_domain_get_device(dom, (VgDeviceKind)kind, i));
            if (info == NULL || g_strcmp0(info->alias, alias) != 0)
                continue;
            *ret_kind = (VgDeviceKind)kind;
            return (gssize)i;
        }
    return -1;
}
