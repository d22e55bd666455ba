/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-vendor.c: vgpuConfig.xml: what is read of it (acceptance rows NV-1 to NV-5), what a damaged one costs (wish-10),
 * and whose word counts where it, the kernel and the shipped catalogue differ.
 */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "gpu/engine.h"
#include "sim/gpus.h"

#define VG_AREA "test"
#include "base/log.h"

static char *sample(void) {
    g_autofree char *path = g_build_filename(g_getenv("srcdir"), "tests/data/vgpuConfig.xml", NULL);
    char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

/* The sample with the first @from (which must be there) replaced. */
static char *changed(const char *from, const char *to) {
    g_autofree char *text = sample();
    char *at = strstr(text, from);
    g_assert_nonnull(at);
    *at = '\0';
    return g_strconcat(text, to, at + strlen(from), NULL);
}

static VgTypes *load(const char *text, GError **error) {
    g_autofree char *path = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    VgVendor *vendor = text != NULL ? vg_vendor_parse(text, "test", error) : NULL;
    VgTypes *types = text == NULL || vendor != NULL ? vg_types_load(path, NULL) : NULL;
    if (types != NULL)
        vg_types_take_vendor(types, vendor);
    return types;
}

/* "name id max, name id max" of a GPU. */
static char *offers(const VgTypes *types, guint16 device, guint16 subdevice) {
    g_autoptr(GArray) list = vg_types_offers(types, 0x10de, device, 0x10de, subdevice);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const VgTypeOffer *o = &g_array_index(list, VgTypeOffer, i);
        g_string_append_printf(text, "%s%s %s %u", i > 0 ? ", " : "", o->type->name, o->type->id, o->max);
    }
    return g_string_free(text, FALSE);
}

static void has(const VgTypes *types, guint16 device, guint16 subdevice, const char *expected) {
    g_autofree char *text = offers(types, device, subdevice);
    g_assert_cmpstr(text, ==, expected);
}

/* NV-2 to NV-5, each also with what has to be joined, and wish-9: one device id, each board with its own types. */
static void test_offers(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = sample();
    g_autoptr(VgTypes) types = load(text, &error);
    g_assert_no_error(error);
    has(types, 0x4444, 0x4444, "");                                             /* NV-2 */
    has(types, 0x3333, 0x4444, "GRID X-1B nvidia-11 8");                        /* NV-3 */
    has(types, 0x3333, 0x4446, "GRID X-2Q nvidia-20 4");                        /* wish-9 */
    has(types, 0x3333, 0x9999, "");                                             /* neither of them */
    has(types, 0x3334, 0x0, "GRID X-1B nvidia-11 8");                           /* NV-4: any subsystem */
    has(types, 0x3334, 0x1, "GRID X-1B nvidia-11 8");                           /* NV-4 */
    has(types, 0x3334, 0x7777, "GRID X-1B nvidia-11 8, GRID X-2Q nvidia-20 2"); /* the first word stands */
    /* NV-5; and wish-7: a type without a name is known by its id. */
    has(types, 0x3335, 0x4445, "GRID X-2Q nvidia-20 8, nvidia-9021 nvidia-9021 16, GRID X-1-5C nvidia-474 7");
    const VgType *t = vg_types_by_name(types, "NVIDIA X-2Q");
    g_assert_cmpuint(t->heads, ==, 4);
    g_assert_cmpuint(t->width, ==, 2400);
    g_assert_cmpuint(t->height, ==, 1600);
    g_assert_cmpuint(t->usable_bytes, ==, 0x20000000);
    g_assert_cmpuint(t->frame_rate_limit, ==, 60);
    g_assert_cmpuint(t->bar1_mib, ==, 256);
    g_assert_cmpuint(t->max, ==, 8);
    g_assert_cmpstr(t->series, ==, "Q");
    g_assert_cmpstr(t->pci, ==, "10de:1112");
    g_assert_cmpstr(t->pci_subsystem, ==, "10de:2223");
    g_assert_false(t->one_per_guest);
    g_assert_false(t->mig);
    t = vg_types_by_name(types, "GRID X-1B");
    g_assert_true(t->one_per_guest);
    g_assert_cmpuint(t->framebuffer_mib, ==, 352); /* what the guest can use and what it cannot */
    g_assert_true(vg_types_by_name(types, "GRID X-1-5C")->mig);
    g_assert_cmpstr(vg_types_by_name(types, "GRID X-1-5C")->series, ==, "C");
}

/* The kernel before the vendor's file, that before the catalogue; what one does not say the next one does. */
static void test_trust(void) {
    g_autofree char *text = sample();
    g_autoptr(VgTypes) shipped = load(NULL, NULL), types = load(text, NULL);
    const VgType *before = vg_types_by_name(shipped, "GRID M60-1Q"), *t = vg_types_by_name(types, "GRID M60-1Q");
    g_assert_cmpuint(before->source, ==, VG_FROM_CATALOGUE);
    g_assert_cmpuint(t->source, ==, VG_FROM_VENDOR);
    g_assert_cmpuint(before->heads, ==, 4);
    g_assert_cmpuint(t->heads, ==, 3);
    g_assert_true(before->one_per_guest);
    g_assert_false(t->one_per_guest);
    g_assert_cmpuint(t->bar1_mib, ==, 512);
    g_assert_cmpuint(t->framebuffer_mib, ==, 1024);
    g_assert_cmpuint(t->pixels, ==, before->pixels); /* not in the file */
    g_assert_true(
        vg_types_of_kernel(types, "nvidia-777", "GRID M60-1Q", "num_heads=2, max_resolution=800x600", NULL, 9) == t);
    g_assert_cmpuint(t->source, ==, VG_FROM_KERNEL);
    g_assert_cmpuint(t->heads, ==, 2);
    g_assert_cmpuint(t->width, ==, 800);
    g_assert_cmpuint(t->bar1_mib, ==, 512);
    g_assert_cmpstr(t->id, ==, "nvidia-777");
    g_assert_true(vg_types_by_id(types, "nvidia-777") == t);
    /* The file says alone what NVIDIA's GPUs have; it knows no M60, and nothing of other makers. */
    has(types, 0x13f2, 0x115e, "");
    g_autofree char *m60 = offers(shipped, 0x13f2, 0x115e);
    g_assert_nonnull(strstr(m60, "GRID M60-1Q nvidia-15 8"));
}

/* One entry that is wrong costs that entry, and is told. */
static void test_skipped(void) {
    static const struct {
        const char *from, *to, *why, *gpu_3335;
    } rows[] = {
        {"<vgpuType id=\"20\"", "<vgpuType id=\"-1\"", "<vgpuType> -1: 'id'",
         "nvidia-9021 nvidia-9021 16, GRID X-1-5C nvidia-474 7"},
        {"<framebuffer>0x20000000<", "<framebuffer>0<", "<vgpuType> 20: 'framebuffer'",
         "nvidia-9021 nvidia-9021 16, GRID X-1-5C nvidia-474 7"},
        {"<framebuffer>0x20000000</framebuffer>", "", "<vgpuType> 20: 'framebuffer'",
         "nvidia-9021 nvidia-9021 16, GRID X-1-5C nvidia-474 7"},
        {"<numHeads>4<", "<numHeads>4000000000<", "<vgpuType> 20: 'numHeads'",
         "nvidia-9021 nvidia-9021 16, GRID X-1-5C nvidia-474 7"},
        {"width=\"2400\"", "width=\"wide\"", "<vgpuType> 20: 'display'",
         "nvidia-9021 nvidia-9021 16, GRID X-1-5C nvidia-474 7"},
        {"deviceId=\"0x1112\"", "deviceId=\"0x11121\"", "<vgpuType> 20: 'devId'",
         "nvidia-9021 nvidia-9021 16, GRID X-1-5C nvidia-474 7"},
        {"<vgpuType id=\"9021\"", "<vgpuType id=\"20\"", "<vgpuType> 20: 'id'", /* twice: the first stands */
         "GRID X-2Q nvidia-20 8, GRID X-1-5C nvidia-474 7"},
        {"<maxVgpus>16</maxVgpus></supportedVgpu>\n    <supportedVgpu vgpuId=\"474\">",
         "<maxVgpus>0</maxVgpus></supportedVgpu>\n    <supportedVgpu vgpuId=\"474\">",
         "<supportedVgpu> 9021: 'maxVgpus'", "GRID X-2Q nvidia-20 8, GRID X-1-5C nvidia-474 7"},
        {"<supportedVgpu vgpuId=\"474\">", "<supportedVgpu vgpuId=\"475\">", "<supportedVgpu> 475: 'vgpuId'",
         "GRID X-2Q nvidia-20 8, nvidia-9021 nvidia-9021 16"},
        {"deviceId=\"0x3335\"", "deviceId=\"none\"", "<pgpu> none: 'devId'", ""},
        {"<multiVgpuSupported>1</multiVgpuSupported>", "", NULL, /* xapi's file is lost without it; here it means no */
         "GRID X-2Q nvidia-20 8, nvidia-9021 nvidia-9021 16, GRID X-1-5C nvidia-474 7"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = changed(rows[i].from, rows[i].to);
        VgVendor *vendor = vg_vendor_parse(text, "test", &error);
        g_assert_no_error(error);
        g_assert_cmpint(vendor->skipped > 0, ==, rows[i].why != NULL);
        if (rows[i].why != NULL && strstr(vendor->why, rows[i].why) == NULL)
            g_error("row %zu: \"%s\" lacks \"%s\"", i, vendor->why, rows[i].why);
        g_autoptr(VgTypes) types = load(NULL, NULL);
        vg_types_take_vendor(types, vendor);
        has(types, 0x3335, 0x4445, rows[i].gpu_3335);
    }
}

/* What is no such file at all is an error, at whatever place it was cut or changed, and never more than that. */
static void test_damaged(void) {
    g_autofree char *text = sample();
    gsize len = strlen(text);
    for (gsize cut = 0; cut < len - strlen("</vgpuconfig>\n"); cut += 7) {
        g_autoptr(GError) error = NULL;
        g_autofree char *part = g_strndup(text, cut);
        g_assert_null(vg_vendor_parse(part, "the file", &error));
        g_assert_error(error, VG_ERROR, VG_ERR_XML_DETAIL);
        g_assert_nonnull(strstr(error->message, "the file: "));
    }
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261122);
    for (guint round = 0; round < 3000; round++) {
        g_autofree char *copy = g_strdup(text);
        for (guint i = 0; i < 3; i++)
            copy[g_rand_int_range(rand, 0, (gint32)len)] = (char)g_rand_int_range(rand, 1, 256);
        g_autoptr(VgTypes) types = load(copy, NULL);
        if (types != NULL) {
            g_autofree char *all = offers(types, 0x3335, 0x4445);
            g_assert_cmpuint(strlen(all), <, 10000);
        }
    }
    static const char *const others[] = {
        "<domain/>", "<vgpuconfig/>", "<vgpuconfig><version>1.0</version></vgpuconfig>",
        "<!DOCTYPE vgpu [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><vgpuconfig><version>&b;</version>"
        "</vgpuconfig>",
        "<!DOCTYPE vgpu [<!ENTITY x SYSTEM \"/etc/passwd\">]><vgpuconfig><vgpuType id=\"1\" "
        "name=\"&x;\"/></vgpuconfig>"};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(vg_vendor_parse(others[i], "test", &error));
        g_assert_nonnull(error);
    }
}

/* --- on a host ---------------------------------------------------------------------------------------------------- */

typedef struct {
    char *dir, *vendor, *copy;
    VgGpus *gpus;
} Fixture;

static const char two_boards[] =
    "[{\"address\":\"0000:05:00.0\",\"vendor\":\"10de\",\"device\":\"3333\",\"subvendor\":\"10de\",\"subdevice\":"
    "\"4444\"},{\"address\":\"0000:06:00.0\",\"vendor\":\"10de\",\"device\":\"3333\",\"subvendor\":\"10de\","
    "\"subdevice\":\"4446\"}]";

static void start(Fixture *f) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) gpus = vg_json_parse(two_boards, strlen(two_boards), "test", &error);
    g_autofree char *config = g_build_filename(f->dir, "gpus.json", NULL);
    g_autofree char *ledger = g_build_filename(f->dir, "ledger", NULL);
    g_autofree char *catalogue = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    g_clear_pointer(&f->gpus, vg_gpus_free);
    VgGpuHost *host = vg_sim_gpus_new(f->dir, gpus, &error);
    g_assert_no_error(error);
    VgGpusPaths paths = {config, catalogue, ledger, f->vendor, f->copy};
    f->gpus = vg_gpus_open(host, &paths, &error);
    g_assert_no_error(error);
}

static void set_up(Fixture *f, gconstpointer unused) {
    f->dir = g_dir_make_tmp("vg-vendor-XXXXXX", NULL);
    f->vendor = g_build_filename(f->dir, "vgpuConfig.xml", NULL);
    f->copy = g_build_filename(f->dir, "copy.xml", NULL);
}

static void tear_down(Fixture *f, gconstpointer unused) {
    g_clear_pointer(&f->gpus, vg_gpus_free);
    g_autofree char *quoted = g_shell_quote(f->dir), *command = g_strdup_printf("rm -rf %s", quoted);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_free(f->dir);
    g_free(f->vendor);
    g_free(f->copy);
}

static void write_vendor(Fixture *f, const char *text) {
    g_assert_true(g_file_set_contents(f->vendor, text, -1, NULL));
}

static char *types_document(Fixture *f) {
    g_autoptr(VgJson) json = vg_gpus_json_types(f->gpus);
    return vg_json_print(json, FALSE);
}

static void shows(Fixture *f, const char *parts, const char *lacks) {
    g_autofree char *text = types_document(f);
    g_auto(GStrv) each = g_strsplit(parts, ";", -1);
    for (char **p = each; *p != NULL; p++)
        if (strstr(text, *p) == NULL)
            g_error("\"%s\" lacks \"%s\"", text, *p);
    if (lacks != NULL && strstr(text, lacks) != NULL)
        g_error("\"%s\" has \"%s\"", text, lacks);
}

/* NV-1, wish-9, wish-10: no file, a good one, a torn one, a good one again, none again. */
static void test_host(Fixture *f, gconstpointer unused) {
    g_autofree char *text = sample(), *torn = g_strndup(text, 900);
    start(f);
    shows(f, "\"problem\":null", "X-1B"); /* NV-1 */
    write_vendor(f, text);
    start(f);
    shows(f, "\"GRID X-1B\";\"GRID X-2Q\";\"source\":\"vendor\";\"problem\":null", "X-1-5C");
    VgVgpuRequest r = {.type_name = "GRID X-2Q", .pinned = TRUE, .gpu = {.bus = 5}};
    g_autoptr(GError) error = NULL;
    g_assert_false(vg_gpus_check(f->gpus, &r, 1, &error)); /* wish-9 */
    g_assert_nonnull(strstr(error->message, "types it has: GRID X-1B"));
    r.gpu.bus = 6;
    g_assert_true(vg_gpus_check(f->gpus, &r, 1, NULL));
    /* wish-49: the guest's low hole has to hold the windows that this type really has. */
    VgPlace *places = NULL;
    vg_uuid_generate(&r.vgpu);
    g_assert_true(vg_gpus_plan(f->gpus, &r, 1, &places, NULL));
    g_assert_cmpuint(places[0].bar_kib, ==, (256 + 64) * 1024);
    vg_places_free(places, 1);
    write_vendor(f, torn);
    start(f);
    shows(f, "\"GRID X-1B\";\"GRID X-2Q\";the last good copy of it is used;vgpuConfig.xml", NULL);
    g_assert_true(vg_gpus_check(f->gpus, &r, 1, NULL));
    g_assert_cmpint(g_unlink(f->copy), ==, 0);
    start(f);
    shows(f, "there is no good copy of it", "X-2Q");
    g_autofree char *odd = changed("<numHeads>4<", "<numHeads>many<");
    write_vendor(f, odd);
    start(f);
    shows(f, "\"GRID X-1B\";entries are left out: <vgpuType> 20: 'numHeads'", "X-2Q");
    g_assert_cmpint(g_unlink(f->vendor), ==, 0);
    start(f); /* the vendor's software was taken away: that is no damage */
    shows(f, "\"problem\":null", "X-1B");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    vg_log_set_level(VG_LOG_ERROR);
    g_test_add_func("/vendor/NV-2-to-NV-5", test_offers);
    g_test_add_func("/vendor/trust", test_trust);
    g_test_add_func("/vendor/skipped", test_skipped);
    g_test_add_func("/vendor/damaged", test_damaged);
    g_test_add("/vendor/NV-1-wish-10", Fixture, NULL, set_up, test_host, tear_down);
    return g_test_run();
}
