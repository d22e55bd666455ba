/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-gpus-vfs.c: vGPUs on virtual functions, by both of NVIDIA's interfaces: they are enabled first, the mode is set
 * next, vGPUs come last; what the driver does late, refuses for a while, or forgets.
 */
#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "gpu/engine.h"
#include "gpu/host_nvidia.h"
#include "gpu/mig.h"
#include "gpu/vfs.h"
#include "sim/gpus.h"
#include "sim/kernel.h"
#include "scratch.h"

#define VG_AREA "test"
#include "base/log.h"

#define PF "sys/bus/pci/devices/0001:41:00.0"
#define VF(n) "sys/bus/pci/devices/0001:41:00." n

typedef struct {
    char *dir, *ledger, *config, *catalogue;
    const char *framework, *more; /* of host.json */
    VgGpuHost *host;              /* the engine's */
    VgGpus *gpus;
} Fixture;

static void start(Fixture *f) {
    g_autoptr(GError) error = NULL;
    /* 24 places shared by 32 functions; a board of the catalogue, and a type that it does not know. Domain 1. */
    g_autofree char *text = g_strdup_printf(
        "[{\"address\":\"0001:41:00.0\",\"vendor\":\"10de\",\"device\":\"2235\",\"subvendor\":\"10de\",\"driver\":"
        "\"nvidia\",\"iommu_group\":1,\"vfs\":32,\"framework\":\"%s\"%s,\"mdev_types\":["
        "{\"id\":\"nvidia-557\",\"name\":\"NVIDIA A40-1Q\",\"max\":24},"
        "{\"id\":\"nvidia-560\",\"name\":\"NVIDIA A40-4Q\",\"max\":8},"
        "{\"id\":\"nvidia-9002\",\"name\":\"NVIDIA A40-2X\",\"max\":16,\"description\":\"max_instance=24\"}]}]",
        f->framework, f->more);
    g_autoptr(VgJson) gpus = vg_json_parse(text, strlen(text), "test", &error);
    g_assert_no_error(error);
    f->host = vg_sim_gpus_new(f->dir, gpus, &error);
    g_assert_no_error(error);
    VgGpusPaths paths = {f->config, f->catalogue, f->ledger};
    f->gpus = vg_gpus_open(f->host, &paths, &error);
    g_assert_no_error(error);
    f->gpus->backend_host.wait_ms = 500;
}

static void stop(Fixture *f) {
    g_clear_pointer(&f->gpus, vg_gpus_free);
}

static void set_up(Fixture *f, gconstpointer framework) {
    f->dir = scratch_new();
    f->ledger = g_build_filename(f->dir, "ledger", NULL);
    f->config = g_build_filename(f->dir, "gpus.json", NULL);
    f->catalogue = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    f->framework = framework;
    f->more = "";
}

static void tear_down(Fixture *f, gconstpointer unused) {
    stop(f);
    scratch_remove(f->dir);
    g_free(f->dir);
    g_free(f->ledger);
    g_free(f->config);
    g_free(f->catalogue);
}

static void look(Fixture *f) {
    VgGpusLook *l = vg_gpus_look_begin(f->gpus);
    vg_gpus_look_read(l);
    g_assert_true(vg_gpus_look_end(l));
}

static gboolean is_vfio(const Fixture *f) {
    return strcmp(f->framework, "vfio") == 0;
}

static VgClaim *try_claim(Fixture *f, const char *type, const char *const *params, GError **error) {
    VgVgpuRequest r = {.type_id = type, .params = params};
    VgUuid owner;
    vg_uuid_generate(&r.vgpu);
    vg_uuid_generate(&owner);
    return vg_gpus_claim(f->gpus, &owner, "web", &r, 1, error);
}

static VgClaim *claim(Fixture *f, const char *type) {
    g_autoptr(GError) error = NULL;
    VgClaim *c = try_claim(f, type, NULL, &error);
    g_assert_no_error(error);
    return c;
}

static void refused(Fixture *f, const char *type, const char *part) {
    g_autoptr(GError) error = NULL;
    g_assert_null(try_claim(f, type, NULL, &error));
    g_assert_true(error->domain == VG_ERROR);
    if (strstr(error->message, part) == NULL)
        g_error("\"%s\" lacks \"%s\"", error->message, part);
}

static const VgPlace *place(const VgClaim *c) {
    gsize n;
    return vg_claim_places(c, &n);
}

static char *text_of(Fixture *f, const char *path) {
    return vg_sysroot_read(f->host->root, path);
}

static void assert_text(Fixture *f, const char *path, const char *expected) {
    g_autofree char *text = text_of(f, path);
    g_assert_cmpstr(text, ==, expected);
}

static guint available(Fixture *f, const char *id) {
    VgGpuView view;
    g_assert_true(vg_gpus_view(f->gpus, 0, &view));
    for (gsize i = 0; i < view.n_types; i++)
        if (strcmp(view.types[i].type_id, id) == 0)
            return view.types[i].available;
    g_assert_not_reached();
}

/* Is the vGPU of @c there, as the kernel shows it? */
static gboolean is_there(Fixture *f, const VgClaim *c) {
    if (!is_vfio(f))
        return g_file_test(place(c)->vfio_path, G_FILE_TEST_IS_DIR);
    g_autofree char *path = vg_pci_file(&place(c)->vf, "nvidia/current_vgpu_type"), *text = text_of(f, path);
    return text != NULL && strcmp(text, "0") != 0;
}

/* --- order -------------------------------------------------------------------------------------------------------- */

/* wish-8: not ready before, functions enabled and with their driver after, the GPU with its own again. */
static void test_enable(Fixture *f, gconstpointer unused) {
    start(f);
    g_assert_true(vg_gpus_waiting(f->gpus));
    refused(f, "nvidia-557", "it is not ready: its virtual functions are not enabled yet");
    look(f);
    g_assert_false(vg_gpus_waiting(f->gpus));
    assert_text(f, PF "/sriov_numvfs", "32");
    assert_text(f, PF "/driver_override", "(null)");
    g_autofree char *driver = vg_sysroot_readlink(f->host->root, PF "/driver");
    g_autofree char *vf_driver = vg_sysroot_readlink(f->host->root, VF("4") "/driver");
    g_assert_true(g_str_has_suffix(driver, "/nvidia") && g_str_has_suffix(vf_driver, "/nvidia"));
    g_assert_cmpstr(f->gpus->inventory.gpus[0].backend->name, ==, f->framework);
    /* A second look changes nothing, nor does a restart. */
    look(f);
    stop(f);
    start(f);
    g_assert_false(vg_gpus_waiting(f->gpus));
}

/* As after a boot. */
static void forget_host(Fixture *f) {
    g_autofree char *kernel = g_build_filename(f->dir, "state", NULL), *command = g_strconcat("rm -rf ", kernel, NULL);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
}

/* wish-2: the driver shows its types later than its functions. */
static void test_late(Fixture *f, gconstpointer unused) {
    gboolean seen = FALSE;
    for (guint ms = 200; !seen && ms < 60000; ms *= 4) { /* on a busy machine the driver is ready before we look */
        g_autofree char *more = g_strdup_printf(",\"ready_ms\":%u", ms);
        g_autoptr(GError) error = NULL;
        stop(f);
        forget_host(f);
        f->more = more;
        start(f);
        look(f);
        VgClaim *early = try_claim(f, "nvidia-557", NULL, &error);
        if (early != NULL)
            vg_gpus_release(early);
        else
            seen = strstr(error->message, "does not show types of vGPU on its virtual functions yet") != NULL;
    }
    f->more = "";
    g_assert_true(seen);
    g_assert_true(vg_gpus_waiting(f->gpus));
    for (guint i = 0; i < 10000 && vg_gpus_waiting(f->gpus); i++) {
        g_usleep(20000);
        look(f);
    }
    g_assert_false(vg_gpus_waiting(f->gpus));
    vg_gpus_release(claim(f, "nvidia-557"));
}

/* A crash half way: the GPU is with pci-pf-stub, or its functions are there and nobody has it. */
static void test_half_done(Fixture *f, gconstpointer unused) {
    for (guint kind = 0; kind < 2; kind++) {
        forget_host(f);
        start(f);
        VgSysroot *root = f->host->root;
        g_assert_true(vg_sysroot_write(root, PF "/driver_override", "pci-pf-stub") &&
                      vg_sysroot_write(root, PF "/driver/unbind", "0001:41:00.0") &&
                      vg_sysroot_write(root, "sys/bus/pci/drivers_probe", "0001:41:00.0") &&
                      vg_sysroot_write(root, PF "/sriov_drivers_autoprobe", "0"));
        if (kind == 1)
            g_assert_true(vg_sysroot_write(root, PF "/sriov_numvfs", "32") &&
                          vg_sysroot_write(root, PF "/driver/unbind", "0001:41:00.0") &&
                          vg_sysroot_write(root, PF "/driver_override", "\n"));
        stop(f);
        start(f);
        g_assert_true(vg_gpus_waiting(f->gpus));
        look(f);
        g_assert_false(vg_gpus_waiting(f->gpus));
        g_autofree char *driver = vg_sysroot_readlink(f->host->root, PF "/driver");
        g_assert_true(g_str_has_suffix(driver, "/nvidia"));
        stop(f);
    }
}

static void set_mode(Fixture *f, const char *mode) {
    g_autoptr(GError) error = NULL;
    g_autofree char *order = g_strdup_printf("{\"order\":\"mode\",\"gpu\":\"0001:41:00.0\",\"mode\":\"%s\"}", mode);
    VgGpusChange *change = vg_gpus_change_begin(f->gpus, order, &error);
    g_assert_no_error(error);
    g_assert_true(vg_gpus_change_write(change, &error));
    vg_gpus_change_end(change, TRUE);
}

/* wish-6: the mode set before the functions are enabled is lost by that; it is noticed and set again. */
static void test_mode(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    start(f);
    set_mode(f, "mixed-size");
    g_assert_true(vg_sysroot_write(f->host->root, "nvml/0001:41:00.0/heterogeneous", "1"));
    refused(f, "nvidia-557", "its virtual functions are not enabled yet");
    look(f);
    assert_text(f, "nvml/0001:41:00.0/heterogeneous", "1");
    VgClaim *small = claim(f, "nvidia-557"), *big = claim(f, "nvidia-560");
    g_assert_cmpint(place(small)->start, >=, 0);
    g_assert_true(vg_claim_create(small, &error) && vg_claim_create(big, &error));
    g_assert_no_error(error);
    g_autofree char *uuid_path = g_strconcat("sys/bus/mdev/devices/", "", NULL);
    char uuid[VG_UUID_TEXT];
    g_autofree char *start_path =
        is_vfio(f) ? vg_pci_file(&place(big)->vf, "nvidia/placement_id")
                   : g_strconcat(uuid_path, vg_uuid_format(&place(big)->vgpu, uuid), "/nvidia/placement_id", NULL);
    g_autofree char *expected = g_strdup_printf("%d", place(big)->start);
    assert_text(f, start_path, expected);
    g_assert_true(vg_claim_remove(small, NULL) && vg_claim_remove(big, NULL));
    vg_gpus_release(small);
    vg_gpus_release(big);
    /* Lost behind our back: the next look finds it, and until then a start fails and leaves nothing. */
    g_assert_true(vg_sysroot_write(f->host->root, "nvml/0001:41:00.0/heterogeneous", "0"));
    VgClaim *late = claim(f, "nvidia-557");
    g_assert_false(vg_claim_create(late, &error));
    g_assert_nonnull(strstr(error->message, is_vfio(f) ? "placement_id" : "placement id"));
    g_assert_false(is_there(f, late));
    vg_gpus_release(late);
    look(f);
    assert_text(f, "nvml/0001:41:00.0/heterogeneous", "1");
    set_mode(f, "one-type");
    look(f);
    assert_text(f, "nvml/0001:41:00.0/heterogeneous", "0");
}

/* --- room --------------------------------------------------------------------------------------------------------- */

/* wish-30, wish-31: 32 functions share 24 places; a full GPU still has its types. */
static void test_sum(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    start(f);
    look(f);
    g_assert_cmpuint(available(f, "nvidia-557"), ==, 32); /* the catalogue's figure */
    g_assert_cmpuint(available(f, "nvidia-9002"), ==, is_vfio(f) ? 32 : 24);
    VgClaim *c = claim(f, "nvidia-9002");
    g_assert_cmpuint(available(f, "nvidia-9002"), ==, is_vfio(f) ? 31 : 23);
    g_assert_cmpuint(available(f, "nvidia-557"), ==, 0);
    g_assert_true(vg_claim_record(c, &error) && vg_claim_create(c, &error));
    g_assert_no_error(error);
    /* What the driver lists beside it is less, now and for one who begins to look now. */
    look(f);
    stop(f);
    start(f);
    g_assert_cmpuint(available(f, "nvidia-557"), ==, 0);
    g_assert_cmpuint(f->gpus->foreign->len, ==, 0);
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 1);
    g_assert_true(is_there(f, claims[0]));
    g_assert_true(vg_claim_remove(claims[0], &error) && vg_claim_forget(claims[0], &error));
    g_assert_false(is_there(f, claims[0]));
    vg_gpus_release(claims[0]);
    g_assert_cmpuint(available(f, "nvidia-557"), ==, 32);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

/* wish-5: the same definition, by id, on both interfaces. */
static void test_life(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    static const char *const params[] = {"frame_rate_limiter", "0", "disable_vnc", "1", NULL};
    start(f);
    look(f);
    VgClaim *c = try_claim(f, "nvidia-557", params, &error);
    g_assert_no_error(error);
    g_assert_true(place(c)->has_vf && place(c)->vf.function == 4 && place(c)->vf.domain == 1);
    g_assert_true(vg_claim_create(c, &error) && vg_claim_create(c, &error));
    g_assert_no_error(error);
    g_assert_true(is_there(f, c));
    char uuid[VG_UUID_TEXT];
    g_autofree char *of_mdev =
        g_strconcat("sys/bus/mdev/devices/", vg_uuid_format(&place(c)->vgpu, uuid), "/nvidia/vgpu_params", NULL);
    assert_text(f, is_vfio(f) ? VF("4") "/nvidia/vgpu_params" : of_mdev, "frame_rate_limiter=0,disable_vnc=1");
    if (is_vfio(f))
        g_assert_true(g_str_has_suffix(place(c)->vfio_path, "/sys/bus/pci/devices/0001:41:00.4"));
    VgClaim *second = claim(f, "nvidia-557");
    g_assert_cmpuint(place(second)->vf.function, ==, 5);
    g_assert_true(vg_claim_remove(c, &error) && vg_claim_remove(c, &error));
    g_assert_false(is_there(f, c));
    vg_gpus_release(c);
    vg_gpus_release(second);
    static const char *const unknown[] = {"no_such", "1", NULL};
    g_assert_null(try_claim(f, "nvidia-557", unknown, &error));
    g_assert_nonnull(strstr(error->message, "takes no parameter 'no_such'"));
}

/* Slow to come, slow to go (wish-16); slower than we wait (wish-17: it stays ours and goes later). */
static void test_slow(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    f->more = ",\"create_ms\":1000,\"release_ms\":1000";
    start(f);
    look(f);
    VgClaim *c = claim(f, "nvidia-557");
    f->gpus->backend_host.wait_ms = 60000;
    g_assert_true(vg_claim_create(c, &error));
    g_assert_true(is_there(f, c));
    f->gpus->backend_host.wait_ms = 0; /* asked once */
    g_assert_false(vg_claim_remove(c, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(error->message, "still in use"));
    g_assert_true(is_there(f, c));
    g_clear_error(&error);
    f->gpus->backend_host.wait_ms = 60000;
    g_assert_true(vg_claim_remove(c, &error));
    g_assert_false(is_there(f, c));
    /* Ordered, and not there in time: given up, and what comes late is not left. */
    f->gpus->backend_host.wait_ms = 0;
    g_assert_false(vg_claim_create(c, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_OPERATION_TIMEOUT);
    for (guint i = 0; i < 6000 && !is_there(f, c); i++)
        g_usleep(10000);
    g_assert_true(is_there(f, c));
    f->gpus->backend_host.wait_ms = 60000;
    g_assert_true(vg_claim_remove(c, NULL));
    g_assert_false(is_there(f, c));
    vg_gpus_release(c);
}

/* The driver's own cleaning, some time after the guest has ended. */
static gpointer clean_later(gpointer data) {
    Fixture *f = data;
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    char uuid[VG_UUID_TEXT];
    g_autofree char *of_mdev =
        g_strconcat("sys/bus/mdev/devices/", vg_uuid_format(&place(claims[0])->vgpu, uuid), "/remove", NULL);
    g_usleep(150000);
    if (is_vfio(f))
        vg_sysroot_write(f->host->root, VF("4") "/nvidia/current_vgpu_type", "0");
    else
        vg_sysroot_write(f->host->root, of_mdev, "1");
    return NULL;
}

/* wish-16: a driver that cleans up by itself is not forestalled; one that does not is waited for once only. */
static void test_cleans(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    start(f);
    look(f);
    g_assert_cmpuint(f->gpus->clean_ms, ==, 0); /* of this driver it is not known */
    f->gpus->clean_ms = 60000;
    VgClaim *c = claim(f, "nvidia-557");
    g_assert_true(vg_claim_create(c, &error));
    vg_claim_use(c);
    GThread *driver = g_thread_new("driver", clean_later, f);
    g_assert_true(vg_claim_renew(c, &error)); /* the guest comes again: it is there, and not the one that was to go */
    g_thread_join(driver);
    g_assert_true(is_there(f, c));
    gint64 before = g_get_monotonic_time();
    driver = g_thread_new("driver", clean_later, f);
    g_assert_true(vg_claim_remove(c, &error));
    g_assert_cmpint(g_get_monotonic_time() - before, >=, 100000);
    g_thread_join(driver);
    g_assert_false(is_there(f, c));
    /* It does not clean up: the removal comes after the limit, and the next at once. */
    f->gpus->clean_ms = 100;
    for (guint i = 0; i < 2; i++) {
        g_assert_true(vg_claim_create(c, &error));
        before = g_get_monotonic_time();
        g_assert_true(vg_claim_remove(c, &error));
        if (i == 0)
            g_assert_cmpint(g_get_monotonic_time() - before, >=, 100000);
        g_assert_true(f->gpus->in_vain);
    }
    /* One that nobody has used is not waited for. */
    f->gpus->in_vain = FALSE;
    c->used = FALSE;
    g_assert_true(vg_claim_create(c, &error) && vg_claim_remove(c, &error));
    g_assert_false(f->gpus->in_vain);
    vg_gpus_release(c);
}

static void order_by_hand(Fixture *f, const char *id) {
    g_autofree char *create = g_strdup_printf(VF("4") "/mdev_supported_types/%s/create", id);
    g_assert_true(is_vfio(f)
                      ? vg_sysroot_write(f->host->root, VF("4") "/nvidia/current_vgpu_type", strrchr(id, '-') + 1)
                      : vg_sysroot_write(f->host->root, create, "9a1b5c1e-0000-4000-8000-000000000001"));
}

/* Made by other hands: it counts, its function is not given, nothing of ours removes it. */
static void test_foreign(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    start(f);
    look(f);
    VgClaim *early = claim(f, "nvidia-560"); /* chosen before the others came */
    g_assert_cmpuint(place(early)->vf.function, ==, 4);
    order_by_hand(f, "nvidia-557");
    g_assert_false(vg_claim_create(early, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    g_assert_true(vg_claim_remove(early, NULL)); /* which takes away nothing */
    vg_gpus_release(early);
    look(f);
    g_assert_cmpuint(f->gpus->foreign->len, ==, 1);
    VgClaim *c = claim(f, "nvidia-557");
    g_assert_cmpuint(place(c)->vf.function, ==, 5);
    vg_gpus_release(c);
    g_assert_cmpuint(available(f, "nvidia-557"), ==, 31);
    refused(f, "nvidia-560", "made by other hands");
    refused(f, "passthrough", "made by other hands");
    if (is_vfio(f))
        assert_text(f, VF("4") "/nvidia/current_vgpu_type", "557");
}

/* The driver lets go of its function between choosing and making. */
static void test_vanished(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    start(f);
    look(f);
    VgClaim *c = claim(f, "nvidia-557");
    g_assert_true(vg_sysroot_write(f->host->root, VF("4") "/driver/unbind", "0001:41:00.4"));
    g_assert_false(vg_claim_create(c, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_DEVICE_MISSING);
    g_assert_true(vg_claim_remove(c, NULL));
    vg_gpus_release(c);
    /* One that is there goes by other hands, and is no more there for us. */
    g_assert_true(vg_sysroot_write(f->host->root, "sys/bus/pci/drivers_probe", "0001:41:00.4"));
    c = claim(f, "nvidia-557");
    g_assert_true(vg_claim_create(c, NULL) && vg_claim_exists(c));
    char uuid[VG_UUID_TEXT];
    g_autofree char *remove = g_strdup_printf("sys/bus/mdev/devices/%s/remove", vg_uuid_format(&place(c)->vgpu, uuid));
    g_assert_true(is_vfio(f) ? vg_sysroot_write(f->host->root, VF("4") "/nvidia/current_vgpu_type", "0")
                             : vg_sysroot_write(f->host->root, remove, "1"));
    g_assert_false(vg_claim_exists(c));
    if (is_vfio(f)) { /* somebody else's has its place */
        g_assert_true(vg_sysroot_write(f->host->root, VF("4") "/nvidia/current_vgpu_type", "560"));
        g_assert_false(vg_claim_exists(c));
        g_assert_true(vg_sysroot_write(f->host->root, VF("4") "/nvidia/current_vgpu_type", "0"));
    }
    vg_gpus_release(c);
    g_assert_true(vg_sysroot_write(f->host->root, VF("4") "/driver/unbind", "0001:41:00.4"));
    /* The next look knows, and another function is taken. */
    look(f);
    c = claim(f, "nvidia-557");
    g_assert_cmpuint(place(c)->vf.function, ==, 5);
    vg_gpus_release(c);
}

/* wish-18: two owners of one place on record; the release of the older one changes nothing. */
static void test_generation(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    start(f);
    look(f);
    VgClaim *old = claim(f, "nvidia-557");
    g_assert_true(vg_claim_record(old, &error));
    vg_gpus_release(old); /* and the ledger is not told */
    VgClaim *new = claim(f, "nvidia-557");
    VgUuid vgpu = place(new)->vgpu;
    g_assert_true(vg_claim_record(new, &error) && vg_claim_create(new, &error));
    g_assert_no_error(error);
    stop(f);
    start(f);
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 2);
    guint newer = vg_uuid_equal(&place(claims[0])->vgpu, &vgpu) ? 0 : 1;
    g_assert_true(vg_claim_remove(claims[1 - newer], &error));
    g_assert_true(is_there(f, claims[newer]));
    g_assert_true(vg_claim_remove(claims[newer], &error));
    g_assert_false(is_there(f, claims[newer]));
}

/* The host was started anew, and somebody else made a vGPU at a place that the ledger still gives to a guest. */
static void test_new_boot(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    start(f);
    look(f);
    VgClaim *c = claim(f, "nvidia-557");
    g_assert_true(vg_claim_record(c, &error) && vg_claim_create(c, &error));
    stop(f);
    forget_host(f);
    start(f);
    VgPciAddr pf = {.domain = 1, .bus = 0x41};
    g_assert_true(vg_vfs_enable(f->host->root, &pf, TRUE, 500, &error));
    order_by_hand(f, "nvidia-557");
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 1);
    g_assert_true(vg_claim_remove(claims[0], &error) && vg_claim_forget(claims[0], &error));
    vg_gpus_release(claims[0]);
    look(f);
    g_assert_cmpuint(f->gpus->foreign->len, ==, 1);
    if (is_vfio(f))
        assert_text(f, VF("4") "/nvidia/current_vgpu_type", "557");
}

/* --- pure --------------------------------------------------------------------------------------------------------- */

static void test_smi_text(void) {
    static const char text[] = "    GPU Virtualization Mode\n        Host VGPU Mode                    : SR-IOV\n"
                               "        vGPU Heterogeneous Mode           : Enabled\n    GPU Reset Status\n";
    g_autofree char *mode = vg_nvidia_field(text, NULL, "vGPU Heterogeneous Mode");
    g_assert_cmpstr(mode, ==, "Enabled");
    g_assert_null(vg_nvidia_field(text, NULL, "GPU Virtualization Mode"));
    g_assert_null(vg_nvidia_field(text, NULL, "No such field"));
    g_assert_null(vg_nvidia_field(text, "MIG Mode", "Current"));
    static const char mig[] =
        "    Current                 : P0\n    MIG Mode\n        Current               : Disabled\n"
        "        Pending               : Enabled\n";
    g_autofree char *now = vg_nvidia_field(mig, "MIG Mode", "Current");
    g_assert_cmpstr(now, ==, "Disabled");
}

static void test_instances_text(void) {
    static const char text[] = "+-------------------------------------------------------+\n"
                               "| GPU instances:                                        |\n"
                               "| GPU   Name             Profile  Instance   Placement  |\n"
                               "|                          ID       ID       Start:Size |\n"
                               "|=======================================================|\n"
                               "|   0  MIG 1g.5gb+me       20        9          2:1     |\n"
                               "+-------------------------------------------------------+\n"
                               "|   0  MIG 3g.20gb          9        2          4:4     |\n"
                               "+-------------------------------------------------------+\n";
    g_autoptr(GArray) all = vg_nvidia_read_instances(text);
    g_assert_cmpuint(all->len, ==, 2);
    const VgGpuInstance *i = &g_array_index(all, VgGpuInstance, 0), *k = &g_array_index(all, VgGpuInstance, 1);
    g_assert_cmpstr(i->profile, ==, "1g.5gb+me");
    g_assert_true(i->id == 9 && i->start == 2 && i->size == 1 && k->id == 2 && k->start == 4 && k->size == 4);
    static const char *const profiles[][2] = {{"GRID A100-1-5C", "1g.5gb"},
                                              {"GRID A100-1-5CME", "1g.5gb+me"},
                                              {"NVIDIA H100XM-2-20C", "2g.20gb"},
                                              {"NVIDIA H200-7-141C", "7g.141gb"},
                                              {"GRID A100-4C", NULL},
                                              {"GRID T4-16Q", NULL}};
    for (guint n = 0; n < G_N_ELEMENTS(profiles); n++) {
        g_autofree char *profile = vg_mig_profile(profiles[n][0]);
        g_assert_cmpstr(profile, ==, profiles[n][1]);
    }
}

int main(int argc, char **argv) {
    vg_log_set_level(VG_LOG_ERROR);
    g_test_init(&argc, &argv, NULL);
#define TEST(name)                                                                                                     \
    g_test_add("/gpus-vfs/mdev/" #name, Fixture, "mdev", set_up, test_##name, tear_down);                              \
    g_test_add("/gpus-vfs/vfio/" #name, Fixture, "vfio", set_up, test_##name, tear_down)
    TEST(enable);
    TEST(late);
    TEST(half_done);
    TEST(mode);
    TEST(sum);
    TEST(life);
    TEST(slow);
    TEST(cleans);
    TEST(foreign);
    TEST(vanished);
    TEST(generation);
    TEST(new_boot);
    g_test_add_func("/gpus-vfs/smi-text", test_smi_text);
    g_test_add_func("/gpus-vfs/instances-text", test_instances_text);
    return g_test_run();
}
