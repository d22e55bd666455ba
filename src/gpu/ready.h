/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ready.h: what has to be done before a GPU can serve, in this order: its virtual functions are enabled, its driver
 * shows types on them, its mode is set (which is lost when the functions are enabled). Until then it is NOT READY:
 * its types are the catalogue's and none can be given, with that reason.
 */
#pragma once

#include "gpu/inventory.h"

/* No back end has anything there. If it is only not ready, @facts say for what it waits and by what it will serve. */
void vg_ready_missing(VgGpuHost *host, const VgGpuRecord *record, VgGpuFacts *facts);
/* Does what is missing and can be done; a job. What could not be: in the log. */
void vg_ready_prepare(VgGpuHost *host, const VgGpuRecord *record, guint wait_ms);
/* Sets the mode and looks whether it took; a job. Nothing may run there. */
gboolean vg_ready_set_mode(VgGpuHost *host, const VgGpuRecord *record, VgGpuDriverMode mode, gboolean on,
                           GError **error);
/* Has @gpu to have it, as the administrator wants it? */
gboolean vg_gpu_wants_mode(const VgGpu *gpu, VgGpuDriverMode mode);

/* Is the mode of @gpu one that its driver has to know as well? */
gboolean vg_gpu_has_driver_mode(const VgGpuHost *host, const VgGpu *gpu);
/* Anew: why @gpu cannot serve now, if it cannot, and its offers. Main loop. */
void vg_gpu_ready_update(const VgGpuHost *host, VgGpu *gpu);
/* Is it to serve and cannot yet? */
gboolean vg_gpu_is_waiting(const VgGpuHost *host, const VgGpu *gpu);
