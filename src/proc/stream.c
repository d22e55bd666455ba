/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.c: calls that open a stream, and the joint between what the driver gives (VgStreamEnd) and what flows on the
 * wire (wire/stream.h). Either may end it; whoever does, the other is told once.
 */
#include "config.h"
#include "proc/table.h"

#include "proc/error_to_wire.h"
#include "wire/stream.h"

static VgMsg *on_failed(const VgMsgHeader *header, const GError *error) {
    return vg_error_to_wire(header, VG_FROM_STREAMS, error);
}

static void on_over(gpointer data) {
    VgStreamEnd *end = data;
    end->close(end);
}

static const VgStreamHandler handler = {on_failed, on_over};

static void cut(VgStreamEnd *end, const GError *error) {
    vg_stream_end(end->daemon, error);
}

gboolean vg_call_open_stream(const VgCall *call, VgClient *client, VgStreamEnd *end, GError **error) {
    end->daemon = vg_stream_new(client, &call->header, end->fd, end->both ? VG_STREAM_BOTH : VG_STREAM_READ, &handler,
                                end, error);
    end->cut = cut;
    if (end->daemon != NULL)
        return TRUE;
    end->close(end);
    return FALSE;
}

void vg_do_domain_open_console(VgCall *call, const remote_domain_open_console_args *a, VgStreamDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->open_console(call->session, &uuid, vg_opt(a->dev_name), a->flags, done);
}

void vg_do_domain_screenshot(VgCall *call, const remote_domain_screenshot_args *a, VgStreamDone done) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    call->driver->screenshot(call->session, &uuid, a->screen, a->flags, done);
}
