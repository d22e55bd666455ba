/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml.c: any bytes as a domain. Refused with a short error, or read; then what is written of it is read again and
 * written the same from there on, a copy writes the same, and each device of it stands alone.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "model/device.h"

static char *reread(const char *text, guint flags) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgDomain) dom = vg_domain_parse(text, flags & VG_XML_INACTIVE, &error);
    if (dom == NULL)
        g_error("what was written is refused: %s", error->message);
    return vg_domain_format(dom, flags);
}

static void check_devices(const VgDomain *dom) {
    for (VgDeviceKind kind = VG_DEVICE_DISK; kind < VG_DEVICE_LAST; kind++)
        for (gsize i = 0; i < MIN(vg_domain_count_devices(dom, kind), 4); i++) {
            const VgDevice device = {.kind = kind, .any = vg_domain_get_device(dom, kind, i)};
            g_autofree char *text = vg_device_format(&device, VG_XML_SECURE);
            g_autoptr(VgDevice) copy = vg_device_copy(&device);
            g_autofree char *copied = vg_device_format(copy, VG_XML_SECURE);
            g_assert_cmpstr(text, ==, copied);
            g_assert_cmpint(vg_domain_find_device(dom, copy), >=, 0);
            vg_device_free(vg_device_parse(text, dom, VG_XML_INACTIVE | VG_XML_DESCRIBES, NULL));
        }
}

static void check(const char *xml, guint flags) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgDomain) dom = vg_domain_parse(xml, flags & VG_XML_INACTIVE, &error);
    if (dom == NULL) {
        g_assert_cmpuint(strlen(error->message), <, 1000);
        return;
    }
    g_autoptr(VgDomain) copy = vg_domain_copy(dom);
    g_autofree char *text = vg_domain_format(dom, flags), *copied = vg_domain_format(copy, flags);
    g_assert_cmpstr(text, ==, copied);
    g_autofree char *second = reread(text, flags), *third = reread(second, flags);
    g_assert_cmpstr(second, ==, third);
    g_auto(GStrv) messages = vg_domain_messages(dom);
    check_devices(dom);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autofree char *xml = g_strndup((const char *)data, size);
    check(xml, VG_XML_SECURE | VG_XML_INACTIVE);
    check(xml, VG_XML_SECURE);
    return 0;
}

#ifdef FUZZ_REPLAY
static void replay(gconstpointer path) {
    g_autofree char *data = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    LLVMFuzzerTestOneInput((const uint8_t *)data, len);
    for (gsize at = 0; at < len; at += 1 + len / 64) { /* and some neighbours */
        data[at] = (char)(data[at] ^ 1);
        LLVMFuzzerTestOneInput((const uint8_t *)data, len);
        data[at] = (char)(data[at] ^ 1);
    }
}

static guint add_folder(const char *relative) {
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *folder = g_build_filename(srcdir != NULL ? srcdir : ".", "tests", relative, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint n = 0;
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL; n++) {
        g_autofree char *test = g_strdup_printf("/fuzz/%s/%s", relative, name);
        g_test_add_data_func_full(test, g_build_filename(folder, name, NULL), replay, g_free);
    }
    return n;
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    guint n = add_folder("data/xml2xml") + add_folder("data/invalid");
    g_assert_cmpuint(n, >, 0);
    add_folder("fuzz/corpus/xml"); /* what once was found */
    return g_test_run();
}
#endif
