/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * message.h: one libvirt RPC message: 4 bytes length (of the whole, itself included), six words of header, payload
 * (XDR). Source: libvirt's docs/internals/rpc, "packet framing". All big endian. A message is written once and then
 * only read.
 */
#pragma once

#include <glib.h>
#include <rpc/rpc.h>

#include "base/error.h"

#define VG_MSG_HEADER 28
#define VG_MSG_MAX (32 * 1024 * 1024 + 4)

typedef enum {
    VG_MSG_CALL = 0,
    VG_MSG_REPLY,
    VG_MSG_EVENT,
    VG_MSG_STREAM,
    VG_MSG_CALL_WITH_FDS,
    VG_MSG_REPLY_WITH_FDS,
    VG_MSG_STREAM_HOLE
} VgMsgType;
typedef enum { VG_MSG_OK = 0, VG_MSG_ERROR, VG_MSG_CONTINUE } VgMsgStatus;

typedef struct {
    guint32 program, version;
    gint32 procedure;
    VgMsgType type;
    guint32 serial;
    VgMsgStatus status;
} VgMsgHeader;

/* A reference-counted buffer with the whole message, so that an event is encoded once for all subscribers. */
typedef struct VgMsg VgMsg;

/* Encodes @header and, if @proc is not NULL, @args behind it. NULL (RPC) if it does not encode or is over the limit. */
VgMsg *vg_msg_encode(const VgMsgHeader *header, xdrproc_t proc, gconstpointer args, GError **error);
/* Encodes @header, and @data behind it as it is: what a stream carries. It fits. */
VgMsg *vg_msg_encode_bytes(const VgMsgHeader *header, gconstpointer data, gsize len);
/* @data: the whole message, length word included; copied. For readers of the wire and tests. */
VgMsg *vg_msg_from_bytes(const guint8 *data, gsize len, GError **error);
VgMsg *vg_msg_ref(VgMsg *msg);
void vg_msg_unref(VgMsg *msg);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgMsg, vg_msg_unref)

const VgMsgHeader *vg_msg_header(const VgMsg *msg);
const guint8 *vg_msg_bytes(const VgMsg *msg, gsize *ret_len);   /* the whole */
const guint8 *vg_msg_payload(const VgMsg *msg, gsize *ret_len); /* behind the header */
gsize vg_msg_memory(const VgMsg *msg);                          /* that it takes */

/* Decodes the payload into @args (zeroed by the caller); on failure everything half decoded is already freed. RPC:
 * "Unable to decode message payload". */
gboolean vg_msg_decode(const VgMsg *msg, xdrproc_t proc, gpointer args, GError **error);
