/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc.h: from a message to a call of the driver, and back. The daemon makes one VgProc of the started driver and gives
 * it to the server:
 *
 *     VgProc *proc = vg_proc_new(driver, state);
 *     VgServer *server = vg_server_new(&limits, vg_proc_handler(), proc);
 *
 * Everything on the main loop. Nothing here fails: what a client did wrong is answered to that client.
 */
#pragma once

#include <glib.h>

#include "api/driver.h"
#include "wire/server.h"

typedef struct VgProc VgProc;

/* Borrows both; they outlive the VgProc. @driver's table is complete: what the module does not have is NULL. */
VgProc *vg_proc_new(const VgDriver *driver, VgDriverState *state);
/* After the server and the last slow call: no client is left, the sessions are closed. */
void vg_proc_free(VgProc *proc);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgProc, vg_proc_free)

/* For vg_server_new(); the handler's data is the VgProc. */
const VgServerHandler *vg_proc_handler(void);

/* VgHost.event: to every client that subscribed to it. Borrowed. */
void vg_proc_event(VgProc *proc, const VgEvent *event);
/* VgHost.nodedev_event and .grid_event, in the same way. */
void vg_proc_nodedev_event(VgProc *proc, const VgNodedevEvent *event);
gboolean vg_proc_grid_event(VgProc *proc, const char *json); /* FALSE: there is none */

/* Has @client called CONNECT_OPEN with success, and not CONNECT_CLOSE? */
gboolean vg_proc_client_is_open(const VgClient *client);

/* Open connections: between CONNECT_OPEN and its end. */
guint vg_proc_sessions(const VgProc *proc);
