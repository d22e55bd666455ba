/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host.c: sessions, and what is known of the host. */
#include "driver/query.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "base/i18n.h"
#include "model/caps.h"
#include "model/domcaps.h"

static const char *const schemes[] = {"xen", "grid"};

/* "xen:///system" -> "xen"; the path is left in @ret_path. */
static const char *split_uri(const char *uri, const char **ret_path) {
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        gsize len = strlen(schemes[i]);
        if (strncmp(uri, schemes[i], len) == 0 && uri[len] == ':') {
            const char *path = uri + len + 1;
            *ret_path = g_str_has_prefix(path, "//") ? path + 2 : path;
            return schemes[i];
        }
    }
    *ret_path = uri;
    return *uri == '\0' ? schemes[0] : NULL;
}

static gboolean path_ok(const char *scheme, const char *path) {
    return g_str_equal(path, "") || g_str_equal(path, "/") || g_str_equal(path, "/system") ||
           (g_str_equal(scheme, "grid") && g_str_equal(path, "/session"));
}

VgSession *vg_session_open(VgDriverState *hub, const char *uri, gboolean read_only, GError **error) {
    const char *path = NULL;
    const char *scheme = split_uri(uri, &path);
    if (!scheme || !path_ok(scheme, path)) {
        vg_set_error(error, scheme ? VG_ERR_INTERNAL_ERROR : VG_ERR_NO_CONNECT,
                     _("unexpected Xen URI '%s', try xen:///system"), uri);
        return NULL;
    }
    VgSession *session = g_new0(VgSession, 1);
    session->hub = hub;
    session->read_only = read_only;
    session->uri = g_strdup_printf("%s:///%s", scheme, g_str_equal(path, "/session") ? "session" : "system");
    return session;
}

void vg_session_close(VgSession *session) {
    g_free(session->uri);
    g_free(session);
}

const char *vg_host_type(VgSession *session) {
    return "Xen";
}

gboolean vg_host_version(VgSession *session, guint64 *ret, GError **error) {
    *ret = session->hub->info.version;
    return TRUE;
}

char *vg_host_name(VgSession *session, GError **error) {
    return g_strdup(session->hub->hostname);
}

char *vg_host_uri(VgSession *session, GError **error) {
    return g_strdup(session->uri);
}

char *vg_host_capabilities(VgSession *session, GError **error) {
    const VgXenHostInfo *info = &session->hub->info;
    VgCapsInfo caps = {
        .arch = "x86_64",
        .pae = TRUE,
        .sockets = info->sockets,
        .cores = info->cores,
        .threads = info->threads,
        .iommu = info->iommu,
        .nodes = info->nodes,
        .cpus = info->cpus,
        .memory_kib = info->memory_kib,
        .xen_caps = info->caps,
        .emulator = NULL,
        .loader = NULL,
    };
    return vg_caps_format(&caps);
}

char *vg_host_domain_capabilities(VgSession *session, const char *emulator, const char *arch, const char *machine,
                                  const char *virttype, guint flags, GError **error) {
    VgDomcapsInfo info = {
        .emulator = emulator,
        .domain = virttype,
        .machine = machine,
        .arch = arch,
        .vgpu = vg_gpus_count(session->hub->gpus) > 0,
    };
    if (!vg_flags_known(flags, 0, "virConnectGetDomainCapabilities", error))
        return NULL;
    return vg_domcaps_format(&info, error);
}

gboolean vg_host_node_info(VgSession *session, VgNodeInfo *ret, GError **error) {
    const VgXenHostInfo *info = &session->hub->info;
    *ret = (VgNodeInfo){
        .memory_kib = info->memory_kib,
        .cpus = (int)info->cpus,
        .mhz = (int)info->mhz,
        .nodes = (int)info->nodes,
        .sockets = (int)info->sockets,
        .cores = (int)info->cores,
        .threads = (int)info->threads,
    };
    g_strlcpy(ret->model, info->cpu_model ? info->cpu_model : "x86_64", sizeof(ret->model));
    return TRUE;
}

gboolean vg_host_max_vcpus(VgSession *session, const char *type, int *ret, GError **error) {
    *ret = (int)session->hub->info.cpus;
    return TRUE;
}
