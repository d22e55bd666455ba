/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connection.c: finds the daemon's socket, opens a connection as any libvirt client does, and calls one procedure of
 * the grid program on it.
 */
#include "config.h"

#include "gridctl/connection.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "proc/grid_xdr.h"
#include "proc/remote_xdr.h"
#include "wire/caller.h"

#define DEFAULT_URI "grid:///system"
#define DEFAULT_SOCKET VG_SOCKETDIR "/virtgridd-sock"
#define LIBVIRT_PROGRAM 0x20008086
#define LIBVIRT_VERSION 1
#define CONNECT_OPEN 1
#define CONNECT_OPEN_READ_ONLY 1
#define AUTH_LIST 66

void vg_target_clear(VgTarget *target) {
    g_free(target->socket);
    g_free(target->uri);
}

static const char *default_socket(void) {
    const char *path = g_getenv("VIRTGRID_SOCKET");
    return path && *path ? path : DEFAULT_SOCKET;
}

/* grid:///system?socket=PATH, or the same with xen. */
static gboolean read_uri(const char *text, VgTarget *ret, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_ENCODED_QUERY, &local);
    if (!uri) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("'%s' is no URI: %s"), text, local->message);
        return FALSE;
    }
    const char *scheme = g_uri_get_scheme(uri), *host = g_uri_get_host(uri);
    if ((strcmp(scheme, "grid") != 0 && strcmp(scheme, "xen") != 0) || (host && *host)) {
        vg_set_error(error, VG_ERR_INVALID_ARG,
                     _("'%s' does not lead to a daemon on this host: gridctl takes grid:///system?socket=PATH"), text);
        return FALSE;
    }
    g_autoptr(GHashTable) params = NULL;
    if (g_uri_get_query(uri)) {
        params = g_uri_parse_params(g_uri_get_query(uri), -1, "&;", G_URI_PARAMS_NONE, &local);
        if (!params) {
            vg_set_error(error, VG_ERR_INVALID_ARG, _("'%s' has parameters that cannot be read: %s"), text,
                         local->message);
            return FALSE;
        }
    }
    const char *path = params ? g_hash_table_lookup(params, "socket") : NULL;
    ret->socket = g_strdup(path ? path : default_socket());
    ret->uri = g_strconcat(scheme, "://", g_uri_get_path(uri), NULL);
    return TRUE;
}

gboolean vg_target_resolve(const char *socket, const char *uri, VgTarget *ret, GError **error) {
    if (uri)
        return read_uri(uri, ret, error);
    ret->socket = g_strdup(socket ? socket : default_socket());
    ret->uri = g_strdup(DEFAULT_URI);
    return TRUE;
}

VgCaller *vg_target_connect(const VgTarget *target, GError **error) {
    g_autoptr(VgCaller) caller = vg_caller_connect_unix(target->socket, error);
    if (!caller) {
        g_prefix_error(error, _("no virtgrid daemon is reached at %s (another one is named with --socket): "),
                       target->socket);
        return NULL;
    }
    remote_auth_list_ret types = {0};
    if (!vg_caller_call(caller, LIBVIRT_PROGRAM, LIBVIRT_VERSION, AUTH_LIST, NULL, NULL,
                        (xdrproc_t)xdr_remote_auth_list_ret, &types, error))
        return NULL;
    xdr_free((xdrproc_t)xdr_remote_auth_list_ret, (char *)&types);

    char *name = target->uri;
    remote_connect_open_args args = {.name = &name,
                                     .flags = g_str_has_suffix(target->socket, "-ro") ? CONNECT_OPEN_READ_ONLY : 0};
    if (!vg_caller_call(caller, LIBVIRT_PROGRAM, LIBVIRT_VERSION, CONNECT_OPEN, (xdrproc_t)xdr_remote_connect_open_args,
                        &args, NULL, NULL, error))
        return NULL;
    return g_steal_pointer(&caller);
}

char *vg_link_ask(VgCaller *caller, int what, const char *arg, GError **error) {
    g_autofree char *copy = g_strdup(arg);
    grid_args args = {.arg = copy ? &copy : NULL};
    grid_ret ret = {0};
    if (!vg_caller_call(caller, GRID_PROGRAM, GRID_VERSION, what, (xdrproc_t)xdr_grid_args, &args,
                        (xdrproc_t)xdr_grid_ret, &ret, error))
        return NULL;
    char *json = g_strdup(ret.json);
    xdr_free((xdrproc_t)xdr_grid_ret, (char *)&ret);
    return json;
}

gboolean vg_link_call(VgCaller *caller, int procedure, xdrproc_t args_proc, gconstpointer args, xdrproc_t ret_proc,
                      gpointer ret, GError **error) {
    return vg_caller_call(caller, LIBVIRT_PROGRAM, LIBVIRT_VERSION, procedure, args_proc, args, ret_proc, ret, error);
}

char *vg_target_ask(const VgTarget *target, int what, const char *arg, GError **error) {
    g_autoptr(VgCaller) caller = vg_target_connect(target, error);
    return caller ? vg_link_ask(caller, what, arg, error) : NULL;
}

static gboolean hear(const VgMsg *msg, VgWatchFunc func, gpointer data, GError **error) {
    const VgMsgHeader *header = vg_msg_header(msg);
    grid_event_msg event = {0};
    if (header->program != GRID_PROGRAM || header->type != VG_MSG_EVENT || header->procedure != GRID_PROC_EVENT)
        return TRUE;
    if (!vg_msg_decode(msg, (xdrproc_t)xdr_grid_event_msg, &event, error))
        return FALSE;
    gboolean more = func(event.json, data, error);
    xdr_free((xdrproc_t)xdr_grid_event_msg, (char *)&event);
    return more;
}

gboolean vg_target_watch(const VgTarget *target, VgWatchFunc func, gpointer data, GError **error) {
    g_autoptr(VgCaller) caller = vg_target_connect(target, error);
    g_autofree char *answer = caller ? vg_link_ask(caller, GRID_PROC_WATCH, NULL, error) : NULL;
    gboolean more = answer != NULL;
    while (more) {
        g_autoptr(VgMsg) msg = vg_caller_receive(caller, -1, error);
        more = msg && hear(msg, func, data, error);
    }
    return FALSE;
}
