/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* socket.c: a socket file outlives its daemon, so whether somebody listens is asked of the kernel by connecting. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "wire/socket.h"

enum { BACKLOG = 512 };

G_STATIC_ASSERT(sizeof(((struct sockaddr_un *)NULL)->sun_path) == VG_SOCKET_PATH_MAX + 1);

static gboolean make_address(const char *path, struct sockaddr_un *ret, GError **error) {
    gsize len = strlen(path);
    if (len == 0 || len > VG_SOCKET_PATH_MAX) {
        vg_set_error(
            error, VG_ERR_INVALID_ARG,
            _("the socket's path '%s' has %zu bytes, a UNIX socket's may have 1 to %d: choose a shorter folder"), path,
            len, VG_SOCKET_PATH_MAX);
        return FALSE;
    }
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, path, len + 1);
    return TRUE;
}

static int connect_address(int fd, const struct sockaddr_un *address) {
    return connect(fd, (const struct sockaddr *)address, sizeof *address);
}

/* Removes what a daemon that is gone left at the path. TRUE if the path is free now. */
static gboolean clear_path(const struct sockaddr_un *address, GError **error) {
    const char *path = address->sun_path;
    struct stat st;
    if (lstat(path, &st) < 0) {
        if (errno == ENOENT)
            return TRUE;
        vg_set_errno(error, errno, _("cannot look at the socket's path '%s'"), path);
        return FALSE;
    }
    if (!S_ISSOCK(st.st_mode)) {
        vg_set_error(error, VG_ERR_RESOURCE_BUSY, _("'%s' exists and is no socket: move it away"), path);
        return FALSE;
    }
    g_auto(VgFd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        vg_set_errno(error, errno, "%s", _("cannot make a socket"));
        return FALSE;
    }
    /* EAGAIN says its queue is full: it lives. */
    if (connect_address(fd, address) == 0 || errno == EAGAIN) {
        vg_set_error(error, VG_ERR_RESOURCE_BUSY, _("somebody already listens on '%s': stop that daemon first"), path);
        return FALSE;
    }
    if (errno != ECONNREFUSED && errno != ENOENT) {
        vg_set_errno(error, errno, _("cannot find out whether somebody listens on '%s'"), path);
        return FALSE;
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        vg_set_errno(error, errno, _("cannot remove the stale socket '%s'"), path);
        return FALSE;
    }
    return TRUE;
}

int vg_socket_listen_unix(const char *path, guint mode, GError **error) {
    struct sockaddr_un address;
    if (!make_address(path, &address, error) || !clear_path(&address, error))
        return -1;
    g_auto(VgFd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The file gets the descriptor's mode less the umask; the chmod after it gives back what the umask took. */
    if (fd < 0 || fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0) {
        vg_set_errno(error, errno, _("cannot listen on '%s'"), path);
        return -1;
    }
    return vg_fd_steal(&fd);
}

int vg_socket_connect_unix(const char *path, gboolean wait, GError **error) {
    struct sockaddr_un address;
    if (!make_address(path, &address, error))
        return -1;
    g_auto(VgFd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
    if (fd < 0 || connect_address(fd, &address) < 0) {
        vg_set_errno(error, errno, _("cannot connect to '%s'"), path);
        return -1;
    }
    return vg_fd_steal(&fd);
}

gboolean vg_socket_prepare(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}
