/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings.h: what the administrator decided: groups and their policies, which GPU is in which, its mode, whether it
 * takes new guests, disabled types, quotas. That is gpus.json (docs/grid-protocol.md has its members), laid over the
 * default of one group per GPU model.
 *
 * A GPU is meant by its identity (a serial number, what the slot is called), so that the decision follows it when buses
 * are numbered anew; by its address only if it has none. What is decided for GPUs and types that are not there now is
 * kept.
 */
#pragma once

#include "base/json.h"
#include "base/names.h"
#include "gpu/inventory.h"
#include "gpu/place.h"

extern const VgNames vg_gpu_policy_names, vg_gpu_mode_names, vg_gpu_closed_names, vg_gpu_forced_names;

typedef struct {
    char *name;
    VgPolicy policy;
    gboolean any_model; /* GPUs of several models may be in it */
    GPtrArray *former;  /* names it had: definitions of domains may still say them */
} VgGroupSetting;

typedef struct {
    char *identity; /* or NULL */
    VgPciAddr addr; /* where it was when it was written */
    char *group;    /* or NULL: the default one */
    VgGpuMode mode;
    VgGpuClosed closed;
    VgGpuForced forced;
    char *reason;        /* of closed, or NULL */
    GPtrArray *disabled; /* names or ids of types */
} VgGpuSetting;

typedef struct {
    char *group, *type; /* NULL: all */
    guint most;
} VgQuotaSetting;

typedef struct {
    GPtrArray *groups, *gpus, *quotas; /* of the above */
    gboolean experimental;             /* types that nobody vouches for may run */
} VgSettings;

/*
 * @path may be NULL or absent. A file that is no JSON is set aside for the version before it, if there is one.
 * INVALID_ARG naming member and reason. Blocks.
 */
VgSettings *vg_settings_read(const char *path, GError **error);
VgSettings *vg_settings_parse(const char *text, gsize len, const char *what, GError **error);
void vg_settings_free(VgSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgSettings, vg_settings_free)
char *vg_settings_print(const VgSettings *settings);

VgGroupSetting *vg_settings_group(const VgSettings *settings, const char *name);
VgGroupSetting *vg_settings_add_group(VgSettings *settings, const char *name, VgPolicy policy);
void vg_settings_remove_group(VgSettings *settings, const char *name);
/* The entry of @gpu, made if there is none. */
VgGpuSetting *vg_settings_gpu(VgSettings *settings, const VgGpu *gpu);
/* @most NULL: no limit any more. */
void vg_settings_set_quota(VgSettings *settings, const char *group, const char *type, const guint *most);

/* A group as it is now. */
typedef struct {
    char *name;
    VgPolicy policy;
    gboolean own; /* the administrator's, not a default one */
    gboolean any_model;
    char **former;
} VgGpuGroup;

/* Sets group, mode and closed of every GPU and enabled of every offer. Of VgGpuGroup, g_array_unref. */
GArray *vg_settings_apply(const VgSettings *settings, VgInventory *inventory);
/* The name of the default group of @gpu. Caller frees. */
char *vg_gpu_default_group(const VgGpu *gpu);
