/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * out.h: XML text in libvirt's style: two blanks for each level, ' around values, an element without content is <a/>.
 * For the documents that are only written, never read. One thread per VgOut.
 */
#pragma once

#include <glib.h>

typedef struct {
    GString *text;
    guint depth;
    gboolean tag_open; /* attributes may still be added to the last element */
} VgOut;

/* Starts <name; then come its attributes, then its content, then vg_out_close(). */
void vg_out_open(VgOut *out, const char *name);
void vg_out_close(VgOut *out, const char *name);
/* Nothing if @value is NULL. */
void vg_out_attr(VgOut *out, const char *name, const char *value);
void vg_out_attrf(VgOut *out, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* <name>value</name>; nothing if @value is NULL. */
void vg_out_leaf(VgOut *out, const char *name, const char *value);
void vg_out_leaff(VgOut *out, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Closes the element that was just opened with @value as its content; <name .../> if it is NULL. */
void vg_out_content(VgOut *out, const char *name, const char *value);
/* An empty line. */
void vg_out_gap(VgOut *out);
