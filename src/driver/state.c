/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* state.c: live status files. */
#include "driver/state.h"

#include <fcntl.h>
#include <string.h>

#include "base/durable.h"
#include "base/fd.h"
#include "base/json.h"

#define VG_AREA "driver"
#include "base/log.h"

#define STATUS_MAX (64u << 20)

void vg_status_clear(VgStatus *status) {
    g_free(status->name);
    g_free(status->boot);
    g_free(status->token);
    g_free(status->xml);
    g_free(status->device);
    g_strfreev(status->pcidevs);
    g_free(status->saving);
    g_free(status->image);
    *status = (VgStatus){.domid = -1};
}

void vg_status_free_all(VgStatus *all, gsize n) {
    for (gsize i = 0; i < n; i++)
        vg_status_clear(&all[i]);
    g_free(all);
}

static char *status_path(const char *dir, const VgUuid *uuid) {
    char text[VG_UUID_TEXT];
    g_autofree char *name = g_strconcat(vg_uuid_format(uuid, text), ".json", NULL);
    return g_build_filename(dir, name, NULL);
}

gboolean vg_status_write(const char *dir, const VgStatus *status, GError **error) {
    char uuid[VG_UUID_TEXT];
    g_autoptr(VgJson) json = vg_json_new_object();
    vg_json_set_int(json, "version", 1);
    vg_json_set_string(json, "uuid", vg_uuid_format(&status->uuid, uuid));
    vg_json_set_string(json, "name", status->name);
    vg_json_set_string(json, "boot", status->boot);
    vg_json_set_string(json, "token", status->token);
    vg_json_set_bool(json, "recorded", status->recorded);
    vg_json_set_bool(json, "paused", status->paused);
    if (status->recorded) {
        vg_json_set_int(json, "domid", status->domid);
        vg_json_set_string(json, "xml", status->xml);
    }
    VgJson *lent = status->pcidevs ? vg_json_set(json, "pcidevs", vg_json_new_array()) : NULL;
    for (char **address = status->pcidevs; address && *address; address++)
        vg_json_append(lent, vg_json_new_string(*address));
    if (status->saving)
        vg_json_set_string(json, "saving", status->saving);
    if (status->image)
        vg_json_set_string(json, "image", status->image);
    if (status->device) {
        vg_json_set_string(json, "device", status->device);
        vg_json_set_bool(json, "medium", status->medium);
    }
    g_autofree char *text = vg_json_print(json, TRUE);
    g_autofree char *path = status_path(dir, &status->uuid);
    return vg_durable_write(path, text, strlen(text), FALSE, error);
}

gboolean vg_status_remove(const char *dir, const VgUuid *uuid, GError **error) {
    g_autofree char *path = status_path(dir, uuid);
    return vg_durable_remove(path, error);
}

static char **strings_of(const VgJson *array) {
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (gsize i = 0; i < vg_json_length(array); i++)
        if (vg_json_string(vg_json_at(array, i)))
            g_strv_builder_add(builder, vg_json_string(vg_json_at(array, i)));
    return g_strv_builder_end(builder);
}

static gboolean parse_status(const VgJson *json, VgStatus *ret) {
    const char *uuid = vg_json_get_string(json, "uuid");
    *ret = (VgStatus){
        .name = g_strdup(vg_json_get_string(json, "name")),
        .boot = g_strdup(vg_json_get_string(json, "boot")),
        .token = g_strdup(vg_json_get_string(json, "token")),
        .recorded = vg_json_get_bool(json, "recorded", FALSE),
        .paused = vg_json_get_bool(json, "paused", FALSE),
        .domid = (int)vg_json_get_int(json, "domid", -1),
        .xml = g_strdup(vg_json_get_string(json, "xml")),
        .device = g_strdup(vg_json_get_string(json, "device")),
        .pcidevs = strings_of(vg_json_get(json, "pcidevs")),
        .saving = g_strdup(vg_json_get_string(json, "saving")),
        .image = g_strdup(vg_json_get_string(json, "image")),
        .medium = vg_json_get_bool(json, "medium", FALSE),
    };
    if (uuid && vg_uuid_parse(uuid, &ret->uuid) && ret->name && ret->boot && ret->token && (!ret->recorded || ret->xml))
        return TRUE;
    vg_status_clear(ret);
    return FALSE;
}

static gboolean read_status(const char *path, VgStatus *ret) {
    gsize len = 0;
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, STATUS_MAX, &len);
    if (!text) {
        vg_warn("cannot read %s: %s", path, g_strerror(errno));
        return FALSE;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) json = vg_json_parse(text, len, path, &error);
    if (json && parse_status(json, ret))
        return TRUE;
    vg_warn("%s is no live status: %s", path, error ? error->message : "members are missing");
    vg_durable_set_aside(path);
    return FALSE;
}

VgStatus *vg_status_read_all(const char *dir, gsize *ret_n) {
    GArray *all = g_array_new(FALSE, TRUE, sizeof(VgStatus));
    g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
    for (const char *name = folder ? g_dir_read_name(folder) : NULL; name; name = g_dir_read_name(folder)) {
        VgStatus status;
        g_autofree char *path = g_build_filename(dir, name, NULL);
        if (g_str_has_suffix(name, ".json") && read_status(path, &status))
            g_array_append_val(all, status);
    }
    *ret_n = all->len;
    return (VgStatus *)(void *)g_array_free(all, FALSE);
}
