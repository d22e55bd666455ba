/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-proc-garbage.c: every procedure gets arguments nobody meant: random bytes, zeros with a few changes, lengths
 * beyond the end. Each call is answered, and nothing breaks. The seed is printed by GLib and set with --seed.
 */
#include "config.h"
#include "proc-fixture.h"

enum { ROUNDS = 10000, BATCH = 32, PAYLOAD_MAX = 192 };

static const guint32 lengths[] = {0, 1, 4, 15, 0x00400000, 0x00400001, 0x7fffffff, 0x80000000, 0xffffffff};

static gsize fill(guint8 *payload) {
    gsize len = (gsize)g_test_rand_int_range(0, PAYLOAD_MAX);
    memset(payload, 0, len);
    if (g_test_rand_bit()) {
        for (gsize i = 0; i < len; i++)
            payload[i] = (guint8)g_test_rand_int_range(0, 256);
    }
    for (int changes = g_test_rand_int_range(0, 6); changes > 0 && len >= 4; changes--) {
        guint32 word = GUINT32_TO_BE(lengths[g_test_rand_int_range(0, (int)G_N_ELEMENTS(lengths))]);
        memcpy(payload + (gsize)g_test_rand_int_range(0, (int)(len / 4)) * 4, &word, 4);
    }
    if (g_test_rand_bit() && len >= 24) { /* a domain that exists */
        memset(payload, 0, 4);
        memcpy(payload + 4, fake_alpha.b, VG_UUID_LEN);
    }
    return len;
}

static void put_word(guint8 *p, guint32 word) {
    word = GUINT32_TO_BE(word);
    memcpy(p, &word, 4);
}

static void send_garbage(Peer *peer, guint32 program, gint32 procedure) {
    guint8 bytes[VG_MSG_HEADER + PAYLOAD_MAX];
    gsize len = VG_MSG_HEADER + fill(bytes + VG_MSG_HEADER);
    const guint32 words[] = {(guint32)len, program, 1, (guint32)procedure, VG_MSG_CALL, ++peer->serial, VG_MSG_OK};
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        put_word(bytes + 4 * i, words[i]);
    peer_send_bytes(peer, bytes, len);
}

static void expect_replies(Peer *peer, guint n) {
    for (guint i = 0; i < n; i++) {
        g_autoptr(VgMsg) msg = peer_receive(peer, PEER_PATIENCE_MS);
        g_assert_nonnull(msg);
    }
}

static void run_row(guint32 program, gint32 procedure) {
    Fake *fake = fake_new();
    fake->mode = g_test_rand_bit() ? FAKE_NOW : FAKE_LATER;
    Peer *peer = peer_new(fake, FALSE);
    if (procedure != 1)
        peer_open(peer);
    for (int i = 0; i < ROUNDS; i += BATCH) {
        for (int j = 0; j < BATCH; j++)
            send_garbage(peer, program, procedure);
        expect_replies(peer, BATCH);
        g_string_truncate(fake->log, 0);
    }
    peer_free(peer);
    fake_free(fake);
}

static void test_garbage(void) {
    static const guint32 programs[] = {VG_REMOTE_PROGRAM, GRID_PROGRAM};
    for (gsize p = 0; p < G_N_ELEMENTS(programs); p++) {
        gsize n;
        const VgRow *rows = vg_table_rows(programs[p], &n);
        for (gsize i = 0; i < n; i++) {
            /* CONNECT_CLOSE takes nothing and ends the connection. */
            if (rows[i].name != NULL && !(programs[p] == VG_REMOTE_PROGRAM && i == 2))
                run_row(programs[p], (gint32)i);
        }
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/proc/garbage", test_garbage);
    return g_test_run();
}
