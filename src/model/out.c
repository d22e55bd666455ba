/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* out.c: appends to one string; the only thing it remembers is how deep it is and whether a start tag is unfinished. */
#include "config.h"

#include "model/out.h"

static void escape(GString *text, const char *value) {
    for (const char *p = value; *p; p++) {
        switch (*p) {
        case '<':
            g_string_append(text, "&lt;");
            break;
        case '>':
            g_string_append(text, "&gt;");
            break;
        case '&':
            g_string_append(text, "&amp;");
            break;
        case '"':
            g_string_append(text, "&quot;");
            break;
        case '\'':
            g_string_append(text, "&apos;");
            break;
        default:
            if ((guchar)*p >= 0x20 || *p == '\t' || *p == '\n') /* XML has no way to write the others */
                g_string_append_c(text, *p);
        }
    }
}

static void begin_line(VgOut *out) {
    if (out->tag_open)
        g_string_append(out->text, ">\n");
    out->tag_open = FALSE;
    for (guint i = 0; i < out->depth; i++)
        g_string_append(out->text, "  ");
}

void vg_out_open(VgOut *out, const char *name) {
    begin_line(out);
    g_string_append_printf(out->text, "<%s", name);
    out->depth++;
    out->tag_open = TRUE;
}

void vg_out_close(VgOut *out, const char *name) {
    out->depth--;
    if (out->tag_open) {
        g_string_append(out->text, "/>\n");
        out->tag_open = FALSE;
        return;
    }
    begin_line(out);
    g_string_append_printf(out->text, "</%s>\n", name);
}

void vg_out_attr(VgOut *out, const char *name, const char *value) {
    if (!value)
        return;
    g_string_append_printf(out->text, " %s='", name);
    escape(out->text, value);
    g_string_append_c(out->text, '\'');
}

void vg_out_attrf(VgOut *out, const char *name, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    vg_out_attr(out, name, value);
}

void vg_out_content(VgOut *out, const char *name, const char *value) {
    if (value) {
        g_string_append_c(out->text, '>');
        escape(out->text, value);
        g_string_append_printf(out->text, "</%s>\n", name);
    } else {
        g_string_append(out->text, "/>\n");
    }
    out->depth--;
    out->tag_open = FALSE;
}

void vg_out_leaf(VgOut *out, const char *name, const char *value) {
    if (!value)
        return;
    vg_out_open(out, name);
    vg_out_content(out, name, value);
}

void vg_out_leaff(VgOut *out, const char *name, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    vg_out_leaf(out, name, value);
}

void vg_out_gap(VgOut *out) {
    if (out->tag_open)
        g_string_append(out->text, ">\n");
    out->tag_open = FALSE;
    g_string_append_c(out->text, '\n');
}
