/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* input.h: <input>. */
#pragma once

#include "model/types.h"

typedef enum { VG_INPUT_NONE, VG_INPUT_MOUSE, VG_INPUT_TABLET, VG_INPUT_KEYBOARD, VG_INPUT_LAST } VgInputType;
extern const VgNames vg_input_names;
typedef enum {
    VG_INPUT_BUS_NONE,
    VG_INPUT_BUS_PS2,
    VG_INPUT_BUS_USB,
    VG_INPUT_BUS_XEN,
    VG_INPUT_BUS_VIRTIO,
    VG_INPUT_BUS_LAST
} VgInputBus;
extern const VgNames vg_input_bus_names; /* after parsing never NONE */

typedef struct {
    VgInputType type;
    VgInputBus bus;
    VgDeviceInfo info;
} VgInput;
