/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-pciaddr.c: the kernel's names of PCI functions. */
#include "config.h"
#include "base/pciaddr.h"

static void test_round(void) {
    static const char *const cases[][2] = {
        {"0000:05:00.0", "0000:05:00.0"},         {"05:00.0", "0000:05:00.0"},
        {"ffff:ff:1f.7", "ffff:ff:1f.7"},         {"10000:e1:02.3", "10000:e1:02.3"},
        {"FFFFFFFF:FF:1F.7", "ffffffff:ff:1f.7"}, {"0:5:0.1", "0000:05:00.1"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        VgPciAddr addr;
        char text[VG_PCIADDR_TEXT];
        g_assert_true(vg_pciaddr_parse(cases[i][0], &addr));
        g_assert_cmpstr(vg_pciaddr_format(&addr, text), ==, cases[i][1]);
    }
}

static void test_refuse(void) {
    static const char *const bad[] = {
        "",           "05",       "05:00",          "05:00.",        "05:20.0",           "05:00.8",
        "05:00.00",   " 05:00.0", "05:00.0 ",       "0000:05:00.0x", "100000000:05:00.0", "0000:105:00.0",
        "0000::00.0", ":05:00.0", "0x0000:05:00.0", "-1:05:00.0",    "0:0:05:00.0",       "g5:00.0",
    };
    VgPciAddr addr = {7, 7, 7, 7};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        if (vg_pciaddr_parse(bad[i], &addr))
            g_error("'%s' was read", bad[i]);
    g_assert_cmpint(addr.bus, ==, 7);
}

static void test_compare(void) {
    static const char *const sorted[] = {"0000:05:00.0", "0000:05:00.7",  "0000:05:01.0",
                                         "0000:ff:00.0", "10000:00:00.0", "ffffffff:00:00.0"};
    for (gsize i = 0; i < G_N_ELEMENTS(sorted); i++) {
        for (gsize j = 0; j < G_N_ELEMENTS(sorted); j++) {
            VgPciAddr a, b;
            g_assert_true(vg_pciaddr_parse(sorted[i], &a) && vg_pciaddr_parse(sorted[j], &b));
            int order = vg_pciaddr_compare(&a, &b);
            g_assert_cmpint((order > 0) - (order < 0), ==, (i > j) - (i < j));
        }
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pciaddr/round", test_round);
    g_test_add_func("/pciaddr/refuse", test_refuse);
    g_test_add_func("/pciaddr/compare", test_compare);
    return g_test_run();
}
