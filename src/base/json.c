/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.c: a tree of values. yajl reads the text and tells of each piece; printing is our own, because yajl's generator
 * neither keeps numbers as they were nor writes empty objects on one line. The only file that knows yajl.
 */
#include "config.h"
#include "base/json.h"

#include "base/error.h"
#include "base/i18n.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define MAX_DEPTH 64
#define MAX_BYTES (64u << 20)
#define INDEX_FROM 16 /* members from which an object keeps a hash of its names */

struct VgJson {
    VgJsonType type;
    char *key; /* in an object */
    union {
        gboolean truth;
        gint64 number;
        struct {
            double value;
            char *text; /* as it was read, so that printing loses nothing */
        } real;
        char *string;
        struct {
            GPtrArray *items;  /* VgJson */
            GHashTable *index; /* key -> VgJson, of large objects */
        } list;
    };
};

static gboolean is_list(const VgJson *json) {
    return json != NULL && (json->type == VG_JSON_ARRAY || json->type == VG_JSON_OBJECT);
}

static VgJson *new_value(VgJsonType type) {
    VgJson *json = g_new0(VgJson, 1);
    json->type = type;
    if (is_list(json))
        json->list.items = g_ptr_array_new_with_free_func((GDestroyNotify)vg_json_free);
    return json;
}

void vg_json_free(VgJson *json) {
    if (json == NULL)
        return;
    if (json->type == VG_JSON_STRING)
        g_free(json->string);
    if (json->type == VG_JSON_DOUBLE)
        g_free(json->real.text);
    if (is_list(json)) {
        g_clear_pointer(&json->list.index, g_hash_table_unref);
        g_ptr_array_unref(json->list.items);
    }
    g_free(json->key);
    g_free(json);
}

VgJsonType vg_json_type(const VgJson *json) {
    return json->type;
}

/* --- objects and arrays ------------------------------------------------------------------------------------------- */

gsize vg_json_length(const VgJson *json) {
    return is_list(json) ? json->list.items->len : 0;
}

const VgJson *vg_json_at(const VgJson *json, gsize i) {
    return i < vg_json_length(json) ? g_ptr_array_index(json->list.items, i) : NULL;
}

const char *vg_json_key(const VgJson *json, gsize i) {
    const VgJson *item = vg_json_at(json, i);
    return item == NULL ? NULL : item->key;
}

static VgJson *find_member(const VgJson *json, const char *name) {
    if (json == NULL || json->type != VG_JSON_OBJECT)
        return NULL;
    if (json->list.index != NULL)
        return g_hash_table_lookup(json->list.index, name);
    for (guint i = 0; i < json->list.items->len; i++) {
        VgJson *item = g_ptr_array_index(json->list.items, i);
        if (strcmp(item->key, name) == 0)
            return item;
    }
    return NULL;
}

static void add_member(VgJson *object, char *key, VgJson *value) {
    value->key = key;
    g_ptr_array_add(object->list.items, value);
    GHashTable *index = object->list.index;
    if (index == NULL && object->list.items->len >= INDEX_FROM) {
        index = object->list.index = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = object->list.items->len; i > 0; i--) { /* backwards: of equal names the first counts */
            VgJson *item = g_ptr_array_index(object->list.items, i - 1);
            g_hash_table_replace(index, item->key, item);
        }
    } else if (index != NULL && !g_hash_table_contains(index, key)) {
        g_hash_table_insert(index, value->key, value);
    }
}

const VgJson *vg_json_get(const VgJson *json, const char *name) {
    return find_member(json, name);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

const char *vg_json_string(const VgJson *json) {
    return json != NULL && json->type == VG_JSON_STRING ? json->string : NULL;
}

gint64 vg_json_int(const VgJson *json, gint64 fallback) {
    return json != NULL && json->type == VG_JSON_INT ? json->number : fallback;
}

static double value_double(const VgJson *json, double fallback) {
    if (json != NULL && json->type == VG_JSON_INT)
        return (double)json->number;
    return json != NULL && json->type == VG_JSON_DOUBLE ? json->real.value : fallback;
}

gboolean vg_json_bool(const VgJson *json, gboolean fallback) {
    return json != NULL && json->type == VG_JSON_BOOL ? json->truth : fallback;
}

const char *vg_json_get_string(const VgJson *json, const char *name) {
    return vg_json_string(find_member(json, name));
}

gint64 vg_json_get_int(const VgJson *json, const char *name, gint64 fallback) {
    return vg_json_int(find_member(json, name), fallback);
}

double vg_json_get_double(const VgJson *json, const char *name, double fallback) {
    return value_double(find_member(json, name), fallback);
}

gboolean vg_json_get_bool(const VgJson *json, const char *name, gboolean fallback) {
    return vg_json_bool(find_member(json, name), fallback);
}

/* --- building ----------------------------------------------------------------------------------------------------- */

VgJson *vg_json_new_null(void) {
    return new_value(VG_JSON_NULL);
}

VgJson *vg_json_new_object(void) {
    return new_value(VG_JSON_OBJECT);
}

VgJson *vg_json_new_array(void) {
    return new_value(VG_JSON_ARRAY);
}

VgJson *vg_json_new_string(const char *text) {
    VgJson *json = new_value(text == NULL ? VG_JSON_NULL : VG_JSON_STRING);
    if (text != NULL)
        json->string = g_strdup(text);
    return json;
}

VgJson *vg_json_new_int(gint64 value) {
    VgJson *json = new_value(VG_JSON_INT);
    json->number = value;
    return json;
}

VgJson *vg_json_new_bool(gboolean value) {
    VgJson *json = new_value(VG_JSON_BOOL);
    json->truth = value != FALSE;
    return json;
}

VgJson *vg_json_set(VgJson *object, const char *name, VgJson *value) {
    VgJson *old = find_member(object, name);
    if (old == NULL) {
        add_member(object, g_strdup(name), value);
        return value;
    }
    for (guint i = 0; i < object->list.items->len; i++) {
        if (g_ptr_array_index(object->list.items, i) != old)
            continue;
        value->key = g_strdup(name);
        object->list.items->pdata[i] = value;
        if (object->list.index != NULL)
            g_hash_table_replace(object->list.index, value->key, value);
        vg_json_free(old);
        break;
    }
    return value;
}

VgJson *vg_json_append(VgJson *array, VgJson *value) {
    g_ptr_array_add(array->list.items, value);
    return value;
}

void vg_json_set_string(VgJson *object, const char *name, const char *text) {
    vg_json_set(object, name, vg_json_new_string(text));
}

void vg_json_set_int(VgJson *object, const char *name, gint64 value) {
    vg_json_set(object, name, vg_json_new_int(value));
}

void vg_json_set_bool(VgJson *object, const char *name, gboolean value) {
    vg_json_set(object, name, vg_json_new_bool(value));
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

typedef struct {
    VgJson *root;
    VgJson *open[MAX_DEPTH]; /* from the root to where we are */
    int depth;
    char *key; /* of the member whose value comes next */
    const char *refusal;
} Reader;

static int refuse(Reader *reader, const char *why) {
    reader->refusal = why;
    return 0;
}

static int take(Reader *reader, VgJson *value) {
    VgJson *parent = reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
    if (parent == NULL)
        reader->root = value;
    else if (parent->type == VG_JSON_OBJECT)
        add_member(parent, g_steal_pointer(&reader->key), value);
    else
        vg_json_append(parent, value);
    return 1;
}

static int on_null(void *ctx) {
    return take(ctx, vg_json_new_null());
}

static int on_bool(void *ctx, int truth) {
    return take(ctx, vg_json_new_bool(truth));
}

static int on_number(void *ctx, const char *text, size_t len) {
    g_autofree char *copy = g_strndup(text, len);
    errno = 0;
    if (strpbrk(copy, ".eE") == NULL) {
        gint64 number = g_ascii_strtoll(copy, NULL, 10);
        if (errno == 0)
            return take(ctx, vg_json_new_int(number));
    }
    double value = g_ascii_strtod(copy, NULL);
    if (!isfinite(value))
        return refuse(ctx, N_("the number is too large"));
    VgJson *json = new_value(VG_JSON_DOUBLE);
    json->real.value = value;
    json->real.text = g_steal_pointer(&copy);
    return take(ctx, json);
}

static int on_string(void *ctx, const unsigned char *text, size_t len) {
    if (memchr(text, '\0', len) != NULL)
        return refuse(ctx, N_("a text contains a NUL character"));
    VgJson *json = new_value(VG_JSON_STRING);
    json->string = g_strndup((const char *)text, len);
    return take(ctx, json);
}

static int on_key(void *ctx, const unsigned char *text, size_t len) {
    if (memchr(text, '\0', len) != NULL)
        return refuse(ctx, N_("a name contains a NUL character"));
    ((Reader *)ctx)->key = g_strndup((const char *)text, len);
    return 1;
}

static int open_list(Reader *reader, VgJsonType type) {
    if (reader->depth == MAX_DEPTH)
        return refuse(reader, N_("more than 64 objects or arrays lie inside each other"));
    VgJson *json = new_value(type);
    take(reader, json);
    reader->open[reader->depth++] = json;
    return 1;
}

static int on_object(void *ctx) {
    return open_list(ctx, VG_JSON_OBJECT);
}

static int on_array(void *ctx) {
    return open_list(ctx, VG_JSON_ARRAY);
}

static int on_end(void *ctx) {
    ((Reader *)ctx)->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

static void report(yajl_handle yajl, const Reader *reader, const char *text, gsize len, const char *what,
                   GError **error) {
    gsize at = MIN(yajl_get_bytes_consumed(yajl), len), line = 1, column = 1;
    for (gsize i = 0; i < at; i++) {
        line += text[i] == '\n';
        column = text[i] == '\n' ? 1 : column + 1;
    }
    unsigned char *theirs = yajl_get_error(yajl, 0, NULL, 0);
    g_autofree char *why = g_strdup(reader->refusal != NULL ? _(reader->refusal) : (const char *)theirs);
    yajl_free_error(yajl, theirs);
    vg_set_error(error, VG_ERR_INVALID_ARG, _("%s: line %zu, column %zu: %s"), what, line, column, g_strchomp(why));
}

VgJson *vg_json_parse(const char *text, gsize len, const char *what, GError **error) {
    if (len > MAX_BYTES) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%s: %zu bytes of JSON, at most %u are read"), what, len, MAX_BYTES);
        return NULL;
    }
    Reader reader = {0};
    yajl_handle yajl = yajl_alloc(&callbacks, NULL, &reader);
    yajl_status status = yajl_parse(yajl, (const unsigned char *)text, len);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(yajl);
    if (status != yajl_status_ok) {
        report(yajl, &reader, text, len, what, error);
        g_clear_pointer(&reader.root, vg_json_free);
    }
    yajl_free(yajl);
    g_free(reader.key);
    return reader.root;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

static void print_string(GString *out, const char *text) {
    g_autofree char *valid = g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
    static const char plain[] = "\b\f\n\r\t\"\\", escape[] = "bfnrt\"\\";
    g_string_append_c(out, '"');
    for (const char *p = valid != NULL ? valid : text; *p != '\0'; p++) {
        const char *special = strchr(plain, *p);
        if (special != NULL)
            g_string_append_printf(out, "\\%c", escape[special - plain]);
        else if ((guchar)*p < 0x20 || *p == 0x7f)
            g_string_append_printf(out, "\\u%04x", (guint)(guchar)*p);
        else
            g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
}

/* @indent: columns, or -1 for everything on one line. */
static void new_line(GString *out, int indent) {
    if (indent >= 0)
        g_string_append_printf(out, "\n%*s", indent, "");
}

static void print_value(GString *out, const VgJson *json, int indent);

static void print_list(GString *out, const VgJson *json, int indent) {
    gboolean object = json->type == VG_JSON_OBJECT;
    int inside = indent < 0 ? -1 : indent + 2;
    g_string_append_c(out, object ? '{' : '[');
    for (guint i = 0; i < json->list.items->len; i++) {
        const VgJson *item = g_ptr_array_index(json->list.items, i);
        if (i > 0)
            g_string_append_c(out, ',');
        new_line(out, inside);
        if (object) {
            print_string(out, item->key);
            g_string_append(out, indent < 0 ? ":" : ": ");
        }
        print_value(out, item, inside);
    }
    if (json->list.items->len > 0)
        new_line(out, indent);
    g_string_append_c(out, object ? '}' : ']');
}

static void print_value(GString *out, const VgJson *json, int indent) {
    switch (json->type) {
    case VG_JSON_NULL:
        g_string_append(out, "null");
        break;
    case VG_JSON_BOOL:
        g_string_append(out, json->truth ? "true" : "false");
        break;
    case VG_JSON_INT:
        g_string_append_printf(out, "%" G_GINT64_FORMAT, json->number);
        break;
    case VG_JSON_DOUBLE:
        g_string_append(out, json->real.text);
        break;
    case VG_JSON_STRING:
        print_string(out, json->string);
        break;
    case VG_JSON_ARRAY:
    case VG_JSON_OBJECT:
        print_list(out, json, indent);
        break;
    }
}

char *vg_json_print(const VgJson *json, gboolean pretty) {
    GString *out = g_string_new(NULL);
    print_value(out, json, pretty ? 0 : -1);
    if (pretty)
        g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}
