/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-proc.c: what holds for every row of the table, the life of connections and slow calls, the fan-out of events. */
#include "config.h"
#include "proc-fixture.h"

/* The fan-out encodes once for all: counted at the linker's seam. */
static guint encoded;
VgMsg *__real_vg_msg_encode(const VgMsgHeader *header, xdrproc_t proc, gconstpointer args, GError **error);
VgMsg *__wrap_vg_msg_encode(const VgMsgHeader *header, xdrproc_t proc, gconstpointer args, GError **error);
VgMsg *__wrap_vg_msg_encode(const VgMsgHeader *header, xdrproc_t proc, gconstpointer args, GError **error) {
    encoded++;
    return __real_vg_msg_encode(header, proc, args, error);
}

static const guint8 zeros[256];

/* Any call with arguments of zeros: no strings, empty lists, flags 0; what is too long is ignored. Returns 0 or the
 * error's code. */
static int ask_zeros(Peer *peer, guint32 program, gint32 procedure) {
    VgMsgHeader header = {program, 1, procedure, VG_MSG_CALL, ++peer->serial, VG_MSG_OK};
    g_autoptr(GError) error = NULL;
    g_autoptr(VgMsg) head = vg_msg_encode(&header, NULL, NULL, &error);
    gsize len;
    g_autofree guint8 *bytes = g_memdup2(vg_msg_bytes(head, &len), VG_MSG_HEADER);
    bytes[2] = (VG_MSG_HEADER + sizeof(zeros)) >> 8;
    bytes[3] = (VG_MSG_HEADER + sizeof(zeros)) & 0xff;
    peer_send_bytes(peer, bytes, VG_MSG_HEADER);
    peer_send_bytes(peer, zeros, sizeof(zeros));
    g_autoptr(VgMsg) reply = peer_receive(peer, PEER_PATIENCE_MS);
    g_assert_nonnull(reply);
    if (vg_msg_header(reply)->status == VG_MSG_OK)
        return 0;
    remote_error body = {0};
    g_assert_true(vg_msg_decode(reply, (xdrproc_t)xdr_remote_error, &body, &error));
    int code = body.code;
    g_assert_nonnull(body.message);
    xdr_free((xdrproc_t)xdr_remote_error, (char *)&body);
    return code;
}

typedef void (*RowTest)(guint32 program, gint32 number, const VgRow *row);

static void each_row(RowTest test) {
    static const guint32 programs[] = {VG_REMOTE_PROGRAM, GRID_PROGRAM};
    for (gsize p = 0; p < G_N_ELEMENTS(programs); p++) {
        gsize n;
        const VgRow *rows = vg_table_rows(programs[p], &n);
        g_assert_nonnull(rows);
        for (gsize i = 0; i < n; i++) {
            if (rows[i].name != NULL)
                test(programs[p], (gint32)i, &rows[i]);
        }
    }
}

static void row_is_complete(guint32 program, gint32 number, const VgRow *row) {
    int kinds = (row->fast != NULL) + (row->slow != NULL) + (row->stream != NULL);
    if (kinds != 1 || row->args_proc == NULL || row->needs == NULL || (row->fast != NULL && row->ret_proc == NULL))
        g_error("%x %d %s: the row lacks a handler, a type or what it needs", program, number, row->name);
    /* What changes something waits for the disk or for Xen, and is nothing for readers; gridctl's lists only look. */
    if (program == VG_REMOTE_PROGRAM && row->fast == NULL && row->who != VG_WHO_WRITER)
        g_error("%d %s: changes something, but any reader may call it", number, row->name);
}

/* Written down once more, by hand: what the first release promises. */
static void test_table(void) {
    static const int promised[] = {
        1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,
        23,  24,  25,  26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  37,  51,  53,  54,  55,  56,  57,  58,  59,
        60,  64,  65,  66,  102, 105, 106, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 122, 123, 124, 149,
        150, 151, 157, 159, 160, 161, 163, 164, 167, 168, 174, 182, 183, 184, 187, 196, 199, 200, 201, 202, 204, 211,
        212, 219, 223, 225, 230, 231, 232, 233, 234, 235, 236, 258, 264, 265, 273, 285, 293, 298, 301, 316, 317, 334,
        342, 344, 350, 360, 361, 374, 375, 388, 389, 392, 419, 426, 428, 429, 430, 433, 434, 435, 436};
    gsize n, rows_with_name = 0;
    const VgRow *rows = vg_table_rows(VG_REMOTE_PROGRAM, &n);
    for (gsize i = 0; i < G_N_ELEMENTS(promised); i++) {
        if ((gsize)promised[i] >= n || rows[promised[i]].name == NULL)
            g_error("procedure %d has no row", promised[i]);
    }
    for (gsize i = 0; i < n; i++)
        rows_with_name += rows[i].name != NULL;
    g_assert_cmpuint(rows_with_name, ==, G_N_ELEMENTS(promised));
    each_row(row_is_complete);
}

/* Runs @test with a new driver and one connection of it. */
/* By hand, too: what libvirt itself denies to read-only connections, and gridctl's look at a whole configuration. */
static gboolean changes_something(guint32 program, gint32 number) {
    static const int denied[] = {8,   9,   10,  11,  12,  13,  26,  27,  28,  29,  30,  31,  32,  33,  34,
                                 35,  53,  54,  55,  58,  118, 119, 120, 123, 124, 160, 161, 164, 174, 182,
                                 184, 196, 199, 201, 204, 211, 219, 225, 231, 232, 233, 234, 235, 236, 258,
                                 264, 301, 334, 342, 350, 388, 389, 392, 428, 429, 430, 434};
    for (gsize i = 0; i < G_N_ELEMENTS(denied); i++) {
        if (program == VG_REMOTE_PROGRAM && number == denied[i])
            return TRUE;
    }
    return program == GRID_PROGRAM &&
           (number == GRID_PROC_CONFIG || number == GRID_PROC_ORDER || number == GRID_PROC_CHECK);
}

static void row_before_open(guint32 program, gint32 number, const VgRow *row) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    int code = ask_zeros(peer, program, number);
    if (row->who == VG_WHO_ANYONE)
        g_assert_cmpint(code, ==, number == 60 ? VG_ERR_INTERNAL_ERROR : 0);
    else
        g_assert_cmpint(code, ==, VG_ERR_INTERNAL_ERROR);
    peer_free(peer);
    fake_free(fake);
}

static void row_read_only(guint32 program, gint32 number, const VgRow *row) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, TRUE);
    peer_open(peer);
    g_string_truncate(fake->log, 0);
    int code = ask_zeros(peer, program, number);
    if (changes_something(program, number)) {
        g_assert_cmpint(code, ==, VG_ERR_OPERATION_DENIED);
        g_assert_cmpstr(fake->log->str, ==, "");
    } else {
        g_assert_cmpint(code, !=, VG_ERR_OPERATION_DENIED);
    }
    peer_free(peer);
    fake_free(fake);
}

static void row_reaches_driver(guint32 program, gint32 number, const VgRow *row) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    int code = ask_zeros(peer, program, number);
    /* Zeros name no domain and no device, and were never subscribed to; everything else works. */
    gboolean fine = code == 0 || code == VG_ERR_NO_DOMAIN || code == VG_ERR_NO_NODE_DEVICE ||
                    (number == 1 && code == VG_ERR_INTERNAL_ERROR) ||
                    ((number == 106 || number == 168 || number == 317 || number == 375) && code == VG_ERR_INVALID_ARG);
    if (!fine)
        g_error("%x %d %s: error %d", program, number, row->name, code);
    peer_free(peer);
    fake_free(fake);
}

static void row_of_poor_driver(guint32 program, gint32 number, const VgRow *row) {
    Fake *fake = fake_new();
    VgDriver poor = {.struct_size = sizeof(VgDriver), .name = "poor", .schemes = fake->driver.schemes};
    poor.open = fake->driver.open;
    poor.close = fake->driver.close;
    fake->driver = poor;
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    int code = ask_zeros(peer, program, number);
    if (g_strcmp0(row->needs, "open") == 0)
        g_assert_cmpint(code, !=, VG_ERR_NO_SUPPORT);
    else
        g_assert_cmpint(code, ==, VG_ERR_NO_SUPPORT);
    peer_free(peer);
    fake_free(fake);
}

static void test_rows(gconstpointer test) {
    RowTest function;
    memcpy(&function, test, sizeof(function));
    each_row(function);
}

/* --- connections and slow calls ----------------------------------------------------------------------------------- */

static remote_domain_args domain(const VgUuid *uuid) {
    static char name[] = "stale";
    remote_domain_args args = {.dom = {.name = name, .id = 99}};
    memcpy(args.dom.uuid, uuid->b, sizeof(args.dom.uuid));
    return args;
}

static void test_session(void) {
    Fake *fake = fake_new();
    Peer *silent = peer_new(fake, FALSE), *peer = peer_new(fake, FALSE);
    g_assert_cmpuint(vg_proc_sessions(fake->proc), ==, 0);
    peer_open(peer);
    g_assert_cmpuint(vg_proc_sessions(fake->proc), ==, 1);
    g_assert_cmpuint(fake->sessions, ==, 1);
    g_assert_cmpint(peer_ask(peer, 2, NULL, NULL, NULL, NULL), ==, 0);
    g_assert_true(peer_is_closed(peer));
    peer_settle();
    peer_free(peer);
    g_assert_cmpuint(vg_proc_sessions(fake->proc), ==, 0);
    g_assert_cmpuint(fake->sessions, ==, 0);

    peer = peer_new(fake, FALSE);
    peer_open(peer);
    peer_free(peer); /* just hangs up */
    g_assert_cmpuint(fake->sessions, ==, 0);
    peer_free(silent);
    fake_free(fake);
}

static void test_slow_does_not_hold_others(void) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    fake->mode = FAKE_HELD;
    remote_domain_args beta = domain(&fake_beta);
    peer_call(peer, 9, (xdrproc_t)xdr_remote_domain_args, &beta);
    guint32 create = peer->serial;
    g_assert_cmpint(peer_ask(peer, 157, NULL, NULL, NULL, NULL), ==, 0); /* overtakes */
    fake_release(fake);
    g_autoptr(VgMsg) reply = peer_receive(peer, PEER_PATIENCE_MS);
    g_assert_nonnull(reply);
    g_assert_cmpuint(vg_msg_header(reply)->serial, ==, create);
    g_assert_cmpint(vg_msg_header(reply)->status, ==, VG_MSG_OK);
    peer_free(peer);
    fake_free(fake);
}

static void test_slow_client_gone(void) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    fake->mode = FAKE_HELD;
    remote_domain_args beta = domain(&fake_beta);
    for (int i = 0; i < 5; i++)
        peer_call(peer, 9, (xdrproc_t)xdr_remote_domain_args, &beta);
    peer_settle();
    g_assert_cmpuint(fake->held.length, ==, 5);
    peer_free(peer);
    /* The driver still works for this session. */
    g_assert_cmpuint(fake->sessions, ==, 1);
    fake_release(fake);
    g_assert_cmpuint(fake->sessions, ==, 0);
    fake_free(fake);
}

static void test_slow_later(void) {
    static char xml[] = "<domain/>";
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    fake->mode = FAKE_LATER;
    remote_text args = {xml};
    remote_nonnull_domain dom = {0};
    g_assert_cmpint(peer_ask(peer, 11, (xdrproc_t)xdr_remote_text, &args, (xdrproc_t)xdr_remote_nonnull_domain, &dom),
                    ==, 0);
    g_assert_cmpstr(dom.name, ==, "alpha");
    xdr_free((xdrproc_t)xdr_remote_nonnull_domain, (char *)&dom);
    peer_free(peer);
    fake_free(fake);
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static void test_list_bound(void) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    remote_list_all_args args = {1, 0};
    remote_connect_list_all_domains_ret ret = {0};
    xdrproc_t filter = (xdrproc_t)xdr_remote_list_all_args,
              ret_filter = (xdrproc_t)xdr_remote_connect_list_all_domains_ret;
    fake->extra = REMOTE_DOMAIN_LIST_MAX - 2;
    g_assert_cmpint(peer_ask(peer, 273, filter, &args, ret_filter, &ret), ==, 0);
    g_assert_cmpuint(ret.domains.domains_len, ==, REMOTE_DOMAIN_LIST_MAX);
    g_assert_cmpuint(ret.ret, ==, REMOTE_DOMAIN_LIST_MAX);
    xdr_free(ret_filter, (char *)&ret);
    fake->extra++;
    g_assert_cmpint(peer_ask(peer, 273, filter, &args, ret_filter, &ret), ==, VG_ERR_RPC);
    args.need_results = 0; /* counting has no bound */
    memset(&ret, 0, sizeof(ret));
    g_assert_cmpint(peer_ask(peer, 273, filter, &args, ret_filter, &ret), ==, 0);
    g_assert_cmpuint(ret.domains.domains_len, ==, 0);
    g_assert_cmpuint(ret.ret, ==, REMOTE_DOMAIN_LIST_MAX + 1);
    peer_free(peer);
    fake_free(fake);
}

/* A client gets back at most a readable piece of what it sent. */
static void test_error_is_bounded(void) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    g_autofree char *name = g_strnfill(1000000, '\xff');
    remote_text args = {name};
    peer_call(peer, 23, (xdrproc_t)xdr_remote_text, &args);
    g_autoptr(VgMsg) reply = peer_receive(peer, PEER_PATIENCE_MS);
    gsize len;
    vg_msg_bytes(reply, &len);
    g_assert_cmpuint(len, <, 40000);
    remote_error body = {0};
    g_assert_true(vg_msg_decode(reply, (xdrproc_t)xdr_remote_error, &body, NULL));
    g_assert_cmpint(body.code, ==, VG_ERR_NO_DOMAIN);
    g_assert_true(g_utf8_validate(*body.message, -1, NULL));
    xdr_free((xdrproc_t)xdr_remote_error, (char *)&body);
    peer_free(peer);
    fake_free(fake);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

enum { SUBSCRIBERS = 100 };

static int subscribe(Peer *peer, int event, const VgUuid *only) {
    remote_domain_args dom = domain(&fake_alpha);
    remote_callback_register_args args = {event, NULL};
    if (only != NULL) {
        memcpy(dom.dom.uuid, only->b, sizeof(dom.dom.uuid));
        args.dom = &dom.dom;
    }
    remote_int ret = {-1};
    g_assert_cmpint(
        peer_ask(peer, 316, (xdrproc_t)xdr_remote_callback_register_args, &args, (xdrproc_t)xdr_remote_int, &ret), ==,
        0);
    return ret.value;
}

static VgEvent lifecycle(const VgUuid *uuid) {
    static char name[] = "alpha";
    return (VgEvent){.id = VG_EVENT_LIFECYCLE, .dom = {name, *uuid, 7}, .a = 2, .b = 0};
}

static void test_fan_out(void) {
    Fake *fake = fake_new();
    Peer *peers[SUBSCRIBERS];
    for (int i = 0; i < SUBSCRIBERS; i++) {
        peers[i] = peer_new(fake, i % 2 == 0);
        peer_open(peers[i]);
        g_assert_cmpint(subscribe(peers[i], VG_EVENT_LIFECYCLE, NULL), ==, 0);
    }
    VgEvent event = lifecycle(&fake_alpha);
    encoded = 0;
    vg_proc_event(fake->proc, &event);
    g_assert_cmpuint(encoded, ==, 1);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        g_autoptr(VgMsg) msg = peer_receive(peers[i], PEER_PATIENCE_MS);
        g_assert_nonnull(msg);
        g_assert_cmpint(vg_msg_header(msg)->procedure, ==, 318);
        g_assert_cmpint(vg_msg_header(msg)->type, ==, VG_MSG_EVENT);
    }
    for (int i = 0; i < SUBSCRIBERS; i += 2)
        peer_free(peers[i]);
    vg_proc_event(fake->proc, &event);
    for (int i = 1; i < SUBSCRIBERS; i += 2) {
        g_autoptr(VgMsg) msg = peer_receive(peers[i], PEER_PATIENCE_MS);
        g_assert_nonnull(msg);
        peer_free(peers[i]);
    }
    encoded = 0;
    vg_proc_event(fake->proc, &event); /* nobody listens: nothing is encoded */
    g_assert_cmpuint(encoded, ==, 0);
    fake_free(fake);
}

static void test_filter(void) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    g_assert_cmpint(subscribe(peer, VG_EVENT_LIFECYCLE, &fake_beta), ==, 0);
    g_assert_cmpint(subscribe(peer, VG_EVENT_REBOOT, NULL), ==, 1);
    VgEvent alpha = lifecycle(&fake_alpha), beta = lifecycle(&fake_beta);
    vg_proc_event(fake->proc, &alpha);
    g_assert_null(peer_receive(peer, 20));
    vg_proc_event(fake->proc, &beta);
    g_autoptr(VgMsg) msg = peer_receive(peer, PEER_PATIENCE_MS);
    g_assert_nonnull(msg);
    peer_free(peer);
    fake_free(fake);
}

/* A subscriber that never reads is cut off, in the middle of a fan-out; the others get everything. */
static void test_deaf_subscriber(void) {
    Fake *fake = fake_new();
    Peer *deaf = peer_new(fake, FALSE), *peer = peer_new(fake, FALSE);
    peer_open(deaf);
    peer_open(peer);
    subscribe(deaf, VG_EVENT_LIFECYCLE, NULL);
    subscribe(deaf, VG_EVENT_LIFECYCLE, NULL);
    subscribe(peer, VG_EVENT_LIFECYCLE, NULL);
    VgEvent event = lifecycle(&fake_alpha);
    guint sent = 0;
    while (vg_client_is_open(deaf->client) && sent < 200000) {
        vg_proc_event(fake->proc, &event);
        sent++;
        g_autoptr(VgMsg) msg = peer_receive(peer, PEER_PATIENCE_MS);
        g_assert_nonnull(msg);
    }
    g_assert_cmpuint(sent, <, 200000);
    peer_settle();
    g_assert_cmpuint(vg_proc_sessions(fake->proc), ==, 1);
    vg_proc_event(fake->proc, &event);
    g_autoptr(VgMsg) msg = peer_receive(peer, PEER_PATIENCE_MS);
    g_assert_nonnull(msg);
    peer_free(deaf);
    peer_free(peer);
    fake_free(fake);
}

static void test_many_subscriptions(void) {
    Fake *fake = fake_new();
    Peer *peer = peer_new(fake, FALSE);
    peer_open(peer);
    for (int i = 0; i < REMOTE_DOMAIN_LIST_MAX; i++)
        g_assert_cmpint(subscribe(peer, VG_EVENT_LIFECYCLE, i % 2 ? &fake_beta : NULL), ==, i);
    remote_callback_register_args args = {0, NULL};
    g_assert_cmpint(peer_ask(peer, 316, (xdrproc_t)xdr_remote_callback_register_args, &args, NULL, NULL), ==,
                    VG_ERR_OPERATION_FAILED);
    peer_free(peer);
    fake_free(fake);
}

/* Those who may only read cannot take all subscriptions there are, and leave none behind. */
static void test_subscriptions_of_all(void) {
    enum { READERS = 5 };
    Fake *fake = fake_new();
    Peer *writer = peer_new(fake, FALSE), *readers[READERS];
    peer_open(writer);
    remote_int lifecycle_event = {VG_EVENT_LIFECYCLE};
    guint got = 0;
    for (int i = 0; i < READERS; i++) {
        readers[i] = peer_new(fake, TRUE);
        peer_open(readers[i]);
        int code = 0;
        for (int n = 0; n < REMOTE_DOMAIN_LIST_MAX && code == 0; n++, got += code == 0)
            code = peer_ask(readers[i], 167, (xdrproc_t)xdr_remote_int, &lifecycle_event, NULL, NULL);
        g_assert_cmpint(code, ==, i < READERS - 1 ? 0 : VG_ERR_OPERATION_FAILED);
    }
    g_assert_cmpuint(got, ==, (READERS - 1) * REMOTE_DOMAIN_LIST_MAX);
    subscribe(writer, VG_EVENT_LIFECYCLE, NULL);
    for (int i = 0; i < READERS; i++)
        peer_free(readers[i]);
    peer_settle();
    readers[0] = peer_new(fake, TRUE);
    peer_open(readers[0]);
    subscribe(readers[0], VG_EVENT_LIFECYCLE, NULL);
    peer_free(readers[0]);
    peer_free(writer);
    fake_free(fake);
}

int main(int argc, char **argv) {
    static const RowTest before_open = row_before_open, read_only = row_read_only, reaches = row_reaches_driver,
                         poor = row_of_poor_driver;
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/proc/table", test_table);
    g_test_add_data_func("/proc/rows/before-open", &before_open, test_rows);
    g_test_add_data_func("/proc/rows/read-only", &read_only, test_rows);
    g_test_add_data_func("/proc/rows/reach-driver", &reaches, test_rows);
    g_test_add_data_func("/proc/rows/poor-driver", &poor, test_rows);
    g_test_add_func("/proc/session", test_session);
    g_test_add_func("/proc/slow/overtaken", test_slow_does_not_hold_others);
    g_test_add_func("/proc/slow/client-gone", test_slow_client_gone);
    g_test_add_func("/proc/slow/later", test_slow_later);
    g_test_add_func("/proc/list-bound", test_list_bound);
    g_test_add_func("/proc/error-bound", test_error_is_bounded);
    g_test_add_func("/proc/event/fan-out", test_fan_out);
    g_test_add_func("/proc/event/filter", test_filter);
    g_test_add_func("/proc/event/deaf", test_deaf_subscriber);
    g_test_add_func("/proc/event/many", test_many_subscriptions);
    g_test_add_func("/proc/event/all-together", test_subscriptions_of_all);
    return g_test_run();
}
