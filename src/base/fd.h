/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fd.h: descriptors that close themselves, and reads that are bounded. */
#pragma once

#include <glib.h>

/* g_auto(VgFd) fd = -1; closes at the end of the scope, errno kept. */
typedef int VgFd;
void vg_fd_close(int fd);
static inline void vg_fd_clear(VgFd *fd) {
    if (*fd >= 0)
        vg_fd_close(*fd);
    *fd = -1;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgFd, vg_fd_clear)

static inline int vg_fd_steal(VgFd *fd) {
    int r = *fd;
    *fd = -1;
    return r;
}

/* All of @len bytes, through EINTR and short writes. FALSE with errno set. */
gboolean vg_fd_write_all(int fd, const void *data, gsize len);

/*
 * Locks the first @len bytes (0: all) for this open file, alone or shared; meets the record locks of other programs,
 * and other open files of this process. FALSE with errno: EAGAIN if another has it, and then its process in
 * @ret_holder, -1 if unknown (may be NULL).
 */
gboolean vg_fd_try_lock(int fd, gint64 len, gboolean shared, int *ret_holder);

/* The whole file at @path relative to @dirfd (or AT_FDCWD), NUL terminated, at most @max bytes. NULL with errno (EFBIG
 * if larger). */
char *vg_fd_read_file(int dirfd, const char *path, gsize max, gsize *ret_len);
