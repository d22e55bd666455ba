/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * smi.h: NVIDIA's own program, nvidia-smi, by which alone its driver can be told some things, and tells others: what
 * the guests' own drivers say to the host's, their version, their licence. It may hang as long as the GPU does, so it
 * gets its time and is then ended.
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
 * Runs it with @args, for @patience_ms at most: what it said. OPERATION_TIMEOUT, SYSTEM_ERROR, OPERATION_FAILED with
 * its own words. @left: atomic, one of an earlier call that would not even be killed, or 0; as long as it is there no
 * other is started. A job.
 */
char *vg_smi_run(VgSysroot *root, const char *const *args, guint patience_ms, gint *left, GError **error);
/* "vgpu -q", read. */
GArray *vg_smi_read(VgSysroot *root, guint patience_ms, gint *left, GError **error);
