/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* golden.c: finds the cases and compares bytes; diff(1) makes a difference readable. */
#include "config.h"
#include "lib/golden.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *vg_golden_path(const char *relative) {
    const char *srcdir = g_getenv("srcdir");
    return g_build_filename(srcdir != NULL ? srcdir : ".", "tests", "data", relative, NULL);
}

char *vg_golden_read(const char *path) {
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error))
        g_error("%s", error->message);
    return text;
}

static int compare_names(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

guint vg_golden_scan(const char *dir, const char *suffix, VgGoldenFunc func, gpointer data) {
    g_autofree char *folder = vg_golden_path(dir);
    g_autoptr(GError) error = NULL;
    GDir *files = g_dir_open(folder, 0, &error);
    if (files == NULL)
        g_error("%s", error->message);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(files)) != NULL;)
        if (g_str_has_suffix(name, suffix))
            g_ptr_array_add(names, g_strdup(name));
    g_dir_close(files);
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        const char *file = g_ptr_array_index(names, i);
        g_autofree char *path = g_build_filename(folder, file, NULL);
        g_autofree char *name = g_strndup(file, strlen(file) - strlen(suffix));
        func(path, name, data);
    }
    if (names->len == 0)
        g_error("%s has no file that ends in %s", folder, suffix);
    return names->len;
}

static void show_difference(const char *path, const char *actual) {
    g_autofree char *other = NULL, *shown = NULL;
    int fd = g_file_open_tmp("golden-XXXXXX", &other, NULL);
    if (fd < 0)
        return;
    close(fd);
    const char *argv[] = {"diff", "-u", "--label", "expected", "--label", "actual", path, other, NULL};
    if (g_file_set_contents(other, actual, -1, NULL) &&
        g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &shown, NULL, NULL, NULL))
        g_printerr("%s\n%s", path, shown);
    unlink(other);
}

void vg_golden_compare(const char *path, const char *actual) {
    if (g_strcmp0(g_getenv("VG_REGENERATE"), "1") == 0) {
        g_autoptr(GError) error = NULL;
        if (!g_file_set_contents(path, actual, -1, &error))
            g_error("%s", error->message);
        return;
    }
    g_autofree char *expected = NULL;
    if (g_file_get_contents(path, &expected, NULL, NULL) && strcmp(expected, actual) == 0)
        return;
    show_difference(path, actual);
    g_test_message("%s differs (VG_REGENERATE=1 writes it anew)", path);
    g_test_fail();
}
