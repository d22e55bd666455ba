/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_input.c: USB mice, tablets and keyboards, and the sound card: small things that QEMU models by name. */
#include "xen/conv.h"

gboolean vg_xen_conv_input(const VgXenConv *conv, GError **error) {
    static const char *const usb_names[VG_INPUT_LAST] = {
        [VG_INPUT_MOUSE] = "mouse", [VG_INPUT_TABLET] = "tablet", [VG_INPUT_KEYBOARD] = "keyboard"};
    const VgDomain *dom = conv->dom;
    for (gsize i = 0; conv->hvm && i < dom->n_inputs; i++) {
        const VgInput *input = dom->inputs[i];
        if (input->bus != VG_INPUT_BUS_USB || input->type >= VG_INPUT_LAST)
            continue; /* the others are there by themselves */
        if (usb_names[input->type])
            vg_xen_list_add(&conv->c->b_info.u.hvm.usbdevice_list, usb_names[input->type]);
    }
    return TRUE;
}

gboolean vg_xen_conv_sound(const VgXenConv *conv, GError **error) {
    static const char *const models[VG_SOUND_LAST] = {
        [VG_SOUND_SB16] = "sb16", [VG_SOUND_ES1370] = "es1370", [VG_SOUND_AC97] = "ac97", [VG_SOUND_ICH6] = "hda"};
    const VgDomain *dom = conv->dom;
    if (!conv->hvm || dom->n_sounds == 0)
        return TRUE;
    /* A guest has one sound card: the first. */
    VgSoundModel model = dom->sounds[0]->model;
    if (model >= VG_SOUND_LAST || !models[model]) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<sound>: Xen has the models sb16, es1370, ac97 and ich6"));
        return FALSE;
    }
    conv->c->b_info.u.hvm.soundhw = g_strdup(models[model]);
    return TRUE;
}
