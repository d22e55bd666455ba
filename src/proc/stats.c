/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stats.c: figures of devices, and of all domains at once. The latter are many small parameters: they go from the
 * driver's arrays to the wire without a copy of any of them.
 */
#include "config.h"
#include "proc/table.h"

gboolean vg_do_domain_block_stats(VgCall *call, const remote_domain_device_stats_args *a,
                                  remote_domain_block_stats_ret *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    VgBlockStats s = {0};
    if (!call->driver->block_stats(call->session, &uuid, a->device, &s, error))
        return FALSE;
    *r = (remote_domain_block_stats_ret){s.rd_req, s.rd_bytes, s.wr_req, s.wr_bytes, s.errs};
    return TRUE;
}

gboolean vg_do_domain_interface_stats(VgCall *call, const remote_domain_device_stats_args *a,
                                      remote_domain_interface_stats_ret *r, GError **error) {
    VgUuid uuid = vg_dom_uuid(&a->dom);
    VgNetStats s = {0};
    if (!call->driver->net_stats(call->session, &uuid, a->device, &s, error))
        return FALSE;
    *r = (remote_domain_interface_stats_ret){s.rx_bytes, s.rx_packets, s.rx_errs, s.rx_drop,
                                             s.tx_bytes, s.tx_packets, s.tx_errs, s.tx_drop};
    return TRUE;
}

/* --- all domains -------------------------------------------------------------------------------------------------- */

gboolean vg_do_connect_get_all_domain_stats(VgCall *call, const remote_connect_get_all_domain_stats_args *a,
                                            remote_stats *r, GError **error) {
    guint n = a->doms.doms_len;
    g_autofree VgUuid *uuids = g_new(VgUuid, n + 1);
    for (guint i = 0; i < n; i++)
        uuids[i] = vg_dom_uuid(&a->doms.doms_val[i]);
    if (!call->driver->stats(call->session, uuids, n, a->stats, a->flags, r, error))
        return FALSE;
    if (r->records->len <= REMOTE_DOMAIN_LIST_MAX)
        return TRUE;
    vg_set_error(error, VG_ERR_RPC, _("%u domains are more than the %d that fit into one answer; ask for fewer"),
                 r->records->len, REMOTE_DOMAIN_LIST_MAX);
    return FALSE;
}

static bool_t put_word(XDR *xdrs, guint32 word) {
    return xdr_u_int(xdrs, &word);
}

static bool_t put_text(XDR *xdrs, const char *text) {
    guint len = (guint)strlen(text);
    return put_word(xdrs, len) && xdr_opaque(xdrs, (char *)text, len);
}

static bool_t put_value(XDR *xdrs, const VgParam *param) {
    switch (param->type) {
    case VG_PARAM_STRING:
        return put_text(xdrs, param->s);
    case VG_PARAM_LLONG:
    case VG_PARAM_ULLONG:
    case VG_PARAM_DOUBLE: /* IEEE 754, big endian: as its bits */
        return put_word(xdrs, (guint32)(param->ul >> 32)) && put_word(xdrs, (guint32)param->ul);
    default:
        return put_word(xdrs, param->ui);
    }
}

/* Name and type into room that is asked for once. */
static bool_t put_param(XDR *xdrs, const VgParam *param) {
    guint len = (guint)strlen(param->name), padded = (len + 3) & ~3u;
    int32_t *room = XDR_INLINE(xdrs, padded + 8);
    if (!room)
        return FALSE;
    char *at = (char *)room;
    const guint32 words[] = {GUINT32_TO_BE(len), GUINT32_TO_BE((guint32)param->type)};
    memcpy(at, &words[0], 4);
    memset(at + padded, 0, 4);
    memcpy(at + 4, param->name, len);
    memcpy(at + 4 + padded, &words[1], 4);
    return put_value(xdrs, param);
}

static bool_t put_record(XDR *xdrs, const VgStats *stats, const VgStatsRecord *record) {
    if (!put_text(xdrs, record->dom.name) || !xdr_opaque(xdrs, (char *)record->dom.uuid.b, VG_UUID_LEN) ||
        !put_word(xdrs, (guint32)record->dom.id) || !put_word(xdrs, record->n))
        return FALSE;
    for (guint i = 0; i < record->n; i++)
        if (!put_param(xdrs, &g_array_index(stats->params, VgParam, record->first + i)))
            return FALSE;
    return TRUE;
}

bool_t xdr_remote_stats(XDR *xdrs, remote_stats *stats) {
    if (xdrs->x_op == XDR_FREE) {
        vg_stats_clear(stats);
        return TRUE;
    }
    if (xdrs->x_op != XDR_ENCODE || !put_word(xdrs, stats->records->len))
        return FALSE;
    for (guint i = 0; i < stats->records->len; i++)
        if (!put_record(xdrs, stats, &g_array_index(stats->records, VgStatsRecord, i)))
            return FALSE;
    return TRUE;
}
