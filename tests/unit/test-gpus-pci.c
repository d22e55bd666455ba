/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gpus-pci.c: GPUs given whole: what is never given, what excludes what, and whose driver has it when. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gpu/engine.h"
#include "gpu/functions.h"
#include "sim/gpus.h"
#include "scratch.h"

#define VG_AREA "test"
#include "base/log.h"

typedef struct {
    char *dir, *ledger, *catalogue;
    VgGpuHost *host; /* the engine's */
    VgGpus *gpus;
} Fixture;

/* A GRID K1's GPU, the host's own screen, one without IOMMU, one of which nothing is known. */
static const char cards[] =
    "[{\"address\":\"0000:05:00.0\",\"vendor\":\"10de\",\"device\":\"0ff2\",\"driver\":\"nvidia\",\"iommu_group\":1},"
    "{\"address\":\"0000:06:00.0\",\"vendor\":\"1a03\",\"device\":\"2000\",\"driver\":\"ast\",\"iommu_group\":2,"
    "\"boot_display\":true},"
    "{\"address\":\"0000:07:00.0\",\"vendor\":\"10de\",\"device\":\"0ff2\",\"driver\":\"nvidia\"},"
    "{\"address\":\"0000:08:00.0\",\"vendor\":\"1002\",\"device\":\"73a5\",\"driver\":\"amdgpu\",\"iommu_group\":3},"
    "{\"address\":\"0000:09:00.0\",\"vendor\":\"8086\",\"device\":\"56c0\",\"driver\":\"i915\",\"iommu_group\":4,"
    "\"vfs\":10}]";

static void start(Fixture *f) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) gpus = vg_json_parse(cards, strlen(cards), "test", &error);
    f->host = vg_sim_gpus_new(f->dir, gpus, &error);
    g_assert_no_error(error);
    VgGpusPaths paths = {NULL, f->catalogue, f->ledger};
    f->gpus = vg_gpus_open(f->host, &paths, &error);
    g_assert_no_error(error);
    f->gpus->backend_host.wait_ms = 30;
}

static void set_up(Fixture *f, gconstpointer unused) {
    f->dir = scratch_new();
    f->ledger = g_build_filename(f->dir, "ledger", NULL);
    f->catalogue = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    start(f);
}

static void tear_down(Fixture *f, gconstpointer unused) {
    g_clear_pointer(&f->gpus, vg_gpus_free);
    scratch_remove(f->dir);
    g_free(f->dir);
    g_free(f->ledger);
    g_free(f->catalogue);
}

static VgClaim *claim(Fixture *f, const char *owner, const char *type, guint8 bus, GError **error) {
    VgVgpuRequest r = {.type_name = type, .pinned = bus != 0, .gpu = {.bus = bus}};
    VgUuid uuid;
    vg_uuid_generate(&r.vgpu);
    vg_uuid_generate(&uuid);
    return vg_gpus_claim(f->gpus, &uuid, owner, &r, 1, error);
}

static void refused(Fixture *f, const char *type, guint8 bus, int code, const char *part) {
    g_autoptr(GError) error = NULL;
    g_assert_null(claim(f, "late", type, bus, &error));
    g_assert_error(error, VG_ERROR, code);
    if (strstr(error->message, part) == NULL)
        g_error("\"%s\" lacks \"%s\"", error->message, part);
}

static void driver_is(Fixture *f, const char *addr, const char *driver, const char *forced) {
    g_autofree char *link = g_strdup_printf("sys/bus/pci/devices/%s/driver", addr);
    g_autofree char *file = g_strdup_printf("sys/bus/pci/devices/%s/driver_override", addr);
    g_autofree char *target = vg_sysroot_readlink(f->host->root, link), *text = vg_sysroot_read(f->host->root, file);
    g_autofree char *name = target != NULL ? g_path_get_basename(target) : NULL;
    g_assert_cmpstr(name, ==, driver);
    g_assert_cmpstr(text, ==, forced);
}

/* XEN-2: a whole GPU is given as PCI functions. */
static void test_life(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    VgClaim *c = claim(f, "cad", "passthrough", 0, &error);
    g_assert_no_error(error);
    gsize n;
    const VgPlace *p = vg_claim_places(c, &n);
    g_assert_cmpuint(p->gpu.bus, ==, 5);
    g_assert_cmpuint(p->functions, ==, 1);
    g_assert_cmpstr(p->backend_name, ==, "passthrough");
    driver_is(f, "0000:05:00.0", "nvidia", "(null)");
    g_assert_true(vg_claim_record(c, &error) && vg_claim_create(c, &error) && vg_claim_create(c, &error));
    g_assert_no_error(error);
    driver_is(f, "0000:05:00.0", "pciback", "pciback");
    /* The daemon starts anew while the guest runs. */
    g_clear_pointer(&f->gpus, vg_gpus_free);
    start(f);
    driver_is(f, "0000:05:00.0", "pciback", "pciback");
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 1);
    g_assert_true(vg_claim_remove(claims[0], &error) && vg_claim_remove(claims[0], &error));
    driver_is(f, "0000:05:00.0", "nvidia", "(null)");
    g_assert_true(vg_claim_forget(claims[0], &error));
    vg_gpus_release(claims[0]);
}

/* wish-27, HST-4, CAP-4, CAP-6, CAP-12, CAP-18: a GPU is given whole or in parts. */
static void test_excludes(Fixture *f, gconstpointer unused) {
    VgClaim *whole = claim(f, "cad", "passthrough", 5, NULL);
    refused(f, "GRID K100", 5, VG_ERR_RESOURCE_BUSY, "runs passthrough (cad)");
    refused(f, "passthrough", 5, VG_ERR_RESOURCE_BUSY, "is full (cad)");
    vg_gpus_release(whole);
    VgClaim *part = claim(f, "web", "GRID K100", 5, NULL);
    refused(f, "passthrough", 5, VG_ERR_RESOURCE_BUSY, "runs GRID K100 (web)");
    vg_gpus_release(part);
}

static void test_protected(Fixture *f, gconstpointer unused) {
    refused(f, "passthrough", 6, VG_ERR_CONFIG_UNSUPPORTED, "the host's own screen is on it");
    refused(f, "passthrough", 7, VG_ERR_CONFIG_UNSUPPORTED, "no working IOMMU");
    /* Under Xen the kernel shows no groups: Xen has the IOMMU to itself, and says so. */
    VgGpuHost under_xen = {.iommu = TRUE};
    VgGpuRecord record = {.iommu_group = -1};
    g_assert_true(vg_backend_passthrough.usable(&under_xen, &record, NULL));
    g_assert_true(vg_backend_sriov.usable(&under_xen, &record, NULL));
    VgClaim *k1 = claim(f, "a", "GRID K100", 7, NULL); /* which its vGPUs do not need */
    VgClaim *unknown = claim(f, "b", "passthrough", 8, NULL);
    g_assert_true(k1 != NULL && unknown != NULL);
    vg_gpus_release(k1);
    vg_gpus_release(unknown);
    g_autoptr(GError) error = NULL;
    const char *params[] = {"frame_rate_limiter", "0", NULL};
    VgVgpuRequest r = {.type_name = "passthrough", .params = params};
    g_assert_false(vg_gpus_check(f->gpus, &r, 1, &error));
    g_assert_nonnull(strstr(error->message, "takes no parameter"));
}

/* One that the administrator keeps for guests stays with xen-pciback afterwards. */
static void test_kept(Fixture *f, gconstpointer unused) {
    VgSysroot *root = f->host->root;
    static const char override[] = "sys/bus/pci/devices/0000:08:00.0/driver_override";
    g_assert_true(vg_sysroot_write(root, override, "pciback"));
    g_assert_true(vg_sysroot_write(root, "sys/bus/pci/devices/0000:08:00.0/driver/unbind", "0000:08:00.0"));
    g_assert_true(vg_sysroot_write(root, "sys/bus/pci/drivers_probe", "0000:08:00.0"));
    g_assert_true(vg_sysroot_write(root, override, "\n"));
    VgClaim *c = claim(f, "a", "passthrough", 8, NULL);
    g_assert_true(vg_claim_create(c, NULL));
    driver_is(f, "0000:08:00.0", "pciback", "(null)");
    g_assert_true(vg_claim_remove(c, NULL));
    driver_is(f, "0000:08:00.0", "pciback", "(null)");
    vg_gpus_release(c);
}

static const char *vf_of(const VgClaim *c) {
    static char text[VG_PCIADDR_TEXT];
    gsize n;
    const VgPlace *p = vg_claim_places(c, &n);
    g_assert_true(p->has_vf);
    return vg_pciaddr_format(&p->vf, text);
}

/* GAP-21: chosen before they exist, enabled when the first is needed, the lowest free one each time. */
static void test_vfs(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    static const char type[] = "8086:56c0 VF";
    VgClaim *c[10];
    for (guint i = 0; i < 10; i++) {
        c[i] = claim(f, "a", type, 0, &error);
        g_assert_no_error(error);
    }
    refused(f, type, 0, VG_ERR_RESOURCE_BUSY, "0000:09:00.0 is full");
    refused(f, "passthrough", 9, VG_ERR_RESOURCE_BUSY, "runs 8086:56c0 VF");
    g_assert_cmpstr(vf_of(c[0]), ==, "0000:09:00.1");
    g_assert_cmpstr(vf_of(c[7]), ==, "0000:09:01.0");
    g_assert_false(vg_sysroot_exists(f->host->root, "sys/bus/pci/devices/0000:09:00.1"));
    g_assert_true(vg_claim_record(c[7], &error) && vg_claim_create(c[7], &error) && vg_claim_create(c[7], &error));
    g_assert_no_error(error);
    driver_is(f, "0000:09:01.0", "pciback", "pciback");
    driver_is(f, "0000:09:00.1", NULL, "(null)");
    driver_is(f, "0000:09:00.0", "i915", "(null)");
    vg_gpus_release(c[3]);
    c[3] = claim(f, "b", type, 0, &error);
    g_assert_cmpstr(vf_of(c[3]), ==, "0000:09:00.4");
    /* It is known again after a restart, and nobody else gets it. */
    g_clear_pointer(&f->gpus, vg_gpus_free);
    start(f);
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 1);
    driver_is(f, "0000:09:01.0", "pciback", "pciback");
    for (guint i = 0; i < 9; i++) {
        VgClaim *other = claim(f, "c", type, 0, &error);
        g_assert_cmpstr(vf_of(other), !=, "0000:09:01.0");
    }
    g_assert_true(vg_claim_remove(claims[0], &error) && vg_claim_remove(claims[0], &error));
    driver_is(f, "0000:09:01.0", NULL, "(null)");
    g_assert_true(vg_claim_forget(claims[0], &error));
}

/* One that a driver of this host has is not taken from it. */
static void test_foreign_vf(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    VgClaim *c = claim(f, "a", "8086:56c0 VF", 0, &error);
    g_assert_true(vg_sysroot_write(f->host->root, "sys/bus/pci/devices/0000:09:00.0/sriov_numvfs", "10"));
    g_autofree char *link = g_build_filename(f->dir, "state/kernel/sys/bus/pci/devices/0000:09:00.1/driver", NULL);
    g_assert_cmpint(symlink("../../../bus/pci/drivers/vfio-pci", link), ==, 0);
    g_assert_false(vg_claim_create(c, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    g_assert_true(vg_claim_remove(c, NULL));
    driver_is(f, "0000:09:00.1", "vfio-pci", "(null)");
    vg_gpus_release(c);
}

/* Its virtual functions are on: they go first, unless somebody has one. As node devices they are seen meanwhile. */
static void test_whole_with_vfs(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    VgPciAddr pf, vf;
    g_assert_true(vg_pciaddr_parse("0000:09:00.0", &pf) && vg_pciaddr_parse("0000:09:00.1", &vf));
    g_assert_true(vg_sysroot_write(f->host->root, "sys/bus/pci/devices/0000:09:00.0/sriov_numvfs", "10"));
    g_autoptr(GArray) functions = vg_functions_read(f->host, NULL);
    const VgPciFunction *function = vg_functions_find(functions, &vf);
    g_assert_true(function->is_vf && vg_pciaddr_compare(&function->pf, &pf) == 0);
    g_assert_cmpuint(vg_functions_find(functions, &pf)->max_vfs, >=, 10);
    g_assert_cmpstr(vg_functions_find(functions, &pf)->driver, ==, "i915");

    g_autofree char *link = g_build_filename(f->dir, "state/kernel/sys/bus/pci/devices/0000:09:00.1/driver", NULL);
    g_assert_cmpint(symlink("../../../bus/pci/drivers/vfio-pci", link), ==, 0);
    VgClaim *c = claim(f, "a", "passthrough", 9, &error);
    g_assert_no_error(error);
    g_assert_false(vg_claim_create(c, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(error->message, "0000:09:00.1"));
    driver_is(f, "0000:09:00.0", "i915", "(null)");
    g_clear_error(&error);

    g_assert_cmpint(unlink(link), ==, 0);
    g_assert_true(vg_claim_create(c, &error) && vg_claim_create(c, &error));
    g_assert_no_error(error);
    driver_is(f, "0000:09:00.0", "pciback", "pciback");
    g_assert_false(vg_sysroot_exists(f->host->root, "sys/bus/pci/devices/0000:09:00.1"));
    g_assert_true(vg_claim_remove(c, &error));
    driver_is(f, "0000:09:00.0", "i915", "(null)");
    vg_gpus_release(c);
}

/* A driver that does not let go: refused, and everything as it was. */
static int stubborn(VgSysroot *root, const char *path, const char *text, gpointer data) {
    return g_str_has_suffix(path, "unbind") ? EBUSY : 0;
}

/* A kernel without xen-pciback. */
static int no_module(VgSysroot *root, const char *path, const char *text, gpointer data) {
    return 0;
}

static void test_failures(Fixture *f, gconstpointer unused) {
    static const struct {
        VgSysrootWrite writer;
        int code;
        const char *part;
    } rows[] = {{stubborn, VG_ERR_SYSTEM_ERROR, "cannot change the driver of PCI function 0000:05:00.0"},
                {no_module, VG_ERR_RESOURCE_BUSY, "its driver nvidia does not let it go"}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        VgClaim *c = claim(f, "a", "passthrough", 5, NULL);
        vg_sysroot_set_writer(f->host->root, rows[i].writer, NULL);
        g_assert_false(vg_claim_create(c, &error));
        g_assert_error(error, VG_ERROR, rows[i].code);
        if (strstr(error->message, rows[i].part) == NULL)
            g_error("\"%s\" lacks \"%s\"", error->message, rows[i].part);
        driver_is(f, "0000:05:00.0", "nvidia", "(null)");
        vg_gpus_release(c);
    }
}

int main(int argc, char **argv) {
    vg_log_set_level(VG_LOG_ERROR);
    g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/gpus-pci/" #name, Fixture, NULL, set_up, test_##name, tear_down)
    TEST(life);
    TEST(excludes);
    TEST(protected);
    TEST(kept);
    TEST(vfs);
    TEST(foreign_vf);
    TEST(whole_with_vfs);
    TEST(failures);
    return g_test_run();
}
