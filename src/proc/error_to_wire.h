/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error_to_wire.h: the one place where a GError becomes libvirt's error reply. */
#pragma once

#include "wire/message.h"

/* libvirt's virErrorDomain of who speaks: the RPC layer, a stream, or the Xen driver (LIBXL: clients remap codes of
 * the older name XEN). */
typedef enum { VG_FROM_RPC = 7, VG_FROM_STREAMS = 38, VG_FROM_LIBXL = 41 } VgFrom;

/* The reply to @call, or, if that is a message of a stream, the message that ends it. The text is libvirt's title of
 * the code and the message; valid UTF-8, cut where it would be longer than a person reads. */
VgMsg *vg_error_to_wire(const VgMsgHeader *call, VgFrom from, const GError *error);
