/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-caps.c: the documents that are only written: <capabilities>, <domainCapabilities>, <device>, compared with
 * tests/data/caps. What libvirt's own grammars say of these files is checked by tests/schema/check.sh.
 */
#include "config.h"

#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "lib/golden.h"
#include "model/caps.h"
#include "model/domcaps.h"
#include "model/nodedev.h"

#define XEN_CAPS "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 "

static void compare(const char *name, const char *text) {
    g_autofree char *relative = g_strdup_printf("caps/%s.xml", name);
    g_autofree char *path = vg_golden_path(relative);
    vg_golden_compare(path, text);
}

static const VgCapsInfo simple = {
    .pae = TRUE,
    .sockets = 1,
    .cores = 2,
    .threads = 2,
    .nodes = 1,
    .cpus = 4,
    .memory_kib = 16 * 1024 * 1024,
    .xen_caps = XEN_CAPS,
    .emulator = "/usr/lib/xen-4.17/bin/qemu-system-i386",
    .loader = "/usr/lib/xen-4.17/boot/hvmloader",
};

static void test_caps_simple(void) {
    g_autofree char *text = vg_caps_format(&simple);
    compare("caps-simple", text);
}

static void test_caps_no_pvh(void) {
    VgCapsInfo info = simple;
    info.hide_pvh = TRUE;
    g_autofree char *text = vg_caps_format(&info);
    g_assert_null(strstr(text, "xenpvh"));
    g_assert_nonnull(strstr(text, "<machine>xenfv</machine>"));
    g_assert_nonnull(strstr(text, "<machine>xenpv</machine>"));
}

/* Two nodes whose CPUs Xen numbers in turns, a model with features, one core that is off. */
static void test_caps_numa(void) {
    static const VgCapsCpu even[] = {{0, 0, 0}, {2, 0, 0}, {4, 0, 1}, {6, 0, 1}};
    static const VgCapsCpu odd[] = {{1, 1, 0}, {3, 1, 0}, {4, 1, 0}, {7, 1, 1}};
    static const guint near[] = {10, 21}, far[] = {21, 10};
    static const char *const features[] = {"vmx", "hypervisor", NULL};
    const VgCapsCell cells[] = {
        {.id = 0, .memory_kib = 33554432, .distances = near, .n_distances = 2, .cpus = even, .n_cpus = 4},
        {.id = 1, .memory_kib = 33554432, .distances = far, .n_distances = 2, .cpus = odd, .n_cpus = 4}};
    VgCapsInfo info = simple;
    info.cells = cells;
    info.n_cells = G_N_ELEMENTS(cells);
    info.cpu_model = "Skylake-Server";
    info.cpu_vendor = "Intel";
    info.cpu_features = features;
    info.sockets = 2;
    info.iommu = TRUE;
    g_autofree char *text = vg_caps_format(&info);
    compare("caps-numa", text);
}

/* A hypervisor's list may hold what we do not know, or nothing. */
static void test_caps_odd_lists(void) {
    static const struct {
        const char *xen_caps;
        gsize guests;
    } cases[] = {{NULL, 0},
                 {"", 0},
                 {"   ", 0},
                 {"xen-3.0-ia64 hvm-3.0 hvm-3.0-x86_64x uml-1-x86_64", 0},
                 {"xen-3.0-x86_64 xen-3.0-x86_64", 1},
                 {"hvm-3.0-x86_32p hvm-3.0-x86_32", 2}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        VgCapsInfo info = {.xen_caps = cases[i].xen_caps, .cpus = 1};
        g_autofree char *text = vg_caps_format(&info);
        g_auto(GStrv) parts = g_strsplit(text, "<guest>", -1);
        g_assert_cmpuint(g_strv_length(parts) - 1, ==, cases[i].guests);
    }
}

static void test_domcaps(void) {
    static const char *const firmwares[] = {"/usr/lib/xen-4.17/boot/hvmloader", "/usr/lib/xen-4.17/boot/ovmf.bin",
                                            NULL};
    static const char *const machines[] = {"xenpv", "xenfv", "xenpvh"};
    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++) {
        VgDomcapsInfo info = {.machine = machines[i], .firmwares = firmwares, .vgpu = TRUE};
        g_autofree char *name = g_strdup_printf("domcaps-%s", machines[i]);
        g_autofree char *text = vg_domcaps_format(&info, NULL);
        compare(name, text);
        info.vgpu = FALSE;
        g_autofree char *plain = vg_domcaps_format(&info, NULL);
        g_assert_null(strstr(plain, "vgpu"));
    }
    VgDomcapsInfo info = {0};
    g_autofree char *text = vg_domcaps_format(&info, NULL);
    g_assert_nonnull(strstr(text, "<machine>xenpv</machine>"));
    info.domain = "kvm";
    g_autofree char *kvm = vg_domcaps_format(&info, NULL);
    g_assert_nonnull(strstr(kvm, "<domain>kvm</domain>"));
}

static void test_domcaps_refused(void) {
    const VgDomcapsInfo wrong[] = {{.machine = "pc"}, {.domain = "lxc"}, {.arch = "s390x"}, {.machine = ""}};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(vg_domcaps_format(&wrong[i], &error));
        g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
    }
}

static void test_nodedev_pci(void) {
    static const VgNodedevType types[] = {{"nvidia-222", "GRID T4-1B", "vfio-pci", 16},
                                          {"nvidia-230", "GRID T4-1Q", "vfio-pci", 0},
                                          {"bare", NULL, "vfio-pci", 1}};
    const VgNodedevPci t4 = {.addr = {.bus = 0x3b},
                             .path = "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0",
                             .parent = "pci_0000_3a_00_0",
                             .driver = "nvidia",
                             .class_code = 0x030200,
                             .vendor = 0x10de,
                             .product = 0x1eb8,
                             .vendor_name = "NVIDIA Corporation",
                             .product_name = "TU104GL [Tesla T4] <&>",
                             .types = types,
                             .n_types = G_N_ELEMENTS(types),
                             .iommu_group = 42,
                             .numa_node = 0};
    g_autofree char *text = vg_nodedev_pci_format(&t4);
    compare("nodedev-pci", text);

    static const VgPciAddr vfs[] = {{.bus = 0x41, .function = 4},
                                    {.domain = 0x10000, .bus = 0x41, .slot = 31, .function = 7}};
    const VgNodedevPci pf = {.addr = {.domain = 0x10000, .bus = 0x41},
                             .class_code = 0x030200,
                             .vendor = 0x10de,
                             .product = 0x20f1,
                             .vfs = vfs,
                             .n_vfs = G_N_ELEMENTS(vfs),
                             .max_vfs = 16,
                             .iommu_group = -1,
                             .numa_node = -1};
    g_autofree char *sriov = vg_nodedev_pci_format(&pf);
    compare("nodedev-pci-pf", sriov);

    VgNodedevPci vf = pf;
    vf.addr = vfs[0];
    vf.is_vf = TRUE;
    vf.pf = pf.addr;
    vf.n_vfs = vf.max_vfs = 0;
    g_autofree char *one = vg_nodedev_pci_format(&vf);
    compare("nodedev-pci-vf", one);
}

static void test_nodedev_mdev(void) {
    static const char *const attrs[] = {"vgpu_params", "frame_rate_limiter=0", NULL};
    VgNodedevMdev dev = {.parent = {.bus = 0x3b},
                         .path =
                             "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/b1ae8bf6-38b0-4c81-9d44-78ce3f520496",
                         .type_id = "nvidia-230",
                         .iommu_group = 99,
                         .attrs = attrs};
    g_assert_true(vg_uuid_parse("b1ae8bf6-38b0-4c81-9d44-78ce3f520496", &dev.uuid));
    g_autofree char *text = vg_nodedev_mdev_format(&dev);
    compare("nodedev-mdev", text);
}

/* What clients send: nova's description, and one with all that may be in it. */
static void test_nodedev_parse(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgNodedevWish) nova =
        vg_nodedev_parse("<device><parent>pci_0000_05_00_0</parent><capability type='mdev'><type id='nvidia-11'/>"
                         "<uuid>B1AE8BF6-38b0-4c81-9d44-78ce3f520496</uuid></capability></device>",
                         &error);
    g_assert_no_error(error);
    g_assert_cmpstr(nova->parent, ==, "pci_0000_05_00_0");
    g_assert_cmpstr(nova->type_id, ==, "nvidia-11");
    g_assert_true(nova->has_uuid && nova->uuid.b[0] == 0xb1);
    g_assert_cmpuint(nova->n_attrs, ==, 0);
    g_autoptr(VgNodedevWish) full = vg_nodedev_parse(
        "<device><name>x</name><path>/p</path><parent>y</parent><driver><name>vfio_mdev</name></driver>"
        "<capability type='mdev'><type id='t'/><parent_addr>0</parent_addr><iommuGroup number='7'/>"
        "<attr name='a' value='1'/><attr name='b' value='2'/></capability></device>",
        &error);
    g_assert_no_error(error);
    g_assert_false(full->has_uuid);
    g_assert_cmpuint(full->n_attrs, ==, 2);
    g_assert_cmpstr(full->attrs[1]->name, ==, "b");
    static const struct {
        int code;
        const char *xml;
    } wrong[] = {
        {VG_ERR_XML_ERROR, "<domain/>"},
        {VG_ERR_CONFIG_UNSUPPORTED, "<device><parent>y</parent></device>"},
        {VG_ERR_CONFIG_UNSUPPORTED, "<device><parent>y</parent><capability type='pci'/></device>"},
        {VG_ERR_XML_ERROR, "<device><capability type='mdev'><type id='t'/></capability></device>"},
        {VG_ERR_XML_ERROR, "<device><parent>y</parent><capability type='mdev'/></device>"},
        {VG_ERR_XML_ERROR,
         "<device><parent>y</parent><capability type='mdev'><type id='t'/><uuid>no</uuid></capability></device>"},
        {VG_ERR_XML_DETAIL, "<device>"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) why = NULL;
        g_assert_null(vg_nodedev_parse(wrong[i].xml, &why));
        g_assert_error(why, VG_ERROR, wrong[i].code);
    }
}

static void test_names(void) {
    VgPciAddr addr = {.domain = 0x10000, .bus = 0xaf, .slot = 31, .function = 7}, back, parent;
    VgUuid uuid, uuid_back;
    gboolean has_parent;
    g_autofree char *pci = vg_nodedev_pci_name(&addr);
    g_assert_cmpstr(pci, ==, "pci_10000_af_1f_7");
    g_assert_true(vg_nodedev_parse_pci_name(pci, &back));
    g_assert_cmpint(vg_pciaddr_compare(&addr, &back), ==, 0);

    vg_uuid_generate(&uuid);
    g_autofree char *mdev = vg_nodedev_mdev_name(&uuid, &addr);
    g_assert_true(vg_nodedev_parse_mdev_name(mdev, &uuid_back, &parent, &has_parent));
    g_assert_true(has_parent && vg_uuid_equal(&uuid, &uuid_back));
    g_assert_cmpint(vg_pciaddr_compare(&addr, &parent), ==, 0);
    mdev[5 + 36] = '\0';
    g_assert_true(vg_nodedev_parse_mdev_name(mdev, &uuid_back, &parent, &has_parent));
    g_assert_false(has_parent);

    static const char *const wrong[] = {"",
                                        "pci_",
                                        "pci_0000_05_00",
                                        "pci_0000_05_00_0_",
                                        "pci_0000_05_00_0_0",
                                        "pci_0000_05_20_0",
                                        "pci_0000:05:00.0",
                                        "mdev_",
                                        "mdev_b1ae8bf6",
                                        "mdev_b1ae8bf6_38b0_4c81_9d44_78ce3f520496_",
                                        "mdev_b1ae8bf6_38b0_4c81_9d44_78ce3f520496_x",
                                        "mdev_zzae8bf6_38b0_4c81_9d44_78ce3f520496",
                                        "../../etc/passwd"};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_false(vg_nodedev_parse_pci_name(wrong[i], &back));
        g_assert_false(vg_nodedev_parse_mdev_name(wrong[i], &uuid_back, &parent, &has_parent));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/caps/simple", test_caps_simple);
    g_test_add_func("/caps/no-pvh", test_caps_no_pvh);
    g_test_add_func("/caps/numa", test_caps_numa);
    g_test_add_func("/caps/odd-lists", test_caps_odd_lists);
    g_test_add_func("/domcaps/machines", test_domcaps);
    g_test_add_func("/domcaps/refused", test_domcaps_refused);
    g_test_add_func("/nodedev/pci", test_nodedev_pci);
    g_test_add_func("/nodedev/mdev", test_nodedev_mdev);
    g_test_add_func("/nodedev/parse", test_nodedev_parse);
    g_test_add_func("/nodedev/names", test_names);
    return g_test_run();
}
