/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* input.c: <input>. */
#include "config.h"

#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_input_names, VG_INPUT_LAST, NULL, "mouse", "tablet", "keyboard");
VG_NAMES(vg_input_bus_names, VG_INPUT_BUS_LAST, NULL, "ps2", "usb", "xen", "virtio");

/* Old receivers know no keyboard: every guest has one. */
static gboolean is_told(const void *object, guint flags) {
    const VgInput *input = object;
    return !((flags & VG_XML_MIGRATABLE) && input->type == VG_INPUT_KEYBOARD &&
             (input->bus == VG_INPUT_BUS_PS2 || input->bus == VG_INPUT_BUS_XEN));
}

const VgXmlMap vg_input_map = {
    .name = "input",
    .size = sizeof(VgInput),
    .when = is_told,
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgInput, type, "@type", vg_input_names, .flags = VG_ROW_REQUIRED),
                               VG_X_ENUM(VgInput, bus, "@bus", vg_input_bus_names),
                               VG_X_INCLUDE(VgInput, info, vg_info_map), VG_X_END}};

void vg_input_fill_defaults(VgInput *input, const VgDomain *dom) {
    if (input->bus != VG_INPUT_BUS_NONE)
        return;
    if (!vg_domain_is_hvm(dom))
        input->bus = VG_INPUT_BUS_XEN;
    else
        input->bus = input->type == VG_INPUT_TABLET ? VG_INPUT_BUS_USB : VG_INPUT_BUS_PS2;
}
