/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* background.c: the parent stays until the child can be called, so that `virtgridd --daemon && virsh ...` works. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define VG_AREA "daemon"
#include "base/fd.h"
#include "base/i18n.h"
#include "base/log.h"
#include "daemon/daemon.h"

int vg_background_fork(GError **error) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        vg_set_errno(error, errno, "%s", _("cannot make a pipe"));
        return -1;
    }
    pid_t pid = fork();
    if (pid < 0) {
        vg_set_errno(error, errno, "%s", _("cannot go to the background"));
        return -1;
    }
    if (pid > 0) {
        char byte;
        gssize n;
        close(fds[1]);
        do
            n = read(fds[0], &byte, 1);
        while (n < 0 && errno == EINTR);
        _exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(fds[0]);
    setsid();
    if (chdir("/") < 0)
        vg_warn("cannot leave the folder: %s", g_strerror(errno));
    return fds[1];
}

void vg_background_ready(int fd, const char *log) {
    g_auto(VgFd) in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_auto(VgFd) out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0)
        out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    vg_fd_write_all(fd, "r", 1);
    vg_fd_close(fd);
}
