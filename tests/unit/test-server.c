/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-server.c: what a server does for one client, also a rude one. */
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
#include "toy-server.h"
#include "wire/caller.h"
#include "wire/msgbuf.h"
#include "wire/socket.h"

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
    const VgMsgHeader header = {.program = PROGRAM, .version = 1, .procedure = ECHO, .serial = 1};
    char *text = (char[]){"some text behind the header"};
    g_autoptr(VgMsg) msg = vg_msg_encode(&header, (xdrproc_t)xdr_text, &text, NULL);
    gsize len;
    const guint8 *bytes = vg_msg_bytes(msg, &len);
    for (gsize cut = 0; cut < len; cut++) {
        int fd = toy_pair(toy, NULL);
        if (cut > 0)
            g_assert_true(send(fd, bytes, cut, 0) == (gssize)cut);
        turn();
        close(fd);
        turn();
    }
    g_assert_cmpuint(toy->messages, ==, 0);
    g_assert_cmpuint(toy->closed, ==, len);
    g_assert_cmpuint(vg_server_clients(toy->server), ==, 0);
    g_assert_cmpuint(toy->server->memory, ==, 0);
}

/* A child of ours may hold the descriptor for a moment longer. */
static void test_end_while_forked(void) {
    g_autoptr(Toy) toy = toy_new(NULL);
    VgClient *client;
    int fd = toy_pair(toy, &client);
    int copy = dup(client->watch.fd);
    turn();
    close(fd);
    turn();
    g_assert_cmpuint(toy->closed, ==, 1);
    struct epoll_event event;
    g_assert_cmpint(epoll_wait(toy->server->epoll, &event, 1, 0), ==, 0);
    turn();
    close(copy);
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
    for (gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC; *counter < value && g_get_monotonic_time() < end;)
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

int main(int argc, char **argv) {
    static const ToyTest tests[] = {
        {"byte-by-byte", test_byte_by_byte},
        {"several-in-one-write", test_several_in_one_write},
        {"half-then-close", test_half_then_close},
        {"end-while-forked", test_end_while_forked},
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
        {"others-on-the-loop", test_others_on_the_loop},
    };
    return toy_main(argc, argv, "server", tests, G_N_ELEMENTS(tests));
}
