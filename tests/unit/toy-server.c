/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* toy-server.c: see the header. */
#include "config.h"
#include "toy-server.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/socket.h"

static gboolean poll_directly;

/* libtirpc's xdr_wrapstring stops at 9,000 bytes. */
bool_t xdr_text(XDR *xdr, char **text) {
    return xdr_string(xdr, text, 4 * 1024 * 1024);
}

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

void toy_finish_one(Toy *toy) {
    Slow *slow = g_queue_pop_head(&toy->slow);
    answer(slow->client, &slow->header, 0);
    vg_client_call_end(slow->client);
    vg_client_unref(slow->client);
    g_free(slow);
}

static const VgServerHandler toy_handler = {toy_connected, toy_message, toy_closed};

Toy *toy_new(const VgServerLimits *limits) {
    Toy *toy = g_new0(Toy, 1);
    toy->subscribers = g_ptr_array_new();
    toy->server = vg_server_new(limits != NULL ? limits : &vg_server_limits, &toy_handler, toy);
    if (poll_directly)
        vg_server_poll_directly(toy->server);
    return toy;
}

void toy_free(Toy *toy) {
    vg_server_free(toy->server);
    g_assert_cmpuint(toy->connected, ==, toy->closed);
    while (toy->slow.length > 0)
        toy_finish_one(toy);
    g_ptr_array_unref(toy->subscribers);
    g_free(toy);
}

int toy_pair(Toy *toy, VgClient **ret_client) {
    int fds[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    VgClient *client = vg_server_adopt(toy->server, fds[0], FALSE);
    g_assert_nonnull(client);
    if (ret_client != NULL)
        *ret_client = client;
    g_assert_true(vg_socket_prepare(fds[1]));
    return fds[1];
}

void turn(void) {
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

void turn_ms(guint ms) {
    for (gint64 end = g_get_monotonic_time() + ms * 1000; g_get_monotonic_time() < end; g_usleep(1000))
        turn();
}

void turn_until(const guint *counter, guint value) {
    gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
    for (; *counter < value && g_get_monotonic_time() < end; g_usleep(1000))
        turn();
    g_assert_cmpuint(*counter, ==, value);
}

VgMsg *make(gint32 procedure, guint32 serial) {
    const VgMsgHeader header = {
        .program = PROGRAM, .version = 1, .procedure = procedure, .type = VG_MSG_CALL, .serial = serial};
    return vg_msg_encode(&header, NULL, NULL, NULL);
}

void put(int fd, gint32 procedure, guint32 serial) {
    g_autoptr(VgMsg) msg = make(procedure, serial);
    gsize len;
    const guint8 *bytes = vg_msg_bytes(msg, &len);
    while (send(fd, bytes, len, MSG_NOSIGNAL) < 0) {
        g_assert_cmpint(errno, ==, EAGAIN);
        turn();
    }
}

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

void drain(int fd, Reader *reader) {
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

void reader_done(int fd, Reader *reader) {
    vg_frame_clear(&reader->frame);
    close(fd);
}

char *temporary_path(char **ret_dir) {
    *ret_dir = g_dir_make_tmp("vg-XXXXXX", NULL);
    g_assert_nonnull(*ret_dir);
    return g_build_filename(*ret_dir, "sock", NULL);
}

static void run_polled(gconstpointer data) {
    poll_directly = FALSE;
    ((const ToyTest *)data)->run();
}

static void run_direct(gconstpointer data) {
    poll_directly = TRUE;
    ((const ToyTest *)data)->run();
}

int toy_main(int argc, char **argv, const char *title, const ToyTest *tests, gsize n) {
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < n; i++) {
        g_autofree char *polled = g_strdup_printf("/%s/polled/%s", title, tests[i].name);
        g_autofree char *direct = g_strdup_printf("/%s/direct/%s", title, tests[i].name);
        g_test_add_data_func(polled, &tests[i], run_polled);
        g_test_add_data_func(direct, &tests[i], run_direct);
    }
    return g_test_run();
}
