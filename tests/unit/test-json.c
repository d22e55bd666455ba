/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-json.c: what is read comes out again, and what is no JSON is refused with its place. */
#include "config.h"
#include "base/json.h"

#include "base/error.h"

#include <string.h>

static VgJson *parse(const char *text, GError **error) {
    return vg_json_parse(text, strlen(text), "t.json", error);
}

static void check_round(const char *text, const char *expected) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) json = parse(text, &error);
    g_assert_no_error(error);
    g_autofree char *printed = vg_json_print(json, FALSE);
    g_assert_cmpstr(printed, ==, expected);
}

static void test_round(void) {
    static const char *const same[] = {
        "null",
        "true",
        "[]",
        "{}",
        "[1,-2,9223372036854775807,-9223372036854775808]",
        "{\"z\":1,\"a\":{\"y\":[],\"b\":false}}",
        "[18446744073709551615,1.50,1e3,-0.0,123456789012345678901234567890]",
        "\"\\\"\\\\\\n\\t\\u0001\\u007f/\"",
        "\"\xc3\xa4\xe2\x82\xac\"",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(same); i++)
        check_round(same[i], same[i]);
    check_round(" [ 1 , \"\\u00e4\\/\" ]\n", "[1,\"\xc3\xa4/\"]");
}

static void test_get(void) {
    g_autoptr(VgJson) json =
        parse("{\"s\":\"x\",\"i\":7,\"d\":2.5,\"b\":true,\"n\":null,\"l\":[\"p\",2],\"s\":\"y\"}", NULL);
    g_assert_cmpstr(vg_json_get_string(json, "s"), ==, "x");
    g_assert_cmpint(vg_json_get_int(json, "i", -1), ==, 7);
    g_assert_cmpint(vg_json_get_int(json, "s", -1), ==, -1);
    g_assert_cmpint(vg_json_get_int(json, "d", -1), ==, -1);
    g_assert_cmpfloat(vg_json_get_double(json, "d", 0), ==, 2.5);
    g_assert_cmpfloat(vg_json_get_double(json, "i", 0), ==, 7);
    g_assert_true(vg_json_get_bool(json, "b", FALSE));
    g_assert_true(vg_json_get_bool(json, "none", TRUE));
    g_assert_null(vg_json_get_string(json, "n"));
    g_assert_cmpint(vg_json_type(vg_json_get(json, "n")), ==, VG_JSON_NULL);
    g_assert_cmpuint(vg_json_length(json), ==, 7);
    g_assert_cmpstr(vg_json_key(json, 5), ==, "l");
    const VgJson *list = vg_json_get(json, "l");
    g_assert_cmpuint(vg_json_length(list), ==, 2);
    g_assert_cmpstr(vg_json_string(vg_json_at(list, 0)), ==, "p");
    g_assert_null(vg_json_at(list, 2));
    g_assert_null(vg_json_key(list, 0));
    g_assert_null(vg_json_get(list, "p"));
    g_assert_null(vg_json_get(NULL, "p"));
}

static void test_build(void) {
    g_autoptr(VgJson) json = vg_json_new_object();
    vg_json_set_string(json, "name", "a\"b");
    vg_json_set_string(json, "none", NULL);
    VgJson *list = vg_json_set(json, "list", vg_json_new_array());
    vg_json_append(list, vg_json_new_int(G_MININT64));
    vg_json_append(list, vg_json_new_object());
    vg_json_set_bool(json, "on", 5);
    vg_json_set_string(json, "name", "c"); /* keeps its place */
    g_autofree char *one = vg_json_print(json, FALSE);
    g_assert_cmpstr(one, ==, "{\"name\":\"c\",\"none\":null,\"list\":[-9223372036854775808,{}],\"on\":true}");
    g_autofree char *pretty = vg_json_print(json, TRUE);
    g_assert_cmpstr(pretty, ==,
                    "{\n  \"name\": \"c\",\n  \"none\": null,\n  \"list\": [\n    -9223372036854775808,\n    {}\n  ],\n"
                    "  \"on\": true\n}\n");
    g_autoptr(VgJson) bad = vg_json_new_string("x\xff");
    g_autofree char *valid = vg_json_print(bad, FALSE);
    g_assert_cmpstr(valid, ==, "\"x\xef\xbf\xbd\"");
}

/* An object with so many members that it is looked up by hash. */
static void test_large_object(void) {
    g_autoptr(VgJson) json = vg_json_new_object();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++) {
            g_autofree char *name = g_strdup_printf("k%d", i);
            vg_json_set_int(json, name, i + round);
        }
    }
    g_assert_cmpuint(vg_json_length(json), ==, 1000);
    g_assert_cmpint(vg_json_get_int(json, "k0", -1), ==, 1);
    g_assert_cmpint(vg_json_get_int(json, "k999", -1), ==, 1000);
    g_autofree char *text = vg_json_print(json, TRUE);
    g_autoptr(VgJson) again = parse(text, NULL);
    g_assert_cmpint(vg_json_get_int(again, "k500", -1), ==, 501);
    GString *twice = g_string_new("{\"k\":1");
    for (int i = 0; i < 40; i++)
        g_string_append(twice, ",\"k\":2");
    g_string_append_c(twice, '}');
    g_autoptr(VgJson) first = parse(twice->str, NULL);
    g_assert_cmpint(vg_json_get_int(first, "k", -1), ==, 1);
    g_string_free(twice, TRUE);
}

static void test_malformed(void) {
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"", "t.json: line 1, column 1: "},
        {"{", "t.json: line 1, "},
        {"[1,]", "t.json: line 1, "},
        {"{\"a\":1,\n \"b\" 2}", "t.json: line 2, "},
        {"[1] x", "t.json: line 1, "},
        {"[1][2]", "t.json: line 1, "},
        {"nul", "t.json: line 1, "},
        {"\"\xff\"", "t.json: line 1, "},
        {"[01]", "t.json: line 1, "},
        {"[\n\n1e999]", "t.json: line 3, column 6: the number is too large"},
        {"\"a\\u0000b\"", "a text contains a NUL character"},
        {"{\"a\\u0000b\":1}", "a name contains a NUL character"},
        {"/* no */ 1", "t.json: line 1, "},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VgJson) json = parse(cases[i].text, &error);
        g_assert_null(json);
        g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
        if (strstr(error->message, cases[i].place) == NULL)
            g_error("case %zu: %s", i, error->message);
    }
}

static VgJson *parse_deep(int depth, GError **error) {
    GString *text = g_string_new(NULL);
    for (int i = 0; i < depth; i++)
        g_string_append(text, i % 2 ? "[" : "{\"a\":");
    g_string_append(text, "1");
    for (int i = depth; i > 0; i--)
        g_string_append(text, i % 2 ? "}" : "]");
    VgJson *json = parse(text->str, error);
    g_string_free(text, TRUE);
    return json;
}

static void test_deep(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJson) fits = parse_deep(64, &error);
    g_assert_no_error(error);
    g_assert_nonnull(fits);
    g_assert_null(parse_deep(65, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
    g_assert_nonnull(strstr(error->message, "more than 64"));
    g_clear_error(&error);
    g_assert_null(parse_deep(1000000, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
    g_clear_error(&error);
    g_assert_null(vg_json_parse("", (gsize)1 << 40, "t.json", &error));
    g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/round", test_round);
    g_test_add_func("/json/get", test_get);
    g_test_add_func("/json/build", test_build);
    g_test_add_func("/json/large-object", test_large_object);
    g_test_add_func("/json/malformed", test_malformed);
    g_test_add_func("/json/deep", test_deep);
    return g_test_run();
}
