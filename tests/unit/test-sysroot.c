/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sysroot.c: a small tree in the place of the kernel's, and the kernel's own. */
#include "config.h"
#include "base/sysroot.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *dir;
    VgSysroot *root;
} Tree;

static void put(const Tree *tree, const char *name, const char *text) {
    g_autofree char *path = g_build_filename(tree->dir, name, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void tree_open(Tree *tree, gconstpointer unused) {
    tree->dir = g_dir_make_tmp("vg-sysroot-XXXXXX", NULL);
    tree->root = vg_sysroot_new(tree->dir);
}

static void tree_close(Tree *tree, gconstpointer unused) {
    g_auto(GStrv) names = vg_sysroot_list(tree->root, ".");
    for (int i = 0; names[i] != NULL; i++) {
        g_autofree char *path = g_build_filename(tree->dir, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(tree->dir);
    g_free(tree->dir);
    vg_sysroot_free(tree->root);
}

static void test_read(Tree *tree, gconstpointer unused) {
    put(tree, "name", "GRID K1\n");
    put(tree, "two", "a\nb\n\n");
    put(tree, "empty", "");
    g_autofree char *name = vg_sysroot_read(tree->root, "name"), *two = vg_sysroot_read(tree->root, "two");
    g_autofree char *empty = vg_sysroot_read(tree->root, "empty");
    g_assert_cmpstr(name, ==, "GRID K1");
    g_assert_cmpstr(two, ==, "a\nb\n");
    g_assert_cmpstr(empty, ==, "");
    g_assert_null(vg_sysroot_read(tree->root, "none"));
    g_assert_cmpint(errno, ==, ENOENT);
    g_autofree char *large = g_strnfill(65537, 'x');
    put(tree, "large", large);
    g_assert_null(vg_sysroot_read(tree->root, "large"));
    g_assert_cmpint(errno, ==, EFBIG);
    large[65536] = '\0';
    put(tree, "large", large);
    g_autofree char *fits = vg_sysroot_read(tree->root, "large");
    g_assert_cmpstr(fits, ==, large);
}

static void test_int(Tree *tree, gconstpointer unused) {
    static const struct {
        const char *text;
        gint64 value; /* -99: no number */
    } cases[] = {
        {"42\n", 42},
        {"0x10de\n", 0x10de},
        {" -1 \n", -1},
        {"0", 0},
        {"", -99},
        {"0x", -99},
        {"12a", -99},
        {"x", -99},
        {"99999999999999999999", -99},
        {"9223372036854775807", G_MAXINT64},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 value = -99;
        put(tree, "n", cases[i].text);
        g_assert_cmpint(vg_sysroot_read_int(tree->root, "n", &value), ==, cases[i].value != -99);
        g_assert_cmpint(value, ==, cases[i].value);
    }
    gint64 value;
    g_assert_false(vg_sysroot_read_int(tree->root, "none", &value));
}

static void test_write(Tree *tree, gconstpointer unused) {
    put(tree, "create", "something long");
    g_assert_true(vg_sysroot_write(tree->root, "create", "short"));
    g_autofree char *text = vg_sysroot_read(tree->root, "create");
    g_assert_cmpstr(text, ==, "short");
    g_assert_false(vg_sysroot_write(tree->root, "none", "x")); /* the kernel makes files, writers do not */
    g_assert_cmpint(errno, ==, ENOENT);
    g_assert_false(vg_sysroot_exists(tree->root, "none"));
}

/* As a kernel would: a write to "create" makes a device, one to "remove" takes it away. */
static int kernel(VgSysroot *root, const char *path, const char *text, gpointer data) {
    Tree *tree = data;
    g_autofree char *device = g_build_filename(vg_sysroot_path(root), text, NULL);
    if (strcmp(path, "remove") == 0)
        return g_unlink(device) == 0 ? 0 : errno;
    if (strcmp(path, "create") != 0)
        return EACCES;
    if (vg_sysroot_exists(root, text))
        return EEXIST;
    put(tree, text, "");
    return 0;
}

static void test_writer(Tree *tree, gconstpointer unused) {
    vg_sysroot_set_writer(tree->root, kernel, tree);
    g_assert_true(vg_sysroot_write(tree->root, "create", "dev1"));
    g_assert_true(vg_sysroot_exists(tree->root, "dev1"));
    g_assert_false(vg_sysroot_write(tree->root, "create", "dev1"));
    g_assert_cmpint(errno, ==, EEXIST);
    g_assert_true(vg_sysroot_write(tree->root, "remove", "dev1"));
    g_assert_false(vg_sysroot_exists(tree->root, "dev1"));
    g_assert_false(vg_sysroot_write(tree->root, "other", "x"));
    g_assert_cmpint(errno, ==, EACCES);
    vg_sysroot_set_writer(tree->root, NULL, NULL);
    g_assert_false(vg_sysroot_write(tree->root, "create", "dev1"));
}

static void test_list(Tree *tree, gconstpointer unused) {
    static const char *const names[] = {"b", "a", ".c", "0000:10:00.0", "0000:05:00.0"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        put(tree, names[i], "");
    g_autofree char *link = g_build_filename(tree->dir, "driver", NULL);
    g_assert_cmpint(symlink("../../bus/pci/drivers/none", link), ==, 0);
    g_auto(GStrv) listed = vg_sysroot_list(tree->root, "");
    g_autofree char *all = g_strjoinv(" ", listed);
    g_assert_cmpstr(all, ==, ".c 0000:05:00.0 0000:10:00.0 a b driver");
    g_assert_null(vg_sysroot_list(tree->root, "none"));
    g_assert_cmpint(errno, ==, ENOENT);
    g_autofree char *target = vg_sysroot_readlink(tree->root, "driver");
    g_assert_cmpstr(target, ==, "../../bus/pci/drivers/none");
    g_assert_true(vg_sysroot_exists(tree->root, "driver")); /* the link is there, whatever it names */
    g_assert_null(vg_sysroot_readlink(tree->root, "a"));
    g_assert_cmpint(errno, ==, EINVAL);
}

/* A file of the kernel's that says it has no bytes. */
static void test_kernel(void) {
    g_autoptr(VgSysroot) root = vg_sysroot_new("/");
    g_autofree char *status = vg_sysroot_read(root, "proc/self/status");
    g_assert_nonnull(strstr(status, "Name:\ttest-sysroot"));
    gint64 max;
    g_assert_true(vg_sysroot_read_int(root, "proc/sys/kernel/pid_max", &max));
    g_assert_cmpint(max, >, 0);
}

static void test_fd(Tree *tree, gconstpointer unused) {
    put(tree, "f", "0123456789");
    g_autofree char *path = g_build_filename(tree->dir, "f", NULL);
    gsize len = 0;
    g_autofree char *all = vg_fd_read_file(AT_FDCWD, path, 10, &len);
    g_assert_cmpuint(len, ==, 10);
    g_assert_cmpstr(all, ==, "0123456789");
    g_assert_null(vg_fd_read_file(AT_FDCWD, path, 9, &len));
    g_assert_cmpint(errno, ==, EFBIG);
    int number;
    {
        g_auto(VgFd) fd = open(path, O_RDONLY | O_CLOEXEC);
        g_assert_false(vg_fd_write_all(fd, "x", 1));
        g_assert_cmpint(errno, ==, EBADF);
        number = fd;
    }
    g_assert_cmpint(fcntl(number, F_GETFD), ==, -1);
    g_auto(VgFd) fd = open(path, O_RDONLY | O_CLOEXEC);
    number = vg_fd_steal(&fd);
    g_assert_cmpint(fd, ==, -1);
    vg_fd_close(number);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/sysroot/" name, Tree, NULL, tree_open, func, tree_close)
    ADD("read", test_read);
    ADD("int", test_int);
    ADD("write", test_write);
    ADD("writer", test_writer);
    ADD("list", test_list);
    ADD("fd", test_fd);
    g_test_add_func("/sysroot/kernel", test_kernel);
    return g_test_run();
}
