/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client.c: one connection. Input is read into the server's buffer and handed up message by message; a client holds
 * memory only for a message that is not whole yet, and for whole ones that have to wait because max_calls are under way
 * or because it does not read its answers. What is sent while its input is worked on goes out in one write at the end
 * of it, anything else at once.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define VG_AREA "wire"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "wire/client.h"

enum { PIECES = 64, READ_ONLY_SHARE = 4, LITTLE = 64 * 1024 };

VgClient *vg_client_new(VgServer *server, int fd, gboolean read_only, char *socket) {
    VgClient *client = g_new0(VgClient, 1);
    client->watch.fd = fd;
    g_atomic_ref_count_init(&client->refs);
    client->server = server;
    client->read_only = read_only;
    client->socket = g_ref_string_acquire(socket);
    client->serial = ++server->last_serial;
    client->interest = EPOLLIN;
    client->link.data = client->anonymous_link.data = client->ready_link.data = client;
    return client;
}

VgClient *vg_client_ref(VgClient *client) {
    g_atomic_ref_count_inc(&client->refs);
    return client;
}

void vg_client_unref(VgClient *client) {
    if (!g_atomic_ref_count_dec(&client->refs))
        return;
    vg_client_set_data(client, NULL, NULL);
    g_ref_string_release(client->socket);
    g_free(client);
}

/* --- what is asked of it ------------------------------------------------------------------------------------------ */

gboolean vg_client_is_open(const VgClient *client) {
    return client->state == VG_CLIENT_OPEN;
}

gboolean vg_client_read_only(const VgClient *client) {
    return client->read_only;
}

guint64 vg_client_serial(const VgClient *client) {
    return client->serial;
}

const char *vg_client_socket(const VgClient *client) {
    return client->socket;
}

gboolean vg_client_credentials(const VgClient *client, uint32_t *uid, uint32_t *gid, gint32 *pid) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (client->watch.fd < 0 || getsockopt(client->watch.fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid == 0)
        return FALSE;
    *uid = peer.uid;
    *gid = peer.gid;
    *pid = peer.pid;
    return TRUE;
}

void vg_client_set_data(VgClient *client, gpointer data, GDestroyNotify destroy) {
    if (client->destroy != NULL)
        client->destroy(client->data);
    client->data = data;
    client->destroy = destroy;
}

gpointer vg_client_data(const VgClient *client) {
    return client->data;
}

void vg_client_authenticated(VgClient *client) {
    if (!client->anonymous)
        return;
    client->anonymous = FALSE;
    g_queue_unlink(&client->server->anonymous, &client->anonymous_link);
}

void vg_client_make_timed(VgClient *client) {
    if (!client->timed)
        client->server->timed++;
    client->timed = TRUE;
    vg_server_timed(client->server);
}

void vg_client_keepalive_start(VgClient *client) {
    if (client->state != VG_CLIENT_OPEN || client->keepalive || client->server->limits.keepalive_us == 0)
        return;
    client->keepalive = TRUE;
    client->heard = vg_clock_mono_us();
    vg_client_make_timed(client);
}

void vg_client_cut(VgClient *client) {
    if (client->state == VG_CLIENT_CUT)
        return;
    client->state = VG_CLIENT_CUT;
    vg_server_wake(client->server, client);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void charge(VgClient *client, gsize memory) {
    VgServer *server = client->server;
    server->memory += memory - client->charged;
    if (client->read_only)
        server->memory_read_only += memory - client->charged;
    client->charged = memory;
}

/* One client may hold what the protocol allows; all of them together not so many times as much. */
static void settle(VgClient *client) {
    VgServer *server = client->server;
    gsize before = client->charged, max = server->limits.max_memory;
    charge(client, vg_frame_held(&client->frame) + client->held_bytes + client->out.bytes + client->stream_bytes);
    if (client->charged <= before || client->charged <= LITTLE || client->state == VG_CLIENT_CUT)
        return;
    gsize all = client->read_only ? server->memory_read_only : server->memory;
    if (all <= (client->read_only ? max / READ_ONLY_SHARE : max))
        return;
    vg_warn("%zu bytes wait to be sent or read, %zu of client %" G_GUINT64_FORMAT " on %s: it is cut off", all,
            client->charged, client->serial, client->socket);
    vg_client_cut(client);
}

static void msg_unref(gpointer msg) {
    vg_msg_unref(msg);
}

void vg_client_drop(VgClient *client) {
    vg_streams_drop(client);
    g_clear_pointer(&client->fillers, g_ptr_array_unref);
    vg_frame_clear(&client->frame);
    vg_outq_clear(&client->out);
    g_queue_clear_full(&client->held, msg_unref);
    client->held_bytes = 0;
    charge(client, 0);
}

/* --- output ------------------------------------------------------------------------------------------------------- */

/* May the next message be handed up? Not of one who lets answers pile up, or sends into a stream more than is taken at
 * its end: he waits, nobody else. */
static gboolean may_take(const VgClient *client) {
    return client->state == VG_CLIENT_OPEN && !client->server->stopping &&
           client->calls < client->server->limits.max_calls && client->out.bytes < client->server->limits.max_queue &&
           client->stream_bytes < VG_HELD_BYTES && client->holds == 0;
}

void vg_client_hold(VgClient *client) {
    client->holds++;
}

void vg_client_release(VgClient *client) {
    g_return_if_fail(client->holds > 0);
    client->holds--;
    if (client->server != NULL && client->held.length > 0 && may_take(client))
        vg_server_wake(client->server, client);
}

static void let_go(gpointer data) {
    VgClient *filler = data;
    vg_client_release(filler);
    vg_client_unref(filler);
}

/* After every change: counts memory, tells epoll what matters now, and the server if held messages may go on. */
void vg_client_update(VgClient *client) {
    settle(client);
    if (client->state == VG_CLIENT_CUT)
        return;
    guint32 want = client->out.count > 0 ? EPOLLOUT : 0;
    if (client->state == VG_CLIENT_OPEN && client->held_bytes < VG_HELD_BYTES &&
        client->out.bytes < client->server->limits.max_queue)
        want |= EPOLLIN;
    if (want != client->interest) {
        struct epoll_event event = {.events = want, .data.ptr = &client->watch};
        epoll_ctl(client->server->epoll, EPOLL_CTL_MOD, client->watch.fd, &event);
        client->interest = want;
    }
    if (client->held.length > 0 && may_take(client))
        vg_server_wake(client->server, client);
    if (client->streams != NULL)
        vg_streams_watch(client);
    if (client->fillers != NULL && client->out.bytes < VG_STREAM_OUT)
        g_clear_pointer(&client->fillers, g_ptr_array_unref);
}

static void note_write(VgClient *client) {
    /* Who reads our bytes lives, also while we do not read his. */
    if (client->keepalive) {
        client->heard = vg_clock_mono_us();
        client->pings = 0;
    }
}

static void write_failed(VgClient *client, int errnum) {
    vg_debug("client %" G_GUINT64_FORMAT ": writing: %s", client->serial, g_strerror(errnum));
    vg_client_cut(client);
}

static void flush(VgClient *client) {
    while (client->out.count > 0 && client->state != VG_CLIENT_CUT) {
        struct iovec pieces[PIECES];
        gsize want;
        struct msghdr header = {.msg_iov = pieces};
        header.msg_iovlen = vg_outq_pieces(&client->out, pieces, PIECES, &want);
        gssize n = header.msg_iovlen == 1 ? send(client->watch.fd, pieces[0].iov_base, want, MSG_NOSIGNAL)
                                          : sendmsg(client->watch.fd, &header, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            write_failed(client, errno);
            return;
        }
        vg_outq_advance(&client->out, (gsize)n);
        if ((gsize)n < want)
            break;
    }
    if (client->state == VG_CLIENT_CLOSING && client->out.count == 0)
        vg_client_cut(client);
    vg_client_update(client);
}

/* Straight into the socket, as far as it takes it. FALSE: the client is lost. */
static gboolean send_now(VgClient *client, const VgMsg *msg, gsize *ret_sent, gsize *ret_len) {
    const guint8 *bytes = vg_msg_bytes(msg, ret_len);
    gssize n;
    do
        n = send(client->watch.fd, bytes, *ret_len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        write_failed(client, errno);
        return FALSE;
    }
    *ret_sent = n < 0 ? 0 : (gsize)n;
    return TRUE;
}

void vg_client_send(VgClient *client, VgMsg *msg) {
    if (client->state != VG_CLIENT_OPEN)
        return;
    gsize sent = 0, len = 0;
    if (client->out.count == 0 && !client->corked) {
        if (!send_now(client, msg, &sent, &len) || sent == len)
            return;
    }
    vg_outq_push(&client->out, msg, sent);
    if (client->out.unasked > client->server->limits.max_queue) {
        vg_warn("client %" G_GUINT64_FORMAT " on %s does not read its events, %zu bytes wait: cut off", client->serial,
                client->socket, client->out.bytes);
        vg_client_cut(client);
    } else if (!client->corked) {
        vg_client_update(client);
    } else if (client->out.bytes > VG_READ_SIZE) {
        flush(client);
    }
}

void vg_client_pass(VgClient *client, VgMsg *msg, VgClient *from) {
    vg_client_send(client, msg);
    if (client->state != VG_CLIENT_OPEN || client->out.bytes < VG_STREAM_OUT)
        return;
    if (client->fillers == NULL)
        client->fillers = g_ptr_array_new_with_free_func(let_go);
    if (g_ptr_array_find(client->fillers, from, NULL))
        return;
    g_ptr_array_add(client->fillers, vg_client_ref(from));
    vg_client_hold(from);
}

void vg_client_close(VgClient *client) {
    if (client->state != VG_CLIENT_OPEN)
        return;
    vg_streams_drop(client);
    client->state = VG_CLIENT_CLOSING;
    client->deadline = vg_clock_mono_us() + VG_LINGER_US;
    vg_client_make_timed(client);
    if (!client->corked)
        flush(client);
}

/* --- input -------------------------------------------------------------------------------------------------------- */

static void hold(VgClient *client, VgMsg *msg) {
    client->held_bytes += vg_msg_memory(msg) + sizeof(GList);
    g_queue_push_tail(&client->held, msg);
}

static VgMsg *unhold(VgClient *client) {
    VgMsg *msg = g_queue_pop_head(&client->held);
    client->held_bytes -= vg_msg_memory(msg) + sizeof(GList);
    return msg;
}

static void hand_up(VgClient *client, VgMsg *msg) {
    const VgServerHandler *handler = client->server->handler;
    VgMsgType type = vg_msg_header(msg)->type;
    if (type != VG_MSG_STREAM && type != VG_MSG_STREAM_HOLE)
        handler->message(client, msg, client->server->data);
    else if (!vg_streams_message(client, msg) && handler->stray != NULL)
        handler->stray(client, msg, client->server->data);
}

/* A ping must be answered also while calls wait, or the client would take us for dead; and what waits may be for the
 * very stream that it gives up now. */
static void take(VgClient *client, VgMsg *msg, guint *turn) {
    if (vg_keepalive_is(vg_msg_header(msg))) {
        vg_keepalive_message(client, msg);
    } else if (vg_streams_is_abort(vg_msg_header(msg))) {
        hand_up(client, msg);
    } else if (client->held.length > 0 || *turn == 0 || !may_take(client)) {
        hold(client, msg);
        return;
    } else {
        --*turn;
        hand_up(client, msg);
    }
    vg_msg_unref(msg);
}

static void parse(VgClient *client, const guint8 *data, gsize len) {
    guint turn = VG_TURN;
    client->corked = TRUE;
    while (client->state == VG_CLIENT_OPEN) {
        VgMsg *msg;
        VgFrameResult result = vg_frame_next(&client->frame, &data, &len, &msg);
        if (result == VG_FRAME_WHOLE) {
            take(client, msg, &turn);
            continue;
        }
        if (result == VG_FRAME_BAD) {
            vg_info("client %" G_GUINT64_FORMAT " on %s sent an impossible message length: cut off", client->serial,
                    client->socket);
            client->corked = FALSE;
            flush(client);
            vg_client_cut(client);
        }
        break;
    }
    client->corked = FALSE;
    flush(client);
}

static void read_input(VgClient *client) {
    guint8 *scratch = client->server->scratch;
    struct iovec pieces[2] = {{0}, {.iov_base = scratch, .iov_len = VG_READ_SIZE}};
    gsize room = pieces[0].iov_len = vg_frame_room(&client->frame, (guint8 **)&pieces[0].iov_base);
    gssize n = room > 0 ? readv(client->watch.fd, pieces, 2) : recv(client->watch.fd, scratch, VG_READ_SIZE, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        vg_client_cut(client);
        return;
    }
    if (client->keepalive) {
        client->heard = vg_clock_mono_us();
        client->pings = 0;
    }
    gsize direct = MIN((gsize)n, room);
    if (direct > 0)
        vg_frame_filled(&client->frame, direct);
    parse(client, scratch, (gsize)n - direct);
}

void vg_client_event(VgClient *client, guint32 events) {
    if (events & EPOLLOUT) {
        note_write(client);
        flush(client);
    }
    if (client->state == VG_CLIENT_CUT)
        return;
    if (client->interest & EPOLLIN && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_input(client);
    else if (events & (EPOLLHUP | EPOLLERR))
        vg_client_cut(client);
}

void vg_client_run(VgClient *client) {
    client->corked = TRUE;
    for (guint turn = VG_TURN; turn > 0 && client->held.length > 0 && may_take(client); turn--) {
        g_autoptr(VgMsg) msg = unhold(client);
        hand_up(client, msg);
    }
    if (client->streams != NULL)
        vg_streams_run(client);
    client->corked = FALSE;
    flush(client);
}

void vg_client_call_begin(VgClient *client) {
    client->calls++;
}

void vg_client_call_end(VgClient *client) {
    g_return_if_fail(client->calls > 0);
    client->calls--;
    if (client->held.length > 0 && may_take(client))
        vg_server_wake(client->server, client);
}

void vg_client_tick(VgClient *client, gint64 now) {
    if (client->state == VG_CLIENT_CLOSING && now >= client->deadline) {
        vg_client_cut(client);
        return;
    }
    if (client->streams != NULL)
        vg_streams_tick(client, now);
    if (client->state != VG_CLIENT_OPEN || !client->keepalive)
        return;
    /* While we are the ones who do not read, its pongs lie in the socket. */
    if (client->held_bytes >= VG_HELD_BYTES)
        client->heard = now;
    else if (!vg_keepalive_tick(client, now)) {
        vg_info("client %" G_GUINT64_FORMAT " on %s gave no sign of life for %u pings: cut off", client->serial,
                client->socket, client->pings);
        vg_client_cut(client);
    }
}
