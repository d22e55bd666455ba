/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.c: the simulated domains on disk. The hypervisor writes a domain after every change; a new daemon reads them
 * all.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "base/json.h"
#include "base/names.h"
#include "sim/domain.h"
#include "sim/file.h"

#define VG_AREA "sim"
#include "base/log.h"

#define DOMAIN_MAX_BYTES (8 * 1024 * 1024)

VG_NAMES(vg_sim_stage_names, VG_SIM_STAGE_LAST, "domain", "named", "built", "disks", "nics", "model", "pci", "done");
VG_NAMES(vg_sim_run_names, VG_XEN_DYING + 1, "running", "blocked", "paused", "shutdown", "dying");
VG_NAMES(vg_sim_reason_names, VG_XEN_SOFT_RESET + 1, "poweroff", "reboot", "suspend", "crash", "watchdog",
         "soft-reset");

gboolean vg_sim_file_replace(const char *path, const char *text, GError **error) {
    g_autofree char *tmp = g_strconcat(path, ".tmp", NULL);
    g_auto(VgFd) fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || !vg_fd_write_all(fd, text, strlen(text)) || rename(tmp, path) < 0) {
        vg_set_errno(error, errno, _("cannot write %s"), path);
        return FALSE;
    }
    return TRUE;
}

void vg_sim_domain_free(VgSimDomain *dom) {
    if (!dom)
        return;
    g_free(dom->name);
    g_free(dom->token);
    g_strfreev(dom->disks);
    g_strfreev(dom->nics);
    g_free(dom->kind);
    g_strfreev(dom->pci);
    g_free(dom);
}

gboolean vg_sim_store_open(const char *dir, GError **error) {
    if (g_mkdir_with_parents(dir, 0700) < 0) {
        vg_set_errno(error, errno, _("cannot make %s"), dir);
        return FALSE;
    }
    return TRUE;
}

static char *domain_path(const char *dir, guint32 domid) {
    return g_strdup_printf("%s/%u.json", dir, domid);
}

static char *config_path(const char *dir, guint32 domid) {
    return g_strdup_printf("%s/%u.libxl.json", dir, domid);
}

/* --- out */

static void set_strings(VgJson *json, const char *member, char **strings) {
    VgJson *array = vg_json_set(json, member, vg_json_new_array());
    for (char **p = strings; p && *p; p++)
        vg_json_append(array, vg_json_new_string(*p));
}

static VgJson *domain_to_json(const VgSimDomain *dom) {
    char uuid[VG_UUID_TEXT];
    VgJson *json = vg_json_new_object();
    vg_json_set_int(json, "domid", dom->domid);
    vg_json_set_string(json, "uuid", vg_uuid_format(&dom->uuid, uuid));
    vg_json_set_string(json, "name", dom->name);
    vg_json_set_string(json, "token", dom->token);
    vg_json_set_string(json, "stage", vg_names_name(&vg_sim_stage_names, (int)dom->stage));
    vg_json_set_string(json, "state", vg_names_name(&vg_sim_run_names, (int)dom->run));
    vg_json_set_string(json, "reason", vg_names_name(&vg_sim_reason_names, (int)dom->reason));
    vg_json_set_int(json, "mem_kib", (gint64)dom->mem_kib);
    vg_json_set_int(json, "max_mem_kib", (gint64)dom->max_mem_kib);
    vg_json_set_int(json, "held_kib", (gint64)dom->held_kib);
    vg_json_set_int(json, "vcpus", dom->vcpus);
    vg_json_set_int(json, "max_vcpus", dom->max_vcpus);
    vg_json_set_int(json, "weight", dom->weight);
    vg_json_set_int(json, "cap", dom->cap);
    vg_json_set_int(json, "cpu_ns", (gint64)dom->cpu_ns);
    vg_json_set_int(json, "since_us", dom->since_us);
    vg_json_set_int(json, "deadline_us", dom->deadline_us);
    vg_json_set_string(json, "deadline", vg_names_name(&vg_sim_reason_names, (int)dom->deadline));
    vg_json_set_int(json, "vnc_port", dom->vnc_port);
    set_strings(json, "disks", dom->disks);
    set_strings(json, "nics", dom->nics);
    set_strings(json, "pci", dom->pci);
    vg_json_set_bool(json, "passthrough", dom->passthrough);
    vg_json_set_string(json, "kind", dom->kind);
    vg_json_set_bool(json, "terminal", dom->terminal);
    return json;
}

gboolean vg_sim_store_write(const char *dir, const VgSimDomain *dom, GError **error) {
    g_autoptr(VgJson) json = domain_to_json(dom);
    g_autofree char *text = vg_json_print(json, TRUE);
    g_autofree char *path = domain_path(dir, dom->domid);
    return vg_sim_file_replace(path, text, error);
}

gboolean vg_sim_store_write_config(const char *dir, guint32 domid, const char *json, GError **error) {
    g_autofree char *path = config_path(dir, domid);
    return vg_sim_file_replace(path, json, error);
}

/* The record last: without it the other file means nothing. */
gboolean vg_sim_store_remove(const char *dir, guint32 domid, GError **error) {
    g_autofree char *config = config_path(dir, domid);
    g_autofree char *path = domain_path(dir, domid);
    if ((unlink(config) < 0 && errno != ENOENT) || (unlink(path) < 0 && errno != ENOENT)) {
        vg_set_errno(error, errno, _("cannot remove %s"), path);
        return FALSE;
    }
    return TRUE;
}

/* --- in */

static char **strings_of(const VgJson *array) {
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (gsize i = 0; i < vg_json_length(array); i++)
        if (vg_json_string(vg_json_at(array, i)))
            g_strv_builder_add(builder, vg_json_string(vg_json_at(array, i)));
    return g_strv_builder_end(builder);
}

static int name_of(const VgJson *json, const char *member, const VgNames *names) {
    const char *text = vg_json_get_string(json, member);
    return text ? vg_names_value(names, text) : -1;
}

static VgSimDomain *domain_from_json(const VgJson *json) {
    g_autoptr(VgSimDomain) dom = g_new0(VgSimDomain, 1);
    const char *uuid = vg_json_get_string(json, "uuid");
    int stage = name_of(json, "stage", &vg_sim_stage_names), run = name_of(json, "state", &vg_sim_run_names);
    int reason = name_of(json, "reason", &vg_sim_reason_names),
        deadline = name_of(json, "deadline", &vg_sim_reason_names);
    gint64 domid = vg_json_get_int(json, "domid", -1);
    if (!uuid || !vg_uuid_parse(uuid, &dom->uuid) || domid < 0 || domid > G_MAXUINT32 || stage < 0 || run < 0 ||
        reason < 0 || deadline < 0)
        return NULL;
    dom->domid = (guint32)domid;
    dom->stage = (VgSimStage)stage;
    dom->run = (VgXenRunState)run;
    dom->reason = (VgXenReason)reason;
    dom->deadline = (VgXenReason)deadline;
    dom->name = g_strdup(vg_json_get_string(json, "name"));
    dom->token = g_strdup(vg_json_get_string(json, "token"));
    dom->mem_kib = (guint64)vg_json_get_int(json, "mem_kib", 0);
    dom->max_mem_kib = (guint64)vg_json_get_int(json, "max_mem_kib", 0);
    dom->held_kib = (guint64)vg_json_get_int(json, "held_kib", 0);
    dom->vcpus = (guint)vg_json_get_int(json, "vcpus", 0);
    dom->max_vcpus = (guint)vg_json_get_int(json, "max_vcpus", dom->vcpus);
    dom->weight = (guint)vg_json_get_int(json, "weight", VG_SIM_WEIGHT);
    dom->cap = (guint)vg_json_get_int(json, "cap", 0);
    dom->cpu_ns = (guint64)vg_json_get_int(json, "cpu_ns", 0);
    dom->since_us = vg_json_get_int(json, "since_us", 0);
    dom->deadline_us = vg_json_get_int(json, "deadline_us", 0);
    dom->vnc_port = (int)vg_json_get_int(json, "vnc_port", -1);
    dom->disks = strings_of(vg_json_get(json, "disks"));
    dom->nics = strings_of(vg_json_get(json, "nics"));
    dom->kind = g_strdup(vg_json_get_string(json, "kind"));
    dom->terminal = vg_json_get_bool(json, "terminal", FALSE);
    dom->pci = strings_of(vg_json_get(json, "pci"));
    dom->passthrough = vg_json_get_bool(json, "passthrough", FALSE);
    return g_steal_pointer(&dom);
}

static VgSimDomain *domain_load(const char *path, GError **error) {
    gsize len = 0;
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, DOMAIN_MAX_BYTES, &len);
    if (!text) {
        vg_set_errno(error, errno, _("cannot read %s"), path);
        return NULL;
    }
    g_autoptr(VgJson) json = vg_json_parse(text, len, path, error);
    if (!json)
        return NULL;
    VgSimDomain *dom = domain_from_json(json);
    if (!dom)
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("%s: not a simulated domain"), path);
    return dom;
}

static int compare_domid(gconstpointer a, gconstpointer b) {
    const VgSimDomain *x = *(VgSimDomain *const *)a, *y = *(VgSimDomain *const *)b;
    return (x->domid > y->domid) - (x->domid < y->domid);
}

/* "17.json", and nothing else, is a domain. */
static gboolean is_record(const char *name) {
    gsize digits = strspn(name, "0123456789");
    return digits > 0 && strcmp(name + digits, ".json") == 0;
}

GPtrArray *vg_sim_store_load(const char *dir, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(GDir) folder = g_dir_open(dir, 0, &local);
    if (!folder) {
        vg_set_error(error, VG_ERR_SYSTEM_ERROR, "%s", local->message);
        return NULL;
    }
    GPtrArray *doms = g_ptr_array_new_with_free_func((GDestroyNotify)vg_sim_domain_free);
    for (const char *name; (name = g_dir_read_name(folder));) {
        if (!is_record(name))
            continue;
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_autoptr(GError) bad = NULL;
        VgSimDomain *dom = domain_load(path, &bad);
        if (dom)
            g_ptr_array_add(doms, dom);
        else
            vg_warn("a simulated domain is lost: %s", bad->message);
    }
    g_ptr_array_sort(doms, compare_domid);
    return doms;
}

gboolean vg_sim_store_next_domid(const char *dir, guint32 *ret, GError **error) {
    g_autofree char *path = g_build_filename(dir, "next-domid", NULL);
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, 64, NULL);
    guint64 next = text ? g_ascii_strtoull(text, NULL, 10) : 1;
    *ret = (guint32)CLAMP(next, 1, 0x7fefu * 1000u);
    g_autofree char *after = g_strdup_printf("%u\n", *ret + 1);
    return vg_sim_file_replace(path, after, error);
}
