/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* controller.c: <controller>, and the ones that other devices imply. */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_controller_names, VG_CONTROLLER_LAST, NULL, "ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb",
         "pci", "xenbus", "isa");

static const VgXmlMap master_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgController, master_startport, "@startport"), VG_X_END}};
static const VgXmlMap usb_map = {.rows = (const VgXmlRow[]){VG_X_INT(VgController, ports, "@ports", 0, 255), VG_X_END}};
static const VgXmlMap virtio_serial_map = {
    .rows = (const VgXmlRow[]){VG_X_INT(VgController, ports, "@ports", 0, 65535),
                               VG_X_INT(VgController, vectors, "@vectors", 0, 65535), VG_X_END}};
static const VgXmlMap xenbus_map = {
    .rows =
        (const VgXmlRow[]){VG_X_INT(VgController, max_grant_frames, "@maxGrantFrames", 0, G_MAXINT32),
                           VG_X_INT(VgController, max_event_channels, "@maxEventChannels", 0, G_MAXINT32), VG_X_END}};
static const VgXmlMap *const arms[VG_CONTROLLER_LAST] = {
    [VG_CONTROLLER_USB] = &usb_map,
    [VG_CONTROLLER_VIRTIO_SERIAL] = &virtio_serial_map,
    [VG_CONTROLLER_XENBUS] = &xenbus_map,
};

const VgXmlMap vg_controller_map = {
    .name = "controller",
    .size = sizeof(VgController),
    .fresh = &(const VgController){.index = -1, .max_grant_frames = -1, .max_event_channels = -1},
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgController, type, "@type", vg_controller_names, .flags = VG_ROW_REQUIRED),
                               VG_X_INT(VgController, index, "@index", 0, G_MAXINT32, .flags = VG_ROW_ALWAYS),
                               VG_X_STRING(VgController, model, "@model"), VG_X_VARIANT(VgController, type, arms),
                               VG_X_GROUP("master", master_map, .flags = VG_ROW_INERT),
                               VG_X_INCLUDE(VgController, info, vg_info_map), VG_X_END}};

static gboolean has_controller(const VgDomain *dom, VgControllerType type, int index) {
    for (gsize i = 0; i < dom->n_controllers; i++)
        if (dom->controllers[i]->type == type && (index < 0 || dom->controllers[i]->index == index))
            return TRUE;
    return FALSE;
}

/* After the others of its type that come before it, else at the end. */
static void add_controller(VgDomain *dom, VgControllerType type, int index) {
    VgController *controller = vg_xml_map_new(&vg_controller_map);
    controller->type = type;
    controller->index = index;
    gsize n = dom->n_controllers, pos = n;
    for (gsize i = n; i > 0; i--) {
        const VgController *other = dom->controllers[i - 1];
        if (other->type == type && other->index < index) {
            pos = i;
            break;
        }
        if (other->type == type)
            pos = i - 1;
    }
    vg_xml_array_add(&dom->controllers, &dom->n_controllers, controller);
    memmove(dom->controllers + pos + 1, dom->controllers + pos, (n - pos) * sizeof(void *));
    dom->controllers[pos] = controller;
}

enum { MOST_CONTROLLERS = 4096 }; /* of one type that disks may imply */

/* One for each number up to the highest that a disk of @bus names. */
static void add_for_disks(VgDomain *dom, VgControllerType type, VgDiskBus bus) {
    int highest = -1;
    for (gsize i = 0; i < dom->n_disks; i++)
        if (dom->disks[i]->bus == bus && dom->disks[i]->info.address.type == VG_ADDRESS_DRIVE)
            highest = MAX(highest, (int)MIN(dom->disks[i]->info.address.controller, MOST_CONTROLLERS - 1));
    if (highest < 0)
        return;
    g_autofree guint8 *have = g_malloc0((gsize)highest + 1);
    for (gsize i = 0; i < dom->n_controllers; i++)
        if (dom->controllers[i]->type == type && dom->controllers[i]->index >= 0 &&
            dom->controllers[i]->index <= highest)
            have[dom->controllers[i]->index] = 1;
    for (int index = 0; index <= highest; index++)
        if (!have[index])
            add_controller(dom, type, index);
}

static void number_controllers(VgDomain *dom) {
    int next[VG_CONTROLLER_LAST] = {0};
    for (gsize i = 0; i < dom->n_controllers; i++) {
        const VgController *controller = dom->controllers[i];
        if (controller->index >= next[controller->type] && controller->index < G_MAXINT32)
            next[controller->type] = controller->index + 1;
    }
    for (gsize i = 0; i < dom->n_controllers; i++)
        if (dom->controllers[i]->index < 0)
            dom->controllers[i]->index = next[dom->controllers[i]->type]++;
}

void vg_controller_fill_defaults(VgController *controller, const VgDomain *dom) {
    if (controller->index >= 0)
        return;
    controller->index = 0;
    for (gsize i = 0; i < dom->n_controllers; i++)
        if (dom->controllers[i]->type == controller->type)
            controller->index = MAX(controller->index, dom->controllers[i]->index + 1);
}

void vg_domain_add_controllers(VgDomain *dom) {
    static const struct {
        VgControllerType type;
        VgDiskBus bus;
    } kinds[] = {{VG_CONTROLLER_SCSI, VG_DISK_BUS_SCSI},
                 {VG_CONTROLLER_FDC, VG_DISK_BUS_FDC},
                 {VG_CONTROLLER_IDE, VG_DISK_BUS_IDE},
                 {VG_CONTROLLER_SATA, VG_DISK_BUS_SATA}};
    number_controllers(dom);
    if (!has_controller(dom, VG_CONTROLLER_XENBUS, -1))
        add_controller(dom, VG_CONTROLLER_XENBUS, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        add_for_disks(dom, kinds[i].type, kinds[i].bus);
    for (gsize i = 0; i < dom->n_channels; i++)
        if (dom->channels[i]->channel_target == VG_CHANNEL_VIRTIO &&
            !has_controller(dom, VG_CONTROLLER_VIRTIO_SERIAL, -1))
            add_controller(dom, VG_CONTROLLER_VIRTIO_SERIAL, 0);
}
