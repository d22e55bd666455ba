/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* control.c: watches DIR/control and lets the named guests act. Runs on the main loop; a file there is a few bytes. */
#include "sim/control.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "base/names.h"
#include "sim/sim.h"

#define VG_AREA "sim"
#include "base/log.h"

struct VgSimControl {
    VgSim *sim;
    char *dir;
    VgFd fd;
    guint watch;
};

VG_NAMES(vg_sim_act_names, VG_XEN_WATCHDOG + 1, "poweroff", "reboot", NULL, "crash", "watchdog");

static void obey(VgSimControl *control, const char *name) {
    g_autofree char *path = g_build_filename(control->dir, name, NULL);
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, 256, NULL);
    if (!text)
        return;
    int act = vg_names_value(&vg_sim_act_names, g_strstrip(text));
    unlink(path);
    if (act < 0)
        vg_warn("control: '%s' is none of poweroff, reboot, crash, watchdog", text);
    else
        vg_sim_guest_acts(control->sim, name, (VgXenReason)act);
}

/* The events only say that something was written: the folder says what. */
static void obey_all(VgSimControl *control) {
    g_autoptr(GDir) dir = g_dir_open(control->dir, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        obey(control, name);
}

static gboolean on_change(gint fd, GIOCondition condition, gpointer data) {
    char buffer[4096];
    while (read(fd, buffer, sizeof buffer) > 0)
        ;
    obey_all(data);
    return G_SOURCE_CONTINUE;
}

VgSimControl *vg_sim_control_new(gpointer sim, const char *dir, GError **error) {
    VgSimControl *control = g_new0(VgSimControl, 1);
    control->sim = sim;
    control->dir = g_build_filename(dir, "control", NULL);
    control->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (control->fd < 0 || g_mkdir_with_parents(control->dir, 0700) < 0 ||
        inotify_add_watch(control->fd, control->dir, IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
        vg_set_errno(error, errno, _("cannot watch %s"), control->dir);
        vg_sim_control_free(control);
        return NULL;
    }
    control->watch = g_unix_fd_add(control->fd, G_IO_IN, on_change, control);
    obey_all(control);
    return control;
}

void vg_sim_control_free(VgSimControl *control) {
    if (!control)
        return;
    if (control->watch)
        g_source_remove(control->watch);
    vg_fd_clear(&control->fd);
    g_free(control->dir);
    g_free(control);
}
