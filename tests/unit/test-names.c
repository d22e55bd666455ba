/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-names.c: words and numbers, and the error codes' own table. */
#include "config.h"
#include "base/names.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

enum { NONE, IDE, SCSI, BUS_LAST };
VG_NAMES(bus_names, BUS_LAST, NULL, "ide", "scsi");

static void test_names(void) {
    g_assert_cmpint(vg_names_value(&bus_names, "ide"), ==, IDE);
    g_assert_cmpint(vg_names_value(&bus_names, "scsi"), ==, SCSI);
    g_assert_cmpint(vg_names_value(&bus_names, "ID"), ==, -1);
    g_assert_cmpint(vg_names_value(&bus_names, "IDE"), ==, -1);
    g_assert_cmpint(vg_names_value(&bus_names, ""), ==, -1);
    g_assert_cmpint(vg_names_value(&bus_names, NULL), ==, -1);
    g_assert_cmpstr(vg_names_name(&bus_names, SCSI), ==, "scsi");
    g_assert_null(vg_names_name(&bus_names, NONE));
    g_assert_null(vg_names_name(&bus_names, -1));
    g_assert_null(vg_names_name(&bus_names, BUS_LAST));
}

static void test_errors(void) {
    g_autoptr(GError) error = NULL;
    vg_set_error(&error, VG_ERR_NO_DOMAIN, "no %s", "guest");
    g_assert_error(error, VG_ERROR, VG_ERR_NO_DOMAIN);
    g_assert_cmpstr(error->message, ==, "no guest");
    g_clear_error(&error);
    vg_set_errno(&error, ENOENT, "cannot open %s", "f");
    g_assert_error(error, VG_ERROR, VG_ERR_SYSTEM_ERROR);
    g_assert_cmpstr(error->message, ==, "cannot open f: No such file or directory");
    vg_set_error(NULL, VG_ERR_RPC, "nobody listens");
    vg_set_errno(NULL, EIO, "nobody listens");
    g_assert_cmpstr(vg_error_title(VG_ERR_NO_DOMAIN), ==, "Domain not found");
    g_assert_null(vg_error_title(0));
    g_assert_null(vg_error_title(100000));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/names/table", test_names);
    g_test_add_func("/names/errors", test_errors);
    return g_test_run();
}
