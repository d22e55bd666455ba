/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * import.c: all settings at once, taken from a document: nothing of them may change what a GPU in use is to its guests.
 * Whether it would is seen by letting them count, and looking.
 */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/engine.h"

/* What must stay of a GPU in use. */
typedef struct {
    char *group;
    VgGpuMode mode;
} Was;

static void clear(gpointer was) {
    g_free(((Was *)was)->group);
}

static const char *group_name(const VgGpus *gpus, guint gpu) {
    return g_array_index(gpus->groups, VgGpuGroup, gpus->inventory.gpus[gpu].group).name;
}

GArray *vg_import_look(const VgGpus *gpus) {
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Was));
    g_array_set_clear_func(list, clear);
    for (guint i = 0; i < gpus->inventory.n; i++) {
        Was was = {g_strdup(group_name(gpus, i)), gpus->inventory.gpus[i].mode};
        g_array_append_val(list, was);
    }
    return list;
}

/* The first type that runs on @gpu and is disabled now; NULL: none. */
static const VgType *disabled_type(const VgGpus *gpus, guint gpu) {
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++) {
            const VgGpuOffer *offer =
                c->insides[k].gpu == gpu ? vg_gpu_offer(&gpus->inventory.gpus[gpu], c->insides[k].type) : NULL;
            if (offer != NULL && !offer->enabled)
                return offer->type;
        }
    }
    return NULL;
}

static gboolean fits(VgGpus *gpus, guint i, const Was *was, GError **error) {
    const VgGpu *gpu = &gpus->inventory.gpus[i];
    const VgType *type = disabled_type(gpus, i);
    gboolean moved = strcmp(was->group, group_name(gpus, i)) != 0;
    gboolean widened = was->mode == VG_MODE_ONE_TYPE && gpu->mode == VG_MODE_EQUAL_SIZE;
    gboolean changed = was->mode != gpu->mode && !widened;
    if (!moved && !changed && type == NULL)
        return TRUE;
    g_autofree char *who = vg_gpus_holders(gpus, i);
    if (moved)
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("GPU %s is in use by %s, so it cannot go from group '%s' to '%s'; stop them first"), gpu->text,
                     who, was->group, group_name(gpus, i));
    else if (changed)
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("GPU %s is in use by %s, so its mode cannot change from %s to %s; stop them first"), gpu->text,
                     who, vg_names_name(&vg_gpu_mode_names, (int)was->mode),
                     vg_names_name(&vg_gpu_mode_names, (int)gpu->mode));
    else
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("GPU %s runs vGPUs of type %s (%s), so the type cannot be disabled there; stop them first"),
                     gpu->text, type->name, who);
    return FALSE;
}

gboolean vg_import_fits(VgGpus *gpus, const GArray *before, GError **error) {
    for (guint i = 0; i < gpus->inventory.n && i < before->len; i++)
        if (gpus->room.gpus[i].count > 0 && !fits(gpus, i, &g_array_index(before, Was, i), error))
            return FALSE;
    return TRUE;
}

VgSettings *vg_import_read(const VgJson *order, GError **error) {
    const VgJson *settings = vg_json_get(order, "settings");
    if (settings == NULL || vg_json_type(settings) != VG_JSON_OBJECT) {
        vg_set_error(error, VG_ERR_INVALID_ARG,
                     _("the document has no 'settings'; 'gridctl export' on another host makes one"));
        return NULL;
    }
    g_autofree char *text = vg_json_print(settings, FALSE);
    return vg_settings_parse(text, strlen(text), "settings", error);
}

VgJson *vg_gpus_json_settings(VgGpus *gpus) {
    g_autofree char *text = vg_settings_print(gpus->settings);
    VgJson *json = vg_json_parse(text, strlen(text), "settings", NULL);
    return json != NULL ? json : vg_json_new_object();
}
