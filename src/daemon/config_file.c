/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* config_file.c: one row per key says where its value goes and what it may be. */
#include "config.h"

#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#define VG_AREA "daemon"
#include "base/fd.h"
#include "base/i18n.h"
#include "base/log.h"
#include "daemon/config_file.h"

enum { FILE_MAX = 1024 * 1024 };

typedef enum { NUMBER, SIZE_KIB, SECONDS, MODE, TEXT } Kind;

typedef struct {
    const char *key;
    Kind kind;
    gsize offset;
    gint64 min, max; /* min of a text: its length */
} Row;

#define FIELD(name) offsetof(VgConfig, name)
static const Row rows[] = {
    {"unix_sock_dir", TEXT, FIELD(socket_dir), 1, 0},
    {"unix_sock_group", TEXT, FIELD(socket_group), 1, 0},
    {"libvirt_sock_dir", TEXT, FIELD(libvirt_dir), 0, 0},
    {"unix_sock_rw_perms", MODE, FIELD(rw_perms), 0, 0777},
    {"unix_sock_ro_perms", MODE, FIELD(ro_perms), 0, 0777},
    {"log_level", NUMBER, FIELD(log_level), VG_LOG_DEBUG, VG_LOG_ERROR},
    {"vendor_catalogue", TEXT, FIELD(vendor_catalogue), 1, 0},
    {"vfio_device_model", TEXT, FIELD(vfio_device_model), 1, 0},
    {"emulator", TEXT, FIELD(emulator), 1, 0},
    {"emulator_start_timeout", NUMBER, FIELD(emulator_start_s), 1, 50},
    {"emulator_ready_timeout", NUMBER, FIELD(emulator_ready_s), 1, 3600},
    {"emulator_stop_timeout", NUMBER, FIELD(emulator_stop_s), 1, 600},
    {"device_model", TEXT, FIELD(device_model), 1, 0},
    {"max_clients", NUMBER, FIELD(limits.max_clients), 1, 1000000},
    {"max_anonymous_clients", NUMBER, FIELD(limits.max_anonymous), 1, 1000000},
    {"max_client_requests", NUMBER, FIELD(limits.max_calls), 1, 65536},
    {"max_client_queue_kib", SIZE_KIB, FIELD(limits.max_queue), 64, 1024 * 1024},
    {"keepalive_interval", SECONDS, FIELD(limits.keepalive_us), -1, 3600},
    {"keepalive_count", NUMBER, FIELD(limits.keepalive_count), 1, 1000},
};

void vg_config_init(VgConfig *config) {
    *config = (VgConfig){
        .socket_dir = g_strdup(VG_SOCKETDIR),
        .rw_perms = G_MAXUINT,
        .ro_perms = G_MAXUINT,
        .log_level = VG_LOG_INFO,
        .limits = vg_server_limits,
    };
}

void vg_config_clear(VgConfig *config) {
    g_free(config->socket_dir);
    g_free(config->socket_group);
    g_free(config->libvirt_dir);
    g_free(config->vendor_catalogue);
    g_free(config->vfio_device_model);
    g_free(config->emulator);
    g_free(config->device_model);
    *config = (VgConfig){0};
}

static const Row *find_row(const char *key) {
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].key, key) == 0)
            return &rows[i];
    return NULL;
}

/* The text between the quotes; only blanks and a comment may follow. NULL if it is none. */
static char *quoted(const char *value) {
    const char *end = *value == '"' ? strchr(value + 1, '"') : NULL;
    if (end == NULL)
        return NULL;
    const char *rest = end + 1 + strspn(end + 1, " \t\r");
    return *rest == '\0' || *rest == '#' ? g_strndup(value + 1, (gsize)(end - value - 1)) : NULL;
}

static gboolean number(const char *value, guint base, gint64 *ret) {
    char *end;
    errno = 0;
    *ret = g_ascii_strtoll(value, &end, base);
    if (end == value || errno != 0)
        return FALSE;
    end += strspn(end, " \t\r");
    return *end == '\0' || *end == '#';
}

static gboolean set_text(VgConfig *config, const Row *row, const char *value) {
    char *text = quoted(value);
    if (text == NULL || (gint64)strlen(text) < row->min) {
        g_free(text);
        return FALSE;
    }
    char **field = (char **)(gpointer)((char *)config + row->offset);
    g_free(*field);
    *field = text;
    return TRUE;
}

static gboolean set_number(VgConfig *config, const Row *row, const char *value) {
    g_autofree char *text = row->kind == MODE ? quoted(value) : NULL;
    gint64 n;
    if (!number(text != NULL ? text : value, row->kind == MODE ? 8 : 10, &n) || n < row->min || n > row->max)
        return FALSE;
    gpointer field = (char *)config + row->offset;
    if (row->kind == SIZE_KIB)
        *(gsize *)field = (gsize)n * 1024;
    else
        *(guint *)field = (guint)(row->kind == SECONDS ? MAX(n, 0) * G_USEC_PER_SEC : n);
    return TRUE;
}

static void set_value_error(const Row *row, const char *path, guint line, const char *value, GError **error) {
    if (row->kind == TEXT)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%s:%u: %s takes a text in double quotes, not %s"), path, line,
                     row->key, value);
    else if (row->kind == MODE)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%s:%u: %s takes permissions such as \"0770\", not %s"), path, line,
                     row->key, value);
    else
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%s:%u: %s takes a number from %" PRId64 " to %" PRId64 ", not %s"),
                     path, line, row->key, row->min, row->max, value);
}

static gboolean parse_line(VgConfig *config, char *text, const char *path, guint line, GError **error) {
    text = g_strstrip(text);
    if (*text == '\0' || *text == '#')
        return TRUE;
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%s:%u: not of the form 'key = value'"), path, line);
        return FALSE;
    }
    *equals = '\0';
    const char *key = g_strchomp(text), *value = g_strchug(equals + 1);
    const Row *row = find_row(key);
    if (row == NULL) {
        vg_warn("%s:%u: '%s' is no key this daemon knows: ignored", path, line, key);
        return TRUE;
    }
    if (row->kind == TEXT ? set_text(config, row, value) : set_number(config, row, value))
        return TRUE;
    set_value_error(row, path, line, value, error);
    return FALSE;
}

gboolean vg_config_parse(VgConfig *config, const char *text, const char *path, GError **error) {
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++)
        if (!parse_line(config, lines[i], path, i + 1, error))
            return FALSE;
    return TRUE;
}

gboolean vg_config_load(VgConfig *config, const char *path, gboolean must_exist, GError **error) {
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, FILE_MAX, NULL);
    if (text != NULL)
        return vg_config_parse(config, text, path, error);
    if (errno == ENOENT && !must_exist)
        return TRUE;
    vg_set_errno(error, errno, _("cannot read the configuration '%s'"), path);
    return FALSE;
}
