/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * real.c: the real host. Exactly one manager drives Xen: the lock is the one that libvirt's own Xen driver takes, so
 * that neither can run beside the other. It belongs to the open file: it ends with the process, and the threads of this
 * one cannot lose it by closing another descriptor of the file.
 */
#include "driver/real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "driver/emulators.h"
#include "gpu/host_real.h"
#include "xen/ops_libxl.h"

#define MANAGER_DIR VG_SOCKETDIR "/libxl"
#define MANAGER_LOCK MANAGER_DIR "/driver.pid"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

enum { PID_TEXT = 32, COMM_MAX = 64, BOOT_ID_MAX = 128 };

static void refuse_beside(int fd, int holder, GError **error) {
    char text[PID_TEXT] = "";
    gssize n = pread(fd, text, sizeof text - 1, 0);
    text[MAX(n, 0)] = '\0';
    int pid = holder > 0 ? holder : atoi(text);
    g_autofree char *path = g_strdup_printf("/proc/%d/comm", pid);
    g_autofree char *comm = vg_fd_read_file(AT_FDCWD, path, COMM_MAX, NULL);
    vg_set_error(
        error, VG_ERR_RESOURCE_BUSY,
        _("'%s', process %d, drives Xen on this host already (it holds '%s'): only one manager may; stop it and "
          "see that it does not start again, as with 'systemctl disable --now libvirtd virtxend virtxend.socket'"),
        comm ? g_strchomp(comm) : _("another program"), pid, MANAGER_LOCK);
}

static gboolean take_manager_lock(VgFd *ret, GError **error) {
    char pid[PID_TEXT];
    int holder = -1;
    g_mkdir_with_parents(MANAGER_DIR, 0755);
    g_auto(VgFd) fd = open(MANAGER_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        vg_set_errno(error, errno, _("cannot open '%s'"), MANAGER_LOCK);
        return FALSE;
    }
    if (!vg_fd_try_lock(fd, 1, FALSE, &holder)) {
        if (errno == EAGAIN)
            refuse_beside(fd, holder, error);
        else
            vg_set_errno(error, errno, _("cannot lock '%s'"), MANAGER_LOCK);
        return FALSE;
    }
    g_snprintf(pid, sizeof pid, "%d", (int)getpid());
    if (ftruncate(fd, 0) < 0 || !vg_fd_write_all(fd, pid, strlen(pid))) {
        vg_set_errno(error, errno, _("cannot write the process id to '%s'"), MANAGER_LOCK);
        return FALSE;
    }
    *ret = vg_fd_steal(&fd);
    return TRUE;
}

gboolean vg_real_open(VgDriverState *hub, VgGpuHost **ret_gpus, GError **error) {
    VgXenHostInfo info = {0};
    if (!take_manager_lock(&hub->manager, error))
        return FALSE;
    hub->boot_id = vg_fd_read_file(AT_FDCWD, BOOT_ID, BOOT_ID_MAX, NULL);
    if (!hub->boot_id) {
        vg_set_errno(error, errno, _("cannot read '%s'"), BOOT_ID);
        return FALSE;
    }
    g_strchomp(hub->boot_id);
    hub->xen = vg_xen_libxl_new(error);
    if (!hub->xen || !hub->xen->ops->host_info(hub->xen, &info, error))
        return FALSE;
    *ret_gpus = vg_gpu_host_real_new(hub->vfio_model != NULL, vg_emulators_program(hub));
    (*ret_gpus)->iommu = info.iommu;
    vg_xen_host_info_clear(&info);
    return TRUE;
}
