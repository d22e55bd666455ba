/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * screenshot.c: see the header. The device model paints into a file that only we and it can read, and that has no name
 * any more when the stream begins.
 */
#include "driver/screenshot.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "driver/query.h"
#include "driver/run.h"

#define MIME "image/x-portable-pixmap"

typedef struct {
    VgStreamEnd end; /* first; the file */
    VgDriverState *hub;
    VgDom *dom; /* a reference */
    guint32 domid;
    VgStreamDone done;
    GError *error;
} Shot;

static void shot_free(Shot *shot) {
    vg_fd_clear(&shot->end.fd);
    vg_dom_unref(shot->dom);
    g_clear_error(&shot->error);
    g_free(shot);
}

static void on_close(VgStreamEnd *end) {
    shot_free((Shot *)end);
}

static gboolean is_painted(Shot *shot) {
    struct stat st;
    if (fstat(shot->end.fd, &st) == 0 && st.st_size > 0)
        return TRUE;
    vg_set_error(&shot->error, VG_ERR_OPERATION_FAILED, _("the device model of domain '%s' painted nothing"),
                 shot->dom->name);
    return FALSE;
}

static void shot_run(gpointer data) {
    Shot *shot = data;
    VgXen *xen = shot->hub->xen;
    g_autofree char *path = g_build_filename(shot->hub->rundir, "screenshot-XXXXXX", NULL);
    shot->end.fd = g_mkstemp_full(path, O_RDONLY | O_CLOEXEC, 0600);
    if (shot->end.fd < 0) {
        vg_set_errno(&shot->error, errno, _("cannot make %s for a picture"), path);
        return;
    }
    if (xen->ops->screenshot(xen, shot->domid, path, &shot->error))
        is_painted(shot);
    unlink(path);
}

static void shot_done(gpointer data) {
    Shot *shot = data;
    VgStreamDone done = shot->done;
    if (shot->error) {
        done.func(NULL, NULL, shot->error, done.data);
        shot_free(shot);
    } else {
        done.func(&shot->end, MIME, NULL, done.data); /* it may be gone already when this returns */
    }
}

/* One that its device model paints, or its frame buffer. */
static gboolean has_screen(const VgDomain *def) {
    if (!vg_domain_is_hvm(def))
        return def->n_graphics > 0;
    return def->n_videos > 0 && def->videos[0]->type != VG_VIDEO_OFF;
}

static gboolean may_shoot(const VgDom *dom, guint screen, GError **error) {
    if (!vg_life_active(&dom->life) || !dom->run || vg_dom_id(dom) < 0)
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain '%s' is not running"), dom->name);
    else if (!has_screen(dom->run->def))
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("domain '%s' has no screen that Xen knows; give it a <graphics> and, if it is HVM, a <video>"),
                     dom->name);
    else if (screen != 0)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("domain '%s' has one screen, number 0; there is no number %u"),
                     dom->name, screen);
    else
        return TRUE;
    return FALSE;
}

void vg_screenshot(VgSession *session, const VgUuid *uuid, guint screen, guint flags, VgStreamDone done) {
    g_autoptr(GError) error = NULL;
    VgDom *dom = NULL;
    if (vg_flags_known(flags, 0, "virDomainScreenshot", &error))
        dom = vg_hub_guest(session->hub, uuid, &error);
    if (!dom || !may_shoot(dom, screen, &error)) {
        done.func(NULL, NULL, error, done.data);
        return;
    }
    Shot *shot = g_new0(Shot, 1);
    *shot = (Shot){.end = {.fd = -1, .close = on_close},
                   .hub = session->hub,
                   .dom = vg_dom_ref(dom),
                   .domid = (guint32)vg_dom_id(dom),
                   .done = done};
    /* Not among the domain's operations: one looks at the screen while they are under way. */
    vg_job_alone(VG_JOB_BESIDE, shot_run, shot_done, shot);
}
