/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caller.c: calls one at a time on a blocking socket. What arrives while a reply is awaited and is not it, is
 * dropped. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "wire/caller.h"
#include "wire/frame.h"
#include "wire/socket.h"

enum { READ_SIZE = 64 * 1024, ERROR_TEXT_MAX = 4 * 1024 * 1024 };

struct VgCaller {
    VgFd fd;
    guint32 serial;
    VgFrame frame;
    const guint8 *data; /* read, not yet cut into messages: inside @buffer */
    gsize len;
    guint8 buffer[READ_SIZE];
};

VgCaller *vg_caller_connect_unix(const char *path, GError **error) {
    int fd = vg_socket_connect_unix(path, TRUE, error);
    if (fd < 0)
        return NULL;
    VgCaller *caller = g_new0(VgCaller, 1);
    caller->fd = fd;
    return caller;
}

void vg_caller_free(VgCaller *caller) {
    if (caller == NULL)
        return;
    vg_fd_clear(&caller->fd);
    vg_frame_clear(&caller->frame);
    g_free(caller);
}

int vg_caller_fd(const VgCaller *caller) {
    return caller->fd;
}

gboolean vg_caller_send(VgCaller *caller, VgMsg *msg, GError **error) {
    gsize len;
    const guint8 *bytes = vg_msg_bytes(msg, &len);
    while (len > 0) {
        gssize n = send(caller->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            vg_set_error(error, VG_ERR_RPC, _("the daemon closed the connection: %s"), g_strerror(errno));
            return FALSE;
        }
        bytes += n;
        len -= (gsize)n;
    }
    return TRUE;
}

/* Waits for bytes until @deadline (-1: for ever) and reads them. */
static gboolean fill(VgCaller *caller, gint64 deadline, GError **error) {
    for (;;) {
        if (deadline >= 0) {
            struct pollfd p = {.fd = caller->fd, .events = POLLIN};
            gint64 left = MAX(deadline - vg_clock_mono_us(), 0);
            int ready = poll(&p, 1, (int)MIN((left + 999) / 1000, G_MAXINT));
            if (ready < 0 && errno == EINTR)
                continue;
            if (ready == 0) {
                vg_set_error(error, VG_ERR_OPERATION_TIMEOUT, "%s", _("the daemon did not answer in time"));
                return FALSE;
            }
        }
        gssize n = recv(caller->fd, caller->buffer, sizeof caller->buffer, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            vg_set_error(error, VG_ERR_RPC, _("the daemon closed the connection%s%s"), n < 0 ? ": " : "",
                         n < 0 ? g_strerror(errno) : "");
            return FALSE;
        }
        caller->data = caller->buffer;
        caller->len = (gsize)n;
        return TRUE;
    }
}

VgMsg *vg_caller_receive(VgCaller *caller, int timeout_ms, GError **error) {
    gint64 deadline = timeout_ms < 0 ? -1 : vg_clock_mono_us() + (gint64)timeout_ms * 1000;
    for (;;) {
        VgMsg *msg;
        switch (vg_frame_next(&caller->frame, &caller->data, &caller->len, &msg)) {
        case VG_FRAME_WHOLE:
            return msg;
        case VG_FRAME_BAD:
            vg_set_error(error, VG_ERR_RPC, "%s", _("the daemon sent a message of an impossible length"));
            return NULL;
        case VG_FRAME_MORE:
            break;
        }
        if (!fill(caller, deadline, error))
            return NULL;
    }
}

/* The beginning of libvirt's error body: code, domain, and an optional text. */
typedef struct {
    int code, domain;
    char **text;
} ErrorHead;

static bool_t xdr_text(XDR *xdr, char **text) {
    return xdr_string(xdr, text, ERROR_TEXT_MAX);
}

static bool_t xdr_error_head(XDR *xdr, ErrorHead *head) {
    return xdr_int(xdr, &head->code) && xdr_int(xdr, &head->domain) &&
           xdr_pointer(xdr, (char **)&head->text, sizeof(char *), (xdrproc_t)xdr_text);
}

static void set_remote_error(const VgMsg *msg, GError **error) {
    ErrorHead head = {0};
    if (!vg_msg_decode(msg, (xdrproc_t)xdr_error_head, &head, error))
        return;
    const char *text = head.text != NULL ? *head.text : NULL;
    g_set_error_literal(error, VG_ERROR, head.code, text != NULL ? text : _("the daemon gave no reason"));
    xdr_free((xdrproc_t)xdr_error_head, &head);
}

/* The reply to @call; others and events are dropped. */
static VgMsg *await_reply(VgCaller *caller, const VgMsgHeader *call, GError **error) {
    for (;;) {
        g_autoptr(VgMsg) msg = vg_caller_receive(caller, -1, error);
        if (msg == NULL)
            return NULL;
        const VgMsgHeader *reply = vg_msg_header(msg);
        if (reply->type == VG_MSG_REPLY && reply->serial == call->serial && reply->program == call->program)
            return g_steal_pointer(&msg);
    }
}

gboolean vg_caller_call(VgCaller *caller, guint32 program, guint32 version, gint32 procedure, xdrproc_t args_proc,
                        gconstpointer args, xdrproc_t ret_proc, gpointer ret, GError **error) {
    const VgMsgHeader header = {.program = program,
                                .version = version,
                                .procedure = procedure,
                                .type = VG_MSG_CALL,
                                .serial = ++caller->serial};
    g_autoptr(VgMsg) call = vg_msg_encode(&header, args_proc, args, error);
    if (call == NULL || !vg_caller_send(caller, call, error))
        return FALSE;
    g_autoptr(VgMsg) reply = await_reply(caller, &header, error);
    if (reply == NULL)
        return FALSE;
    if (vg_msg_header(reply)->status != VG_MSG_OK) {
        set_remote_error(reply, error);
        return FALSE;
    }
    return ret_proc == NULL || vg_msg_decode(reply, ret_proc, ret, error);
}
