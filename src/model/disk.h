/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk.h: <disk>. */
#pragma once

#include "model/types.h"

typedef enum {
    VG_DISK_NONE,
    VG_DISK_FILE,
    VG_DISK_BLOCK,
    VG_DISK_DIR, /* refused */
    VG_DISK_NETWORK,
    VG_DISK_VOLUME,
    VG_DISK_LAST
} VgDiskType;
extern const VgNames vg_disk_type_names;

typedef enum {
    VG_DISK_DEVICE_NONE,
    VG_DISK_DEVICE_DISK,
    VG_DISK_DEVICE_CDROM,
    VG_DISK_DEVICE_FLOPPY,
    VG_DISK_DEVICE_LUN,
    VG_DISK_DEVICE_LAST
} VgDiskDevice;
extern const VgNames vg_disk_device_names; /* after parsing never NONE */

typedef enum {
    VG_DISK_BUS_NONE,
    VG_DISK_BUS_IDE,
    VG_DISK_BUS_FDC,
    VG_DISK_BUS_SCSI,
    VG_DISK_BUS_VIRTIO, /* kept as given; Xen translates its target name */
    VG_DISK_BUS_XEN,
    VG_DISK_BUS_USB,
    VG_DISK_BUS_UML, /* refused */
    VG_DISK_BUS_SATA,
    VG_DISK_BUS_SD, /* refused */
    VG_DISK_BUS_LAST
} VgDiskBus;
extern const VgNames vg_disk_bus_names; /* after parsing never NONE */

typedef enum {
    VG_FORMAT_NONE,
    VG_FORMAT_RAW,
    VG_FORMAT_BOCHS,
    VG_FORMAT_CLOOP,
    VG_FORMAT_DMG,
    VG_FORMAT_ISO,
    VG_FORMAT_VPC,
    VG_FORMAT_VDI,
    VG_FORMAT_VHD,
    VG_FORMAT_COW,
    VG_FORMAT_QCOW,
    VG_FORMAT_QCOW2,
    VG_FORMAT_QED,
    VG_FORMAT_VMDK,
    VG_FORMAT_LAST
} VgDiskFormat;
extern const VgNames vg_disk_format_names; /* <driver type=>; after parsing never NONE */

typedef enum {
    VG_CACHE_NONE,
    VG_CACHE_DEFAULT,
    VG_CACHE_OFF, /* cache='none' */
    VG_CACHE_WRITETHROUGH,
    VG_CACHE_WRITEBACK,
    VG_CACHE_DIRECTSYNC,
    VG_CACHE_UNSAFE,
    VG_CACHE_LAST
} VgDiskCache;
typedef enum { VG_DISCARD_NONE, VG_DISCARD_UNMAP, VG_DISCARD_IGNORE, VG_DISCARD_LAST } VgDiskDiscard;

typedef struct {
    char *name, *port, *transport, *socket;
} VgDiskHost;

/* <source>, of the kind that the disk's type says */
typedef struct {
    char *file;         /* FILE */
    char *dev;          /* BLOCK */
    char *dir;          /* DIR */
    char *protocol;     /* NETWORK: "rbd", "iscsi", ... */
    char *name;         /* NETWORK */
    VgDiskHost **hosts; /* NETWORK */
    gsize n_hosts;
    char *snapshot, *config; /* NETWORK: of the image; the client's own settings */
    char *auth_username;     /* <auth>, within <source> or the disk; printed in the disk */
    char *secret_type, *secret_uuid, *secret_usage;
    char *pool, *volume;  /* VOLUME */
    char *startup_policy; /* inert */
} VgDiskSource;

typedef struct {
    VgDiskType type;
    VgDiskDevice device;
    char *driver_name; /* "qemu", "phy", "tap", "tap2", "file" */
    VgDiskFormat format;
    VgDiskCache cache;
    VgDiskDiscard discard;
    char *error_policy, *rerror_policy, *io, *detect_zeroes; /* of driver; inert */
    VgDiskSource source;
    char *backenddomain; /* <backenddomain name=> */
    char *target;        /* <target dev=>, "xvda": unique in the domain */
    VgDiskBus bus;
    char *tray; /* "open", "closed" */
    gboolean readonly, shareable, transient;
    guint64 total_bytes_sec, read_bytes_sec, write_bytes_sec, total_iops_sec, read_iops_sec,
        write_iops_sec;                    /* <iotune>; inert */
    char *serial, *wwn, *vendor, *product; /* inert */
    VgDeviceInfo info;
} VgDisk;

/* What it is made of, as the XML says: a file, a device, a folder, a network's name; NULL: nothing is in the drive. */
static inline const char *vg_disk_path(const VgDisk *disk) {
    const VgDiskSource *source = &disk->source;
    if (source->file)
        return source->file;
    if (source->dev)
        return source->dev;
    return source->dir ? source->dir : source->name;
}
