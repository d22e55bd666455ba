/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* raw.c: a child that is kept as text, either as libxml2 dumps it or in libvirt's style. */
#include "config.h"
#include "xml/walk.h"

#include <libxml/tree.h>
#include <string.h>

/* Another client's data: one child for each namespace, none without; the first one stays. */
static gboolean is_kept(const xmlNode *node) {
    if (node->type != XML_ELEMENT_NODE || node->ns == NULL || node->ns->href == NULL)
        return FALSE;
    for (const xmlNode *other = node->prev; other != NULL; other = other->prev)
        if (other->ns != NULL && xmlStrEqual(other->ns->href, node->ns->href))
            return FALSE;
    return TRUE;
}

char *vg_node_inner(struct _xmlNode *node) {
    enum { LEVEL = 2 }; /* of indentation: below a child of the root */
    g_autoptr(GString) text = g_string_new(NULL);
    int indent = xmlIndentTreeOutput;
    xmlIndentTreeOutput = 1;
    for (xmlNode *child = node->children; child != NULL; child = child->next) {
        if (!is_kept(child))
            continue;
        xmlBuffer *buffer = xmlBufferCreate();
        xmlNodeDump(buffer, node->doc, child, LEVEL, 1);
        const char *dump = (const char *)xmlBufferContent(buffer);
        g_string_append_printf(text, "%s%s", text->len > 0 ? "\n    " : "", dump + strspn(dump, " \n"));
        xmlBufferFree(buffer);
    }
    xmlIndentTreeOutput = indent;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean has_elements(const xmlNode *node) {
    for (const xmlNode *child = node->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            return TRUE;
    return FALSE;
}

static void append_styled(GString *out, const xmlNode *node, int indent) {
    g_string_append_printf(out, "%*s<%s", indent, "", (const char *)node->name);
    for (const xmlAttr *attribute = node->properties; attribute != NULL; attribute = attribute->next) {
        xmlChar *value = xmlNodeListGetString(node->doc, attribute->children, 1);
        g_string_append_printf(out, " %s='", (const char *)attribute->name);
        vg_xml_escape(out, value == NULL ? "" : (const char *)value);
        g_string_append_c(out, '\'');
        xmlFree(value);
    }
    if (node->children == NULL) {
        g_string_append(out, "/>\n");
    } else if (has_elements(node)) {
        g_string_append(out, ">\n");
        for (const xmlNode *child = node->children; child != NULL; child = child->next)
            if (child->type == XML_ELEMENT_NODE)
                append_styled(out, child, indent + 2);
        g_string_append_printf(out, "%*s</%s>\n", indent, "", (const char *)node->name);
    } else {
        xmlChar *value = xmlNodeGetContent(node);
        g_string_append_c(out, '>');
        vg_xml_escape(out, (const char *)value);
        g_string_append_printf(out, "</%s>\n", (const char *)node->name);
        xmlFree(value);
    }
}

char *vg_node_styled(const struct _xmlNode *node) {
    GString *text = g_string_new(NULL);
    append_styled(text, node, 0);
    return g_string_free(text, FALSE);
}
