/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* markup.c: walks tags of canonical XML. */
#include "driver/markup.h"

#include <string.h>

typedef enum { TAG_OPEN, TAG_CLOSE, TAG_EMPTY, TAG_OTHER } TagKind;

typedef struct {
    TagKind kind;
    const char *start, *end; /* of the whole tag, with brackets */
    const char *name;
    gsize name_len;
} Tag;

static const char *skip_to(const char *at, const char *mark) {
    const char *end = strstr(at, mark);
    return end ? end + strlen(mark) : at + strlen(at);
}

/* The end of a tag that begins at @at; quotes may hide a bracket. */
static const char *tag_end(const char *at) {
    char quote = '\0';
    for (; *at; at++) {
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '>')
            return at + 1;
    }
    return at;
}

static gboolean next_tag(const char *at, Tag *ret) {
    const char *start = strchr(at, '<');
    if (!start)
        return FALSE;
    *ret = (Tag){.kind = TAG_OTHER, .start = start};
    if (g_str_has_prefix(start, "<!--"))
        ret->end = skip_to(start, "-->");
    else if (g_str_has_prefix(start, "<![CDATA["))
        ret->end = skip_to(start, "]]>");
    else if (g_str_has_prefix(start, "<?"))
        ret->end = skip_to(start, "?>");
    else {
        ret->end = tag_end(start);
        ret->name = start + (start[1] == '/' ? 2 : 1);
        ret->name_len = strcspn(ret->name, " \t\r\n/>");
        ret->kind = start[1] == '/' ? TAG_CLOSE : ret->end - start >= 2 && ret->end[-2] == '/' ? TAG_EMPTY : TAG_OPEN;
    }
    return TRUE;
}

static gsize prefix_len(const Tag *tag) {
    const char *colon = memchr(tag->name, ':', tag->name_len);
    return colon ? (gsize)(colon - tag->name) : 0;
}

/* xmlns:PREFIX="URI" of the tag's own prefix; where it stands, with the blank before it. */
static gboolean declares(const Tag *tag, const char *uri, const char **ret_start, const char **ret_end) {
    gsize len = prefix_len(tag);
    g_autofree char *escaped = g_markup_escape_text(uri, -1);
    g_autofree char *prefix = g_strndup(tag->name, len);
    for (guint i = 0; i < 2; i++) {
        const char *quote = i ? "'" : "\"";
        g_autofree char *want = g_strdup_printf(" xmlns%s%s=%s%s%s", len ? ":" : "", prefix, quote, escaped, quote);
        const char *at = g_strstr_len(tag->start, tag->end - tag->start, want);
        if (at) {
            *ret_start = at;
            *ret_end = at + strlen(want);
            return TRUE;
        }
    }
    return FALSE;
}

typedef struct {
    const char *start, *end;
    Tag tag; /* its start tag */
} Child;

/* The first element at the top level from @at on. */
static gboolean next_child(const char *at, Child *ret) {
    guint depth = 0;
    Tag tag;
    while (next_tag(at, &tag)) {
        at = tag.end;
        if (tag.kind == TAG_OTHER)
            continue;
        if (depth == 0 && tag.kind != TAG_CLOSE) {
            ret->start = tag.start;
            ret->tag = tag;
        }
        if (tag.kind == TAG_OPEN)
            depth++;
        else if (tag.kind == TAG_CLOSE && depth > 0)
            depth--;
        if (depth == 0) {
            ret->end = tag.end;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean find_child(const char *metadata, const char *uri, Child *ret) {
    const char *a, *b;
    for (const char *at = metadata; next_child(at, ret); at = ret->end)
        if (declares(&ret->tag, uri, &a, &b))
            return TRUE;
    return FALSE;
}

/* Copies the tags and text of [at, end), changing each element name from prefix @from (with its length) to prefix
 * @to. */
static void copy_renamed(GString *out, const char *at, const char *end, const char *from, gsize from_len,
                         const char *to) {
    Tag tag;
    while (at < end && next_tag(at, &tag) && tag.start < end) {
        const char *name_end = tag.kind == TAG_OTHER ? tag.end : tag.name;
        g_string_append_len(out, at, name_end - at);
        at = name_end;
        if (tag.kind == TAG_OTHER)
            continue;
        gsize len = prefix_len(&tag);
        if (len == from_len && strncmp(tag.name, from, len) == 0) {
            at += len ? len + 1 : 0;
            g_string_append(out, to);
        }
        g_string_append_len(out, at, tag.end - at);
        at = tag.end;
    }
    g_string_append_len(out, at, end - at);
}

char *vg_markup_extract(const char *metadata, const char *uri) {
    Child child;
    const char *a = NULL, *b = NULL;
    if (!metadata || !find_child(metadata, uri, &child) || !declares(&child.tag, uri, &a, &b))
        return NULL;
    GString *out = g_string_new(NULL);
    g_autoptr(GString) bare = g_string_new(NULL);
    g_string_append_len(bare, child.start, a - child.start);
    g_string_append_len(bare, b, child.end - b);
    copy_renamed(out, bare->str, bare->str + bare->len, child.tag.name, prefix_len(&child.tag), "");
    return g_string_free(out, FALSE);
}

static void append_element(GString *out, const char *uri, const char *key, const char *element) {
    Tag tag;
    g_autofree char *prefix = g_strconcat(key, ":", NULL);
    g_autofree char *escaped = g_markup_escape_text(uri, -1);
    g_autoptr(GString) named = g_string_new(NULL);
    copy_renamed(named, element, element + strlen(element), "", 0, prefix);
    for (const char *at = named->str; next_tag(at, &tag); at = tag.end) {
        if (tag.kind == TAG_OTHER)
            continue;
        const char *name_end = tag.name + tag.name_len;
        g_string_append_len(out, tag.start, name_end - tag.start);
        g_string_append_printf(out, " xmlns:%s=\"%s\"", key, escaped);
        g_string_append(out, name_end);
        return;
    }
}

char *vg_markup_replace(const char *metadata, const char *uri, const char *key, const char *element) {
    GString *out = g_string_new(NULL);
    const char *at = metadata ? metadata : "";
    Child child;
    const char *a, *b;
    while (next_child(at, &child)) {
        if (!declares(&child.tag, uri, &a, &b))
            g_string_append_len(out, at, child.end - at);
        else
            g_string_append_len(out, at, child.start - at);
        at = child.end;
    }
    if (element)
        append_element(out, uri, key, element);
    return g_string_free(out, FALSE);
}

gboolean vg_markup_is_name(const char *text) {
    if (!g_ascii_isalpha(*text) && *text != '_')
        return FALSE;
    for (const char *at = text; *at; at++)
        if (!g_ascii_isalnum(*at) && !strchr("_-.", *at))
            return FALSE;
    return TRUE;
}
