/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* savefile.c: the file of a saved guest, written so that it is there whole or not at all, and read with suspicion. */
#include "driver/savefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"

enum { MAGIC = 16, VERSION_AT = MAGIC, LENGTH_AT = 20, VERSION = 2, COPY = 1 << 20 };
static const char magic[MAGIC + 1] = "libvirt-xml\n \0 \r";

/* --- out ---------------------------------------------------------------------------------------------------------- */

static void fill_header(char header[VG_SAVEFILE_HEADER], guint32 xml_len) {
    guint32 version = VERSION;
    memset(header, 0, VG_SAVEFILE_HEADER);
    memcpy(header, magic, MAGIC);
    memcpy(header + VERSION_AT, &version, sizeof version);
    memcpy(header + LENGTH_AT, &xml_len, sizeof xml_len);
}

int vg_savefile_begin(const char *part, const char *xml, GError **error) {
    char header[VG_SAVEFILE_HEADER];
    gsize len = strlen(xml) + 1;
    if (len > VG_SAVEFILE_XML_MAX) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("the domain's XML is too long for a save file"));
        return -1;
    }
    fill_header(header, (guint32)len);
    g_auto(VgFd) fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        vg_set_errno(error, errno, _("cannot create %s"), part);
        return -1;
    }
    if (vg_fault("savefile.begin"))
        errno = EIO;
    else if (vg_fd_write_all(fd, header, sizeof header) && vg_fd_write_all(fd, xml, len))
        return vg_fd_steal(&fd);
    vg_set_errno(error, errno, _("cannot write %s"), part);
    unlink(part);
    return -1;
}

gboolean vg_savefile_sync(int fd, const char *part, GError **error) {
    if (vg_fault("savefile.sync"))
        errno = EIO;
    else if (fsync(fd) == 0)
        return TRUE;
    vg_set_errno(error, errno, _("cannot sync %s"), part);
    return FALSE;
}

static gboolean sync_folder_of(const char *path) {
    g_autofree char *folder = g_path_get_dirname(path);
    g_auto(VgFd) fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (vg_fault("savefile.folder")) {
        errno = EIO;
        return FALSE;
    }
    return fd >= 0 && fsync(fd) == 0;
}

gboolean vg_savefile_keep(const char *part, const char *path, GError **error) {
    if (vg_fault("savefile.rename") ? (errno = EIO, TRUE) : rename(part, path) < 0) {
        vg_set_errno(error, errno, _("cannot rename %s to %s"), part, path);
        return FALSE;
    }
    if (sync_folder_of(path))
        return TRUE;
    vg_set_errno(error, errno, _("cannot sync the folder of %s"), path);
    rename(path, part); /* not unlink: that it is not under its name says that it does not count */
    return FALSE;
}

/* --- in ----------------------------------------------------------------------------------------------------------- */

static gboolean is_no(GError **error, const char *path, const char *what) {
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("'%s' is not the file of a saved guest: %s"), path, what);
    return FALSE;
}

/* The XML's length. */
static gboolean check_header(const char header[VG_SAVEFILE_HEADER], const char *path, guint32 *ret_len,
                             GError **error) {
    guint32 version = 0;
    memcpy(&version, header + VERSION_AT, sizeof version);
    memcpy(ret_len, header + LENGTH_AT, sizeof *ret_len);
    if (memcmp(header, magic, MAGIC) != 0)
        return is_no(error, path, _("image magic is incorrect"));
    if (version != VERSION) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("'%s': image version is not supported (%u, this one reads %d)"),
                     path, version, VERSION);
        return FALSE;
    }
    if (*ret_len < 2 || *ret_len > VG_SAVEFILE_XML_MAX)
        return is_no(error, path, _("the length of its XML is out of range"));
    return TRUE;
}

static gboolean check_xml(const char *xml, guint32 len, const char *path, GError **error) {
    return memchr(xml, '\0', len) == xml + len - 1 || is_no(error, path, _("its XML does not end where it should"));
}

gsize vg_savefile_parse(const char *data, gsize len, char **ret_xml, GError **error) {
    guint32 xml_len = 0;
    if (len < VG_SAVEFILE_HEADER)
        return is_no(error, "data", _("it is too short")), 0;
    if (!check_header(data, "data", &xml_len, error))
        return 0;
    if (xml_len > len - VG_SAVEFILE_HEADER)
        return is_no(error, "data", _("it is too short")), 0;
    if (!check_xml(data + VG_SAVEFILE_HEADER, xml_len, "data", error))
        return 0;
    *ret_xml = g_strndup(data + VG_SAVEFILE_HEADER, xml_len);
    return VG_SAVEFILE_HEADER + (gsize)xml_len;
}

/* FALSE with errno, or 0 if the file ends before. */
static gboolean read_all(int fd, char *data, gsize len) {
    while (len > 0) {
        ssize_t n = read(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : 0;
            return FALSE;
        }
        data += n;
        len -= (gsize)n;
    }
    return TRUE;
}

static gboolean ended(const char *path, GError **error) {
    if (errno == 0)
        return is_no(error, path, _("it is too short"));
    vg_set_errno(error, errno, _("cannot read %s"), path);
    return FALSE;
}

/* A fifo or a device would block, or never end. */
static int open_file(const char *path, struct stat *st, GError **error) {
    g_auto(VgFd) fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, st) < 0) {
        vg_set_errno(error, errno, _("cannot open %s"), path);
        return -1;
    }
    if (!S_ISREG(st->st_mode))
        return is_no(error, path, _("it is no plain file")), -1;
    return vg_fd_steal(&fd);
}

int vg_savefile_open(const char *path, char **ret_xml, GError **error) {
    char header[VG_SAVEFILE_HEADER];
    struct stat st;
    guint32 len = 0;
    g_auto(VgFd) fd = open_file(path, &st, error);
    if (fd < 0)
        return -1;
    if (!read_all(fd, header, sizeof header))
        return ended(path, error), -1;
    if (!check_header(header, path, &len, error))
        return -1;
    if (st.st_size - VG_SAVEFILE_HEADER < (gint64)len)
        return is_no(error, path, _("it is too short")), -1;
    g_autofree char *xml = g_malloc0((gsize)len + 1);
    if (!read_all(fd, xml, len))
        return ended(path, error), -1;
    if (!check_xml(xml, len, path, error))
        return -1;
    *ret_xml = g_steal_pointer(&xml);
    return vg_fd_steal(&fd);
}

/* --- other XML ---------------------------------------------------------------------------------------------------- */

static gboolean copy_rest(int from, int to, const char *part, GError **error) {
    g_autofree char *buffer = g_malloc(COPY);
    for (;;) {
        ssize_t n = read(from, buffer, COPY);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return TRUE;
        if (n < 0 || !vg_fd_write_all(to, buffer, (gsize)n)) {
            vg_set_errno(error, errno, _("cannot write %s"), part);
            return FALSE;
        }
    }
}

gboolean vg_savefile_change(const char *path, const char *xml, GError **error) {
    g_autofree char *old = NULL, *part = g_strconcat(path, ".new", NULL);
    g_auto(VgFd) from = vg_savefile_open(path, &old, error);
    if (from < 0)
        return FALSE;
    unlink(part); /* of one who died at this */
    g_auto(VgFd) to = vg_savefile_begin(part, xml, error);
    if (to < 0)
        return FALSE;
    if (copy_rest(from, to, part, error) && vg_savefile_sync(to, part, error) && vg_savefile_keep(part, path, error))
        return TRUE;
    unlink(part);
    return FALSE;
}
