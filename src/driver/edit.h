/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* edit.h: one device comes into a definition, goes out of it, or becomes another. Pure. */
#pragma once

#include "model/device.h"

typedef enum { VG_EDIT_ATTACH, VG_EDIT_DETACH, VG_EDIT_UPDATE } VgEditKind;

/*
 * @def after the change, complete and valid as one that was parsed. ATTACH takes the device as it is; DETACH and UPDATE
 * find the one that it means. OPERATION_INVALID: it is there already; DEVICE_MISSING: it is not there;
 * OPERATION_FAILED: it could be several. @flags: VG_XML_INACTIVE for a definition, 0 for a live one.
 */
VgDomain *vg_edit(const VgDomain *def, VgEditKind edit, const VgDevice *device, guint flags, GError **error);
/* The position of the device that @device means in the list of its kind, or -1 with the reason. */
gssize vg_edit_find(const VgDomain *def, const VgDevice *device, GError **error);
/* "disk 'xvdb'", "interface 00:16:3e:…", for messages. Caller frees. */
char *vg_edit_describe(VgDeviceKind kind, const void *record);
