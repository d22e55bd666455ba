/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fd.c: whole writes, bounded reads. */
#include "config.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void vg_fd_close(int fd) {
    int saved_errno = errno;
    close(fd); /* not again after EINTR: on Linux the number is free by then */
    errno = saved_errno;
}

gboolean vg_fd_write_all(int fd, const void *data, gsize len) {
    const char *p = data;
    while (len > 0) {
        gssize n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        p += n;
        len -= (gsize)n;
    }
    return TRUE;
}

char *vg_fd_read_file(int dirfd, const char *path, gsize max, gsize *ret_len) {
    g_auto(VgFd) fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    /* The size is a guess: the kernel's own files say 0 or 4096 and give what they like. */
    gsize room = MIN(st.st_size > 0 ? (gsize)st.st_size : 0, max) + 1, len = 0;
    g_autofree char *data = g_malloc(room + 1);
    for (;;) {
        gssize n = read(fd, data + len, room - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return NULL;
        if (n == 0)
            break;
        len += (gsize)n;
        if (len > max) {
            errno = EFBIG;
            return NULL;
        }
        if (len == room) {
            room = MIN(room * 2 + 512, max + 1);
            data = g_realloc(data, room + 1);
        }
    }
    data[len] = '\0';
    if (ret_len != NULL)
        *ret_len = len;
    return g_steal_pointer(&data);
}

gboolean vg_fd_try_lock(int fd, gint64 len, gboolean shared, int *ret_holder) {
    struct flock lock = {.l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_len = len};
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return TRUE;
    if (errno != EACCES && errno != EAGAIN)
        return FALSE;
    if (ret_holder)
        *ret_holder = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0 ? lock.l_pid : -1;
    errno = EAGAIN;
    return FALSE;
}
