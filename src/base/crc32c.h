/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crc32c.h: the checksum of what we write, against damage, not against malice. */
#pragma once

#include <glib.h>

/* CRC-32C (Castagnoli) of @data, continuing @crc (0: from the beginning). Any thread. */
guint32 vg_crc32c(guint32 crc, const char *data, gsize len);
