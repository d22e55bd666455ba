/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.h: bytes that flow beside the calls of a connection: a guest's console, a picture. Source: libvirt's
 * docs/internals/rpc, "streams".
 *
 * A call opens a stream; after its reply both sides send messages of type STREAM with the call's program, version,
 * procedure and serial. CONTINUE carries bytes as they are; with none, that was the server's last. The client ends the
 * stream with OK (all it sent is to arrive) or ERROR (at once), which the server confirms with OK; or the server ends
 * it with ERROR and the reason. What comes for a stream that is over is dropped, as the two may cross.
 *
 * A stream here is a descriptor with two directions, and neither grows: it is read only while little waits to be sent
 * to the client (VG_STREAM_OUT), and while it does not take what the client sent, so much of that is kept
 * (VG_HELD_BYTES, all streams of a client together) and then the client is not read any more. A descriptor that cannot
 * be polled (a file) is read whenever there is room. Everything on the main loop.
 */
#pragma once

#include "wire/server.h"

enum { VG_STREAM_OUT = 256 * 1024 }; /* bytes that wait for a client when its streams stop being read */

typedef struct VgStream VgStream;

typedef enum { VG_STREAM_READ, VG_STREAM_BOTH } VgStreamWay; /* what the client does with it */

typedef struct {
    /* The message that tells @error; @header is that of the message. */
    VgMsg *(*failed)(const VgMsgHeader *header, const GError *error);
    /* Once: nothing flows any more, whoever ended it; the VgStream is not the caller's any more, the descriptor may be
     * closed. Ends no other stream. */
    void (*over)(gpointer data);
} VgStreamHandler;

/*
 * A stream for the call with the header @call; its reply is sent after this and before the loop turns. @fd:
 * non-blocking, or a file; borrowed until `over`. OPERATION_FAILED: too many streams; RPC: the client has one with this
 * serial. Then `over` is not called.
 */
VgStream *vg_stream_new(VgClient *client, const VgMsgHeader *call, int fd, VgStreamWay way,
                        const VgStreamHandler *handler, gpointer data, GError **error);
/* Ends it from our side: with @error, or as at the end of a file if that is NULL. Calls `over`. */
void vg_stream_end(VgStream *stream, const GError *error);
/* Of @client, also those that wait for its last word. */
guint vg_client_streams(const VgClient *client);
