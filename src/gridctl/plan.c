/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan.c: `gridctl plan DOMAIN`: where its virtual GPUs would go now, or what each GPU says and what would have to
 * change.
 */
#include "config.h"

#include "base/i18n.h"
#include "gridctl/command.h"
#include "gridctl/table.h"

static const VgColumn place_columns[] = {
    {N_("VGPU"), "uuid", VG_CELL_TEXT}, {N_("TYPE"), "type", VG_CELL_TEXT},  {N_("GPU"), "gpu", VG_CELL_TEXT},
    {N_("VF"), "vf", VG_CELL_TEXT},     {N_("BY"), "backend", VG_CELL_TEXT}, {N_("PLACE"), "placement", VG_CELL_NUMBER},
};

static const VgColumn reason_columns[] = {
    {N_("GPU"), "gpu", VG_CELL_TEXT},
    {N_("TYPE"), "type", VG_CELL_TEXT},
    {N_("WHY NOT"), "reason", VG_CELL_TEXT},
};

static const VgColumn change_columns[] = {{N_("TO MAKE IT POSSIBLE, ONE OF"), "text", VG_CELL_TEXT}};

static void add_table(GString *text, const VgJson *rows, const VgColumn *columns, gsize n) {
    g_autofree char *table = vg_table_format(rows, columns, n);
    if (*table != '\0')
        g_string_append_printf(text, "%s%s", text->len > 0 ? "\n" : "", table);
}

char *vg_cmd_plan(const VgCall *call, GError **error) {
    g_autoptr(VgJson) json = vg_call_ask(call, call->args[0], error);
    if (json == NULL)
        return NULL;
    if (call->options->json)
        return vg_json_print(json, TRUE);
    GString *text = g_string_new(NULL);
    if (vg_json_get_string(json, "message") != NULL)
        g_string_append_printf(text, "%s\n", vg_json_get_string(json, "message"));
    add_table(text, vg_json_get(json, "places"), place_columns, G_N_ELEMENTS(place_columns));
    add_table(text, vg_json_get(json, "gpus"), reason_columns, G_N_ELEMENTS(reason_columns));
    add_table(text, vg_json_get(json, "changes"), change_columns, G_N_ELEMENTS(change_columns));
    if (text->len == 0)
        g_string_append_printf(text, "%s\n", _("This guest asks for no virtual GPU."));
    return g_string_free(text, FALSE);
}
