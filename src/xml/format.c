/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * format.c: writes a record as libvirt would: single quotes, two spaces a level, an element with nothing to say left
 * out. Everything goes into one buffer; what turns out to be empty is cut off again.
 */
#include "config.h"
#include "xml/walk.h"

#include <string.h>

typedef struct {
    GString *out;
    guint flags;
    int indent;
} Writer;

static const char *entity_of(char c) {
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return ""; /* what XML cannot hold */
    }
}

static gboolean is_plain(guchar c) {
    return (c >= 0x20 || c == '\n' || c == '\t' || c == '\r') && c != '<' && c != '>' && c != '&' && c != '"' &&
           c != '\'';
}

void vg_xml_escape(GString *out, const char *text) {
    const char *start = text;
    for (;; text++) {
        if (is_plain((guchar)*text))
            continue;
        g_string_append_len(out, start, text - start);
        if (*text == '\0')
            return;
        g_string_append(out, entity_of(*text));
        start = text + 1;
    }
}

static void append_indent(Writer *w) {
    static const char blanks[] = "                                                                ";
    for (int left = w->indent; left > 0;) {
        int n = MIN(left, (int)sizeof(blanks) - 1);
        g_string_append_len(w->out, blanks, n);
        left -= n;
    }
}

static void append_uint(GString *out, guint64 value, guint base, guint digits) {
    char text[24], *p = text + sizeof(text);
    while (value > 0 || digits > 0 || p == text + sizeof(text)) {
        *--p = "0123456789abcdef"[value % base];
        value /= base;
        digits -= digits > 0;
    }
    g_string_append_len(out, p, text + sizeof(text) - p);
}

static void append_int(GString *out, const VgXmlRow *row, const void *object) {
    gint64 value = vg_row_get_int(row, object);
    if (row->hex > 0)
        g_string_append(out, "0x");
    if (value < 0)
        g_string_append_c(out, '-');
    append_uint(out, value < 0 ? 0 - (guint64)value : (guint64)value, row->hex > 0 ? 16 : 10, row->hex);
}

/* FALSE: there is no value after all. */
static gboolean append_scalar(Writer *w, const VgXmlRow *row, const void *object) {
    const void *member = VG_MEMBER(object, row);
    switch (row->kind) {
    case VG_ROW_STRING:
        vg_xml_escape(w->out, *(char *const *)member);
        return TRUE;
    case VG_ROW_ENUM:
        g_string_append(w->out, vg_names_name(row->names, *(const int *)member));
        return TRUE;
    case VG_ROW_INT:
        append_int(w->out, row, object);
        return TRUE;
    case VG_ROW_MEMORY:
        append_uint(w->out, *(const guint64 *)member, 10, 0);
        return TRUE;
    case VG_ROW_CUSTOM:
        return row->type->format != NULL && row->type->format(member, w->out, w->flags);
    case VG_ROW_CONST:
        g_string_append(w->out, row->text);
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean is_written(const Writer *w, const VgXmlRow *row, const void *object) {
    if (row->flags & VG_ROW_READ_ONLY)
        return FALSE;
    if ((row->flags & VG_ROW_LIVE) && (w->flags & VG_XML_MAP_INACTIVE))
        return FALSE;
    if ((row->flags & VG_ROW_SECRET) && !(w->flags & VG_XML_MAP_SECURE))
        return FALSE;
    return row->when == NULL || row->when(object, w->flags);
}

static gboolean has_value(const VgXmlRow *row, const void *object, const void *fresh) {
    if (row->flags & VG_ROW_ALWAYS)
        return row->kind != VG_ROW_STRING || *(char *const *)(const void *)VG_MEMBER(object, row) != NULL;
    return !vg_row_is_absent(row, object, fresh);
}

static void write_attribute(Writer *w, const VgXmlRow *row, const void *object) {
    gsize start = w->out->len;
    g_string_append_c(w->out, ' ');
    g_string_append(w->out, row->name + 1);
    g_string_append_len(w->out, "='", 2);
    if (!append_scalar(w, row, object)) {
        g_string_truncate(w->out, start);
        return;
    }
    g_string_append_c(w->out, '\'');
    if (row->kind == VG_ROW_MEMORY)
        g_string_append(w->out, " unit='KiB'");
}

static void write_attributes(Writer *w, const VgXmlMap *map, const void *object, const void *fresh) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++) {
        if (row->kind == VG_ROW_VARIANT) {
            const VgXmlMap *arm = vg_row_arm(row, object);
            if (arm != NULL)
                write_attributes(w, arm, object, fresh);
        } else if (row->kind == VG_ROW_INCLUDE) {
            write_attributes(w, row->map, VG_MEMBER(object, row), vg_row_fresh(row, fresh));
        } else if (vg_row_is_attribute(row) && row->kind != VG_ROW_UNSUPPORTED && has_value(row, object, fresh) &&
                   is_written(w, row, object)) {
            write_attribute(w, row, object);
        }
    }
}

static void write_element(Writer *w, const char *name, const VgXmlMap *map, const void *object, const void *fresh,
                          gboolean even_empty);

static void write_raw(Writer *w, const VgXmlRow *row, const char *text) {
    append_indent(w);
    if (row->flags & VG_ROW_STYLED) {
        for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
            g_string_append_len(w->out, text, end - text + 1);
            if (end[1] != '\0')
                append_indent(w);
        }
        return;
    }
    if (*text == '\0') {
        g_string_append_printf(w->out, "<%s/>\n", row->name);
        return;
    }
    g_string_append_printf(w->out, "<%s>\n", row->name);
    w->indent += 2;
    append_indent(w);
    w->indent -= 2;
    g_string_append(w->out, text);
    g_string_append_c(w->out, '\n');
    append_indent(w);
    g_string_append_printf(w->out, "</%s>\n", row->name);
}

static void write_text_child(Writer *w, const VgXmlRow *row, const void *object) {
    gsize start = w->out->len;
    append_indent(w);
    g_string_append_c(w->out, '<');
    g_string_append(w->out, row->name);
    g_string_append(w->out, row->kind == VG_ROW_MEMORY ? " unit='KiB'>" : ">");
    if (!append_scalar(w, row, object)) {
        g_string_truncate(w->out, start);
        return;
    }
    g_string_append_len(w->out, "</", 2);
    g_string_append(w->out, row->name);
    g_string_append_len(w->out, ">\n", 2);
}

static void write_child(Writer *w, const VgXmlRow *row, const void *object, const void *fresh) {
    void *const *member = (void *const *)(const void *)VG_MEMBER(object, row);
    gboolean even_empty = row->present > 0 || (row->flags & VG_ROW_ALWAYS);
    switch (row->kind) {
    case VG_ROW_GROUP:
        write_element(w, row->name, row->map, object, fresh, even_empty);
        break;
    case VG_ROW_STRUCT:
        write_element(w, row->name, row->map, member, vg_row_fresh(row, fresh), even_empty);
        break;
    case VG_ROW_POINTER:
        write_element(w, row->name, row->map, *member, row->map->fresh, TRUE);
        break;
    case VG_ROW_ARRAY:
        for (gsize i = 0; i < *vg_row_count(row, (void *)(gsize)object); i++)
            write_element(w, row->name, row->map, ((void *const *)*member)[i], row->map->fresh, TRUE);
        break;
    case VG_ROW_FLAG:
        append_indent(w);
        g_string_append_printf(w->out, "<%s/>\n", row->name);
        break;
    case VG_ROW_RAW:
        write_raw(w, row, *member);
        break;
    default:
        write_text_child(w, row, object);
        break;
    }
}

static void write_children(Writer *w, const VgXmlMap *map, const void *object, const void *fresh) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++) {
        if (row->kind == VG_ROW_VARIANT) {
            const VgXmlMap *arm = vg_row_arm(row, object);
            if (arm != NULL)
                write_children(w, arm, object, fresh);
        } else if (row->kind == VG_ROW_INCLUDE) {
            write_children(w, row->map, VG_MEMBER(object, row), vg_row_fresh(row, fresh));
        } else if (row->name[0] != '@' && row->name[0] != '\0' && row->kind != VG_ROW_UNSUPPORTED &&
                   has_value(row, object, fresh) && is_written(w, row, object)) {
            write_child(w, row, object, fresh);
        }
    }
}

static const VgXmlRow *text_row(const VgXmlMap *map) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++)
        if (row->name[0] == '\0' && row->kind != VG_ROW_VARIANT && row->kind != VG_ROW_INCLUDE)
            return row;
    return NULL;
}

static void write_element(Writer *w, const char *name, const VgXmlMap *map, const void *object, const void *fresh,
                          gboolean even_empty) {
    if (map->when != NULL && !map->when(object, w->flags))
        return;
    gsize start = w->out->len;
    append_indent(w);
    g_string_append_c(w->out, '<');
    g_string_append(w->out, name);
    gsize named = w->out->len;
    write_attributes(w, map, object, fresh);
    gsize attributed = w->out->len;
    const VgXmlRow *text = text_row(map);
    if (text != NULL && has_value(text, object, fresh) && is_written(w, text, object)) {
        g_string_append_c(w->out, '>');
        append_scalar(w, text, object);
    } else {
        g_string_append_len(w->out, ">\n", 2);
        gsize body = w->out->len;
        w->indent += 2;
        write_children(w, map, object, fresh);
        w->indent -= 2;
        if (w->out->len == body) {
            gboolean empty = attributed == named && !even_empty;
            g_string_truncate(w->out, empty ? start : attributed);
            if (!empty)
                g_string_append_len(w->out, "/>\n", 3);
            return;
        }
        append_indent(w);
    }
    g_string_append_len(w->out, "</", 2);
    g_string_append(w->out, name);
    g_string_append_len(w->out, ">\n", 2);
}

void vg_xml_map_format(const VgXmlMap *map, const void *object, guint flags, int indent, GString *out) {
    Writer w = {.out = out, .flags = flags, .indent = indent};
    write_element(&w, map->name, map, object, map->fresh, TRUE);
}
