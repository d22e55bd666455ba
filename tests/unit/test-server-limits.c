/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-server-limits.c: many clients, or greedy ones: what they get together is bounded, and the others are served. */
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

/* Many who each begin a large message: those beyond the bound are cut off, and a read-only one long before; whole ones
 * pass. */
static void test_many_half_messages(void) {
    VgServerLimits limits = vg_server_limits;
    limits.max_memory = 1024 * 1024;
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
    g_assert_cmpuint(toy->server->memory, <=, limits.max_memory);
    g_assert_cmpuint(toy->closed, >, 0);
    g_assert_cmpuint(toy->closed, <, N - 2);
    guint before = toy->closed;
    int ro[4];
    for (gsize i = 0; i < G_N_ELEMENTS(ro); i++) {
        int pair[2];
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
        vg_server_adopt(toy->server, pair[0], TRUE);
        ro[i] = pair[1];
        g_assert_cmpint(send(ro[i], part, i == 3 ? 2000 : PART, 0), >, 0);
        turn();
    }
    /* Two have the quarter; the third is cut off, the fourth wants so little that it may. */
    g_assert_cmpuint(toy->closed, ==, before + 1);
    int fd = toy_pair(toy, NULL);
    put(fd, ECHO, 1);
    turn();
    g_assert_cmpuint(toy->messages, ==, 1);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(ro); i++)
        close(ro[i]);
    close(fd);
    turn();
    g_assert_cmpuint(toy->server->memory, ==, 0);
    g_assert_cmpuint(toy->server->memory_read_only, ==, 0);
}

/* Many who ask for much and read nothing: together they get what is set, and who reads is served. */
static void test_many_slow_readers(void) {
    VgServerLimits limits = vg_server_limits;
    limits.max_memory = 8 * 1024 * 1024;
    g_autoptr(Toy) toy = toy_new(&limits);
    int fds[20];
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = toy_pair(toy, NULL);
        put(fds[i], BULK, 1);
        turn();
        g_assert_cmpuint(toy->server->memory, <=, limits.max_memory);
    }
    g_assert_cmpuint(toy->closed, >, 0);
    g_assert_cmpuint(toy->closed, <, G_N_ELEMENTS(fds) - 2);
    int fd = toy_pair(toy, NULL);
    Reader reader = {.next = 1};
    for (guint32 serial = 1; serial <= 100; serial++) {
        put(fd, ECHO, serial);
        turn();
        drain(fd, &reader);
    }
    g_assert_cmpuint(reader.replies, ==, 100);
    reader_done(fd, &reader);
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
    turn();
    g_assert_cmpuint(toy->server->memory, ==, 0);
}

/* Who has all his calls under way may send one more message, which waits; it is counted, too. */
static void test_waiting_is_counted(void) {
    VgServerLimits limits = vg_server_limits;
    limits.max_memory = 4 * 1024 * 1024;
    limits.max_calls = 1;
    g_autoptr(Toy) toy = toy_new(&limits);
    enum { LARGE = 1536 * 1024 };
    g_autofree guint8 *large = g_malloc0(LARGE);
    const VgMsgHeader header = {.program = PROGRAM, .version = 1, .procedure = ECHO};
    g_autoptr(VgMsg) call = vg_msg_encode(&header, NULL, NULL, NULL);
    memcpy(large, vg_msg_bytes(call, NULL), VG_MSG_HEADER);
    vg_put_word(large, LARGE);
    int fds[4];
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = toy_pair(toy, NULL);
        put(fds[i], SLOW, 1);
        for (gsize sent = 0; sent < LARGE && toy->closed == 0; turn()) {
            gssize n = send(fds[i], large + sent, LARGE - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += n > 0 ? (gsize)n : 0;
        }
        g_assert_cmpuint(toy->server->memory, <=, limits.max_memory);
    }
    g_assert_cmpuint(toy->closed, >, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
    turn();
    g_assert_cmpuint(toy->server->memory, ==, 0);
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
    turn_until(&toy->connected, 1);
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

int main(int argc, char **argv) {
    static const ToyTest tests[] = {
        {"many-half-messages", test_many_half_messages},
        {"many-slow-readers", test_many_slow_readers},
        {"waiting-is-counted", test_waiting_is_counted},
        {"read-only-leave-room", test_read_only_leave_room},
        {"max-clients", test_max_clients},
        {"no-descriptors", test_no_descriptors},
        {"anonymous", test_anonymous},
        {"fair", test_fair},
    };
    return toy_main(argc, argv, "limits", tests, G_N_ELEMENTS(tests));
}
