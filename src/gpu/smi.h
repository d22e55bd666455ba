/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * smi.h: what the guests' own drivers say to the host's: their version, their licence. NVIDIA's driver tells it only to
 * its own program, "nvidia-smi vgpu -q"; where that is not installed nothing is known. It may hang as long as the GPU
 * does, so it gets its time and is then ended.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/sysroot.h"
#include "base/uuid.h"

typedef struct {
    VgUuid vgpu;
    char *driver;  /* "551.61"; NULL: no driver in the guest yet */
    char *licence; /* "Licensed (Expiry: …)", "Unlicensed"; NULL: not told */
} VgGuestSide;

gboolean vg_smi_is_there(VgSysroot *root);
/* Of VgGuestSide, from the program's output. Pure. */
GArray *vg_smi_parse(const char *text);
/*
 * Runs it, for @patience_ms at most. OPERATION_TIMEOUT, SYSTEM_ERROR. @left: one of an earlier call that would not
 * even be killed, or 0; as long as it is there no other is started. One caller at a time. A job.
 */
GArray *vg_smi_read(VgSysroot *root, guint patience_ms, pid_t *left, GError **error);
