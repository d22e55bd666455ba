/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parse.c: reads a document into a record.
 *
 * libxml2 tells of each start tag, text and end tag; a stack of frames says which map and which struct the open
 * elements stand for. Attributes are known before children, so a variant's tag is set when its rows are needed. Only a
 * RAW child becomes a tree, by libxml2's own handlers, and is taken down at its end. There is never a DTD, so no entity
 * but the five of XML itself.
 */
#include "config.h"
#include "xml/walk.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"

typedef struct {
    const VgXmlMap *map; /* NULL: a child that is one value, or nothing */
    const VgXmlRow *row; /* where the text goes, NULL: nowhere */
    void *object;        /* of map, or of row's struct */
    const void *fresh;
    const VgXmlRow *hint; /* the row that matched last: documents mostly keep the rows' order */
    const char *name;     /* as in the document; the parser's dictionary owns it */
    guint64 scale;        /* MEMORY: bytes per unit */
} Frame;

typedef struct {
    xmlParserCtxt *ctxt;
    const VgXmlMap *map;
    const VgXmlNamespace *namespaces;
    guint flags;
    gboolean root_only;
    char *root_name;
    void *root;
    Frame frames[VG_XML_MAX_DEPTH];
    int depth; /* open frames */
    int skip;  /* open elements below one that has no row */
    int raw;   /* open elements of a RAW child, with itself */
    const VgXmlRow *raw_row;
    void *raw_object;
    GString *text;
    int xml_error, xml_line; /* libxml2's first */
    GError *error;           /* ours */
} Parser;

static int current_line(const Parser *p) {
    return p->ctxt->input == NULL ? 0 : p->ctxt->input->line;
}

/* Remembers the first failure. */
static void G_GNUC_PRINTF(3, 4) fail(Parser *p, VgErrorCode code, const char *format, ...) {
    if (p->error == NULL) {
        va_list args;
        va_start(args, format);
        g_autofree char *reason = g_strdup_vprintf(format, args);
        va_end(args);
        vg_set_error(&p->error, code, _("line %d: %s"), current_line(p), reason);
    }
}

/* At the end of a callback only: stopping frees the text that attributes point into. */
static void stop_if_failed(const Parser *p) {
    if (p->error != NULL)
        xmlStopParser(p->ctxt);
}

/* At most a few letters of what was given, printable. */
static char *shortened(const char *value) {
    enum { MOST = 40 };
    g_autoptr(GString) text = g_string_new(NULL);
    const char *c = value;
    for (int n = 0; *c != '\0' && n < MOST; n++, c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);
        g_string_append_unichar(text, g_unichar_isprint(u) ? u : '?');
    }
    if (*c != '\0')
        g_string_append(text, "...");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void fail_value(Parser *p, const char *element, const VgXmlRow *row, const char *value) {
    g_autofree char *wants = vg_row_wants(row), *given = shortened(value);
    if (vg_row_is_attribute(row))
        fail(p, VG_ERR_XML_ERROR, _("<%s>: %s='%s' is not %s"), element, row->name + 1, given, wants);
    else
        fail(p, VG_ERR_XML_ERROR, _("<%s>: '%s' is not %s"), element, given, wants);
}

static gboolean fail_unsupported(Parser *p, const char *element, const VgXmlRow *row) {
    if (row->name[0] == '@')
        fail(p, VG_ERR_CONFIG_UNSUPPORTED, _("<%s>: %s= is not supported: %s"), element, row->name + 1, _(row->text));
    else
        fail(p, VG_ERR_CONFIG_UNSUPPORTED, _("<%s> is not supported: %s"), row->name, _(row->text));
    return FALSE;
}

/* --- finding rows ------------------------------------------------------------------------------------------------- */

typedef struct {
    const VgXmlRow *row;
    void *object;
    const void *fresh;
    gboolean direct; /* a row of the map itself, not of a variant or member */
} Found;

static gboolean find_row(const VgXmlMap *map, void *object, const void *fresh, const char *name, gboolean attribute,
                         Found *ret) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++) {
        if (row->kind == VG_ROW_VARIANT) {
            const VgXmlMap *arm = vg_row_arm(row, object);
            if (arm != NULL && find_row(arm, object, fresh, name, attribute, ret)) {
                ret->direct = FALSE;
                return TRUE;
            }
        } else if (row->kind == VG_ROW_INCLUDE) {
            if (find_row(row->map, VG_MEMBER(object, row), vg_row_fresh(row, fresh), name, attribute, ret)) {
                ret->direct = FALSE;
                return TRUE;
            }
        } else if (vg_row_is_attribute(row) == attribute && strcmp(row->name + attribute, name) == 0 &&
                   row->kind != VG_ROW_CONST) {
            *ret = (Found){row, object, fresh, TRUE};
            return TRUE;
        }
    }
    return FALSE;
}

/* The child's row: first the one that matched last and the next few, then all. */
static gboolean find_child(Frame *frame, const char *name, Found *ret) {
    enum { NEAR = 6 };
    if (frame->hint != NULL)
        for (const VgXmlRow *row = frame->hint; row < frame->hint + NEAR && row->kind != VG_ROW_END; row++)
            if (strcmp(row->name, name) == 0 && row->kind != VG_ROW_VARIANT && row->kind != VG_ROW_INCLUDE) {
                *ret = (Found){row, frame->object, frame->fresh, TRUE};
                frame->hint = row;
                return TRUE;
            }
    if (!find_row(frame->map, frame->object, frame->fresh, name, FALSE, ret))
        return FALSE;
    if (ret->direct)
        frame->hint = ret->row;
    return TRUE;
}

static const VgXmlRow *text_row_of(const VgXmlMap *map) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++)
        if (row->name[0] == '\0' && row->kind != VG_ROW_VARIANT && row->kind != VG_ROW_INCLUDE)
            return row;
    return NULL;
}

static gboolean is_ignored(const Parser *p, const VgXmlRow *row) {
    return (row->flags & VG_ROW_LIVE) && (p->flags & VG_XML_MAP_INACTIVE);
}

/* --- attributes --------------------------------------------------------------------------------------------------- */

/* libxml2 hands over five pointers for each: name, prefix, namespace, start and end of the value. */
typedef const xmlChar **Attributes;

static const char *attribute_value(Parser *p, Attributes attributes, int i) {
    const char *start = (const char *)attributes[5 * i + 3], *end = (const char *)attributes[5 * i + 4];
    g_string_truncate(p->text, 0);
    g_string_append_len(p->text, start, end - start);
    return p->text->str;
}

static guint64 unit_of(Parser *p, const char *element, Attributes attributes, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp((const char *)attributes[5 * i], "unit") == 0) {
            guint64 scale = vg_memory_unit(attribute_value(p, attributes, i));
            if (scale == 0)
                fail(p, VG_ERR_XML_ERROR, _("<%s>: unit= is not one of b, KiB, MiB, GiB, TiB, KB, MB, GB, TB"),
                     element);
            return scale;
        }
    return 1024;
}

static gboolean set_scalar(Parser *p, const char *element, const VgXmlRow *row, void *object, const char *text,
                           guint64 scale) {
    if (!vg_row_set_scalar(row, object, text, scale, p->flags)) {
        fail_value(p, element, row, text);
        return FALSE;
    }
    gboolean *present = vg_row_present(row, object);
    if (present != NULL)
        *present = TRUE;
    return TRUE;
}

static gboolean set_attribute(Parser *p, const char *element, const Found *found, Attributes attributes, int i, int n) {
    const VgXmlRow *row = found->row;
    if (row->kind == VG_ROW_UNSUPPORTED)
        return fail_unsupported(p, element, row);
    if (is_ignored(p, row))
        return TRUE;
    guint64 scale = row->kind == VG_ROW_MEMORY ? unit_of(p, element, attributes, n) : 0;
    const char *value = attribute_value(p, attributes, i);
    if (*value == '\0')
        return TRUE; /* as good as absent */
    return p->error == NULL && set_scalar(p, element, row, found->object, value, scale);
}

/* Twice over them: a variant's rows are known only when its tag is. */
static void read_attributes(Parser *p, Frame *frame, Attributes attributes, int n) {
    guint64 done = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n && i < 64; i++) {
            Found found;
            if ((done & (1ull << i)) || attributes[5 * i + 2] != NULL ||
                !find_row(frame->map, frame->object, frame->fresh, (const char *)attributes[5 * i], TRUE, &found))
                continue;
            done |= 1ull << i;
            if (!set_attribute(p, frame->name, &found, attributes, i, n))
                return;
        }
}

/* --- elements ----------------------------------------------------------------------------------------------------- */

static void open_frame(Parser *p, const Frame *frame) {
    p->frames[p->depth++] = *frame;
    if (frame->row != NULL)
        g_string_truncate(p->text, 0);
}

static void open_map(Parser *p, const char *name, const VgXmlMap *map, void *object, const void *fresh,
                     Attributes attributes, int n) {
    Frame frame = {.map = map, .object = object, .fresh = fresh, .name = name, .row = text_row_of(map)};
    read_attributes(p, &frame, attributes, n);
    open_frame(p, &frame);
}

static void *open_array_item(Parser *p, const VgXmlRow *row, void *object) {
    gsize *n = vg_row_count(row, object);
    gsize most = row->max > 0 ? (gsize)row->max : VG_XML_MAX_ITEMS;
    if (*n >= most) {
        fail(p, VG_ERR_XML_ERROR, _("more than %" G_GSIZE_FORMAT " of <%s>"), most, row->name);
        return NULL;
    }
    void *item = vg_xml_map_new(row->map);
    vg_xml_array_add(VG_MEMBER(object, row), n, item);
    return item;
}

static void mark_present(const VgXmlRow *row, void *object) {
    gboolean *present = vg_row_present(row, object);
    if (present != NULL)
        *present = TRUE;
}

static void open_child(Parser *p, const char *name, const Found *found, Attributes attributes, int n) {
    const VgXmlRow *row = found->row;
    void *member = VG_MEMBER(found->object, row);
    switch (row->kind) {
    case VG_ROW_GROUP:
        mark_present(row, found->object);
        open_map(p, name, row->map, found->object, found->fresh, attributes, n);
        break;
    case VG_ROW_STRUCT:
        mark_present(row, found->object);
        open_map(p, name, row->map, member, vg_row_fresh(row, found->fresh), attributes, n);
        break;
    case VG_ROW_POINTER: {
        void **pointer = member;
        if (*pointer == NULL)
            *pointer = vg_xml_map_new(row->map);
        open_map(p, name, row->map, *pointer, row->map->fresh, attributes, n);
        break;
    }
    case VG_ROW_ARRAY: {
        void *item = open_array_item(p, row, found->object);
        if (item != NULL)
            open_map(p, name, row->map, item, row->map->fresh, attributes, n);
        break;
    }
    case VG_ROW_FLAG:
        *(gboolean *)member = TRUE;
        open_frame(p, &(Frame){.name = name});
        break;
    default: {
        Frame frame = {.name = name, .object = found->object, .row = row};
        if (row->kind == VG_ROW_MEMORY)
            frame.scale = unit_of(p, name, attributes, n);
        open_frame(p, &frame);
        break;
    }
    }
}

static void open_root(Parser *p, const char *name, Attributes attributes, int n) {
    if (p->root_only) {
        p->root_name = g_strdup(name);
        xmlStopParser(p->ctxt);
        return;
    }
    if (strcmp(name, p->map->name) != 0) {
        g_autofree char *given = shortened(name);
        fail(p, VG_ERR_XML_ERROR, _("the document is <%s>, not <%s>"), given, p->map->name);
        return;
    }
    p->root = vg_xml_map_new(p->map);
    open_map(p, name, p->map, p->root, p->map->fresh, attributes, n);
}

/* "prefix:name" for a namespace of ours, the bare name for none, NULL for any other. @room holds the text. */
static const char *qualified(const Parser *p, const char *name, const char *uri, char room[80]) {
    if (uri == NULL)
        return name;
    for (const VgXmlNamespace *ns = p->namespaces; ns != NULL && ns->prefix != NULL; ns++)
        if (strcmp(ns->uri, uri) == 0) {
            g_snprintf(room, 80, "%s:%s", ns->prefix, name);
            return room;
        }
    return NULL;
}

/* libxml2 tells of a tag before it has seen its end: one that is cut off is its error to report, not ours. */
static gboolean is_tag_closed(const Parser *p) {
    return *p->ctxt->input->cur == '>' || *p->ctxt->input->cur == '/';
}

static void start_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_namespaces,
                          const xmlChar **namespaces, int n, int n_defaulted, const xmlChar **attributes) {
    Parser *p = ((xmlParserCtxt *)data)->_private;
    if (p->error != NULL || !p->ctxt->wellFormed || !is_tag_closed(p))
        return;
    if (p->depth + p->skip + p->raw >= VG_XML_MAX_DEPTH) {
        fail(p, VG_ERR_XML_DETAIL, _("elements are nested more than %d deep"), VG_XML_MAX_DEPTH);
        return;
    }
    if (p->raw > 0) {
        p->raw++;
        xmlSAX2StartElementNs(data, name, prefix, uri, n_namespaces, namespaces, n, n_defaulted, attributes);
        return;
    }
    char room[80];
    const char *local = (const char *)name, *known = qualified(p, local, (const char *)uri, room);
    if (p->depth == 0) {
        open_root(p, local, attributes, n);
        return;
    }
    Frame *top = &p->frames[p->depth - 1];
    Found found;
    if (p->skip > 0 || known == NULL || top->map == NULL || !find_child(top, known, &found) ||
        is_ignored(p, found.row)) {
        p->skip++;
    } else if (found.row->kind == VG_ROW_UNSUPPORTED) {
        fail_unsupported(p, top->name, found.row);
    } else if (found.row->kind == VG_ROW_RAW) {
        p->raw = 1;
        p->raw_row = found.row;
        p->raw_object = found.object;
        xmlSAX2StartDocument(data);
        xmlSAX2StartElementNs(data, name, prefix, uri, n_namespaces, namespaces, n, n_defaulted, attributes);
    } else {
        open_child(p, local, &found, attributes, n);
    }
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_namespaces,
                     const xmlChar **namespaces, int n, int n_defaulted, const xmlChar **attributes) {
    start_element(data, name, prefix, uri, n_namespaces, namespaces, n, n_defaulted, attributes);
    stop_if_failed(((xmlParserCtxt *)data)->_private);
}

/* Styled elements of one name follow each other; of others the last counts. */
static void end_raw(Parser *p) {
    xmlNode *node = xmlDocGetRootElement(p->ctxt->myDoc);
    char **member = (char **)(void *)VG_MEMBER(p->raw_object, p->raw_row);
    gboolean styled = (p->raw_row->flags & VG_ROW_STYLED) != 0;
    g_autofree char *before = g_steal_pointer(member);
    *member = styled ? vg_node_styled(node) : vg_node_inner(node);
    if (styled && before != NULL && strlen(before) > VG_XML_MAX_RAW) {
        fail(p, VG_ERR_XML_ERROR, _("more than %d bytes of <%s>"), VG_XML_MAX_RAW, p->raw_row->name);
    } else if (styled && before != NULL) {
        g_autofree char *last = g_steal_pointer(member);
        *member = g_strconcat(before, last, NULL);
    }
    g_clear_pointer(&p->ctxt->myDoc, xmlFreeDoc);
}

static gboolean check_required(Parser *p, const char *element, const VgXmlMap *map, const void *object,
                               const void *fresh) {
    for (const VgXmlRow *row = map->rows; row->kind != VG_ROW_END; row++) {
        const VgXmlMap *arm;
        if (row->kind == VG_ROW_VARIANT) {
            if ((arm = vg_row_arm(row, object)) != NULL && !check_required(p, element, arm, object, fresh))
                return FALSE;
        } else if ((row->flags & VG_ROW_REQUIRED) && vg_row_is_absent(row, object, fresh)) {
            if (vg_row_is_attribute(row))
                fail(p, VG_ERR_XML_ERROR, _("<%s> has no attribute '%s'"), element, row->name + 1);
            else if (row->name[0] == '\0')
                fail(p, VG_ERR_XML_ERROR, _("<%s> is empty"), element);
            else
                fail(p, VG_ERR_XML_ERROR, _("<%s> has no <%s>"), element, row->name);
            return FALSE;
        }
    }
    return TRUE;
}

static void end_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    Parser *p = ((xmlParserCtxt *)data)->_private;
    if (p->error != NULL || !p->ctxt->wellFormed || p->depth == 0)
        return;
    if (p->raw > 0) {
        xmlSAX2EndElementNs(data, name, prefix, uri);
        if (--p->raw == 0)
            end_raw(p);
        return;
    }
    if (p->skip > 0) {
        p->skip--;
        return;
    }
    Frame *frame = &p->frames[--p->depth];
    if (frame->row != NULL) {
        const char *text = p->text->str;
        if (frame->row->kind != VG_ROW_STRING)
            text = g_strstrip(p->text->str);
        if (*text != '\0' && !set_scalar(p, frame->name, frame->row, frame->object, text, frame->scale))
            return;
    }
    if (frame->map == NULL)
        return;
    GError *error = NULL;
    if (check_required(p, frame->name, frame->map, frame->object, frame->fresh) && frame->map->check != NULL &&
        !frame->map->check(frame->object, &error)) {
        fail(p, (VgErrorCode)error->code, "%s", error->message);
        g_error_free(error);
    }
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    end_element(data, name, prefix, uri);
    stop_if_failed(((xmlParserCtxt *)data)->_private);
}

static void on_text(void *data, const xmlChar *text, int len) {
    Parser *p = ((xmlParserCtxt *)data)->_private;
    if (p->raw > 0)
        xmlSAX2Characters(data, text, len);
    else if (p->skip == 0 && p->depth > 0 && p->frames[p->depth - 1].row != NULL)
        g_string_append_len(p->text, (const char *)text, len);
}

static void on_cdata(void *data, const xmlChar *text, int len) {
    Parser *p = ((xmlParserCtxt *)data)->_private;
    if (p->raw > 0)
        xmlSAX2CDataBlock(data, text, len);
    else
        on_text(data, text, len);
}

static void on_comment(void *data, const xmlChar *text) {
    Parser *p = ((xmlParserCtxt *)data)->_private;
    if (p->raw > 0)
        xmlSAX2Comment(data, text);
}

static void on_blanks(void *data, const xmlChar *text, int len) {
}

static void on_dtd(void *data, const xmlChar *name, const xmlChar *id, const xmlChar *system) {
    Parser *p = ((xmlParserCtxt *)data)->_private;
    if (p->flags & VG_XML_MAP_HOST_FILE) /* nothing keeps what it declares */
        return;
    fail(p, VG_ERR_XML_DETAIL, _("a document type (DTD) or an entity is not accepted"));
    stop_if_failed(p);
}

static void on_error(void *data, xmlErrorPtr error) {
    Parser *p = ((xmlParserCtxt *)data)->_private;
    if (p->xml_error == 0 && error->level >= XML_ERR_ERROR) {
        p->xml_error = error->code;
        p->xml_line = error->line;
    }
}

/* --- the document ------------------------------------------------------------------------------------------------- */

/* Our words: libxml2's quote the document. */
static const char *explain(int code) {
    static const struct {
        int code;
        const char *reason;
    } reasons[] = {
        {XML_ERR_DOCUMENT_EMPTY, N_("there is no element")},
        {XML_ERR_DOCUMENT_END, N_("there is text after the last element")},
        {XML_ERR_TAG_NAME_MISMATCH, N_("an end tag does not fit its start tag")},
        {XML_ERR_TAG_NOT_FINISHED, N_("an element has no end tag")},
        {XML_ERR_GT_REQUIRED, N_("a tag has no '>'")},
        {XML_ERR_LT_IN_ATTRIBUTE, N_("there is a '<' in an attribute")},
        {XML_ERR_ATTRIBUTE_WITHOUT_VALUE, N_("an attribute has no value")},
        {XML_ERR_ATTRIBUTE_NOT_STARTED, N_("an attribute's value has no quotes")},
        {XML_ERR_ATTRIBUTE_NOT_FINISHED, N_("an attribute's value has no end")},
        {XML_ERR_ATTRIBUTE_REDEFINED, N_("an attribute is given twice")},
        {XML_ERR_SPACE_REQUIRED, N_("attributes need a blank between them")},
        {XML_ERR_UNDECLARED_ENTITY, N_("an entity is not known; only &amp; &lt; &gt; &quot; and &apos; are")},
        {XML_WAR_UNDECLARED_ENTITY, N_("an entity is not known; only &amp; &lt; &gt; &quot; and &apos; are")},
        {XML_ERR_ENTITYREF_SEMICOL_MISSING, N_("an '&' starts no entity")},
        {XML_ERR_INVALID_CHAR, N_("there is a character that XML forbids")},
        {XML_ERR_INVALID_ENCODING, N_("the text is not in its encoding")},
        {XML_ERR_UNSUPPORTED_ENCODING, N_("the encoding is not known")},
        {XML_NS_ERR_UNDEFINED_NAMESPACE, N_("a prefix has no namespace")},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (reasons[i].code == code)
            return _(reasons[i].reason);
    return NULL;
}

static void run(Parser *p, const char *text, gsize len) {
    p->ctxt = xmlCreateMemoryParserCtxt(text, (int)len);
    if (p->ctxt == NULL) {
        vg_set_error(&p->error, VG_ERR_XML_DETAIL, _("line 1: %s"), explain(XML_ERR_DOCUMENT_EMPTY));
        return;
    }
    xmlSAXHandler *sax = p->ctxt->sax;
    memset(sax, 0, sizeof(*sax));
    sax->initialized = XML_SAX2_MAGIC;
    sax->startElementNs = on_start;
    sax->endElementNs = on_end;
    sax->characters = on_text;
    sax->cdataBlock = on_cdata;
    sax->comment = on_comment;
    sax->ignorableWhitespace = on_blanks;
    sax->internalSubset = on_dtd;
    sax->serror = on_error;
    p->ctxt->_private = p;
    xmlCtxtUseOptions(p->ctxt, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOBLANKS);
    sax->ignorableWhitespace = on_blanks; /* the option replaces it */
    p->text = g_string_sized_new(256);
    xmlParseDocument(p->ctxt);
    if (p->error == NULL && p->root_name == NULL && !p->ctxt->wellFormed) {
        const char *reason = explain(p->xml_error);
        if (reason != NULL)
            vg_set_error(&p->error, VG_ERR_XML_DETAIL, _("line %d: %s"), p->xml_line, reason);
        else
            vg_set_error(&p->error, VG_ERR_XML_DETAIL, _("line %d: not well-formed XML (libxml2 error %d)"),
                         p->xml_line, p->xml_error);
    }
    g_string_free(g_steal_pointer(&p->text), TRUE);
    g_clear_pointer(&p->ctxt->myDoc, xmlFreeDoc); /* stopped within a RAW child */
    xmlFreeParserCtxt(p->ctxt);
}

static gboolean is_small_enough(const char *text, guint flags, gsize *ret_len, GError **error) {
    gsize most = flags & VG_XML_MAP_HOST_FILE ? VG_XML_MAX_HOST_SIZE : VG_XML_MAX_SIZE;
    *ret_len = strnlen(text, most + 1);
    if (*ret_len <= most)
        return TRUE;
    vg_set_error(error, VG_ERR_XML_DETAIL, _("the document is larger than %d MiB"), (int)(most >> 20));
    return FALSE;
}

void *vg_xml_map_parse(const VgXmlMap *map, const VgXmlNamespace *namespaces, const char *text, guint flags,
                       GError **error) {
    gsize len;
    if (!is_small_enough(text, flags, &len, error))
        return NULL;
    Parser p;
    memset(&p, 0, offsetof(Parser, frames)); /* frames are written before they are read */
    memset(&p.depth, 0, sizeof(p) - offsetof(Parser, depth));
    p.map = map;
    p.namespaces = namespaces;
    p.flags = flags;
    run(&p, text, len);
    if (p.error == NULL)
        return p.root;
    vg_xml_map_free(map, p.root);
    g_propagate_error(error, p.error);
    return NULL;
}

char *vg_xml_root_name(const char *text, GError **error) {
    gsize len;
    if (!is_small_enough(text, 0, &len, error))
        return NULL;
    g_autofree Parser *p = g_new0(Parser, 1);
    p->root_only = TRUE;
    run(p, text, len);
    if (p->error != NULL)
        g_propagate_error(error, p->error);
    return p->root_name;
}
