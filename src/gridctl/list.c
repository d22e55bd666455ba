/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.c: gpus, types, vgpus, groups, capacity: each is a table of columns over the server's document (docs/grid-
 * protocol.md).
 */
#include "config.h"

#include "base/i18n.h"
#include "base/json.h"
#include "gridctl/command.h"
#include "gridctl/table.h"
#include "proc/grid_xdr.h"

static const VgColumn gpu_columns[] = {
    {N_("GPU"), "address", VG_CELL_TEXT},       {N_("MODEL"), "model", VG_CELL_TEXT},
    {N_("GROUP"), "group", VG_CELL_TEXT},       {N_("BY"), "backend", VG_CELL_TEXT},
    {N_("VGPUS"), "vgpus", VG_CELL_NUMBER},     {N_("CLOSED"), "closed", VG_CELL_TEXT},
    {N_("WHY"), "closed_reason", VG_CELL_TEXT}, {N_("NOTE"), "reason", VG_CELL_TEXT},
};

static const VgColumn type_columns[] = {
    {N_("TYPE"), "name", VG_CELL_TEXT},
    {N_("ID"), "id", VG_CELL_TEXT},
    {N_("MEMORY"), "framebuffer_mib", VG_CELL_MIB},
    {N_("HEADS"), "heads", VG_CELL_NUMBER},
    {N_("PER GPU"), "max_per_gpu", VG_CELL_NUMBER},
    {N_("FREE"), "available", VG_CELL_NUMBER},
    {N_("SAYS"), "source", VG_CELL_TEXT},
    {N_("EXPERIMENTAL"), "experimental", VG_CELL_TEXT},
};

static const VgColumn vgpu_columns[] = {
    {N_("VGPU"), "uuid", VG_CELL_TEXT},  {N_("TYPE"), "type", VG_CELL_TEXT},  {N_("GPU"), "gpu", VG_CELL_TEXT},
    {N_("VF"), "vf", VG_CELL_TEXT},      {N_("BY"), "backend", VG_CELL_TEXT}, {N_("DOMAIN"), "domain", VG_CELL_TEXT},
    {N_("NOTE"), "stuck", VG_CELL_TEXT},
};

static const VgColumn capacity_columns[] = {
    {N_("GROUP"), "group", VG_CELL_TEXT},         {N_("TYPE"), "name", VG_CELL_TEXT},
    {N_("GPUS"), "enabled_gpus", VG_CELL_NUMBER}, {N_("RUNNING"), "running", VG_CELL_NUMBER},
    {N_("FREE"), "available", VG_CELL_NUMBER},
};

static const VgColumn why_columns[] = {
    {N_("TYPE"), "type", VG_CELL_TEXT},      {N_("GPU"), "gpu", VG_CELL_TEXT},
    {N_("GROUP"), "group", VG_CELL_TEXT},    {N_("FREE"), "available", VG_CELL_NUMBER},
    {N_("WHY NOT"), "reason", VG_CELL_TEXT},
};

static const VgColumn group_columns[] = {
    {N_("GROUP"), "name", VG_CELL_TEXT},
    {N_("POLICY"), "policy", VG_CELL_TEXT},
    {N_("BY MODEL"), "default", VG_CELL_TEXT},
    {N_("GPUS"), "gpus", VG_CELL_LIST},
};

/* The document, or what a person reads of its array @member. @empty is said when that has nothing. */
static char *list(const VgCall *call, const char *member, const VgColumn *columns, gsize n_columns, const char *empty,
                  GError **error) {
    g_autoptr(VgJson) json = vg_call_ask(call, NULL, error);
    if (!json)
        return NULL;
    if (call->options->json)
        return vg_json_print(json, TRUE);
    const VgJson *rows = vg_json_get(json, member);
    return vg_json_length(rows) ? vg_table_format(rows, columns, n_columns) : g_strconcat(empty, "\n", NULL);
}

/* And below them what is wrong with what is known of them. */
char *vg_cmd_gpus(const VgCall *call, GError **error) {
    g_autoptr(VgJson) json = vg_call_ask(call, NULL, error);
    if (!json)
        return NULL;
    if (call->options->json)
        return vg_json_print(json, TRUE);
    const VgJson *rows = vg_json_get(json, "gpus"), *problems = vg_json_get(json, "problems");
    GString *text = g_string_new(NULL);
    g_autofree char *table =
        vg_json_length(rows) ? vg_table_format(rows, gpu_columns, G_N_ELEMENTS(gpu_columns)) : NULL;
    g_string_append(text, table ? table : _("This host has no GPUs."));
    if (!table)
        g_string_append_c(text, '\n');
    for (gsize i = 0; i < vg_json_length(problems); i++)
        g_string_append_printf(text, "\n%s\n", vg_json_get_string(vg_json_at(problems, i), "text"));
    return g_string_free(text, FALSE);
}

/* And below them what is wrong with the vendor's own list. */
char *vg_cmd_types(const VgCall *call, GError **error) {
    g_autoptr(VgJson) json = vg_call_ask(call, NULL, error);
    if (!json)
        return NULL;
    if (call->options->json)
        return vg_json_print(json, TRUE);
    const VgJson *rows = vg_json_get(json, "types");
    g_autofree char *table = vg_json_length(rows)
                                 ? vg_table_format(rows, type_columns, G_N_ELEMENTS(type_columns))
                                 : g_strconcat(_("The GPUs of this host offer no types of virtual GPU."), "\n", NULL);
    const char *problem = vg_json_get_string(vg_json_get(json, "vendor"), "problem");
    return problem ? g_strconcat(table, "\n", problem, "\n", NULL) : g_strdup(table);
}

char *vg_cmd_vgpus(const VgCall *call, GError **error) {
    return list(call, "vgpus", vgpu_columns, G_N_ELEMENTS(vgpu_columns), _("No virtual GPU is in use."), error);
}

/* A line for each type of each group; the document has the types inside the groups. */
static VgJson *capacity_rows(const VgJson *groups) {
    VgJson *rows = vg_json_new_array();
    for (gsize g = 0; g < vg_json_length(groups); g++) {
        const VgJson *group = vg_json_at(groups, g), *types = vg_json_get(group, "types");
        for (gsize t = 0; t < vg_json_length(types); t++) {
            VgJson *row = vg_json_append(rows, vg_json_new_object());
            vg_json_set_string(row, "group", vg_json_get_string(group, "name"));
            vg_json_set_string(row, "name", vg_json_get_string(vg_json_at(types, t), "name"));
            for (const char *const *number = (const char *const[]){"enabled_gpus", "running", "available", NULL};
                 *number; number++)
                vg_json_set_int(row, *number, vg_json_get_int(vg_json_at(types, t), *number, 0));
        }
    }
    return rows;
}

/* capacity --why: each type on each GPU. */
static char *why(const VgCall *call, GError **error) {
    g_autoptr(VgJson) json = vg_call_ask_other(call, GRID_PROC_WHY, error);
    if (!json)
        return NULL;
    if (call->options->json)
        return vg_json_print(json, TRUE);
    return vg_table_format(vg_json_get(json, "why"), why_columns, G_N_ELEMENTS(why_columns));
}

char *vg_cmd_groups(const VgCall *call, GError **error) {
    return list(call, "groups", group_columns, G_N_ELEMENTS(group_columns), _("This host has no GPUs."), error);
}

char *vg_cmd_capacity(const VgCall *call, GError **error) {
    if (call->options->why)
        return why(call, error);
    g_autoptr(VgJson) json = vg_call_ask(call, NULL, error);
    if (!json)
        return NULL;
    if (call->options->json)
        return vg_json_print(json, TRUE);
    g_autoptr(VgJson) rows = capacity_rows(vg_json_get(json, "groups"));
    if (vg_json_length(rows) == 0)
        return g_strconcat(_("The GPUs of this host offer no types of virtual GPU."), "\n", NULL);
    return vg_table_format(rows, capacity_columns, G_N_ELEMENTS(capacity_columns));
}
