/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc.c: one call's way: find the row, authorise, decode, hand over, reply. Decides nothing itself.
 *
 * A fast call is answered before on_message() returns, unless it waits for figures. A slow one lives on the heap until
 * the driver's VgDone; it holds the connection, so that the session outlives it, and its answer is dropped if the
 * client has gone. One that opens a stream is the same, and stream.c joins the two ends.
 */
#include "config.h"
#include "proc/table.h"

#include <stddef.h>

#include "proc/error_to_wire.h"

/* --- connections -------------------------------------------------------------------------------------------------- */

static VgConn *conn_ref(VgConn *conn) {
    conn->refs++;
    return conn;
}

static void conn_unref(gpointer data) {
    VgConn *conn = data;
    if (--conn->refs > 0)
        return;
    if (conn->session != NULL) {
        conn->proc->driver->close(conn->session);
        conn->proc->sessions--;
    }
    g_array_unref(conn->subscriptions);
    g_free(conn);
}

static void on_connected(VgClient *client, gpointer data) {
    VgConn *conn = g_new0(VgConn, 1);
    conn->refs = 1;
    conn->proc = data;
    conn->client = client;
    conn->read_only = vg_client_read_only(client);
    conn->subscriptions = g_array_new(FALSE, TRUE, sizeof(VgSubscription));
    g_array_set_clear_func(conn->subscriptions, vg_subscription_clear);
    vg_client_set_data(client, conn, conn_unref);
    /* These sockets ask for no proof: the one type that AUTH_LIST offers is "none". */
    vg_client_authenticated(client);
}

static void on_closed(VgClient *client, gpointer data) {
    VgConn *conn = vg_client_data(client);
    vg_conn_unsubscribe_all(conn);
    conn->client = NULL;
    vg_client_set_data(client, NULL, NULL); /* the session ends now, or with its last slow call */
}

/* --- replies ------------------------------------------------------------------------------------------------------ */

static void send_msg(VgClient *client, VgMsg *msg) {
    if (msg == NULL)
        return;
    vg_client_send(client, msg);
    vg_msg_unref(msg);
}

static void send_error(VgClient *client, const VgMsgHeader *call, VgFrom from, const GError *error) {
    send_msg(client, vg_error_to_wire(call, from, error));
}

static void send_reply(VgClient *client, const VgMsgHeader *call, xdrproc_t proc, gconstpointer ret) {
    g_autoptr(GError) error = NULL;
    VgMsgHeader header = *call;
    header.type = VG_MSG_REPLY;
    header.status = VG_MSG_OK;
    VgMsg *msg = vg_msg_encode(&header, proc, ret, &error);
    if (msg != NULL)
        send_msg(client, msg);
    else
        send_error(client, call, VG_FROM_RPC, error);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static gboolean has_function(const VgDriver *driver, const VgRow *row) {
    void (*function)(void);
    memcpy(&function, (const char *)driver + row->needs_offset, sizeof(function));
    return function != NULL;
}

/* Before anything of the payload is looked at. */
static gboolean authorise(const VgConn *conn, const VgRow *row, VgFrom *from, GError **error) {
    *from = VG_FROM_RPC;
    if (row->who != VG_WHO_ANYONE && conn->session == NULL) {
        vg_set_error(error, VG_ERR_INTERNAL_ERROR, _("hypervisor connection not open"));
        return FALSE;
    }
    *from = VG_FROM_LIBXL;
    if (row->who == VG_WHO_WRITER && conn->read_only) {
        vg_set_error(error, VG_ERR_OPERATION_DENIED, _("read only access prevents %s"), row->name);
        return FALSE;
    }
    if (!has_function(conn->proc->driver, row)) {
        vg_set_error(error, VG_ERR_NO_SUPPORT, _("%s: driver %s has no %s"), row->name, conn->proc->driver->name,
                     row->needs);
        return FALSE;
    }
    return TRUE;
}

static void reply_domain(const VgCall *call, VgClient *client, const VgDomRef *dom) {
    remote_nonnull_domain ret = {.name = dom->name, .id = dom->id};
    memcpy(ret.uuid, dom->uuid.b, sizeof(ret.uuid));
    send_reply(client, &call->header, (xdrproc_t)xdr_remote_nonnull_domain, &ret);
}

/* gridctl's JSON is one, too. */
static void reply_text(const VgCall *call, VgClient *client, const char *text) {
    g_autofree char *copy = g_strdup(text);
    remote_text ret = {.text = copy};
    send_reply(client, &call->header, (xdrproc_t)xdr_remote_text, &ret);
}

static void reply_nodedev(const VgCall *call, VgClient *client, const char *name) {
    g_autofree char *copy = g_strdup(name);
    remote_nonnull_node_device ret = {.name = copy};
    send_reply(client, &call->header, (xdrproc_t)xdr_remote_nonnull_node_device, &ret);
}

/* A result that lacks what the row promises is an error, too: the driver's, but the client must not wait for ever. */
static void reply_slow(const VgCall *call, VgClient *client, const VgDomRef *dom, const char *text,
                       const GError *error) {
    VgAnswer answer = call->row->answer;
    if (error != NULL)
        send_error(client, &call->header, VG_FROM_LIBXL, error);
    else if (answer == VG_ANSWER_NOTHING)
        send_reply(client, &call->header, NULL, NULL);
    else if (answer == VG_ANSWER_DOMAIN && dom != NULL)
        reply_domain(call, client, dom);
    else if (answer == VG_ANSWER_TEXT && text != NULL)
        reply_text(call, client, text);
    else if (answer == VG_ANSWER_NODEDEV && text != NULL)
        reply_nodedev(call, client, text);
    else
        send_error(client, &call->header, VG_FROM_LIBXL, NULL);
}

static void on_done(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    g_autofree VgCall *call = data;
    VgConn *conn = call->conn;
    if (conn->client != NULL) {
        reply_slow(call, conn->client, dom, text, error);
        vg_client_call_end(conn->client);
    }
    conn_unref(conn);
}

static void reply_mime(const VgCall *call, VgClient *client, const char *text) {
    g_autofree char *copy = g_strdup(text);
    remote_maybe_text ret = {.text = copy != NULL ? &copy : NULL};
    send_reply(client, &call->header, (xdrproc_t)xdr_remote_maybe_text, &ret);
}

static void reply_stream(const VgCall *call, VgClient *client, VgStreamEnd *end, const char *text,
                         const GError *error) {
    g_autoptr(GError) own = NULL;
    if (end == NULL || !vg_call_open_stream(call, client, end, &own))
        send_error(client, &call->header, VG_FROM_LIBXL, own != NULL ? own : error);
    else if (call->row->answer == VG_ANSWER_MIME)
        reply_mime(call, client, text);
    else
        send_reply(client, &call->header, NULL, NULL);
}

static void on_stream_done(VgStreamEnd *end, const char *text, const GError *error, gpointer data) {
    g_autofree VgCall *call = data;
    VgConn *conn = call->conn;
    if (conn->client != NULL && vg_client_is_open(conn->client))
        reply_stream(call, conn->client, end, text, error);
    else if (end != NULL)
        end->close(end);
    if (conn->client != NULL)
        vg_client_call_end(conn->client);
    conn_unref(conn);
}

static void run_fast(VgCall *call, VgClient *client, gconstpointer args) {
    g_autoptr(GError) error = NULL;
    _Alignas(max_align_t) char ret[VG_ARGS_MAX];
    memset(ret, 0, call->row->ret_size);
    if (call->row->fast(call, args, ret, &error))
        send_reply(client, &call->header, call->row->ret_proc, ret);
    else
        send_error(client, &call->header, VG_FROM_LIBXL, error);
    xdr_free(call->row->ret_proc, ret);
}

/* A fast call that waits, with its arguments. */
typedef struct {
    VgCall call;
    _Alignas(max_align_t) char args[VG_ARGS_MAX];
} Waiting;

static void on_fresh(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    g_autofree Waiting *waiting = data;
    VgConn *conn = waiting->call.conn;
    if (conn->client != NULL) {
        run_fast(&waiting->call, conn->client, waiting->args);
        vg_client_call_end(conn->client);
    }
    xdr_free(waiting->call.row->args_proc, waiting->args);
    conn_unref(conn);
}

/* TRUE: it waits, and has taken @args over. */
static gboolean waits_for_figures(const VgCall *call, VgClient *client, char args[VG_ARGS_MAX]) {
    if (!call->row->figures || call->driver->fresh == NULL)
        return FALSE;
    Waiting *waiting = g_new(Waiting, 1);
    waiting->call = *call;
    memcpy(waiting->args, args, VG_ARGS_MAX);
    if (call->driver->fresh(call->session, (VgDone){on_fresh, waiting})) {
        g_free(waiting);
        return FALSE;
    }
    conn_ref(call->conn);
    vg_client_call_begin(client);
    return TRUE;
}

static void run_slow(const VgCall *call, VgClient *client, gconstpointer args) {
    VgCall *kept = g_memdup2(call, sizeof(*call));
    conn_ref(kept->conn);
    vg_client_call_begin(client);
    if (call->row->slow != NULL)
        call->row->slow(kept, args, (VgDone){on_done, kept});
    else
        call->row->stream(kept, args, (VgStreamDone){on_stream_done, kept});
}

static void run(VgConn *conn, VgClient *client, VgMsg *msg) {
    g_autoptr(GError) error = NULL;
    const VgMsgHeader *header = vg_msg_header(msg);
    VgFrom from = VG_FROM_RPC;
    const VgRow *row = vg_table_find(header, &error);
    _Alignas(max_align_t) char args[VG_ARGS_MAX];
    if (row == NULL || !authorise(conn, row, &from, &error)) {
        send_error(client, header, from, error);
        return;
    }
    memset(args, 0, row->args_size);
    if (!vg_msg_decode(msg, row->args_proc, args, &error)) {
        send_error(client, header, VG_FROM_RPC, error);
        return;
    }
    VgCall call = {conn, conn->proc->driver, conn->session, row, *header};
    if (waits_for_figures(&call, client, args))
        return;
    if (row->fast != NULL)
        run_fast(&call, client, args);
    else
        run_slow(&call, client, args);
    xdr_free(row->args_proc, args);
}

static void on_message(VgClient *client, VgMsg *msg, gpointer data) {
    VgConn *conn = vg_client_data(client);
    const VgMsgHeader *header = vg_msg_header(msg);
    if (conn->closing)
        return;
    if (header->type == VG_MSG_CALL) {
        run(conn, client, msg);
        if (conn->closing)
            vg_client_close(client);
    } else if (header->type == VG_MSG_CALL_WITH_FDS) {
        g_autoptr(GError) error = NULL;
        vg_set_error(&error, VG_ERR_RPC, _("no call here takes file descriptors"));
        send_error(client, header, VG_FROM_RPC, error);
    } /* anything else expects no answer and gets none */
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

VgProc *vg_proc_new(const VgDriver *driver, VgDriverState *state) {
    VgProc *proc = g_new0(VgProc, 1);
    proc->driver = driver;
    proc->state = state;
    proc->subscribers = g_ptr_array_new();
    return proc;
}

void vg_proc_free(VgProc *proc) {
    if (proc == NULL)
        return;
    g_ptr_array_unref(proc->subscribers);
    g_free(proc);
}

const VgServerHandler *vg_proc_handler(void) {
    static const VgServerHandler handler = {on_connected, on_message, on_closed};
    return &handler;
}

gboolean vg_proc_client_is_open(const VgClient *client) {
    const VgConn *conn = vg_client_data(client);
    return conn->session != NULL && !conn->closing;
}

guint vg_proc_sessions(const VgProc *proc) {
    return proc->sessions;
}

remote_string vg_opt_take(char *text) {
    if (text == NULL)
        return NULL;
    remote_string ret = g_new(char *, 1);
    *ret = text;
    return ret;
}

void vg_dom_take(remote_nonnull_domain *ret, VgDomRef *ref) {
    ret->name = g_steal_pointer(&ref->name);
    memcpy(ret->uuid, ref->uuid.b, sizeof(ret->uuid));
    ret->id = ref->id;
}

void vg_list_take(char **list, guint max, char ***ret_strings, u_int *ret_n) {
    guint n = list != NULL ? g_strv_length(list) : 0;
    for (guint i = max; i < n; i++)
        g_free(list[i]);
    *ret_strings = list;
    *ret_n = MIN(n, max);
}
