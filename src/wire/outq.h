/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* outq.h: what waits to be written to one client: references to messages, the first perhaps sent in part. Zeroed is
 * empty. */
#pragma once

#include <sys/uio.h>

#include "wire/message.h"

typedef struct {
    VgMsg **ring;
    guint cap, head, count; /* cap: 0 or a power of two */
    gsize sent;             /* bytes of the first message that are out */
    gsize bytes;            /* memory of all of them */
    /* That part of it which is neither reply nor stream: it comes however much waits already. */
    gsize unasked;
} VgOutq;

/* Takes a reference. @sent: so many bytes of it are out already (only into an empty queue). */
void vg_outq_push(VgOutq *queue, VgMsg *msg, gsize sent);
/* The first bytes to write, at most @max pieces. Returns how many, and their sum. */
guint vg_outq_pieces(const VgOutq *queue, struct iovec *pieces, guint max, gsize *ret_len);
/* @len bytes more are out. */
void vg_outq_advance(VgOutq *queue, gsize len);
void vg_outq_clear(VgOutq *queue);
