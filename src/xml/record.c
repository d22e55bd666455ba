/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* record.c: makes, copies and frees records by their rows. A member that several variants share is handled once. */
#include "config.h"
#include "xml/walk.h"

#include <string.h>

const VgXmlMap *vg_row_arm(const VgXmlRow *row, const void *object) {
    int tag = *(const int *)(const void *)VG_MEMBER(object, row);
    return tag >= 0 && (guint)tag < row->n_arms ? row->arms[tag] : NULL;
}

static void fill(const VgXmlMap *map, void *object) {
    if (map->fresh != NULL)
        memcpy(object, map->fresh, map->size);
    else
        memset(object, 0, map->size);
}

void *vg_xml_map_new(const VgXmlMap *map) {
    void *object = g_malloc(map->size);
    fill(map, object);
    return object;
}

static void clear_rows(const VgXmlMap *map, void *object);

/* STRING for whatever is an owned text. */
static VgXmlRowKind kind_of(const VgXmlRow *row) {
    if (row->kind == VG_ROW_RAW || (row->kind == VG_ROW_CUSTOM && row->type->is_string))
        return VG_ROW_STRING;
    return row->kind;
}

static void clear_string(char **member) {
    g_free(*member);
    *member = NULL;
}

static void clear_array(const VgXmlRow *row, void *object) {
    void ***items = (void ***)(void *)VG_MEMBER(object, row);
    gsize *n = vg_row_count(row, object);
    for (gsize i = 0; i < *n; i++)
        vg_xml_map_free(row->map, (*items)[i]);
    g_free(*items);
    *items = NULL;
    *n = 0;
}

static void clear_row(const VgXmlRow *row, void *object) {
    switch (kind_of(row)) {
    case VG_ROW_STRING:
        clear_string((char **)(void *)VG_MEMBER(object, row));
        break;
    case VG_ROW_POINTER: {
        void **member = (void **)(void *)VG_MEMBER(object, row);
        vg_xml_map_free(row->map, *member);
        *member = NULL;
        break;
    }
    case VG_ROW_ARRAY:
        clear_array(row, object);
        break;
    case VG_ROW_STRUCT:
    case VG_ROW_INCLUDE:
        clear_rows(row->map, VG_MEMBER(object, row));
        break;
    case VG_ROW_GROUP:
        clear_rows(row->map, object);
        break;
    case VG_ROW_VARIANT: /* all arms: the tag may have changed since */
        for (guint i = 0; i < row->n_arms; i++)
            if (row->arms[i] != NULL)
                clear_rows(row->arms[i], object);
        break;
    default:
        break;
    }
}

static void clear_rows(const VgXmlMap *map, void *object) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++)
        clear_row(row, object);
}

void vg_xml_map_clear(const VgXmlMap *map, void *object) {
    clear_rows(map, object);
    fill(map, object);
}

void vg_xml_map_free(const VgXmlMap *map, void *object) {
    if (object == NULL)
        return;
    clear_rows(map, object);
    g_free(object);
}

static void own_rows(const VgXmlMap *map, void *object, const void *source);

static void own_array(const VgXmlRow *row, void *object, const void *source) {
    void ***items = (void ***)(void *)VG_MEMBER(object, row);
    void **theirs = *(void ***)(void *)VG_MEMBER(source, row);
    if (theirs == NULL || *items != theirs)
        return;
    gsize n = *vg_row_count(row, object);
    *items = NULL;
    *vg_row_count(row, object) = 0;
    for (gsize i = 0; i < n; i++)
        vg_xml_array_add(items, vg_row_count(row, object), vg_xml_map_copy(row->map, theirs[i]));
}

/* @object is a byte copy of @source: what both point to is doubled. */
static void own_row(const VgXmlRow *row, void *object, const void *source) {
    switch (kind_of(row)) {
    case VG_ROW_STRING: {
        char **member = (char **)(void *)VG_MEMBER(object, row);
        if (*member == *(char **)(void *)VG_MEMBER(source, row))
            *member = g_strdup(*member);
        break;
    }
    case VG_ROW_POINTER: {
        void **member = (void **)(void *)VG_MEMBER(object, row);
        if (*member != NULL && *member == *(void **)(void *)VG_MEMBER(source, row))
            *member = vg_xml_map_copy(row->map, *member);
        break;
    }
    case VG_ROW_ARRAY:
        own_array(row, object, source);
        break;
    case VG_ROW_STRUCT:
    case VG_ROW_INCLUDE:
        own_rows(row->map, VG_MEMBER(object, row), VG_MEMBER(source, row));
        break;
    case VG_ROW_GROUP:
        own_rows(row->map, object, source);
        break;
    case VG_ROW_VARIANT:
        for (guint i = 0; i < row->n_arms; i++)
            if (row->arms[i] != NULL)
                own_rows(row->arms[i], object, source);
        break;
    default:
        break;
    }
}

static void own_rows(const VgXmlMap *map, void *object, const void *source) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++)
        own_row(row, object, source);
}

void *vg_xml_map_copy(const VgXmlMap *map, const void *object) {
    if (object == NULL)
        return NULL;
    void *copy = g_memdup2(object, map->size);
    own_rows(map, copy, object);
    return copy;
}

/* The room is the next power of two, so no capacity needs to be kept. */
void vg_xml_array_add(void *items, gsize *n, void *item) {
    void ***array = items;
    if ((*n & (*n - 1)) == 0)
        *array = g_renew(void *, *array, *n == 0 ? 1 : *n * 2);
    (*array)[(*n)++] = item;
}

void *vg_xml_array_take(void *items, gsize *n, gsize pos) {
    void ***array = items;
    g_return_val_if_fail(pos < *n, NULL);
    void *item = (*array)[pos];
    memmove(*array + pos, *array + pos + 1, (*n - pos - 1) * sizeof(void *));
    (*n)--;
    if (*n == 0)
        g_clear_pointer(array, g_free);
    else if ((*n & (*n - 1)) == 0)
        *array = g_renew(void *, *array, *n);
    return item;
}
