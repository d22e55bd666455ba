/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * forward.c: see the header. A client's connection to another daemon is a Line. The other side of it is in our eyes one
 * more VgClient, of a server of its own that listens nowhere: so the same frames, queues and bounds hold in both
 * directions. The call that opens a line waits until it is open, and its client with it.
 */
#include "config.h"
#include "daemon/forward.h"

#include <string.h>
#include <unistd.h>

#define VG_AREA "forward"
#include "base/fd.h"
#include "base/i18n.h"
#include "base/log.h"
#include "proc/call.h"
#include "proc/error_to_wire.h"
#include "wire/socket.h"

enum { WAITING_MAX = 64 * 1024 * 1024, PROCEDURES = 512, NO_PROOF = 0, READ_ONLY = 1 };
enum { AUTH_LIST = 66, CONNECT_OPEN = 1 }; /* procedures of the remote program */

/* --- whose business a procedure is -------------------------------------------------------------------------------- */

typedef enum { NOBODY, NETWORK, STORAGE, INTERFACE, SECRET, NWFILTER, KINDS } Kind;

static const struct {
    const char *scheme, *socket, *what;
} kinds[KINDS] = {
    [NETWORK] = {"network", "virtnetworkd-sock", N_("networks")},
    [STORAGE] = {"storage", "virtstoraged-sock", N_("storage")},
    [INTERFACE] = {"interface", "virtinterfaced-sock", N_("interfaces")},
    [SECRET] = {"secret", "virtsecretd-sock", N_("secrets")},
    [NWFILTER] = {"nwfilter", "virtnwfilterd-sock", N_("network filters")},
};

/* Numbers of libvirt's remote protocol, first and last of each run. */
static const struct {
    Kind kind;
    gint32 first, last;
} runs[] = {
    {NETWORK, 36, 36},     {NETWORK, 38, 50},     {NETWORK, 52, 52},     {NETWORK, 152, 153},   {NETWORK, 283, 283},
    {NETWORK, 291, 291},   {NETWORK, 313, 314},   {NETWORK, 341, 341},   {NETWORK, 404, 410},   {NETWORK, 432, 432},
    {NETWORK, 437, 437},   {STORAGE, 71, 100},    {STORAGE, 125, 125},   {STORAGE, 154, 155},   {STORAGE, 165, 165},
    {STORAGE, 208, 209},   {STORAGE, 259, 260},   {STORAGE, 281, 282},   {STORAGE, 368, 369},   {STORAGE, 378, 378},
    {STORAGE, 391, 391},   {STORAGE, 403, 403},   {INTERFACE, 126, 134}, {INTERFACE, 137, 138}, {INTERFACE, 156, 156},
    {INTERFACE, 220, 222}, {INTERFACE, 284, 284}, {SECRET, 139, 147},    {SECRET, 287, 287},    {SECRET, 380, 381},
    {NWFILTER, 175, 181},  {NWFILTER, 286, 286},  {NWFILTER, 397, 401},  {NWFILTER, 431, 431},
};

static Kind kind_of(const VgMsgHeader *header) {
    static guint8 table[PROCEDURES];
    static gboolean made;
    if (!made)
        for (gsize i = 0; i < G_N_ELEMENTS(runs); i++)
            memset(table + runs[i].first, (int)runs[i].kind, (gsize)(runs[i].last - runs[i].first) + 1);
    made = TRUE;
    if (header->program != VG_REMOTE_PROGRAM || header->procedure < 0 || header->procedure >= PROCEDURES)
        return NOBODY;
    return (Kind)table[header->procedure];
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

typedef struct Peer Peer;

typedef struct {
    Peer *peer; /* NULL: its client has gone */
    Kind kind;
    VgClient *up; /* the other daemon */
    enum { ASKED_AUTH, ASKED_OPEN, OPEN } state;
    VgMsg *waiting;  /* until it is open; NULL: none */
    GArray *pending; /* VgMsgHeader of the calls without an answer */
} Line;

/* One of our clients that needed a line. */
struct Peer {
    VgForward *forward;
    VgClient *client;
    Line *lines[KINDS];
};

struct VgForward {
    char *dir;
    const VgServerHandler *next;
    gpointer next_data;
    VgServer *server;  /* of the other sides; NULL until the first */
    GHashTable *peers; /* VgClient -> Peer */
    gsize waiting;     /* bytes of all messages that wait */
};

static void answer_error(VgClient *client, const VgMsgHeader *call, const GError *error) {
    g_autoptr(VgMsg) msg = vg_error_to_wire(call, VG_FROM_RPC, error);
    if (msg != NULL)
        vg_client_send(client, msg);
}

/* The calls that nobody answers any more. */
static void fail_calls(Line *line, const GError *error) {
    for (guint i = 0; i < line->pending->len; i++) {
        answer_error(line->peer->client, &g_array_index(line->pending, VgMsgHeader, i), error);
        vg_client_call_end(line->peer->client);
    }
    g_array_set_size(line->pending, 0);
}

static void drop_waiting(Line *line, VgForward *forward) {
    if (line->waiting == NULL)
        return;
    forward->waiting -= vg_msg_memory(line->waiting);
    vg_client_release(line->peer->client);
    g_clear_pointer(&line->waiting, vg_msg_unref);
}

/* From its client; the rest of it goes with the other side. */
static void detach(Line *line) {
    drop_waiting(line, line->peer->forward);
    line->peer->lines[line->kind] = NULL;
    line->peer = NULL;
}

static void line_free(gpointer data) {
    Line *line = data;
    g_array_unref(line->pending);
    g_free(line);
}

static void G_GNUC_PRINTF(2, 3) give_up(Line *line, const char *format, ...) {
    g_autoptr(GError) error = NULL;
    va_list args;
    va_start(args, format);
    g_autofree char *why = g_strdup_vprintf(format, args);
    va_end(args);
    vg_set_error(&error, VG_ERR_NO_SUPPORT, _("the machine's libvirt daemon for %s cannot be asked: %s"),
                 _(kinds[line->kind].what), why);
    fail_calls(line, error);
    detach(line);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void ask(Line *line, gint32 procedure, xdrproc_t proc, gconstpointer args) {
    const VgMsgHeader header = {.program = VG_REMOTE_PROGRAM, .version = VG_REMOTE_VERSION, .procedure = procedure};
    g_autoptr(VgMsg) msg = vg_msg_encode(&header, proc, args, NULL);
    vg_client_send(line->up, msg);
}

/* A daemon of root serves the system, anybody else's a session. */
static void ask_open(Line *line) {
    guint32 uid = 0, gid;
    gint32 pid;
    vg_client_credentials(line->up, &uid, &gid, &pid);
    g_autofree char *uri = g_strdup_printf("%s:///%s", kinds[line->kind].scheme, uid == 0 ? "system" : "session");
    remote_connect_open_args args = {.name = &uri, .flags = vg_client_read_only(line->peer->client) ? READ_ONLY : 0};
    ask(line, CONNECT_OPEN, (xdrproc_t)xdr_remote_connect_open_args, &args);
    line->state = ASKED_OPEN;
}

static gboolean offers_no_auth(const VgMsg *msg) {
    remote_auth_list_ret ret = {0};
    gboolean found = FALSE;
    if (!vg_msg_decode(msg, (xdrproc_t)xdr_remote_auth_list_ret, &ret, NULL))
        return FALSE;
    for (u_int i = 0; i < ret.types.types_len; i++)
        found = found || ret.types.types_val[i] == NO_PROOF;
    xdr_free((xdrproc_t)xdr_remote_auth_list_ret, (char *)&ret);
    return found;
}

static void opened(Line *line) {
    line->state = OPEN;
    if (line->waiting != NULL)
        vg_client_pass(line->up, line->waiting, line->peer->client);
    drop_waiting(line, line->peer->forward);
}

static void opening(Line *line, const VgMsg *msg) {
    const VgMsgHeader *header = vg_msg_header(msg);
    if (header->type != VG_MSG_REPLY)
        return;
    if (header->status != VG_MSG_OK)
        give_up(line, "%s", _("it refuses the connection"));
    else if (line->state == ASKED_OPEN)
        opened(line);
    else if (offers_no_auth(msg))
        ask_open(line);
    else
        give_up(line, "%s", _("it wants authentication"));
    if (line->peer == NULL)
        vg_client_close(line->up);
}

/* -1: there is no such socket, or nobody behind it. */
static int connect_to(const char *dir, const char *name, gboolean read_only) {
    g_autofree char *path = g_strconcat(dir, "/", name, read_only ? "-ro" : "", NULL);
    return vg_socket_connect_unix(path, FALSE, NULL);
}

/* The daemon of its own, or the one of all; of a session daemon, which has no read-only socket, the other one. */
static int connect_up(const VgForward *forward, Kind kind, gboolean read_only) {
    const char *const names[] = {kinds[kind].socket, "libvirt-sock"};
    int fd = -1;
    for (gsize i = 0; fd < 0 && i < G_N_ELEMENTS(names) * 2; i++)
        if (i % 2 == 1 || read_only)
            fd = connect_to(forward->dir, names[i / 2], i % 2 == 0);
    return fd;
}

static void up_message(VgClient *up, VgMsg *msg, gpointer data);
static void up_closed(VgClient *up, gpointer data);
static void up_connected(VgClient *up, gpointer data) {
    vg_client_authenticated(up);
}

static Line *line_new(Peer *peer, Kind kind) {
    static const VgServerHandler handler = {up_connected, up_message, up_closed, up_message};
    VgForward *forward = peer->forward;
    int fd = connect_up(forward, kind, vg_client_read_only(peer->client));
    if (fd < 0)
        return NULL;
    if (forward->server == NULL)
        forward->server = vg_server_new(&vg_server_limits, &handler, forward);
    VgClient *up = vg_server_adopt(forward->server, fd, FALSE);
    if (up == NULL)
        return NULL;
    Line *line = g_new0(Line, 1);
    line->peer = peer;
    line->kind = kind;
    line->up = up;
    line->pending = g_array_new(FALSE, FALSE, sizeof(VgMsgHeader));
    peer->lines[kind] = line;
    vg_client_set_data(up, line, line_free);
    ask(line, AUTH_LIST, NULL, NULL);
    return line;
}

/* --- back --------------------------------------------------------------------------------------------------------- */

static void answered(Line *line, guint32 serial) {
    for (guint i = 0; i < line->pending->len; i++) {
        if (g_array_index(line->pending, VgMsgHeader, i).serial != serial)
            continue;
        g_array_remove_index_fast(line->pending, i);
        vg_client_call_end(line->peer->client);
        return;
    }
}

static void up_message(VgClient *up, VgMsg *msg, gpointer data) {
    Line *line = vg_client_data(up);
    if (line->peer == NULL)
        return;
    if (line->state != OPEN) {
        opening(line, msg);
        return;
    }
    VgClient *client = line->peer->client;
    vg_client_pass(client, msg, up);
    if (vg_msg_header(msg)->type == VG_MSG_REPLY)
        answered(line, vg_msg_header(msg)->serial);
}

static void up_closed(VgClient *up, gpointer data) {
    Line *line = vg_client_data(up);
    if (line->peer != NULL)
        give_up(line, "%s", _("it has ended the connection"));
    vg_client_set_data(up, NULL, NULL);
}

/* --- there -------------------------------------------------------------------------------------------------------- */

static Peer *peer_of(VgForward *forward, VgClient *client) {
    Peer *peer = g_hash_table_lookup(forward->peers, client);
    if (peer == NULL) {
        peer = g_new0(Peer, 1);
        peer->forward = forward;
        peer->client = client;
        g_hash_table_insert(forward->peers, client, peer);
    }
    return peer;
}

static void pass_on(Line *line, VgMsg *msg) {
    VgForward *forward = line->peer->forward;
    VgClient *client = line->peer->client;
    const VgMsgHeader *header = vg_msg_header(msg);
    if (line->state != OPEN && (line->waiting != NULL || forward->waiting + vg_msg_memory(msg) > WAITING_MAX)) {
        g_autoptr(GError) error = NULL;
        vg_set_error(&error, VG_ERR_RESOURCE_BUSY, _("the machine's libvirt daemon for %s has not answered yet"),
                     _(kinds[line->kind].what));
        answer_error(client, header, error);
        return;
    }
    if (header->type == VG_MSG_CALL) {
        g_array_append_val(line->pending, *header);
        vg_client_call_begin(client);
    }
    if (line->state == OPEN) {
        vg_client_pass(line->up, msg, client);
        return;
    }
    vg_client_hold(client);
    line->waiting = vg_msg_ref(msg);
    forward->waiting += vg_msg_memory(msg);
}

static gboolean forwards(VgForward *forward, VgClient *client, VgMsg *msg) {
    const VgMsgHeader *header = vg_msg_header(msg);
    Kind kind = kind_of(header);
    if (kind == NOBODY || *forward->dir == '\0' || !vg_proc_client_is_open(client))
        return FALSE;
    Peer *peer = peer_of(forward, client);
    Line *line = peer->lines[kind];
    if (header->type != VG_MSG_CALL && (header->type != VG_MSG_STREAM || line == NULL))
        return FALSE;
    if (line == NULL)
        line = line_new(peer, kind);
    if (line == NULL)
        return FALSE;
    pass_on(line, msg);
    return TRUE;
}

static void on_connected(VgClient *client, gpointer data) {
    const VgForward *forward = data;
    forward->next->connected(client, forward->next_data);
}

static void on_message(VgClient *client, VgMsg *msg, gpointer data) {
    VgForward *forward = data;
    if (!forwards(forward, client, msg))
        forward->next->message(client, msg, forward->next_data);
}

static void on_stray(VgClient *client, VgMsg *msg, gpointer data) {
    forwards(data, client, msg);
}

static void on_closed(VgClient *client, gpointer data) {
    VgForward *forward = data;
    Peer *peer = g_hash_table_lookup(forward->peers, client);
    for (Kind kind = 0; peer != NULL && kind < KINDS; kind++) {
        Line *line = peer->lines[kind];
        if (line == NULL)
            continue;
        for (guint i = 0; i < line->pending->len; i++)
            vg_client_call_end(client);
        detach(line);
        vg_client_close(line->up);
    }
    g_hash_table_remove(forward->peers, client);
    forward->next->closed(client, forward->next_data);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

const VgServerHandler *vg_forward_handler(void) {
    static const VgServerHandler handler = {on_connected, on_message, on_closed, on_stray};
    return &handler;
}

VgForward *vg_forward_new(const char *dir, const VgServerHandler *next, gpointer next_data) {
    VgForward *forward = g_new0(VgForward, 1);
    forward->dir = g_strdup(dir);
    forward->next = next;
    forward->next_data = next_data;
    forward->peers = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return forward;
}

void vg_forward_free(VgForward *forward) {
    if (forward == NULL)
        return;
    g_clear_pointer(&forward->server, vg_server_free);
    g_hash_table_unref(forward->peers);
    g_free(forward->dir);
    g_free(forward);
}
