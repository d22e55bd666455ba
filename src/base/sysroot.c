/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysroot.c: the kernel's files under a root; a writer in the kernel's place, if there is one, gets the writes. */
#include "config.h"
#include "base/sysroot.h"

#include "base/fd.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES 65536

struct VgSysroot {
    char *root;
    VgSysrootWrite writer;
    gpointer data;
};

VgSysroot *vg_sysroot_new(const char *root) {
    VgSysroot *self = g_new0(VgSysroot, 1);
    self->root = g_strdup(root);
    return self;
}

void vg_sysroot_set_writer(VgSysroot *root, VgSysrootWrite writer, gpointer data) {
    root->writer = writer;
    root->data = data;
}

void vg_sysroot_free(VgSysroot *root) {
    if (root == NULL)
        return;
    g_free(root->root);
    g_free(root);
}

const char *vg_sysroot_path(const VgSysroot *root) {
    return root->root;
}

static char *full_path(const VgSysroot *root, const char *path) {
    return g_build_filename(root->root, path, NULL);
}

char *vg_sysroot_read(VgSysroot *root, const char *path) {
    g_autofree char *full = full_path(root, path);
    gsize len;
    char *text = vg_fd_read_file(AT_FDCWD, full, FILE_MAX_BYTES, &len);
    if (text != NULL && len > 0 && text[len - 1] == '\n')
        text[len - 1] = '\0';
    return text;
}

gboolean vg_sysroot_read_int(VgSysroot *root, const char *path, gint64 *ret) {
    g_autofree char *text = vg_sysroot_read(root, path);
    if (text == NULL)
        return FALSE;
    const char *number = g_strstrip(text);
    gboolean hex = g_str_has_prefix(number, "0x") || g_str_has_prefix(number, "0X");
    char *end;
    errno = 0;
    gint64 value = hex ? (gint64)g_ascii_strtoull(number + 2, &end, 16) : g_ascii_strtoll(number, &end, 10);
    if (errno != 0 || *end != '\0' || end == number + (hex ? 2 : 0))
        return FALSE;
    *ret = value;
    return TRUE;
}

gboolean vg_sysroot_write(VgSysroot *root, const char *path, const char *text) {
    if (root->writer != NULL) {
        errno = root->writer(root, path, text, root->data);
        return errno == 0;
    }
    g_autofree char *full = full_path(root, path);
    /* O_TRUNC means nothing to the kernel's files, and makes a plain file hold just this. */
    g_auto(VgFd) fd = open(full, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return FALSE;
    gsize len = strlen(text);
    gssize n;
    do
        n = write(fd, text, len);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && (gsize)n != len) {
        errno = EIO;
        return FALSE;
    }
    return n >= 0;
}

gboolean vg_sysroot_exists(VgSysroot *root, const char *path) {
    g_autofree char *full = full_path(root, path);
    return faccessat(AT_FDCWD, full, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int compare_names(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **vg_sysroot_list(VgSysroot *root, const char *path) {
    g_autofree char *full = full_path(root, path);
    DIR *dir = opendir(full);
    if (dir == NULL)
        return NULL;
    GPtrArray *names = g_ptr_array_new();
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            g_ptr_array_add(names, g_strdup(entry->d_name));
    closedir(dir);
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

char *vg_sysroot_readlink(VgSysroot *root, const char *path) {
    g_autofree char *full = full_path(root, path);
    char target[PATH_MAX];
    gssize n = readlink(full, target, sizeof target);
    if (n == sizeof target)
        errno = ENAMETOOLONG;
    return n < 0 || n == sizeof target ? NULL : g_strndup(target, (gsize)n);
}
