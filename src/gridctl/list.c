/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.c: gpus, types, vgpus, capacity: each is a table of columns over the server's document (docs/grid-protocol.md).
 */
#include "config.h"

#include "base/i18n.h"
#include "base/json.h"
#include "gridctl/command.h"
#include "gridctl/table.h"

static const VgColumn gpu_columns[] = {
    {N_("GPU"), "address", VG_CELL_TEXT},     {N_("MODEL"), "model", VG_CELL_TEXT},
    {N_("BACKEND"), "backend", VG_CELL_TEXT}, {N_("GROUP"), "group", VG_CELL_TEXT},
    {N_("VGPUS"), "vgpus", VG_CELL_LIST},
};

static const VgColumn type_columns[] = {
    {N_("TYPE"), "name", VG_CELL_TEXT},
    {N_("ID"), "id", VG_CELL_TEXT},
    {N_("MEMORY"), "framebuffer_mib", VG_CELL_MIB},
    {N_("HEADS"), "heads", VG_CELL_NUMBER},
    {N_("MAX/GPU"), "max", VG_CELL_NUMBER},
};

static const VgColumn vgpu_columns[] = {
    {N_("VGPU"), "uuid", VG_CELL_TEXT},
    {N_("TYPE"), "type", VG_CELL_TEXT},
    {N_("GPU"), "gpu", VG_CELL_TEXT},
    {N_("DOMAIN"), "domain", VG_CELL_TEXT},
};

static const VgColumn capacity_columns[] = {
    {N_("TYPE"), "type", VG_CELL_TEXT},
    {N_("FREE"), "free", VG_CELL_NUMBER},
};

/* @empty is said when there is nothing to list. */
static char *list(const VgCall *call, const VgColumn *columns, gsize n_columns, const char *empty, GError **error) {
    g_autoptr(VgJson) json = vg_call_ask(call, NULL, error);
    if (!json)
        return NULL;
    if (call->json)
        return vg_json_print(json, TRUE);
    const VgJson *rows = vg_json_type(json) == VG_JSON_OBJECT ? vg_json_get(json, call->command->name) : json;
    if (vg_json_length(rows) == 0)
        return g_strconcat(empty, "\n", NULL);
    return vg_table_format(rows, columns, n_columns);
}

char *vg_cmd_gpus(const VgCall *call, GError **error) {
    return list(call, gpu_columns, G_N_ELEMENTS(gpu_columns), _("This host has no GPUs."), error);
}

char *vg_cmd_types(const VgCall *call, GError **error) {
    return list(call, type_columns, G_N_ELEMENTS(type_columns),
                _("The GPUs of this host offer no types of virtual GPU."), error);
}

char *vg_cmd_vgpus(const VgCall *call, GError **error) {
    return list(call, vgpu_columns, G_N_ELEMENTS(vgpu_columns), _("No virtual GPU is in use."), error);
}

char *vg_cmd_capacity(const VgCall *call, GError **error) {
    return list(call, capacity_columns, G_N_ELEMENTS(capacity_columns),
                _("The GPUs of this host offer no types of virtual GPU."), error);
}
