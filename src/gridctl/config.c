/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config.c: `gridctl config DOMAIN`: libxl's own JSON of what would be started, with the place the guest's virtual GPUs
 * would get now.
 */
#include "config.h"

#include "base/json.h"
#include "gridctl/command.h"

char *vg_cmd_config(const VgCall *call, GError **error) {
    g_autoptr(VgJson) json = vg_call_ask(call, call->args[0], error);
    return json ? vg_json_print(json, TRUE) : NULL;
}
