/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-xml.c: the engine between XML and structs, on an element of its own: every kind of row. */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "xml/map.h"

typedef enum { COLOR_NONE, COLOR_RED, COLOR_BLUE, COLOR_LAST } Color;
VG_NAMES(color_names, COLOR_LAST, NULL, "red", "blue");

typedef struct {
    char *name;
    int size;
} Leaf;

typedef struct {
    Color color;
    char *red_text, *text, *raw, *styled;
    guint8 small;
    gint64 big;
    guint64 memory;
    gboolean flag, numbered;
    int number;
    Leaf inner, *pointer, **leaves;
    gsize n_leaves;
} Tree;

static const VgXmlMap leaf_map = {.name = "leaf",
                                  .size = sizeof(Leaf),
                                  .fresh = &(const Leaf){.size = -1},
                                  .rows = (const VgXmlRow[]){VG_X_STRING(Leaf, name, "@name", .flags = VG_ROW_REQUIRED),
                                                             VG_X_INT(Leaf, size, "@size", 0, 9), VG_X_END}};
static const VgXmlMap inner_map = {.rows = (const VgXmlRow[]){VG_X_STRING(Leaf, name, "@name"), VG_X_END}};
static const VgXmlMap red_map = {.rows = (const VgXmlRow[]){VG_X_STRING(Tree, red_text, "red"), VG_X_END}};
static const VgXmlMap *const color_arms[COLOR_LAST] = {[COLOR_RED] = &red_map};
static const VgXmlMap tree_map = {
    .name = "tree",
    .size = sizeof(Tree),
    .rows = (const VgXmlRow[]){
        VG_X_ENUM(Tree, color, "@color", color_names), VG_X_INT(Tree, small, "@small", 0, 255, .hex = 2),
        VG_X_INT(Tree, number, "@number", -5, 5, VG_X_PRESENT(Tree, numbered)), VG_X_VARIANT(Tree, color, color_arms),
        VG_X_STRING(Tree, text, "text", .flags = VG_ROW_SECRET),
        VG_X_INT(Tree, big, "big", G_MININT64, G_MAXINT64, .flags = VG_ROW_LIVE | VG_ROW_INERT),
        VG_X_MEMORY(Tree, memory, "memory"), VG_X_FLAG(Tree, flag, "flag"),
        VG_X_STRUCT(Tree, inner, "inner", inner_map), VG_X_POINTER(Tree, pointer, Leaf, "pointer", leaf_map),
        VG_X_ARRAY(Tree, leaves, Leaf, "leaf", leaf_map, .max = 3), VG_X_RAW(Tree, raw, "raw"),
        VG_X_RAW(Tree, styled, "styled", .flags = VG_ROW_STYLED), VG_X_UNSUPPORTED("no", "it is not"), VG_X_END}};

static char *rewrite(const char *xml, guint read_flags, guint write_flags) {
    g_autoptr(GError) error = NULL;
    Tree *tree = vg_xml_map_parse(&tree_map, NULL, xml, read_flags, &error);
    g_assert_no_error(error);
    GString *out = g_string_new(NULL);
    vg_xml_map_format(&tree_map, tree, write_flags, 0, out);
    vg_xml_map_free(&tree_map, tree);
    return g_string_free(out, FALSE);
}

static void test_rows(void) {
    static const struct {
        const char *in, *out;
        guint read, write;
    } cases[] = {
        {"<tree/>", "<tree/>\n", 0, 0},
        {"<tree small='16' color=\"blue\"/>", "<tree color='blue' small='0x10'/>\n", 0, 0},
        {"<tree number='0'/>", "<tree number='0'/>\n", 0, 0},
        {"<tree><red>x</red></tree>", "<tree/>\n", 0, 0},
        {"<tree color='red'><red>x</red></tree>", "<tree color='red'>\n  <red>x</red>\n</tree>\n", 0, 0},
        {"<tree><text> a&amp;&#60;<![CDATA[<b>]]> </text></tree>",
         "<tree>\n  <text> a&amp;&lt;&lt;b&gt; </text>\n</tree>\n", 0, VG_XML_MAP_SECURE},
        {"<tree><text>hidden</text></tree>", "<tree/>\n", 0, 0},
        {"<tree><big> -9223372036854775807 </big></tree>", "<tree>\n  <big>-9223372036854775807</big>\n</tree>\n", 0,
         0},
        {"<tree><big>1</big></tree>", "<tree/>\n", VG_XML_MAP_INACTIVE, 0},
        {"<tree><big>1</big></tree>", "<tree/>\n", 0, VG_XML_MAP_INACTIVE},
        {"<tree><memory unit='MiB'>2</memory></tree>", "<tree>\n  <memory unit='KiB'>2048</memory>\n</tree>\n", 0, 0},
        {"<tree><memory unit='b'>1025</memory></tree>", "<tree>\n  <memory unit='KiB'>2</memory>\n</tree>\n", 0, 0},
        {"<tree><flag>ignored</flag><x:flag xmlns:x='y'/></tree>", "<tree>\n  <flag/>\n</tree>\n", 0, 0},
        {"<tree><what><flag/><red/></what></tree>", "<tree/>\n", 0, 0},
        {"<tree><inner name='i'/><pointer name='p' size='0'/></tree>",
         "<tree>\n  <inner name='i'/>\n  <pointer name='p' size='0'/>\n</tree>\n", 0, 0},
        {"<tree><leaf name='b'/><flag/><leaf name='a'/></tree>",
         "<tree>\n  <flag/>\n  <leaf name='b'/>\n  <leaf name='a'/>\n</tree>\n", 0, 0},
        {"<tree><raw><a:b xmlns:a='u'><c d='1'/></a:b><none/></raw></tree>",
         "<tree>\n  <raw>\n    <a:b xmlns:a=\"u\">\n      <c d=\"1\"/>\n    </a:b>\n  </raw>\n</tree>\n", 0, 0},
        {"<tree><styled a=\"1\"><b>t</b></styled><styled/></tree>",
         "<tree>\n  <styled a='1'>\n    <b>t</b>\n  </styled>\n  <styled/>\n</tree>\n", 0, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *out = rewrite(cases[i].in, cases[i].read, cases[i].write);
        g_assert_cmpstr(out, ==, cases[i].out);
    }
}

static void test_errors(void) {
    static const struct {
        const char *in;
        int code;
        const char *message;
    } cases[] = {
        {"<tree color='green'/>", VG_ERR_XML_ERROR, "line 1: <tree>: color='green' is not one of red, blue"},
        {"<tree small='256'/>", VG_ERR_XML_ERROR, "line 1: <tree>: small='256' is not an integer from 0 to 255"},
        {"<tree small='1x'/>", VG_ERR_XML_ERROR, "line 1: <tree>: small='1x' is not an integer from 0 to 255"},
        {"<tree>\n<leaf/></tree>", VG_ERR_XML_ERROR, "line 2: <leaf> has no attribute 'name'"},
        {"<tree>\n<no/></tree>", VG_ERR_CONFIG_UNSUPPORTED, "line 2: <no> is not supported: it is not"},
        {"<tree><leaf name='a'/><leaf name='a'/><leaf name='a'/><leaf name='a'/></tree>", VG_ERR_XML_ERROR,
         "line 1: more than 3 of <leaf>"},
        {"<bush/>", VG_ERR_XML_ERROR, "line 1: the document is <bush>, not <tree>"},
        {"<tree>", VG_ERR_XML_DETAIL, NULL},
        {"<tree/>x", VG_ERR_XML_DETAIL, "line 1: there is text after the last element"},
        {"<!DOCTYPE tree><tree/>", VG_ERR_XML_DETAIL, "line 1: a document type (DTD) or an entity is not accepted"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(vg_xml_map_parse(&tree_map, NULL, cases[i].in, 0, &error));
        g_assert_error(error, VG_ERROR, cases[i].code);
        if (cases[i].message != NULL)
            g_assert_cmpstr(error->message, ==, cases[i].message);
    }
}

/* A long value is cut short in the message, and never splits a letter. */
static void test_short_message(void) {
    g_autoptr(GString) xml = g_string_new("<tree color='");
    for (int i = 0; i < 10000; i++)
        g_string_append(xml, "\xc3\xa4");
    g_string_append(xml, "'/>");
    g_autoptr(GError) error = NULL;
    g_assert_null(vg_xml_map_parse(&tree_map, NULL, xml->str, 0, &error));
    g_assert_cmpuint(strlen(error->message), <, 200);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void count_row(const char *path, const VgXmlRow *row, gpointer data) {
    guint *n = data;
    (*n)++;
    if (row->flags & VG_ROW_INERT)
        g_assert_cmpstr(path, ==, "big");
}

static void test_names(void) {
    guint known = 0, inert = 0;
    vg_xml_map_foreach(&tree_map, count_row, &known);
    g_assert_cmpuint(known, ==, 19); /* 13 rows, red, and those of inner, pointer and leaf */
    const Tree tree = {.big = 1, .flag = TRUE};
    vg_xml_map_inert(&tree_map, &tree, count_row, &inert);
    g_assert_cmpuint(inert, ==, 1);
}

static void test_array(void) {
    char **items = NULL;
    gsize n = 0;
    for (gsize i = 0; i < 100; i++)
        vg_xml_array_add(&items, &n, GSIZE_TO_POINTER(i));
    g_assert_cmpuint(GPOINTER_TO_SIZE(vg_xml_array_take(&items, &n, 50)), ==, 50);
    g_assert_cmpuint(GPOINTER_TO_SIZE(items[50]), ==, 51);
    vg_xml_array_add(&items, &n, GSIZE_TO_POINTER(7));
    g_assert_cmpuint(GPOINTER_TO_SIZE(items[99]), ==, 7);
    while (n > 0)
        vg_xml_array_take(&items, &n, 0);
    g_assert_null(items);
}

static void test_root_name(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *name = vg_xml_root_name("<?xml version='1.0'?><disk type='file'><broken", &error);
    g_assert_cmpstr(name, ==, "disk");
    g_assert_null(vg_xml_root_name("", &error));
    g_assert_error(error, VG_ERROR, VG_ERR_XML_DETAIL);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xml/rows", test_rows);
    g_test_add_func("/xml/errors", test_errors);
    g_test_add_func("/xml/short-message", test_short_message);
    g_test_add_func("/xml/names", test_names);
    g_test_add_func("/xml/array", test_array);
    g_test_add_func("/xml/root-name", test_root_name);
    return g_test_run();
}
