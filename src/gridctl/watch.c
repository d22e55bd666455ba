/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch.c: `gridctl watch`: what changes in the grid, a line for each event, until it is interrupted or the daemon
 * ends.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "gridctl/command.h"
#include "gridctl/table.h"

/* What a person reads of each kind: words before a value, and the value. */
typedef struct {
    const char *words; /* N_(), or NULL */
    VgColumn value;
} Part;

static const Part vgpu[] = {
    {NULL, {NULL, "uuid", VG_CELL_TEXT}},          {NULL, {NULL, "type", VG_CELL_TEXT}},
    {N_("on GPU"), {NULL, "gpu", VG_CELL_TEXT}},   {N_("for domain"), {NULL, "domain", VG_CELL_TEXT}},
    {N_("stuck:"), {NULL, "stuck", VG_CELL_TEXT}}, {0}};
static const Part gpu[] = {
    {NULL, {NULL, "address", VG_CELL_TEXT}},         {N_("in group"), {NULL, "group", VG_CELL_TEXT}},
    {N_("mode"), {NULL, "mode", VG_CELL_TEXT}},      {N_("vGPUs"), {NULL, "vgpus", VG_CELL_NUMBER}},
    {N_("closed:"), {NULL, "closed", VG_CELL_TEXT}}, {NULL, {NULL, "closed_reason", VG_CELL_TEXT}},
    {NULL, {NULL, "reason", VG_CELL_TEXT}},          {0}};
static const Part group[] = {{NULL, {NULL, "name", VG_CELL_TEXT}},
                             {N_("policy"), {NULL, "policy", VG_CELL_TEXT}},
                             {N_("GPUs"), {NULL, "gpus", VG_CELL_LIST}},
                             {0}};
static const Part quota[] = {{N_("at most"), {NULL, "most", VG_CELL_NUMBER}},
                             {N_("of type"), {NULL, "type", VG_CELL_TEXT}},
                             {N_("in group"), {NULL, "group", VG_CELL_TEXT}},
                             {0}};

static const struct {
    const char *kind;
    const Part *parts;
} kinds[] = {{"vgpu", vgpu}, {"gpu", gpu}, {"group", group}, {"quota", quota}};

static void add_parts(GString *line, const VgJson *item, const Part *parts) {
    for (const Part *part = parts; part->value.member != NULL; part++) {
        g_autofree char *value = vg_table_cell(item, &part->value);
        if (value != NULL)
            g_string_append_printf(line, " %s%s%s", part->words != NULL ? _(part->words) : "",
                                   part->words != NULL ? " " : "", value);
    }
}

/* "14:05:01 gpu-changed 0000:05:00.0 in group desktops mode one-type vGPUs 3"; of a newer daemon's kind its name. */
static char *line_of(const VgJson *event) {
    static const VgColumn name = {NULL, "event", VG_CELL_TEXT};
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%H:%M:%S"), *what = vg_table_cell(event, &name);
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%s %s", time, what != NULL ? what : "?");
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (vg_json_get(event, kinds[i].kind) != NULL)
            add_parts(line, vg_json_get(event, kinds[i].kind), kinds[i].parts);
    return g_string_free(line, FALSE);
}

static gboolean show(const char *json, gpointer data, GError **error) {
    const VgCall *call = data;
    g_autoptr(VgJson) event = vg_json_parse(json, strlen(json), _("the daemon's answer"), error);
    g_autofree char *line = event == NULL ? NULL : call->options->json ? vg_json_print(event, FALSE) : line_of(event);
    if (line == NULL)
        return FALSE;
    if (printf("%s\n", line) >= 0 && fflush(stdout) == 0)
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("cannot write the output"));
    return FALSE;
}

/* Ends only by an error: the daemon's end is one. */
char *vg_cmd_watch(const VgCall *call, GError **error) {
    vg_target_watch(call->target, show, (gpointer)call, error);
    return NULL;
}
