/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * groups.h: which GPUs belong together, by what policy they are filled, and which types the administrator allows:
 * gpus.json over the default of one group per GPU model. A GPU is in exactly one group. docs/grid-protocol.md has the
 * file's members.
 */
#pragma once

#include "base/names.h"
#include "gpu/inventory.h"
#include "gpu/place.h"

typedef struct {
    char *name;
    VgPolicy policy;
    gboolean own; /* the administrator's, not a default one */
} VgGpuGroup;

extern const VgNames vg_gpu_policy_names;

/*
 * Sets group of every GPU and enabled of every offer. @path may be absent. @ret: of VgGpuGroup, g_array_unref.
 * INVALID_ARG naming member and reason; entries for GPUs that are not there now are kept for when they come back, so
 * they are no error. Blocks.
 */
gboolean vg_groups_read(const char *path, VgInventory *inventory, GArray **ret, GError **error);
