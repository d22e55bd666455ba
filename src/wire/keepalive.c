/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keepalive.c: libvirt's keepalive program, in which both sides may ping. Its messages are of the event's type, with
 * serial 0 and no payload. */
#include "config.h"

#include "wire/client.h"

enum { KEEPALIVE_PROGRAM = 0x6b656570, KEEPALIVE_VERSION = 1, KEEPALIVE_PING = 1, KEEPALIVE_PONG = 2 };

gboolean vg_keepalive_is(const VgMsgHeader *header) {
    return header->program == KEEPALIVE_PROGRAM && header->version == KEEPALIVE_VERSION && header->type == VG_MSG_EVENT;
}

static void send_one(VgClient *client, gint32 procedure) {
    const VgMsgHeader header = {
        .program = KEEPALIVE_PROGRAM, .version = KEEPALIVE_VERSION, .procedure = procedure, .type = VG_MSG_EVENT};
    g_autoptr(VgMsg) msg = vg_msg_encode(&header, NULL, NULL, NULL);
    vg_client_send(client, msg);
}

void vg_keepalive_message(VgClient *client, const VgMsg *msg) {
    if (vg_msg_header(msg)->procedure == KEEPALIVE_PING)
        send_one(client, KEEPALIVE_PONG);
}

gboolean vg_keepalive_tick(VgClient *client, gint64 now) {
    const VgServerLimits *limits = &client->server->limits;
    if (now - client->heard < (gint64)limits->keepalive_us * (client->pings + 1))
        return TRUE;
    if (client->pings >= limits->keepalive_count)
        return FALSE;
    client->pings++;
    send_one(client, KEEPALIVE_PING);
    return TRUE;
}
