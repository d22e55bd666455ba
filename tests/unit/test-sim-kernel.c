/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sim-kernel.c: the simulated kernel answers as the real one does, keeps its state over a restart, and host.json's
 * "gpus" is checked. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/uuid.h"
#include "sim/gpus.h"

#define GPU "sys/bus/pci/devices/0000:82:00.0"
#define TYPES GPU "/mdev_supported_types/"
#define DEVICES "sys/bus/mdev/devices/"

static const char first[] = "11111111-1111-4111-8111-111111111111", second[] = "22222222-2222-4222-8222-222222222222";

typedef struct {
    char *dir;
    VgGpuHost *host;
} Fixture;

static void start(Fixture *f) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) gpus = vg_sim_gpus_default();
    f->host = vg_sim_gpus_new(f->dir, gpus, &error);
    g_assert_no_error(error);
}

static void set_up(Fixture *f, gconstpointer unused) {
    f->dir = g_dir_make_tmp("vg-kernel-XXXXXX", NULL);
    start(f);
}

static void tear_down(Fixture *f, gconstpointer unused) {
    f->host->ops->free(f->host);
    g_autofree char *command = g_strdup_printf("rm -rf %s", f->dir);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_free(f->dir);
}

/* What write(2) answers: 0 or an errno. */
static int put(Fixture *f, const char *path, const char *text) {
    return vg_sysroot_write(f->host->root, path, text) ? 0 : errno;
}

static gint64 number(Fixture *f, const char *path) {
    gint64 value = -1;
    vg_sysroot_read_int(f->host->root, path, &value);
    return value;
}

static gboolean there(Fixture *f, const char *path) {
    g_autofree char *full = g_build_filename(vg_sysroot_path(f->host->root), path, NULL);
    return g_file_test(full, G_FILE_TEST_EXISTS); /* follows links */
}

static void test_layout(Fixture *f, gconstpointer unused) {
    g_autofree char *name = vg_sysroot_read(f->host->root, TYPES "nvidia-230/name");
    g_autofree char *driver = vg_sysroot_readlink(f->host->root, GPU "/driver");
    g_assert_cmpstr(name, ==, "GRID T4-1Q");
    g_assert_true(g_str_has_suffix(driver, "/nvidia"));
    g_assert_cmpint(number(f, GPU "/vendor"), ==, 0x10de);
    g_assert_cmpint(number(f, GPU "/class"), ==, 0x30000);
    g_assert_true(there(f, "sys/class/mdev_bus/0000:82:00.0/mdev_supported_types"));
    g_assert_false(there(f, "sys/class/mdev_bus/0000:05:00.0"));
    VgGpuRecord *records = NULL;
    gsize n = 0;
    g_assert_true(f->host->ops->scan(f->host, &records, &n, NULL));
    g_assert_cmpuint(n, ==, 7);
    for (gsize i = 0; i < n; i++)
        vg_gpu_record_clear(&records[i]);
    g_free(records);
}

static void test_create(Fixture *f, gconstpointer unused) {
    g_assert_cmpint(put(f, TYPES "nvidia-230/create", "no uuid"), ==, EINVAL);
    g_assert_cmpint(put(f, TYPES "nvidia-1/create", first), ==, ENOENT);
    g_assert_cmpint(put(f, TYPES "nvidia-230/create", first), ==, 0);
    g_assert_cmpint(put(f, TYPES "nvidia-230/create", first), ==, EEXIST);
    g_assert_true(there(f, "sys/bus/mdev/devices/11111111-1111-4111-8111-111111111111/mdev_type/available_instances"));
    g_assert_true(there(f, TYPES "nvidia-230/devices/11111111-1111-4111-8111-111111111111/nvidia/vgpu_params"));
    /* One type at a time. */
    g_assert_cmpint(number(f, TYPES "nvidia-230/available_instances"), ==, 15);
    g_assert_cmpint(number(f, TYPES "nvidia-231/available_instances"), ==, 0);
    g_assert_cmpint(put(f, TYPES "nvidia-231/create", second), ==, ENOSPC);
    g_assert_false(there(f, DEVICES "22222222-2222-4222-8222-222222222222"));
}

static void test_remove(Fixture *f, gconstpointer unused) {
    static const char remove_file[] = DEVICES "11111111-1111-4111-8111-111111111111/remove";
    g_assert_cmpint(put(f, remove_file, "1"), ==, ENOENT);
    g_assert_cmpint(put(f, TYPES "nvidia-230/create", first), ==, 0);
    g_assert_cmpint(put(f, remove_file, "x"), ==, EINVAL);
    g_assert_cmpint(put(f, remove_file, "0"), ==, 0);
    g_assert_true(there(f, remove_file));
    g_autofree char *held =
        g_build_filename(f->dir, "state/kernel", DEVICES "11111111-1111-4111-8111-111111111111", ".held", NULL);
    g_assert_true(g_file_set_contents(held, "", 0, NULL));
    g_assert_cmpint(put(f, remove_file, "1"), ==, EBUSY);
    g_assert_cmpint(unlink(held), ==, 0);
    g_assert_cmpint(put(f, remove_file, "1"), ==, 0);
    g_assert_false(there(f, remove_file));
    g_assert_cmpint(number(f, TYPES "nvidia-231/available_instances"), ==, 8);
    g_assert_cmpint(put(f, TYPES "nvidia-231/create", first), ==, 0); /* the UUID is free again */
}

static void test_attributes(Fixture *f, gconstpointer unused) {
    static const char params[] = DEVICES "11111111-1111-4111-8111-111111111111/nvidia/vgpu_params";
    g_assert_cmpint(put(f, TYPES "nvidia-230/create", first), ==, 0);
    g_assert_cmpint(put(f, params, "frame_rate_limiter=0,disable_vnc=1"), ==, 0);
    g_autofree char *text = vg_sysroot_read(f->host->root, params);
    g_assert_cmpstr(text, ==, "frame_rate_limiter=0,disable_vnc=1");
    g_assert_cmpint(put(f, params, "nonsense"), ==, EINVAL);
    g_assert_cmpint(put(f, TYPES "nvidia-230/name", "x"), ==, EACCES);
    g_assert_cmpint(put(f, "sys/nothing", "x"), ==, ENOENT);
}

static void test_restart(Fixture *f, gconstpointer unused) {
    g_assert_cmpint(put(f, TYPES "nvidia-230/create", first), ==, 0);
    f->host->ops->free(f->host);
    /* Links that a kill left out, and a folder that was being made. */
    g_autofree char *kernel = g_build_filename(f->dir, "state/kernel", NULL);
    g_autofree char *link = g_build_filename(kernel, DEVICES, first, NULL);
    g_autofree char *half = g_build_filename(kernel, GPU, ".new-22222222-2222-4222-8222-222222222222", "nvidia", NULL);
    g_assert_cmpint(unlink(link), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(half, 0755), ==, 0);
    start(f);
    g_assert_true(there(f, DEVICES "11111111-1111-4111-8111-111111111111/remove"));
    g_assert_false(there(f, GPU "/.new-22222222-2222-4222-8222-222222222222"));
    g_assert_cmpint(number(f, TYPES "nvidia-230/available_instances"), ==, 15);
}

/* Jobs of many domains write at once: as many devices as there is room for, and each order has one answer. */
enum { WRITERS = 8, EACH = 4 };

static gpointer writer(gpointer data) {
    Fixture *f = data;
    guint made = 0;
    for (guint i = 0; i < EACH; i++) {
        VgUuid uuid;
        char text[VG_UUID_TEXT];
        vg_uuid_generate(&uuid);
        made += put(f, TYPES "nvidia-230/create", vg_uuid_format(&uuid, text)) == 0 ? 1 : 0;
    }
    return GUINT_TO_POINTER(made);
}

static void test_many_writers(Fixture *f, gconstpointer unused) {
    GThread *threads[WRITERS];
    guint made = 0;
    for (guint i = 0; i < WRITERS; i++)
        threads[i] = g_thread_new("writer", writer, f);
    for (guint i = 0; i < WRITERS; i++)
        made += GPOINTER_TO_UINT(g_thread_join(threads[i]));
    g_auto(GStrv) devices = vg_sysroot_list(f->host->root, "sys/bus/mdev/devices");
    g_assert_cmpuint(made, ==, 16);
    g_assert_cmpuint(g_strv_length(devices), ==, 16);
    g_assert_cmpint(number(f, TYPES "nvidia-230/available_instances"), ==, 0);
}

static void test_bad_json(void) {
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"[{}]", "gpus[0]: address"},
        {"[{\"address\":\"05:00.0\",\"device\":\"1\"}]", "gpus[0]: vendor"},
        {"[{\"address\":\"05:00.0\",\"vendor\":\"10de\",\"device\":\"xx\"}]", "gpus[0]: device"},
        {"[{\"address\":\"05:00.0\",\"vendor\":\"1\",\"device\":\"1\",\"driver\":\"../x\"}]", "gpus[0]: driver"},
        {"[{\"address\":\"05:00.0\",\"vendor\":\"1\",\"device\":\"1\"},{\"address\":\"05:00.0\",\"vendor\":\"1\","
         "\"device\":\"1\"}]",
         "two GPUs have the address 0000:05:00.0"},
        {"[{\"address\":\"05:00.0\",\"vendor\":\"1\",\"device\":\"1\",\"mdev_types\":[{\"id\":\"../../"
         "x\",\"max\":1}]}]",
         "gpus[0]: mdev_types"},
        {"[{\"address\":\"05:00.0\",\"vendor\":\"1\",\"device\":\"1\",\"mdev_types\":[{\"id\":\"a\",\"max\":0}]}]",
         "max is not between"},
    };
    g_autofree char *dir = g_dir_make_tmp("vg-kernel-XXXXXX", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VgJson) json = vg_json_parse(rows[i].text, strlen(rows[i].text), "test", &error);
        g_assert_no_error(error);
        g_assert_null(vg_sim_gpus_new(dir, json, &error));
        g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
        if (strstr(error->message, rows[i].part) == NULL)
            g_error("\"%s\" lacks \"%s\"", error->message, rows[i].part);
    }
    g_assert_cmpint(rmdir(dir), ==, 0); /* nothing was made */
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/sim-kernel/" #name, Fixture, NULL, set_up, test_##name, tear_down)
    TEST(layout);
    TEST(create);
    TEST(remove);
    TEST(attributes);
    TEST(restart);
    TEST(many_writers);
    g_test_add_func("/sim-kernel/bad-json", test_bad_json);
    return g_test_run();
}
