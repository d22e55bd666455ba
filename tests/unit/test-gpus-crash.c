/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-gpus-crash.c: a claim's whole life in a process that dies, or whose effect fails, at each single step there is;
 * then a new start compares the kernel, the ledger and the capacity. What others made stays. (wish-11, wish-12,
 * wish-19)
 *
 * Steps are not listed here: a first run logs the fault points it passes. The child is this program with --life DIR.
 */
#include "config.h"

#include <string.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "gpu/engine.h"
#include "scratch.h"
#include "sim/gpus.h"

#define VG_AREA "test"
#include "base/log.h"

static const char *self;
static const char foreign[] = "9a1b5c1e-0000-4000-8000-000000000001";
static const char t4[] = "0000:82:00.0";

/* A card with plain virtual functions beside the default host's. */
static const char flex[] = "{\"address\":\"0000:c1:00.0\",\"vendor\":\"8086\",\"device\":\"56c0\",\"driver\":\"i915\","
                           "\"iommu_group\":70,\"vfs\":3}";
/* And one with modes of its driver's own, whose vGPUs are on virtual functions, and on GPU instances if it is cut. */
#define A100 "0000:d1:00.0"
static const char a100[] = "{\"address\":\"" A100 "\",\"vendor\":\"10de\",\"device\":\"20f1\",\"subvendor\":\"10de\","
                           "\"driver\":\"nvidia\",\"iommu_group\":71,\"vfs\":2,\"mdev_types\":["
                           "{\"id\":\"nvidia-474\",\"name\":\"GRID A100-1-5C\",\"max\":7},"
                           "{\"id\":\"nvidia-468\",\"name\":\"GRID A100-4C\",\"max\":10}]}";

static VgGpus *try_open(const char *dir, VgGpuHost **ret_host, GError **error) {
    g_autoptr(VgJson) gpus = vg_sim_gpus_default();
    vg_json_append(gpus, vg_json_parse(flex, strlen(flex), "test", NULL));
    vg_json_append(gpus, vg_json_parse(a100, strlen(a100), "test", NULL));
    g_autofree char *config = g_build_filename(dir, "gpus.json", NULL);
    g_autofree char *ledger = g_build_filename(dir, "ledger", NULL);
    g_autofree char *catalogue = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    VgGpuHost *host = vg_sim_gpus_new(dir, gpus, error);
    if (host == NULL)
        return NULL;
    VgGpusPaths paths = {config, catalogue, ledger};
    VgGpus *engine = vg_gpus_open(host, &paths, error);
    if (engine != NULL)
        engine->backend_host.wait_ms = 50;
    *ret_host = host;
    return engine;
}

static VgGpus *open_in(const char *dir, VgGpuHost **ret_host) {
    g_autoptr(GError) error = NULL;
    VgGpus *gpus = try_open(dir, ret_host, &error);
    g_assert_no_error(error);
    return gpus;
}

/* --- the child ---------------------------------------------------------------------------------------------------- */

/* Down the ladder, as the driver does after a failed start and at a stop; a step that fails is tried once more. */
static int come_down(VgClaim *c) {
    gboolean gone = vg_claim_remove(c, NULL) || vg_claim_remove(c, NULL);
    gboolean forgotten = gone && (vg_claim_forget(c, NULL) || vg_claim_forget(c, NULL));
    if (forgotten)
        vg_gpus_release(c);
    return forgotten ? 0 : 1;
}

/* What is lived through: one of each back end that has an effect on the host. */
static const struct {
    const char *name, *type;
    gboolean params, pinned;
    VgPciAddr gpu;
    guint least; /* steps there are at least */
    gboolean modes;
} lives[] = {
    {"mdev", "GRID T4-4Q", TRUE, FALSE, {0}, 20},
    {"passthrough", "passthrough", FALSE, TRUE, {.bus = 5}, 10},
    {"sriov", "8086:56c0 VF", FALSE, FALSE, {0}, 10},
    {"modes", "GRID A100-1-5C", FALSE, FALSE, {0}, 30, TRUE},
};

/* What is missing is done by the next look, or the one after it. */
static void settle(VgGpus *gpus) {
    for (guint i = 0; i < 4; i++) {
        VgGpusLook *look = vg_gpus_look_begin(gpus);
        vg_gpus_look_read(look);
        vg_gpus_look_end(look);
    }
}

/* An order that fails is given once more. */
static gboolean set_mode(VgGpus *gpus, const char *mode) {
    g_autofree char *order = g_strdup_printf("{\"order\":\"mode\",\"gpu\":\"" A100 "\",\"mode\":\"%s\"}", mode);
    for (guint i = 0; i < 2; i++) {
        VgGpusChange *change = vg_gpus_change_begin(gpus, order, NULL);
        gboolean written = change != NULL && vg_gpus_change_write(change, NULL);
        if (change != NULL)
            vg_gpus_change_end(change, written);
        if (written) {
            settle(gpus);
            return TRUE;
        }
    }
    return FALSE;
}

static int live(const char *dir, const char *which) {
    vg_fault_init();
    VgGpuHost *host;
    VgGpus *gpus = try_open(dir, &host, NULL);
    if (gpus == NULL) /* a start that is refused has done nothing */
        return 0;
    const char *params[] = {"disable_vnc", "1", NULL};
    guint kind = 0;
    while (strcmp(lives[kind].name, which) != 0)
        kind++;
    VgVgpuRequest r = {.type_name = lives[kind].type,
                       .params = lives[kind].params ? params : NULL,
                       .pinned = lives[kind].pinned,
                       .gpu = lives[kind].gpu};
    VgUuid owner;
    vg_uuid_generate(&r.vgpu);
    vg_uuid_generate(&owner);
    if (lives[kind].modes && !(set_mode(gpus, "mixed-size") && set_mode(gpus, "mig")))
        return 4;
    VgClaim *c = vg_gpus_claim(gpus, &owner, "guest", &r, 1, NULL);
    if (c == NULL)
        return 3;
    if (vg_claim_record(c, NULL))
        vg_claim_create(c, NULL);
    int rc = come_down(c);
    if (rc == 0 && lives[kind].modes && !set_mode(gpus, "one-type"))
        rc = 5;
    vg_gpus_free(gpus);
    return rc;
}

/* Its status, as of wait(2). */
static int run_child(const char *dir, const char *which, const char *fault, const char *log) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) env = g_get_environ();
    if (fault != NULL)
        env = g_environ_setenv(env, "VIRTGRID_FAULT", fault, TRUE);
    if (log != NULL)
        env = g_environ_setenv(env, "VIRTGRID_FAULT_LOG", log, TRUE);
    char *argv[] = {(char *)self, (char *)"--life", (char *)dir, (char *)which, NULL};
    int status = 0;
    g_spawn_sync(NULL, argv, env, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, &error);
    g_assert_no_error(error);
    return status;
}

/* --- the parent --------------------------------------------------------------------------------------------------- */

static void make_foreign(const char *dir) {
    VgGpuHost *host;
    VgGpus *gpus = open_in(dir, &host);
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/mdev_supported_types/nvidia-232/create", t4);
    g_assert_true(vg_sysroot_write(host->root, path, foreign));
    vg_gpus_free(gpus);
}

static guint count_devices(VgGpuHost *host) {
    g_auto(GStrv) names = vg_sysroot_list(host->root, "sys/bus/mdev/devices");
    return g_strv_length(names);
}

/* Nothing but the foreign device is anywhere: bus, type, GPU, counts. */
static void assert_clean(VgGpuHost *host, VgGpus *gpus, const char *fault) {
    g_autofree char *gpu = g_strdup_printf("sys/bus/pci/devices/%s", t4);
    g_autofree char *type = g_strconcat(gpu, "/mdev_supported_types/nvidia-232", NULL);
    g_autofree char *in_type = g_strconcat(type, "/devices", NULL),
                    *left = g_strconcat(type, "/available_instances", NULL);
    g_auto(GStrv) devices = vg_sysroot_list(host->root, in_type), files = vg_sysroot_list(host->root, gpu);
    gint64 available = -1;
    vg_sysroot_read_int(host->root, left, &available);
    gboolean good =
        count_devices(host) == 1 && g_strv_length(devices) == 1 && strcmp(devices[0], foreign) == 0 && available == 3;
    for (char **name = files; *name != NULL; name++)
        good = good && **name != '.';
    /* Every GPU is with the host's driver again. */
    for (guint i = 0; i < gpus->inventory.n; i++) {
        g_autofree char *folder = g_strconcat("sys/bus/pci/devices/", gpus->inventory.gpus[i].text, NULL);
        g_autofree char *override = g_strconcat(folder, "/driver_override", NULL);
        g_autofree char *driver = g_strconcat(folder, "/driver", NULL);
        g_autofree char *target = vg_sysroot_readlink(host->root, driver);
        g_autofree char *forced = vg_sysroot_read(host->root, override);
        g_autofree char *now = target != NULL ? g_path_get_basename(target) : NULL;
        /* Not what the inventory has: it was read before the repair. */
        const char *own = gpus->inventory.gpus[i].record.vendor == 0x8086 ? "i915" : "nvidia";
        if (g_strcmp0(now, own) != 0 || strcmp(forced, "(null)") != 0)
            g_error("after %s: GPU %s has driver %s, forced to %s", fault, gpus->inventory.gpus[i].text,
                    target != NULL ? target : "none", forced);
    }
    for (guint i = 1; i <= 3; i++) {
        g_autofree char *driver = g_strdup_printf("sys/bus/pci/devices/0000:c1:00.%u/driver", i);
        g_autofree char *override = g_strconcat(driver, "_override", NULL);
        g_autofree char *forced = vg_sysroot_read(host->root, override);
        g_autofree char *target = vg_sysroot_readlink(host->root, driver);
        if (target != NULL || (forced != NULL && strcmp(forced, "(null)") != 0))
            g_error("after %s: virtual function %u is still lent", fault, i);
    }
    gsize n;
    G_GNUC_UNUSED g_autofree VgClaim **claims = vg_gpus_claims(gpus, &n);
    const VgType *t = vg_types_by_name(gpus->types, "GRID T4-4Q");
    good =
        good && n == 0 &&
        vg_place_capacity(&gpus->room, vg_inventory_find(&gpus->inventory, &(VgPciAddr){.bus = 0x82}), t->index) == 3;
    if (!good)
        g_error("after %s: %u devices, %u of the type, %d instances left, %zu claims", fault, count_devices(host),
                g_strv_length(devices), (int)available, n);
}

static char *text_of(VgGpuHost *host, const char *path) {
    return vg_sysroot_read(host->root, path);
}

/*
 * The driver has the mode that was decided (one that nobody wants any more may be on if we died before it was told so),
 * and nothing of an instance is left but what others made.
 */
static void assert_modes(VgGpuHost *host, VgGpus *gpus, const char *fault) {
    settle(gpus);
    const VgGpu *gpu = &gpus->inventory.gpus[vg_inventory_find(&gpus->inventory, &(VgPciAddr){.bus = 0xd1})];
    g_autofree char *mixed = text_of(host, "nvml/" A100 "/heterogeneous"), *mig = text_of(host, "nvml/" A100 "/mig");
    g_autofree char *others = text_of(host, "nvml/" A100 "/instances/9");
    g_auto(GStrv) instances = vg_sysroot_list(host->root, "nvml/" A100 "/instances");
    if (gpu->waiting != NULL || (gpu->mode == VG_MODE_MIXED_SIZE && strcmp(mixed, "1") != 0) ||
        (gpu->mode == VG_MODE_MIG && strcmp(mig, "1") != 0) || g_strv_length(instances) != 1 || others == NULL)
        g_error("after %s: GPU in mode %d waits for %s; mixed %s, mig %s, %u instances", fault, (int)gpu->mode,
                gpu->waiting, mixed, mig, g_strv_length(instances));
    g_assert_true(set_mode(gpus, "mixed-size") && set_mode(gpus, "mig") && set_mode(gpus, "one-type"));
    g_autofree char *off = text_of(host, "nvml/" A100 "/mig"), *also = text_of(host, "nvml/" A100 "/heterogeneous");
    g_assert_cmpstr(off, ==, "0");
    g_assert_cmpstr(also, ==, "0");
}

/* A new start: claims of guests that do not run are taken down. */
static void recover(const char *dir, const char *fault, gboolean modes) {
    VgGpuHost *host;
    VgGpus *gpus = open_in(dir, &host);
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(gpus, &n);
    for (gsize i = 0; i < n; i++)
        g_assert_cmpint(come_down(claims[i]), ==, 0);
    if (modes)
        assert_modes(host, gpus, fault);
    assert_clean(host, gpus, fault);
    vg_gpus_free(gpus);
}

static char **points(const char *dir, const char *which) {
    g_autofree char *log = g_build_filename(dir, "log", NULL);
    g_autofree char *text = NULL;
    g_assert_cmpint(run_child(dir, which, NULL, log), ==, 0);
    g_assert_true(g_file_get_contents(log, &text, NULL, NULL));
    return g_strsplit(g_strchomp(text), "\n", -1);
}

/*
 * The cards with virtual functions as they were when the machine started: once enabled, they would stay. Somebody has
 * made a GPU instance.
 */
static void reset_vfs(const char *dir) {
    g_autofree char *command =
        g_strdup_printf("sh -c 'cd %s/state/kernel/sys && rm -rf devices/pci*/0000:[cd]1* bus/pci/devices/0000:[cd]1* "
                        "class/mdev_bus/0000:d1* ../nvml ../../../gpus.json && mkdir -p ../nvml/" A100 "/instances && "
                        "echo 1g.5gb 2:1 > ../nvml/" A100 "/instances/9'",
                        dir);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
}

static void each_point(const char *action, guint kind) {
    g_autofree char *dir = scratch_new();
    make_foreign(dir);
    reset_vfs(dir);
    g_auto(GStrv) names = points(dir, lives[kind].name);
    g_assert_cmpuint(g_strv_length(names), >=, lives[kind].least);
    g_autoptr(GHashTable) times = g_hash_table_new(g_str_hash, g_str_equal);
    for (char **name = names; *name != NULL; name++) {
        guint n = GPOINTER_TO_UINT(g_hash_table_lookup(times, *name)) + 1;
        g_hash_table_insert(times, *name, GUINT_TO_POINTER(n));
        g_autofree char *fault = g_strdup_printf("%s=%s:%u", *name, action, n);
        reset_vfs(dir);
        int status = run_child(dir, lives[kind].name, fault, NULL);
        if (strcmp(action, "kill") == 0)
            g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == 9);
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            g_error("after %s: the life ends with %d", fault, status);
        recover(dir, fault, lives[kind].modes);
    }
    scratch_remove(dir);
}

static void test_kill(void) {
    for (guint kind = 0; kind < G_N_ELEMENTS(lives); kind++)
        each_point("kill", kind);
}

static void test_fail(void) {
    for (guint kind = 0; kind < G_N_ELEMENTS(lives); kind++)
        each_point("fail", kind);
}

int main(int argc, char **argv) {
    self = argv[0];
    vg_log_set_level(VG_LOG_ERROR);
    if (argc == 4 && strcmp(argv[1], "--life") == 0)
        return live(argv[2], argv[3]);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpus-crash/kill", test_kill);
    g_test_add_func("/gpus-crash/fail", test_fail);
    return g_test_run();
}
