/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * process.h: a process that is not our child and may have ended long ago, found again by its number. Numbers are used
 * again, so it is known by when it began and in which life of the machine; what is sent to it goes through a descriptor
 * of the process, never to a number.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

#define VG_PROCESS_BOOT 40
typedef struct {
    int pid;
    guint64 start; /* in the kernel's ticks since it booted */
    char boot[VG_PROCESS_BOOT];
} VgProcess;

/* The one that has the number now. FALSE: none. */
gboolean vg_process_of(int pid, VgProcess *ret);
/*
 * A descriptor of it, which poll() finds readable when it has ended; -1: it is gone (errno ESRCH), or
 * nobody can say. The caller's.
 */
int vg_process_open(const VgProcess *process);
/* Has it ended? Waits for that at most @timeout_ms. */
gboolean vg_process_ended(int fd, guint timeout_ms);
/*
 * SIGTERM, at most @polite_ms for it to end, then SIGKILL, at most @force_ms. Blocks. TRUE: it is gone.
 * OPERATION_TIMEOUT: not even by force. Fault points: process.term, process.kill before each signal.
 */
gboolean vg_process_stop(const VgProcess *process, guint polite_ms, guint force_ms, GError **error);
