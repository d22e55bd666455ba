/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sockets.c: where a libvirt client looks for a Xen driver, and our own name. */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define VG_AREA "daemon"
#include "base/fd.h"
#include "base/i18n.h"
#include "base/log.h"
#include "daemon/daemon.h"

typedef struct {
    const char *name;
    gboolean read_only;
    guint mode_real, mode_simulated; /* simulated: the folder is the owner's alone, but he may open it */
} Row;

static const Row rows[] = {
    {"virtxend-sock", FALSE, 0600, 0600},
    {"virtxend-sock-ro", TRUE, 0777, 0666},
    {"virtgridd-sock", FALSE, 0600, 0600},
    {"virtgridd-sock-ro", TRUE, 0777, 0666},
};

/* What systemd calls it, else the last part of its path, is one of our names. -1 if none. */
static int row_of(const char *fd_name, const char *path) {
    g_autofree char *base = g_path_get_basename(path);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_strcmp0(fd_name, rows[i].name) == 0 || strcmp(base, rows[i].name) == 0)
            return (int)i;
    return -1;
}

static gboolean take_one(VgDaemon *daemon, int fd, const char *fd_name, gboolean *taken, GError **error) {
    struct sockaddr_un address = {0};
    socklen_t len = sizeof address - 1;
    int row = -1;
    if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0 && getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        row = row_of(fd_name, address.sun_path);
    if (row < 0 || taken[row]) {
        vg_warn("the socket '%s' handed over by the service manager is none of ours: closed", fd_name);
        vg_fd_close(fd);
        return TRUE;
    }
    taken[row] = TRUE;
    return vg_server_listen_unix(daemon->server, address.sun_path, fd, 0, rows[row].read_only, error);
}

static gboolean take_over(VgDaemon *daemon, gboolean *taken, GError **error) {
    char **names = NULL;
    int n = sd_listen_fds_with_names(TRUE, &names);
    gboolean ok = TRUE;
    for (int i = 0; i < n && ok; i++)
        ok = take_one(daemon, SD_LISTEN_FDS_START + i, names != NULL ? names[i] : "", taken, error);
    for (int i = 0; names != NULL && names[i] != NULL; i++)
        free(names[i]);
    free(names);
    return ok;
}

static gboolean find_group(const char *name, gid_t *ret, GError **error) {
    errno = 0;
    const struct group *group = getgrnam(name);
    if (group == NULL) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("unix_sock_group: there is no group '%s'"), name);
        return FALSE;
    }
    *ret = group->gr_gid;
    return TRUE;
}

static gboolean make_one(VgDaemon *daemon, const Row *row, gid_t gid, GError **error) {
    const VgConfig *config = &daemon->config;
    guint mode = daemon->options.simulate != NULL ? row->mode_simulated : row->mode_real;
    guint wanted = row->read_only ? config->ro_perms : config->rw_perms;
    g_autofree char *path = g_build_filename(daemon->socketdir, row->name, NULL);
    if (!vg_server_listen_unix(daemon->server, path, -1, wanted != G_MAXUINT ? wanted : mode, row->read_only, error))
        return FALSE;
    if (gid != (gid_t)-1 && !row->read_only && chown(path, (uid_t)-1, gid) < 0) {
        vg_set_errno(error, errno, _("cannot give '%s' to the group '%s'"), path, config->socket_group);
        return FALSE;
    }
    return TRUE;
}

gboolean vg_sockets_listen(VgDaemon *daemon, GError **error) {
    gboolean taken[G_N_ELEMENTS(rows)] = {FALSE};
    gid_t gid = (gid_t)-1;
    if (daemon->config.socket_group != NULL && !find_group(daemon->config.socket_group, &gid, error))
        return FALSE;
    if (!take_over(daemon, taken, error))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (!taken[i] && !make_one(daemon, &rows[i], gid, error))
            return FALSE;
    return TRUE;
}
