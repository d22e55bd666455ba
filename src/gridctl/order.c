/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * order.c: the commands that change what the administrator decided: each becomes one order, as docs/grid-protocol.md
 * has them. The daemon checks.
 */
#include "config.h"

#include <string.h>

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

/* Who is still on GPUs that were closed; nothing where there is nobody. */
static char *left_text(const VgJson *answer) {
    const VgJson *left = vg_json_get(answer, "left");
    GString *text = g_string_new(NULL);
    for (gsize i = 0; i < vg_json_length(left); i++) {
        const VgJson *row = vg_json_at(left, i), *guests = vg_json_get(row, "guests");
        g_string_append_printf(text, _("still on GPU %s, virtual GPUs: %d"), vg_json_get_string(row, "gpu"),
                               (int)vg_json_get_int(row, "vgpus", 0));
        for (gsize k = 0; k < vg_json_length(guests); k++)
            g_string_append_printf(text, "%s%s", k == 0 ? _("; guests: ") : ", ",
                                   vg_json_string(vg_json_at(guests, k)));
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

static gboolean set_allow(VgJson *order, const char *text, GError **error) {
    gboolean yes = g_strcmp0(text, "yes") == 0;
    if (yes || g_strcmp0(text, "no") == 0) {
        vg_json_set_bool(order, "allow", yes);
        return TRUE;
    }
    vg_set_error(error, VG_ERR_INVALID_ARG, _("this takes 'yes' or 'no', not '%s'"), text);
    return FALSE;
}

/* An argument is a text, unless its member is one of these. */
static const struct {
    const char *member;
    gboolean (*set)(VgJson *order, const char *text, GError **error);
} kinds[] = {{"most", set_most}, {"allow", set_allow}};

static gboolean set_argument(VgJson *order, const char *member, const char *text, GError **error) {
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].member, member) == 0)
            return kinds[i].set(order, text, error);
    vg_json_set_string(order, member, text);
    return TRUE;
}

char *vg_cmd_order(const VgCall *call, GError **error) {
    const VgCommand *command = call->command;
    g_autoptr(VgJson) order = vg_json_new_object();
    vg_json_set_string(order, "order", command->order);
    for (gsize i = 0; i < G_N_ELEMENTS(command->members) && command->members[i] != NULL && call->args[i] != NULL; i++)
        if (!set_argument(order, command->members[i], call->args[i], error))
            return NULL;
    const VgCallOptions *options = call->options;
    const struct {
        const char *member, *value;
    } texts[] = {
        {"gpu", options->gpu}, {"group", options->group}, {"type", options->type}, {"policy", options->policy}};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value != NULL)
            vg_json_set_string(order, texts[i].member, texts[i].value);
    if (options->dry_run)
        vg_json_set_bool(order, "dry_run", TRUE);
    if (options->any_model)
        vg_json_set_bool(order, "any_model", TRUE);
    g_autofree char *text = vg_json_print(order, FALSE);
    g_autoptr(VgJson) answer = vg_call_ask(call, text, error);
    if (answer == NULL)
        return NULL;
    return call->options->json ? vg_json_print(answer, TRUE) : left_text(answer);
}
