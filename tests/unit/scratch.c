/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scratch.c: see scratch.h. Who has a folder holds a lock on it, which the kernel takes back however he ends: one that
 * can be locked is nobody's.
 */
#include "scratch.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "vg-scratch-"

static GHashTable *locks; /* of our folders: name -> descriptor */

static void remove_tree(const char *path) {
    g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_tree(child);
    }
    g_remove(path);
}

/* A descriptor with the lock; -1: somebody has it. */
static int try_lock(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Between its making and its lock another test may have taken it for a leftover. */
static gboolean is_there(const char *dir, int fd) {
    struct stat a, b;
    return fd >= 0 && stat(dir, &a) == 0 && fstat(fd, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static void remove_leftovers(const char *base) {
    g_autoptr(GDir) dir = g_dir_open(base, 0, NULL);
    for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
        g_autofree char *path = g_build_filename(base, name, NULL);
        int fd = g_str_has_prefix(name, PREFIX) ? try_lock(path) : -1;
        if (fd < 0)
            continue;
        remove_tree(path);
        close(fd);
    }
}

char *scratch_new(void) {
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
    if (!locks) {
        locks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        remove_leftovers(base);
    }
    for (;;) {
        char *dir = g_mkdtemp_full(g_build_filename(base, PREFIX "XXXXXX", NULL), 0700);
        g_assert_nonnull(dir);
        int fd = try_lock(dir);
        if (is_there(dir, fd)) {
            g_hash_table_insert(locks, g_strdup(dir), GINT_TO_POINTER(fd));
            return dir;
        }
        if (fd >= 0)
            close(fd);
        g_free(dir);
    }
}

void scratch_remove(const char *dir) {
    gpointer fd;
    remove_tree(dir);
    if (!g_hash_table_lookup_extended(locks, dir, NULL, &fd))
        g_error("%s is none of our folders", dir);
    close(GPOINTER_TO_INT(fd));
    g_hash_table_remove(locks, dir);
}
