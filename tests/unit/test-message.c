/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-message.c: encoding, decoding, and cutting a stream into messages, however it is torn. */
#include "config.h"

#include <string.h>

#include "wire/frame.h"
#include "wire/msgbuf.h"

static const VgMsgHeader call = {
    .program = 0x20008086, .version = 1, .procedure = 66, .type = VG_MSG_CALL, .serial = 7};

static bool_t xdr_name(XDR *xdr, char **name) {
    return xdr_string(xdr, name, 64 * 1024 * 1024);
}

static void test_header_is_bytes_of_the_protocol(void) {
    static const guint8 expected[] = {0, 0,  0, 28, 0x20, 0, 0x80, 0x86, 0, 0, 0, 1, 0, 0,
                                      0, 66, 0, 0,  0,    0, 0,    0,    0, 7, 0, 0, 0, 0};
    g_autoptr(VgMsg) msg = vg_msg_encode(&call, NULL, NULL, NULL);
    gsize len;
    const guint8 *bytes = vg_msg_bytes(msg, &len);
    g_assert_cmpuint(len, ==, sizeof expected);
    g_assert_cmpint(memcmp(bytes, expected, sizeof expected), ==, 0);
    vg_msg_payload(msg, &len);
    g_assert_cmpuint(len, ==, 0);
}

static void test_round_trip(void) {
    const gsize sizes[] = {0, 1, 3, 4, 227, 228, 229, 5000, 1 << 20};
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *name = g_strnfill(sizes[i], 'x');
        g_autoptr(VgMsg) msg = vg_msg_encode(&call, (xdrproc_t)xdr_name, &name, NULL);
        gsize len;
        const guint8 *bytes = vg_msg_bytes(msg, &len);
        g_assert_cmpuint(len, ==, VG_MSG_HEADER + 4 + (sizes[i] + 3) / 4 * 4);
        g_assert_cmpuint(vg_word(bytes), ==, len);
        g_autoptr(VgMsg) copy = vg_msg_from_bytes(bytes, len, NULL);
        g_assert_cmpint(vg_msg_header(copy)->procedure, ==, 66);
        g_assert_cmpuint(vg_msg_header(copy)->serial, ==, 7);
        char *back = NULL;
        g_assert_true(vg_msg_decode(copy, (xdrproc_t)xdr_name, &back, NULL));
        g_assert_cmpstr(back, ==, name);
        xdr_free((xdrproc_t)xdr_name, &back);
    }
}

static void test_too_large_is_refused(void) {
    g_autofree char *name = g_strnfill(VG_MSG_MAX, 'x');
    g_autoptr(GError) error = NULL;
    g_assert_null(vg_msg_encode(&call, (xdrproc_t)xdr_name, &name, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RPC);
}

static void test_bad_payload(void) {
    /* A text that claims more than there is. */
    guint8 bytes[VG_MSG_HEADER + 8] = {0};
    vg_put_word(bytes, sizeof bytes);
    vg_put_word(bytes + VG_MSG_HEADER, 100);
    g_autoptr(VgMsg) msg = vg_msg_from_bytes(bytes, sizeof bytes, NULL);
    g_autoptr(GError) error = NULL;
    char *name = NULL;
    g_assert_false(vg_msg_decode(msg, (xdrproc_t)xdr_name, &name, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RPC);
    g_assert_cmpstr(error->message, ==, "Unable to decode message payload");
    g_assert_null(name);
    g_clear_error(&error);
    g_assert_null(vg_msg_from_bytes(bytes, sizeof bytes - 1, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RPC);
}

/* Three messages, in pieces of every size. */
static void test_torn_stream(void) {
    g_autoptr(GByteArray) stream = g_byte_array_new();
    const gsize lengths[] = {0, 5, 700};
    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *name = g_strnfill(lengths[i], (char)('a' + i));
        g_autoptr(VgMsg) msg = vg_msg_encode(&call, (xdrproc_t)xdr_name, &name, NULL);
        gsize len;
        const guint8 *bytes = vg_msg_bytes(msg, &len);
        g_byte_array_append(stream, bytes, (guint)len);
    }
    for (gsize piece = 1; piece <= stream->len; piece++) {
        g_auto(VgFrame) frame = {0};
        guint found = 0;
        for (gsize at = 0; at < stream->len; at += piece) {
            gsize len = MIN(piece, stream->len - at);
            g_autofree guint8 *copy = g_memdup2(stream->data + at, len); /* for ASAN */
            const guint8 *data = copy;
            VgMsg *msg;
            while (vg_frame_next(&frame, &data, &len, &msg) == VG_FRAME_WHOLE) {
                char *name = NULL;
                g_assert_true(vg_msg_decode(msg, (xdrproc_t)xdr_name, &name, NULL));
                g_assert_cmpuint(strlen(name), ==, lengths[found++]);
                xdr_free((xdrproc_t)xdr_name, &name);
                vg_msg_unref(msg);
            }
            g_assert_cmpuint(len, ==, 0);
        }
        g_assert_cmpuint(found, ==, G_N_ELEMENTS(lengths));
        g_assert_null(frame.msg);
    }
}

static void test_bad_lengths(void) {
    const guint32 bad[] = {0, 1, 27, VG_MSG_MAX + 1, 0x80000000u, G_MAXUINT32};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        for (gsize first = 1; first <= 4; first++) {
            g_auto(VgFrame) frame = {0};
            guint8 word[4];
            vg_put_word(word, bad[i]);
            const guint8 *data = word;
            gsize len = first;
            VgMsg *msg;
            VgFrameResult result = vg_frame_next(&frame, &data, &len, &msg);
            if (first < 4) {
                g_assert_cmpint(result, ==, VG_FRAME_MORE);
                len = 4 - first;
                result = vg_frame_next(&frame, &data, &len, &msg);
            }
            g_assert_cmpint(result, ==, VG_FRAME_BAD);
        }
}

/* The length word alone costs nothing; memory follows what came, both ways of feeding. */
static void test_memory_follows_bytes(void) {
    g_auto(VgFrame) frame = {0};
    guint8 word[4];
    vg_put_word(word, VG_MSG_MAX);
    const guint8 *data = word;
    gsize len = sizeof word;
    VgMsg *msg;
    g_assert_cmpint(vg_frame_next(&frame, &data, &len, &msg), ==, VG_FRAME_MORE);
    g_assert_cmpuint(frame.msg->cap, <=, 1024);

    static guint8 chunk[10000];
    data = chunk;
    len = sizeof chunk;
    g_assert_cmpint(vg_frame_next(&frame, &data, &len, &msg), ==, VG_FRAME_MORE);
    while (frame.msg->len < VG_MSG_MAX) {
        guint8 *room;
        gsize n = vg_frame_room(&frame, &room);
        g_assert_cmpuint(frame.msg->cap, <=, 2 * frame.msg->len + 32 * 1024);
        if (n == 0)
            break;
        memset(room, 0, n);
        vg_frame_filled(&frame, n);
    }
    data = chunk;
    len = sizeof chunk;
    g_assert_cmpint(vg_frame_next(&frame, &data, &len, &msg), ==, VG_FRAME_WHOLE);
    g_assert_cmpuint(msg->len, ==, VG_MSG_MAX);
    vg_msg_unref(msg);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/message/header", test_header_is_bytes_of_the_protocol);
    g_test_add_func("/message/round-trip", test_round_trip);
    g_test_add_func("/message/too-large", test_too_large_is_refused);
    g_test_add_func("/message/bad-payload", test_bad_payload);
    g_test_add_func("/frame/torn-stream", test_torn_stream);
    g_test_add_func("/frame/bad-lengths", test_bad_lengths);
    g_test_add_func("/frame/memory", test_memory_follows_bytes);
    return g_test_run();
}
