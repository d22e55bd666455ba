/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * screen.c: what a simulated guest would show: a test card of eight colour bars, and below them its domain id as 32
 * fields, the lowest bit at the left, white for one. docs/simulated-host.md describes it to whom reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "sim/sim.h"

enum { WIDTH = 640, HEIGHT = 480, BARS = 8, FOOT = 16 };

/* 0xRRGGBB */
static guint32 colour(guint32 domid, guint x, guint y) {
    static const guint32 bars[BARS] = {0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0x000000};
    if (y < HEIGHT - FOOT)
        return bars[x * BARS / WIDTH];
    return domid >> (x * 32 / WIDTH) & 1 ? 0xffffff : 0;
}

gboolean vg_sim_screenshot(VgXen *xen, guint32 domid, const char *path, GError **error) {
    VgSim *sim = (VgSim *)xen;
    pthread_mutex_lock(&sim->lock);
    const VgSimDomain *dom = vg_sim_find(sim, domid);
    gboolean shows = dom && (g_strcmp0(dom->kind, "hvm") == 0 || dom->vnc_port >= 0);
    pthread_mutex_unlock(&sim->lock);
    if (vg_fault("sim.screenshot")) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u: its device model does not answer"), domid);
        return FALSE;
    }
    if (!shows) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u has no device model that paints"), domid);
        return FALSE;
    }
    g_autoptr(GByteArray) picture = g_byte_array_sized_new(WIDTH * HEIGHT * 3 + 32);
    g_autofree char *head = g_strdup_printf("P6\n%d %d\n255\n", WIDTH, HEIGHT);
    g_byte_array_append(picture, (const guint8 *)head, (guint)strlen(head));
    for (guint y = 0; y < HEIGHT; y++) {
        for (guint x = 0; x < WIDTH; x++) {
            guint32 c = colour(domid, x, y);
            g_byte_array_append(picture, (const guint8[]){(guint8)(c >> 16), (guint8)(c >> 8), (guint8)c}, 3);
        }
    }
    /* Into the file that is there, as the device model does. */
    g_auto(VgFd) fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd >= 0 && vg_fd_write_all(fd, picture->data, picture->len))
        return TRUE;
    vg_set_errno(error, errno, _("cannot write %s"), path);
    return FALSE;
}
