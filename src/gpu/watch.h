/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch.h: listens to the kernel: its log (dev/kmsg under the host's root, a plain file of lines on the simulated
 * host), its events of devices, and the folder of mediated devices. A thread of its own reads; the main loop hears.
 */
#pragma once

#include "gpu/host.h"
#include "gpu/news.h"

typedef struct VgGpuWatch VgGpuWatch;

/*
 * Main loop. @at: up to where the log was read; what a next watch of the same boot is given as @since. 0: not of the
 * log.
 */
typedef void (*VgGpuNewsFunc)(const VgGpuNews *news, guint64 at, gpointer data);

/* Main loop. @since: 0 for all that the log still has. What cannot be listened to is logged, and the rest goes on. */
VgGpuWatch *vg_gpu_watch_new(VgGpuHost *host, guint64 since, VgGpuNewsFunc func, gpointer data);
/* Nothing is heard from here on. */
void vg_gpu_watch_free(VgGpuWatch *watch);
