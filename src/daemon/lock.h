/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lock.h: one daemon per host, real or simulated: a locked file with its process id. The lock goes with the process,
 * however it ends. */
#pragma once

#include <glib.h>

/* The descriptor that holds the lock, or -1: RESOURCE_BUSY naming the process that has it, or SYSTEM_ERROR. */
int vg_lock_take(const char *path, GError **error);
/* Of a file that others look at; no lock. */
gboolean vg_lock_write_pid(const char *path, GError **error);
