/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device.h: one device out of a domain, for plugging in and out and for updating. */
#pragma once

#include "model/domain.h"

typedef enum {
    VG_DEVICE_DISK,
    VG_DEVICE_CONTROLLER,
    VG_DEVICE_INTERFACE,
    VG_DEVICE_SERIAL,
    VG_DEVICE_PARALLEL,
    VG_DEVICE_CONSOLE,
    VG_DEVICE_CHANNEL,
    VG_DEVICE_INPUT,
    VG_DEVICE_TPM,
    VG_DEVICE_GRAPHICS,
    VG_DEVICE_SOUND,
    VG_DEVICE_AUDIO,
    VG_DEVICE_VIDEO,
    VG_DEVICE_HOSTDEV,
    VG_DEVICE_WATCHDOG,
    VG_DEVICE_MEMBALLOON,
    VG_DEVICE_RNG,
    VG_DEVICE_PANIC,
    VG_DEVICE_LAST
} VgDeviceKind;
extern const VgNames vg_device_names; /* the element names: "disk", "interface", ... */

typedef struct {
    VgDeviceKind kind;
    union {
        void *any;
        VgDisk *disk;
        VgController *controller;
        VgInterface *interface;
        VgChardev *chardev; /* serial, parallel, console, channel */
        VgInput *input;
        VgGraphics *graphics;
        VgVideo *video;
        VgHostdev *hostdev;
    };
} VgDevice;

/*
 * @xml is one device element; defaults come from @dom, which is not changed. Errors as vg_domain_parse. With
 * VG_XML_DESCRIBES it describes one that is to be found: a MAC address or a vGPU's UUID that is absent stays so.
 */
#define VG_XML_DESCRIBES (1u << 16)
VgDevice *vg_device_parse(const char *xml, const VgDomain *dom, guint flags, GError **error);
char *vg_device_format(const VgDevice *device, guint flags);
VgDevice *vg_device_copy(const VgDevice *device);
void vg_device_free(VgDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgDevice, vg_device_free)

/* Puts @device at the end of its list; the domain owns its record from then on, the VgDevice shell is freed. */
void vg_domain_add_device(VgDomain *dom, VgDevice *device);
/* The same, before the device at @pos of its list. */
void vg_domain_put_device(VgDomain *dom, VgDevice *device, gsize pos);
/* Is there something that tells two of a kind apart, so that there cannot be a second one of it? */
gboolean vg_device_has_identity(VgDeviceKind kind);
/* Alias, boot order and address of a record of @kind; NULL: it has none. */
VgDeviceInfo *vg_device_info(VgDeviceKind kind, void *record);
/*
 * The device of @dom that @device means: by target (disk), MAC (interface, and model if given), source (hostdev), index
 * (controller), port, name; where nothing tells two apart, the one that reads the same. The position in its list, -1:
 * none, or -2: several could be meant.
 */
gssize vg_domain_find_device(const VgDomain *dom, const VgDevice *device);
/* The device with this alias. The position in its kind's list, or -1. */
gssize vg_domain_find_alias(const VgDomain *dom, const char *alias, VgDeviceKind *ret_kind);
/* Takes the device at @pos of @kind's list out of the domain. Caller frees. */
VgDevice *vg_domain_take_device(VgDomain *dom, VgDeviceKind kind, gsize pos);
/* The device at @pos of @kind's list, owned by @dom; NULL beyond its end. */
void *vg_domain_get_device(const VgDomain *dom, VgDeviceKind kind, gsize pos);
gsize vg_domain_count_devices(const VgDomain *dom, VgDeviceKind kind);
