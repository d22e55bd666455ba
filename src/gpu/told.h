/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * told.h: what changes among GPUs, groups, quotas and vGPUs, as documents on one line each: docs/grid-protocol.md,
 * "events". Main loop only.
 *
 * A vGPU that comes or goes is told at once, so that none is missed however short it was there. Everything else is told
 * by vg_gpus_tell(), which compares what is with what was told last; the listener's `later` asks for that call.
 */
#pragma once

#include "gpu/gpus.h"

typedef struct {
    void (*tell)(const char *json, gpointer data);
    void (*later)(gpointer data);
    gpointer data;
} VgGpusListener;

/* From now on; NULL: no longer. What is now is known to the listener. Not from within `tell` or `later`. */
void vg_gpus_listen(VgGpus *gpus, const VgGpusListener *listener);
void vg_gpus_tell(VgGpus *gpus);
/* Somebody else listens as well: what is wrong is told once more, at the next vg_gpus_tell(). */
void vg_gpus_tell_problems(VgGpus *gpus);
