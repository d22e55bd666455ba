/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connect.c: the connection itself (open, features, identity) and what is asked about the host.
 */
#include "config.h"
#include "proc/table.h"

#include "proc/typed_param.h"

#define VG_AREA "proc"
#include "base/log.h"

/* The libvirt whose calls and answers these are; clients print it and compare with it. */
#define LIBVIRT_VERSION 9000000

enum { OPEN_RO = 1, OPEN_NO_ALIASES = 2 };

/* --- open --------------------------------------------------------------------------------------------------------- */

static gboolean has_scheme(const VgDriver *driver, const char *scheme) {
    return scheme != NULL && g_strv_contains(driver->schemes, scheme);
}

/* The canonical "scheme:///path" of what the client asked for; @name may be NULL. */
static char *canonical_uri(const VgDriver *driver, const char *name, GError **error) {
    g_autofree char *scheme = NULL, *host = NULL, *path = NULL;
    if (name == NULL || name[0] == '\0')
        return g_strdup_printf("%s:///system", driver->schemes[0]);
    if (!g_uri_split(name, G_URI_FLAGS_NONE, &scheme, NULL, &host, NULL, &path, NULL, NULL, NULL) ||
        !has_scheme(driver, scheme)) {
        vg_set_error(error, VG_ERR_NO_CONNECT, _("'%s'; this daemon serves %s:///system"), name, driver->schemes[0]);
        return NULL;
    }
    if (host != NULL && host[0] != '\0') {
        vg_set_error(error, VG_ERR_INVALID_ARG,
                     _("'%s' names the host '%s', but this daemon serves only its own; try %s:///system"), name, host,
                     scheme);
        return NULL;
    }
    if (path[0] == '\0' || strcmp(path, "/") == 0 || strcmp(path, "/system") == 0)
        return g_strdup_printf("%s:///system", scheme);
    if (strcmp(path, "/session") == 0) {
        /* A session of one's own exists for our scheme only; libvirt's Xen driver never had one. */
        if (strcmp(scheme, "grid") == 0)
            return g_strdup("grid:///session");
        vg_set_error(error, VG_ERR_INVALID_ARG, _("a Xen host has no sessions per user; try %s:///system"), scheme);
        return NULL;
    }
    vg_set_error(error, VG_ERR_INVALID_ARG, _("unexpected path '%s' in '%s'; try %s:///system"), path, name, scheme);
    return NULL;
}

gboolean vg_do_connect_open(VgCall *call, const remote_connect_open_args *a, remote_void *r, GError **error) {
    VgConn *conn = call->conn;
    if (conn->session != NULL) {
        vg_set_error(error, VG_ERR_INTERNAL_ERROR, _("connection already open"));
        return FALSE;
    }
    if (a->flags & ~(guint)(OPEN_RO | OPEN_NO_ALIASES)) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("unsupported flags (0x%x) in connect_open"), a->flags);
        return FALSE;
    }
    g_autofree char *uri = canonical_uri(call->driver, vg_opt(a->name), error);
    if (uri == NULL)
        return FALSE;
    gboolean read_only = conn->read_only || (a->flags & OPEN_RO);
    VgSession *session = call->driver->open(conn->proc->state, uri, read_only, error);
    if (session == NULL)
        return FALSE;
    conn->session = session;
    conn->read_only = read_only;
    conn->proc->sessions++;
    return TRUE;
}

gboolean vg_do_connect_close(VgCall *call, const remote_void *a, remote_void *r, GError **error) {
    call->conn->closing = TRUE;
    return TRUE;
}

gboolean vg_do_auth_list(VgCall *call, const remote_void *a, remote_auth_list_ret *r, GError **error) {
    r->types.types_val = g_new0(int, 1); /* REMOTE_AUTH_NONE */
    r->types.types_len = 1;
    return TRUE;
}

/* libvirt's virDrvFeature, those we have. */
enum {
    FEATURE_TYPED_PARAM_STRING = 9,
    FEATURE_KEEPALIVE = 10,
    FEATURE_EVENT_CALLBACK = 14,
    FEATURE_CLOSE_CALLBACK = 15
};

gboolean vg_do_connect_supports_feature(VgCall *call, const remote_int *a, remote_int *r, GError **error) {
    /* The only one that is asked before the connection is open; the question itself starts the pings. */
    if (a->value == FEATURE_KEEPALIVE) {
        vg_client_keepalive_start(call->conn->client);
        r->value = 1;
        return TRUE;
    }
    if (call->session == NULL) {
        vg_set_error(error, VG_ERR_INTERNAL_ERROR, _("hypervisor connection not open"));
        return FALSE;
    }
    r->value = a->value == FEATURE_TYPED_PARAM_STRING || a->value == FEATURE_EVENT_CALLBACK ||
               a->value == FEATURE_CLOSE_CALLBACK;
    return TRUE;
}

/* Another libvirt daemon says on whose behalf it calls. Rights here depend on the socket alone, so it is checked and
 * noted. */
gboolean vg_do_connect_set_identity(VgCall *call, const remote_connect_set_identity_args *a, remote_void *r,
                                    GError **error) {
    static const VgParamRule rules[] = {
        {"user-name", VG_PARAM_STRING},       {"unix-user-id", VG_PARAM_ULLONG},
        {"group-name", VG_PARAM_STRING},      {"unix-group-id", VG_PARAM_ULLONG},
        {"process-id", VG_PARAM_LLONG},       {"process-time", VG_PARAM_ULLONG},
        {"sasl-user-name", VG_PARAM_STRING},  {"x509-distinguished-name", VG_PARAM_STRING},
        {"selinux-context", VG_PARAM_STRING},
    };
    if (a->flags != 0) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("unsupported flags (0x%x) in connect_set_identity"), a->flags);
        return FALSE;
    }
    if (!vg_typed_params_check(a->params.params_val, a->params.params_len, rules, G_N_ELEMENTS(rules), error))
        return FALSE;
    vg_debug("client %" G_GUINT64_FORMAT " speaks for another (%u parameters)", vg_client_serial(call->conn->client),
             a->params.params_len);
    return TRUE;
}

/* Ours never loses its hypervisor while clients are connected, so there is no such event to send; every client
 * registers all the same. */
gboolean vg_do_connect_register_close_callback(VgCall *call, const remote_void *a, remote_void *r, GError **error) {
    return TRUE;
}

gboolean vg_do_connect_unregister_close_callback(VgCall *call, const remote_void *a, remote_void *r, GError **error) {
    return TRUE;
}

/* --- the host ----------------------------------------------------------------------------------------------------- */

gboolean vg_do_connect_get_type(VgCall *call, const remote_void *a, remote_text *r, GError **error) {
    return vg_give_text(r, g_strdup(call->driver->type(call->session)));
}

gboolean vg_do_connect_get_version(VgCall *call, const remote_void *a, remote_ulong *r, GError **error) {
    guint64 version = 0;
    if (!call->driver->version(call->session, &version, error))
        return FALSE;
    r->value = version;
    return TRUE;
}

gboolean vg_do_connect_get_lib_version(VgCall *call, const remote_void *a, remote_ulong *r, GError **error) {
    r->value = LIBVIRT_VERSION;
    return TRUE;
}

gboolean vg_do_connect_get_hostname(VgCall *call, const remote_void *a, remote_text *r, GError **error) {
    return vg_give_text(r, call->driver->hostname(call->session, error));
}

gboolean vg_do_connect_get_uri(VgCall *call, const remote_void *a, remote_text *r, GError **error) {
    return vg_give_text(r, call->driver->uri(call->session, error));
}

gboolean vg_do_connect_is_secure(VgCall *call, const remote_void *a, remote_int *r, GError **error) {
    r->value = 1; /* a Unix socket: nobody listens in */
    return TRUE;
}

gboolean vg_do_connect_get_capabilities(VgCall *call, const remote_void *a, remote_text *r, GError **error) {
    return vg_give_text(r, call->driver->capabilities(call->session, error));
}

gboolean vg_do_connect_get_domain_capabilities(VgCall *call, const remote_domcaps_args *a, remote_text *r,
                                               GError **error) {
    return vg_give_text(r, call->driver->domain_capabilities(call->session, vg_opt(a->emulatorbin), vg_opt(a->arch),
                                                             vg_opt(a->machine), vg_opt(a->virttype), a->flags, error));
}

gboolean vg_do_connect_get_max_vcpus(VgCall *call, const remote_maybe_text *a, remote_int *r, GError **error) {
    return call->driver->max_vcpus(call->session, vg_opt(a->text), &r->value, error);
}

gboolean vg_do_node_get_info(VgCall *call, const remote_void *a, remote_node_get_info_ret *r, GError **error) {
    VgNodeInfo info = {0};
    if (!call->driver->node_info(call->session, &info, error))
        return FALSE;
    G_STATIC_ASSERT(sizeof(r->model) == sizeof(info.model));
    memcpy(r->model, info.model, sizeof(r->model));
    r->memory = info.memory_kib;
    r->cpus = info.cpus;
    r->mhz = info.mhz;
    r->nodes = info.nodes;
    r->sockets = info.sockets;
    r->cores = info.cores;
    r->threads = info.threads;
    return TRUE;
}

/* An empty model tells clients not to ask for the label of each domain. */
gboolean vg_do_node_get_security_model(VgCall *call, const remote_void *a, remote_node_get_security_model_ret *r,
                                       GError **error) {
    return TRUE;
}
