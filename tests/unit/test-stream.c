/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-stream.c: streams under a client that does not read, an end that does not take, and every way to leave one. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "toy-server.h"
#include "wire/stream.h"

enum { CONSOLE = 201, SERIALS = 128, MIB = 1024 * 1024 };

/* --- our side ----------------------------------------------------------------------------------------------------- */

/* One stream: its end of a socket pair or a file, and the far end of that. */
typedef struct {
    VgStream *stream; /* NULL: over */
    int fd, far;
    guint over;
} End;

static VgMsg *on_failed(const VgMsgHeader *header, const GError *error) {
    VgMsgHeader h = *header;
    h.status = VG_MSG_ERROR;
    return vg_msg_encode_bytes(&h, error->message, strlen(error->message));
}

static void on_over(gpointer data) {
    End *end = data;
    g_assert_cmpuint(end->over, ==, 0);
    end->over++;
    end->stream = NULL;
    close(end->fd);
}

static const VgStreamHandler handler = {on_failed, on_over};

static VgMsgHeader header_of(guint32 serial, VgMsgType type, VgMsgStatus status) {
    return (VgMsgHeader){PROGRAM, 1, CONSOLE, type, serial, status};
}

static gboolean begin(End *end, VgClient *client, guint32 serial, int fd, VgStreamWay way, GError **error) {
    VgMsgHeader call = header_of(serial, VG_MSG_CALL, VG_MSG_OK);
    end->fd = fd;
    end->stream = vg_stream_new(client, &call, fd, way, &handler, end, error);
    return end->stream != NULL;
}

static void begin_pair(End *end, VgClient *client, guint32 serial) {
    g_autoptr(GError) error = NULL;
    int fds[2];
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    *end = (End){.far = fds[1]};
    begin(end, client, serial, fds[0], VG_STREAM_BOTH, &error);
    g_assert_no_error(error);
}

static guint8 byte_at(gsize i) {
    return (guint8)(i * 7 + i / 251);
}

static void begin_file(End *end, VgClient *client, guint32 serial, gsize len) {
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc(len + 1);
    for (gsize i = 0; i < len; i++)
        bytes[i] = byte_at(i);
    int fd = memfd_create("stream", MFD_CLOEXEC);
    g_assert_cmpint(write(fd, bytes, len), ==, (gssize)len);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    *end = (End){.far = -1};
    begin(end, client, serial, fd, VG_STREAM_READ, &error);
    g_assert_no_error(error);
}

/* So many bytes more as the far end takes, from @at in the pattern. */
static gsize flood(int far, gsize at, gsize most) {
    guint8 bytes[4096];
    gsize sent = 0;
    while (sent < most) {
        gsize n = MIN(sizeof bytes, most - sent);
        for (gsize i = 0; i < n; i++)
            bytes[i] = byte_at(at + sent + i);
        gssize done = send(far, bytes, n, MSG_NOSIGNAL);
        if (done < 0)
            break;
        sent += (gsize)done;
    }
    return sent;
}

/* --- the client's side -------------------------------------------------------------------------------------------- */

typedef struct {
    VgFrame frame;
    gsize bytes[SERIALS]; /* of data, checked against the pattern */
    guint ends[SERIALS], confirmed[SERIALS], failed[SERIALS], replies;
    gboolean hung_up;
} Streams;

static void note(Streams *all, const VgMsg *msg) {
    const VgMsgHeader *header = vg_msg_header(msg);
    gsize len;
    const guint8 *bytes = vg_msg_payload(msg, &len);
    if (header->type == VG_MSG_REPLY) {
        all->replies++;
        return;
    }
    guint32 serial = header->serial;
    g_assert_cmpint(header->type, ==, VG_MSG_STREAM);
    g_assert_cmpint(header->procedure, ==, CONSOLE);
    g_assert_cmpuint(serial, <, SERIALS);
    g_assert_cmpuint(all->confirmed[serial] + all->failed[serial], ==, 0); /* it was the last word */
    if (header->status == VG_MSG_OK) {
        g_assert_cmpuint(len, ==, 0);
        all->confirmed[serial]++;
    } else if (header->status == VG_MSG_ERROR) {
        all->failed[serial]++;
    } else if (len == 0) {
        all->ends[serial]++;
    } else {
        g_assert_cmpuint(all->ends[serial], ==, 0);
        for (gsize i = 0; i < len; i++)
            g_assert_cmpuint(bytes[i], ==, byte_at(all->bytes[serial]++));
    }
}

static void read_all(int fd, Streams *all) {
    static guint8 buffer[65536];
    for (;;) {
        turn();
        gssize n = recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) {
            all->hung_up = n == 0 || errno != EAGAIN;
            return;
        }
        const guint8 *data = buffer;
        gsize len = (gsize)n;
        VgMsg *msg;
        VgFrameResult result;
        while ((result = vg_frame_next(&all->frame, &data, &len, &msg)) == VG_FRAME_WHOLE) {
            note(all, msg);
            vg_msg_unref(msg);
        }
        g_assert_cmpint(result, ==, VG_FRAME_MORE);
    }
}

static void done(int fd, Streams *all) {
    vg_frame_clear(&all->frame);
    if (fd >= 0)
        close(fd);
    turn();
}

static VgMsg *message(guint32 serial, VgMsgType type, VgMsgStatus status, gsize at, gsize len) {
    VgMsgHeader header = header_of(serial, type, status);
    g_autofree guint8 *bytes = g_malloc(len + 1);
    for (gsize i = 0; i < len; i++)
        bytes[i] = byte_at(at + i);
    return vg_msg_encode_bytes(&header, bytes, len);
}

/* What the socket takes of it at once; a client that lets us turn meanwhile. */
static gboolean say(int fd, guint32 serial, VgMsgStatus status, gsize at, gsize len) {
    g_autoptr(VgMsg) msg = message(serial, VG_MSG_STREAM, status, at, len);
    gsize whole, sent = 0;
    const guint8 *bytes = vg_msg_bytes(msg, &whole);
    for (int patience = 0; sent < whole && patience < 100; patience++) {
        gssize n = send(fd, bytes + sent, whole - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (gsize)n;
        turn();
    }
    g_assert_true(sent == 0 || sent == whole);
    return sent == whole;
}

static void check_over(const Toy *toy, const End *end) {
    g_assert_cmpuint(end->over, ==, 1);
    g_assert_cmpuint(toy->server->n_streams, ==, 0);
    if (end->far >= 0)
        close(end->far);
}

/* One client with one stream, number 5. */
typedef struct {
    Toy *toy;
    VgClient *client;
    End end;
    int fd;
    Streams all; /* what the client was told */
} Talk;

static void talk_begin(Talk *t, const VgServerLimits *limits) {
    *t = (Talk){.toy = toy_new(limits)};
    t->fd = toy_pair(t->toy, &t->client);
    begin_pair(&t->end, t->client, 5);
}

/* The client leaves; by then at the latest the stream is over, once. */
static void talk_end(Talk *t) {
    done(t->fd, &t->all);
    check_over(t->toy, &t->end);
    toy_free(t->toy);
}

/* The client types and types. @messages: until so many of it are kept back and not read; 0: until the first bytes are
 * kept, for the far end takes no more. Returns how many bytes. */
static gsize type_until(Talk *t, guint messages) {
    enum { PIECE = 10000 };
    gsize sent = 0;
    while ((messages > 0 ? t->client->held.length < messages : t->client->stream_bytes == 0) &&
           say(t->fd, 5, VG_MSG_CONTINUE, sent, PIECE))
        sent += PIECE;
    return sent;
}

/* --- flow --------------------------------------------------------------------------------------------------------- */

static void check_client_reads_nothing(gboolean hangs_up) {
    Talk t;
    talk_begin(&t, NULL);
    gsize sent = 0;
    for (int quiet = 0; quiet < 3;) {
        gsize more = flood(t.end.far, sent, 64 * MIB - sent);
        sent += more;
        quiet = more > 0 ? 0 : quiet + 1;
        turn();
        g_assert_cmpuint(t.client->out.bytes, <=, VG_STREAM_OUT + 2 * VG_READ_SIZE);
    }
    g_assert_cmpuint(sent, <, 4 * MIB);
    g_assert_cmpuint(t.toy->server->memory, <, MIB);
    g_assert_true(vg_client_is_open(t.client));
    if (hangs_up)
        close(t.end.far);
    turn();
    read_all(t.fd, &t.all);
    g_assert_cmpuint(t.all.bytes[5], ==, sent);
    g_assert_cmpuint(t.all.ends[5], ==, hangs_up ? 1 : 0);
    if (hangs_up)
        t.end.far = -1;
    g_assert_cmpuint(vg_client_streams(t.client), ==, 1);
    g_assert_true(say(t.fd, 5, VG_MSG_OK, 0, 0));
    read_all(t.fd, &t.all);
    g_assert_cmpuint(t.all.confirmed[5], ==, 1);
    g_assert_cmpuint(t.end.over, ==, 1);
    g_assert_cmpuint(t.toy->server->memory, ==, 0);
    talk_end(&t);
}

static void test_client_reads_nothing(void) {
    check_client_reads_nothing(FALSE);
}

/* What was said before the end must arrive, though the end was seen while there was no room. */
static void test_end_while_no_room(void) {
    check_client_reads_nothing(TRUE);
}

static void test_end_takes_nothing(void) {
    Talk t;
    talk_begin(&t, NULL);
    enum { PIECE = 10000 };
    gsize sent = 0;
    while (sent < 64 * MIB && say(t.fd, 5, VG_MSG_CONTINUE, sent, PIECE)) {
        sent += PIECE;
        g_assert_cmpuint(t.toy->server->memory, <, MIB);
    }
    g_assert_cmpuint(sent, <, 4 * MIB);
    g_assert_cmpuint(t.client->stream_bytes, >=, VG_HELD_BYTES);
    g_assert_true(vg_client_is_open(t.client));
    /* calls behind it wait, those of others do not */
    int other = toy_pair(t.toy, NULL);
    Streams of_other = {0};
    put(other, ECHO, 1);
    read_all(other, &of_other);
    g_assert_cmpuint(of_other.replies, ==, 1);
    done(other, &of_other);
    static guint8 buffer[65536];
    gsize taken = 0;
    for (gssize n; (n = recv(t.end.far, buffer, sizeof buffer, 0)) > 0; turn())
        for (gssize i = 0; i < n; i++)
            g_assert_cmpuint(buffer[i], ==, byte_at(taken++));
    g_assert_cmpuint(taken, ==, sent);
    g_assert_cmpuint(t.client->stream_bytes, ==, 0);
    put(t.fd, ECHO, 9);
    read_all(t.fd, &t.all);
    g_assert_cmpuint(t.all.replies, ==, 1);
    talk_end(&t);
}

static void test_file(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    VgClient *client;
    End large, empty, small;
    int fd = toy_pair(toy, &client);
    begin_file(&large, client, 5, 5 * MIB + 17);
    begin_file(&empty, client, 6, 0);
    begin_file(&small, client, 7, 100);
    turn();
    g_assert_cmpuint(client->out.bytes, <=, VG_STREAM_OUT + 2 * VG_READ_SIZE);
    Streams all = {0};
    read_all(fd, &all);
    g_assert_cmpuint(all.bytes[5], ==, 5 * MIB + 17);
    g_assert_cmpuint(all.bytes[7], ==, 100);
    for (guint32 serial = 5; serial <= 7; serial++) {
        g_assert_cmpuint(all.ends[serial], ==, 1);
        g_assert_true(say(fd, serial, VG_MSG_OK, 0, 0));
    }
    read_all(fd, &all);
    g_assert_cmpuint(all.confirmed[5] + all.confirmed[6] + all.confirmed[7], ==, 3);
    g_assert_cmpuint(large.over + empty.over + small.over, ==, 3);
    g_assert_cmpuint(toy->server->n_streams, ==, 0);
    done(fd, &all);
}

/* One that floods leaves the others, and calls, their turn. */
static void test_many(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    VgClient *client;
    End ends[40], loud;
    int fd = toy_pair(toy, &client);
    begin_pair(&loud, client, 1);
    gsize shouted = flood(loud.far, 0, 64 * MIB);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        begin_pair(&ends[i], client, 10 + i);
        g_assert_cmpuint(flood(ends[i].far, 0, 100 + i), ==, 100 + i);
    }
    put(fd, ECHO, 9);
    Streams all = {0};
    read_all(fd, &all);
    g_assert_cmpuint(all.replies, ==, 1);
    g_assert_cmpuint(all.bytes[1], ==, shouted);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
        g_assert_cmpuint(all.bytes[10 + i], ==, 100 + i);
    done(fd, &all);
    g_assert_cmpuint(toy->server->n_streams, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
        check_over(toy, &ends[i]);
    check_over(toy, &loud);
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

/* Has typed more than the other end takes, some of it in what is held; gives up: at once. */
static void test_abort_while_blocked(void) {
    Talk t;
    talk_begin(&t, NULL);
    type_until(&t, 3);
    g_assert_cmpuint(t.client->held.length, >=, 3);
    g_assert_true(say(t.fd, 5, VG_MSG_ERROR, 0, 0));
    read_all(t.fd, &t.all);
    g_assert_cmpuint(t.all.confirmed[5], ==, 1);
    g_assert_cmpuint(t.client->stream_bytes, ==, 0);
    g_assert_cmpuint(t.client->held.length, ==, 0);
    g_assert_cmpuint(t.end.over, ==, 1);
    put(t.fd, ECHO, 9);
    read_all(t.fd, &t.all);
    g_assert_cmpuint(t.all.replies, ==, 1);
    talk_end(&t);
}

/* The same, and it is our side that ends it: what the client said behind it is heard. */
static void test_ended_while_blocked(void) {
    Talk t;
    g_autoptr(GError) why = g_error_new_literal(VG_ERROR, VG_ERR_OPERATION_FAILED, "taken over");
    talk_begin(&t, NULL);
    type_until(&t, 3);
    put(t.fd, ECHO, 9);
    turn();
    read_all(t.fd, &t.all);
    g_assert_cmpuint(t.all.replies, ==, 0);
    vg_stream_end(t.end.stream, why);
    turn();
    read_all(t.fd, &t.all);
    g_assert_cmpuint(t.all.failed[5], ==, 1);
    g_assert_cmpuint(t.all.replies, ==, 1);
    g_assert_cmpuint(t.end.over, ==, 1);
    talk_end(&t);
}

/* "All I sent is to arrive": it may take a while, or never come about. */
static void check_finish_while_blocked(gboolean takes) {
    VgServerLimits limits = vg_server_limits;
    limits.keepalive_us = 50000; /* how often it is looked at, too */
    limits.stream_finish_us = takes ? 60 * G_USEC_PER_SEC : 100000;
    Talk t;
    talk_begin(&t, &limits);
    gsize sent = type_until(&t, 0), taken = 0;
    g_assert_true(say(t.fd, 5, VG_MSG_OK, 0, 0));
    g_assert_true(say(t.fd, 5, VG_MSG_CONTINUE, 0, 10)); /* behind its own end: dropped */
    read_all(t.fd, &t.all);
    if (takes)
        g_assert_cmpuint(t.all.confirmed[5] + t.end.over, ==, 0);
    static guint8 buffer[65536];
    for (gssize n; takes && (n = recv(t.end.far, buffer, sizeof buffer, 0)) > 0; turn())
        taken += (gsize)n;
    turn_until(&t.end.over, 1);
    read_all(t.fd, &t.all);
    g_assert_cmpuint(taken, ==, takes ? sent : 0);
    g_assert_cmpuint(t.all.confirmed[5], ==, takes ? 1 : 0);
    g_assert_cmpuint(t.all.failed[5], ==, takes ? 0 : 1);
    g_assert_cmpuint(t.end.over, ==, 1);
    talk_end(&t);
}

static void test_finish_while_blocked(void) {
    check_finish_while_blocked(TRUE);
    check_finish_while_blocked(FALSE);
}

/* The client vanishes behind every byte of a conversation; and once while it has much to read. */
static void test_client_vanishes(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    g_autoptr(GByteArray) talk = g_byte_array_new();
    const VgMsgStatus words[] = {VG_MSG_CONTINUE, VG_MSG_CONTINUE, VG_MSG_OK};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autoptr(VgMsg) msg = message(5, VG_MSG_STREAM, words[i], 0, words[i] == VG_MSG_OK ? 0 : 3);
        gsize len;
        const guint8 *bytes = vg_msg_bytes(msg, &len);
        g_byte_array_append(talk, bytes, (guint)len);
    }
    for (guint cut = 0; cut <= talk->len + 1; cut++) {
        VgClient *client;
        End end;
        int fd = toy_pair(toy, &client);
        begin_pair(&end, client, 5);
        if (cut > talk->len)
            flood(end.far, 0, 64 * MIB);
        else if (cut > 0)
            g_assert_cmpint(send(fd, talk->data, cut, 0), ==, cut);
        turn();
        g_assert_cmpuint(end.over, ==, cut == talk->len ? 1 : 0);
        close(fd);
        turn();
        check_over(toy, &end);
        g_assert_cmpuint(toy->server->memory, ==, 0);
    }
}

static void test_server_goes(void) {
    Toy *toy = toy_new(NULL);
    VgClient *client;
    End end, file;
    int fd = toy_pair(toy, &client);
    begin_pair(&end, client, 5);
    begin_file(&file, client, 6, MIB);
    flood(end.far, 0, MIB);
    turn();
    int other = toy_pair(toy, &client);
    End quiet;
    begin_pair(&quiet, client, 7);
    toy_free(toy);
    g_assert_cmpuint(end.over + file.over + quiet.over, ==, 3);
    Streams all = {0};
    read_all(other, &all);
    g_assert_cmpuint(all.failed[7], ==, 1); /* who has room hears of it */
    g_assert_true(all.hung_up);
    close(end.far);
    close(quiet.far);
    close(fd);
    done(other, &all);
}

static void test_driver_ends_it(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    VgClient *client;
    End cut, closed;
    int fd = toy_pair(toy, &client);
    g_autoptr(GError) why = g_error_new_literal(VG_ERROR, VG_ERR_OPERATION_FAILED, "taken over");
    begin_pair(&cut, client, 5);
    begin_pair(&closed, client, 6);
    vg_stream_end(cut.stream, why);
    vg_stream_end(closed.stream, NULL);
    Streams all = {0};
    read_all(fd, &all);
    g_assert_cmpuint(all.failed[5], ==, 1);
    g_assert_cmpuint(all.ends[6], ==, 1);
    g_assert_true(say(fd, 5, VG_MSG_ERROR, 0, 0)); /* crossed it */
    g_assert_true(say(fd, 6, VG_MSG_CONTINUE, 0, 5));
    g_assert_true(say(fd, 6, VG_MSG_ERROR, 0, 0));
    read_all(fd, &all);
    g_assert_cmpuint(all.confirmed[6], ==, 1);
    check_over(toy, &closed);
    check_over(toy, &cut);
    done(fd, &all);
}

static void test_hole(void) {
    Talk t;
    talk_begin(&t, NULL);
    for (guint32 serial = 4; serial <= 5; serial++) { /* of no stream first */
        g_autoptr(VgMsg) hole = message(serial, VG_MSG_STREAM_HOLE, VG_MSG_CONTINUE, 0, 12);
        gsize len;
        const guint8 *bytes = vg_msg_bytes(hole, &len);
        g_assert_cmpint(send(t.fd, bytes, len, 0), ==, (gssize)len);
    }
    read_all(t.fd, &t.all);
    g_assert_cmpuint(t.all.failed[5], ==, 1);
    g_assert_cmpuint(t.toy->messages, ==, 0);
    g_assert_cmpuint(t.end.over, ==, 1);
    talk_end(&t);
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

static void refused(VgClient *client, guint32 serial, VgErrorCode code) {
    g_autoptr(GError) error = NULL;
    End end = {0};
    int fd = memfd_create("refused", MFD_CLOEXEC);
    g_assert_false(begin(&end, client, serial, fd, VG_STREAM_READ, &error));
    g_assert_error(error, VG_ERROR, (int)code);
    g_assert_cmpuint(end.over, ==, 0);
    close(fd);
}

static void test_limits(void) {
    VgServerLimits limits = vg_server_limits;
    limits.max_streams = 3;
    limits.max_streams_all = 5;
    g_autoptr(Toy) toy = toy_new(&limits);
    VgClient *a, *b;
    End ends[5];
    int of_a = toy_pair(toy, &a), of_b = toy_pair(toy, &b);
    for (guint i = 0; i < 3; i++)
        begin_pair(&ends[i], a, 1 + i);
    refused(a, 9, VG_ERR_OPERATION_FAILED);
    begin_pair(&ends[3], b, 1);
    refused(b, 1, VG_ERR_RPC);
    begin_pair(&ends[4], b, 2);
    refused(b, 3, VG_ERR_OPERATION_FAILED);
    Streams all = {0};
    g_assert_true(say(of_a, 2, VG_MSG_ERROR, 0, 0));
    read_all(of_a, &all);
    g_assert_cmpuint(all.confirmed[2], ==, 1);
    End again;
    begin_pair(&again, b, 3);
    done(of_a, &all);
    close(of_b);
    turn();
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
        check_over(toy, &ends[i]);
    check_over(toy, &again);
}

int main(int argc, char **argv) {
    static const ToyTest tests[] = {
        {"client-reads-nothing", test_client_reads_nothing},
        {"end-while-no-room", test_end_while_no_room},
        {"end-takes-nothing", test_end_takes_nothing},
        {"file", test_file},
        {"many", test_many},
        {"abort-while-blocked", test_abort_while_blocked},
        {"ended-while-blocked", test_ended_while_blocked},
        {"finish-while-blocked", test_finish_while_blocked},
        {"client-vanishes", test_client_vanishes},
        {"server-goes", test_server_goes},
        {"driver-ends-it", test_driver_ends_it},
        {"hole", test_hole},
        {"limits", test_limits},
    };
    return toy_main(argc, argv, "stream", tests, G_N_ELEMENTS(tests));
}
