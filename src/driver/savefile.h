/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * savefile.h: the file of a saved guest, as libvirt's Xen driver writes it: a header of 64 bytes in the byte order of
 * the machine (16 of magic, version, length of the XML with its NUL), the live XML, and then libxl's own stream to the
 * end. What comes back from it is not trusted: every length is bounded before it allocates. All of this blocks.
 */
#pragma once

#include "base/error.h"
#include "base/fd.h"

#define VG_SAVEFILE_HEADER 64
#define VG_SAVEFILE_XML_MAX (16u << 20)

/* A new file, which must not be there yet: header and XML are in it, the stream is the caller's to write. -1:
 * SYSTEM_ERROR, and nothing is left. Fault point: savefile.begin. */
int vg_savefile_begin(const char *part, const char *xml, GError **error);
/*
 * What is written is on disk; and then it has its name @path, durably. SYSTEM_ERROR: it is still called @part. Fault
 * points: savefile.sync, savefile.rename, savefile.folder.
 */
gboolean vg_savefile_sync(int fd, const char *part, GError **error);
gboolean vg_savefile_keep(const char *part, const char *path, GError **error);

/*
 * Header and XML of the file at @path; the descriptor that comes back stands at the stream. -1: SYSTEM_ERROR, or
 * OPERATION_FAILED: it is no file of a saved guest, or not a whole one, or of a later version.
 */
int vg_savefile_open(const char *path, char **ret_xml, GError **error);
/* The same of bytes that are there, for tests: how many of @data come before the stream, or 0 with the error. */
gsize vg_savefile_parse(const char *data, gsize len, char **ret_xml, GError **error);

/* @path with other XML: its stream copied behind it into a new file that takes its place. */
gboolean vg_savefile_change(const char *path, const char *xml, GError **error);
