/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * schema.c: validation by RELAX NG, which libxml2 does on a tree. The grammar is read each time and kept by nobody: it
 * is megabytes, and asked for when a person edits a domain.
 */
#include "config.h"
#include "xml/schema.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "xml/map.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNG, xmlRelaxNGFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNGParserCtxt, xmlRelaxNGFreeParserCtxt)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNGValidCtxt, xmlRelaxNGFreeValidCtxt)

enum { MOST_SAID = 1024 };

static void silent(void *data, xmlErrorPtr error) {
}

/* libxml2 goes from the innermost complaint outwards: the first ones say most. */
static void keep(void *data, xmlErrorPtr error) {
    GString *said = data;
    if (said->len >= MOST_SAID || error->message == NULL)
        return;
    g_autofree char *message = g_utf8_make_valid(error->message, -1);
    g_string_append_printf(said, _("%sline %d: %s"), said->len > 0 ? "; " : "", error->line, g_strchomp(message));
}

static xmlRelaxNG *read_schema(const char *path) {
    g_autoptr(xmlRelaxNGParserCtxt) parser = xmlRelaxNGNewParserCtxt(path);
    if (parser == NULL)
        return NULL;
    xmlRelaxNGSetParserStructuredErrors(parser, silent, NULL);
    return xmlRelaxNGParse(parser);
}

gboolean vg_xml_check_schema(const char *schema, const char *text, GError **error) {
    gsize len = strlen(text);
    g_autoptr(xmlDoc) doc =
        len > VG_XML_MAX_SIZE ? NULL : xmlReadMemory(text, (int)len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
    if (doc == NULL || doc->intSubset != NULL) {
        vg_set_error(error, VG_ERR_XML_DETAIL, _("the document cannot be read"));
        return FALSE;
    }
    g_autoptr(xmlRelaxNG) grammar = read_schema(schema);
    g_autoptr(xmlRelaxNGValidCtxt) valid = grammar == NULL ? NULL : xmlRelaxNGNewValidCtxt(grammar);
    if (valid == NULL) {
        vg_set_error(error, VG_ERR_OPERATION_UNSUPPORTED,
                     _("a domain cannot be validated: the grammar '%s', or libvirt's that it includes, is not there; "
                       "define it without validation"),
                     schema);
        return FALSE;
    }
    g_autoptr(GString) said = g_string_new(NULL);
    xmlRelaxNGSetValidStructuredErrors(valid, keep, said);
    if (xmlRelaxNGValidateDoc(valid, doc) == 0)
        return TRUE;
    vg_set_error(error, VG_ERR_XML_INVALID_SCHEMA, _("the domain is not valid by '%s': %s"), schema, said->str);
    return FALSE;
}
