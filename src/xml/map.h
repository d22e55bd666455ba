/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * map.h: an XML element as a table of rows, each of which ties an attribute, a child or the text to a member of a
 * struct.
 *
 * The same rows read, write, copy and free a record, and say which names are known. Nothing here knows an element. A
 * row's name is "@attribute", "child", or "" for the element's own text. A member of the wrong C type does not compile.
 *
 * Reading is one walk over the parser's events: no tree is built, no path is looked up, so time is linear in the text.
 * A name without a row is ignored with all below it, as libvirt does. Writing is libvirt's style byte for byte. A value
 * equal to the map's template (all zero if it has none) is absent and not written.
 *
 * Maps are constant; all functions may run in any thread.
 */
#pragma once

#include <glib.h>

#include "base/names.h"

#define VG_XML_MAX_SIZE (4 * 1024 * 1024)
#define VG_XML_MAX_HOST_SIZE (32 * 1024 * 1024)
#define VG_XML_MAX_DEPTH 128
#define VG_XML_MAX_RAW (64 * 1024) /* of one RAW row's several elements together */
#define VG_XML_MAX_ITEMS 65536     /* of one array */

typedef enum {
    VG_ROW_END,
    VG_ROW_STRING,
    VG_ROW_ENUM,
    VG_ROW_INT,
    VG_ROW_MEMORY,  /* KiB in memory, with unit= in XML */
    VG_ROW_FLAG,    /* a child that is there or not */
    VG_ROW_CUSTOM,  /* a VgXmlType */
    VG_ROW_CONST,   /* a fixed attribute: written when `when` says so, ignored when read */
    VG_ROW_GROUP,   /* a child whose rows fill the same struct */
    VG_ROW_STRUCT,  /* a child that is a member struct */
    VG_ROW_POINTER, /* a child that is an allocated struct */
    VG_ROW_ARRAY,   /* children of one name: T **items; gsize n_items */
    /* More rows of this same element, chosen by an enum member; the enum's attribute has a row of its own. */
    VG_ROW_VARIANT,
    VG_ROW_INCLUDE, /* more rows of this same element, for a member struct */
    VG_ROW_RAW,     /* a child kept as text */
    VG_ROW_UNSUPPORTED
} VgXmlRowKind;

typedef enum {
    VG_ROW_REQUIRED = 1 << 0, /* must not be absent */
    VG_ROW_LIVE = 1 << 1,     /* of a running domain only */
    VG_ROW_SECRET = 1 << 2,   /* written with VG_XML_MAP_SECURE only */
    VG_ROW_INERT = 1 << 3,    /* kept, but has no effect: see vg_xml_map_inert */
    VG_ROW_ALWAYS = 1 << 4,   /* written even if equal to the template */
    VG_ROW_STYLED =
        1 << 5, /* RAW: all of that name, in libvirt's style; else what is in it, one child for a namespace */
    VG_ROW_READ_ONLY = 1 << 6 /* another spelling: read, never written */
} VgXmlRowFlags;

/* How a document is read or written; numbers of virDomainXMLFlags. */
typedef enum {
    VG_XML_MAP_SECURE = 1 << 0,
    VG_XML_MAP_INACTIVE = 1 << 1, /* no LIVE rows, neither read nor written */
    VG_XML_MAP_MIGRATABLE = 1 << 3,
    VG_XML_MAP_HOST_FILE = 1 << 16, /* ours: no client's text, so it may be larger and name a DTD, which is not read */
} VgXmlMapFlags;

/* A scalar of its own kind. */
typedef struct {
    const char *what; /* "a MAC address", for the error */
    gboolean (*parse)(const char *text, void *member, guint flags);
    /* Appends the text, nothing to be escaped. FALSE: absent. NULL: read only. */
    gboolean (*format)(const void *member, GString *out, guint flags);
    gboolean is_string; /* the member is a char * that the record owns */
} VgXmlType;

typedef struct VgXmlMap VgXmlMap;

typedef struct {
    const char *name;
    VgXmlRowKind kind;
    guint flags; /* VgXmlRowFlags */
    guint offset;
    guint present; /* 1 + offset of a gboolean "was given", or of an array's count; 0: none */
    guint8 size;   /* INT: bytes */
    gboolean is_signed;
    guint8 hex; /* INT: write 0x and this many digits at least; 0: decimal */
    gint64 min, max;
    union {
        const VgNames *names;
        const VgXmlMap *map;
        const VgXmlMap *const *arms; /* VARIANT: by value, NULL = no more rows */
        const VgXmlType *type;
        const char *text; /* CONST; UNSUPPORTED: the reason, untranslated N_() */
    };
    guint n_arms;
    gboolean (*when)(const void *object, guint flags); /* written only if TRUE; NULL = always */
} VgXmlRow;

struct VgXmlMap {
    const char *name; /* of the element; as a document's root, and in errors */
    gsize size;
    const VgXmlRow *rows;
    const void *fresh;                                 /* what a new record holds; NULL = all zero */
    gboolean (*check)(void *object, GError **error);   /* after the element was read; NULL = fine */
    gboolean (*when)(const void *object, guint flags); /* the element is written only if TRUE; NULL = always */
};

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define VG_ROW_TYPED(T, m, C)                                                                                          \
    (guint)(offsetof(T, m) + 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((T *)0)->m), C) ? 1 : -1]))
#define VG_ROW_SIZED(T, m, n) (guint)(offsetof(T, m) + 0 * sizeof(char[sizeof(((T *)0)->m) == (n) ? 1 : -1]))
#define VG_ROW_OF(T, m) ((T *)0)->m

#define VG_X_STRING(T, m, nm, ...)                                                                                     \
    { .name = nm, .kind = VG_ROW_STRING, .offset = VG_ROW_TYPED(T, m, char *), __VA_ARGS__ }
#define VG_X_ENUM(T, m, nm, table, ...)                                                                                \
    { .name = nm, .kind = VG_ROW_ENUM, .offset = VG_ROW_SIZED(T, m, sizeof(int)), .names = &(table), __VA_ARGS__ }
#define VG_X_INT(T, m, nm, lo, hi, ...)                                                                                \
    {                                                                                                                  \
        .name = nm, .kind = VG_ROW_INT, .offset = (guint)offsetof(T, m), .size = sizeof(VG_ROW_OF(T, m)),              \
        .is_signed = (__typeof__(VG_ROW_OF(T, m)))-1 < 1, .min = (lo), .max = (hi), __VA_ARGS__                        \
    }
#define VG_X_MEMORY(T, m, nm, ...)                                                                                     \
    { .name = nm, .kind = VG_ROW_MEMORY, .offset = VG_ROW_TYPED(T, m, guint64), __VA_ARGS__ }
#define VG_X_FLAG(T, m, nm, ...)                                                                                       \
    { .name = nm, .kind = VG_ROW_FLAG, .offset = VG_ROW_TYPED(T, m, gboolean), __VA_ARGS__ }
#define VG_X_CUSTOM(T, m, C, nm, t, ...)                                                                               \
    { .name = nm, .kind = VG_ROW_CUSTOM, .offset = VG_ROW_TYPED(T, m, C), .type = &(t), __VA_ARGS__ }
#define VG_X_CONST(nm, value, ...)                                                                                     \
    { .name = nm, .kind = VG_ROW_CONST, .text = value, __VA_ARGS__ }
/* A custom value that needs more than one member: its functions get the whole struct. */
#define VG_X_WHOLE(nm, t, ...)                                                                                         \
    { .name = nm, .kind = VG_ROW_CUSTOM, .type = &(t), __VA_ARGS__ }
#define VG_X_GROUP(nm, mp, ...)                                                                                        \
    { .name = nm, .kind = VG_ROW_GROUP, .map = &(mp), __VA_ARGS__ }
#define VG_X_STRUCT(T, m, nm, mp, ...)                                                                                 \
    { .name = nm, .kind = VG_ROW_STRUCT, .offset = (guint)offsetof(T, m), .map = &(mp), __VA_ARGS__ }
#define VG_X_POINTER(T, m, C, nm, mp, ...)                                                                             \
    { .name = nm, .kind = VG_ROW_POINTER, .offset = VG_ROW_TYPED(T, m, C *), .map = &(mp), __VA_ARGS__ }
/* @n counts @m. */
#define VG_X_ARRAY_AT(T, m, n, C, nm, mp, ...)                                                                         \
    {                                                                                                                  \
        .name = nm, .kind = VG_ROW_ARRAY, .offset = VG_ROW_TYPED(T, m, C **),                                          \
        .present = 1 + VG_ROW_TYPED(T, n, gsize), .map = &(mp), __VA_ARGS__                                            \
    }
#define VG_X_ARRAY(T, m, C, nm, mp, ...) VG_X_ARRAY_AT(T, m, n_##m, C, nm, mp, __VA_ARGS__)
#define VG_X_VARIANT(T, tag, table)                                                                                    \
    {                                                                                                                  \
        .name = "", .kind = VG_ROW_VARIANT, .offset = VG_ROW_SIZED(T, tag, sizeof(int)), .arms = (table),              \
        .n_arms = G_N_ELEMENTS(table)                                                                                  \
    }
#define VG_X_INCLUDE(T, m, mp)                                                                                         \
    { .name = "", .kind = VG_ROW_INCLUDE, .offset = (guint)offsetof(T, m), .map = &(mp) }
#define VG_X_RAW(T, m, nm, ...)                                                                                        \
    { .name = nm, .kind = VG_ROW_RAW, .offset = VG_ROW_TYPED(T, m, char *), __VA_ARGS__ }
#define VG_X_UNSUPPORTED(nm, reason)                                                                                   \
    { .name = nm, .kind = VG_ROW_UNSUPPORTED, .text = reason }
/* options of a row */
#define VG_X_PRESENT(T, m) .present = 1 + VG_ROW_TYPED(T, m, gboolean)
#define VG_X_END                                                                                                       \
    { .kind = VG_ROW_END }

/* --- records ------------------------------------------------------------------------------------------------------ */

void *vg_xml_map_new(const VgXmlMap *map);
void vg_xml_map_free(const VgXmlMap *map, void *object);
/* Frees what @object owns and makes it fresh again. */
void vg_xml_map_clear(const VgXmlMap *map, void *object);
void *vg_xml_map_copy(const VgXmlMap *map, const void *object);

/* Arrays as rows know them. */
void vg_xml_array_add(void *items, gsize *n, void *item);
void *vg_xml_array_take(void *items, gsize *n, gsize pos);

/* --- text --------------------------------------------------------------------------------------------------------- */

/* Namespaces whose elements are looked up as "prefix:name", whatever prefix the document uses. Ends with a NULL
 * prefix. */
typedef struct {
    const char *prefix, *uri;
} VgXmlNamespace;

/*
 * Reads a document whose root is the map's element into a new record. XML_DETAIL: not well formed, a DTD or an entity,
 * too big, too deep; XML_ERROR: another root, a wrong or missing value; CONFIG_UNSUPPORTED. The message has a line and
 * the reason; of the text only names that are known and at most a short value.
 */
void *vg_xml_map_parse(const VgXmlMap *map, const VgXmlNamespace *namespaces, const char *text, guint flags,
                       GError **error);
/* The name of a document's root element, to choose a map by; NULL with XML_DETAIL. Reads no further than it. */
char *vg_xml_root_name(const char *text, GError **error);
/* Appends the element at @indent spaces. */
void vg_xml_map_format(const VgXmlMap *map, const void *object, guint flags, int indent, GString *out);
/* Appends @text with <, >, &, " and ' as entities and without what XML cannot hold. */
void vg_xml_escape(GString *out, const char *text);

/* --- what is known ------------------------------------------------------------------------------------------------ */

/* One call for each row: @path is "disk/driver/@name". Elements within themselves do not occur. */
typedef void (*VgXmlRowFunc)(const char *path, const VgXmlRow *row, gpointer data);
void vg_xml_map_foreach(const VgXmlMap *map, VgXmlRowFunc func, gpointer data);
/* One call for each row marked inert that @object holds a value of; arrays: once. */
void vg_xml_map_inert(const VgXmlMap *map, const void *object, VgXmlRowFunc func, gpointer data);
