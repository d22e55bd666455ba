/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * markup.h: elements of other people's namespaces within a domain's <metadata>. Works on XML that a parser has already
 * read and printed again (no DTD, no entities but the five), so tags can be found by their brackets.
 */
#pragma once

#include <glib.h>

/* The child of @metadata in namespace @uri as a client gets it: without the namespace's prefix and declaration. NULL:
 * none. */
char *vg_markup_extract(const char *metadata, const char *uri);
/* @metadata without its child in namespace @uri, and with @element (its names put under prefix @key; NULL: none) at the
 * end. */
char *vg_markup_replace(const char *metadata, const char *uri, const char *key, const char *element);
/* Usable as a prefix. */
gboolean vg_markup_is_name(const char *text);
