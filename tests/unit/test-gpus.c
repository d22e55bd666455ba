/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gpus.c: the engine on the default simulated host: claims, their life with the simulated kernel, refusals,
 * documents, restarts. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/durable.h"
#include "base/fault.h"
#include "gpu/engine.h"
#include "sim/gpus.h"
#include "scratch.h"

#define VG_AREA "test"
#include "base/log.h"

typedef struct {
    char *dir, *ledger, *config, *catalogue;
    VgGpuHost *host; /* the engine's */
    VgGpus *gpus;
} Fixture;

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
    f->dir = scratch_new();
    f->ledger = g_build_filename(f->dir, "ledger", NULL);
    f->config = g_build_filename(f->dir, "gpus.json", NULL);
    f->catalogue = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    start(f);
}

static void tear_down(Fixture *f, gconstpointer unused) {
    stop(f);
    scratch_remove(f->dir);
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

/* ENU-1: a back end is known by its name. */
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

/* --- refusals: each names the rule, the object, the holder, the way out ------------------------------------------- */

/* HST-2, TYP-1 to TYP-3: what no GPU here has is refused; a type is found by name and by id. */
static void test_unknown(Fixture *f, gconstpointer unused) {
    VgVgpuRequest r = want("GRID K140Q");
    g_autoptr(GError) error = NULL;
    refused_one(f, "GRID X1", VG_ERR_CONFIG_UNSUPPORTED, "'GRID X1';types this host has: GRID K100, GRID K120Q;more");
    refused_one(f, "GRID P40-1Q", VG_ERR_CONFIG_UNSUPPORTED, "'GRID P40-1Q'"); /* in the catalogue, not in this host */
    r.group = "nobody";
    refused(f, &r, 1, VG_ERR_CONFIG_UNSUPPORTED, "no GPU group 'nobody';NVIDIA GRID K1 GPUs, NVIDIA GRID K2 GPUs");
    r.group = "NVIDIA GRID K2 GPUs";
    refused(f, &r, 1, VG_ERR_CONFIG_UNSUPPORTED, "no GPU of group 'NVIDIA GRID K2 GPUs' has vGPUs of type GRID K140Q");
    r.group = NULL;
    r.pinned = TRUE;
    r.gpu = (VgPciAddr){.bus = 0x99};
    refused(f, &r, 1, VG_ERR_CONFIG_UNSUPPORTED, "no GPU at 0000:99:00.0;0000:05:00.0 (NVIDIA GRID K1)");
    r.gpu = (VgPciAddr){.bus = 0x44};
    refused(f, &r, 1, VG_ERR_CONFIG_UNSUPPORTED,
            "0000:44:00.0 (NVIDIA GRID K2) has no vGPUs of type GRID K140Q;GRID K260Q");
    r.gpu = (VgPciAddr){.bus = 5};
    r.group = "NVIDIA GRID K1 GPUs";
    g_assert_true(vg_gpus_check(f->gpus, &r, 1, &error));
    /* By identity; by both, which have to agree. */
    r.pinned = FALSE;
    r.gpu_identity = "serial:000000000000";
    refused(f, &r, 1, VG_ERR_CONFIG_UNSUPPORTED,
            "no GPU of identity 'serial:000000000000';have: serial:032000000001, serial:032000000002");
    r.gpu_identity = "serial:032000000005";
    refused(f, &r, 1, VG_ERR_CONFIG_UNSUPPORTED, "0000:44:00.0 (NVIDIA GRID K2) has no vGPUs of type GRID K140Q");
    r.gpu_identity = "serial:032000000002";
    VgClaim *by_identity = claim(f, "web", &r, 1);
    g_assert_cmpstr(gpu_of(by_identity, 0), ==, "0000:06:00.0");
    vg_gpus_release(by_identity);
    r.pinned = TRUE;
    refused(f, &r, 1, VG_ERR_CONFIG_UNSUPPORTED,
            "GPU 'serial:032000000002' is at 0000:06:00.0, not at 0000:05:00.0;leave out the address");
    r.gpu = (VgPciAddr){.bus = 6};
    g_assert_true(vg_gpus_check(f->gpus, &r, 1, &error));
    /* By id, by both, by both that do not go together. */
    VgVgpuRequest t = {.type_id = "nvidia-230"};
    g_assert_true(vg_gpus_check(f->gpus, &t, 1, &error));
    t.type_name = "GRID T4-1Q";
    g_assert_true(vg_gpus_check(f->gpus, &t, 1, &error));
    t.type_name = "NVIDIA T4-1Q"; /* as newer drivers write it */
    g_assert_true(vg_gpus_check(f->gpus, &t, 1, &error));
    t.type_name = "GRID T4-2Q";
    g_assert_false(vg_gpus_check(f->gpus, &t, 1, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_CONFIG_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, "cannot be both 'GRID T4-2Q' and 'nvidia-230'"));
}

static void test_params(Fixture *f, gconstpointer unused) {
    static const struct {
        const char *type, *params[5], *parts;
    } rows[] = {
        {"GRID T4-1Q",
         {"frame_rate_limit", "0"},
         "no parameter 'frame_rate_limit';frame_rate_limiter, disable_vnc, enable_uvm"},
        {"GRID T4-1Q", {"frame_rate_limiter", "2"}, "'frame_rate_limiter';cannot be '2';0, 1"},
        {"GRID T4-1Q", {"disable_vnc", "1", "disable_vnc", "0"}, "'disable_vnc';twice"},
        {"GRID T4-1B", {"enable_uvm", "1"}, "type GRID T4-1B takes no parameter 'enable_uvm'"},
        {"GRID T4-1Q", {"disable_vnc", "1,x=y"}, "cannot be '1,x=y'"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        VgVgpuRequest r = want(rows[i].type);
        r.params = rows[i].params;
        refused(f, &r, 1, VG_ERR_CONFIG_UNSUPPORTED, rows[i].parts);
    }
}

/* GAP-9, GAP-10: how many one guest may have, and of which types. */
static void test_together(Fixture *f, gconstpointer unused) {
    VgVgpuRequest r[40];
    r[0] = want("GRID K100");
    r[1] = want("GRID K140Q");
    refused(f, r, 2, VG_ERR_CONFIG_UNSUPPORTED, "unlike types, here GRID K100 and GRID K140Q");
    r[0] = want("GRID T4-1Q");
    r[1] = want("GRID T4-1Q");
    refused(f, r, 2, VG_ERR_CONFIG_UNSUPPORTED, "more than one vGPU of type GRID T4-1Q");
    r[0] = want("GRID K100");
    r[1] = r[0];
    refused(f, r, 2, VG_ERR_CONFIG_UNSUPPORTED, "two vGPUs of the guest have the UUID");
    for (guint i = 0; i < G_N_ELEMENTS(r); i++)
        r[i] = want("GRID K100");
    refused(f, r, 40, VG_ERR_CONFIG_UNSUPPORTED, "at most 32 vGPUs, not 40");
    /* Eight on one GPU, the ninth on the next. */
    VgClaim *c = claim(f, "big", r, 9);
    g_assert_cmpstr(gpu_of(c, 7), ==, "0000:05:00.0");
    g_assert_cmpstr(gpu_of(c, 8), ==, "0000:06:00.0");
    vg_gpus_release(c);
}

static void test_no_room(Fixture *f, gconstpointer unused) {
    VgClaim *a = claim_one(f, "web1", "GRID K260Q"), *b = claim_one(f, "web2", "GRID K260Q");
    VgClaim *c = claim_one(f, "cad", "GRID K240Q");
    g_assert_cmpstr(gpu_of(b, 0), ==, "0000:44:00.0");
    g_assert_cmpstr(gpu_of(c, 0), ==, "0000:45:00.0");
    refused_one(f, "GRID K260Q", VG_ERR_RESOURCE_BUSY,
                "no room for a vGPU of type GRID K260Q: 0000:44:00.0 is full (web1, web2);"
                "0000:45:00.0 runs GRID K240Q (cad);stop one of them");
    refused_one(f, "GRID K200", VG_ERR_RESOURCE_BUSY,
                "0000:44:00.0 runs GRID K260Q (web1, web2), and has one type at a time");
    VgVgpuRequest pinned = want("GRID K240Q");
    pinned.pinned = TRUE;
    pinned.gpu = (VgPciAddr){.bus = 0x44};
    refused(f, &pinned, 1, VG_ERR_RESOURCE_BUSY, "0000:44:00.0 runs GRID K260Q");
    VgVgpuRequest four[] = {want("GRID K240Q"), want("GRID K240Q"), want("GRID K240Q"), want("GRID K240Q")};
    refused(f, four, 4, VG_ERR_RESOURCE_BUSY, "no room for all vGPUs of the guest together;0000:45:00.0 has room");
    vg_gpus_release(a); /* GAP-15: what is given back is there again */
    VgClaim *d = claim_one(f, "late", "GRID K260Q");
    g_assert_cmpstr(gpu_of(d, 0), ==, "0000:44:00.0");
    vg_gpus_release(b);
    vg_gpus_release(c);
    vg_gpus_release(d);
}

/* GAP-14, wish-26: twenty at once for one place: one has it, the others get the same clear answer, nothing leaks. */
static void test_last_place(Fixture *f, gconstpointer unused) {
    VgClaim *winner = NULL;
    for (guint i = 0; i < 20; i++) {
        g_autoptr(GError) error = NULL;
        VgVgpuRequest r = want("GRID T4-16Q");
        VgUuid owner;
        vg_uuid_generate(&owner);
        VgClaim *c = vg_gpus_claim(f->gpus, &owner, "one", &r, 1, &error);
        g_assert_true((c != NULL) == (i == 0));
        if (c != NULL)
            winner = c;
        else
            g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    }
    vg_gpus_release(winner);
    vg_gpus_release(claim_one(f, "next", "GRID T4-16Q"));
}

/* GAP-23: a copy that kept the UUID is refused while the original runs. */
static void test_identity_in_use(Fixture *f, gconstpointer unused) {
    VgVgpuRequest r = want("GRID K100");
    VgClaim *c = claim(f, "web1", &r, 1);
    refused(f, &r, 1, VG_ERR_RESOURCE_BUSY, "in use by domain 'web1'");
    vg_gpus_release(c);
    vg_gpus_release(claim(f, "web1", &r, 1));
}

/* --- what the administrator and the host allow -------------------------------------------------------------------- */

static void restart_with_config(Fixture *f, const char *config) {
    stop(f);
    g_assert_true(g_file_set_contents(f->config, config, -1, NULL));
    start(f);
}

/* HST-1, HST-3, GRP-4: what is enabled where; a group has the types of its GPUs. */
static void test_config(Fixture *f, gconstpointer unused) {
    restart_with_config(f, "{\"groups\": [{\"name\": \"desktops\", \"policy\": \"breadth-first\","
                           " \"gpus\": [\"0000:07:00.0\", \"0000:08:00.0\", \"0000:aa:00.0\"]},"
                           " {\"name\": \"NVIDIA GRID K2 GPUs\", \"policy\": \"breadth-first\"}],"
                           " \"gpus\": [{\"address\": \"0000:82:00.0\", \"disabled_types\": [\"nvidia-230\"]},"
                           " {\"address\": \"0000:44:00.0\", \"disabled_types\": [\"GRID K200\"]}]}");
    VgVgpuRequest r = want("GRID K100");
    r.group = "desktops";
    VgClaim *a = claim(f, "a", &r, 1);
    vg_uuid_generate(&r.vgpu);
    VgClaim *b = claim(f, "b", &r, 1);
    g_assert_cmpstr(gpu_of(a, 0), ==, "0000:07:00.0");
    g_assert_cmpstr(gpu_of(b, 0), ==, "0000:08:00.0");
    VgClaim *c = claim_one(f, "c", "GRID K260Q"), *d = claim_one(f, "d", "GRID K260Q");
    g_assert_cmpstr(gpu_of(c, 0), ==, "0000:44:00.0");
    g_assert_cmpstr(gpu_of(d, 0), ==, "0000:45:00.0");
    refused_one(f, "GRID T4-1Q", VG_ERR_OPERATION_DENIED, "0000:82:00.0 has the type disabled;enable the type");
    g_autoptr(VgJson) capacity = vg_gpus_json_capacity(f->gpus);
    const VgJson *groups = vg_json_get(capacity, "groups");
    g_assert_cmpuint(vg_json_length(groups), ==, 4);
    g_assert_cmpstr(vg_json_get_string(vg_json_at(groups, 0), "name"), ==, "desktops");
    g_assert_cmpuint(vg_json_length(vg_json_get(vg_json_at(groups, 0), "gpus")), ==, 2);
    for (guint i = 0; i < 4; i++)
        vg_gpus_release(((VgClaim *[]){a, b, c, d})[i]);
}

static void test_bad_config(Fixture *f, gconstpointer unused) {
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"{", "gpus.json"},
        {"{\"groups\": [{\"policy\": \"depth-first\"}]}", "needs a name"},
        {"{\"groups\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}", "two groups"},
        {"{\"groups\": [{\"name\": \"a\", \"policy\": \"best\"}]}", "depth-first, breadth-first, pack or numa"},
        {"{\"groups\": [{\"name\": \"a\", \"gpus\": [\"x\"]}]}", "PCI address"},
        {"{\"groups\": [{\"name\": \"a\", \"gpus\": [\"05:00.0\"]}, {\"name\": \"b\", \"gpus\": [\"05:00.0\"]}]}",
         "in two groups"},
        {"{\"gpus\": [{}]}", "'address'"},
    };
    stop(f);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VgJson) gpus = vg_sim_gpus_default();
        g_assert_true(g_file_set_contents(f->config, rows[i].text, -1, NULL));
        VgGpuHost *host = vg_sim_gpus_new(f->dir, gpus, &error);
        VgGpusPaths paths = {f->config, f->catalogue, f->ledger};
        g_assert_null(vg_gpus_open(host, &paths, &error));
        g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
        if (strstr(error->message, rows[i].part) == NULL)
            g_error("\"%s\" lacks \"%s\"", error->message, rows[i].part);
    }
}

static void restart_with_host(Fixture *f, gboolean dm_can_vfio, gboolean has_emulator) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) gpus = vg_sim_gpus_default();
    stop(f);
    f->host = vg_sim_gpus_new(f->dir, gpus, &error);
    g_assert_no_error(error);
    f->host->dm_can_vfio = dm_can_vfio;
    f->host->has_emulator = has_emulator;
    VgGpusPaths paths = {f->config, f->catalogue, f->ledger};
    f->gpus = vg_gpus_open(f->host, &paths, &error);
    g_assert_no_error(error);
}

static void test_host_cannot(Fixture *f, gconstpointer unused) {
    restart_with_host(f, FALSE, FALSE);
    refused_one(f, "GRID T4-1Q", VG_ERR_CONFIG_UNSUPPORTED, "0000:82:00.0;device model cannot use VFIO under Xen");
    refused_one(f, "GRID K100", VG_ERR_CONFIG_UNSUPPORTED, "0000:05:00.0;no display emulator");
    g_autofree char *made = g_build_filename(f->dir, "state/kernel/sys/bus/mdev/devices", NULL);
    g_autoptr(GDir) dir = g_dir_open(made, 0, NULL);
    g_assert_null(g_dir_read_name(dir));
    VgVgpuRequest r = want("GRID T4-1Q"); /* It can be defined all the same: the device model may change. */
    g_assert_true(vg_gpus_check(f->gpus, &r, 1, NULL));
    g_autoptr(VgJson) gpus = vg_gpus_json_gpus(f->gpus);
    g_assert_false(vg_json_get_bool(vg_json_at(vg_json_get(gpus, "gpus"), 0), "usable", TRUE));
}

/* --- the kernel's failures ---------------------------------------------------------------------------------------- */

static const char t4[] = "sys/bus/pci/devices/0000:82:00.0/mdev_supported_types/";

/* What somebody else does with the kernel's files. */
static void make_foreign(Fixture *f, const char *type, const VgUuid *uuid) {
    char text[VG_UUID_TEXT];
    g_autofree char *path = g_strconcat(t4, type, "/create", NULL);
    g_assert_true(vg_sysroot_write(f->host->root, path, vg_uuid_format(uuid, text)));
}

static gboolean kernel_has(Fixture *f, const VgUuid *uuid) {
    char text[VG_UUID_TEXT];
    g_autofree char *path = g_strconcat("sys/bus/mdev/devices/", vg_uuid_format(uuid, text), NULL);
    return vg_sysroot_exists(f->host->root, path);
}

static void create_fails(VgClaim *c, int code, const char *part) {
    g_autoptr(GError) error = NULL;
    g_assert_false(vg_claim_create(c, &error));
    g_assert_error(error, VG_ERROR, code);
    if (strstr(error->message, part) == NULL)
        g_error("\"%s\" lacks \"%s\"", error->message, part);
}

/* wish-19: what others made counts, is shown, cannot be taken over, and is never removed. */
static void test_foreign(Fixture *f, gconstpointer unused) {
    VgUuid uuid;
    vg_uuid_generate(&uuid);
    make_foreign(f, "nvidia-233", &uuid); /* GRID T4-8Q: two fit */
    stop(f);
    start(f);
    g_autoptr(VgJson) vgpus = vg_gpus_json_vgpus(f->gpus);
    const VgJson *shown = vg_json_at(vg_json_get(vgpus, "vgpus"), 0);
    g_assert_true(vg_json_get_bool(shown, "foreign", FALSE));
    g_assert_cmpstr(vg_json_get_string(shown, "type"), ==, "GRID T4-8Q");
    refused_one(f, "GRID T4-1Q", VG_ERR_RESOURCE_BUSY, "runs GRID T4-8Q (a device made by other hands)");
    VgVgpuRequest r = want("GRID T4-8Q");
    r.vgpu = uuid;
    refused(f, &r, 1, VG_ERR_RESOURCE_BUSY, "made by other hands;another UUID");
    VgClaim *c = claim_one(f, "a", "GRID T4-8Q");
    refused_one(f, "GRID T4-8Q", VG_ERR_RESOURCE_BUSY, "is full (a, a device made by other hands)");
    vg_gpus_release(c);
    g_assert_true(kernel_has(f, &uuid));
}

/* Others were faster: the kernel has no room although we see some. */
static void test_no_space(Fixture *f, gconstpointer unused) {
    VgClaim *c = claim_one(f, "a", "GRID T4-1Q");
    VgUuid uuid;
    vg_uuid_generate(&uuid);
    make_foreign(f, "nvidia-233", &uuid);
    create_fails(c, VG_ERR_RESOURCE_BUSY, "no room left");
    g_assert_true(vg_claim_remove(c, NULL));
    g_assert_true(kernel_has(f, &uuid));
    vg_gpus_release(c);
}

/* Our UUID, but another type: somebody else's device, neither used nor removed. */
static void test_taken_uuid(Fixture *f, gconstpointer unused) {
    VgVgpuRequest r = want("GRID T4-1Q");
    VgClaim *c = claim(f, "a", &r, 1);
    make_foreign(f, "nvidia-233", &r.vgpu);
    create_fails(c, VG_ERR_RESOURCE_BUSY, "made by somebody else");
    g_assert_true(vg_claim_remove(c, NULL));
    g_assert_true(kernel_has(f, &r.vgpu));
    vg_gpus_release(c);
}

static void test_bad_params_in_kernel(Fixture *f, gconstpointer unused) {
    /* The second vGPU's driver file is gone: what was made of both is taken back. */
    const char *params[] = {"disable_vnc", "1", NULL};
    VgVgpuRequest r = want("GRID T4-1Q");
    r.params = params;
    VgClaim *c = claim(f, "a", &r, 1);
    g_assert_true(vg_claim_create(c, NULL));
    g_autofree char *path = mdev_path(f, c), *held = g_build_filename(path, ".held", NULL);
    g_assert_true(g_file_set_contents(held, "", 0, NULL));
    f->gpus->backend_host.wait_ms = 30;
    create_fails(c, VG_ERR_SYSTEM_ERROR, "does not take the parameters 'disable_vnc=1'");
    g_assert_true(kernel_has(f, &r.vgpu)); /* held, so it could not go */
    g_autoptr(GError) error = NULL;
    g_assert_false(vg_claim_remove(c, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(error->message, "still in use"));
    g_assert_cmpint(g_unlink(held), ==, 0);
    g_assert_true(vg_claim_remove(c, NULL));
    g_assert_false(kernel_has(f, &r.vgpu));
    vg_gpus_release(c);
}

/* A driver that took the order and never shows the device, then one that never lets it go. */
static int deaf_kernel(VgSysroot *root, const char *path, const char *text, gpointer data) {
    return 0;
}

static void test_deaf_kernel(Fixture *f, gconstpointer unused) {
    VgClaim *c = claim_one(f, "a", "GRID T4-1Q"), *d = claim_one(f, "b", "GRID T4-1Q");
    f->gpus->backend_host.wait_ms = 30;
    g_assert_true(vg_claim_create(d, NULL));
    vg_sysroot_set_writer(f->host->root, deaf_kernel, NULL);
    create_fails(c, VG_ERR_OPERATION_TIMEOUT, "has not shown it within 30 ms");
    g_autoptr(GError) error = NULL;
    g_assert_false(vg_claim_remove(d, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_OPERATION_TIMEOUT);
    vg_gpus_release(c);
    vg_gpus_release(d);
}

/* --- restarts ----------------------------------------------------------------------------------------------------- */

static void test_restart(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    const char *params[] = {"disable_vnc", "1", NULL};
    VgVgpuRequest r = want("GRID T4-1Q");
    r.params = params;
    r.guest_slot = 11;
    VgClaim *a = claim(f, "a", &r, 1), *b = claim_one(f, "b", "GRID K260Q"), *gone = claim_one(f, "gone", "GRID K260Q");
    for (guint i = 0; i < 3; i++) {
        VgClaim *c = ((VgClaim *[]){a, b, gone})[i];
        g_assert_true(vg_claim_record(c, &error) && vg_claim_record(c, &error) && vg_claim_create(c, &error));
    }
    g_assert_true(vg_claim_remove(gone, &error) && vg_claim_forget(gone, &error) && vg_claim_forget(gone, &error));
    g_autofree char *before_text = NULL, *after_text = NULL;
    vg_gpus_release(gone);
    g_autoptr(VgJson) before = vg_gpus_json_vgpus(f->gpus);
    before_text = vg_json_print(before, TRUE);
    stop(f);
    start(f);
    g_autoptr(VgJson) after = vg_gpus_json_vgpus(f->gpus);
    after_text = vg_json_print(after, TRUE);
    g_assert_cmpstr(after_text, ==, before_text); /* with params, slots, generations */
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 2);
    refused_one(f, "GRID T4-2Q", VG_ERR_RESOURCE_BUSY, "runs GRID T4-1Q (a)");
    guint64 last = vg_claim_places(claims[1], &n)->generation;
    VgClaim *fresh = claim_one(f, "c", "GRID K100");
    g_assert_cmpuint(vg_claim_places(fresh, &n)->generation, >, last);
    g_assert_true(vg_claim_create(claims[0], &error)); /* adopted: nothing made twice */
    g_assert_true(vg_claim_remove(claims[0], &error) && vg_claim_forget(claims[0], &error));
    g_assert_no_error(error);
    g_assert_false(kernel_has(f, &r.vgpu));
}

/* GRP-5: the GPU is gone after a reboot. Its claim is known, can be removed and forgotten; the others work. */
static void test_pulled_gpu(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    VgClaim *c = claim_one(f, "a", "GRID T4-1Q");
    g_assert_true(vg_claim_record(c, &error) && vg_claim_create(c, &error));
    stop(f);
    static const char left[] = "[{\"address\":\"0000:05:00.0\",\"vendor\":\"10de\",\"device\":\"0ff2\"}]";
    g_autoptr(VgJson) gpus = vg_json_parse(left, strlen(left), "test", &error);
    g_assert_no_error(error);
    start_with(f, gpus);
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpstr(gpu_of(claims[0], 0), ==, "0000:82:00.0");
    g_assert_true(vg_claim_remove(claims[0], &error) && vg_claim_forget(claims[0], &error));
    vg_gpus_release(claims[0]);
    vg_gpus_release(claim_one(f, "b", "GRID K100"));
}

static void ignore_record(const char *payload, gsize len, gpointer data) {
}

static void test_unreadable_ledger(Fixture *f, gconstpointer unused) {
    stop(f);
    g_autoptr(GError) error = NULL;
    VgJournal *journal = vg_journal_open(f->ledger, ignore_record, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(vg_journal_append(journal, "{\"op\":\"lend\"}", 13, &error));
    vg_journal_free(journal);
    g_autoptr(VgJson) gpus = vg_sim_gpus_default();
    VgGpuHost *host = vg_sim_gpus_new(f->dir, gpus, &error);
    VgGpusPaths paths = {f->config, f->catalogue, f->ledger};
    g_assert_null(vg_gpus_open(host, &paths, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
    g_assert_nonnull(strstr(error->message, "newer virtgrid"));
}

/* A power cut in the middle of the last record: what was whole before it is kept. */
static void test_torn_ledger(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    VgClaim *a = claim_one(f, "a", "GRID K260Q"), *b = claim_one(f, "b", "GRID K260Q");
    g_assert_true(vg_claim_record(a, &error) && vg_claim_record(b, &error));
    stop(f);
    g_autofree char *text = NULL;
    gsize len = 0, n = 0;
    g_assert_true(g_file_get_contents(f->ledger, &text, &len, NULL));
    g_assert_true(g_file_set_contents(f->ledger, text, (gssize)len - 20, NULL));
    start(f);
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 1);
    VgClaim *c = claim_one(f, "c", "GRID K260Q");
    g_assert_cmpstr(gpu_of(c, 0), ==, "0000:44:00.0");
    g_assert_true(vg_claim_record(c, &error));
    stop(f);
    start(f);
    g_free(g_steal_pointer(&claims));
    claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 2);
}

/* The ledger stays small however many come and go, and no generation comes twice. */
static void test_compaction(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    VgClaim *stays = claim_one(f, "stays", "GRID K100");
    g_assert_true(vg_claim_record(stays, &error));
    guint64 last = 0;
    for (guint i = 0; i < 400; i++) {
        VgClaim *c = claim_one(f, "goes", "GRID K100");
        gsize n;
        guint64 generation = vg_claim_places(c, &n)->generation;
        g_assert_cmpuint(generation, >, last);
        last = generation;
        g_assert_true(vg_claim_record(c, &error) && vg_claim_forget(c, &error));
        vg_gpus_release(c);
    }
    g_assert_no_error(error);
    GStatBuf st;
    g_assert_cmpint(g_stat(f->ledger, &st), ==, 0);
    g_assert_cmpint(st.st_size, <, 150 * 1024);
    stop(f);
    start(f);
    gsize n;
    G_GNUC_UNUSED g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_cmpuint(n, ==, 1);
    VgClaim *next = claim_one(f, "next", "GRID K100");
    g_assert_cmpuint(vg_claim_places(next, &n)->generation, >, last);
}

/* --- documents and views ------------------------------------------------------------------------------------------ */

static const VgJson *find(const VgJson *list, const char *member, const char *value) {
    for (gsize i = 0; i < vg_json_length(list); i++)
        if (g_strcmp0(vg_json_get_string(vg_json_at(list, i), member), value) == 0)
            return vg_json_at(list, i);
    return NULL;
}

static void test_documents(Fixture *f, gconstpointer unused) {
    VgClaim *c = claim_one(f, "a", "GRID K140Q");
    g_autoptr(VgJson) gpus = vg_gpus_json_gpus(f->gpus);
    g_autoptr(VgJson) types = vg_gpus_json_types(f->gpus);
    g_autoptr(VgJson) capacity = vg_gpus_json_capacity(f->gpus);
    g_assert_cmpuint(vg_json_length(vg_json_get(gpus, "gpus")), ==, 7);
    const VgJson *k1 = find(vg_json_get(gpus, "gpus"), "address", "0000:05:00.0");
    g_assert_cmpstr(vg_json_get_string(k1, "model"), ==, "NVIDIA GRID K1");
    g_assert_cmpstr(vg_json_get_string(k1, "device"), ==, "0ff2");
    g_assert_cmpstr(vg_json_get_string(k1, "backend"), ==, "emulator");
    g_assert_cmpint(vg_json_get_int(k1, "vgpus", -1), ==, 1);
    g_assert_cmpint(vg_json_get_int(k1, "used_units", -1), ==, 262144);
    const VgJson *k140 = find(vg_json_get(k1, "types"), "name", "GRID K140Q");
    g_assert_cmpint(vg_json_get_int(k140, "available", -1), ==, 3);
    g_assert_cmpint(vg_json_get_int(k140, "max", -1), ==, 4);
    /* wish-31: types that have no room now are shown with none, not hidden. */
    g_assert_cmpint(vg_json_get_int(find(vg_json_get(k1, "types"), "name", "GRID K100"), "available", -1), ==, 0);
    const VgJson *t = find(vg_json_get(types, "types"), "name", "GRID K140Q");
    g_assert_cmpint(vg_json_get_int(t, "available", -1), ==, 15);
    g_assert_cmpint(vg_json_get_int(t, "framebuffer_mib", -1), ==, 1024);
    g_assert_cmpstr(vg_json_get_string(t, "pci_subsystem"), ==, "10de:1037");
    const VgJson *group = find(vg_json_get(capacity, "groups"), "name", "NVIDIA GRID K1 GPUs");
    const VgJson *row = find(vg_json_get(group, "types"), "name", "GRID K140Q");
    g_assert_cmpint(vg_json_get_int(row, "max", -1), ==, 16);
    g_assert_cmpint(vg_json_get_int(row, "running", -1), ==, 1);
    g_assert_cmpint(vg_json_get_int(row, "available", -1), ==, 15);
    VgGpuView view;
    g_assert_cmpuint(vg_gpus_count(f->gpus), ==, 7);
    g_assert_true(vg_gpus_view(f->gpus, 6, &view));
    g_assert_cmpuint(view.n_types, ==, 17);
    g_assert_cmpstr(view.types[0].device_api, ==, "vfio-pci");
    g_assert_false(vg_gpus_view(f->gpus, 7, &view));
    vg_gpus_release(c);
}

static void test_plan(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    VgVgpuRequest r = want("GRID T4-16Q");
    VgPlace *places = NULL;
    for (guint i = 0; i < 3; i++) { /* reserves nothing */
        g_assert_true(vg_gpus_plan(f->gpus, &r, 1, &places, &error));
        g_assert_true(vg_uuid_equal(&places[0].vgpu, &r.vgpu));
        g_assert_cmpint(places[0].backend, ==, VG_BACKEND_MDEV);
        g_assert_nonnull(places[0].vfio_path);
        vg_places_free(places, 1);
    }
    VgClaim *c = claim(f, "a", &r, 1);
    g_assert_false(vg_gpus_plan(f->gpus, &r, 1, &places, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    vg_gpus_release(c);
}

int main(int argc, char **argv) {
    vg_fault_init();
    vg_log_set_level(VG_LOG_ERROR);
    g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/gpus/" #name, Fixture, NULL, set_up, test_##name, tear_down)
    TEST(emulator);
    TEST(mdev);
    TEST(unknown);
    TEST(params);
    TEST(together);
    TEST(no_room);
    TEST(last_place);
    TEST(identity_in_use);
    TEST(config);
    TEST(bad_config);
    TEST(host_cannot);
    TEST(foreign);
    TEST(no_space);
    TEST(taken_uuid);
    TEST(bad_params_in_kernel);
    TEST(deaf_kernel);
    TEST(restart);
    TEST(pulled_gpu);
    TEST(unreadable_ledger);
    TEST(torn_ledger);
    TEST(compaction);
    TEST(documents);
    TEST(plan);
    return g_test_run();
}
