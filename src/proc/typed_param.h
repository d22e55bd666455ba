/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* typed_param.h: libvirt's typed parameters: which names a call takes, and of which type. */
#pragma once

#include "proc/remote_xdr.h"
#include "base/error.h"

/* libvirt's virTypedParameterType. */
typedef enum {
    VG_PARAM_INT = 1,
    VG_PARAM_UINT,
    VG_PARAM_LLONG,
    VG_PARAM_ULLONG,
    VG_PARAM_DOUBLE,
    VG_PARAM_BOOLEAN,
    VG_PARAM_STRING
} VgParamType;

typedef struct {
    const char *name;
    VgParamType type;
} VgParamRule;

/* Every one of @params has a rule, its type, and comes once. INVALID_ARG names the one that does not. */
gboolean vg_typed_params_check(const remote_typed_param *params, guint n, const VgParamRule *rules, gsize n_rules,
                               GError **error);
