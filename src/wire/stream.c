/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.c: see the header. A stream is OPEN; OVER, when nothing flows any more and only the client's last word is
 * waited for; or DEAD, out of its client's list. A dead one is freed at the end of the server's turn: an event of this
 * turn may still point to it.
 */
#include "config.h"
#include "wire/stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define VG_AREA "wire"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/log.h"
#include "wire/client.h"

struct VgStream {
    VgWatch watch; /* fd: -1 unless OPEN */
    VgStream *next;
    VgClient *client;
    VgMsgHeader header; /* of what is sent */
    VgStreamWay way;
    enum { OPEN, OVER, DEAD } state;
    gboolean unpolled; /* a file, or hung up: reading it never waits */
    guint32 interest;
    GQueue in;       /* of VgMsg: what the client sent and nobody took yet */
    gsize taken;     /* bytes of the first of them */
    gint64 deadline; /* the client has said OK, `in` is to be empty by then; 0: not so far */
    const VgStreamHandler *handler;
    gpointer data;
};

/* --- saying ------------------------------------------------------------------------------------------------------- */

static void say(VgStream *stream, VgMsgStatus status, gconstpointer data, gsize len) {
    VgMsgHeader header = stream->header;
    header.status = status;
    g_autoptr(VgMsg) msg = vg_msg_encode_bytes(&header, data, len);
    vg_client_send(stream->client, msg);
}

static void say_error(VgStream *stream, const GError *error) {
    g_autoptr(VgMsg) msg = stream->handler->failed(&stream->header, error);
    if (msg != NULL)
        vg_client_send(stream->client, msg);
}

/* --- its end ------------------------------------------------------------------------------------------------------ */

static void drop_first(VgStream *stream) {
    g_autoptr(VgMsg) msg = g_queue_pop_head(&stream->in);
    stream->client->stream_bytes -= vg_msg_memory(msg);
    stream->taken = 0;
}

/* Nothing flows any more. */
static void stop(VgStream *stream) {
    if (stream->state != OPEN)
        return;
    stream->state = OVER;
    if (!stream->unpolled)
        epoll_ctl(stream->client->server->epoll, EPOLL_CTL_DEL, stream->watch.fd, NULL);
    stream->watch.fd = -1;
    /* What waited behind these bytes may go on. */
    if (stream->in.length > 0 && stream->client->state == VG_CLIENT_OPEN)
        vg_server_wake(stream->client->server, stream->client);
    while (stream->in.length > 0)
        drop_first(stream);
    stream->handler->over(stream->data);
}

static void die(VgStream *stream) {
    VgClient *client = stream->client;
    stop(stream);
    for (VgStream **at = &client->streams; *at != NULL; at = &(*at)->next) {
        if (*at != stream)
            continue;
        *at = stream->next;
        break;
    }
    client->n_streams--;
    client->server->n_streams--;
    stream->state = DEAD;
    stream->client = NULL;
    stream->next = client->server->dead_streams;
    client->server->dead_streams = stream;
}

static void fail(VgStream *stream, const GError *error) {
    say_error(stream, error);
    die(stream);
}

static void G_GNUC_PRINTF(3, 4) fail_with(VgStream *stream, VgErrorCode code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autoptr(GError) error = g_error_new_literal(VG_ERROR, (int)code, text);
    fail(stream, error);
}

/* The client's last word has been obeyed. */
static void confirm(VgStream *stream) {
    say(stream, VG_MSG_OK, NULL, 0);
    die(stream);
}

/* The other side has no more to give and takes no more. */
static void end_of_file(VgStream *stream) {
    if (stream->deadline != 0) {
        confirm(stream);
        return;
    }
    say(stream, VG_MSG_CONTINUE, NULL, 0);
    stop(stream);
}

void vg_stream_end(VgStream *stream, const GError *error) {
    if (error != NULL)
        fail(stream, error);
    else
        end_of_file(stream);
}

void vg_streams_drop(VgClient *client) {
    while (client->streams != NULL)
        die(client->streams);
}

/* libvirt's client does not tell a stream that its connection has ended. */
void vg_streams_farewell(VgClient *client) {
    while (client->streams != NULL)
        fail_with(client->streams, VG_ERR_OPERATION_ABORTED, _("the daemon stops"));
}

void vg_streams_bury(VgServer *server) {
    while (server->dead_streams != NULL) {
        VgStream *stream = server->dead_streams;
        server->dead_streams = stream->next;
        g_free(stream);
    }
}

/* --- what it waits for -------------------------------------------------------------------------------------------- */

static gboolean has_room(const VgClient *client) {
    return client->state == VG_CLIENT_OPEN && client->out.bytes < VG_STREAM_OUT;
}

static void watch(VgStream *stream) {
    VgClient *client = stream->client;
    gboolean room = has_room(client);
    guint32 want = stream->in.length > 0 ? EPOLLOUT : 0;
    if (stream->state != OPEN)
        return;
    if (stream->unpolled) {
        if (room)
            vg_server_wake(client->server, client);
        return;
    }
    want |= room ? EPOLLIN : 0;
    if (want == stream->interest)
        return;
    struct epoll_event event = {.events = want, .data.ptr = &stream->watch};
    epoll_ctl(client->server->epoll, EPOLL_CTL_MOD, stream->watch.fd, &event);
    stream->interest = want;
}

void vg_streams_watch(VgClient *client) {
    for (VgStream *stream = client->streams; stream != NULL; stream = stream->next)
        watch(stream);
}

/* --- to the client ------------------------------------------------------------------------------------------------ */

/* A terminal whose other end was closed says EIO. */
static void read_some(VgStream *stream) {
    guint8 *scratch = stream->client->server->scratch;
    gssize n = read(stream->watch.fd, scratch, VG_READ_SIZE);
    if (n > 0)
        say(stream, VG_MSG_CONTINUE, scratch, (gsize)n);
    else if (n == 0 || errno == EIO || errno == ECONNRESET)
        end_of_file(stream);
    else if (errno != EAGAIN && errno != EINTR)
        fail_with(stream, VG_ERR_SYSTEM_ERROR, _("reading what is streamed: %s"), g_strerror(errno));
}

void vg_streams_run(VgClient *client) {
    for (VgStream *stream = client->streams, *next; stream != NULL && has_room(client); stream = next) {
        next = stream->next;
        if (stream->unpolled && stream->state == OPEN)
            read_some(stream);
    }
}

/* --- from the client ---------------------------------------------------------------------------------------------- */

/* As much as is taken now. */
static void write_some(VgStream *stream) {
    while (stream->state == OPEN && stream->in.length > 0) {
        gsize len;
        const guint8 *bytes = vg_msg_payload(g_queue_peek_head(&stream->in), &len);
        gssize n = write(stream->watch.fd, bytes + stream->taken, len - stream->taken);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0 && (errno == EIO || errno == EPIPE || errno == ECONNRESET)) {
            end_of_file(stream);
            return;
        }
        if (n < 0) {
            fail_with(stream, VG_ERR_SYSTEM_ERROR, _("writing what is streamed: %s"), g_strerror(errno));
            return;
        }
        stream->taken += (gsize)n;
        if (stream->taken == len)
            drop_first(stream);
    }
}

static void take_bytes(VgStream *stream, VgMsg *msg) {
    gsize len;
    vg_msg_payload(msg, &len);
    if (stream->way != VG_STREAM_BOTH) {
        fail_with(stream, VG_ERR_OPERATION_INVALID, _("this stream is only read; %zu bytes came for it"), len);
        return;
    }
    /* Behind its own OK the client has nothing to say. */
    if (stream->state != OPEN || stream->deadline != 0 || len == 0)
        return;
    g_queue_push_tail(&stream->in, vg_msg_ref(msg));
    stream->client->stream_bytes += vg_msg_memory(msg);
    write_some(stream);
}

static void take_ok(VgStream *stream) {
    if (stream->state != OPEN || stream->in.length == 0) {
        confirm(stream);
        return;
    }
    stream->deadline = vg_clock_mono_us() + stream->client->server->limits.stream_finish_us;
    vg_client_make_timed(stream->client);
}

static gboolean is_for(const VgMsgHeader *header, const VgStream *stream) {
    return header->serial == stream->header.serial && header->procedure == stream->header.procedure &&
           header->program == stream->header.program && header->version == stream->header.version;
}

static VgStream *find(const VgClient *client, const VgMsgHeader *header) {
    VgStream *stream = client->streams;
    while (stream != NULL && !is_for(header, stream))
        stream = stream->next;
    return stream;
}

gboolean vg_streams_message(VgClient *client, VgMsg *msg) {
    const VgMsgHeader *header = vg_msg_header(msg);
    VgStream *stream = find(client, header);
    if (stream == NULL)
        return FALSE;
    if (header->type == VG_MSG_STREAM_HOLE)
        fail_with(stream, VG_ERR_RPC, _("Unexpected stream hole"));
    else if (header->status == VG_MSG_CONTINUE)
        take_bytes(stream, msg);
    else if (header->status == VG_MSG_OK)
        take_ok(stream);
    else if (header->status == VG_MSG_ERROR)
        confirm(stream);
    else
        fail_with(stream, VG_ERR_RPC, _("stream aborted with unexpected status %d"), (int)header->status);
    if (stream->state == OPEN)
        watch(stream);
    return TRUE;
}

gboolean vg_streams_is_abort(const VgMsgHeader *header) {
    return header->type == VG_MSG_STREAM && header->status == VG_MSG_ERROR;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

void vg_stream_event(VgStream *stream, guint32 events) {
    VgClient *client = stream->client;
    if (stream->state != OPEN)
        return;
    if (events & EPOLLOUT) {
        write_some(stream);
        if (stream->state == OPEN && stream->deadline != 0 && stream->in.length == 0)
            confirm(stream);
    }
    if (stream->state == OPEN && events & (EPOLLHUP | EPOLLERR) && !has_room(client)) {
        /* It would be told again and again; what it still has to say is read when there is room. */
        epoll_ctl(client->server->epoll, EPOLL_CTL_DEL, stream->watch.fd, NULL);
        stream->unpolled = TRUE;
    } else if (stream->state == OPEN && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        read_some(stream);
    }
    if (stream->state == OPEN)
        watch(stream);
    vg_client_update(client);
}

void vg_streams_tick(VgClient *client, gint64 now) {
    for (VgStream *stream = client->streams, *next; stream != NULL; stream = next) {
        next = stream->next;
        if (stream->state != OPEN || stream->deadline == 0 || now < stream->deadline)
            continue;
        gsize left = 0;
        for (GList *l = stream->in.head; l != NULL; l = l->next) {
            gsize len;
            vg_msg_payload(l->data, &len);
            left += len;
        }
        fail_with(stream, VG_ERR_OPERATION_TIMEOUT, _("the other side did not take the last %zu bytes"),
                  left - stream->taken);
    }
}

/* --- made and asked ----------------------------------------------------------------------------------------------- */

static gboolean may_open(const VgClient *client, const VgMsgHeader *call, GError **error) {
    const VgServerLimits *limits = &client->server->limits;
    if (client->n_streams >= limits->max_streams) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("this connection has %u streams already; close one, or use another connection"),
                     client->n_streams);
        return FALSE;
    }
    if (client->server->n_streams >= limits->max_streams_all) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("all connections together have %u streams already; close some"),
                     client->server->n_streams);
        return FALSE;
    }
    if (find(client, call) != NULL) {
        vg_set_error(error, VG_ERR_RPC, _("serial %u is that of a stream which is still open"), call->serial);
        return FALSE;
    }
    return TRUE;
}

VgStream *vg_stream_new(VgClient *client, const VgMsgHeader *call, int fd, VgStreamWay way,
                        const VgStreamHandler *handler, gpointer data, GError **error) {
    g_return_val_if_fail(vg_client_is_open(client), NULL);
    if (!may_open(client, call, error))
        return NULL;
    g_autofree VgStream *stream = g_new0(VgStream, 1);
    stream->watch = (VgWatch){.fd = fd, .kind = VG_WATCH_STREAM};
    stream->client = client;
    stream->header = *call;
    stream->header.type = VG_MSG_STREAM;
    stream->way = way;
    stream->handler = handler;
    stream->data = data;
    struct epoll_event event = {.events = 0, .data.ptr = &stream->watch};
    if (epoll_ctl(client->server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        if (errno != EPERM) {
            vg_set_errno(error, errno, _("cannot watch what is to be streamed"));
            return NULL;
        }
        stream->unpolled = TRUE;
    }
    stream->next = client->streams;
    client->streams = stream;
    client->n_streams++;
    client->server->n_streams++;
    watch(stream);
    return g_steal_pointer(&stream);
}

guint vg_client_streams(const VgClient *client) {
    return client->n_streams;
}
