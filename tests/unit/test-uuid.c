/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-uuid.c: what clients write is read, one form is written. */
#include "config.h"
#include "base/uuid.h"

#include <string.h>

#define TEXT "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"

static void test_parse(void) {
    static const char *const good[] = {
        TEXT,
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9",
        " \t\n" TEXT " \n",
        "0a-1b-2c-3d-4e-5f-60-71-82-93-a4-b5-c6-d7-e8-f9",
        "0a1b2c3d 4e5f 6071 8293 a4b5c6d7e8f9",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        VgUuid uuid;
        char text[VG_UUID_TEXT];
        g_assert_true(vg_uuid_parse(good[i], &uuid));
        g_assert_cmpstr(vg_uuid_format(&uuid, text), ==, TEXT);
    }
}

static void test_refuse(void) {
    static const char *const bad[] = {
        "",    " ",       "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f",    "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9a",
        "vm1", TEXT " x", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8g9",   "0-a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        "0",   TEXT "-",  "{0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9}",
    };
    VgUuid uuid = {{1}};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(vg_uuid_parse(bad[i], &uuid));
    g_assert_cmpint(uuid.b[0], ==, 1); /* as it was */
}

static void test_generate(void) {
    VgUuid a, b;
    vg_uuid_generate(&a);
    vg_uuid_generate(&b);
    g_assert_false(vg_uuid_equal(&a, &b));
    g_assert_cmpint(a.b[6] >> 4, ==, 4);
    g_assert_cmpint(a.b[8] >> 6, ==, 2);
    g_assert_false(vg_uuid_is_null(&a));
    memset(&a, 0, sizeof a);
    g_assert_true(vg_uuid_is_null(&a));
}

static void test_table(void) {
    g_autoptr(GHashTable) table = g_hash_table_new(vg_uuid_hash, vg_uuid_equal_ptr);
    VgUuid uuids[100], wanted;
    for (int i = 0; i < 100; i++) {
        vg_uuid_generate(&uuids[i]);
        g_hash_table_insert(table, &uuids[i], GINT_TO_POINTER(i + 1));
    }
    wanted = uuids[42];
    g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(table, &wanted)), ==, 43);
    wanted.b[15] ^= 1;
    g_assert_null(g_hash_table_lookup(table, &wanted));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/uuid/parse", test_parse);
    g_test_add_func("/uuid/refuse", test_refuse);
    g_test_add_func("/uuid/generate", test_generate);
    g_test_add_func("/uuid/table", test_table);
    return g_test_run();
}
