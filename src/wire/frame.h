/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * frame.h: from a stream of bytes to whole messages. Holds at most one message in the making; memory follows the bytes
 * that came (never more than twice of them and a few KiB), whatever the length word promises. Zeroed is empty.
 */
#pragma once

#include "wire/message.h"

typedef struct {
    VgMsg *msg; /* in the making, or NULL between two messages */
} VgFrame;

typedef enum { VG_FRAME_MORE, VG_FRAME_WHOLE, VG_FRAME_BAD } VgFrameResult;

/*
 * Takes from *data, *len what the next message needs. WHOLE: *ret is it (the caller's); call again, more may follow.
 * MORE: everything was taken. BAD: a length word below the header's size or over the limit; the stream is lost.
 */
VgFrameResult vg_frame_next(VgFrame *frame, const guint8 **data, gsize *len, VgMsg **ret);

/*
 * The rest of a large message may be read straight to its place: how many bytes fit at *ret now, 0 if none is under
 * way. After a read call vg_frame_filled() with what came, then vg_frame_next() as ever.
 */
gsize vg_frame_room(VgFrame *frame, guint8 **ret);
void vg_frame_filled(VgFrame *frame, gsize n);

/* Memory of the message in the making. */
gsize vg_frame_held(const VgFrame *frame);

void vg_frame_clear(VgFrame *frame);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgFrame, vg_frame_clear)
