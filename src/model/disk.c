/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk.c: <disk>. */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_disk_type_names, VG_DISK_LAST, NULL, "file", "block", "dir", "network", "volume");
VG_NAMES(vg_disk_device_names, VG_DISK_DEVICE_LAST, NULL, "disk", "cdrom", "floppy", "lun");
VG_NAMES(vg_disk_bus_names, VG_DISK_BUS_LAST, NULL, "ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd");
VG_NAMES(vg_disk_format_names, VG_FORMAT_LAST, NULL, "raw", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "vhd", "cow",
         "qcow", "qcow2", "qed", "vmdk");
VG_NAMES(vg_cache_names, VG_CACHE_LAST, NULL, "default", "none", "writethrough", "writeback", "directsync", "unsafe");
VG_NAMES(vg_discard_names, VG_DISCARD_LAST, NULL, "unmap", "ignore");

#define INERT .flags = VG_ROW_INERT

static const VgXmlMap driver_map = {
    .rows = (const VgXmlRow[]){
        VG_X_STRING(VgDisk, driver_name, "@name"), VG_X_ENUM(VgDisk, format, "@type", vg_disk_format_names),
        VG_X_ENUM(VgDisk, cache, "@cache", vg_cache_names, INERT),
        VG_X_STRING(VgDisk, error_policy, "@error_policy", INERT),
        VG_X_STRING(VgDisk, rerror_policy, "@rerror_policy", INERT), VG_X_STRING(VgDisk, io, "@io", INERT),
        VG_X_ENUM(VgDisk, discard, "@discard", vg_discard_names),
        VG_X_STRING(VgDisk, detect_zeroes, "@detect_zeroes", INERT), VG_X_END}};

static const VgXmlMap secret_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, source.secret_type, "@type"),
                                                               VG_X_STRING(VgDisk, source.secret_uuid, "@uuid"),
                                                               VG_X_STRING(VgDisk, source.secret_usage, "@usage"),
                                                               VG_X_END}};
static const VgXmlMap auth_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, source.auth_username, "@username"),
                                                             VG_X_GROUP("secret", secret_map), VG_X_END}};

/* --- <source>, by the disk's type --------------------------------------------------------------------------------- */

static const VgXmlMap host_map = {.size = sizeof(VgDiskHost),
                                  .rows = (const VgXmlRow[]){VG_X_STRING(VgDiskHost, name, "@name"),
                                                             VG_X_STRING(VgDiskHost, port, "@port"),
                                                             VG_X_STRING(VgDiskHost, transport, "@transport"),
                                                             VG_X_STRING(VgDiskHost, socket, "@socket"), VG_X_END}};

static const VgXmlMap file_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, source.file, "@file"), VG_X_END}};
static const VgXmlMap block_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, source.dev, "@dev"), VG_X_END}};
static const VgXmlMap dir_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, source.dir, "@dir"), VG_X_END}};
static const VgXmlMap snapshot_map = {.rows =
                                          (const VgXmlRow[]){VG_X_STRING(VgDisk, source.snapshot, "@name"), VG_X_END}};
static const VgXmlMap config_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, source.config, "@file"), VG_X_END}};
static const VgXmlMap network_map = {
    .rows =
        (const VgXmlRow[]){VG_X_STRING(VgDisk, source.protocol, "@protocol", .flags = VG_ROW_REQUIRED),
                           VG_X_STRING(VgDisk, source.name, "@name"),
                           VG_X_ARRAY_AT(VgDisk, source.hosts, source.n_hosts, VgDiskHost, "host", host_map, .max = 64),
                           VG_X_GROUP("snapshot", snapshot_map), VG_X_GROUP("config", config_map),
                           VG_X_GROUP("auth", auth_map, .flags = VG_ROW_READ_ONLY), VG_X_END}};
static const VgXmlMap volume_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, source.pool, "@pool", .flags = VG_ROW_REQUIRED),
                               VG_X_STRING(VgDisk, source.volume, "@volume", .flags = VG_ROW_REQUIRED), VG_X_END}};
static const VgXmlMap *const source_arms[VG_DISK_LAST] = {
    [VG_DISK_FILE] = &file_map,       [VG_DISK_BLOCK] = &block_map,   [VG_DISK_DIR] = &dir_map,
    [VG_DISK_NETWORK] = &network_map, [VG_DISK_VOLUME] = &volume_map,
};
static const VgXmlMap source_map = {
    .rows = (const VgXmlRow[]){VG_X_VARIANT(VgDisk, type, source_arms),
                               VG_X_STRING(VgDisk, source.startup_policy, "@startupPolicy", INERT),
                               VG_X_UNSUPPORTED("encryption", N_("Xen's disk back ends cannot decrypt")), VG_X_END}};

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static const VgXmlMap backenddomain_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, backenddomain, "@name"), VG_X_END}};
static const VgXmlMap target_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgDisk, target, "@dev"),
                                                               VG_X_ENUM(VgDisk, bus, "@bus", vg_disk_bus_names),
                                                               VG_X_STRING(VgDisk, tray, "@tray"), VG_X_END}};

#define TUNE(m) VG_X_INT(VgDisk, m, #m, 0, G_MAXINT64)
static const VgXmlMap iotune_map = {.rows = (const VgXmlRow[]){TUNE(total_bytes_sec), TUNE(read_bytes_sec),
                                                               TUNE(write_bytes_sec), TUNE(total_iops_sec),
                                                               TUNE(read_iops_sec), TUNE(write_iops_sec), VG_X_END}};

const VgXmlMap vg_disk_map = {
    .name = "disk",
    .size = sizeof(VgDisk),
    .rows = (const VgXmlRow[]){
        VG_X_ENUM(VgDisk, type, "@type", vg_disk_type_names, .flags = VG_ROW_REQUIRED),
        VG_X_ENUM(VgDisk, device, "@device", vg_disk_device_names), VG_X_GROUP("driver", driver_map),
        VG_X_GROUP("auth", auth_map), VG_X_GROUP("source", source_map), VG_X_GROUP("backenddomain", backenddomain_map),
        VG_X_UNSUPPORTED("mirror", N_("Xen copies no disks of running guests")), VG_X_GROUP("target", target_map),
        VG_X_GROUP("iotune", iotune_map, INERT), VG_X_FLAG(VgDisk, readonly, "readonly"),
        VG_X_FLAG(VgDisk, shareable, "shareable", INERT), VG_X_FLAG(VgDisk, transient, "transient"),
        VG_X_STRING(VgDisk, serial, "serial", INERT), VG_X_STRING(VgDisk, wwn, "wwn", INERT),
        VG_X_STRING(VgDisk, vendor, "vendor", INERT), VG_X_STRING(VgDisk, product, "product", INERT),
        VG_X_UNSUPPORTED("encryption", N_("Xen's disk back ends cannot decrypt")),
        VG_X_INCLUDE(VgDisk, info, vg_info_map), VG_X_END}};

int vg_disk_index(const char *target) {
    static const char *const prefixes[] = {"fd", "hd", "vd", "sd", "xvd", "ubd"};
    const char *letters = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes) && letters == NULL; i++)
        if (g_str_has_prefix(target, prefixes[i]))
            letters = target + strlen(prefixes[i]);
    if (letters == NULL || !g_ascii_islower(*letters))
        return -1;
    int index = 0, n = 0;
    for (; g_ascii_islower(*letters); letters++)
        if (++n > 5)
            return -1;
        else
            index = (index + (n > 1)) * 26 + (*letters - 'a');
    if (*letters == '0' && letters[1] != '\0')
        return -1;
    while (g_ascii_isdigit(*letters))
        letters++;
    return *letters == '\0' ? index : -1;
}

static VgDiskBus bus_of(const VgDisk *disk) {
    static const struct {
        const char *prefix;
        VgDiskBus bus;
    } buses[] = {
        {"hd", VG_DISK_BUS_IDE}, {"sd", VG_DISK_BUS_SCSI}, {"vd", VG_DISK_BUS_VIRTIO}, {"xvd", VG_DISK_BUS_XEN}};
    if (disk->device == VG_DISK_DEVICE_FLOPPY)
        return VG_DISK_BUS_FDC;
    for (gsize i = 0; i < G_N_ELEMENTS(buses); i++)
        if (g_str_has_prefix(disk->target, buses[i].prefix))
            return buses[i].bus;
    return VG_DISK_BUS_IDE;
}

/* Controllers, their buses and units, as many as there are. */
static void place_on(VgAddress *address, guint index, guint buses, guint units) {
    *address = (VgAddress){.type = VG_ADDRESS_DRIVE,
                           .controller = index / (buses * units),
                           .bus = index / units % buses,
                           .unit = index % units};
}

static void fill_address(VgDisk *disk, guint index) {
    switch (disk->bus) {
    case VG_DISK_BUS_IDE:
        place_on(&disk->info.address, index, 2, 2);
        break;
    case VG_DISK_BUS_SCSI:
        place_on(&disk->info.address, index, 1, 7);
        break;
    case VG_DISK_BUS_SATA:
        place_on(&disk->info.address, index, 1, 6);
        break;
    case VG_DISK_BUS_FDC:
        place_on(&disk->info.address, index, 1, 2);
        break;
    default:
        break;
    }
}

static gboolean check_kind(const VgDisk *disk, GError **error) {
    if (disk->type == VG_DISK_DIR)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("disk %s: type='dir' is not supported: Xen has no such back end"), disk->target);
    else if (disk->device == VG_DISK_DEVICE_LUN)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("disk %s: device='lun' is not supported: Xen passes no SCSI commands on"), disk->target);
    else if (disk->bus == VG_DISK_BUS_UML || disk->bus == VG_DISK_BUS_SD)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("disk %s: bus='%s' is not supported: Xen has no such disks"),
                     disk->target, vg_names_name(&vg_disk_bus_names, (int)disk->bus));
    else if (disk->transient)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("disk %s: <transient> is not supported"), disk->target);
    else
        return TRUE;
    return FALSE;
}

static gboolean has_source(const VgDisk *disk) {
    const VgDiskSource *source = &disk->source;
    return source->file != NULL || source->dev != NULL || source->dir != NULL || source->protocol != NULL ||
           source->pool != NULL;
}

gboolean vg_disk_fill_defaults(VgDisk *disk, const VgDomain *dom, GError **error) {
    if (disk->device == VG_DISK_DEVICE_NONE)
        disk->device = VG_DISK_DEVICE_DISK;
    if (disk->target == NULL) {
        vg_set_error(error, VG_ERR_XML_ERROR,
                     _("a <disk> has no <target dev='...'>: name it as the guest shall see it, such as xvda"));
        return FALSE;
    }
    if (g_str_has_prefix(disk->target, "ioemu:")) /* an old spelling */
        memmove(disk->target, disk->target + 6, strlen(disk->target + 6) + 1);
    gboolean removable = disk->device == VG_DISK_DEVICE_CDROM || disk->device == VG_DISK_DEVICE_FLOPPY;
    if (!removable && !has_source(disk)) {
        vg_set_error(error, VG_ERR_XML_ERROR, _("disk %s has no <source>; only a cdrom or a floppy may be empty"),
                     disk->target);
        return FALSE;
    }
    if (disk->bus == VG_DISK_BUS_NONE)
        disk->bus = bus_of(disk);
    if (disk->device == VG_DISK_DEVICE_CDROM)
        disk->readonly = TRUE;
    if (g_strcmp0(disk->tray, "closed") == 0)
        g_clear_pointer(&disk->tray, g_free);
    if (disk->cache == VG_CACHE_DEFAULT)
        disk->cache = VG_CACHE_NONE;
    if (disk->format == VG_FORMAT_NONE)
        disk->format = VG_FORMAT_RAW;
    if (disk->type == VG_DISK_NETWORK && disk->driver_name == NULL)
        disk->driver_name = g_strdup("qemu");
    int index = vg_disk_index(disk->target);
    if (index < 0 && disk->info.address.type == VG_ADDRESS_NONE) {
        vg_set_error(error, VG_ERR_XML_ERROR, _("disk target '%.40s' is no name such as hda, sda or xvda"),
                     disk->target);
        return FALSE;
    }
    if (disk->info.address.type == VG_ADDRESS_NONE)
        fill_address(disk, (guint)index);
    return check_kind(disk, error);
}
