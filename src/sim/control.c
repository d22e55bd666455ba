/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * control.c: watches DIR/control and lets the named guests act, on the main loop; a file there is a few bytes. The
 * watch itself is a thread that only wakes the loop: one more descriptor in the loop would cost every call of every
 * client a system call.
 */
#include "sim/control.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "base/job.h"
#include "base/names.h"
#include "sim/sim.h"

#define VG_AREA "sim"
#include "base/log.h"

struct VgSimControl {
    VgSim *sim; /* NULL: over, and only a wake-up under way still holds this */
    char *dir;
    VgFd fd;
    VgFd stop;
    GThread *watch;
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

static void clear(gpointer data) {
    VgSimControl *control = data;
    vg_fd_clear(&control->fd);
    vg_fd_clear(&control->stop);
    g_free(control->dir);
}

static void unref(gpointer control) {
    g_atomic_rc_box_release_full(control, clear);
}

static void on_change(gpointer data) {
    VgSimControl *control = data;
    if (control->sim)
        obey_all(control);
    unref(control);
}

static void *watch(void *data) {
    VgSimControl *control = data;
    struct pollfd fds[2] = {{.fd = control->fd, .events = POLLIN}, {.fd = control->stop, .events = POLLIN}};
    char buffer[4096];
    while (poll(fds, 2, -1) < 0 || !fds[1].revents) {
        if (read(control->fd, buffer, sizeof buffer) <= 0)
            continue;
        vg_job_tell(on_change, g_atomic_rc_box_acquire(control));
    }
    return NULL;
}

static gboolean begin(VgSimControl *control) {
    control->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    control->stop = eventfd(0, EFD_CLOEXEC);
    return control->fd >= 0 && control->stop >= 0 && g_mkdir_with_parents(control->dir, 0700) == 0 &&
           inotify_add_watch(control->fd, control->dir, IN_CLOSE_WRITE | IN_MOVED_TO) >= 0;
}

VgSimControl *vg_sim_control_new(gpointer sim, const char *dir, GError **error) {
    VgSimControl *control = g_atomic_rc_box_new0(VgSimControl);
    control->sim = sim;
    control->dir = g_build_filename(dir, "control", NULL);
    control->fd = control->stop = -1;
    if (!begin(control)) {
        vg_set_errno(error, errno, _("cannot watch %s"), control->dir);
        unref(control);
        return NULL;
    }
    control->watch = g_thread_new("sim-control", watch, control);
    obey_all(control);
    return control;
}

void vg_sim_control_free(VgSimControl *control) {
    if (!control)
        return;
    control->sim = NULL;
    eventfd_write(control->stop, 1);
    g_thread_join(control->watch);
    unref(control);
}
