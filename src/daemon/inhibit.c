/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inhibit.c: the lock is a descriptor that logind gives; it ends when the descriptor, or this process, does. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <systemd/sd-bus.h>

#define VG_AREA "daemon"
#include "base/fd.h"
#include "base/i18n.h"
#include "base/job.h"
#include "base/log.h"
#include "daemon/inhibit.h"

struct VgInhibit {
    VgJobQueue *queue;
    gboolean wanted;
    gboolean asking; /* a job is under way; `fresh` and `why` are its */
    gboolean told;   /* once is enough */
    VgFd held, fresh;
    char *why;
};

/* --- the job ------------------------------------------------------------------------------------------------------ */

static int ask(sd_bus *bus, sd_bus_error *error, VgFd *ret) {
    sd_bus_message *reply = NULL;
    int fd = -1;
    int r =
        sd_bus_call_method(bus, "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                           "Inhibit", error, &reply, "ssss", "sleep", "virtgrid", _("Guests with GPUs run"), "block");
    if (r >= 0)
        r = sd_bus_message_read(reply, "h", &fd);
    if (r >= 0) {
        *ret = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message owns the first */
        r = *ret >= 0 ? 0 : -errno;
    }
    sd_bus_message_unref(reply);
    return r;
}

static void take_lock(gpointer data) {
    VgInhibit *inhibit = data;
    sd_bus *bus = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_open_system(&bus);
    if (r >= 0)
        r = ask(bus, &error, &inhibit->fresh);
    if (r < 0)
        inhibit->why = g_strdup(error.message != NULL ? error.message : g_strerror(-r));
    sd_bus_error_free(&error);
    sd_bus_flush_close_unref(bus);
}

/* --- the main loop ------------------------------------------------------------------------------------------------ */

static void lock_taken(gpointer data) {
    VgInhibit *inhibit = data;
    inhibit->asking = FALSE;
    inhibit->held = vg_fd_steal(&inhibit->fresh);
    if (inhibit->why != NULL && !inhibit->told)
        vg_info("nothing keeps this machine from going to sleep while guests with GPUs run: %s", inhibit->why);
    inhibit->told = inhibit->told || inhibit->why != NULL;
    g_clear_pointer(&inhibit->why, g_free);
    if (!inhibit->wanted)
        vg_fd_clear(&inhibit->held);
}

VgInhibit *vg_inhibit_new(void) {
    VgInhibit *inhibit = g_new0(VgInhibit, 1);
    inhibit->queue = vg_job_queue_new(VG_JOB_HOST, "inhibit");
    inhibit->held = inhibit->fresh = -1;
    return inhibit;
}

void vg_inhibit_set(VgInhibit *inhibit, gboolean wanted) {
    inhibit->wanted = wanted;
    if (inhibit->asking)
        return;
    if (!wanted) {
        vg_fd_clear(&inhibit->held);
    } else if (inhibit->held < 0) {
        inhibit->asking = TRUE;
        vg_job_push(inhibit->queue, take_lock, lock_taken, inhibit);
    }
}

gboolean vg_inhibit_held(const VgInhibit *inhibit) {
    return inhibit->held >= 0;
}

void vg_inhibit_free(VgInhibit *inhibit) {
    if (inhibit == NULL)
        return;
    vg_fd_clear(&inhibit->held);
    vg_job_queue_free(inhibit->queue);
    g_free(inhibit);
}
