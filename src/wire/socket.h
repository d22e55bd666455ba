/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* socket.h: UNIX sockets by path. Descriptors come back close-on-exec. */
#pragma once

#include <glib.h>

#define VG_SOCKET_PATH_MAX 107

/*
 * A non-blocking listening socket at @path with mode @mode (never more open than that, not even for a moment). A socket
 * file that nobody listens on is replaced. -1: a path over 107 bytes (INVALID_ARG), somebody listens there or it is no
 * socket (RESOURCE_BUSY), SYSTEM_ERROR.
 */
int vg_socket_listen_unix(const char *path, guint mode, GError **error);

/* A connected socket; without @wait, one that is full is SYSTEM_ERROR at once. -1 with INVALID_ARG or SYSTEM_ERROR. */
int vg_socket_connect_unix(const char *path, gboolean wait, GError **error);

/* Non-blocking and close-on-exec from now on. FALSE with errno. */
gboolean vg_socket_prepare(int fd);
