/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-inventory.c: GPUs and types read from the trees of tests/data/sysroots/, and the catalogue itself. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "gpu/host_real.h"
#include "gpu/inventory.h"
#include "tree.h"

#define VG_AREA "test"
#include "base/log.h"

typedef struct {
    Tree *tree;
    VgTypes *types;
    VgInventory inventory;
} Read;

static char *catalogue(void) {
    return g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
}

static void tree_read(Read *t, const char *name) {
    g_autoptr(GError) error = NULL;
    g_autofree char *types = catalogue();
    t->tree = tree_new(name);
    t->types = vg_types_load(types, &error);
    g_assert_no_error(error);
    g_assert_true(vg_inventory_read(&t->tree->host, t->types, &t->inventory, &error));
    g_assert_no_error(error);
}

static void read_clear(Read *t) {
    vg_inventory_clear(&t->inventory);
    vg_types_free(t->types);
    tree_free(t->tree);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Read, read_clear)

static const VgGpuOffer *offer(const Read *t, guint gpu, const char *type) {
    const VgType *known = vg_types_by_name(t->types, type);
    g_assert_nonnull(known);
    return vg_gpu_offer(&t->inventory.gpus[gpu], known);
}

/* --- the trees ---------------------------------------------------------------------------------------------------- */

static void test_mdev(void) {
    g_auto(Read) t = {0};
    tree_read(&t, "t4-mdev.tree");
    g_assert_cmpuint(t.inventory.n, ==, 1);
    const VgGpu *gpu = &t.inventory.gpus[0];
    g_assert_cmpstr(gpu->model, ==, "NVIDIA Tesla T4");
    g_assert_cmpstr(gpu->backend->name, ==, "mdev");
    g_assert_cmpuint(gpu->offers->len, ==, 3); /* what the kernel offers, not all of the catalogue; and the whole */
    g_assert_cmpuint(offer(&t, 0, "GRID T4-1Q")->max, ==, 16);
    /* A type that only the kernel knows: its figures are the kernel's. */
    const VgType *fresh = vg_types_by_id(t.types, "nvidia-9001");
    g_assert_cmpstr(fresh->name, ==, "GRID T4-3Z");
    g_assert_cmpuint(fresh->heads, ==, 2);
    g_assert_cmpuint(fresh->framebuffer_mib, ==, 3072);
    g_assert_cmpuint(fresh->width, ==, 4096);
    g_assert_cmpuint(fresh->height, ==, 2160);
    g_assert_cmpuint(fresh->frame_rate_limit, ==, 45);
    g_assert_cmpuint(offer(&t, 0, "GRID T4-3Z")->max, ==, 5); /* though there is no room for one now */
    g_assert_cmpuint(t.inventory.kernel->len, ==, 1);
    const VgKernelVgpu *v = &g_array_index(t.inventory.kernel, VgKernelVgpu, 0);
    g_assert_cmpuint(v->gpu, ==, 0);
    g_assert_true(v->type == offer(&t, 0, "GRID T4-1Q")->type);
}

static void test_no_names(void) {
    g_auto(Read) t = {0};
    tree_read(&t, "gvt-noname.tree");
    g_assert_cmpstr(t.inventory.gpus[0].model, ==, "8086:591b");
    g_assert_cmpuint(t.inventory.gpus[0].offers->len, ==, 3);
    g_assert_cmpuint(offer(&t, 0, "i915-GVTg_V5_4")->max, ==, 1);
    g_assert_cmpuint(offer(&t, 0, "i915-GVTg_V5_8")->max, ==, 2);
}

static void test_domain(void) {
    g_auto(Read) t = {0};
    tree_read(&t, "vmd-domain.tree");
    g_assert_cmpuint(t.inventory.n, ==, 2);
    g_assert_cmpstr(t.inventory.gpus[0].text, ==, "10000:01:00.0");
    g_assert_cmpstr(t.inventory.gpus[0].backend->name, ==, "emulator");
    g_assert_cmpuint(t.inventory.gpus[0].offers->len, ==, 6);
    g_assert_null(t.inventory.gpus[1].backend);               /* nothing is known of it */
    g_assert_cmpuint(t.inventory.gpus[1].offers->len, ==, 1); /* but whole */
    VgPciAddr addr = {.domain = 0x10000, .bus = 2}, none = {.bus = 2};
    g_assert_cmpuint(vg_inventory_find(&t.inventory, &addr), ==, 1);
    g_assert_cmpuint(vg_inventory_find(&t.inventory, &none), ==, G_MAXUINT32);
}

static void test_vfs(void) {
    g_auto(Read) t = {0};
    tree_read(&t, "sriov-vfs.tree");
    g_assert_cmpuint(t.inventory.n, ==, 1); /* a VF is no GPU */
    g_assert_cmpstr(t.inventory.gpus[0].model, ==, "NVIDIA A16");
}

/* PCI-1: whatever machine this is, its GPUs can be listed. Only reads. */
static void test_this_machine(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = catalogue();
    g_autoptr(VgTypes) types = vg_types_load(path, NULL);
    VgGpuHost *host = vg_gpu_host_real_new(FALSE, NULL);
    VgInventory inventory = {0};
    gboolean good = vg_inventory_read(host, types, &inventory, &error);
    g_assert_true(good || error != NULL); /* a container may forbid it, with a reason */
    for (guint i = 0; i < inventory.n; i++)
        g_assert_true(inventory.gpus[i].record.class_code >> 16 == 0x03 && inventory.gpus[i].model != NULL);
    vg_inventory_clear(&inventory);
    host->ops->free(host);
}

/* --- the catalogue ------------------------------------------------------------------------------------------------ */

static void test_catalogue(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = catalogue();
    g_autoptr(VgTypes) types = vg_types_load(path, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(vg_types_count(types), ==, 240);
    static const struct {
        const char *name, *id;
        guint max, framebuffer_mib, heads;
        guint64 usable;
    } rows[] = {
        {"GRID K100", "grid-k100", 8, 256, 2, 268435456},
        {"GRID K260Q", "grid-k260q", 2, 2048, 4, 2013265920},
        {"GRID T4-1Q", "nvidia-230", 16, 1024, 4, 939524096},
        {"GRID P40-24Q", "nvidia-53", 1, 24576, 4, 24092082176},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const VgType *t = vg_types_by_name(types, rows[i].name);
        g_assert_true(t != NULL && t == vg_types_by_id(types, rows[i].id));
        g_assert_cmpuint(t->max, ==, rows[i].max);
        g_assert_cmpuint(t->framebuffer_mib, ==, rows[i].framebuffer_mib);
        g_assert_cmpuint(t->heads, ==, rows[i].heads);
        g_assert_cmpuint(t->usable_bytes, ==, rows[i].usable);
    }
    const VgBoard *t4 = vg_types_board(types, 0x10de, 0x1eb8, 0x10de, 0x12a2);
    g_assert_cmpuint(t4->types->len, ==, 17);
    for (guint i = 0; i < t4->types->len; i++) { /* what fits by number fits by memory */
        const VgType *t = g_ptr_array_index(t4->types, i);
        g_assert_cmpuint(t->max * t->framebuffer_mib, ==, t4->framebuffer_mib);
    }
    const VgBoard *any = vg_types_board(types, 0x10de, 0x0ff2, 0x1028, 0x9999);
    g_assert_cmpstr(any->name, ==, "NVIDIA GRID K1");
    g_assert_null(vg_types_board(types, 0x10de, 0xffff, 0, 0));
}

/* TYP-4: the id that a driver gives wins over the catalogue's, whose ids are partly inferred. */
static void test_kernel_id_wins(void) {
    g_autofree char *path = catalogue();
    g_autoptr(VgTypes) types = vg_types_load(path, NULL);
    const VgType *t = vg_types_of_kernel(types, "nvidia-7777", "NVIDIA T4-1Q", NULL, "vfio-pci", 1);
    g_assert_cmpstr(t->name, ==, "GRID T4-1Q");
    g_assert_cmpstr(t->id, ==, "nvidia-7777");
    g_assert_true(vg_types_by_id(types, "nvidia-7777") == t);
    g_assert_cmpuint(t->max, ==, 16);
}

static void test_bad_catalogue(void) {
    static const char *const texts[] = {
        "[",
        "{\"boards\": [{}]}",
        "{\"boards\": [{\"name\": \"b\", \"vendor\": \"10de\", \"device\": \"xyz\", \"gpus\": 1, \"framebuffer_mib\": "
        "1}]}",
        "{\"boards\": [{\"name\": \"b\", \"vendor\": \"10de\", \"device\": \"1\", \"gpus\": 0, \"framebuffer_mib\": "
        "1}]}",
        "{\"boards\": [{\"name\": \"b\", \"vendor\": \"10de\", \"device\": \"1\", \"gpus\": 1, \"framebuffer_mib\": 1,"
        " \"types\": [{\"name\": \"t\", \"id\": \"t\", \"framebuffer_mib\": 1, \"max\": 0}]}]}",
        "{\"boards\": [{\"name\": \"b\", \"vendor\": \"10de\", \"device\": \"1\", \"gpus\": 1, \"framebuffer_mib\": 1,"
        " \"types\": [{\"name\": \"t\", \"id\": \"t\", \"framebuffer_mib\": 1, \"max\": 1, \"placement_ids\": "
        "[70000]}]}]}",
    };
    g_autofree char *dir = g_dir_make_tmp("vg-types-XXXXXX", NULL), *path = g_build_filename(dir, "c.json", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_true(g_file_set_contents(path, texts[i], -1, NULL));
        g_assert_null(vg_types_load(path, &error));
        g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
    }
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_null(vg_types_load(path, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_SYSTEM_ERROR);
    g_assert_cmpint(rmdir(dir), ==, 0);
}

int main(int argc, char **argv) {
    vg_log_set_level(VG_LOG_ERROR);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inventory/mdev", test_mdev);
    g_test_add_func("/inventory/wish-7-no-names", test_no_names);
    g_test_add_func("/inventory/domain", test_domain);
    g_test_add_func("/inventory/vfs", test_vfs);
    g_test_add_func("/inventory/PCI-1", test_this_machine);
    g_test_add_func("/types/catalogue", test_catalogue);
    g_test_add_func("/types/kernel-id-wins", test_kernel_id_wins);
    g_test_add_func("/types/bad-catalogue", test_bad_catalogue);
    return g_test_run();
}
