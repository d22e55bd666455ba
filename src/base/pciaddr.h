/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pciaddr.h: a PCI address (segment, bus, slot, function) and the kernel's text form 0000:05:00.0. */
#pragma once

#include <glib.h>

typedef struct {
    guint32 domain; /* may exceed 0xffff (VMD) */
    guint8 bus, slot, function;
} VgPciAddr;

#define VG_PCIADDR_TEXT 20

/* "0000:05:00.0" or "05:00.0"; nothing before or after. */
gboolean vg_pciaddr_parse(const char *text, VgPciAddr *ret);
const char *vg_pciaddr_format(const VgPciAddr *addr, char text[VG_PCIADDR_TEXT]);
/* <0, 0, >0 in the order domain, bus, slot, function. */
int vg_pciaddr_compare(const VgPciAddr *a, const VgPciAddr *b);
