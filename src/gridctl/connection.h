/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connection.h: where the daemon listens, and asking it. One question at a time, blocking.
 */
#pragma once

#include <glib.h>

#include "wire/caller.h"

typedef struct {
    char *socket; /* path */
    char *uri;    /* what CONNECT_OPEN gets: "grid:///system" */
} VgTarget;
void vg_target_clear(VgTarget *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgTarget, vg_target_clear)

/* @socket and @uri as given on the command line, NULL if not. Without either: $VIRTGRID_SOCKET, then the installed
 * daemon's socket. */
gboolean vg_target_resolve(const char *socket, const char *uri, VgTarget *ret, GError **error);

/* The server's answer to one query of the grid program: a JSON document. @arg may be NULL. Caller frees. */
char *vg_target_ask(const VgTarget *target, int what, const char *arg, GError **error);

/* For several calls on one connection: of the grid program, and of libvirt's own. */
VgCaller *vg_target_connect(const VgTarget *target, GError **error);
char *vg_link_ask(VgCaller *caller, int what, const char *arg, GError **error);
gboolean vg_link_call(VgCaller *caller, int procedure, xdrproc_t args_proc, gconstpointer args, xdrproc_t ret_proc,
                      gpointer ret, GError **error);

/* Every event of the grid, as it comes, until @func says FALSE or the connection ends; always FALSE with *error. */
typedef gboolean (*VgWatchFunc)(const char *json, gpointer data, GError **error);
gboolean vg_target_watch(const VgTarget *target, VgWatchFunc func, gpointer data, GError **error);
