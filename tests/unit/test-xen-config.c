/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-xen-config.c: domain XML -> libxl's config, in three ways: golden pairs of our own (tests/data/xml2xl), samples
 * of what stock libvirt makes (a folder given as CONFORMANCE, "make check-conformance"), and random records, which must
 * never crash.
 *
 * Compared is what libxl understands: both texts go through its own reader and writer. That reader wants a context, and
 * so this program, which never ships, gives libxl a hypervisor and a xenstore that answer nothing.
 */
#include <glib.h>
#include <string.h>

/* Prototypes of what is replaced below. */
#include <xenctrl.h>
#include <xenstore.h>

#include "base/json.h"
#include "lib/golden.h"
#include "xen/libxl_config.h"
#include <libxl_json.h>

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild, unsigned flags) {
    return g_malloc0(65536);
}

int xc_interface_close(xc_interface *xch) {
    g_free(xch);
    return 0;
}

struct xs_handle *xs_open(unsigned long flags) {
    return g_malloc0(65536);
}

void xs_close(struct xs_handle *xsh) {
    g_free(xsh);
}

static libxl_ctx *ctx;

/* What of stock libvirt's samples is not ours to match. */
static const struct {
    const char *object, *member, *why;
} ignored[] = {
    {"b_info", "shadow_memkb", "their tests replace libxl's function by a constant"},
};

/* --- places of vGPUs: NAME.gpus beside NAME.xml */

typedef struct {
    VgXenGpu gpus[8];
    gsize n;
    VgJson *json;
} Places;

static Places places_read(const char *xml_path) {
    static const char *const kinds[] = {"pci", "vfio", "emulator"};
    Places places = {.n = 0};
    g_autofree char *base = g_strndup(xml_path, strlen(xml_path) - strlen(".xml"));
    g_autofree char *path = g_strconcat(base, ".gpus", NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return places;
    g_autofree char *text = vg_golden_read(path);
    g_autoptr(GError) error = NULL;
    places.json = vg_json_parse(text, strlen(text), path, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < vg_json_length(places.json) && i < G_N_ELEMENTS(places.gpus); i++) {
        const VgJson *j = vg_json_at(places.json, i);
        VgXenGpu *gpu = &places.gpus[places.n++];
        for (guint k = 0; k < G_N_ELEMENTS(kinds); k++)
            if (g_strcmp0(vg_json_get_string(j, "kind"), kinds[k]) == 0)
                gpu->kind = (VgXenGpuKind)k;
        if (vg_json_get_string(j, "host"))
            g_assert_true(vg_pciaddr_parse(vg_json_get_string(j, "host"), &gpu->host));
        gpu->vfio_path = vg_json_get_string(j, "vfio_path");
        gpu->guest_slot = (guint)vg_json_get_int(j, "guest_slot", 0);
        gpu->primary = vg_json_get_bool(j, "primary", FALSE);
        gpu->bar_kib = (guint64)vg_json_get_int(j, "bar_kib", 0);
    }
    return places;
}

/* --- comparing */

static char *normal(const char *json) {
    libxl_domain_config c;
    libxl_domain_config_init(&c);
    if (libxl_domain_config_from_json(ctx, &c, json) != 0) {
        libxl_domain_config_dispose(&c);
        return NULL;
    }
    char *text = libxl_domain_config_to_json(ctx, &c);
    libxl_domain_config_dispose(&c);
    return text;
}

static gboolean is_ignored(const char *object, const char *member) {
    for (gsize i = 0; i < G_N_ELEMENTS(ignored); i++)
        if (g_strcmp0(ignored[i].object, object) == 0 && strcmp(ignored[i].member, member) == 0)
            return TRUE;
    return FALSE;
}

static gboolean equal(const VgJson *a, const VgJson *b, const char *name, GString *where);

static gboolean has(const VgJson *object, const char *object_name, const VgJson *other, const char *which,
                    GString *where) {
    for (gsize i = 0; i < vg_json_length(object); i++) {
        const char *key = vg_json_key(object, i);
        if (is_ignored(object_name, key) || vg_json_get(other, key))
            continue;
        g_string_printf(where, "'%s' of '%s' is only in %s", key, object_name, which);
        return FALSE;
    }
    return TRUE;
}

static gboolean equal_objects(const VgJson *a, const VgJson *b, const char *name, GString *where) {
    if (!has(a, name, b, "ours", where) || !has(b, name, a, "theirs", where))
        return FALSE;
    for (gsize i = 0; i < vg_json_length(a); i++) {
        const char *key = vg_json_key(a, i);
        if (!is_ignored(name, key) && !equal(vg_json_get(a, key), vg_json_get(b, key), key, where))
            return FALSE;
    }
    return TRUE;
}

static gboolean equal(const VgJson *a, const VgJson *b, const char *name, GString *where) {
    if (vg_json_type(a) == VG_JSON_OBJECT && vg_json_type(b) == VG_JSON_OBJECT)
        return equal_objects(a, b, name, where);
    gboolean same = vg_json_type(a) == vg_json_type(b) && vg_json_length(a) == vg_json_length(b);
    if (same && vg_json_type(a) == VG_JSON_ARRAY) {
        for (gsize i = 0; same && i < vg_json_length(a); i++)
            same = equal(vg_json_at(a, i), vg_json_at(b, i), name, where);
        if (!same && where->len)
            return FALSE;
    }
    g_autofree char *text_a = vg_json_print(a, FALSE), *text_b = vg_json_print(b, FALSE);
    if (same && strcmp(text_a, text_b) == 0)
        return TRUE;
    if (!where->len)
        g_string_printf(where, "'%s' is %s, should be %s", name, text_a, text_b);
    return FALSE;
}

/* The JSON of @config as libxl itself would read it back. Its reader refusing it is a failure. */
static char *printed(const VgXenConfig *config) {
    g_autoptr(GError) error = NULL;
    g_autofree char *json = vg_xen_config_to_json(config, &error);
    g_assert_no_error(error);
    char *text = normal(json);
    g_assert_nonnull(text);
    return text;
}

/* --- the cases */

static const VgXenHostInfo host = {.version = 4017000, .hvm = TRUE, .hap = TRUE, .pv = TRUE, .cpus = 8, .nodes = 8};

static VgXenConfig *build(const char *path, const Places *places, GError **error) {
    g_autofree char *xml = vg_golden_read(path);
    g_autoptr(VgDomain) dom = vg_domain_parse(xml, VG_XML_INACTIVE, error);
    VgXenBuild b = {.host = &host, .nested_hvm = TRUE, .gpus = places->gpus, .n_gpus = places->n};
    static const char *const order[] = {"-virtgrid-order", "/run/virtgrid/emulators/g.order", NULL};
    for (gsize i = 0; i < places->n; i++)
        if (places->gpus[i].kind == VG_XEN_GPU_EMULATOR) {
            b.starter = "/usr/libexec/virtgrid-dm";
            b.starter_args = order;
        }
    if (!dom)
        return NULL;
    /* A port has been chosen by the time a guest is translated: the first free one. */
    int port = 5900;
    for (gsize i = 0; i < dom->n_graphics; i++)
        if (dom->graphics[i]->port == -1 && dom->graphics[i]->type != VG_GRAPHICS_SDL)
            dom->graphics[i]->port = port++;
    return vg_xen_config_build(dom, &b, error);
}

static void golden_case(const char *path, const char *name, gpointer data) {
    Places places = places_read(path);
    g_autoptr(GError) error = NULL;
    g_autoptr(VgXenConfig) config = build(path, &places, &error);
    g_autofree char *stem = g_strndup(path, strlen(path) - strlen(".xml"));
    g_autofree char *expected = g_strconcat(stem, ".json", NULL);
    vg_json_free(places.json);
    if (!config) {
        g_printerr("%s: %s\n", name, error->message);
        g_test_fail();
        return;
    }
    g_autofree char *ours = printed(config);
    if (g_getenv("VG_REGENERATE")) {
        vg_golden_compare(expected, ours);
        return;
    }
    g_autofree char *text = vg_golden_read(expected), *theirs = normal(text);
    if (g_strcmp0(ours, theirs) != 0)
        vg_golden_compare(expected, ours);
}

static void test_golden(void) {
    g_assert_cmpuint(vg_golden_scan("xml2xl", ".xml", golden_case, NULL), >, 5);
}

/* What is wrong, or NULL. */
static char *sample_differs(const char *xml_path, const char *json_path) {
    Places none = {.n = 0};
    g_autoptr(GError) error = NULL;
    g_autoptr(VgXenConfig) config = build(xml_path, &none, &error);
    if (!config)
        return g_strdup(error->message);
    g_autofree char *ours = printed(config), *text = vg_golden_read(json_path), *theirs = normal(text);
    if (!theirs)
        return g_strdup("libxl cannot read the sample");
    g_autoptr(VgJson) a = vg_json_parse(ours, strlen(ours), "ours", &error);
    g_autoptr(VgJson) b = vg_json_parse(theirs, strlen(theirs), "theirs", &error);
    g_assert_no_error(error);
    g_autoptr(GString) where = g_string_new(NULL);
    return equal(a, b, "", where) ? NULL : g_strdup(where->str);
}

static void test_conformance(void) {
    const char *root = g_getenv("CONFORMANCE");
    if (!root) {
        g_test_skip("no CONFORMANCE folder given");
        return;
    }
    g_autofree char *folder = g_build_filename(root, "xml-to-libxl-json", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    g_assert_no_error(error);
    guint good = 0, bad = 0;
    for (const char *name; (name = g_dir_read_name(dir));) {
        if (!g_str_has_suffix(name, ".xml"))
            continue;
        g_autofree char *xml = g_build_filename(folder, name, NULL);
        g_autofree char *stem = g_strndup(xml, strlen(xml) - strlen(".xml"));
        g_autofree char *json = g_strconcat(stem, ".json", NULL);
        g_autofree char *wrong = sample_differs(xml, json);
        good += wrong == NULL;
        bad += wrong != NULL;
        if (wrong)
            g_test_message("%s: %s", name, wrong);
    }
    g_test_message("%u of %u samples match", good, good + bad);
    g_assert_cmpuint(good + bad, >, 0);
    g_assert_cmpuint(bad, ==, 0);
}

/* What stock libvirt makes of xl's own configurations can be started. */
static void test_conformance_xl(void) {
    const char *root = g_getenv("CONFORMANCE");
    g_autofree char *folder = g_build_filename(root ? root : "", "xl-cfg", NULL);
    g_autoptr(GDir) dir = root ? g_dir_open(folder, 0, NULL) : NULL;
    guint good = 0;
    if (!dir) {
        g_test_skip("no xl-cfg in a CONFORMANCE folder given");
        return;
    }
    for (const char *name; (name = g_dir_read_name(dir));) {
        if (!g_str_has_suffix(name, ".xml"))
            continue;
        g_autofree char *xml = g_build_filename(folder, name, NULL);
        Places none = {.n = 0};
        g_autoptr(GError) error = NULL;
        g_autoptr(VgXenConfig) config = build(xml, &none, &error);
        if (error)
            g_printerr("%s: %s\n", name, error->message);
        g_assert_no_error(error);
        g_free(printed(config));
        good++;
    }
    g_assert_cmpuint(good, >, 0);
}

/* --- refusals, which a record that was read from XML may not reach */

typedef struct {
    VgDomain dom;
    VgXenBuild build;
    VgXenGpu gpus[3];
    VgHostdev vgpu, *hostdevs[3];
    VgDisk disk, *disks[1];
    VgInterface nic, *nics[1];
    VgGraphics screen, *screens[1];
} Refusal;

static void of_pv(Refusal *r) {
    r->dom.os.type = VG_OS_LINUX;
}

static void of_pvh(Refusal *r) {
    r->dom.os.type = VG_OS_XENPVH;
}

static void no_place(Refusal *r) {
    r->build.n_gpus = 0;
}

static void low_slot(Refusal *r) {
    r->gpus[0].guest_slot = 10;
}

static void two_gpus(Refusal *r) {
    r->gpus[1] = r->gpus[0];
    r->gpus[1].guest_slot = 12;
    r->build.n_gpus = r->dom.n_hostdevs = 2;
}

static void same_slot(Refusal *r) {
    two_gpus(r);
    r->gpus[1].guest_slot = 11;
}

static void two_screens(Refusal *r) {
    two_gpus(r);
    r->gpus[0].primary = r->gpus[1].primary = TRUE;
}

static void huge_bar(Refusal *r) {
    r->gpus[0].bar_kib = 4 * 1024 * 1024;
}

static void bad_path(Refusal *r) {
    r->gpus[0].kind = VG_XEN_GPU_VFIO;
    r->gpus[0].vfio_path = "/sys/a,b";
}

static void many_vcpus(Refusal *r) {
    r->dom.vcpu.max = 129;
}

static void no_bridge(Refusal *r) {
    r->dom.n_interfaces = 1;
    r->nic.type = VG_NET_NETWORK;
}

static void no_spice_port(Refusal *r) {
    r->dom.n_graphics = 1;
    r->screen.type = VG_GRAPHICS_SPICE;
    r->screen.port = r->screen.tls_port = -1;
}

static void vmdk(Refusal *r) {
    r->dom.n_disks = 1;
    r->disk.driver_name = "qemu";
    r->disk.format = VG_FORMAT_VMDK;
}

static const struct {
    void (*spoil)(Refusal *r);
    const char *says;
} refusals[] = {
    {of_pv, "fully virtualised"},
    {of_pvh, "fully virtualised"},
    {no_place, "no place"},
    {low_slot, "0x0a"},
    {same_slot, "0x0b"},
    {two_screens, "primary display"},
    {huge_bar, "below 4 GiB"},
    {bad_path, "no usable path"},
    {many_vcpus, "129"},
    {no_bridge, "bridge"},
    {vmdk, "'vmdk'"},
    {no_spice_port, "autoport"},
};

static void refusal_init(Refusal *r) {
    *r = (Refusal){
        .dom = {.name = "guest",
                .memory = 524288,
                .vcpu.max = 2,
                .os.type = VG_OS_HVM,
                .n_hostdevs = 1,
                .hostdevs = r->hostdevs,
                .disks = r->disks,
                .interfaces = r->nics,
                .graphics = r->screens},
        .build = {.host = &host, .gpus = r->gpus, .n_gpus = 1},
        .gpus = {{.kind = VG_XEN_GPU_EMULATOR, .guest_slot = 11, .bar_kib = 300 * 1024}},
        .vgpu.type = VG_HOSTDEV_VGPU,
        .hostdevs = {&r->vgpu, &r->vgpu, &r->vgpu},
        .disk = {.target = "xvda", .type = VG_DISK_FILE, .source.file = "/a"},
        .disks = {&r->disk},
        .nics = {&r->nic},
        .screens = {&r->screen},
    };
}

static void test_refusals(void) {
    Refusal r;
    g_autoptr(GError) none = NULL;
    refusal_init(&r);
    VgXenConfig *fine = vg_xen_config_build(&r.dom, &r.build, &none);
    g_assert_no_error(none);
    vg_xen_config_free(fine);
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(GError) error = NULL;
        refusal_init(&r);
        refusals[i].spoil(&r);
        g_assert_null(vg_xen_config_build(&r.dom, &r.build, &error));
        g_assert_error(error, VG_ERROR, VG_ERR_CONFIG_UNSUPPORTED);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, refusals[i].says));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, NULL), ==, 0);
    g_test_add_func("/xen/config/golden", test_golden);
    g_test_add_func("/xen/config/refusals", test_refusals);
    g_test_add_func("/xen/config/conformance", test_conformance);
    g_test_add_func("/xen/config/conformance-xl", test_conformance_xl);
    int rc = g_test_run();
    libxl_ctx_free(ctx);
    return rc;
}
