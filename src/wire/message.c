/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * message.c: a struct becomes a message, a message becomes a struct. Encoding writes once into a buffer that grows,
 * through an XDR stream of our own: libtirpc's memory stream would need the size beforehand.
 */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "wire/msgbuf.h"

enum { FIRST_ROOM = 256, SPARE = 1024 };

VgMsg *vg_msg_alloc(guint32 cap) {
    VgMsg *msg = g_malloc(sizeof *msg + cap);
    msg->refs = 1;
    msg->header = (VgMsgHeader){0};
    msg->len = 0;
    msg->cap = cap;
    return msg;
}

VgMsg *vg_msg_grow(VgMsg *msg, guint32 cap) {
    msg = g_realloc(msg, sizeof *msg + cap);
    msg->cap = cap;
    return msg;
}

void vg_msg_seal(VgMsg *msg) {
    const guint8 *p = msg->bytes;
    msg->header = (VgMsgHeader){
        .program = vg_word(p + 4),
        .version = vg_word(p + 8),
        .procedure = (gint32)vg_word(p + 12),
        .type = (VgMsgType)vg_word(p + 16),
        .serial = vg_word(p + 20),
        .status = (VgMsgStatus)vg_word(p + 24),
    };
}

VgMsg *vg_msg_ref(VgMsg *msg) {
    g_atomic_int_inc(&msg->refs);
    return msg;
}

void vg_msg_unref(VgMsg *msg) {
    if (msg != NULL && g_atomic_int_dec_and_test(&msg->refs))
        g_free(msg);
}

const VgMsgHeader *vg_msg_header(const VgMsg *msg) {
    return &msg->header;
}

const guint8 *vg_msg_bytes(const VgMsg *msg, gsize *ret_len) {
    if (ret_len != NULL)
        *ret_len = msg->len;
    return msg->bytes;
}

const guint8 *vg_msg_payload(const VgMsg *msg, gsize *ret_len) {
    if (ret_len != NULL)
        *ret_len = msg->len - VG_MSG_HEADER;
    return msg->bytes + VG_MSG_HEADER;
}

gsize vg_msg_memory(const VgMsg *msg) {
    return sizeof *msg + msg->cap;
}

VgMsg *vg_msg_from_bytes(const guint8 *data, gsize len, GError **error) {
    if (len < VG_MSG_HEADER || len > VG_MSG_MAX || vg_word(data) != len) {
        vg_set_error(error, VG_ERR_RPC, _("a message of %zu bytes whose length word does not say so"), len);
        return NULL;
    }
    VgMsg *msg = vg_msg_alloc((guint32)len);
    memcpy(msg->bytes, data, len);
    msg->len = (guint32)len;
    vg_msg_seal(msg);
    return msg;
}

/* --- the XDR stream that grows; x_private is the VgMsg ------------------------------------------------------------ */

static guint8 *stream_room(XDR *xdr, u_int len) {
    VgMsg *msg = xdr->x_private;
    if (len > msg->cap - msg->len) {
        if (len > VG_MSG_MAX - msg->len)
            return NULL;
        xdr->x_private = msg = vg_msg_grow(msg, MIN((guint32)VG_MSG_MAX, MAX(msg->cap * 2, msg->len + len)));
    }
    guint8 *p = msg->bytes + msg->len;
    msg->len += len;
    return p;
}

static bool_t stream_putlong(XDR *xdr, const long *value) {
    guint8 *p = stream_room(xdr, 4);
    if (p == NULL)
        return FALSE;
    vg_put_word(p, (guint32)*value);
    return TRUE;
}

static bool_t stream_putbytes(XDR *xdr, const char *data, u_int len) {
    guint8 *p = stream_room(xdr, len);
    if (p == NULL)
        return FALSE;
    if (len > 0)
        memcpy(p, data, len);
    return TRUE;
}

static u_int stream_getpostn(XDR *xdr) {
    const VgMsg *msg = xdr->x_private;
    return msg->len;
}

static int32_t *stream_inline(XDR *xdr, u_int len) {
    VgMsg *msg = xdr->x_private;
    /* An offset that is no multiple of four cannot come up: everything in XDR is padded to it. */
    return len > 0 && msg->len % 4 == 0 ? (int32_t *)(gpointer)stream_room(xdr, len) : NULL;
}

/* What an encoder never calls is refused. */
static bool_t stream_getlong(XDR *xdr, long *value) {
    return FALSE;
}
static bool_t stream_getbytes(XDR *xdr, char *data, u_int len) {
    return FALSE;
}
static bool_t stream_setpostn(XDR *xdr, u_int position) {
    return FALSE;
}
static void stream_destroy(XDR *xdr) {
}
static bool_t stream_control(XDR *xdr, int request, void *info) {
    return FALSE;
}

static const struct xdr_ops stream_ops = {
    .x_getlong = stream_getlong,
    .x_putlong = stream_putlong,
    .x_getbytes = stream_getbytes,
    .x_putbytes = stream_putbytes,
    .x_getpostn = stream_getpostn,
    .x_setpostn = stream_setpostn,
    .x_inline = stream_inline,
    .x_destroy = stream_destroy,
    .x_control = stream_control,
};

static void write_header(VgMsg *msg, const VgMsgHeader *header) {
    const guint32 words[VG_MSG_HEADER / 4] = {
        msg->len,       header->program,         header->version, (guint32)header->procedure, (guint32)header->type,
        header->serial, (guint32)header->status,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        vg_put_word(msg->bytes + 4 * i, words[i]);
    msg->header = *header;
}

VgMsg *vg_msg_encode(const VgMsgHeader *header, xdrproc_t proc, gconstpointer args, GError **error) {
    XDR xdr = {.x_op = XDR_ENCODE, .x_ops = (struct xdr_ops *)&stream_ops, .x_private = vg_msg_alloc(FIRST_ROOM)};
    stream_room(&xdr, VG_MSG_HEADER);
    /* Filters take their argument without const for the sake of decoding; encoding writes nothing. */
    gboolean ok = proc == NULL || proc(&xdr, (gpointer)args);
    VgMsg *msg = xdr.x_private;
    if (!ok) {
        vg_msg_unref(msg);
        vg_set_error(error, VG_ERR_RPC,
                     _("the message does not fit: over %d bytes, or a text or list in it is over its own limit"),
                     VG_MSG_MAX);
        return NULL;
    }
    write_header(msg, header);
    if (msg->cap - msg->len > SPARE)
        msg = vg_msg_grow(msg, msg->len);
    return msg;
}

VgMsg *vg_msg_encode_bytes(const VgMsgHeader *header, gconstpointer data, gsize len) {
    g_return_val_if_fail(len <= VG_MSG_MAX - VG_MSG_HEADER, NULL);
    VgMsg *msg = vg_msg_alloc(VG_MSG_HEADER + (guint32)len);
    msg->len = msg->cap;
    write_header(msg, header);
    if (len > 0)
        memcpy(msg->bytes + VG_MSG_HEADER, data, len);
    return msg;
}

gboolean vg_msg_decode(const VgMsg *msg, xdrproc_t proc, gpointer args, GError **error) {
    XDR xdr;
    xdrmem_create(&xdr, (char *)msg->bytes + VG_MSG_HEADER, msg->len - VG_MSG_HEADER, XDR_DECODE);
    if (proc(&xdr, args))
        return TRUE;
    xdr_free(proc, args);
    vg_set_error(error, VG_ERR_RPC, "%s", _("Unable to decode message payload"));
    return FALSE;
}
