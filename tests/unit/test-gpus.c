/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gpus.c: the engine on the default simulated host: claims, their life with the simulated kernel, refusals, documents, restarts. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/fault.h"
#include "gpu/gpus.h"
#include "sim/gpus.h"

typedef struct {
    char *dir, *ledger, *config, *catalogue;
    VgGpuHost *host; /* the engine's */
    VgGpus *gpus;
} Fixture;

static void remove_tree(const char *path) {
    g_autofree char *quoted = g_shell_quote(path);
    g_autofree char *command = g_strdup_printf("rm -rf %s", quoted);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
}

static void start_with(Fixture *f, const VgJson *gpus) {
    g_autoptr(GError) error = NULL;
    f->host = vg_sim_gpus_new(f->dir, gpus, &error);
    g_assert_no_error(error);
    VgGpusPaths paths = {f->config, f->catalogue, f->ledger};
    f->gpus = vg_gpus_open(f->host, &paths, &error);
    g_assert_no_error(error);
}

static void start(Fixture *f) {
    g_autoptr(VgJson) gpus = vg_sim_gpus_default();
    start_with(f, gpus);
}

static void stop(Fixture *f) {
    g_clear_pointer(&f->gpus, vg_gpus_free);
}

static void set_up(Fixture *f, gconstpointer unused) {
    f->dir = g_dir_make_tmp("vg-gpus-XXXXXX", NULL);
    f->ledger = g_build_filename(f->dir, "ledger", NULL);
    f->config = g_build_filename(f->dir, "gpus.json", NULL);
    f->catalogue = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    start(f);
}

static void tear_down(Fixture *f, gconstpointer unused) {
    stop(f);
    remove_tree(f->dir);
    g_free(f->dir);
    g_free(f->ledger);
    g_free(f->config);
    g_free(f->catalogue);
}

static VgVgpuRequest want(const char *type) {
    VgVgpuRequest r = {.type_name = type};
    vg_uuid_generate(&r.vgpu);
    return r;
}

static VgClaim *claim(Fixture *f, const char *owner, const VgVgpuRequest *r, gsize n) {
    g_autoptr(GError) error = NULL;
    VgUuid uuid;
    vg_uuid_generate(&uuid);
    VgClaim *c = vg_gpus_claim(f->gpus, &uuid, owner, r, n, &error);
    g_assert_no_error(error);
    return c;
}

static VgClaim *claim_one(Fixture *f, const char *owner, const char *type) {
    VgVgpuRequest r = want(type);
    return claim(f, owner, &r, 1);
}

static const char *gpu_of(const VgClaim *c, gsize i) {
    static char text[VG_PCIADDR_TEXT];
    gsize n;
    const VgPlace *p = vg_claim_places(c, &n);
    g_assert_cmpuint(i, <, n);
    return vg_pciaddr_format(&p[i].gpu, text);
}

/* The claim is refused with @code and a text that has each of the ";"-separated @parts. */
static void refused(Fixture *f, const VgVgpuRequest *r, gsize n, int code, const char *parts) {
    g_autoptr(GError) error = NULL;
    VgUuid owner;
    vg_uuid_generate(&owner);
    g_assert_null(vg_gpus_claim(f->gpus, &owner, "late", r, n, &error));
    g_assert_error(error, VG_ERROR, code);
    g_auto(GStrv) each = g_strsplit(parts, ";", -1);
    for (char **p = each; *p != NULL; p++)
        if (strstr(error->message, *p) == NULL)
            g_error("\"%s\" lacks \"%s\"", error->message, *p);
}

static void refused_one(Fixture *f, const char *type, int code, const char *parts) {
    VgVgpuRequest r = want(type);
    refused(f, &r, 1, code, parts);
}

static char *mdev_path(Fixture *f, const VgClaim *c) {
    gsize n;
    return g_strdup(vg_claim_places(c, &n)[0].vfio_path);
}

static void test_emulator(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    VgClaim *c = claim_one(f, "web1", "GRID K140Q");
    gsize n;
    const VgPlace *p = vg_claim_places(c, &n);
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpstr(gpu_of(c, 0), ==, "0000:05:00.0");
    g_assert_cmpstr(p->backend_name, ==, "emulator");
    g_assert_null(p->vfio_path);
    g_assert_true(vg_claim_record(c, &error) && vg_claim_create(c, &error) && vg_claim_remove(c, &error) &&
                  vg_claim_forget(c, &error));
    g_assert_no_error(error);
    vg_gpus_release(c);
}

static void test_mdev(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    const char *params[] = {"frame_rate_limiter", "0", NULL};
    VgVgpuRequest r = want("GRID T4-1Q");
    r.params = params;
    VgClaim *c = claim(f, "web1", &r, 1);
    g_autofree char *path = mdev_path(f, c);
    g_assert_true(vg_claim_record(c, &error) && vg_claim_create(c, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_DIR));
    g_assert_true(vg_claim_create(c, &error)); /* again is once */
    g_autofree char *set_path = g_build_filename(path, "nvidia/vgpu_params", NULL);
    g_autofree char *set = NULL;
    g_assert_true(g_file_get_contents(set_path, &set, NULL, NULL));
    g_assert_cmpstr(set, ==, "frame_rate_limiter=0\n");
    g_assert_true(vg_claim_remove(c, &error) && vg_claim_remove(c, &error) && vg_claim_forget(c, &error));
    g_assert_no_error(error);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    vg_gpus_release(c);
}

int main(int argc, char **argv) {
    vg_fault_init();
    g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/gpus/" #name, Fixture, NULL, set_up, test_##name, tear_down)
    TEST(emulator);
    TEST(mdev);
    (void)refused_one;
    return g_test_run();
}
