/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pciaddr.c: reads and writes a PCI address as the kernel names its folders. */
#include "config.h"
#include "base/pciaddr.h"

#include <stdio.h>
#include <string.h>

/* Up to @digits hexadecimal digits at *p, at least @least of them, then @end. */
static gboolean take_hex(const char **p, int least, int digits, char end, guint32 *ret) {
    guint32 value = 0;
    int n = 0;
    for (; n < digits && g_ascii_isxdigit(**p); n++, (*p)++)
        value = value << 4 | (guint32)g_ascii_xdigit_value(**p);
    if (n < least || **p != end)
        return FALSE;
    *p += end != '\0';
    *ret = value;
    return TRUE;
}

gboolean vg_pciaddr_parse(const char *text, VgPciAddr *ret) {
    const char *p = text, *colon = strchr(text, ':');
    guint32 domain = 0, bus, slot, function;
    if (colon != NULL && strchr(colon + 1, ':') != NULL && !take_hex(&p, 1, 8, ':', &domain))
        return FALSE;
    if (!take_hex(&p, 1, 2, ':', &bus) || !take_hex(&p, 1, 2, '.', &slot) || !take_hex(&p, 1, 1, '\0', &function) ||
        slot > 0x1f || function > 7)
        return FALSE;
    *ret = (VgPciAddr){domain, (guint8)bus, (guint8)slot, (guint8)function};
    return TRUE;
}

const char *vg_pciaddr_format(const VgPciAddr *addr, char text[VG_PCIADDR_TEXT]) {
    snprintf(text, VG_PCIADDR_TEXT, "%04x:%02x:%02x.%x", addr->domain, addr->bus, addr->slot & 0x1fu,
             addr->function & 7u);
    return text;
}

int vg_pciaddr_compare(const VgPciAddr *a, const VgPciAddr *b) {
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    int x = a->bus << 16 | a->slot << 8 | a->function;
    int y = b->bus << 16 | b->slot << 8 | b->function;
    return (x > y) - (x < y);
}
