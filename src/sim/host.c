/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host.c: what DIR/host.json says about the machine, checked. The hypervisor and the simulated kernel are told by the
 * driver what is in it.
 */
#include "sim/host.h"

#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "sim/file.h"
#include "sim/gpus.h"

#define HOST_MAX_BYTES (1024 * 1024)

/* A whole number of host.json: where it goes, what it may be, what it is when absent. */
typedef struct {
    const char *name;
    gsize offset;
    gint64 least, most, fallback;
} HostNumber;

typedef struct {
    guint cpus, sockets, cores, threads, nodes, mhz, memory_mib, dom0_memory_mib, shutdown_ms, build_ms, save_ms;
} HostNumbers;

#define NUMBER(member, least, most, fallback)                                                                          \
    { #member, offsetof(HostNumbers, member), least, most, fallback }
static const HostNumber numbers[] = {
    NUMBER(cpus, 1, 4096, 8),
    NUMBER(sockets, 1, 64, 1),
    NUMBER(cores, 1, 1024, 4),
    NUMBER(threads, 1, 8, 2),
    NUMBER(nodes, 1, 64, 1),
    NUMBER(mhz, 1, 100000, 2600),
    NUMBER(memory_mib, 1024, 64 * 1024 * 1024, 64 * 1024),
    NUMBER(dom0_memory_mib, 128, 1024 * 1024, 4096),
    NUMBER(shutdown_ms, 0, 3600 * 1000, 100),
    NUMBER(build_ms, 0, 60 * 1000, 0),
    NUMBER(save_ms, 0, 60 * 1000, 0),
};

typedef struct {
    const char *name, *fallback;
} HostText;
enum { TEXT_MODEL, TEXT_XEN, TEXT_CAPS };
static const HostText texts[] = {
    [TEXT_MODEL] = {"model", "x86_64"},
    [TEXT_XEN] = {"xen", "4.17.0"},
    [TEXT_CAPS] = {"xen_caps", "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64"},
};

void vg_sim_host_free(VgSimHost *host) {
    if (!host)
        return;
    vg_xen_host_info_clear(&host->info);
    g_strfreev(host->deaf);
    vg_json_free(host->json);
    g_free(host);
}

const VgJson *vg_sim_host_gpus(const VgSimHost *host) {
    return vg_json_get(host->json, "gpus");
}

static VgJson *host_defaults(void) {
    VgJson *json = vg_json_new_object();
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        vg_json_set_string(json, texts[i].name, texts[i].fallback);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        vg_json_set_int(json, numbers[i].name, numbers[i].fallback);
    vg_json_set(json, "deaf", vg_json_new_array());
    vg_json_set(json, "gpus", vg_sim_gpus_default());
    return json;
}

static gboolean read_numbers(HostNumbers *ret, const VgJson *json, const char *path, GError **error) {
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const HostNumber *n = &numbers[i];
        gint64 v = vg_json_get_int(json, n->name, n->fallback);
        if (v < n->least || v > n->most) {
            vg_set_error(error, VG_ERR_INVALID_ARG,
                         _("%s: '%s' is %" PRId64 ", but must lie between %" PRId64 " and %" PRId64), path, n->name, v,
                         n->least, n->most);
            return FALSE;
        }
        *(guint *)(gpointer)((char *)ret + n->offset) = (guint)v;
    }
    if (ret->dom0_memory_mib >= ret->memory_mib) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%s: 'dom0_memory_mib' must be less than 'memory_mib'"), path);
        return FALSE;
    }
    return TRUE;
}

/* "4.17.5" is version 4017000 and extra ".5". */
static gboolean read_version(VgXenHostInfo *info, const char *text, const char *path, GError **error) {
    guint major, minor;
    int end = 0;
    if (sscanf(text, "%3u.%3u%n", &major, &minor, &end) != 2 || major > 999 || minor > 999) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%s: 'xen' is '%s', no version like 4.17.0"), path, text);
        return FALSE;
    }
    info->version = major * 1000000 + minor * 1000;
    info->extra = g_strdup(text + end);
    return TRUE;
}

static char **read_patterns(const VgJson *array) {
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (gsize i = 0; i < vg_json_length(array); i++)
        if (vg_json_string(vg_json_at(array, i)))
            g_strv_builder_add(builder, vg_json_string(vg_json_at(array, i)));
    return g_strv_builder_end(builder);
}

static const char *text_of(const VgJson *json, gsize i) {
    const char *text = vg_json_get_string(json, texts[i].name);
    return text ? text : texts[i].fallback;
}

static gboolean host_fill(VgSimHost *host, const char *path, GError **error) {
    HostNumbers n;
    VgXenHostInfo *info = &host->info;
    if (vg_json_type(host->json) != VG_JSON_OBJECT) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%s: not a JSON object"), path);
        return FALSE;
    }
    if (!read_numbers(&n, host->json, path, error) || !read_version(info, text_of(host->json, TEXT_XEN), path, error))
        return FALSE;
    info->caps = g_strdup(text_of(host->json, TEXT_CAPS));
    info->cpu_model = g_strdup(text_of(host->json, TEXT_MODEL));
    info->scheduler = "credit2";
    info->hvm = strstr(info->caps, "hvm-") != NULL;
    info->pv = strstr(info->caps, "xen-3.0-") != NULL;
    info->hap = vg_json_get_bool(host->json, "hap", info->hvm);
    info->iommu = vg_json_get_bool(host->json, "iommu", info->hvm);
    info->cpus = n.cpus;
    info->sockets = n.sockets;
    info->cores = n.cores;
    info->threads = n.threads;
    info->nodes = n.nodes;
    info->mhz = n.mhz;
    info->cpu_node = g_new(guint32, n.cpus);
    for (guint i = 0; i < n.cpus; i++)
        info->cpu_node[i] = (guint32)((guint64)i * n.nodes / n.cpus);
    info->memory_kib = (guint64)n.memory_mib * 1024;
    host->dom0_kib = (guint64)n.dom0_memory_mib * 1024;
    host->shutdown_ms = n.shutdown_ms;
    host->build_ms = n.build_ms;
    host->save_ms = n.save_ms;
    host->deaf = read_patterns(vg_json_get(host->json, "deaf"));
    return TRUE;
}

static VgJson *host_read(const char *path, GError **error) {
    gsize len = 0;
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, HOST_MAX_BYTES, &len);
    if (text)
        return vg_json_parse(text, len, path, error);
    if (errno != ENOENT) {
        vg_set_errno(error, errno, _("cannot read %s"), path);
        return NULL;
    }
    g_autoptr(VgJson) json = host_defaults();
    g_autofree char *fresh = vg_json_print(json, TRUE);
    if (!vg_sim_file_replace(path, fresh, error))
        return NULL;
    return g_steal_pointer(&json);
}

VgSimHost *vg_sim_host_load(const char *dir, GError **error) {
    g_autofree char *path = g_build_filename(dir, "host.json", NULL);
    if (g_mkdir_with_parents(dir, 0700) < 0) {
        vg_set_errno(error, errno, _("cannot make the simulated host's folder %s"), dir);
        return NULL;
    }
    g_autoptr(VgSimHost) host = g_new0(VgSimHost, 1);
    host->json = host_read(path, error);
    if (!host->json || !host_fill(host, path, error))
        return NULL;
    return g_steal_pointer(&host);
}
