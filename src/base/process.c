/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.c: see process.h. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/i18n.h"

enum { STAT_MAX = 4096, START_FIELD = 20 }; /* of the fields after the name */

/* The name may hold blanks and brackets: what counts begins after the last one. */
static gboolean read_start(int pid, guint64 *ret) {
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, STAT_MAX, NULL);
    const char *rest = text ? strrchr(text, ')') : NULL;
    if (!rest)
        return FALSE;
    g_auto(GStrv) fields = g_strsplit(g_strchug((char *)rest + 1), " ", -1);
    return g_strv_length(fields) >= START_FIELD &&
           g_ascii_string_to_unsigned(fields[START_FIELD - 1], 10, 0, G_MAXUINT64, ret, NULL);
}

static gboolean read_boot(char *ret) {
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", VG_PROCESS_BOOT, NULL);
    if (!text)
        return FALSE;
    g_strlcpy(ret, g_strchomp(text), VG_PROCESS_BOOT);
    return TRUE;
}

gboolean vg_process_of(int pid, VgProcess *ret) {
    *ret = (VgProcess){.pid = pid};
    return pid > 0 && read_start(pid, &ret->start) && read_boot(ret->boot);
}

/* ESRCH: it is gone; 0: it is there; anything else: nobody can say. */
static int look_at(const VgProcess *process) {
    VgProcess now;
    errno = 0;
    if (!vg_process_of(process->pid, &now))
        return errno == ENOENT || errno == 0 ? ESRCH : errno;
    return now.start == process->start && strcmp(now.boot, process->boot) == 0 ? 0 : ESRCH;
}

/* First the descriptor, then the look: what was looked at is what it is of. */
int vg_process_open(const VgProcess *process) {
    if (process->pid <= 0) {
        errno = ESRCH;
        return -1;
    }
    g_auto(VgFd) fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (fd < 0)
        return -1;
    int why = look_at(process);
    if (why == 0)
        return vg_fd_steal(&fd);
    vg_fd_clear(&fd);
    errno = why;
    return -1;
}

gboolean vg_process_ended(int fd, guint timeout_ms) {
    gint64 until = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        gint64 left = (until - g_get_monotonic_time() + 999) / 1000;
        int n = poll(&p, 1, (int)CLAMP(left, 0, G_MAXINT));
        if (n > 0)
            return TRUE;
        if ((n == 0 && left <= 0) || (n < 0 && errno != EINTR))
            return FALSE;
    }
}

/* FALSE with an error; one that has ended meanwhile is fine. */
static gboolean tell(int fd, int pid, int number, const char *point, GError **error) {
    if (vg_fault(point))
        errno = EIO;
    else if (syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) == 0 || errno == ESRCH)
        return TRUE;
    vg_set_errno(error, errno, _("process %d cannot be told to end"), pid);
    return FALSE;
}

gboolean vg_process_stop(const VgProcess *process, guint polite_ms, guint force_ms, GError **error) {
    g_auto(VgFd) fd = vg_process_open(process);
    if (fd < 0 && errno != ESRCH) {
        vg_set_errno(error, errno, _("process %d cannot be looked at"), process->pid);
        return FALSE;
    }
    if (fd < 0 || vg_process_ended(fd, 0))
        return TRUE;
    if (!tell(fd, process->pid, SIGTERM, "process.term", error))
        return FALSE;
    if (vg_process_ended(fd, polite_ms))
        return TRUE;
    if (!tell(fd, process->pid, SIGKILL, "process.kill", error))
        return FALSE;
    if (vg_process_ended(fd, force_ms))
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_TIMEOUT,
                 _("process %d was killed and is still there: it waits inside the kernel for a device"), process->pid);
    return FALSE;
}
