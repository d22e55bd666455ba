/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error_to_wire.c: see the header. The form is that of libvirt's virReportError: text, its template, the detail, -1,
 * -1. */
#include "config.h"
#include "proc/error_to_wire.h"

#include "proc/call.h"

/* A client may have put four megabytes into the name that is not found; it need not get them back. */
#define TEXT_MAX 4000

#define LEVEL_ERROR 2 /* VIR_ERR_ERROR */

/* libvirt shows these without a title. */
static gboolean is_plain(int code) {
    static const int plain[] = {VG_ERR_RPC, VG_ERR_SYSTEM_ERROR, VG_ERR_XML_DETAIL};
    for (gsize i = 0; i < G_N_ELEMENTS(plain); i++) {
        if (plain[i] == code)
            return TRUE;
    }
    return FALSE;
}

static char *readable(const char *text) {
    if (strlen(text) <= TEXT_MAX)
        return g_utf8_make_valid(text, -1);
    g_autofree char *cut = g_utf8_make_valid(text, TEXT_MAX);
    return g_strconcat(cut, "…", NULL);
}

VgMsg *vg_error_to_wire(const VgMsgHeader *call, VgFrom from, const GError *error) {
    int code = VG_ERR_INTERNAL_ERROR;
    if (error != NULL && error->domain == VG_ERROR)
        code = error->code;
    const char *title = is_plain(code) ? NULL : vg_error_title(code);
    g_autofree char *detail = readable(error != NULL ? error->message : _("the call failed without a reason"));
    g_autofree char *prefix = title != NULL ? g_strconcat(_(title), ": ", NULL) : g_strdup("");
    g_autofree char *text = g_strconcat(prefix, detail, NULL);
    g_autofree char *template = g_strconcat(prefix, "%s", NULL);

    remote_error body = {.code = code, .domain = (int)from, .level = LEVEL_ERROR, .int1 = -1, .int2 = -1};
    body.message = &text;
    body.str1 = &template;
    body.str2 = &detail;
    VgMsgHeader header = *call;
    if (header.type != VG_MSG_STREAM)
        header.type = VG_MSG_REPLY;
    header.status = VG_MSG_ERROR;
    return vg_msg_encode(&header, (xdrproc_t)xdr_remote_error, &body, NULL);
}
