/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_graphics.c: how the screen is seen (VNC, SDL, SPICE), and the video card. */
#include <string.h>

#include "xen/conv.h"

#define VNC_FIRST_PORT 5900
#define MIB_KIB 1024u

static const char *listen_address(const VgGraphics *g) {
    return g->n_listens > 0 ? g->listens[0]->address : NULL;
}

/* Else what asked for a socket that only its owner can reach would be seen on a port. */
static gboolean check_listens(const VgGraphics *g, GError **error) {
    if (g->n_listens == 0 || g->listens[0]->type != VG_LISTEN_SOCKET)
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("<graphics>: on Xen a screen is seen on an address and a port; <listen type='socket'> is not "
                   "available, use <listen type='address' address='127.0.0.1'/>"));
    return FALSE;
}

static gboolean vnc(const VgGraphics *g, libxl_vnc_info *x, GError **error) {
    if (g->port < VNC_FIRST_PORT || g->port > 65535) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<graphics>: VNC ports on Xen are %d to 65535, not %d"),
                     VNC_FIRST_PORT, g->port);
        return FALSE;
    }
    libxl_defbool_set(&x->enable, true);
    libxl_defbool_set(&x->findunused, false); /* chosen by who shows it to clients */
    x->display = g->port - VNC_FIRST_PORT;
    x->listen = g_strdup(listen_address(g));
    x->passwd = g_strdup(g->passwd);
    return TRUE;
}

static void sdl(const VgGraphics *g, libxl_sdl_info *x) {
    libxl_defbool_set(&x->enable, true);
    libxl_defbool_set(&x->opengl, false);
    x->display = g_strdup(g->display);
    x->xauthority = g_strdup(g->xauth);
}

/* One per <graphics>, SPICE too, as a frame buffer with the defaults. */
static gboolean vfb(const VgGraphics *g, libxl_device_vfb *x, GError **error) {
    if (g->type == VG_GRAPHICS_SDL) {
        sdl(g, &x->sdl);
        libxl_defbool_set(&x->vnc.enable, false);
    } else if (g->type == VG_GRAPHICS_VNC) {
        if (!vnc(g, &x->vnc, error))
            return FALSE;
        libxl_defbool_set(&x->sdl.enable, false);
        x->keymap = g_strdup(g->keymap);
    }
    return TRUE;
}

static gboolean spice(const VgGraphics *g, libxl_domain_build_info *b, GError **error) {
    libxl_spice_info *x = &b->u.hvm.spice;
    if (g->port > 65535 || g->tls_port > 65535 || (g->port <= 0 && g->tls_port <= 0)) {
        vg_set_error(
            error, VG_ERR_CONFIG_UNSUPPORTED,
            _("<graphics type='spice'>: no port was chosen for it; give it one with port='5901' autoport='no'"));
        return FALSE;
    }
    const char *address = listen_address(g);
    libxl_defbool_set(&x->enable, true);
    x->port = MAX(g->port, 0);
    x->tls_port = MAX(g->tls_port, 0);
    x->host = g_strdup(address ? address : "127.0.0.1");
    x->passwd = g_strdup(g->passwd);
    b->u.hvm.keymap = g_strdup(g->keymap);
    gboolean clipboard = g->clipboard_copypaste == VG_TRISTATE_YES;
    libxl_defbool_set(&x->disable_ticketing, g->passwd == NULL);
    libxl_defbool_set(&x->agent_mouse, g_strcmp0(g->mouse_mode, "server") != 0);
    libxl_defbool_set(&x->vdagent, clipboard);
    libxl_defbool_set(&x->clipboard_sharing, clipboard);
    return TRUE;
}

/* The emulated card of an HVM guest shows on one of them: SPICE if there is one, else the first. */
static gboolean primary(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_build_info *b = &conv->c->b_info;
    for (gsize i = 0; i < dom->n_graphics; i++)
        if (dom->graphics[i]->type == VG_GRAPHICS_SPICE)
            return spice(dom->graphics[i], b, error);
    const VgGraphics *g = dom->graphics[0];
    if (g->type == VG_GRAPHICS_VNC && !vnc(g, &b->u.hvm.vnc, error))
        return FALSE;
    if (g->type == VG_GRAPHICS_SDL)
        sdl(g, &b->u.hvm.sdl);
    b->u.hvm.keymap = g_strdup(g->keymap);
    return TRUE;
}

gboolean vg_xen_conv_graphics(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_config *c = conv->c;
    if (conv->hvm) {
        libxl_defbool_set(&c->b_info.u.hvm.vnc.enable, false);
        libxl_defbool_set(&c->b_info.u.hvm.sdl.enable, false);
    }
    if (dom->n_graphics == 0)
        return TRUE;
    c->vfbs = g_new0(libxl_device_vfb, dom->n_graphics);
    c->vkbs = g_new0(libxl_device_vkb, dom->n_graphics);
    for (gsize i = 0; i < dom->n_graphics; i++) {
        libxl_device_vfb_init(&c->vfbs[i]);
        libxl_device_vkb_init(&c->vkbs[i]);
        c->num_vfbs++;
        c->num_vkbs++;
        if (!check_listens(dom->graphics[i], error) || !vfb(dom->graphics[i], &c->vfbs[i], error))
            return FALSE;
    }
    return !conv->hvm || primary(conv, error);
}

/* --- video */

/* The cards that QEMU under Xen has, and the least memory each needs. */
static const struct {
    VgVideoType type;
    libxl_vga_interface_type libxl;
    guint least_mib;
} cards[] = {
    {VG_VIDEO_VGA, LIBXL_VGA_INTERFACE_TYPE_STD, 16},
    {VG_VIDEO_XEN, LIBXL_VGA_INTERFACE_TYPE_STD, 16},
    {VG_VIDEO_CIRRUS, LIBXL_VGA_INTERFACE_TYPE_CIRRUS, 8},
    {VG_VIDEO_QXL, LIBXL_VGA_INTERFACE_TYPE_QXL, 128},
};

static gboolean card(const VgVideo *video, libxl_domain_build_info *b, GError **error) {
    const char *name = vg_names_name(&vg_video_names, (int)video->type);
    for (gsize i = 0; i < G_N_ELEMENTS(cards); i++) {
        if (cards[i].type != video->type)
            continue;
        guint least = cards[i].least_mib * MIB_KIB, vram = video->vram ? video->vram : least;
        if (vram < least) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<video>: model '%s' needs at least %u MiB of vram"), name,
                         cards[i].least_mib);
            return FALSE;
        }
        b->u.hvm.vga.kind = cards[i].libxl;
        b->video_memkb = vram;
        return TRUE;
    }
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<video>: Xen has no model '%s'"), name ? name : "");
    return FALSE;
}

gboolean vg_xen_conv_video(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_build_info *b = &conv->c->b_info;
    if (!conv->hvm)
        return TRUE;
    if (dom->n_videos > 0 && dom->videos[0]->type != VG_VIDEO_OFF)
        return card(dom->videos[0], b, error);
    b->u.hvm.vga.kind = LIBXL_VGA_INTERFACE_TYPE_NONE;
    if (dom->n_graphics == 0)
        libxl_defbool_set(&b->u.hvm.nographic, true);
    return TRUE;
}
