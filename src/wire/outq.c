/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* outq.c: a ring of references. Bytes of a message shared by many clients are counted for each: the bound must not
 * depend on the others. */
#include "config.h"

#include "wire/outq.h"

enum { FIRST_CAP = 8 };

static gsize cost(const VgMsg *msg) {
    return vg_msg_memory(msg) + sizeof(VgMsg *);
}

/* Only events come unasked: a reply answers a call, and a stream is only read while there is room. */
static gboolean is_asked(const VgMsg *msg) {
    return vg_msg_header(msg)->type != VG_MSG_EVENT;
}

static VgMsg *at(const VgOutq *queue, guint i) {
    return queue->ring[(queue->head + i) & (queue->cap - 1)];
}

static void grow(VgOutq *queue) {
    guint cap = MAX(queue->cap * 2, (guint)FIRST_CAP);
    VgMsg **ring = g_new(VgMsg *, cap);
    for (guint i = 0; i < queue->count; i++)
        ring[i] = at(queue, i);
    g_free(queue->ring);
    queue->ring = ring;
    queue->cap = cap;
    queue->head = 0;
}

void vg_outq_push(VgOutq *queue, VgMsg *msg, gsize sent) {
    if (queue->count == queue->cap)
        grow(queue);
    queue->ring[(queue->head + queue->count) & (queue->cap - 1)] = vg_msg_ref(msg);
    queue->count++;
    queue->sent += sent;
    queue->bytes += cost(msg);
    queue->unasked += is_asked(msg) ? 0 : cost(msg);
}

guint vg_outq_pieces(const VgOutq *queue, struct iovec *pieces, guint max, gsize *ret_len) {
    guint n = MIN(queue->count, max);
    gsize total = 0;
    for (guint i = 0; i < n; i++) {
        gsize len, skip = i == 0 ? queue->sent : 0;
        const guint8 *bytes = vg_msg_bytes(at(queue, i), &len);
        pieces[i] = (struct iovec){.iov_base = (gpointer)(bytes + skip), .iov_len = len - skip};
        total += len - skip;
    }
    *ret_len = total;
    return n;
}

void vg_outq_advance(VgOutq *queue, gsize len) {
    len += queue->sent;
    while (queue->count > 0) {
        VgMsg *msg = at(queue, 0);
        gsize whole;
        vg_msg_bytes(msg, &whole);
        if (len < whole)
            break;
        len -= whole;
        queue->bytes -= cost(msg);
        queue->unasked -= is_asked(msg) ? 0 : cost(msg);
        queue->head = (queue->head + 1) & (queue->cap - 1);
        queue->count--;
        vg_msg_unref(msg);
    }
    queue->sent = len;
}

void vg_outq_clear(VgOutq *queue) {
    for (guint i = 0; i < queue->count; i++)
        vg_msg_unref(at(queue, i));
    g_free(queue->ring);
    *queue = (VgOutq){0};
}
