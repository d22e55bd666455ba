/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.c: whatever a client sends while it has a console and a picture open, in any pieces: each stream is over
 * exactly once, what it is sent can be read, its memory is bounded and then gone. The first byte of the input says how
 * large the pieces are, the second what is at the other end of the console. Built for libFuzzer by `make fuzz`; with
 * FUZZ_REPLAY a plain program that runs the corpus, which `make check` does.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/client.h"

enum { PROGRAM = 0x20008086, PROCEDURE = 201, CONSOLE = 1, PICTURE = 2, MOST = 4 * 1024 * 1024 };
enum { READS = 1, SPEAKS = 2, LEAVES = 4 }; /* what the console's other end does */

typedef struct {
    VgServer *server;
    VgClient *client;
    int fd, far; /* the client's side; the console's other end */
    guint last_words;
    VgFrame frame;
} Run;

static int over_fds[PICTURE + 1];
static guint over[PICTURE + 1];

static VgMsg *on_failed(const VgMsgHeader *header, const GError *error) {
    VgMsgHeader h = *header;
    h.status = VG_MSG_ERROR;
    return vg_msg_encode_bytes(&h, error->message, strlen(error->message));
}

static void on_over(gpointer data) {
    int serial = GPOINTER_TO_INT(data);
    g_assert_cmpuint(over[serial]++, ==, 0);
    close(over_fds[serial]);
}

static const VgStreamHandler stream_handler = {on_failed, on_over};

static void begin(VgClient *client, int serial, int fd, VgStreamWay way) {
    const VgMsgHeader call = {PROGRAM, 1, PROCEDURE, VG_MSG_CALL, (guint32)serial, VG_MSG_OK};
    over[serial] = 0;
    over_fds[serial] = fd;
    g_assert_nonnull(vg_stream_new(client, &call, fd, way, &stream_handler, GINT_TO_POINTER(serial), NULL));
}

static void on_connected(VgClient *client, gpointer data) {
    vg_client_authenticated(client);
}

static void on_message(VgClient *client, VgMsg *msg, gpointer data) {
    g_assert_cmpint(vg_msg_header(msg)->type, !=, VG_MSG_STREAM);
}

static void on_closed(VgClient *client, gpointer data) {
}

static void turn(void) {
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void other_end(Run *run, guint8 does, gboolean late) {
    char bytes[4096];
    if (run->far < 0)
        return;
    while (does & READS && recv(run->far, bytes, sizeof bytes, 0) > 0)
        ;
    if (does & SPEAKS && !late)
        g_assert_cmpint(send(run->far, "login: ", 7, MSG_NOSIGNAL), <=, 7);
    if (does & LEAVES && late) {
        close(run->far);
        run->far = -1;
    }
}

static void read_answers(Run *run) {
    static guint8 buffer[65536];
    gssize n;
    while ((n = recv(run->fd, buffer, sizeof buffer, 0)) > 0) {
        const guint8 *data = buffer;
        gsize len = (gsize)n;
        VgMsg *msg;
        VgFrameResult result;
        while ((result = vg_frame_next(&run->frame, &data, &len, &msg)) == VG_FRAME_WHOLE) {
            const VgMsgHeader *header = vg_msg_header(msg);
            g_assert_true(header->type == VG_MSG_STREAM || header->program != PROGRAM);
            run->last_words += header->type == VG_MSG_STREAM && header->status != VG_MSG_CONTINUE;
            vg_msg_unref(msg);
        }
        g_assert_cmpint(result, ==, VG_FRAME_MORE);
        turn();
    }
    g_assert_cmpuint(run->last_words, <=, 2);
}

static void feed(Run *run, const guint8 *data, gsize len, gsize piece, guint8 does) {
    for (gsize at = 0; at < len; at += piece) {
        gssize n = send(run->fd, data + at, MIN(piece, len - at), MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break;
        turn();
        g_assert_cmpuint(run->server->memory, <=, MOST);
        other_end(run, does, at > len / 2);
    }
    turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const VgServerHandler handler = {on_connected, on_message, on_closed};
    static Run run;
    int fds[2], console[2];
    if (size < 2)
        return 0;
    run = (Run){.server = run.server != NULL ? run.server : vg_server_new(&vg_server_limits, &handler, NULL)};
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, console));
    run.client = vg_server_adopt(run.server, fds[0], FALSE);
    run.fd = fds[1];
    run.far = console[1];
    int picture = memfd_create("picture", MFD_CLOEXEC);
    g_assert_no_errno(ftruncate(picture, 100000));
    begin(run.client, CONSOLE, console[0], VG_STREAM_BOTH);
    begin(run.client, PICTURE, picture, VG_STREAM_READ);
    feed(&run, data + 2, size - 2, (gsize)data[0] + 1, data[1]);
    read_answers(&run);
    close(run.fd);
    turn();
    vg_frame_clear(&run.frame);
    if (run.far >= 0)
        close(run.far);
    g_assert_cmpuint(over[CONSOLE] + over[PICTURE], ==, 2);
    g_assert_cmpuint(run.server->n_streams, ==, 0);
    g_assert_cmpuint(run.server->memory, ==, 0);
    g_assert_cmpuint(vg_server_clients(run.server), ==, 0);
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
    g_autofree char *folder =
        g_build_filename(srcdir != NULL ? srcdir : ".", "tests", "fuzz", "corpus", "stream", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    g_assert_no_error(error);
    guint n = 0;
    for (const char *name; (name = g_dir_read_name(dir)) != NULL; n++) {
        g_autofree char *test = g_strconcat("/fuzz/stream/", name, NULL);
        g_test_add_data_func_full(test, g_build_filename(folder, name, NULL), replay, g_free);
    }
    g_assert_cmpuint(n, >, 0);
    return g_test_run();
}
#endif
