/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-server.c: a server with a toy program on one end of a socket pair, and rude clients on the other. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/caller.h"
#include "wire/client.h"
#include "wire/msgbuf.h"
#include "wire/socket.h"

enum { PROGRAM = 0x20008086, ECHO = 1, SLOW, SUBSCRIBE, BYE, BULK };

/* libtirpc's xdr_wrapstring stops at 9,000 bytes. */
static bool_t xdr_text(XDR *xdr, char **text) {
    return xdr_string(xdr, text, 4 * 1024 * 1024);
}

/* The toy program: ECHO answers its payload's length, SLOW when told, SUBSCRIBE asks for events, BYE closes, BULK
 * answers 1 MiB. */
typedef struct {
    VgServer *server;
    guint connected, messages, closed;
    gboolean stay_anonymous;
    GQueue slow; /* of Slow */
    GPtrArray *subscribers;
} Toy;

typedef struct {
    VgClient *client;
    VgMsgHeader header;
} Slow;

static void answer(VgClient *client, const VgMsgHeader *call, gsize body) {
    VgMsgHeader header = *call;
    header.type = VG_MSG_REPLY;
    g_autofree char *text = g_strnfill(body, 'r');
    g_autoptr(VgMsg) msg = vg_msg_encode(&header, (xdrproc_t)xdr_text, &text, NULL);
    vg_client_send(client, msg);
}

static void toy_connected(VgClient *client, gpointer data) {
    Toy *toy = data;
    toy->connected++;
    if (!toy->stay_anonymous)
        vg_client_authenticated(client);
}

static void toy_message(VgClient *client, VgMsg *msg, gpointer data) {
    Toy *toy = data;
    const VgMsgHeader *header = vg_msg_header(msg);
    toy->messages++;
    switch (header->procedure) {
    case SLOW: {
        Slow *slow = g_new(Slow, 1);
        *slow = (Slow){vg_client_ref(client), *header};
        vg_client_call_begin(client);
        g_queue_push_tail(&toy->slow, slow);
        break;
    }
    case SUBSCRIBE:
        g_ptr_array_add(toy->subscribers, client);
        answer(client, header, 0);
        break;
    case BYE:
        answer(client, header, 0);
        vg_client_close(client);
        break;
    case BULK:
        answer(client, header, 1 << 20);
        break;
    default:
        answer(client, header, 0);
    }
}

static void toy_closed(VgClient *client, gpointer data) {
    Toy *toy = data;
    g_assert_false(vg_client_is_open(client));
    toy->closed++;
    g_ptr_array_remove(toy->subscribers, client);
}

static void toy_finish_one(Toy *toy) {
    Slow *slow = g_queue_pop_head(&toy->slow);
    answer(slow->client, &slow->header, 0);
    vg_client_call_end(slow->client);
    vg_client_unref(slow->client);
    g_free(slow);
}

static gboolean poll_directly;
static const VgServerHandler toy_handler = {toy_connected, toy_message, toy_closed};

static Toy *toy_new(const VgServerLimits *limits) {
    Toy *toy = g_new0(Toy, 1);
    toy->subscribers = g_ptr_array_new();
    toy->server = vg_server_new(limits != NULL ? limits : &vg_server_limits, &toy_handler, toy);
    if (poll_directly)
        vg_server_poll_directly(toy->server);
    return toy;
}

static void toy_free(Toy *toy) {
    vg_server_free(toy->server);
    g_assert_cmpuint(toy->connected, ==, toy->closed);
    while (toy->slow.length > 0)
        toy_finish_one(toy);
    g_ptr_array_unref(toy->subscribers);
    g_free(toy);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Toy, toy_free)

/* The other end, non-blocking. */
static int toy_pair(Toy *toy, VgClient **ret_client) {
    int fds[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    VgClient *client = vg_server_adopt(toy->server, fds[0], FALSE);
    g_assert_nonnull(client);
    if (ret_client != NULL)
        *ret_client = client;
    g_assert_true(vg_socket_prepare(fds[1]));
    return fds[1];
}

static void turn(void) {
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void turn_ms(guint ms) {
    for (gint64 end = g_get_monotonic_time() + ms * 1000; g_get_monotonic_time() < end; g_usleep(1000))
        turn();
}

static VgMsg *make(gint32 procedure, guint32 serial) {
    const VgMsgHeader header = {
        .program = PROGRAM, .version = 1, .procedure = procedure, .type = VG_MSG_CALL, .serial = serial};
    return vg_msg_encode(&header, NULL, NULL, NULL);
}

static void put(int fd, gint32 procedure, guint32 serial) {
    g_autoptr(VgMsg) msg = make(procedure, serial);
    gsize len;
    const guint8 *bytes = vg_msg_bytes(msg, &len);
    while (send(fd, bytes, len, MSG_NOSIGNAL) < 0) {
        g_assert_cmpint(errno, ==, EAGAIN);
        turn();
    }
}

/* Everything there is to read: how many replies, in order from *serial; -1 at the end of the stream. */
typedef struct {
    VgFrame frame;
    guint replies, events, pings;
    guint32 next; /* expected serial, 0: any */
    gboolean eof;
} Reader;

static void reader_note(Reader *reader, const VgMsgHeader *header) {
    if (header->program == 0x6b656570) {
        g_assert_cmpint(header->type, ==, VG_MSG_EVENT);
        reader->pings++;
    } else if (header->type == VG_MSG_EVENT) {
        reader->events++;
    } else {
        reader->replies++;
        if (reader->next > 0)
            g_assert_cmpuint(header->serial, ==, reader->next++);
    }
}

static void drain(int fd, Reader *reader) {
    guint8 buffer[65536];
    for (;;) {
        gssize n = recv(fd, buffer, sizeof buffer, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            reader->eof = TRUE;
            return;
        }
        const guint8 *data = buffer;
        gsize len = (gsize)n;
        VgMsg *msg;
        VgFrameResult result;
        while ((result = vg_frame_next(&reader->frame, &data, &len, &msg)) == VG_FRAME_WHOLE) {
            reader_note(reader, vg_msg_header(msg));
            vg_msg_unref(msg);
        }
        g_assert_cmpint(result, ==, VG_FRAME_MORE);
    }
}

static void reader_done(int fd, Reader *reader) {
    vg_frame_clear(&reader->frame);
    close(fd);
}

static void test_byte_by_byte(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    int fd = toy_pair(toy, NULL);
    Reader reader = {.next = 5};
    g_autoptr(VgMsg) msg = make(ECHO, 5);
    gsize len;
    const guint8 *bytes = vg_msg_bytes(msg, &len);
    for (gsize i = 0; i < len; i++) {
        drain(fd, &reader);
        g_assert_cmpuint(reader.replies, ==, 0);
        g_assert_cmpint(send(fd, bytes + i, 1, 0), ==, 1);
        turn();
    }
    drain(fd, &reader);
    g_assert_cmpuint(reader.replies, ==, 1);
    reader_done(fd, &reader);
}

static void test_several_in_one_write(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    int fd = toy_pair(toy, NULL);
    g_autoptr(GByteArray) all = g_byte_array_new();
    for (guint32 serial = 1; serial <= 3; serial++) {
        g_autoptr(VgMsg) msg = make(ECHO, serial);
        gsize len;
        const guint8 *bytes = vg_msg_bytes(msg, &len);
        g_byte_array_append(all, bytes, (guint)len);
    }
    /* and half of a fourth */
    g_assert_cmpint(send(fd, all->data, all->len - 10, 0), ==, all->len - 10);
    turn();
    Reader reader = {.next = 1};
    drain(fd, &reader);
    g_assert_cmpuint(reader.replies, ==, 2);
    g_assert_cmpint(send(fd, all->data + all->len - 10, 10, 0), ==, 10);
    turn();
    drain(fd, &reader);
    g_assert_cmpuint(reader.replies, ==, 3);
    reader_done(fd, &reader);
}

static void test_half_then_close(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    for (gsize cut = 0; cut < VG_MSG_HEADER; cut++) {
        int fd = toy_pair(toy, NULL);
        g_autoptr(VgMsg) msg = make(ECHO, 1);
        const guint8 *bytes = vg_msg_bytes(msg, NULL);
        if (cut > 0)
            g_assert_true(send(fd, bytes, cut, 0) == (gssize)cut);
        turn();
        close(fd);
        turn();
    }
    g_assert_cmpuint(toy->messages, ==, 0);
    g_assert_cmpuint(toy->closed, ==, VG_MSG_HEADER);
    g_assert_cmpuint(vg_server_clients(toy->server), ==, 0);
}

static void test_bad_lengths(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    const guint32 bad[] = {0, 27, VG_MSG_MAX + 1, 0x80000000u, G_MAXUINT32};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        int fd = toy_pair(toy, NULL);
        /* A good call first: it still gets its answer. */
        put(fd, ECHO, 1);
        guint8 word[4];
        vg_put_word(word, bad[i]);
        g_assert_cmpint(send(fd, word, 4, 0), ==, 4);
        turn();
        Reader reader = {.next = 1};
        drain(fd, &reader);
        g_assert_cmpuint(reader.replies, ==, 1);
        g_assert_true(reader.eof);
        reader_done(fd, &reader);
    }
    g_assert_cmpuint(toy->closed, ==, G_N_ELEMENTS(bad));
}

static void test_pipelined(gint32 procedure) {
    g_autoptr(Toy) toy = toy_new(NULL);
    int fd = toy_pair(toy, NULL);
    for (guint32 serial = 1; serial <= 1000; serial++)
        put(fd, procedure, serial);
    turn();
    if (procedure == SLOW) {
        g_assert_cmpuint(toy->messages, ==, vg_server_limits.max_calls);
        while (toy->slow.length > 0) {
            toy_finish_one(toy);
            turn();
            g_assert_cmpuint(toy->slow.length, <=, vg_server_limits.max_calls);
        }
    }
    Reader reader = {.next = 1};
    for (guint before = G_MAXUINT; before != reader.replies; turn()) {
        before = reader.replies;
        drain(fd, &reader);
    }
    g_assert_cmpuint(reader.replies, ==, 1000);
    reader_done(fd, &reader);
}

static void test_pipelined_fast(void) {
    test_pipelined(ECHO);
}

static void test_pipelined_slow(void) {
    test_pipelined(SLOW);
}

/* While its calls wait, a client's ping is answered. */
static void test_ping_while_full(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    int fd = toy_pair(toy, NULL);
    for (guint32 serial = 1; serial <= vg_server_limits.max_calls + 5; serial++)
        put(fd, SLOW, serial);
    const VgMsgHeader ping = {.program = 0x6b656570, .version = 1, .procedure = 1, .type = VG_MSG_EVENT};
    g_autoptr(VgMsg) msg = vg_msg_encode(&ping, NULL, NULL, NULL);
    g_assert_cmpint(send(fd, vg_msg_bytes(msg, NULL), VG_MSG_HEADER, 0), ==, VG_MSG_HEADER);
    turn();
    Reader reader = {0};
    drain(fd, &reader);
    g_assert_cmpuint(reader.pings, ==, 1);
    g_assert_cmpuint(toy->messages, ==, vg_server_limits.max_calls);
    reader_done(fd, &reader);
}

/* One who asks for bulk and does not read holds little, is not cut off, and gets everything in the end. */
static void test_slow_reader_of_replies(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    VgClient *client;
    int fd = toy_pair(toy, &client);
    for (guint32 serial = 1; serial <= 50; serial++)
        put(fd, BULK, serial);
    turn();
    g_assert_cmpuint(client->out.bytes, <, 3 << 20);
    g_assert_true(vg_client_is_open(client));
    Reader reader = {.next = 1};
    while (reader.replies < 50) {
        turn();
        guint before = reader.replies;
        drain(fd, &reader);
        g_assert_false(reader.eof);
        g_assert_cmpuint(client->out.bytes, <, 3 << 20);
        g_assert_cmpuint(reader.replies - before, <, 3);
    }
    reader_done(fd, &reader);
}

static void fan_out(Toy *toy, VgMsg *event) {
    g_autoptr(GPtrArray) all = g_ptr_array_copy(toy->subscribers, NULL, NULL);
    for (guint i = 0; i < all->len; i++)
        vg_client_send(all->pdata[i], event);
}

/* 40,000 events to one who never reads: bounded, cut off; the one beside him gets all of them. */
static void test_subscriber_that_stops(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    VgClient *deaf;
    int fd_deaf = toy_pair(toy, &deaf), fd = toy_pair(toy, NULL);
    put(fd_deaf, SUBSCRIBE, 1);
    put(fd, SUBSCRIBE, 1);
    turn();
    const VgMsgHeader header = {.program = PROGRAM, .version = 1, .procedure = 99, .type = VG_MSG_EVENT};
    g_autofree char *text = g_strnfill(4500, 'e');
    g_autoptr(VgMsg) event = vg_msg_encode(&header, (xdrproc_t)xdr_text, &text, NULL);
    Reader reader = {0};
    vg_client_ref(deaf);
    gsize most = 0;
    for (guint i = 0; i < 40000; i++) {
        fan_out(toy, event);
        most = MAX(most, deaf->out.bytes);
        if (i % 16 == 0) {
            turn();
            drain(fd, &reader);
        }
    }
    turn();
    drain(fd, &reader);
    g_assert_cmpuint(most, >, vg_server_limits.max_queue / 2);
    g_assert_cmpuint(most, <=, vg_server_limits.max_queue + 8192);
    g_assert_false(vg_client_is_open(deaf));
    g_assert_cmpuint(reader.events, ==, 40000);
    g_assert_cmpuint(toy->closed, ==, 1);
    /* Nobody but us and who still holds it. */
    vg_client_unref(deaf);
    g_assert_cmpint(event->refs, ==, 1);
    close(fd_deaf);
    reader_done(fd, &reader);
}

static void test_keepalive(void) {
    VgServerLimits limits = vg_server_limits;
    limits.keepalive_us = 40 * 1000;
    limits.keepalive_count = 3;
    g_autoptr(Toy) toy = toy_new(&limits);
    VgClient *asked, *silent;
    int fd = toy_pair(toy, &asked), fd_silent = toy_pair(toy, &silent), fd_other = toy_pair(toy, NULL);
    vg_client_keepalive_start(asked);
    vg_client_keepalive_start(silent);
    Reader reader = {0}, other = {0};
    const VgMsgHeader pong = {.program = 0x6b656570, .version = 1, .procedure = 2, .type = VG_MSG_EVENT};
    g_autoptr(VgMsg) msg = vg_msg_encode(&pong, NULL, NULL, NULL);
    for (int i = 0; i < 40; i++) {
        turn_ms(10);
        guint before = reader.pings;
        drain(fd, &reader);
        if (reader.pings > before)
            g_assert_cmpint(send(fd, vg_msg_bytes(msg, NULL), VG_MSG_HEADER, 0), ==, VG_MSG_HEADER);
    }
    /* He who answers stays, he who does not is cut off, he who never asked is not even pinged. */
    g_assert_cmpuint(reader.pings, >, 3);
    g_assert_false(reader.eof);
    g_assert_cmpuint(toy->closed, ==, 1);
    drain(fd_other, &other);
    g_assert_cmpuint(other.pings, ==, 0);
    g_assert_false(other.eof);
    Reader last = {0};
    drain(fd_silent, &last);
    g_assert_cmpuint(last.pings, ==, 3);
    g_assert_true(last.eof);
    g_assert_cmpuint(toy->messages, ==, 0);
    reader_done(fd, &reader);
    reader_done(fd_silent, &last);
    reader_done(fd_other, &other);
}

static void test_close_with_calls_under_way(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    int fd = toy_pair(toy, NULL);
    for (guint32 serial = 1; serial <= 100; serial++)
        put(fd, SLOW, serial);
    turn();
    close(fd);
    turn();
    g_assert_cmpuint(toy->closed, ==, 1);
    /* The calls end after their client: nothing happens, nothing leaks. */
    while (toy->slow.length > 0)
        toy_finish_one(toy);
    g_assert_cmpuint(toy->messages, ==, vg_server_limits.max_calls);
}

static void test_bye_arrives(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    int fd = toy_pair(toy, NULL);
    put(fd, BULK, 1);
    put(fd, BYE, 2);
    put(fd, ECHO, 3);
    turn();
    Reader reader = {.next = 1};
    while (!reader.eof) {
        drain(fd, &reader);
        turn();
    }
    /* All answers up to the goodbye, nothing after it. */
    g_assert_cmpuint(reader.replies, ==, 2);
    g_assert_cmpuint(toy->messages, ==, 2);
    reader_done(fd, &reader);
}

static char *temporary_path(char **ret_dir) {
    *ret_dir = g_dir_make_tmp("vg-XXXXXX", NULL);
    g_assert_nonnull(*ret_dir);
    return g_build_filename(*ret_dir, "sock", NULL);
}

static void test_listen(void) {
    g_autofree char *dir = NULL, *path = temporary_path(&dir);
    g_autoptr(GError) error = NULL;
    g_autoptr(Toy) toy = toy_new(NULL);
    g_assert_true(vg_server_listen_unix(toy->server, path, -1, 0640, TRUE, &error));
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0640);

    /* A live one is refused by name. */
    g_autoptr(Toy) second = toy_new(NULL);
    g_assert_false(vg_server_listen_unix(second->server, path, -1, 0600, FALSE, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(error->message, path));
    g_clear_error(&error);

    G_GNUC_UNUSED g_autoptr(VgCaller) caller = vg_caller_connect_unix(path, &error);
    g_assert_no_error(error);
    turn();
    VgClient *client = toy->server->clients.head->data;
    uint32_t uid, gid;
    gint32 pid;
    g_assert_true(vg_client_credentials(client, &uid, &gid, &pid));
    g_assert_cmpint(pid, ==, getpid());
    g_assert_cmpstr(vg_client_socket(client), ==, "sock");
    g_assert_true(vg_client_read_only(client));

    vg_server_stop_accepting(toy->server);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

    /* A stale one is replaced. */
    int stale = vg_socket_listen_unix(path, 0600, &error);
    g_assert_no_error(error);
    close(stale);
    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_true(vg_server_listen_unix(second->server, path, -1, 0600, FALSE, &error));
    g_assert_no_error(error);
    vg_server_stop_accepting(second->server);

    /* What is no socket is not touched. */
    g_assert_true(g_file_set_contents(path, "x", 1, NULL));
    g_assert_false(vg_server_listen_unix(second->server, path, -1, 0600, FALSE, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    g_unlink(path);
    g_rmdir(dir);
}

static void test_path_length(void) {
    g_autofree char *dir = g_dir_make_tmp("vg-XXXXXX", NULL);
    for (gsize len = VG_SOCKET_PATH_MAX; len <= VG_SOCKET_PATH_MAX + 1; len++) {
        g_autofree char *fill = g_strnfill(len - strlen(dir) - 1, 's');
        g_autofree char *path = g_build_filename(dir, fill, NULL);
        g_assert_cmpuint(strlen(path), ==, len);
        g_autoptr(GError) error = NULL;
        int fd = vg_socket_listen_unix(path, 0600, &error);
        if (len == VG_SOCKET_PATH_MAX) {
            g_assert_no_error(error);
            g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
            g_unlink(path);
            close(fd);
        } else {
            g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
            g_assert_nonnull(strstr(error->message, "107"));
        }
    }
    g_rmdir(dir);
}

/* Many who each begin a large message: those beyond the bound are cut off, and a read-only one long before; whole ones
 * pass. */
static void test_many_half_messages(void) {
    VgServerLimits limits = vg_server_limits;
    limits.max_input = 1024 * 1024;
    g_autoptr(Toy) toy = toy_new(&limits);
    enum { N = 12, PART = 100 * 1000 };
    g_autofree guint8 *part = g_malloc0(PART);
    vg_put_word(part, VG_MSG_MAX);
    int fds[N];
    for (int i = 0; i < N; i++) {
        fds[i] = toy_pair(toy, NULL);
        g_assert_cmpint(send(fds[i], part, PART, 0), ==, PART);
        turn();
    }
    g_assert_cmpuint(toy->server->input, <=, limits.max_input);
    g_assert_cmpuint(toy->closed, >, 0);
    g_assert_cmpuint(toy->closed, <, N - 2);
    guint before = toy->closed;
    int pair[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    vg_server_adopt(toy->server, pair[0], TRUE);
    g_assert_cmpint(send(pair[1], part, 2000, 0), ==, 2000);
    turn();
    g_assert_cmpuint(toy->closed, ==, before + 1);
    int fd = toy_pair(toy, NULL);
    put(fd, ECHO, 1);
    turn();
    g_assert_cmpuint(toy->messages, ==, 1);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    close(pair[1]);
    close(fd);
    turn();
    g_assert_cmpuint(toy->server->input, ==, 0);
}

/* Those who may only read cannot take the last places. */
static void test_read_only_leave_room(void) {
    g_autofree char *dir = NULL, *path = temporary_path(&dir), *path_ro = g_strconcat(path, "-ro", NULL);
    VgServerLimits limits = vg_server_limits;
    limits.max_clients = 10;
    g_autoptr(Toy) toy = toy_new(&limits);
    g_assert_true(vg_server_listen_unix(toy->server, path, -1, 0600, FALSE, NULL));
    g_assert_true(vg_server_listen_unix(toy->server, path_ro, -1, 0666, TRUE, NULL));
    VgCaller *callers[12];
    for (gsize i = 0; i < G_N_ELEMENTS(callers) - 1; i++)
        callers[i] = vg_caller_connect_unix(path_ro, NULL);
    turn();
    g_assert_cmpuint(toy->connected, ==, 9);
    callers[11] = vg_caller_connect_unix(path, NULL);
    turn();
    g_assert_cmpuint(toy->connected, ==, 10);
    for (gsize i = 0; i < G_N_ELEMENTS(callers); i++)
        vg_caller_free(callers[i]);
    turn();
    vg_server_stop_accepting(toy->server);
    g_rmdir(dir);
}

/* Beyond max_clients they wait in the backlog and come in when one goes. */
static void test_max_clients(void) {
    g_autofree char *dir = NULL, *path = temporary_path(&dir);
    VgServerLimits limits = vg_server_limits;
    limits.max_clients = 3;
    g_autoptr(Toy) toy = toy_new(&limits);
    g_assert_true(vg_server_listen_unix(toy->server, path, -1, 0600, FALSE, NULL));
    VgCaller *callers[5];
    for (gsize i = 0; i < G_N_ELEMENTS(callers); i++)
        callers[i] = vg_caller_connect_unix(path, NULL);
    turn();
    g_assert_cmpuint(vg_server_clients(toy->server), ==, 3);
    for (gsize i = 0; i < G_N_ELEMENTS(callers); i++) {
        vg_caller_free(callers[i]);
        turn();
    }
    g_assert_cmpuint(toy->connected, ==, 5);
    g_assert_cmpuint(vg_server_clients(toy->server), ==, 0);
    vg_server_stop_accepting(toy->server);
    g_rmdir(dir);
}

/* Out of descriptors: no spinning, and it goes on by itself. */
static void test_no_descriptors(void) {
    g_autofree char *dir = NULL, *path = temporary_path(&dir);
    g_autoptr(Toy) toy = toy_new(NULL);
    g_assert_true(vg_server_listen_unix(toy->server, path, -1, 0600, FALSE, NULL));
    G_GNUC_UNUSED g_autoptr(VgCaller) caller = vg_caller_connect_unix(path, NULL);
    int lowest = dup(0);
    struct rlimit old, none;
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
    none = old;
    none.rlim_cur = (rlim_t)lowest;
    close(lowest);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    guint turns = 0;
    for (gint64 end = g_get_monotonic_time() + 100 * 1000; g_get_monotonic_time() < end; g_usleep(100))
        turns += g_main_context_iteration(NULL, FALSE) ? 1 : 0;
    g_assert_cmpuint(turns, <, 10);
    g_assert_cmpuint(toy->connected, ==, 0);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
    turn_ms(1200);
    g_assert_cmpuint(toy->connected, ==, 1);
    vg_server_stop_accepting(toy->server);
    g_rmdir(dir);
}

/* One who never says who he is makes room for those who come; one with a call under way stays. */
static void test_anonymous(void) {
    VgServerLimits limits = vg_server_limits;
    limits.max_anonymous = 2;
    g_autoptr(Toy) toy = toy_new(&limits);
    toy->stay_anonymous = TRUE;
    int fds[4];
    VgClient *clients[4];
    for (int i = 0; i < 2; i++)
        fds[i] = toy_pair(toy, &clients[i]);
    put(fds[0], SLOW, 1);
    turn();
    for (int i = 2; i < 4; i++)
        fds[i] = toy_pair(toy, &clients[i]);
    g_assert_true(vg_client_is_open(clients[0]));
    g_assert_false(vg_client_is_open(clients[1]));
    g_assert_false(vg_client_is_open(clients[2]));
    g_assert_true(vg_client_is_open(clients[3]));
    turn();
    g_assert_cmpuint(vg_server_clients(toy->server), ==, 2);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

/* A busy client does not starve the others: they are served while he still has hundreds of calls waiting. */
static void test_fair(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    int busy = toy_pair(toy, NULL), fd = toy_pair(toy, NULL);
    for (guint32 serial = 1; serial <= 200; serial++)
        put(busy, ECHO, serial);
    put(fd, ECHO, 1);
    g_assert_true(g_main_context_iteration(NULL, FALSE));
    Reader reader = {.next = 1}, other = {.next = 1};
    drain(fd, &reader);
    drain(busy, &other);
    g_assert_cmpuint(reader.replies, ==, 1);
    g_assert_cmpuint(other.replies, <, 100);
    turn();
    drain(busy, &other);
    g_assert_cmpuint(other.replies, ==, 200);
    reader_done(fd, &reader);
    reader_done(busy, &other);
}

/* Work from another thread, timers and a stranger's descriptor reach the main context while it waits in our epoll. */
static gboolean count(gpointer data) {
    ++*(int *)data;
    return G_SOURCE_REMOVE;
}

static gboolean count_fd(gint fd, GIOCondition condition, gpointer data) {
    char byte;
    g_assert_cmpint(read(fd, &byte, 1), ==, 1);
    ++*(int *)data;
    return G_SOURCE_CONTINUE;
}

static gpointer invoke_from_thread(gpointer data) {
    g_usleep(20000);
    g_main_context_invoke(NULL, count, data);
    return NULL;
}

static void wait_for(const int *counter, int value) {
    for (gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC; *counter < value && g_get_monotonic_time() < end;)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(*counter, ==, value);
}

static void test_others_on_the_loop(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    g_assert_true(g_source_get_can_recurse(toy->server->source)); /* else three system calls more per turn */
    int fd = toy_pair(toy, NULL), n = 0, fds[2];
    Reader reader = {.next = 1};
    GThread *thread = g_thread_new("invoker", invoke_from_thread, &n);
    wait_for(&n, 1);
    g_thread_join(thread);
    g_timeout_add(10, count, &n);
    wait_for(&n, 2);
    g_assert_cmpint(pipe(fds), ==, 0);
    guint id = g_unix_fd_add(fds[0], G_IO_IN, count_fd, &n);
    put(fd, ECHO, 1);
    g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
    wait_for(&n, 3);
    turn();
    drain(fd, &reader);
    g_assert_cmpuint(reader.replies, ==, 1);
    g_source_remove(id);
    put(fd, ECHO, 2);
    turn();
    drain(fd, &reader);
    g_assert_cmpuint(reader.replies, ==, 2);
    close(fds[0]);
    close(fds[1]);
    reader_done(fd, &reader);
}

typedef struct {
    const char *name;
    void (*run)(void);
} Test;

static const Test tests[] = {
    {"byte-by-byte", test_byte_by_byte},
    {"several-in-one-write", test_several_in_one_write},
    {"half-then-close", test_half_then_close},
    {"bad-lengths", test_bad_lengths},
    {"pipelined/fast", test_pipelined_fast},
    {"pipelined/slow", test_pipelined_slow},
    {"ping-while-full", test_ping_while_full},
    {"slow-reader-of-replies", test_slow_reader_of_replies},
    {"subscriber-that-stops", test_subscriber_that_stops},
    {"keepalive", test_keepalive},
    {"close-with-calls-under-way", test_close_with_calls_under_way},
    {"bye-arrives", test_bye_arrives},
    {"listen", test_listen},
    {"path-length", test_path_length},
    {"many-half-messages", test_many_half_messages},
    {"read-only-leave-room", test_read_only_leave_room},
    {"max-clients", test_max_clients},
    {"no-descriptors", test_no_descriptors},
    {"anonymous", test_anonymous},
    {"fair", test_fair},
    {"others-on-the-loop", test_others_on_the_loop},
};

static void run_polled(gconstpointer data) {
    poll_directly = FALSE;
    ((const Test *)data)->run();
}

static void run_direct(gconstpointer data) {
    poll_directly = TRUE;
    ((const Test *)data)->run();
}

/* Everything twice: the loop waits in GLib's poll, and in the server's own epoll. */
int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *polled = g_strconcat("/server/polled/", tests[i].name, NULL);
        g_autofree char *direct = g_strconcat("/server/direct/", tests[i].name, NULL);
        g_test_add_data_func(polled, &tests[i], run_polled);
        g_test_add_data_func(direct, &tests[i], run_direct);
    }
    return g_test_run();
}
