/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-caller.c: the blocking client against a server on a thread of its own. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/i18n.h"
#include "wire/caller.h"
#include "wire/server.h"

enum { PROGRAM = 0x12345678, HELLO = 1, FAIL, FAIL_SILENTLY, NEVER, HANG_UP };

/* libtirpc's xdr_wrapstring stops at 9,000 bytes. */
static bool_t xdr_text(XDR *xdr, char **text) {
    return xdr_string(xdr, text, 4 * 1024 * 1024);
}

typedef struct {
    int code, domain;
    char *message;
} ErrorBody;

/* As libvirt's remote_error begins. */
static bool_t xdr_error_body(XDR *xdr, ErrorBody *body) {
    bool_t has = body->message != NULL;
    return xdr_int(xdr, &body->code) && xdr_int(xdr, &body->domain) && xdr_bool(xdr, &has) &&
           (!has || xdr_text(xdr, &body->message));
}

static void on_connected(VgClient *client, gpointer data) {
    vg_client_authenticated(client);
}

static void on_closed(VgClient *client, gpointer data) {
}

static void send_reply(VgClient *client, VgMsgHeader header, VgMsgStatus status, xdrproc_t proc, gpointer body) {
    header.type = VG_MSG_REPLY;
    header.status = status;
    g_autoptr(VgMsg) msg = vg_msg_encode(&header, proc, body, NULL);
    vg_client_send(client, msg);
}

static void on_message(VgClient *client, VgMsg *msg, gpointer data) {
    VgMsgHeader header = *vg_msg_header(msg);
    ErrorBody error = {
        .code = VG_ERR_NO_DOMAIN, .domain = 61, .message = header.procedure == FAIL ? (char *)"no 'web'" : NULL};
    char *text = NULL;
    switch (header.procedure) {
    case HELLO: {
        /* An event and a stranger's reply before it: both are dropped. */
        VgMsgHeader other = header;
        other.type = VG_MSG_EVENT;
        g_autoptr(VgMsg) event = vg_msg_encode(&other, NULL, NULL, NULL);
        vg_client_send(client, event);
        other = header;
        other.serial += 1000;
        send_reply(client, other, VG_MSG_OK, NULL, NULL);
        g_assert_true(vg_msg_decode(msg, (xdrproc_t)xdr_text, &text, NULL));
        send_reply(client, header, VG_MSG_OK, (xdrproc_t)xdr_text, &text);
        xdr_free((xdrproc_t)xdr_text, &text);
        break;
    }
    case FAIL:
    case FAIL_SILENTLY:
        send_reply(client, header, VG_MSG_ERROR, (xdrproc_t)xdr_error_body, &error);
        break;
    case HANG_UP:
        vg_client_close(client);
        break;
    default:
        break;
    }
}

static const VgServerHandler handler = {on_connected, on_message, on_closed};

typedef struct {
    char *dir, *path;
    GThread *thread;
    GMainLoop *loop;
    GAsyncQueue *ready;
} Fixture;

static gpointer serve(gpointer data) {
    Fixture *f = data;
    GMainContext *context = g_main_context_new();
    g_main_context_push_thread_default(context);
    f->loop = g_main_loop_new(context, FALSE);
    VgServer *server = vg_server_new(&vg_server_limits, &handler, NULL);
    g_assert_true(vg_server_listen_unix(server, f->path, -1, 0600, FALSE, NULL));
    g_async_queue_push(f->ready, f);
    g_main_loop_run(f->loop);
    vg_server_free(server);
    g_main_context_pop_thread_default(context);
    g_main_context_unref(context);
    return NULL;
}

static void set_up(Fixture *f, gconstpointer data) {
    f->dir = g_dir_make_tmp("vg-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "sock", NULL);
    f->ready = g_async_queue_new();
    f->thread = g_thread_new("server", serve, f);
    g_async_queue_pop(f->ready);
}

static void tear_down(Fixture *f, gconstpointer data) {
    g_main_loop_quit(f->loop);
    g_thread_join(f->thread);
    g_main_loop_unref(f->loop);
    g_async_queue_unref(f->ready);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0); /* the server removed its socket */
    g_free(f->dir);
    g_free(f->path);
}

static void test_call(Fixture *f, gconstpointer data) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgCaller) caller = vg_caller_connect_unix(f->path, &error);
    g_assert_no_error(error);
    for (gsize len = 1; len < 1 << 21; len = len * 3 + 1) {
        g_autofree char *text = g_strnfill(len, 'h');
        char *back = NULL;
        gboolean ok =
            vg_caller_call(caller, PROGRAM, 1, HELLO, (xdrproc_t)xdr_text, &text, (xdrproc_t)xdr_text, &back, &error);
        g_assert_no_error(error);
        g_assert_true(ok);
        g_assert_cmpstr(back, ==, text);
        xdr_free((xdrproc_t)xdr_text, &back);
    }
}

static void test_errors(Fixture *f, gconstpointer data) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgCaller) caller = vg_caller_connect_unix(f->path, NULL);
    g_assert_false(vg_caller_call(caller, PROGRAM, 1, FAIL, NULL, NULL, NULL, NULL, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_NO_DOMAIN);
    g_assert_cmpstr(error->message, ==, "no 'web'");
    g_clear_error(&error);
    g_assert_false(vg_caller_call(caller, PROGRAM, 1, FAIL_SILENTLY, NULL, NULL, NULL, NULL, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_NO_DOMAIN);
    g_clear_error(&error);
    g_assert_false(vg_caller_call(caller, PROGRAM, 1, HANG_UP, NULL, NULL, NULL, NULL, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RPC);
}

static void test_timeout(Fixture *f, gconstpointer data) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgCaller) caller = vg_caller_connect_unix(f->path, NULL);
    const VgMsgHeader header = {.program = PROGRAM, .version = 1, .procedure = NEVER};
    g_autoptr(VgMsg) call = vg_msg_encode(&header, NULL, NULL, NULL);
    g_assert_true(vg_caller_send(caller, call, NULL));
    g_assert_null(vg_caller_receive(caller, 30, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_OPERATION_TIMEOUT);
}

static void test_nobody_there(void) {
    g_autoptr(GError) error = NULL;
    g_assert_null(vg_caller_connect_unix("/nonexistent/virtgridd-sock", &error));
    g_assert_error(error, VG_ERROR, VG_ERR_SYSTEM_ERROR);
    g_assert_nonnull(strstr(error->message, "/nonexistent/virtgridd-sock"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add("/caller/call", Fixture, NULL, set_up, test_call, tear_down);
    g_test_add("/caller/errors", Fixture, NULL, set_up, test_errors, tear_down);
    g_test_add("/caller/timeout", Fixture, NULL, set_up, test_timeout, tear_down);
    g_test_add_func("/caller/nobody-there", test_nobody_there);
    return g_test_run();
}
