/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* msgbuf.h: the inside of a VgMsg, for message.c (which makes them of structs) and frame.c (of bytes that arrive). */
#pragma once

#include "wire/message.h"

struct VgMsg {
    gint refs; /* atomic: bulk replies are encoded by workers */
    VgMsgHeader header;
    guint32 len; /* bytes in use */
    guint32 cap; /* room behind the struct */
    guint8 bytes[] __attribute__((aligned(8)));
};

static inline guint32 vg_word(const guint8 *p) {
    return (guint32)p[0] << 24 | (guint32)p[1] << 16 | (guint32)p[2] << 8 | p[3];
}
static inline void vg_put_word(guint8 *p, guint32 word) {
    word = GUINT32_TO_BE(word);
    memcpy(p, &word, sizeof word);
}

/* One reference, nothing in it yet. */
VgMsg *vg_msg_alloc(guint32 cap);
/* May move; only while nobody else holds it. */
VgMsg *vg_msg_grow(VgMsg *msg, guint32 cap);
/* All bytes are there: reads the header out of them. */
void vg_msg_seal(VgMsg *msg);
