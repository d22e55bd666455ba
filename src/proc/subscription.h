/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* subscription.h: who wants to hear what, and the fan-out, for every kind of event. Main loop only. */
#pragma once

#include "proc/call.h"

/* In place of a number: of a subscription by libvirt's calls before 1.2, which get the old messages. */
#define VG_OLD_CALLBACK (-1)

/* Takes over @subscription's strings, also when it fails: OPERATION_FAILED, there are too many already. If its callback
 * is the connection's next one, that is used up. */
gboolean vg_subscribe(VgConn *conn, VgSubscription *subscription, GError **error);
/* Ends the one called @callback; of the old ones, that to @event. FALSE: there is none. */
gboolean vg_unsubscribe(VgConn *conn, VgHears hears, int callback, int event);

/* To every subscriber of @hears that wants it; FALSE: there is none. @encode gives the message for a callback's number,
 * or NULL. */
typedef gboolean (*VgWants)(const VgSubscription *subscription, gconstpointer event);
typedef VgMsg *(*VgEncode)(gconstpointer event, int callback);
gboolean vg_fan_out(VgProc *proc, VgHears hears, VgWants wants, VgEncode encode, gconstpointer event);
