/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schema.h: is a document one by a RELAX NG grammar? */
#pragma once

#include <glib.h>

/*
 * TRUE: @text is valid by the grammar in the file @schema. Reads the grammar and what it includes, so it blocks:
 * workers only. @text was parsed before and has neither DTD nor entities. Errors: XML_INVALID_SCHEMA naming the line
 * and what does not fit; OPERATION_UNSUPPORTED: there is no such grammar here.
 */
gboolean vg_xml_check_schema(const char *schema, const char *text, GError **error);
