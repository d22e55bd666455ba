/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * frame.c: any bytes, in any pieces, must give the same messages or the same end as in one piece, and never more memory
 * than twice what came. The first byte of the input says how large the pieces are. Built for libFuzzer by `make fuzz`;
 * with FUZZ_REPLAY it is a plain program that runs the files it is given, which `make check` does with the corpus.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "wire/frame.h"
#include "wire/msgbuf.h"

typedef struct {
    char *text;
    struct {
        u_int n;
        int *values;
    } list;
} Body;

/* Of every kind that libvirt's procedures are made of: a bounded text, a bounded list. */
static bool_t xdr_body(XDR *xdr, Body *body) {
    return xdr_string(xdr, &body->text, 4096) &&
           xdr_array(xdr, (char **)&body->list.values, &body->list.n, 1024, sizeof(int), (xdrproc_t)xdr_int);
}

static void decode(const VgMsg *msg) {
    Body body = {0};
    if (vg_msg_decode(msg, (xdrproc_t)xdr_body, &body, NULL)) {
        g_autoptr(VgMsg) back = vg_msg_encode(vg_msg_header(msg), (xdrproc_t)xdr_body, &body, NULL);
        g_assert_nonnull(back);
        g_assert_cmpuint(back->len, <=, msg->len);
        xdr_free((xdrproc_t)xdr_body, &body);
    }
}

typedef struct {
    guint messages;
    guint32 sum;
    VgFrameResult last;
} Outcome;

static gboolean feed(VgFrame *frame, Outcome *outcome, const guint8 *data, gsize len) {
    VgMsg *msg;
    while ((outcome->last = vg_frame_next(frame, &data, &len, &msg)) == VG_FRAME_WHOLE) {
        gsize whole;
        const guint8 *bytes = vg_msg_bytes(msg, &whole);
        g_assert_cmpuint(whole, ==, vg_word(bytes));
        for (gsize i = 0; i < whole; i++)
            outcome->sum = outcome->sum * 31 + bytes[i];
        outcome->messages++;
        decode(msg);
        vg_msg_unref(msg);
    }
    return outcome->last == VG_FRAME_MORE;
}

/* As the server does: large messages straight to their place, the rest through a buffer. */
static Outcome run(const guint8 *data, gsize len, gsize piece) {
    g_auto(VgFrame) frame = {0};
    Outcome outcome = {.last = VG_FRAME_MORE};
    for (gsize at = 0; at < len;) {
        guint8 *room;
        gsize n = MIN(piece, len - at), direct = MIN(vg_frame_room(&frame, &room), n);
        if (direct > 0) {
            memcpy(room, data + at, direct);
            vg_frame_filled(&frame, direct);
        }
        if (!feed(&frame, &outcome, data + at + direct, n - direct))
            break;
        at += n;
        if (frame.msg != NULL)
            g_assert_cmpuint(frame.msg->cap, <=, 2 * at + 32 * 1024);
    }
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    Outcome whole = run(data + 1, size - 1, size), pieces = run(data + 1, size - 1, (gsize)data[0] + 1);
    g_assert_cmpuint(whole.messages, ==, pieces.messages);
    g_assert_cmpuint(whole.sum, ==, pieces.sum);
    g_assert_cmpint(whole.last, ==, pieces.last);
    return 0;
}

#ifdef FUZZ_REPLAY
static void replay(gconstpointer path) {
    g_autofree char *data = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    g_autofree guint8 *exact = g_memdup2(data, len); /* without the NUL behind it, for ASAN */
    LLVMFuzzerTestOneInput(exact, len);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *folder = g_build_filename(srcdir != NULL ? srcdir : ".", "tests", "fuzz", "corpus", "frame", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    g_assert_no_error(error);
    guint n = 0;
    for (const char *name; (name = g_dir_read_name(dir)) != NULL; n++) {
        g_autofree char *test = g_strconcat("/fuzz/frame/", name, NULL);
        g_test_add_data_func_full(test, g_build_filename(folder, name, NULL), replay, g_free);
    }
    g_assert_cmpuint(n, >, 0);
    return g_test_run();
}
#endif
