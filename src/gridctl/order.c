/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * order.c: the commands that change what the administrator decided: each becomes one order, as docs/grid-protocol.md
 * has them. The daemon checks.
 */
#include "config.h"

#include "base/error.h"
#include "base/i18n.h"
#include "gridctl/command.h"

/* The limit of a quota: a number, or "none" for no limit. */
static gboolean set_most(VgJson *order, const char *text, GError **error) {
    guint64 most;
    if (g_strcmp0(text, "none") == 0) {
        vg_json_set_int(order, "most", -1);
        return TRUE;
    }
    if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &most, NULL)) {
        vg_json_set_int(order, "most", (gint64)most);
        return TRUE;
    }
    vg_set_error(error, VG_ERR_INVALID_ARG, _("a quota is a number or 'none', not '%s'"), text);
    return FALSE;
}

char *vg_cmd_order(const VgCall *call, GError **error) {
    const VgCommand *command = call->command;
    g_autoptr(VgJson) order = vg_json_new_object();
    vg_json_set_string(order, "order", command->order);
    for (gsize i = 0; i < G_N_ELEMENTS(command->members) && command->members[i] != NULL && call->args[i] != NULL; i++)
        if (g_strcmp0(command->members[i], "most") != 0)
            vg_json_set_string(order, command->members[i], call->args[i]);
        else if (!set_most(order, call->args[i], error))
            return NULL;
    const VgCallOptions *options = call->options;
    const struct {
        const char *member, *value;
    } texts[] = {
        {"gpu", options->gpu}, {"group", options->group}, {"type", options->type}, {"policy", options->policy}};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value != NULL)
            vg_json_set_string(order, texts[i].member, texts[i].value);
    if (options->any_model)
        vg_json_set_bool(order, "any_model", TRUE);
    g_autofree char *text = vg_json_print(order, FALSE);
    g_autoptr(VgJson) answer = vg_call_ask(call, text, error);
    if (answer == NULL)
        return NULL;
    return call->options->json ? vg_json_print(answer, TRUE) : g_strdup("");
}
