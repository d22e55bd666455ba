/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* names.c: which names the rows know, and which of a record's values have no effect. */
#include "config.h"
#include "xml/walk.h"

typedef struct {
    GString *path;
    VgXmlRowFunc func;
    gpointer data;
    const void *object; /* NULL: all names, not a record's values */
} Tour;

static void tour_map(Tour *tour, const VgXmlMap *map, const void *object, const void *fresh);

static const VgXmlMap *map_of(const VgXmlRow *row) {
    switch (row->kind) {
    case VG_ROW_GROUP:
    case VG_ROW_STRUCT:
    case VG_ROW_POINTER:
    case VG_ROW_ARRAY:
    case VG_ROW_INCLUDE:
        return row->map;
    default:
        return NULL;
    }
}

/* The structs that the row's member stands for. */
static void tour_members(Tour *tour, const VgXmlRow *row, const void *object, const void *fresh) {
    const VgXmlMap *map = map_of(row);
    if (map == NULL)
        return;
    if (tour->object == NULL || row->kind == VG_ROW_GROUP) {
        tour_map(tour, map, object, fresh);
    } else if (row->kind == VG_ROW_ARRAY) {
        void *const *items = *(void *const *const *)(const void *)VG_MEMBER(object, row);
        for (gsize i = 0; i < *vg_row_count(row, (void *)(gsize)object); i++)
            tour_map(tour, map, items[i], map->fresh);
    } else if (row->kind == VG_ROW_POINTER) {
        const void *member = *(void *const *)(const void *)VG_MEMBER(object, row);
        if (member != NULL)
            tour_map(tour, map, member, map->fresh);
    } else {
        tour_map(tour, map, VG_MEMBER(object, row), vg_row_fresh(row, fresh));
    }
}

static void tour_variant(Tour *tour, const VgXmlRow *row, const void *object, const void *fresh) {
    if (tour->object != NULL) {
        const VgXmlMap *arm = vg_row_arm(row, object);
        if (arm != NULL)
            tour_map(tour, arm, object, fresh);
        return;
    }
    for (guint i = 0; i < row->n_arms; i++)
        if (row->arms[i] != NULL)
            tour_map(tour, row->arms[i], object, fresh);
}

static gboolean has_any(const VgXmlMap *map, const void *object, const void *fresh) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++) {
        if (row->kind == VG_ROW_VARIANT || row->kind == VG_ROW_UNSUPPORTED || row->kind == VG_ROW_CONST)
            continue;
        if (row->kind == VG_ROW_GROUP ? has_any(row->map, object, fresh) : !vg_row_is_absent(row, object, fresh))
            return TRUE;
    }
    return FALSE;
}

static gboolean holds_value(const VgXmlRow *row, const void *object, const void *fresh) {
    if (row->kind == VG_ROW_GROUP && row->present == 0)
        return has_any(row->map, object, fresh);
    if (row->kind == VG_ROW_STRUCT && row->present == 0)
        return has_any(row->map, VG_MEMBER(object, row), vg_row_fresh(row, fresh));
    return !vg_row_is_absent(row, object, fresh);
}

static void tour_map(Tour *tour, const VgXmlMap *map, const void *object, const void *fresh) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++) {
        gsize length = tour->path->len;
        if (row->name[0] != '\0')
            g_string_append_printf(tour->path, "%s%s", length > 0 ? "/" : "", row->name);
        gboolean named = row->kind != VG_ROW_VARIANT && row->kind != VG_ROW_INCLUDE;
        gboolean inert = (row->flags & VG_ROW_INERT) && tour->object != NULL;
        if (inert && holds_value(row, object, fresh))
            tour->func(tour->path->str, row, tour->data);
        else if (tour->object == NULL && named)
            tour->func(tour->path->str, row, tour->data);
        if (row->kind == VG_ROW_VARIANT)
            tour_variant(tour, row, object, fresh);
        else if (!inert)
            tour_members(tour, row, object, fresh);
        g_string_truncate(tour->path, length);
    }
}

void vg_xml_map_foreach(const VgXmlMap *map, VgXmlRowFunc func, gpointer data) {
    g_autoptr(GString) path = g_string_new(NULL);
    tour_map(&(Tour){.path = path, .func = func, .data = data}, map, NULL, NULL);
}

void vg_xml_map_inert(const VgXmlMap *map, const void *object, VgXmlRowFunc func, gpointer data) {
    g_autoptr(GString) path = g_string_new(NULL);
    tour_map(&(Tour){.path = path, .func = func, .data = data, .object = object}, map, object, map->fresh);
}
