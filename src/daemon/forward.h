/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * forward.h: calls about networks, storage, interfaces, secrets and network filters are the business of the machine's
 * other libvirt daemons. Here each client's messages go on to them as they are, on connections made for that client
 * when it first needs one, and what they say comes back as it is: events and streams too. It stands between the server
 * and the procedures:
 *
 *     forward = vg_forward_new(dir, vg_proc_handler(), proc);
 *     server = vg_server_new(&limits, vg_forward_handler(), forward);
 *
 * Main loop. A client may only what the other daemon lets it: read-only ones are connected read-only there.
 */
#pragma once

#include "wire/server.h"

typedef struct VgForward VgForward;

/*
 * @dir: folder of the other daemons' sockets (virtnetworkd-sock and so on, or libvirt-sock for all); "" or no socket
 * there: nothing is forwarded, and the procedures answer as if this did not exist. @next gets all other messages.
 */
VgForward *vg_forward_new(const char *dir, const VgServerHandler *next, gpointer next_data);
/* After the server. */
void vg_forward_free(VgForward *forward);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgForward, vg_forward_free)

/* For vg_server_new(); the handler's data is the VgForward. */
const VgServerHandler *vg_forward_handler(void);
