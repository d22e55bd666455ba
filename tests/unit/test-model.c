/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-model.c: domains as XML. data/xml2xml: NAME.xml is read and written as NAME.out.xml, which reads the same again;
 * data/invalid: NAME.xml is refused with NAME.err. Then what no file can show: random records, limits, live and
 * inactive.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "base/error.h"
#include "lib/golden.h"
#include "model/cpuset.h"
#include "model/device.h"
#include "model/maps.h"

static const guint ALL = VG_XML_SECURE | VG_XML_INACTIVE;

static VgDomain *parse(const char *xml, guint flags) {
    g_autoptr(GError) error = NULL;
    VgDomain *dom = vg_domain_parse(xml, flags, &error);
    g_assert_no_error(error);
    return dom;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void check_round(const VgDomain *dom, const char *text, guint flags, const char *name) {
    g_autoptr(VgDomain) again = parse(text, flags & VG_XML_INACTIVE), copy = vg_domain_copy(dom);
    g_autofree char *text_again = vg_domain_format(again, flags), *text_copy = vg_domain_format(copy, flags);
    g_test_message("%s", name);
    g_assert_cmpstr(text_again, ==, text);
    g_assert_cmpstr(text_copy, ==, text);
}

static void check_valid(const char *path, const char *name, gpointer data) {
    if (g_str_has_suffix(name, ".out"))
        return;
    g_autofree char *xml = vg_golden_read(path);
    g_autoptr(GError) error = NULL;
    g_autoptr(VgDomain) dom = vg_domain_parse(xml, VG_XML_INACTIVE, &error);
    if (dom == NULL) {
        g_test_message("%s: %s", name, error->message);
        g_test_fail();
        return;
    }
    g_autofree char *text = vg_domain_format(dom, ALL), *relative = g_strdup_printf("xml2xml/%s.out.xml", name);
    g_autofree char *out = vg_golden_path(relative);
    vg_golden_compare(out, text);
    check_round(dom, text, ALL, name);
}

static void test_files(void) {
    vg_golden_scan("xml2xml", ".xml", check_valid, NULL);
}

static void check_invalid(const char *path, const char *name, gpointer data) {
    g_autofree char *xml = vg_golden_read(path);
    g_autoptr(GError) error = NULL;
    g_autoptr(VgDomain) dom = vg_domain_parse(xml, VG_XML_INACTIVE, &error);
    g_autofree char *relative = g_strdup_printf("invalid/%s.err", name);
    g_autofree char *err = vg_golden_path(relative);
    g_autofree char *message =
        dom != NULL ? g_strdup("accepted\n") : g_strdup_printf("%s: %s\n", vg_error_title(error->code), error->message);
    vg_golden_compare(err, message);
    g_assert_cmpuint(strlen(message), <, 400);
}

static void test_invalid(void) {
    vg_golden_scan("invalid", ".xml", check_invalid, NULL);
}

/* --- live and inactive -------------------------------------------------------------------------------------------- */

static const char guest[] =
    "<domain type='xen' id='5'><name>a</name><memory>1024</memory><os><type>hvm</type></os><devices>"
    "<interface type='bridge'><source bridge='b'/><target dev='vif5.0'/><alias name='net0'/></interface>"
    "<serial type='pty'><source path='/dev/pts/3'/><alias name='ua-mine'/></serial>"
    "<graphics type='vnc' port='5907' autoport='yes' passwd='geheim'/>"
    "<hostdev mode='subsystem' type='vgpu'><source><type name='T4-1Q'/></source>"
    "<bound backend='sriov'><gpu domain='0' bus='0x3b' slot='0' function='0'/>"
    "<vf domain='0' bus='0x3b' slot='1' function='2'/>"
    "<mdev uuid='01234567-89ab-cdef-0123-456789abcdef'/></bound></hostdev></devices></domain>";

static void test_live(void) {
    g_autoptr(VgDomain) dom = parse(guest, 0);
    g_autofree char *live = vg_domain_format(dom, VG_XML_SECURE), *inactive = vg_domain_format(dom, VG_XML_INACTIVE);
    static const char *const only_live[] = {" id='5'",
                                            "vif5.0",
                                            "net0",
                                            "/dev/pts/3",
                                            "5907",
                                            "<bound backend='sriov'>",
                                            "<vf domain='0x0000' bus='0x3b' slot='0x01' function='0x2'/>",
                                            "geheim"};
    for (gsize i = 0; i < G_N_ELEMENTS(only_live); i++) {
        g_assert_nonnull(strstr(live, only_live[i]));
        g_assert_null(strstr(inactive, only_live[i]));
    }
    g_assert_nonnull(strstr(inactive, "ua-mine"));
    g_assert_nonnull(strstr(inactive, "port='-1'"));
    check_round(dom, live, VG_XML_SECURE, "live");
    dom->id = -1; /* not running: nothing live, whatever is asked for */
    g_autofree char *stopped = vg_domain_format(dom, 0);
    g_assert_null(strstr(stopped, "bound"));
}

static void test_definition_forgets(void) {
    g_autoptr(VgDomain) dom = parse(guest, VG_XML_INACTIVE);
    g_assert_cmpint(dom->id, ==, -1);
    g_assert_false(dom->hostdevs[0]->vgpu.bound.present);
    g_assert_true(dom->hostdevs[0]->vgpu.has_uuid);
    g_assert_null(dom->interfaces[0]->target);
    g_assert_null(dom->serials[0]->source.path);
}

/* A PVH guest of other hands runs, whatever it was built from; one that is to start needs a kernel. */
static void test_running_pvh(void) {
    static const char xml[] = "<domain type='xen' id='7'><name>x</name><memory>65536</memory>"
                              "<os><type arch='x86_64' machine='xenpvh'>xenpvh</type></os></domain>";
    g_autoptr(GError) error = NULL;
    VgDomain *dom = vg_domain_parse(xml, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpint(dom->id, ==, 7);
    vg_domain_free(dom);
    g_assert_null(vg_domain_parse(xml, VG_XML_INACTIVE, &error));
    g_assert_nonnull(strstr(error->message, "<os><kernel>"));
}

static void test_made_up(void) {
    g_autoptr(VgDomain) a = parse(guest, VG_XML_INACTIVE), b = parse(guest, VG_XML_INACTIVE);
    g_assert_false(vg_uuid_equal(&a->uuid, &b->uuid));
    g_assert_false(vg_uuid_equal(&a->hostdevs[0]->vgpu.uuid, &b->hostdevs[0]->vgpu.uuid));
    const guint8 xen[] = {0x00, 0x16, 0x3e};
    g_assert_cmpint(memcmp(a->interfaces[0]->mac.b, xen, sizeof(xen)), ==, 0);
}

static void test_messages(void) {
    g_autoptr(VgDomain) dom =
        parse("<domain type='xen'><name>a</name><memory>1024</memory><os><type>hvm</type></os><devices>"
              "<disk type='file'><source file='a'/><target dev='xvda'/><serial>x</serial></disk>"
              "<disk type='file'><source file='b'/><target dev='xvdb'/><serial>y</serial></disk>"
              "<rng model='virtio'/></devices></domain>",
              0);
    g_auto(GStrv) messages = vg_domain_messages(dom);
    for (char **message = messages; *message != NULL; message++)
        g_test_message("%s", *message);
    g_assert_cmpuint(g_strv_length(messages), ==, 2);
    g_assert_cmpstr(messages[0], ==, "<disk><serial> has no effect on Xen guests");
    g_assert_cmpstr(messages[1], ==, "<rng> has no effect on Xen guests");
}

/* --- devices alone ------------------------------------------------------------------------------------------------ */

static void test_device(void) {
    g_autoptr(VgDomain) dom = parse(guest, VG_XML_INACTIVE);
    g_autoptr(GError) error = NULL;
    const char *xml = "<disk type='file'><source file='a'/><target dev='xvdc'/></disk>";
    g_autoptr(VgDevice) disk = vg_device_parse(xml, dom, VG_XML_INACTIVE, &error);
    g_assert_no_error(error);
    g_assert_cmpint(disk->kind, ==, VG_DEVICE_DISK);
    g_assert_cmpint(disk->disk->bus, ==, VG_DISK_BUS_XEN);
    g_assert_cmpint(vg_domain_find_device(dom, disk), ==, -1);
    vg_domain_add_device(dom, vg_device_copy(disk));
    g_assert_cmpint(vg_domain_find_device(dom, disk), ==, 0);
    g_assert_true(vg_domain_validate(dom, &error));
    vg_domain_add_device(dom, vg_device_copy(disk));
    g_assert_false(vg_domain_validate(dom, &error));
    g_clear_error(&error);
    vg_device_free(vg_domain_take_device(dom, VG_DEVICE_DISK, 0));
    g_assert_cmpuint(vg_domain_count_devices(dom, VG_DEVICE_DISK), ==, 1);
    g_autofree char *text = vg_device_format(disk, VG_XML_INACTIVE);
    g_assert_true(g_str_has_prefix(text, "<disk type='file' device='disk'>\n  <driver type='raw'/>\n"));
    g_assert_null(vg_device_parse("<blender/>", dom, 0, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_CONFIG_UNSUPPORTED);
}

/* --- random records ----------------------------------------------------------------------------------------------- */

static guint state;
static guint roll(guint n) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static void fill_map(const VgXmlMap *map, void *object);

static void *member_of(const VgXmlRow *row, void *object) {
    return (char *)object + row->offset;
}

static void fill_string(char **member) {
    static const char *const texts[] = {"a", "<&>'\"", "ua-x", "0-3", "\xc3\xa4\xe2\x82\xac", "long long text"};
    g_free(*member);
    *member = g_strdup(texts[roll(G_N_ELEMENTS(texts))]);
}

static void fill_int(const VgXmlRow *row, void *object) {
    guint64 room = (guint64)row->max - (guint64)row->min,
            value = (guint64)row->min + roll(1u << 20) % (room + (room < G_MAXUINT64));
    memcpy(member_of(row, object), &value, row->size); /* little endian, as all Xen hosts */
}

/* Fills what can be absent or not with even odds. */
static void fill_row(const VgXmlRow *row, void *object) {
    gboolean *present =
        row->present > 0 && row->kind != VG_ROW_ARRAY ? (gboolean *)(void *)((char *)object + row->present - 1) : NULL;
    if (!(row->flags & (VG_ROW_REQUIRED | VG_ROW_ALWAYS)) && roll(2) == 0 && row->kind != VG_ROW_VARIANT &&
        row->kind != VG_ROW_INCLUDE)
        return;
    if (present != NULL)
        *present = TRUE;
    switch (row->kind) {
    case VG_ROW_STRING:
        fill_string(member_of(row, object));
        break;
    case VG_ROW_ENUM: {
        int value = (int)roll((guint)row->names->count);
        *(int *)member_of(row, object) = vg_names_name(row->names, value) == NULL ? 1 : value;
        break;
    }
    case VG_ROW_INT:
        fill_int(row, object);
        break;
    case VG_ROW_MEMORY:
        *(guint64 *)member_of(row, object) = 1 + roll(1u << 20);
        break;
    case VG_ROW_FLAG:
        *(gboolean *)member_of(row, object) = TRUE;
        break;
    case VG_ROW_GROUP:
        fill_map(row->map, object);
        break;
    case VG_ROW_STRUCT:
    case VG_ROW_INCLUDE:
        fill_map(row->map, member_of(row, object));
        break;
    case VG_ROW_VARIANT: {
        guint tag = *(guint *)member_of(row, object);
        if (tag < row->n_arms && row->arms[tag] != NULL)
            fill_map(row->arms[tag], object);
        break;
    }
    case VG_ROW_POINTER:
    case VG_ROW_ARRAY: {
        gsize *n = (gsize *)(void *)((char *)object + row->present - 1);
        for (guint i = 0; row->kind == VG_ROW_ARRAY && *n < 2; i++) {
            void *item = vg_xml_map_new(row->map);
            fill_map(row->map, item);
            vg_xml_array_add(member_of(row, object), n, item);
        }
        break;
    }
    default:
        break;
    }
}

static void fill_map(const VgXmlMap *map, void *object) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++)
        fill_row(row, object);
}

/* Any record that its table accepts reads back as it was written; its copy writes the same, and freeing both is
 * clean. */
static guint check_record(const VgXmlMap *map) {
    void *record = vg_xml_map_new(map);
    fill_map(map, record);
    g_autoptr(GString) text = g_string_new(NULL), again = g_string_new(NULL), copied = g_string_new(NULL);
    vg_xml_map_format(map, record, VG_XML_SECURE, 0, text);
    g_autoptr(GError) error = NULL;
    void *read = vg_xml_map_parse(map, NULL, text->str, 0, &error);
    void *copy = vg_xml_map_copy(map, record);
    vg_xml_map_format(map, copy, VG_XML_SECURE, 0, copied);
    g_assert_cmpstr(copied->str, ==, text->str);
    guint accepted = read != NULL;
    if (accepted) {
        G_GNUC_UNUSED g_autoptr(VgDevice) nothing = NULL;
        vg_xml_map_format(map, read, VG_XML_SECURE, 0, again);
        void *second = vg_xml_map_parse(map, NULL, again->str, 0, &error);
        g_assert_no_error(error);
        g_string_truncate(copied, 0);
        vg_xml_map_format(map, second, VG_XML_SECURE, 0, copied);
        g_assert_cmpstr(copied->str, ==, again->str);
        vg_xml_map_free(map, second);
    }
    vg_xml_map_clear(map, copy);
    vg_xml_map_clear(map, copy); /* twice is harmless */
    vg_xml_map_free(map, copy);
    vg_xml_map_free(map, record);
    vg_xml_map_free(map, read);
    return accepted;
}

static void test_random(void) {
    static const VgXmlMap *const maps[] = {
        &vg_os_map,         &vg_vcpu_map,       &vg_cpu_map,       &vg_cputune_map,  &vg_features_map, &vg_clock_map,
        &vg_disk_map,       &vg_controller_map, &vg_interface_map, &vg_serial_map,   &vg_parallel_map, &vg_console_map,
        &vg_channel_map,    &vg_input_map,      &vg_graphics_map,  &vg_video_map,    &vg_hostdev_map,  &vg_sound_map,
        &vg_memballoon_map, &vg_rng_map,        &vg_tpm_map,       &vg_watchdog_map, &vg_panic_map,    &vg_audio_map};
    for (gsize i = 0; i < G_N_ELEMENTS(maps); i++) {
        guint accepted = 0;
        for (guint n = 0; n < 300; n++) {
            state = (guint)i * 1000 + n;
            accepted += check_record(maps[i]);
        }
        g_test_message("%s: %u of 300 accepted", maps[i]->name, accepted);
        g_assert_cmpuint(accepted, >, 20);
    }
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

static char *many_disks(guint n) {
    GString *xml =
        g_string_new("<domain type='xen'><name>a</name><memory>1024</memory><os><type>hvm</type></os><devices>");
    for (guint i = 0; i < n; i++)
        g_string_append_printf(xml, "<disk type='file'><source file='/d/%u'/><target dev='xvd%c%c%c%c'/></disk>", i,
                               'a' + (char)(i / 17576 % 26), 'a' + (char)(i / 676 % 26), 'a' + (char)(i / 26 % 26),
                               'a' + (char)(i % 26));
    g_string_append(xml, "</devices></domain>");
    return g_string_free(xml, FALSE);
}

static gint64 time_of(guint n) {
    g_autofree char *xml = many_disks(n);
    gint64 best = G_MAXINT64;
    for (int i = 0; i < 3; i++) {
        gint64 start = clock();
        g_autoptr(VgDomain) dom = parse(xml, VG_XML_INACTIVE);
        G_GNUC_UNUSED g_autofree char *text = vg_domain_format(dom, 0);
        g_assert_cmpuint(dom->n_disks, ==, n);
        best = MIN(best, clock() - start);
    }
    return best;
}

/* Sixteen times the disks may take a hundred times the CPU on a busy machine, but not two hundred and fifty. */
static void test_linear(void) {
    gint64 few = time_of(1000), many = time_of(16000);
    g_test_message("1,000 disks: %" G_GINT64_FORMAT " us, 16,000: %" G_GINT64_FORMAT " us", few, many);
    g_assert_cmpint(many, <, few * 100);
}

static void expect_refused(const char *xml, int code, const char *words) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgDomain) dom = vg_domain_parse(xml, 0, &error);
    g_assert_null(dom);
    g_assert_error(error, VG_ERROR, code);
    g_assert_cmpuint(strlen(error->message), <, 200);
    g_assert_nonnull(strstr(error->message, words));
}

static void test_depth(void) {
    enum { DEPTH = 100000 };
    g_autoptr(GString) xml = g_string_new("<domain type='xen'>");
    for (int i = 0; i < DEPTH; i++)
        g_string_append(xml, "<a>");
    expect_refused(xml->str, VG_ERR_XML_DETAIL, "nested more than 128 deep");
    g_string_assign(xml, "<domain type='xen'><metadata>");
    for (int i = 0; i < DEPTH; i++)
        g_string_append(xml, "<a xmlns='b'>");
    expect_refused(xml->str, VG_ERR_XML_DETAIL, "nested more than 128 deep");
}

static void test_size(void) {
    g_autofree char *xml = g_malloc(VG_XML_MAX_SIZE + 2);
    memset(xml, ' ', VG_XML_MAX_SIZE + 1);
    xml[VG_XML_MAX_SIZE + 1] = '\0';
    expect_refused(xml, VG_ERR_XML_DETAIL, "larger than 4 MiB");
}

static void test_counts(void) {
    g_autoptr(GString) xml = g_string_new("<domain type='xen'><name>a</name><memory>1</memory><os><type>hvm</type>");
    for (int i = 0; i < 5; i++)
        g_string_append(xml, "<boot dev='hd'/>");
    expect_refused(xml->str, VG_ERR_XML_ERROR, "more than 4 of <boot>");
    g_string_assign(xml, "<domain type='xen'><devices>");
    for (int i = 0; i < 30000; i++)
        g_string_append(xml, "<redirdev bus='usb'/>");
    expect_refused(xml->str, VG_ERR_XML_ERROR, "of <redirdev>");
}

/* Cut anywhere, a document is refused, and nothing is lost or read beyond the end. */
static void test_truncated(void) {
    for (gsize n = 0; n < sizeof(guest) - 1; n++) {
        g_autofree char *cut = g_strndup(guest, n);
        g_autoptr(GError) error = NULL;
        g_assert_null(vg_domain_parse(cut, 0, &error));
        g_assert_error(error, VG_ERROR, VG_ERR_XML_DETAIL);
    }
}

static void test_cpuset(void) {
    static const char *const cases[][2] = {{"0-3,^2", "0-1,3"},  {" 5 , 4,4095 ", "4-5,4095"},
                                           {"1", "1"},           {"0-4095", "0-4095"},
                                           {"4096", NULL},       {"3-1", NULL},
                                           {"", NULL},           {"1,", NULL},
                                           {"^1", NULL},         {"1-", NULL},
                                           {"99999999999", NULL}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *text = g_strdup(cases[i][0]);
        g_assert_cmpint(vg_cpuset_normalize(&text), ==, cases[i][1] != NULL);
        if (cases[i][1] != NULL)
            g_assert_cmpstr(text, ==, cases[i][1]);
        g_free(text);
    }
}

static void test_disk_index(void) {
    static const struct {
        const char *target;
        int index;
    } cases[] = {{"hda", 0},   {"xvdz", 25},   {"sdaa", 26}, {"sdab", 27}, {"vdzz", 701}, {"xvdaaa", 702},
                 {"xvda1", 0}, {"xvda01", -1}, {"xvd", -1},  {"zda", -1},  {"sdA", -1},   {"sdaaaaaa", -1}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(vg_disk_index(cases[i].target), ==, cases[i].index);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/files", test_files);
    g_test_add_func("/model/invalid", test_invalid);
    g_test_add_func("/model/live", test_live);
    g_test_add_func("/model/definition-forgets", test_definition_forgets);
    g_test_add_func("/model/running-pvh", test_running_pvh);
    g_test_add_func("/model/made-up", test_made_up);
    g_test_add_func("/model/messages", test_messages);
    g_test_add_func("/model/device", test_device);
    g_test_add_func("/model/random", test_random);
    g_test_add_func("/model/linear", test_linear);
    g_test_add_func("/model/depth", test_depth);
    g_test_add_func("/model/size", test_size);
    g_test_add_func("/model/counts", test_counts);
    g_test_add_func("/model/truncated", test_truncated);
    g_test_add_func("/model/cpuset", test_cpuset);
    g_test_add_func("/model/disk-index", test_disk_index);
    return g_test_run();
}
