/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* scalar.c: values of rows that are one piece of text. */
#include "config.h"
#include "xml/walk.h"

#include <inttypes.h>
#include <string.h>

#include "base/i18n.h"

gint64 vg_row_get_int(const VgXmlRow *row, const void *object) {
    const void *p = VG_MEMBER(object, row);
    switch (row->size) {
    case 1:
        return row->is_signed ? *(const gint8 *)p : *(const guint8 *)p;
    case 2:
        return row->is_signed ? *(const gint16 *)p : *(const guint16 *)p;
    case 4:
        return row->is_signed ? (gint64) * (const gint32 *)p : (gint64) * (const guint32 *)p;
    default:
        return *(const gint64 *)p;
    }
}

static void set_int(const VgXmlRow *row, void *object, gint64 value) {
    void *p = VG_MEMBER(object, row);
    switch (row->size) {
    case 1:
        *(guint8 *)p = (guint8)value;
        break;
    case 2:
        *(guint16 *)p = (guint16)value;
        break;
    case 4:
        *(guint32 *)p = (guint32)value;
        break;
    default:
        *(gint64 *)p = value;
        break;
    }
}

/* Decimal, or hexadecimal after 0x; blanks around it; nothing beyond 2^63. */
static gboolean read_int(const char *text, gint64 *ret) {
    while (g_ascii_isspace(*text))
        text++;
    gboolean negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    if (base == 16)
        text += 2;
    guint64 value = 0;
    int digits = 0;
    for (int digit; (digit = g_ascii_xdigit_value(*text)) >= 0 && digit < base; text++, digits++) {
        if (value > (guint64)(G_MAXINT64 - digit) / (guint64)base)
            return FALSE;
        value = value * (guint64)base + (guint64)digit;
    }
    while (g_ascii_isspace(*text))
        text++;
    *ret = negative ? -(gint64)value : (gint64)value;
    return digits > 0 && *text == '\0';
}

guint64 vg_memory_unit(const char *unit) {
    static const struct {
        const char *name;
        guint64 bytes;
    } units[] = {
        {"kib", 1024},
        {"mib", 1 << 20},
        {"gib", 1 << 30},
        {"tib", 1ull << 40},
        {"k", 1024},
        {"m", 1 << 20},
        {"g", 1 << 30},
        {"t", 1ull << 40},
        {"b", 1},
        {"bytes", 1},
        {"kb", 1000},
        {"mb", 1000 * 1000},
        {"gb", 1000 * 1000 * 1000},
        {"tb", 1000000000000},
        {"p", 1ull << 50},
        {"pib", 1ull << 50},
        {"pb", 1000000000000000},
        {"e", 1ull << 60},
        {"eib", 1ull << 60},
        {"eb", 1000000000000000000},
    };
    if (unit == NULL || *unit == '\0')
        return 1024;
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_ascii_strcasecmp(unit, units[i].name) == 0)
            return units[i].bytes;
    return 0;
}

/* In KiB, rounded up. */
static gboolean set_memory(guint64 *member, const char *text, guint64 scale) {
    gint64 value;
    if (!read_int(text, &value) || value < 0 || scale == 0 || (guint64)value > (G_MAXINT64 - 1023) / scale)
        return FALSE;
    *member = ((guint64)value * scale + 1023) / 1024;
    return TRUE;
}

gboolean vg_row_set_scalar(const VgXmlRow *row, void *object, const char *text, guint64 scale, guint flags) {
    switch (row->kind) {
    case VG_ROW_STRING: {
        char **member = (char **)(void *)VG_MEMBER(object, row);
        g_free(*member);
        *member = *text == '\0' ? NULL : g_strdup(text);
        return TRUE;
    }
    case VG_ROW_ENUM: {
        int value = vg_names_value(row->names, text);
        if (value < 0)
            return FALSE;
        *(int *)(void *)VG_MEMBER(object, row) = value;
        return TRUE;
    }
    case VG_ROW_INT: {
        gint64 value;
        if (!read_int(text, &value) || value < row->min || value > row->max)
            return FALSE;
        set_int(row, object, value);
        return TRUE;
    }
    case VG_ROW_MEMORY:
        return set_memory((guint64 *)(void *)VG_MEMBER(object, row), text, scale);
    case VG_ROW_CUSTOM:
        return row->type->parse(text, VG_MEMBER(object, row), flags);
    default:
        return TRUE;
    }
}

char *vg_row_wants(const VgXmlRow *row) {
    switch (row->kind) {
    case VG_ROW_ENUM: {
        g_autoptr(GString) list = g_string_new(NULL);
        for (int i = 0; i < row->names->count; i++)
            if (row->names->names[i] != NULL)
                g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", row->names->names[i]);
        return g_strdup_printf(_("one of %s"), list->str);
    }
    case VG_ROW_INT:
        if (row->max == G_MAXINT64 || row->max == G_MAXINT32 || row->max == G_MAXUINT32)
            return g_strdup_printf(_("an integer from %" PRId64 " on"), row->min);
        return g_strdup_printf(_("an integer from %" PRId64 " to %" PRId64), row->min, row->max);
    case VG_ROW_MEMORY:
        return g_strdup(_("an amount of memory, with unit= one of b, KiB, MiB, GiB, TiB or KB, MB, GB, TB"));
    case VG_ROW_CUSTOM:
        return g_strdup(_(row->type->what));
    default:
        return g_strdup(_("a text"));
    }
}

gboolean vg_row_is_absent(const VgXmlRow *row, const void *object, const void *fresh) {
    if (row->present > 0 && row->kind != VG_ROW_ARRAY)
        return !*vg_row_present(row, (void *)(gsize)object);
    const void *member = VG_MEMBER(object, row);
    switch (row->kind) {
    case VG_ROW_STRING:
    case VG_ROW_RAW:
    case VG_ROW_POINTER:
        return *(void *const *)member == NULL;
    case VG_ROW_ARRAY:
        return *vg_row_count(row, (void *)(gsize)object) == 0;
    case VG_ROW_ENUM:
        return vg_names_name(row->names, *(const int *)member) == NULL;
    case VG_ROW_FLAG:
        return !*(const gboolean *)member;
    case VG_ROW_MEMORY:
        return *(const guint64 *)member == 0;
    case VG_ROW_INT:
        return vg_row_get_int(row, object) == (fresh == NULL ? 0 : vg_row_get_int(row, fresh));
    default:
        return FALSE;
    }
}
