/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caller.h: the other side: a small blocking client of a libvirt RPC program, for gridctl and tests. One thread.
 */
#pragma once

#include <glib.h>

#include "wire/message.h"

typedef struct VgCaller VgCaller;

VgCaller *vg_caller_connect_unix(const char *path, GError **error);
void vg_caller_free(VgCaller *caller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgCaller, vg_caller_free)
int vg_caller_fd(const VgCaller *caller);

/* Sends a call and waits for its reply; events that come meanwhile are dropped. An error reply becomes *error with the
 * server's code and text. */
gboolean vg_caller_call(VgCaller *caller, guint32 program, guint32 version, gint32 procedure, xdrproc_t args_proc,
                        gconstpointer args, xdrproc_t ret_proc, gpointer ret, GError **error);
/* The pieces, for tests of what no real client does. @timeout_ms < 0: no limit. NULL with OPERATION_TIMEOUT or RPC
 * (closed). */
gboolean vg_caller_send(VgCaller *caller, VgMsg *msg, GError **error);
VgMsg *vg_caller_receive(VgCaller *caller, int timeout_ms, GError **error);
