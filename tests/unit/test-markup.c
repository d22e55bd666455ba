/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-markup.c: elements of a namespace in, out of and away from a domain's metadata. */
#include "driver/markup.h"

#define A "http://a.example/1"
#define B "http://b.example/?x=1&y=2"

static void is(char *got, const char *want) {
    g_assert_cmpstr(got, ==, want);
    g_free(got);
}

static void test_replace(void) {
    char *one = vg_markup_replace(NULL, A, "a", "<x>1</x>");
    g_assert_cmpstr(one, ==, "<a:x xmlns:a=\"" A "\">1</a:x>");
    char *two = vg_markup_replace(one, B, "b", "<y k='1 > 0'><z/><!-- <no> --></y>");
    g_assert_cmpstr(two, ==,
                    "<a:x xmlns:a=\"" A "\">1</a:x>"
                    "<b:y xmlns:b=\"http://b.example/?x=1&amp;y=2\" k='1 > 0'><b:z/><!-- <no> --></b:y>");
    is(vg_markup_replace(two, A, "a", "<new/>"),
       "<b:y xmlns:b=\"http://b.example/?x=1&amp;y=2\" k='1 > 0'><b:z/><!-- <no> --></b:y>"
       "<a:new xmlns:a=\"" A "\"/>");
    is(vg_markup_replace(two, B, NULL, NULL), "<a:x xmlns:a=\"" A "\">1</a:x>");
    is(vg_markup_replace(one, A, NULL, NULL), "");
    g_free(one);
    g_free(two);
}

static void test_extract(void) {
    const char *metadata = "<a:x xmlns:a=\"" A "\">1<a:in/><other:k xmlns:other=\"o\"/></a:x>\n<y xmlns=\"" B "\"/>"
                           "<q xmlns=\"" A "2\">no</q>";
    is(vg_markup_extract(metadata, A), "<x>1<in/><other:k xmlns:other=\"o\"/></x>");
    is(vg_markup_extract(metadata, "http://c"), NULL);
    is(vg_markup_extract(metadata, A "2"), "<q>no</q>");
    is(vg_markup_extract("", A), NULL);
    is(vg_markup_extract(NULL, A), NULL);
}

static void test_names(void) {
    g_assert_true(vg_markup_is_name("my_app-1.x"));
    g_assert_false(vg_markup_is_name(""));
    g_assert_false(vg_markup_is_name("1a"));
    g_assert_false(vg_markup_is_name("a b"));
    g_assert_false(vg_markup_is_name("a:b"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/markup/replace", test_replace);
    g_test_add_func("/markup/extract", test_extract);
    g_test_add_func("/markup/names", test_names);
    return g_test_run();
}
