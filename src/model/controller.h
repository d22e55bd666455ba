/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* controller.h: <controller>. */
#pragma once

#include "model/types.h"

typedef enum {
    VG_CONTROLLER_NONE,
    VG_CONTROLLER_IDE,
    VG_CONTROLLER_FDC,
    VG_CONTROLLER_SCSI,
    VG_CONTROLLER_SATA,
    VG_CONTROLLER_VIRTIO_SERIAL,
    VG_CONTROLLER_CCID,
    VG_CONTROLLER_USB,
    VG_CONTROLLER_PCI,
    VG_CONTROLLER_XENBUS,
    VG_CONTROLLER_ISA,
    VG_CONTROLLER_LAST
} VgControllerType;
extern const VgNames vg_controller_names;

typedef struct {
    VgControllerType type;
    int index;              /* -1 only while parsing: the next free one of its type is given */
    char *model;            /* usb: "qusb1", "qusb2", ... */
    guint ports;            /* usb, virtio-serial; 0 = absent */
    guint vectors;          /* virtio-serial; inert */
    int max_grant_frames;   /* xenbus, -1 = absent */
    int max_event_channels; /* xenbus, -1 = absent */
    char *master_startport; /* <master startport=>; inert */
    VgDeviceInfo info;
} VgController;
