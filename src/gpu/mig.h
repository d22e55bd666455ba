/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mig.h: the GPU instance below a vGPU. On a GPU in mode mig each vGPU of ours gets one, made before it and taken away
 * after it; one that somebody made beforehand at the very place and of the very profile is used, and stays. What else
 * is there is left alone and in the way. All block; jobs.
 */
#pragma once

#include "gpu/gpus.h"

/* "1g.5gb" of "GRID A100-1-5C", "1g.5gb+me" of "GRID A100-1-5CME"; NULL: no type on a GPU instance. Caller frees. */
char *vg_mig_profile(const char *type_name);

/* Is one there for @place already, which takes @size slices? RESOURCE_BUSY: another one is in the way. */
gboolean vg_mig_look(VgGpuHost *host, const VgPlace *place, guint size, gboolean *ret_found, GError **error);
/* Both may be repeated. */
gboolean vg_mig_make(VgGpuHost *host, const VgPlace *place, guint size, GError **error);
gboolean vg_mig_drop(VgGpuHost *host, const VgPlace *place, GError **error);
