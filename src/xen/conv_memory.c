/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_memory.c: memory, balloon, and the limits of xenbus. */
#include <inttypes.h>
#include <libxl_utils.h>

#include "xen/conv.h"

#define MIB_KIB 1024u
#define MOST_KIB (G_GUINT64_CONSTANT(1) << 40) /* a PiB: sums and roundings stay far from overflow */

/* Xen takes whole MiB. */
static guint64 whole_mib(guint64 kib) {
    return (kib + MIB_KIB - 1) / MIB_KIB * MIB_KIB;
}

gboolean vg_xen_conv_memory(const VgXenConv *conv, GError **error) {
    libxl_domain_build_info *b = &conv->c->b_info;
    const VgDomain *dom = conv->dom;
    const VgMemballoon *balloon = dom->memballoon;
    if (dom->memory == 0 || dom->memory > MOST_KIB) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<memory> is %" PRIu64 " KiB: Xen cannot give that"),
                     dom->memory);
        return FALSE;
    }
    /* 'virtio', which clouds write for every hypervisor, gets what a Xen guest has: the same service. */
    if (balloon && balloon->model == VG_BALLOON_OFF) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<memballoon model='none'>: a Xen guest always has a balloon; leave the element out"));
        return FALSE;
    }
    guint64 now = dom->current_memory ? MIN(dom->current_memory, dom->memory) : dom->memory;
    b->max_memkb = whole_mib(dom->memory);
    b->target_memkb = whole_mib(now);
    for (gsize i = 0; i < dom->n_controllers; i++) {
        const VgController *xenbus = dom->controllers[i];
        if (xenbus->type != VG_CONTROLLER_XENBUS)
            continue;
        if (xenbus->max_event_channels > 0)
            b->event_channels = (uint32_t)xenbus->max_event_channels;
        if (xenbus->max_grant_frames > 0)
            b->max_grant_frames = (uint32_t)xenbus->max_grant_frames;
    }
    return TRUE;
}
