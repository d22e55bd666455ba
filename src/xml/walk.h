/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walk.h: what the parts of the engine share. */
#pragma once

#include "xml/map.h"

#define VG_MEMBER(object, row) ((char *)(object) + (row)->offset)

static inline gboolean vg_row_is_attribute(const VgXmlRow *row) {
    return row->name[0] == '@';
}
static inline gboolean *vg_row_present(const VgXmlRow *row, void *object) {
    return row->present == 0 ? NULL : (gboolean *)(void *)((char *)object + row->present - 1);
}
static inline gsize *vg_row_count(const VgXmlRow *row, void *object) {
    return (gsize *)(void *)((char *)object + row->present - 1);
}
/* The rows that the variant's tag chooses, or NULL. */
const VgXmlMap *vg_row_arm(const VgXmlRow *row, const void *object);
/* @object's member is absent: equal to what @fresh (NULL: zero) holds, or not marked as given. */
gboolean vg_row_is_absent(const VgXmlRow *row, const void *object, const void *fresh);
/* @fresh for a member struct. */
static inline const void *vg_row_fresh(const VgXmlRow *row, const void *fresh) {
    return fresh == NULL ? NULL : (const char *)fresh + row->offset;
}

gint64 vg_row_get_int(const VgXmlRow *row, const void *object);
/* Sets the scalar from @text, which is owned by the caller. FALSE: the value is wrong. @scale: bytes for a unit of
 * MEMORY. */
gboolean vg_row_set_scalar(const VgXmlRow *row, void *object, const char *text, guint64 scale, guint flags);
/* Bytes of one @unit of memory; 0: no such unit. NULL: KiB. */
guint64 vg_memory_unit(const char *unit);
/* "an integer from 0 to 255", "one of a, b, c": what the row wants. Caller frees. */
char *vg_row_wants(const VgXmlRow *row);

/* <name ...>...</name> of @node in libvirt's style / what is in @node, one child for each namespace, as libxml2 dumps
 * it. */
struct _xmlNode;
char *vg_node_styled(const struct _xmlNode *node);
char *vg_node_inner(struct _xmlNode *node);
