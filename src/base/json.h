/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.h: a small tree of JSON values over yajl: read, walk, build, print. A value owns its children; what a getter
 * returns belongs to the tree. Numbers keep 64 bits when whole;
 * larger ones and fractions are doubles and print as they were read. Objects keep their order; of equal names the first
 * counts. Depth and size are bounded (64 levels, 64 MiB); a text with a NUL character is refused.
 */
#pragma once

#include <glib.h>

typedef struct VgJson VgJson;
typedef enum {
    VG_JSON_NULL,
    VG_JSON_BOOL,
    VG_JSON_INT,
    VG_JSON_DOUBLE,
    VG_JSON_STRING,
    VG_JSON_ARRAY,
    VG_JSON_OBJECT
} VgJsonType;

/* @what names the source in the error ("host.json"). Code INVALID_ARG, with line and column. */
VgJson *vg_json_parse(const char *text, gsize len, const char *what, GError **error);
void vg_json_free(VgJson *json);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgJson, vg_json_free)

VgJsonType vg_json_type(const VgJson *json);

/* Members of an object: NULL, or the fallback, if @json is NULL or no object, or the member is absent or of another
 * type. */
const VgJson *vg_json_get(const VgJson *json, const char *name);
const char *vg_json_get_string(const VgJson *json, const char *name);
gint64 vg_json_get_int(const VgJson *json, const char *name, gint64 fallback);
double vg_json_get_double(const VgJson *json, const char *name, double fallback);
gboolean vg_json_get_bool(const VgJson *json, const char *name, gboolean fallback);

/* Elements of an array (0 and NULL for anything else), and members of an object by position. */
gsize vg_json_length(const VgJson *json);
const VgJson *vg_json_at(const VgJson *json, gsize i);
const char *vg_json_key(const VgJson *json, gsize i);

/* The value itself. */
const char *vg_json_string(const VgJson *json);
gint64 vg_json_int(const VgJson *json, gint64 fallback);
gboolean vg_json_bool(const VgJson *json, gboolean fallback);

/* Building. set/append take over @value and return it. A NULL string becomes null. */
VgJson *vg_json_new_null(void);
VgJson *vg_json_new_object(void);
VgJson *vg_json_new_array(void);
VgJson *vg_json_new_string(const char *text);
VgJson *vg_json_new_int(gint64 value);
VgJson *vg_json_new_bool(gboolean value);
VgJson *vg_json_set(VgJson *object, const char *name, VgJson *value);
VgJson *vg_json_append(VgJson *array, VgJson *value);
void vg_json_set_string(VgJson *object, const char *name, const char *text);
void vg_json_set_int(VgJson *object, const char *name, gint64 value);
void vg_json_set_bool(VgJson *object, const char *name, gboolean value);

/* @pretty: two spaces and newlines, ends with a newline; else one line, no newline. Caller frees. */
char *vg_json_print(const VgJson *json, gboolean pretty);
