/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "tree.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *path, *text;
    GPtrArray *lines; /* what is there afterwards */
} When;

static void remove_tree(const char *path) {
    g_autofree char *quoted = g_shell_quote(path), *command = g_strconcat("rm -rf ", quoted, NULL);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
}

/* "PATH = TEXT", "PATH -> TARGET", "PATH/", "- PATH" */
static void put(const char *dir, const char *line) {
    if (g_str_has_prefix(line, "- ")) {
        g_autofree char *gone = g_build_filename(dir, line + 2, NULL);
        remove_tree(gone);
        return;
    }
    g_auto(GStrv) text = g_strsplit(line, " =", 2), link = g_strsplit(line, " -> ", 2);
    const char *name = text[1] != NULL ? text[0] : link[0];
    g_autofree char *path = g_build_filename(dir, name, NULL), *folder = g_path_get_dirname(path);
    gboolean is_folder = g_str_has_suffix(name, "/");
    g_assert_cmpint(g_mkdir_with_parents(is_folder ? path : folder, 0700), ==, 0);
    if (text[1] != NULL) {
        g_autofree char *plain = g_strcompress(g_strchug(text[1])), *with_newline = g_strconcat(plain, "\n", NULL);
        g_assert_true(g_file_set_contents(path, with_newline, -1, NULL));
    } else if (!is_folder) {
        unlink(path);
        g_assert_cmpint(symlink(link[1], path), ==, 0);
    }
}

/* --- what the kernel would do ------------------------------------------------------------------------------------- */

static int on_write(VgSysroot *root, const char *path, const char *text, gpointer data) {
    Tree *tree = data;
    g_autofree char *shown = g_strescape(text, NULL);
    for (guint i = 0; i < tree->when->len; i++) {
        const When *when = g_ptr_array_index(tree->when, i);
        if (strcmp(when->path, path) != 0 || strcmp(when->text, text) != 0)
            continue;
        g_string_append_printf(tree->writes, "  %s = %s\n", path, shown);
        for (guint k = 0; k < when->lines->len; k++)
            put(tree->dir, g_ptr_array_index(when->lines, k));
        return 0;
    }
    g_string_append_printf(tree->writes, "  %s = %s: refused\n", path, shown);
    return vg_sysroot_exists(root, path) ? EINVAL : ENOENT;
}

static void when_free(gpointer data) {
    When *when = data;
    g_free(when->path);
    g_free(when->text);
    g_ptr_array_unref(when->lines);
    g_free(when);
}

static void add_when(Tree *tree, const char *line) {
    g_auto(GStrv) parts = g_strsplit(line, " = ", 2);
    g_assert_nonnull(parts[1]);
    When *when = g_new0(When, 1);
    *when = (When){g_strdup(parts[0]), g_strcompress(parts[1]), g_ptr_array_new_with_free_func(g_free)};
    g_ptr_array_add(tree->when, when);
}

static void read_line(Tree *tree, const char *line) {
    if (g_str_has_prefix(line, "life "))
        tree->life = g_strsplit(line + strlen("life "), " ", -1);
    else if (g_str_has_prefix(line, "when "))
        add_when(tree, line + strlen("when "));
    else if (g_str_has_prefix(line, "    ")) {
        g_assert_cmpuint(tree->when->len, >, 0);
        When *when = g_ptr_array_index(tree->when, tree->when->len - 1);
        g_ptr_array_add(when->lines, g_strdup(line + 4));
    } else
        put(tree->dir, line);
}

/* --- the seam ----------------------------------------------------------------------------------------------------- */

static guint16 hex(VgSysroot *root, const char *addr, const char *name) {
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/%s", addr, name);
    gint64 value = 0;
    vg_sysroot_read_int(root, path, &value);
    return (guint16)value;
}

static char *link_name(VgSysroot *root, const char *addr, const char *name) {
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/%s", addr, name);
    g_autofree char *target = vg_sysroot_readlink(root, path);
    return target != NULL ? g_path_get_basename(target) : NULL;
}

static gboolean scan(VgGpuHost *host, VgGpuRecord **ret, gsize *ret_n, GError **error) {
    g_auto(GStrv) names = vg_sysroot_list(host->root, "sys/bus/pci/devices");
    *ret = g_new0(VgGpuRecord, g_strv_length(names) + 1);
    *ret_n = 0;
    for (char **name = names; *name != NULL; name++) {
        VgGpuRecord *r = &(*ret)[*ret_n];
        g_assert_true(vg_pciaddr_parse(*name, &r->addr));
        if (r->addr.function != 0 && hex(host->root, *name, "class") >> 8 != 3) {
            g_autofree char *physfn = link_name(host->root, *name, "physfn");
            if (physfn == NULL)
                continue; /* a companion: it has no display */
        }
        g_autofree char *group = link_name(host->root, *name, "iommu_group");
        g_autofree char *pf = link_name(host->root, *name, "physfn");
        r->vendor = hex(host->root, *name, "vendor");
        r->device = hex(host->root, *name, "device");
        r->subvendor = hex(host->root, *name, "subsystem_vendor");
        r->subdevice = hex(host->root, *name, "subsystem_device");
        r->driver = link_name(host->root, *name, "driver");
        r->numa_node = -1;
        r->iommu_group = group != NULL ? (int)g_ascii_strtoll(group, NULL, 10) : -1;
        r->is_vf = pf != NULL;
        (*ret_n)++;
    }
    return TRUE;
}

static void host_free(VgGpuHost *host) {
    tree_free((Tree *)(void *)host);
}

static const VgGpuHostOps ops = {.scan = scan, .free = host_free};

Tree *tree_new(const char *name) {
    g_autofree char *path = g_build_filename(g_getenv("srcdir"), "tests/data/sysroots", name, NULL), *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    Tree *tree = g_new0(Tree, 1);
    tree->dir = g_dir_make_tmp("vg-tree-XXXXXX", NULL);
    tree->when = g_ptr_array_new_with_free_func(when_free);
    tree->writes = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        read_line(tree, *line);
    tree->host = (VgGpuHost){.ops = &ops, .root = vg_sysroot_new(tree->dir), .dm_can_vfio = TRUE, .has_emulator = TRUE};
    vg_sysroot_set_writer(tree->host.root, on_write, tree);
    return tree;
}

void tree_free(Tree *tree) {
    remove_tree(tree->dir);
    vg_sysroot_free(tree->host.root);
    g_ptr_array_unref(tree->when);
    g_string_free(tree->writes, TRUE);
    g_strfreev(tree->life);
    g_free(tree->dir);
    g_free(tree);
}

static int by_name(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **tree_names(void) {
    g_autofree char *folder = g_build_filename(g_getenv("srcdir"), "tests/data/sysroots", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    GPtrArray *names = g_ptr_array_new();
    for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir))
        if (g_str_has_suffix(name, ".tree"))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}
