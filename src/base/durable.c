/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* durable.c: one file, replaced so that at every moment either the old or the new version is whole on disk. */
#include "config.h"
#include "base/durable.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/i18n.h"
#define VG_AREA "base"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an effect gives (0 or -1 with errno), or EIO if its fault point says so. */
#define STEP(point, effect) (vg_fault(point) ? (errno = EIO, -1) : (effect))

static gboolean sync_folder_of(const char *path, GError **error) {
    g_autofree char *folder = g_path_get_dirname(path);
    g_auto(VgFd) fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && STEP("durable.fsyncdir", fsync(fd)) == 0)
        return TRUE;
    vg_set_errno(error, errno, _("cannot sync the folder %s"), folder);
    return FALSE;
}

static gboolean write_temporary(const char *path, const char *data, gsize len, GError **error) {
    g_auto(VgFd) fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        vg_set_errno(error, errno, _("cannot create %s"), path);
        return FALSE;
    }
    if (STEP("durable.write", vg_fd_write_all(fd, data, len) ? 0 : -1) < 0) {
        vg_set_errno(error, errno, _("cannot write %s"), path);
        return FALSE;
    }
    if (STEP("durable.fsync", fsync(fd)) < 0) {
        vg_set_errno(error, errno, _("cannot sync %s"), path);
        return FALSE;
    }
    return TRUE;
}

/* PATH.prev becomes another name of PATH. @ret_existed: FALSE if there is no version yet. */
static gboolean keep(const char *path, const char *previous, gboolean *ret_existed, GError **error) {
    if (STEP("durable.keep", unlink(previous)) < 0 && errno != ENOENT) {
        vg_set_errno(error, errno, _("cannot remove %s"), previous);
        return FALSE;
    }
    *ret_existed = link(path, previous) == 0;
    if (*ret_existed || errno == ENOENT)
        return TRUE;
    vg_set_errno(error, errno, _("cannot keep %s as %s"), path, previous);
    return FALSE;
}

static gboolean replace(const char *path, const char *temporary, const char *previous, gboolean keep_previous,
                        GError **error) {
    gboolean existed = access(path, F_OK) == 0;
    if (keep_previous && !keep(path, previous, &existed, error))
        return FALSE;
    if (STEP("durable.rename", rename(temporary, path)) < 0) {
        vg_set_errno(error, errno, _("cannot rename %s to %s"), temporary, path);
        return FALSE;
    }
    if (sync_folder_of(path, error))
        return TRUE;
    if (!existed)
        unlink(path);
    else if (keep_previous && rename(previous, path) < 0)
        vg_warn("cannot bring %s back: %s", previous, g_strerror(errno));
    return FALSE;
}

gboolean vg_durable_write(const char *path, const char *data, gsize len, gboolean keep_previous, GError **error) {
    g_autofree char *temporary = g_strconcat(path, ".new", NULL);
    g_autofree char *previous = g_strconcat(path, ".prev", NULL);
    if (write_temporary(temporary, data, len, error) && replace(path, temporary, previous, keep_previous, error))
        return TRUE;
    unlink(temporary);
    return FALSE;
}

gboolean vg_durable_remove(const char *path, GError **error) {
    g_autofree char *previous = g_strconcat(path, ".prev", NULL);
    if (STEP("durable.remove", unlink(path)) < 0 && errno != ENOENT) {
        vg_set_errno(error, errno, _("cannot remove %s"), path);
        return FALSE;
    }
    if (unlink(previous) < 0 && errno != ENOENT) {
        vg_set_errno(error, errno, _("cannot remove %s"), previous);
        return FALSE;
    }
    g_autofree char *folder = g_path_get_dirname(path);
    return access(folder, F_OK) < 0 || sync_folder_of(path, error);
}

gboolean vg_durable_mkdir(const char *path, GError **error) {
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return TRUE;
    g_autofree char *parent = g_path_get_dirname(path);
    if (!g_str_equal(parent, path) && !vg_durable_mkdir(parent, error))
        return FALSE;
    if (mkdir(path, 0700) < 0) {
        int why = errno;
        if (why == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return TRUE;
        vg_set_errno(error, why, _("cannot make the folder %s"), path);
        return FALSE;
    }
    return sync_folder_of(path, error);
}

gboolean vg_durable_copy_aside(const char *path) {
    gint64 now = vg_clock_real_us() / G_USEC_PER_SEC;
    g_autofree char *aside = g_strdup_printf("%s.corrupt-%" G_GINT64_FORMAT, path, now);
    int failed = link(path, aside);
    for (int again = 1; failed < 0 && errno == EEXIST && again < 100; again++) {
        g_free(aside);
        aside = g_strdup_printf("%s.corrupt-%" G_GINT64_FORMAT ".%d", path, now, again);
        failed = link(path, aside);
    }
    if (failed < 0)
        vg_warn("%s is damaged and cannot be set aside: %s", path, g_strerror(errno));
    else
        vg_warn("%s is damaged: it is kept as %s", path, aside);
    return failed == 0;
}

gboolean vg_durable_set_aside(const char *path) {
    g_autofree char *previous = g_strconcat(path, ".prev", NULL);
    if (!vg_durable_copy_aside(path))
        return FALSE;
    gboolean restored = rename(previous, path) == 0;
    if (!restored)
        unlink(path);
    g_autoptr(GError) error = NULL;
    if (!sync_folder_of(path, &error))
        vg_warn("%s", error->message);
    vg_warn("%s: %s", path, restored ? "the previous version is used" : "there is no previous version");
    return restored;
}
