/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-gpus-orders.c: what the administrator orders: its checks, that it counts at once, that it is there after a
 * restart, that it follows a GPU to another address, and that it is taken back if it cannot be written. Then plans:
 * what is chosen, or each GPU's reason and the smallest change. Acceptance rows of XenServer's own tests are named by
 * their ids.
 */
#include "config.h"

#include <string.h>

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

/* An A16 GPU beside the default host's: it can run mixed sizes. */
static const char a16[] =
    "{\"address\":\"0000:c1:00.0\",\"vendor\":\"10de\",\"device\":\"25b6\",\"subvendor\":\"10de\","
    "\"subdevice\":\"14a9\",\"driver\":\"nvidia\",\"serial\":\"16\",\"numa_node\":1}";

/* An H100, whose types in the shipped catalogue nobody has confirmed. */
static const char h100[] =
    "{\"address\":\"0000:d1:00.0\",\"vendor\":\"10de\",\"device\":\"2331\",\"subvendor\":\"10de\","
    "\"subdevice\":\"1626\",\"driver\":\"nvidia\",\"serial\":\"100\"}";

/* An A100 whose kernel makes types on GPU instances and one in time slices. */
static const char a100[] =
    "{\"address\":\"0000:e1:00.0\",\"vendor\":\"10de\",\"device\":\"20f1\",\"subvendor\":\"10de\","
    "\"subdevice\":\"145f\",\"driver\":\"nvidia\",\"serial\":\"a100\",\"mdev_types\":["
    "{\"id\":\"nvidia-474\",\"name\":\"GRID A100-1-5C\",\"max\":7},"
    "{\"id\":\"nvidia-476\",\"name\":\"GRID A100-3-20C\",\"max\":2},"
    "{\"id\":\"nvidia-477\",\"name\":\"GRID A100-4-20C\",\"max\":1},"
    "{\"id\":\"nvidia-681\",\"name\":\"GRID A100-1-5CME\",\"max\":1},"
    "{\"id\":\"nvidia-468\",\"name\":\"GRID A100-4C\",\"max\":10}]}";

static void start_at(Fixture *f, const char *k2_address) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) usual = vg_sim_gpus_default();
    g_autofree char *text = vg_json_print(usual, FALSE);
    g_auto(GStrv) parts = g_strsplit(text, "0000:44:00.0", 2);
    g_autofree char *moved = g_strjoinv(k2_address, parts);
    g_autoptr(VgJson) gpus = vg_json_parse(moved, strlen(moved), "test", &error);
    vg_json_append(gpus, vg_json_parse(a16, strlen(a16), "test", &error));
    vg_json_append(gpus, vg_json_parse(h100, strlen(h100), "test", &error));
    vg_json_append(gpus, vg_json_parse(a100, strlen(a100), "test", &error));
    f->host = vg_sim_gpus_new(f->dir, gpus, &error);
    g_assert_no_error(error);
    VgGpusPaths paths = {f->config, f->catalogue, f->ledger};
    f->gpus = vg_gpus_open(f->host, &paths, &error);
    g_assert_no_error(error);
}

static void restart(Fixture *f) {
    g_clear_pointer(&f->gpus, vg_gpus_free);
    start_at(f, "0000:44:00.0");
}

static void set_up(Fixture *f, gconstpointer unused) {
    f->dir = scratch_new();
    f->ledger = g_build_filename(f->dir, "ledger", NULL);
    f->config = g_build_filename(f->dir, "gpus.json", NULL);
    f->catalogue = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    start_at(f, "0000:44:00.0");
}

static void tear_down(Fixture *f, gconstpointer unused) {
    g_clear_pointer(&f->gpus, vg_gpus_free);
    scratch_remove(f->dir);
    g_free(f->dir);
    g_free(f->ledger);
    g_free(f->config);
    g_free(f->catalogue);
}

/* "order member=value,member=value" as JSON. */
static char *order_text(const char *text) {
    g_auto(GStrv) words = g_strsplit(text, " ", 2), pairs = g_strsplit(words[1] != NULL ? words[1] : "", ",", -1);
    g_autoptr(VgJson) o = vg_json_new_object();
    vg_json_set_string(o, "order", words[0]);
    for (char **p = pairs; *p != NULL; p++) {
        g_auto(GStrv) pair = g_strsplit(*p, "=", 2);
        if (strcmp(pair[0], "most") == 0)
            vg_json_set_int(o, pair[0], g_ascii_strtoll(pair[1], NULL, 10));
        else if (strcmp(pair[1], "true") == 0 || strcmp(pair[1], "false") == 0)
            vg_json_set_bool(o, pair[0], strcmp(pair[1], "true") == 0);
        else
            vg_json_set_string(o, pair[0], pair[1]);
    }
    return vg_json_print(o, FALSE);
}

static void order(Fixture *f, const char *text) {
    g_autoptr(GError) error = NULL;
    g_autofree char *json = order_text(text);
    VgGpusChange *c = vg_gpus_change_begin(f->gpus, json, &error);
    g_assert_no_error(error);
    gboolean good = vg_gpus_change_write(c, &error);
    g_assert_no_error(error);
    vg_gpus_change_end(c, good);
}

static void has_parts(const char *text, const char *parts) {
    g_auto(GStrv) each = g_strsplit(parts, ";", -1);
    for (char **p = each; *p != NULL; p++)
        if (strstr(text, *p) == NULL)
            g_error("\"%s\" lacks \"%s\"", text, *p);
}

static void refused(Fixture *f, const char *text, int code, const char *parts) {
    g_autoptr(GError) error = NULL;
    g_autofree char *json = order_text(text), *before = vg_settings_print(f->gpus->settings);
    g_assert_null(vg_gpus_change_begin(f->gpus, json, &error));
    g_assert_error(error, VG_ERROR, code);
    has_parts(error->message, parts);
    g_autofree char *after = vg_settings_print(f->gpus->settings);
    g_assert_cmpstr(after, ==, before);
}

static VgVgpuRequest want(const char *type, const char *group) {
    VgVgpuRequest r = {.type_name = type, .group = group};
    vg_uuid_generate(&r.vgpu);
    return r;
}

static VgClaim *try_claim(Fixture *f, const char *owner, const char *type, const char *group, GError **error) {
    VgVgpuRequest r = want(type, group);
    VgUuid uuid;
    vg_uuid_generate(&uuid);
    return vg_gpus_claim(f->gpus, &uuid, owner, &r, 1, error);
}

/* Where it is: "gpu", or "gpu+start". */
static const char *claim_in(Fixture *f, const char *owner, const char *type, const char *group) {
    static char text[64];
    g_autoptr(GError) error = NULL;
    gsize n;
    VgClaim *c = try_claim(f, owner, type, group, &error);
    g_assert_no_error(error);
    const VgPlace *p = vg_claim_places(c, &n);
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(&p->gpu, addr);
    if (p->start >= 0)
        g_snprintf(text, sizeof text, "%s+%d", addr, p->start);
    else
        g_strlcpy(text, addr, sizeof text);
    return text;
}

static void claim_fails(Fixture *f, const char *type, const char *group, int code, const char *parts) {
    g_autoptr(GError) error = NULL;
    g_assert_null(try_claim(f, "late", type, group, &error));
    g_assert_error(error, VG_ERROR, code);
    has_parts(error->message, parts);
}

static void release_all(Fixture *f) {
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    for (gsize i = 0; i < n; i++)
        vg_gpus_release(claims[i]);
}

static const char k1[] = "NVIDIA GRID K1 GPUs", k2[] = "NVIDIA GRID K2 GPUs";

/* --- groups ------------------------------------------------------------------------------------------------------- */

static void test_groups(Fixture *f, gconstpointer unused) {
    refused(f, "group-create group=", VG_ERR_INVALID_ARG, "'group'");
    refused(f, "group-create group=a,policy=best", VG_ERR_INVALID_ARG, "numa, not 'best'");
    refused(f, "group-create group=NVIDIA GRID K1 GPUs", VG_ERR_OPERATION_INVALID, "already");
    order(f, "group-create group=desks,policy=breadth-first");
    refused(f, "group-create group=desks", VG_ERR_OPERATION_INVALID, "'desks' already");
    claim_fails(f, "GRID K100", "desks", VG_ERR_CONFIG_UNSUPPORTED, "has no GPU"); /* GAP-1 */
    refused(f, "group-move gpu=0000:99:00.0,group=desks", VG_ERR_INVALID_ARG, "no GPU '0000:99:00.0'");
    refused(f, "group-move gpu=0000:05:00.0,group=none", VG_ERR_INVALID_ARG, "no GPU group 'none'");
    order(f, "group-move gpu=0000:05:00.0,group=desks"); /* GRP-1 */
    order(f, "group-move gpu=serial:032000000002,group=desks");
    g_assert_cmpstr(claim_in(f, "a", "GRID K100", "desks"), ==, "0000:05:00.0");
    g_assert_cmpstr(claim_in(f, "b", "GRID K100", "desks"), ==, "0000:06:00.0");
    g_assert_cmpstr(claim_in(f, "c", "GRID K100", k1), ==, "0000:07:00.0");
    /* GRP-3; what is only being started counts as well. GRP-2: who runs nowhere does not. */
    refused(f, "group-move gpu=0000:05:00.0,group=NVIDIA GRID K1 GPUs", VG_ERR_RESOURCE_BUSY,
            "0000:05:00.0 is in use by a");
    refused(f, "group-move gpu=0000:44:00.0,group=desks", VG_ERR_OPERATION_INVALID,
            "K1;0000:44:00.0 is of model;--any-model"); /* GAP-6 */
    refused(f, "group-move gpu=0000:44:00.0,group=NVIDIA GRID K1 GPUs", VG_ERR_OPERATION_INVALID,
            "only for GPUs of its model");
    refused(f, "group-delete group=desks", VG_ERR_OPERATION_INVALID,
            "has GPUs: 0000:05:00.0, 0000:06:00.0"); /* GAP-3 */
    refused(f, "group-delete group=NVIDIA GRID K1 GPUs", VG_ERR_OPERATION_INVALID, "always there");
    order(f, "group-create group=any,any_model=true");
    order(f, "group-move gpu=0000:44:00.0,group=any");
    order(f, "group-move gpu=0000:07:00.0,group=NVIDIA GRID K1 GPUs"); /* it is there: nothing to do */
    release_all(f);
    order(f, "group-move gpu=0000:44:00.0,group=NVIDIA GRID K2 GPUs");
    order(f, "group-delete group=any");
    refused(f, "group-delete group=any", VG_ERR_INVALID_ARG, "no GPU group 'any'");
    restart(f);
    g_assert_cmpstr(claim_in(f, "a", "GRID K100", "desks"), ==, "0000:05:00.0");
    g_assert_cmpstr(claim_in(f, "b", "GRID K100", "desks"), ==, "0000:06:00.0");
    release_all(f);
}

/* Guests that ask for the old name still get it, and no other group can take it. */
static void test_rename(Fixture *f, gconstpointer unused) {
    order(f, "group-create group=desks");
    order(f, "group-move gpu=0000:08:00.0,group=desks");
    order(f, "quota most=1,group=desks");
    order(f, "group-rename group=desks,to=office");
    refused(f, "group-rename group=desks,to=x", VG_ERR_INVALID_ARG, "no GPU group 'desks'");
    refused(f, "group-create group=desks", VG_ERR_OPERATION_INVALID, "'office' was called 'desks' before");
    refused(f, "group-rename group=NVIDIA GRID K1 GPUs,to=x", VG_ERR_OPERATION_INVALID, "always there");
    refused(f, "group-rename group=office,to=NVIDIA GRID K1 GPUs", VG_ERR_OPERATION_INVALID, "already");
    restart(f);
    g_assert_cmpstr(claim_in(f, "a", "GRID K100", "desks"), ==, "0000:08:00.0");
    claim_fails(f, "GRID K100", "office", VG_ERR_OPERATION_DENIED, "quota is 1 vGPUs in group 'office'");
    order(f, "group-rename group=office,to=desks");
    claim_fails(f, "GRID K100", "office", VG_ERR_OPERATION_DENIED, "'desks'");
    release_all(f);
}

static void test_policy(Fixture *f, gconstpointer unused) {
    order(f, "policy group=NVIDIA GRID K2 GPUs,policy=breadth-first");
    g_assert_cmpstr(claim_in(f, "a", "GRID K260Q", NULL), ==, "0000:44:00.0");
    g_assert_cmpstr(claim_in(f, "b", "GRID K260Q", NULL), ==, "0000:45:00.0");
    order(f, "policy group=NVIDIA GRID K2 GPUs,policy=pack");
    g_assert_cmpstr(claim_in(f, "c", "GRID K260Q", NULL), ==, "0000:44:00.0");
    refused(f, "policy group=NVIDIA GRID K2 GPUs", VG_ERR_INVALID_ARG, "'policy'");
    refused(f, "policy group=x,policy=pack", VG_ERR_INVALID_ARG, "no GPU group 'x'");
    g_autoptr(VgJson) capacity = vg_gpus_json_capacity(f->gpus);
    const VgJson *group = vg_json_at(vg_json_get(capacity, "groups"), 0);
    g_assert_cmpstr(vg_json_get_string(group, "name"), ==, k2);
    g_assert_cmpstr(vg_json_get_string(group, "policy"), ==, "pack");
    g_assert_true(vg_json_get_bool(group, "default", FALSE));
    release_all(f);
}

/* --- types -------------------------------------------------------------------------------------------------------- */

static void test_types(Fixture *f, gconstpointer unused) {
    refused(f, "type-disable type=GRID X1", VG_ERR_INVALID_ARG, "no vGPU type 'GRID X1'");
    refused(f, "type-enable type=GRID K100,gpu=0000:44:00.0", VG_ERR_CONFIG_UNSUPPORTED,
            "GRID K100;types there: GRID K200"); /* GAP-5 */
    g_assert_cmpstr(claim_in(f, "a", "GRID K100", NULL), ==, "0000:05:00.0");
    refused(f, "type-disable type=GRID K100,gpu=0000:05:00.0", VG_ERR_RESOURCE_BUSY,
            "0000:05:00.0 runs vGPUs of type GRID K100 (a)");               /* GAP-4 */
    refused(f, "type-disable type=GRID K100", VG_ERR_RESOURCE_BUSY, "(a)"); /* all or none */
    order(f, "type-disable type=GRID K140Q,gpu=0000:05:00.0");              /* another one there is no matter */
    order(f, "type-disable type=GRID K100,gpu=0000:06:00.0");
    release_all(f);
    order(f, "type-disable type=GRID K100,group=NVIDIA GRID K1 GPUs");
    claim_fails(f, "GRID K100", NULL, VG_ERR_OPERATION_DENIED, "0000:05:00.0 has the type disabled");
    restart(f); /* GAP-7: stays disabled; the others are enabled */
    claim_fails(f, "GRID K100", NULL, VG_ERR_OPERATION_DENIED, "disabled");
    g_assert_cmpstr(claim_in(f, "b", "GRID K140Q", NULL), ==, "0000:06:00.0");
    order(f, "type-enable type=GRID K100,gpu=0000:07:00.0");
    g_assert_cmpstr(claim_in(f, "c", "GRID K100", NULL), ==, "0000:07:00.0");
    order(f, "type-enable type=GRID K100");
    g_assert_cmpuint(vg_place_available(&f->gpus->room, f->gpus->groups->len, VG_PLACE_ANY,
                                        vg_types_by_name(f->gpus->types, "GRID K100")->index),
                     ==, 7 + 16);
    release_all(f);
}

/* GAP-2: the most hopeful GPU's reason comes first: full, incompatible, disabled. */
static void test_order_of_reasons(Fixture *f, gconstpointer unused) {
    order(f, "group-create group=three");
    order(f, "group-move gpu=0000:05:00.0,group=three");
    order(f, "group-move gpu=0000:06:00.0,group=three");
    order(f, "group-move gpu=0000:07:00.0,group=three");
    order(f, "type-disable type=GRID K180Q,gpu=0000:05:00.0");
    VgVgpuRequest on_6 = want("GRID K100", NULL);
    on_6.pinned = TRUE;
    on_6.gpu = (VgPciAddr){.bus = 6};
    VgUuid owner;
    vg_uuid_generate(&owner);
    g_assert_nonnull(vg_gpus_claim(f->gpus, &owner, "small", &on_6, 1, NULL));
    g_assert_cmpstr(claim_in(f, "big", "GRID K180Q", "three"), ==, "0000:07:00.0");
    g_autoptr(GError) error = NULL;
    g_assert_null(try_claim(f, "late", "GRID K180Q", "three", &error));
    const char *full = strstr(error->message, "0000:07:00.0 is full (big)"),
               *other = strstr(error->message, "0000:06:00.0 runs GRID K100 (small)"),
               *disabled = strstr(error->message, "0000:05:00.0 has the type disabled");
    g_assert_true(full != NULL && other > full && disabled > other);
    release_all(f);
}

/* --- modes, quotas, closed GPUs ----------------------------------------------------------------------------------- */

static void test_modes(Fixture *f, gconstpointer unused) {
    refused(f, "mode gpu=0000:c1:00.0,mode=mixed", VG_ERR_INVALID_ARG, "mixed-size or mig, not 'mixed'");
    refused(f, "mode gpu=0000:05:00.0,mode=mixed-size", VG_ERR_CONFIG_UNSUPPORTED, "NVIDIA GRID K1;places are known");
    g_assert_cmpstr(claim_in(f, "a", "NVIDIA A16-4Q", NULL), ==, "0000:c1:00.0");
    claim_fails(f, "NVIDIA A16-4A", NULL, VG_ERR_RESOURCE_BUSY, "one type at a time");
    refused(f, "mode gpu=0000:c1:00.0,mode=mixed-size", VG_ERR_RESOURCE_BUSY, "in use by a;mode cannot change");
    order(f, "mode gpu=0000:c1:00.0,mode=equal-size"); /* that harms nobody */
    g_assert_cmpstr(claim_in(f, "b", "NVIDIA A16-4A", NULL), ==, "0000:c1:00.0");
    claim_fails(f, "NVIDIA A16-4C", NULL, VG_ERR_RESOURCE_BUSY,
                "runs NVIDIA A16-4Q, NVIDIA A16-4A (a, b);one size at a time");
    claim_fails(f, "NVIDIA A16-2Q", NULL, VG_ERR_RESOURCE_BUSY, "one size at a time");
    refused(f, "mode gpu=0000:c1:00.0,mode=one-type", VG_ERR_RESOURCE_BUSY, "in use by a, b");
    release_all(f);
    order(f, "mode gpu=serial:16,mode=mixed-size");
    g_assert_cmpstr(claim_in(f, "a", "NVIDIA A16-1Q", NULL), ==, "0000:c1:00.0+0");
    g_assert_cmpstr(claim_in(f, "b", "NVIDIA A16-8Q", NULL), ==, "0000:c1:00.0+8");
    g_assert_cmpstr(claim_in(f, "c", "NVIDIA A16-4Q", NULL), ==, "0000:c1:00.0+4");
    g_assert_cmpstr(claim_in(f, "d", "NVIDIA A16-2B", NULL), ==, "0000:c1:00.0+2");
    claim_fails(f, "NVIDIA A16-2B", NULL, VG_ERR_RESOURCE_BUSY, "is full (a, b, c, d)");
    g_assert_cmpstr(claim_in(f, "e", "NVIDIA A16-1Q", NULL), ==, "0000:c1:00.0+1");
    g_autoptr(VgJson) gpus = vg_gpus_json_gpus(f->gpus);
    const VgJson *doc = vg_json_at(vg_json_get(gpus, "gpus"), 7);
    g_assert_cmpstr(vg_json_get_string(doc, "mode"), ==, "mixed-size");
    g_assert_cmpint(vg_json_get_int(doc, "used_units", -1), ==, VG_UNITS);
    g_assert_cmpint(vg_json_get_int(doc, "vgpus", -1), ==, 5);
    /* Places are kept over a restart: recorded ones are where they were. */
    g_autoptr(GError) error = NULL;
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_true(vg_claim_record(claims[1], &error));
    restart(f);
    g_assert_cmpstr(claim_in(f, "f", "NVIDIA A16-8Q", NULL), ==, "0000:c1:00.0+0");
    claim_fails(f, "NVIDIA A16-1Q", NULL, VG_ERR_RESOURCE_BUSY, "is full (b, f)");
    release_all(f);
}

/* GPU instances: a mode of its own, which changes only while nobody is there; each profile where the driver allows. */
static void test_mig(Fixture *f, gconstpointer unused) {
    claim_fails(f, "GRID A100-1-5C", NULL, VG_ERR_CONFIG_UNSUPPORTED, "0000:e1:00.0 is not in mode mig");
    refused(f, "mode gpu=0000:c1:00.0,mode=mig", VG_ERR_CONFIG_UNSUPPORTED, "NVIDIA A16;none of its types is on a GPU");
    claim_in(f, "ml", "GRID A100-4C", NULL);
    refused(f, "mode gpu=0000:e1:00.0,mode=mig", VG_ERR_RESOURCE_BUSY, "in use by ml;mode cannot change");
    release_all(f);
    order(f, "mode gpu=serial:a100,mode=mig");
    claim_fails(f, "GRID A100-4C", NULL, VG_ERR_CONFIG_UNSUPPORTED, "is in mode mig, in which only types on GPU");
    g_assert_cmpstr(claim_in(f, "media", "GRID A100-1-5CME", NULL), ==, "0000:e1:00.0+4");
    claim_fails(f, "GRID A100-1-5CME", NULL, VG_ERR_RESOURCE_BUSY, "0000:e1:00.0 is full (media)");
    g_assert_cmpstr(claim_in(f, "half", "GRID A100-4-20C", NULL), ==, "0000:e1:00.0+0");
    claim_fails(f, "GRID A100-3-20C", NULL, VG_ERR_RESOURCE_BUSY, "0000:e1:00.0 is full (media, half)");
    g_assert_cmpstr(claim_in(f, "small", "GRID A100-1-5C", NULL), ==, "0000:e1:00.0+5");
    refused(f, "mode gpu=0000:e1:00.0,mode=one-type", VG_ERR_RESOURCE_BUSY, "in use by media, half, small");
    g_autoptr(GError) error = NULL;
    gsize n;
    g_autofree VgClaim **claims = vg_gpus_claims(f->gpus, &n);
    g_assert_true(vg_claim_record(claims[1], &error)); /* half, which is there after a restart */
    restart(f);
    g_assert_cmpstr(claim_in(f, "small", "GRID A100-1-5C", NULL), ==, "0000:e1:00.0+4");
    g_assert_cmpstr(claim_in(f, "media", "GRID A100-1-5CME", NULL), ==, "0000:e1:00.0+5");
    release_all(f);
    order(f, "mode gpu=serial:a100,mode=one-type");
}

static void test_quotas(Fixture *f, gconstpointer unused) {
    refused(f, "quota most=1", VG_ERR_INVALID_ARG, "'group'");
    refused(f, "quota most=1,group=x", VG_ERR_INVALID_ARG, "no GPU group 'x'");
    refused(f, "quota most=1,type=x", VG_ERR_INVALID_ARG, "no vGPU type 'x'");
    refused(f, "quota most=9999999,type=GRID K100", VG_ERR_INVALID_ARG, "'most'");
    order(f, "quota most=2,type=GRID K100"); /* wish-35 */
    claim_in(f, "a", "GRID K100", NULL);
    claim_in(f, "b", "GRID K100", NULL);
    claim_fails(f, "GRID K100", NULL, VG_ERR_OPERATION_DENIED,
                "no more vGPUs of type GRID K100 are allowed;quota is 2 vGPUs of type GRID K100;raised");
    claim_in(f, "c", "GRID K260Q", NULL);
    order(f, "quota most=1,type=GRID K100"); /* below what runs: stops nobody */
    claim_fails(f, "GRID K100", NULL, VG_ERR_OPERATION_DENIED, "quota is 1");
    order(f, "quota most=-1,type=GRID K100");
    claim_in(f, "d", "GRID K100", NULL);
    order(f, "quota most=0,group=NVIDIA GRID K2 GPUs");
    restart(f);
    claim_fails(f, "GRID K260Q", NULL, VG_ERR_OPERATION_DENIED, "quota is 0 vGPUs in group 'NVIDIA GRID K2 GPUs'");
    release_all(f);
}

/* wish-56: nothing new on a GPU that is closed; who is there is left alone and listed. */
static void test_closed(Fixture *f, gconstpointer unused) {
    g_assert_cmpstr(claim_in(f, "a", "GRID K260Q", NULL), ==, "0000:44:00.0");
    order(f, "quarantine gpu=0000:44:00.0,reason=Xid 79");
    g_assert_cmpstr(claim_in(f, "b", "GRID K260Q", NULL), ==, "0000:45:00.0");
    order(f, "drain gpu=all,reason=driver upgrade");
    claim_fails(f, "GRID K260Q", NULL, VG_ERR_OPERATION_DENIED,
                "0000:44:00.0 is in quarantine: Xid 79;0000:45:00.0 is being drained: driver upgrade;open one");
    restart(f);
    g_autoptr(VgJson) gpus = vg_gpus_json_gpus(f->gpus);
    const VgJson *doc = vg_json_at(vg_json_get(gpus, "gpus"), 4);
    g_assert_cmpstr(vg_json_get_string(doc, "closed"), ==, "quarantine");
    g_assert_cmpstr(vg_json_get_string(doc, "closed_reason"), ==, "Xid 79");
    order(f, "open gpu=all");
    g_assert_cmpstr(claim_in(f, "c", "GRID K260Q", NULL), ==, "0000:45:00.0"); /* the quarantine has its own end */
    order(f, "open gpu=0000:44:00.0");
    g_assert_cmpstr(claim_in(f, "d", "GRID K240Q", NULL), ==, "0000:44:00.0");
    release_all(f);
}

/* --- what stays --------------------------------------------------------------------------------------------------- */

/* wish-4: what was decided follows the GPU to its new address, and is not taken for what is at the old one. */
static void test_renumbered(Fixture *f, gconstpointer unused) {
    order(f, "quarantine gpu=0000:44:00.0,reason=fan");
    g_clear_pointer(&f->gpus, vg_gpus_free);
    start_at(f, "0000:46:00.0");
    g_assert_cmpuint(f->gpus->inventory.gpus[5].closed, ==, VG_GPU_QUARANTINE);
    g_assert_cmpstr(f->gpus->inventory.gpus[5].text, ==, "0000:46:00.0");
    order(f, "open gpu=0000:46:00.0");
    g_clear_pointer(&f->gpus, vg_gpus_free);
    start_at(f, "0000:47:00.0");
    g_assert_cmpuint(f->gpus->inventory.gpus[5].closed, ==, VG_GPU_OPEN);
}

static void test_not_written(Fixture *f, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    g_autofree char *json = order_text("drain gpu=all"), *before = vg_settings_print(f->gpus->settings);
    g_free(f->gpus->config);
    f->gpus->config = g_build_filename(f->dir, "none", "gpus.json", NULL);
    VgGpusChange *c = vg_gpus_change_begin(f->gpus, json, &error);
    g_assert_no_error(error);
    claim_fails(f, "GRID K100", NULL, VG_ERR_OPERATION_DENIED, "drained"); /* it counts at once */
    g_assert_false(vg_gpus_change_write(c, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_SYSTEM_ERROR);
    vg_gpus_change_end(c, FALSE);
    g_autofree char *after = vg_settings_print(f->gpus->settings);
    g_assert_cmpstr(after, ==, before);
    claim_in(f, "a", "GRID K100", NULL);
    release_all(f);
}

/* wish-24: a torn file: the version before it. */
static void test_torn(Fixture *f, gconstpointer unused) {
    order(f, "group-create group=first");
    order(f, "group-create group=second");
    g_assert_true(g_file_set_contents(f->config, "{\"groups\": [{\"na", -1, NULL));
    vg_log_set_level(VG_LOG_ERROR);
    restart(f);
    g_assert_nonnull(vg_settings_group(f->gpus->settings, "first"));
    g_assert_null(vg_settings_group(f->gpus->settings, "second"));
}

static void test_nonsense(Fixture *f, gconstpointer unused) {
    static const char *const texts[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"order\":\"dance\"}",
                                        "{\"order\":1}",
                                        "{\"order\":\"drain\"}",
                                        "{\"order\":\"mode\",\"gpu\":\"0000:05:00.0\"}"};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(vg_gpus_change_begin(f->gpus, texts[i], &error));
        g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(vg_gpus_change_begin(f->gpus, NULL, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
}

/* --- affinity ----------------------------------------------------------------------------------------------------- */

static VgClaim *bound_claim(Fixture *f, const char *owner, VgAffinity affinity, gboolean must, const char *refusal) {
    g_autoptr(GError) error = NULL;
    VgVgpuRequest r = want("GRID K260Q", NULL);
    VgUuid uuid;
    vg_uuid_generate(&uuid);
    r.affinities = &affinity;
    r.n_affinities = 1;
    VgClaim *c = vg_gpus_claim(f->gpus, &uuid, owner, &r, 1, &error);
    g_assert_cmpint(c != NULL, ==, must);
    if (c == NULL)
        has_parts(error->message, refusal);
    return c;
}

static guint8 bus_of(const VgClaim *c) {
    gsize n;
    return vg_claim_places(c, &n)[0].gpu.bus;
}

/* Two K2s with room for two each; who is where is kept over a restart and an order. */
static void test_affinity(Fixture *f, gconstpointer unused) {
    const VgAffinity apart = {"replicas", TRUE, FALSE}, rather = {"replicas", TRUE, TRUE},
                     with = {"replicas", FALSE, FALSE};
    g_autoptr(GError) error = NULL;
    VgClaim *a = bound_claim(f, "db1", apart, TRUE, NULL);
    VgClaim *b = bound_claim(f, "db2", apart, TRUE, NULL);
    g_assert_cmpuint(bus_of(a), ==, 0x44);
    g_assert_cmpuint(bus_of(b), ==, 0x45);
    bound_claim(f, "db3", apart, FALSE,
                "affinities of the guest leave no GPU;0000:44:00.0 has db1, and affinity 'replicas' keeps them apart;"
                "0000:45:00.0 has db2;strength='preferred'");
    VgVgpuRequest r = want("GRID K260Q", NULL);
    r.affinities = &apart;
    r.n_affinities = 1;
    g_autoptr(VgJson) plan = vg_gpus_json_plan(f->gpus, &r, 1);
    g_autofree char *planned = vg_json_print(plan, FALSE);
    has_parts(planned, "\"possible\":false;\"fit\":\"affinity\";\"change\":\"affinity\";\"domains\":[\"db1\"]");
    g_assert_true(vg_claim_record(a, &error) && vg_claim_record(b, &error));
    order(f, "policy group=NVIDIA GRID K2 GPUs,policy=breadth-first"); /* builds the picture anew */
    bound_claim(f, "db3", apart, FALSE, "0000:44:00.0 has db1");
    restart(f);
    bound_claim(f, "db3", apart, FALSE, "0000:45:00.0 has db2");
    VgClaim *c = bound_claim(f, "db3", rather, TRUE, NULL);
    VgClaim *d = bound_claim(f, "web", with, TRUE, NULL); /* together is an affinity of its own: nobody is in it */
    g_assert_cmpuint(bus_of(c), !=, bus_of(d));
    g_autoptr(VgJson) vgpus = vg_gpus_json_vgpus(f->gpus);
    g_autofree char *shown = vg_json_print(vgpus, FALSE);
    has_parts(shown, "\"affinities\":[{\"name\":\"replicas\",\"type\":\"apart\"}];\"type\":\"together\"");
    bound_claim(f, "web2", with, FALSE, "is full");
    vg_gpus_release(c);
    bound_claim(f, "web2", with, FALSE, "none of affinity 'replicas', which is together (0000:45:00.0: web)");
    release_all(f);
    g_assert_cmpuint(f->gpus->room.n_bonds, <=, 4);
    c = bound_claim(f, "db3", apart, TRUE, NULL);
    g_assert_cmpuint(bus_of(c), ==, 0x44);
    release_all(f);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

static VgJson *plan(Fixture *f, const char *type, const char *group, gsize n) {
    VgVgpuRequest r[4];
    for (gsize i = 0; i < n; i++)
        r[i] = want(type, group);
    return vg_gpus_json_plan(f->gpus, r, n);
}

static void change_is(const VgJson *doc, gsize i, const char *what, const char *parts) {
    const VgJson *change = vg_json_at(vg_json_get(doc, "changes"), i);
    g_assert_cmpstr(vg_json_get_string(change, "change"), ==, what);
    has_parts(vg_json_get_string(change, "text"), parts);
}

static void test_plan(Fixture *f, gconstpointer unused) {
    g_autoptr(VgJson) good = plan(f, "GRID K260Q", NULL, 2);
    g_assert_true(vg_json_get_bool(good, "possible", FALSE));
    g_assert_cmpuint(vg_json_length(vg_json_get(good, "places")), ==, 2);
    g_assert_cmpstr(vg_json_get_string(vg_json_at(vg_json_get(good, "places"), 1), "gpu"), ==, "0000:44:00.0");
    g_autoptr(VgJson) never = plan(f, "GRID X1", NULL, 1);
    g_assert_false(vg_json_get_bool(never, "possible", TRUE));
    has_parts(vg_json_get_string(never, "message"), "'GRID X1'");
    g_assert_cmpuint(vg_json_length(vg_json_get(never, "changes")), ==, 0);
    /* Both K2 run something else; b is alone on its GPU. */
    claim_in(f, "a1", "GRID K260Q", NULL);
    claim_in(f, "a2", "GRID K260Q", NULL);
    claim_in(f, "b", "GRID K240Q", NULL);
    g_autoptr(VgJson) one = plan(f, "GRID K280Q", NULL, 1);
    g_assert_cmpuint(vg_json_length(vg_json_get(one, "gpus")), ==, 10);
    g_assert_cmpstr(vg_json_get_string(vg_json_at(vg_json_get(one, "gpus"), 0), "fit"), ==, "unsupported");
    g_assert_cmpstr(vg_json_get_string(vg_json_at(vg_json_get(one, "gpus"), 4), "fit"), ==, "incompatible");
    g_assert_cmpuint(vg_json_length(vg_json_get(one, "changes")), ==, 1);
    change_is(one, 0, "stop", "stop guest b");
    claim_in(f, "b2", "GRID K240Q", NULL);
    claim_in(f, "b3", "GRID K240Q", NULL);
    g_autoptr(VgJson) some = plan(f, "GRID K280Q", NULL, 1); /* two are fewer than three */
    g_assert_cmpuint(vg_json_length(vg_json_get(some, "changes")), ==, 2);
    change_is(some, 0, "stop", "stop guests a1, a2");
    change_is(some, 1, "stop", "stop guests b, b2, b3");
    g_autoptr(VgJson) before = vg_gpus_json_gpus(f->gpus);
    g_autoptr(VgJson) again = plan(f, "GRID K280Q", NULL, 1);
    g_assert_cmpuint(vg_json_length(vg_json_get(again, "changes")), ==, 2);
    g_autoptr(VgJson) after = vg_gpus_json_gpus(f->gpus);
    g_autofree char *x = vg_json_print(before, FALSE), *y = vg_json_print(after, FALSE);
    g_assert_cmpstr(x, ==, y); /* wish-22: nothing is left of what was tried */
    release_all(f);
}

static void test_plan_changes(Fixture *f, gconstpointer unused) {
    order(f, "type-disable type=GRID K260Q");
    order(f, "drain gpu=0000:45:00.0");
    g_autoptr(VgJson) enable = plan(f, "GRID K260Q", NULL, 1);
    g_assert_cmpuint(vg_json_length(vg_json_get(enable, "changes")), ==, 1);
    change_is(enable, 0, "enable", "gridctl type enable 'GRID K260Q' --gpu 0000:44:00.0");
    order(f, "type-enable type=GRID K260Q,gpu=0000:45:00.0");
    g_autoptr(VgJson) open = plan(f, "GRID K260Q", NULL, 1);
    change_is(open, 0, "open", "gridctl open 0000:45:00.0");
    change_is(open, 1, "enable", "0000:44:00.0");
    order(f, "open gpu=all");
    order(f, "quota most=1,type=GRID K260Q,group=NVIDIA GRID K2 GPUs");
    g_autoptr(VgJson) quota = plan(f, "GRID K260Q", NULL, 2);
    change_is(quota, 0, "quota", "from 1 to 2: gridctl set quota 2 --type 'GRID K260Q' --group 'NVIDIA GRID K2 GPUs'");
    /* Another mode: as the order would have it, and nothing stays of the trial. */
    claim_in(f, "busy", "NVIDIA A16-1Q", NULL);
    g_autoptr(VgJson) wider = plan(f, "NVIDIA A16-1B", NULL, 1);
    change_is(wider, 0, "mode", "put GPU 0000:c1:00.0 into mode equal-size: gridctl set mode 0000:c1:00.0 equal-size");
    g_autoptr(VgJson) cut = plan(f, "GRID A100-1-5C", NULL, 1);
    change_is(cut, 0, "mode", "gridctl set mode 0000:e1:00.0 mig");
    claim_fails(f, "NVIDIA A16-1B", NULL, VG_ERR_RESOURCE_BUSY, "runs NVIDIA A16-1Q (busy)");
    refused(f, "scheduler gpu=0000:c1:00.0,scheduler=fixed-share", VG_ERR_CONFIG_UNSUPPORTED,
            "RmPVMRL;set-scheduler-state");
    g_autoptr(VgJson) why = vg_gpus_json_why(f->gpus);
    gboolean seen = FALSE;
    for (gsize i = 0; i < vg_json_length(vg_json_get(why, "why")); i++) {
        const VgJson *row = vg_json_at(vg_json_get(why, "why"), i);
        if (strcmp(vg_json_get_string(row, "type"), "GRID K260Q") == 0 &&
            strcmp(vg_json_get_string(row, "gpu"), "0000:44:00.0") == 0) {
            g_assert_cmpstr(vg_json_get_string(row, "fit"), ==, "disabled");
            seen = TRUE;
        }
    }
    g_assert_true(seen);
}

/* A type that nobody vouches for is shown as such and refused until the administrator allows it; what runs goes on. */
static void test_experimental(Fixture *f, gconstpointer unused) {
    g_autoptr(VgJson) types = vg_gpus_json_types(f->gpus);
    g_autofree char *text = vg_json_print(types, FALSE);
    has_parts(text, "\"NVIDIA H100-4C\";\"experimental\":true;\"experimental\":false");
    claim_fails(f, "NVIDIA H100-4C", NULL, VG_ERR_OPERATION_DENIED,
                "are experimental;0000:d1:00.0 has it;gridctl set experimental yes");
    VgVgpuRequest r = want("NVIDIA H100-4C", NULL);
    g_autoptr(VgJson) plan = vg_gpus_json_plan(f->gpus, &r, 1);
    g_autofree char *planned = vg_json_print(plan, FALSE);
    has_parts(planned, "\"possible\":false;\"fit\":\"experimental\";\"change\":\"experimental\"");
    claim_fails(f, "NVIDIA H100-4C", NULL, VG_ERR_OPERATION_DENIED, "are experimental"); /* the plan changed nothing */
    refused(f, "experimental allow=perhaps", VG_ERR_INVALID_ARG, "'allow'");
    order(f, "experimental allow=true");
    g_assert_cmpstr(claim_in(f, "ml", "NVIDIA H100-4C", NULL), ==, "0000:d1:00.0");
    order(f, "experimental allow=false");
    claim_fails(f, "NVIDIA H100-4C", NULL, VG_ERR_OPERATION_DENIED, "are experimental");
    release_all(f);
    order(f, "experimental allow=true");
    restart(f);
    g_assert_cmpstr(claim_in(f, "ml", "NVIDIA H100-4C", NULL), ==, "0000:d1:00.0");
    release_all(f);
}

int main(int argc, char **argv) {
    vg_log_set_level(VG_LOG_ERROR);
    g_test_init(&argc, &argv, NULL);
#define TEST(name, path) g_test_add("/orders/" path, Fixture, NULL, set_up, test_##name, tear_down)
    TEST(groups, "groups-GRP-1-GRP-2-GRP-3-GAP-1-GAP-3-GAP-6");
    TEST(rename, "rename");
    TEST(policy, "policy");
    TEST(types, "types-GAP-4-GAP-5-GAP-7");
    TEST(order_of_reasons, "GAP-2");
    TEST(experimental, "experimental");
    TEST(modes, "modes");
    TEST(mig, "mig");
    TEST(quotas, "wish-35-quotas");
    TEST(closed, "wish-56-closed");
    TEST(renumbered, "wish-4-renumbered");
    TEST(not_written, "not-written");
    TEST(torn, "wish-24-torn");
    TEST(nonsense, "nonsense");
    TEST(affinity, "affinity");
    TEST(plan, "plan-wish-22");
    TEST(plan_changes, "plan-changes");
    return g_test_run();
}
