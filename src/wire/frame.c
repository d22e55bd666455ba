/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* frame.c: cuts the stream at the length words. Most messages are whole in one read and are copied once; only a tail
 * waits here. */
#include "config.h"

#include <string.h>

#include "wire/frame.h"
#include "wire/msgbuf.h"

enum { WORD = 4, FIRST_ROOM = 256, LARGE = 16 * 1024 };

static gboolean length_good(guint32 length) {
    return length >= VG_MSG_HEADER && length <= VG_MSG_MAX;
}

/* How long the message in the making will be; 4 while the length word itself is incomplete. */
static guint32 wanted(const VgMsg *msg) {
    return msg->len < WORD ? WORD : vg_word(msg->bytes);
}

static void ensure_room(VgFrame *frame, guint32 more) {
    VgMsg *msg = frame->msg;
    if (msg->cap - msg->len >= more)
        return;
    guint32 cap = MAX(msg->cap * 2, msg->len + more);
    frame->msg = vg_msg_grow(msg, msg->len < WORD ? cap : MIN(cap, wanted(msg)));
}

static void append(VgFrame *frame, const guint8 **data, gsize *len) {
    if (frame->msg == NULL)
        frame->msg = vg_msg_alloc(FIRST_ROOM);
    guint32 n = (guint32)MIN(*len, (gsize)(wanted(frame->msg) - frame->msg->len));
    ensure_room(frame, n);
    memcpy(frame->msg->bytes + frame->msg->len, *data, n);
    frame->msg->len += n;
    *data += n;
    *len -= n;
}

static VgFrameResult finish(VgFrame *frame, VgMsg **ret) {
    *ret = g_steal_pointer(&frame->msg);
    vg_msg_seal(*ret);
    return VG_FRAME_WHOLE;
}

VgFrameResult vg_frame_next(VgFrame *frame, const guint8 **data, gsize *len, VgMsg **ret) {
    *ret = NULL;
    if (frame->msg == NULL && *len >= WORD) {
        guint32 length = vg_word(*data);
        if (!length_good(length))
            return VG_FRAME_BAD;
        if (length <= *len) {
            VgMsg *msg = frame->msg = vg_msg_alloc(length);
            memcpy(msg->bytes, *data, length);
            msg->len = length;
            *data += length;
            *len -= length;
            return finish(frame, ret);
        }
    }
    /* Twice at most: up to the length word, then what belongs to the message. */
    for (int i = 0; i < 2; i++) {
        if (*len > 0 && (frame->msg == NULL || frame->msg->len < wanted(frame->msg)))
            append(frame, data, len);
        if (frame->msg == NULL || frame->msg->len < WORD)
            return VG_FRAME_MORE;
        if (!length_good(wanted(frame->msg)))
            return VG_FRAME_BAD;
        if (frame->msg->len == wanted(frame->msg))
            return finish(frame, ret);
    }
    return VG_FRAME_MORE;
}

gsize vg_frame_room(VgFrame *frame, guint8 **ret) {
    if (frame->msg == NULL || frame->msg->len < WORD)
        return 0;
    guint32 left = wanted(frame->msg) - frame->msg->len;
    if (left < LARGE)
        return 0;
    if (frame->msg->cap - frame->msg->len < LARGE)
        frame->msg = vg_msg_grow(frame->msg, frame->msg->len + MIN(left, MAX(frame->msg->len, (guint32)LARGE)));
    *ret = frame->msg->bytes + frame->msg->len;
    return frame->msg->cap - frame->msg->len;
}

void vg_frame_filled(VgFrame *frame, gsize n) {
    if (frame->msg != NULL)
        frame->msg->len += (guint32)n;
}

gsize vg_frame_held(const VgFrame *frame) {
    return frame->msg != NULL ? frame->msg->cap : 0;
}

void vg_frame_clear(VgFrame *frame) {
    g_clear_pointer(&frame->msg, vg_msg_unref);
}
