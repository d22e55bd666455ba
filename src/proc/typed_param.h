/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* typed_param.h: libvirt's typed parameters: which names a call takes, and of which type. */
#pragma once

#include "api/driver.h"
#include "proc/remote_xdr.h"

typedef struct {
    const char *name;
    VgParamType type;
} VgParamRule;

/* Every one of @params has a rule, its type, and comes once. INVALID_ARG names the one that does not. */
gboolean vg_typed_params_check(const remote_typed_param *params, guint n, const VgParamRule *rules, gsize n_rules,
                               GError **error);

/* As an array of the wire, names and texts copied; and as the driver takes it, borrowed. */
remote_typed_param *vg_typed_params_take(const VgParam *params, gsize n);
VgParam *vg_typed_params_give(const remote_typed_param *params, guint n);
