/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * console.h: the terminals of simulated guests, in the place of xenconsoled and of QEMU's serial port: a real pty each,
 * whose other side is a guest that says what it has to say, and again what is typed. A thread of its own moves the
 * bytes. What a guest has said is in DIR/state/xen/<domid>.console, the last 64 KiB of it. Any thread.
 */
#pragma once

#include <glib.h>

typedef struct VgSimConsoles VgSimConsoles;

/* @dir: DIR/state/xen. */
VgSimConsoles *vg_sim_consoles_new(const char *dir);
void vg_sim_consoles_free(VgSimConsoles *consoles);

/* The guest gets a terminal; without one, if the host has no more of them. A paused one takes no input. */
void vg_sim_console_add(VgSimConsoles *consoles, guint32 domid, gboolean running);
/* The guest is gone: whoever has the terminal open hears a hang-up. Its file goes, too. */
void vg_sim_console_remove(VgSimConsoles *consoles, guint32 domid);
void vg_sim_console_run(VgSimConsoles *consoles, guint32 domid, gboolean running);
/* The guest prints a line; lost for who does not read it in time, but for the file. */
void vg_sim_console_say(VgSimConsoles *consoles, guint32 domid, const char *line);
/* "/dev/pts/7", or NULL. Caller frees. */
char *vg_sim_console_path(VgSimConsoles *consoles, guint32 domid);
