/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lock.c: the file is never removed, else two daemons could hold locks on two files of one name. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "daemon/lock.h"

enum { PID_TEXT = 32, PATIENCE_MS = 1000, STEP_MS = 20 };

static gboolean write_pid(int fd, const char *path, GError **error) {
    char text[PID_TEXT];
    g_snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 && vg_fd_write_all(fd, text, strlen(text)))
        return TRUE;
    vg_set_errno(error, errno, _("cannot write the process id to '%s'"), path);
    return FALSE;
}

/* The children of one that was killed take a moment to go, and hold it until then. */
static gboolean lock_soon(int fd) {
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += STEP_MS) {
        if (errno != EWOULDBLOCK || waited >= PATIENCE_MS)
            return FALSE;
        g_usleep(STEP_MS * 1000);
    }
    return TRUE;
}

int vg_lock_take(const char *path, GError **error) {
    g_auto(VgFd) fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        vg_set_errno(error, errno, _("cannot open the lock file '%s'"), path);
        return -1;
    }
    if (!lock_soon(fd)) {
        int errnum = errno;
        char text[PID_TEXT] = "";
        gssize n = pread(fd, text, sizeof text - 1, 0);
        text[MAX(n, 0)] = '\0';
        if (errnum == EWOULDBLOCK)
            vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                         _("another virtgridd serves this host already, process %d (it holds '%s'): stop it first"),
                         atoi(text), path);
        else
            vg_set_errno(error, errnum, _("cannot lock '%s'"), path);
        return -1;
    }
    return write_pid(fd, path, error) ? vg_fd_steal(&fd) : -1;
}

gboolean vg_lock_write_pid(const char *path, GError **error) {
    g_auto(VgFd) fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        vg_set_errno(error, errno, _("cannot open '%s'"), path);
        return FALSE;
    }
    return write_pid(fd, path, error);
}
