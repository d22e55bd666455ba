/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uuid.h: 16 bytes in network order, and the text form. */
#pragma once

#include <glib.h>

#define VG_UUID_LEN 16
#define VG_UUID_TEXT 37 /* with the final NUL */

typedef struct {
    guint8 b[VG_UUID_LEN];
} VgUuid;

/* Accepts what libvirt accepts: 32 hex digits, dashes anywhere between pairs, leading and trailing blanks. */
gboolean vg_uuid_parse(const char *text, VgUuid *ret);
/* Writes lower case with dashes into @text and returns it. */
const char *vg_uuid_format(const VgUuid *uuid, char text[VG_UUID_TEXT]);
/* A random one, version 4. */
void vg_uuid_generate(VgUuid *ret);
gboolean vg_uuid_equal(const VgUuid *a, const VgUuid *b);
gboolean vg_uuid_is_null(const VgUuid *uuid);
/* For GHashTable with VgUuid keys. */
guint vg_uuid_hash(gconstpointer uuid);
gboolean vg_uuid_equal_ptr(gconstpointer a, gconstpointer b);
