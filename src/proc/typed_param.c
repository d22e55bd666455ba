/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* typed_param.c: see the header. */
#include "config.h"
#include "proc/typed_param.h"

#include <string.h>

#include "base/i18n.h"
#include "base/names.h"

VG_NAMES(type_names, VG_PARAM_STRING + 1, NULL, "int", "uint", "llong", "ullong", "double", "boolean", "string");

static const VgParamRule *find_rule(const VgParamRule *rules, gsize n, const char *name) {
    for (gsize i = 0; i < n; i++) {
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    }
    return NULL;
}

gboolean vg_typed_params_check(const remote_typed_param *params, guint n, const VgParamRule *rules, gsize n_rules,
                               GError **error) {
    for (guint i = 0; i < n; i++) {
        const VgParamRule *rule = find_rule(rules, n_rules, params[i].field);
        if (rule == NULL) {
            vg_set_error(error, VG_ERR_INVALID_ARG, _("parameter '%s' is not supported"), params[i].field);
            return FALSE;
        }
        if (params[i].value.type != (int)rule->type) {
            vg_set_error(error, VG_ERR_INVALID_ARG, _("invalid type '%s' for parameter '%s', expected '%s'"),
                         vg_names_name(&type_names, params[i].value.type), rule->name,
                         vg_names_name(&type_names, (int)rule->type));
            return FALSE;
        }
        for (guint j = 0; j < i; j++) {
            if (strcmp(params[j].field, params[i].field) == 0) {
                vg_set_error(error, VG_ERR_INVALID_ARG, _("parameter '%s' occurs multiple times"), rule->name);
                return FALSE;
            }
        }
    }
    return TRUE;
}

remote_typed_param *vg_typed_params_take(const VgParam *params, gsize n) {
    remote_typed_param *ret = g_new0(remote_typed_param, n + 1);
    for (gsize i = 0; i < n; i++) {
        ret[i].field = g_strdup(params[i].name);
        ret[i].value.type = (int)params[i].type;
        if (params[i].type == VG_PARAM_STRING)
            ret[i].value.remote_typed_param_value_u.s = g_strdup(params[i].s);
        else
            memcpy(&ret[i].value.remote_typed_param_value_u, &params[i].ul, sizeof(params[i].ul));
    }
    return ret;
}

VgParam *vg_typed_params_give(const remote_typed_param *params, guint n) {
    VgParam *ret = g_new0(VgParam, n + 1);
    for (guint i = 0; i < n; i++) {
        ret[i] = (VgParam){.name = params[i].field, .type = (VgParamType)params[i].value.type};
        memcpy(&ret[i].ul, &params[i].value.remote_typed_param_value_u, sizeof(ret[i].ul));
    }
    return ret;
}
