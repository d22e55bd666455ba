/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crc32c.c: bit by bit into a table once, then byte by byte. */
#include "config.h"
#include "base/crc32c.h"

guint32 vg_crc32c(guint32 crc, const char *data, gsize len) {
    static guint32 table[256];
    static gsize made;
    if (g_once_init_enter(&made)) {
        for (guint32 i = 0; i < 256; i++) {
            guint32 value = i;
            for (int bit = 0; bit < 8; bit++)
                value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
            table[i] = value;
        }
        g_once_init_leave(&made, 1);
    }
    crc = ~crc;
    for (gsize i = 0; i < len; i++)
        crc = table[(crc ^ (guint8)data[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}
