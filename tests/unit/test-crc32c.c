/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-crc32c.c: the check value that CRC catalogues give for CRC-32C, and pieces. */
#include "base/crc32c.h"

static void test_values(void) {
    g_assert_cmphex(vg_crc32c(0, "", 0), ==, 0);
    g_assert_cmphex(vg_crc32c(0, "123456789", 9), ==, 0xe3069283);
    g_assert_cmphex(vg_crc32c(vg_crc32c(0, "1234", 4), "56789", 5), ==, 0xe3069283);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/crc32c/values", test_values);
    return g_test_run();
}
