/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon.h: what one run of the daemon consists of, and its parts: sockets.c, background.c, main.c. */
#pragma once

#include "api/driver.h"
#include "daemon/config_file.h"
#include "daemon/inhibit.h"
#include "daemon/forward.h"
#include "daemon/options.h"
#include "proc/proc.h"
#include "wire/server.h"

typedef struct {
    VgHost host; /* first: the driver gives its address back to us */
    VgOptions options;
    VgConfig config;
    char *config_path, *sysconfdir, *statedir, *rundir, *datadir, *libexecdir, *socketdir;
    int lock;
    gboolean pid_file_is_ours;
    GMainLoop *loop;
    VgDriver driver;
    VgDriverState *state;
    VgProc *proc; /* outlives the driver, whose last calls may still end while it stops */
    VgForward *forward;
    VgServer *server; /* NULL while the driver starts and stops: nobody is there to be told */
    guint guests;
    VgInhibit *inhibit; /* NULL: a simulated host has no machine around it */
    guint idle_seconds;
    gboolean stopping;
} VgDaemon;

/* Takes over what systemd hands us and makes the rest of libvirt's and our own sockets. */
gboolean vg_sockets_listen(VgDaemon *daemon, GError **error);

/*
 * Goes to the background: in the child returns the descriptor to tell that we are ready; the parent waits for it inside
 * and leaves. -1: no fork (SYSTEM_ERROR). A child that ends before it is ready makes the parent's exit status 1.
 */
int vg_background_fork(GError **error);
/* From now on output goes to @log and the parent leaves with 0. */
void vg_background_ready(int fd, const char *log);
