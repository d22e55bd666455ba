/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gridctl.c: the table printer, and how gridctl finds its daemon. */
#include "config.h"

#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "gridctl/connection.h"
#include "gridctl/table.h"

static const VgColumn columns[] = {
    {"NAME", "name", VG_CELL_TEXT}, {"SIZE", "place.mib", VG_CELL_MIB}, {"N", "n", VG_CELL_NUMBER},
    {"WHO", "users", VG_CELL_LIST}, {"NEVER", "nobody", VG_CELL_TEXT},
};

static char *format(const char *json) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) rows = vg_json_parse(json, strlen(json), "test", &error);
    g_assert_no_error(error);
    return vg_table_format(rows, columns, G_N_ELEMENTS(columns));
}

static void test_table(void) {
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"[]", ""},
        {"[{\"name\":\"a\"}]", "NAME\na\n"},
        {"[{\"name\":\"a\",\"n\":7},{\"name\":\"long one\",\"n\":1000}]",
         "NAME         N\na            7\nlong one  1000\n"},
        {"[{\"name\":\"a\",\"place\":{\"mib\":512}},{\"name\":\"b\",\"place\":{\"mib\":2048}}]",
         "NAME  SIZE\na     512 MiB\nb     2 GiB\n"},
        {"[{\"name\":\"a\",\"users\":[\"x\",{\"name\":\"y\"}]},{\"name\":\"b\",\"users\":[]}]",
         "NAME  WHO\na     x, y\nb     -\n"},
        {"[{\"n\":1},{\"name\":\"b\"}]", "NAME  N\n-     1\nb     -\n"},
        /* widths count characters, and no control byte gets through */
        {"[{\"name\":\"\\u00e4\\u00e4\",\"n\":1},{\"name\":\"\\u001b[2J\",\"n\":2}]",
         "NAME  N\n\xc3\xa4\xc3\xa4    1\n?[2J  2\n"},
        {"[{\"name\":true,\"n\":null}]", "NAME\nyes\n"},
        {"[1,\"x\",null]", "\n\n\n\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = format(cases[i].json);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void test_target(void) {
    static const struct {
        const char *env, *socket, *uri, *want_socket, *want_uri;
    } cases[] = {
        {NULL, NULL, NULL, VG_SOCKETDIR "/virtgridd-sock", "grid:///system"},
        {"/e", NULL, NULL, "/e", "grid:///system"},
        {"", NULL, NULL, VG_SOCKETDIR "/virtgridd-sock", "grid:///system"},
        {"/e", "/s", NULL, "/s", "grid:///system"},
        {"/e", NULL, "grid:///system?socket=/u%20v", "/u v", "grid:///system"},
        {"/e", NULL, "xen:///system?mode=direct&socket=/u", "/u", "xen:///system"},
        {"/e", NULL, "grid:///system", "/e", "grid:///system"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(VgTarget) target = {0};
        if (cases[i].env)
            g_setenv("VIRTGRID_SOCKET", cases[i].env, TRUE);
        else
            g_unsetenv("VIRTGRID_SOCKET");
        g_assert_true(vg_target_resolve(cases[i].socket, cases[i].uri, &target, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(target.socket, ==, cases[i].want_socket);
        g_assert_cmpstr(target.uri, ==, cases[i].want_uri);
    }
    static const char *const wrong[] = {"",
                                        "grid",
                                        "/run/x",
                                        "qemu:///system",
                                        "grid://host/system",
                                        "grid+ssh://host/system",
                                        "grid:///system?socket=%zz"};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(VgTarget) target = {0};
        g_assert_false(vg_target_resolve(NULL, wrong[i], &target, &error));
        g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
    }
}

static void test_nobody_listens(void) {
    g_autoptr(GError) error = NULL;
    g_auto(VgTarget) target = {0};
    g_assert_true(vg_target_resolve("/nonexistent/virtgridd-sock", NULL, &target, &error));
    g_assert_null(vg_target_ask(&target, 1, NULL, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, "/nonexistent/virtgridd-sock"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gridctl/table", test_table);
    g_test_add_func("/gridctl/target", test_target);
    g_test_add_func("/gridctl/nobody-listens", test_nobody_listens);
    return g_test_run();
}
