/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-xen-libxl.c: without Xen the real side says so, and what to do instead. */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "xen/ops_libxl.h"

static void test_no_xen(void) {
    g_autoptr(GError) error = NULL;
    if (access("/proc/xen/capabilities", F_OK) == 0) {
        g_test_skip("this machine has Xen");
        return;
    }
    g_assert_null(vg_xen_libxl_new(&error));
    g_assert_error(error, VG_ERROR, VG_ERR_NO_CONNECT);
    g_assert_nonnull(strstr(error->message, "--simulate"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xen/libxl/no-xen", test_no_xen);
    return g_test_run();
}
