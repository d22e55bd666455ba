/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.c: turns rows of JSON into aligned text. Talks to nobody; the caller prints.
 */
#include "config.h"

#include "gridctl/table.h"

#include "base/i18n.h"

/* --- a cell ------------------------------------------------------------------------------------------------------- */

/* What a server says may hold a guest's own words: no control byte reaches the terminal. */
static char *clean(const char *text) {
    GString *out = g_string_new(NULL);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(out, g_unichar_iscntrl(c) ? '?' : c);
    }
    return g_string_free(out, FALSE);
}

static char *cell_text(const VgJson *value) {
    switch (vg_json_type(value)) {
    case VG_JSON_STRING:
        return clean(vg_json_string(value));
    case VG_JSON_INT:
        return g_strdup_printf("%" G_GINT64_FORMAT, vg_json_int(value, 0));
    case VG_JSON_BOOL:
        return g_strdup(vg_json_bool(value, FALSE) ? _("yes") : _("no"));
    default:
        return NULL;
    }
}

static char *cell_mib(const VgJson *value) {
    if (vg_json_type(value) != VG_JSON_INT)
        return cell_text(value);
    gint64 mib = vg_json_int(value, 0);
    if (mib >= 1024 && mib % 1024 == 0)
        return g_strdup_printf("%" G_GINT64_FORMAT " GiB", mib / 1024);
    return g_strdup_printf("%" G_GINT64_FORMAT " MiB", mib);
}

static char *cell_list(const VgJson *value) {
    if (vg_json_type(value) != VG_JSON_ARRAY)
        return cell_text(value);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < vg_json_length(value); i++) {
        const VgJson *item = vg_json_at(value, i);
        char *word = cell_text(vg_json_type(item) == VG_JSON_OBJECT ? vg_json_get(item, "name") : item);
        if (word)
            g_ptr_array_add(words, word);
    }
    g_ptr_array_add(words, NULL);
    return words->len > 1 ? g_strjoinv(", ", (char **)words->pdata) : NULL;
}

static char *(*const cell_format[VG_CELL_LAST])(const VgJson *value) = {
    [VG_CELL_TEXT] = cell_text,
    [VG_CELL_NUMBER] = cell_text,
    [VG_CELL_MIB] = cell_mib,
    [VG_CELL_LIST] = cell_list,
};

char *vg_table_cell(const VgJson *row, const VgColumn *column) {
    g_auto(GStrv) steps = g_strsplit(column->member, ".", -1);
    for (char **step = steps; *step && row; step++)
        row = vg_json_get(row, *step);
    return row && vg_json_type(row) != VG_JSON_NULL ? cell_format[column->kind](row) : NULL;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void pad(GString *line, const char *text, gsize width, gboolean right, gboolean last) {
    gsize len = (gsize)g_utf8_strlen(text, -1);
    gsize fill = width > len ? width - len : 0;
    for (gsize i = 0; right && i < fill; i++)
        g_string_append_c(line, ' ');
    g_string_append(line, text);
    if (last)
        return;
    for (gsize i = 0; i < (right ? 0 : fill) + 2; i++)
        g_string_append_c(line, ' ');
}

static gsize width_of(char **cells, gsize n_rows, gsize stride, gsize at, const char *title, gboolean *ret_any) {
    gsize width = (gsize)g_utf8_strlen(title, -1);
    *ret_any = FALSE;
    for (gsize i = 0; i < n_rows; i++) {
        const char *text = cells[i * stride + at];
        if (!text)
            continue;
        *ret_any = TRUE;
        width = MAX(width, (gsize)g_utf8_strlen(text, -1));
    }
    return width;
}

char *vg_table_format(const VgJson *rows, const VgColumn *columns, gsize n_columns) {
    gsize n_rows = vg_json_length(rows);
    if (n_rows == 0)
        return g_strdup("");

    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < n_rows; i++)
        for (gsize k = 0; k < n_columns; k++)
            g_ptr_array_add(cells, vg_table_cell(vg_json_at(rows, i), &columns[k]));

    g_autofree gsize *widths = g_new0(gsize, n_columns);
    gsize last = 0;
    for (gsize k = 0; k < n_columns; k++) {
        gboolean any;
        gsize width = width_of((char **)cells->pdata, n_rows, n_columns, k, _(columns[k].title), &any);
        widths[k] = any ? width : 0;
        last = any ? k : last;
    }

    GString *out = g_string_new(NULL);
    for (gsize line = 0; line <= n_rows; line++) {
        for (gsize k = 0; k < n_columns; k++) {
            if (widths[k] == 0)
                continue;
            const char *text = line ? g_ptr_array_index(cells, (line - 1) * n_columns + k) : _(columns[k].title);
            pad(out, text ? text : "-", widths[k], columns[k].kind == VG_CELL_NUMBER, k == last);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
