/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-proc-wire.c: plays tests/data/wire/NAME.script against the procedures: who says what, byte for byte. One line is
 * one step:
 *
 *     C: client [ro]                       a new connection; the following lines are about it
 *     C: use N                             the Nth connection again (from 1)
 *     C: call NUMBER VALUES                a call of libvirt's program
 *     C: grid NUMBER VALUES                a call of gridctl's
 *     C: header PROGRAM VERSION NUMBER TYPE STATUS VALUES    any message
 *     C: stream [to N] STATUS VALUES       a message of the stream that the call N calls ago opened
 *     C: hangs up
 *     S: reply [to N] VALUES               the whole reply (to the call N calls ago; 0, the last, if not said)
 *     S: error [to N] CODE DOMAIN "TEXT"   an error reply; TEXT may end in "..."
 *     S: stream [to N] STATUS VALUES       a message of the stream that the call N calls ago opened
 *     S: failed [to N] CODE DOMAIN "TEXT"  the end of it
 *     S: event NUMBER VALUES
 *     S: silence                           nothing comes
 *     S: closed
 *     D: now | later | held | release | fails | empty      how the driver ends its slow calls
 *     D: lifecycle DOM A B | reboot DOM | removed DOM "ALIAS" | added DOM "ALIAS" | metadata DOM TYPE "URI"|none
 *     D: nodedev "NAME" CHANGE | nodedev "NAME" update | grid "TEXT"
 *     D: says VALUES | heard VALUES | hangs up      at the other end of the last stream
 *     D: cuts "TEXT"                       the driver ends the last stream
 *     D: did "WORDS"                       what reached the driver since the last such line
 *
 * VALUES: i-5 int, u5 unsigned, h5 64 bits, "text" string, some "text" optional string, none a null, dom alpha|beta a
 * domain, uuid alpha|beta, raw "text" its bytes alone, x00ff bytes as they are, c32 "text" an array of 32 char. #
 * begins a comment.
 */
#include "config.h"
#include "proc-fixture.h"

#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    const char *file;
    int line;
    Fake *fake;
    GPtrArray *peers;
    Peer *peer;
    GArray *calls; /* headers of the calls of all, in order */
} Script;

#define fail(s, ...)                                                                                                   \
    do {                                                                                                               \
        g_autofree char *why = g_strdup_printf(__VA_ARGS__);                                                           \
        g_error("%s:%d: %s", (s)->file, (s)->line, why);                                                               \
    } while (0)

/* --- words -------------------------------------------------------------------------------------------------------- */

/* The words of a line; a quoted one keeps its first quote. */
static GPtrArray *split(const Script *s, const char *line) {
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    for (const char *p = line; *p != '\0';) {
        if (*p == ' ') {
            p++;
            continue;
        }
        if (*p == '#')
            break;
        const char *end = *p == '"' ? strchr(p + 1, '"') : p + strcspn(p, " ");
        if (end == NULL)
            fail(s, "a quote is missing");
        g_ptr_array_add(words, g_strndup(p, (gsize)(end - p)));
        p = *end == '"' ? end + 1 : end;
    }
    g_ptr_array_add(words, NULL);
    return words;
}

static void put(GByteArray *out, gconstpointer data, gsize len) {
    static const guint8 pad[4];
    g_byte_array_append(out, data, (guint)len);
    g_byte_array_append(out, pad, (guint)(-len & 3));
}

static void put_word(GByteArray *out, gint64 value) {
    guint32 word = GUINT32_TO_BE((guint32)value);
    g_byte_array_append(out, (const guint8 *)&word, 4);
}

static void put_text(const Script *s, GByteArray *out, const char *word) {
    if (word == NULL || word[0] != '"')
        fail(s, "a \"text\" is missing");
    put_word(out, (gint64)strlen(word + 1));
    put(out, word + 1, strlen(word + 1));
}

static const VgUuid *uuid_of(const Script *s, const char *word) {
    if (g_strcmp0(word, "alpha") != 0 && g_strcmp0(word, "beta") != 0)
        fail(s, "alpha or beta, not '%s'", word);
    return word[0] == 'a' ? &fake_alpha : &fake_beta;
}

static void put_dom(const Script *s, GByteArray *out, const char *word) {
    const VgUuid *uuid = uuid_of(s, word);
    g_autofree char *name = g_strdup_printf("\"%s", word);
    put_text(s, out, name);
    put(out, uuid->b, VG_UUID_LEN);
    put_word(out, uuid == &fake_alpha ? 7 : -1);
}

static void put_hex(const Script *s, GByteArray *out, const char *word) {
    for (const char *p = word; *p != '\0'; p += 2) {
        if (!g_ascii_isxdigit(p[0]) || !g_ascii_isxdigit(p[1]))
            fail(s, "'%s' is not hexadecimal", word);
        guint8 byte = (guint8)(g_ascii_xdigit_value(p[0]) * 16 + g_ascii_xdigit_value(p[1]));
        g_byte_array_append(out, &byte, 1);
    }
}

static void put_chars(const Script *s, GByteArray *out, const char *word, const char *text) {
    gsize n = g_ascii_strtoull(word, NULL, 10);
    if (text == NULL || text[0] != '"' || strlen(text + 1) > n)
        fail(s, "a short \"text\" is missing");
    for (gsize i = 0; i < n; i++)
        put_word(out, i < strlen(text + 1) ? text[1 + i] : 0);
}

/* Writes one value; returns how many words it took. */
static guint put_value(const Script *s, GByteArray *out, char **words) {
    const char *word = words[0];
    if (word[0] == '"')
        put_text(s, out, word);
    else if (strcmp(word, "none") == 0)
        put_word(out, 0);
    else if (strcmp(word, "some") == 0) {
        put_word(out, 1);
        put_text(s, out, words[1]);
        return 2;
    } else if (strcmp(word, "dom") == 0) {
        put_dom(s, out, words[1]);
        return 2;
    } else if (strcmp(word, "raw") == 0 && words[1] != NULL) {
        g_byte_array_append(out, (const guint8 *)words[1] + 1, (guint)strlen(words[1] + 1));
        return 2;
    } else if (strcmp(word, "uuid") == 0) {
        put(out, uuid_of(s, words[1])->b, VG_UUID_LEN);
        return 2;
    } else if (word[0] == 'c') {
        put_chars(s, out, word + 1, words[1]);
        return 2;
    } else if (word[0] == 'i' || word[0] == 'u')
        put_word(out, g_ascii_strtoll(word + 1, NULL, 0));
    else if (word[0] == 'h') {
        gint64 value = g_ascii_strtoll(word + 1, NULL, 0);
        put_word(out, value >> 32);
        put_word(out, value);
    } else if (word[0] == 'x')
        put_hex(s, out, word + 1);
    else
        fail(s, "'%s' is no value", word);
    return 1;
}

static GByteArray *values(const Script *s, char **words) {
    GByteArray *out = g_byte_array_new();
    while (*words != NULL)
        words += put_value(s, out, words);
    return out;
}

static gint64 number(const Script *s, const char *word) {
    if (word == NULL)
        fail(s, "a number is missing");
    return g_ascii_strtoll(word, NULL, 0);
}

/* --- C: ----------------------------------------------------------------------------------------------------------- */

static void send_message(Script *s, guint32 program, guint32 version, gint32 procedure, int type, int status,
                         char **words) {
    g_autoptr(GByteArray) payload = values(s, words);
    g_autoptr(GByteArray) out = g_byte_array_new();
    VgMsgHeader header = {program, version, procedure, (VgMsgType)type, ++s->peer->serial, (VgMsgStatus)status};
    const gint64 head[] = {VG_MSG_HEADER + payload->len, program, version, procedure, type, header.serial, status};
    for (gsize i = 0; i < G_N_ELEMENTS(head); i++)
        put_word(out, head[i]);
    g_byte_array_append(out, payload->data, payload->len);
    g_array_append_val(s->calls, header);
    peer_send_bytes(s->peer, out->data, out->len);
}

/* The call that "to N" at *words means. */
static const VgMsgHeader *call_of(const Script *s, char ***words) {
    guint back = 0;
    if (g_strcmp0(**words, "to") == 0) {
        back = (guint)number(s, (*words)[1]);
        *words += 2;
    }
    if (back >= s->calls->len)
        fail(s, "there was no such call");
    return &g_array_index(s->calls, VgMsgHeader, s->calls->len - 1 - back);
}

static void send_stream(Script *s, char **words) {
    const VgMsgHeader *call = call_of(s, &words);
    VgMsgHeader header = *call;
    header.type = VG_MSG_STREAM;
    header.status = (VgMsgStatus)number(s, words[0]);
    g_autoptr(GByteArray) payload = values(s, words + 1);
    g_autoptr(VgMsg) msg = vg_msg_encode_bytes(&header, payload->data, payload->len);
    gsize len;
    const guint8 *bytes = vg_msg_bytes(msg, &len);
    peer_send_bytes(s->peer, bytes, len);
}

static void client_step(Script *s, char **words) {
    const char *verb = words[0];
    if (strcmp(verb, "client") == 0) {
        s->peer = peer_new(s->fake, g_strcmp0(words[1], "ro") == 0);
        g_ptr_array_add(s->peers, s->peer);
        return;
    }
    if (strcmp(verb, "use") == 0) {
        s->peer = s->peers->pdata[number(s, words[1]) - 1];
        return;
    }
    if (s->peer == NULL)
        fail(s, "no client yet");
    if (strcmp(verb, "stream") == 0)
        send_stream(s, words + 1);
    else if (strcmp(verb, "call") == 0)
        send_message(s, VG_REMOTE_PROGRAM, 1, (gint32)number(s, words[1]), VG_MSG_CALL, VG_MSG_OK, words + 2);
    else if (strcmp(verb, "grid") == 0)
        send_message(s, GRID_PROGRAM, 1, (gint32)number(s, words[1]), VG_MSG_CALL, VG_MSG_OK, words + 2);
    else if (strcmp(verb, "header") == 0 && g_strv_length(words) >= 6)
        send_message(s, (guint32)number(s, words[1]), (guint32)number(s, words[2]), (gint32)number(s, words[3]),
                     (int)number(s, words[4]), (int)number(s, words[5]), words + 6);
    else if (strcmp(verb, "hangs") == 0) {
        peer_free(s->peer);
        g_ptr_array_remove(s->peers, s->peer);
        s->peer = NULL;
    } else
        fail(s, "a client cannot '%s'", verb);
}

/* --- S: ----------------------------------------------------------------------------------------------------------- */

static char *hex(const guint8 *data, gsize len) {
    GString *text = g_string_new(NULL);
    for (gsize i = 0; i < len; i++)
        g_string_append_printf(text, "%s%02x", i > 0 && i % 4 == 0 ? " " : "", data[i]);
    return g_string_free(text, FALSE);
}

static void describe_error(const Script *s, const VgMsg *msg) {
    remote_error body = {0};
    if (vg_msg_header(msg)->status == VG_MSG_ERROR && vg_msg_decode(msg, (xdrproc_t)xdr_remote_error, &body, NULL))
        fail(s, "error %d %d \"%s\" came", body.code, body.domain, body.message != NULL ? *body.message : "");
}

static VgMsg *expect(Script *s, int type, int status, const VgMsgHeader *call) {
    VgMsg *msg = peer_receive(s->peer, PEER_PATIENCE_MS);
    if (msg == NULL)
        fail(s, "nothing came");
    const VgMsgHeader *header = vg_msg_header(msg);
    if (status != VG_MSG_ERROR)
        describe_error(s, msg);
    if ((int)header->type != type || (int)header->status != status)
        fail(s, "type %d status %d came", (int)header->type, (int)header->status);
    if (call != NULL && (header->program != call->program || header->version != call->version ||
                         header->procedure != call->procedure || header->serial != call->serial))
        fail(s, "the reply is to serial %u procedure %d, not to %u %d", header->serial, header->procedure, call->serial,
             call->procedure);
    return msg;
}

static void expect_payload(Script *s, const VgMsg *msg, char **words) {
    g_autoptr(GByteArray) want = values(s, words);
    gsize len;
    const guint8 *got = vg_msg_payload(msg, &len);
    if (len == want->len && (len == 0 || memcmp(got, want->data, len) == 0))
        return;
    g_autofree char *got_hex = hex(got, len), *want_hex = hex(want->data, want->len);
    fail(s, "came  %s\nwanted %s", got_hex, want_hex);
}

static void expect_error(Script *s, const VgMsg *msg, char **words) {
    remote_error body = {0};
    if (!vg_msg_decode(msg, (xdrproc_t)xdr_remote_error, &body, NULL) || body.message == NULL)
        fail(s, "an error without a text");
    if (words[0] == NULL || words[1] == NULL || words[2] == NULL)
        fail(s, "error CODE DOMAIN \"TEXT\"");
    const char *text = words[2] + 1;
    gboolean prefix = g_str_has_suffix(text, "...");
    gboolean same = prefix ? strncmp(*body.message, text, strlen(text) - 3) == 0 : strcmp(*body.message, text) == 0;
    if (body.code != number(s, words[0]) || body.domain != number(s, words[1]) || !same || body.level != 2)
        fail(s, "error %d %d \"%s\" came", body.code, body.domain, *body.message);
    xdr_free((xdrproc_t)xdr_remote_error, (char *)&body);
}

static void server_step(Script *s, char **words) {
    const char *verb = words[0];
    if (s->peer == NULL)
        fail(s, "no client yet");
    if (strcmp(verb, "silence") == 0) {
        g_autoptr(VgMsg) msg = peer_receive(s->peer, 20);
        if (msg != NULL)
            fail(s, "procedure %d type %d came", vg_msg_header(msg)->procedure, (int)vg_msg_header(msg)->type);
        return;
    }
    if (strcmp(verb, "closed") == 0) {
        if (!peer_is_closed(s->peer))
            fail(s, "the connection is still there");
        return;
    }
    if (strcmp(verb, "event") == 0) {
        g_autoptr(VgMsg) msg = expect(s, VG_MSG_EVENT, VG_MSG_OK, NULL);
        if (vg_msg_header(msg)->procedure != number(s, words[1]))
            fail(s, "event %d came", vg_msg_header(msg)->procedure);
        expect_payload(s, msg, words + 2);
        return;
    }
    char **rest = words + 1;
    const VgMsgHeader *call = call_of(s, &rest);
    gboolean stream = strcmp(verb, "stream") == 0;
    gboolean failed = strcmp(verb, "failed") == 0, error = failed || strcmp(verb, "error") == 0;
    if (!error && !stream && strcmp(verb, "reply") != 0)
        fail(s, "a server cannot '%s'", verb);
    int status = error ? VG_MSG_ERROR : stream ? (int)number(s, *rest++) : VG_MSG_OK;
    g_autoptr(VgMsg) msg = expect(s, stream || failed ? VG_MSG_STREAM : VG_MSG_REPLY, status, call);
    (error ? expect_error : expect_payload)(s, msg, rest);
}

/* --- D: ----------------------------------------------------------------------------------------------------------- */

static void send_event(Script *s, VgEventId id, char **words) {
    VgEvent event = {.id = id};
    event.dom.uuid = *uuid_of(s, words[1]);
    event.dom.name = words[1];
    event.dom.id = words[1][0] == 'a' ? 7 : -1;
    for (char **word = words + 2; *word != NULL; word++) {
        if (**word == '"')
            event.s1 = *word + 1;
        else if (word == words + 2)
            event.a = (int)number(s, *word);
        else if (strcmp(*word, "none") != 0)
            event.b = (int)number(s, *word);
    }
    vg_proc_event(s->fake->proc, &event);
}

static void send_other(Script *s, char **words) {
    if (strcmp(words[0], "grid") == 0) {
        vg_proc_grid_event(s->fake->proc, words[1] + 1);
        return;
    }
    gboolean update = strcmp(words[2], "update") == 0;
    VgNodedevEvent event = {.id = update ? VG_NODEDEV_EVENT_UPDATE : VG_NODEDEV_EVENT_LIFECYCLE, .name = words[1] + 1};
    if (!update)
        event.type = (VgNodedevChange)number(s, words[2]);
    vg_proc_nodedev_event(s->fake->proc, &event);
}

static void expect_heard(Script *s, char **words) {
    g_autoptr(GByteArray) want = values(s, words);
    guint8 got[4096];
    peer_settle();
    ssize_t n = recv(s->fake->far, got, sizeof(got), 0);
    if (n == (ssize_t)want->len && memcmp(got, want->data, want->len) == 0)
        return;
    g_autofree char *got_hex = hex(got, n > 0 ? (gsize)n : 0);
    fail(s, "the other end of the stream heard %zd bytes: %s", n, got_hex);
}

/* At the other end of the last stream. FALSE: it is no word of this. */
static gboolean stream_step(Script *s, char **words) {
    if (strcmp(words[0], "says") == 0) {
        g_autoptr(GByteArray) what = values(s, words + 1);
        if (send(s->fake->far, what->data, what->len, 0) != (ssize_t)what->len)
            fail(s, "the stream takes nothing");
    } else if (strcmp(words[0], "heard") == 0) {
        expect_heard(s, words + 1);
    } else if (strcmp(words[0], "hangs") == 0) {
        close(s->fake->far);
        s->fake->far = -1;
    } else if (strcmp(words[0], "cuts") == 0 && words[1] != NULL) {
        g_autoptr(GError) error = g_error_new_literal(VG_ERROR, VG_ERR_OPERATION_FAILED, words[1] + 1);
        s->fake->end->cut(s->fake->end, error);
    } else {
        return FALSE;
    }
    return TRUE;
}

static void driver_step(Script *s, char **words) {
    static const struct {
        const char *verb;
        FakeMode mode;
    } modes[] = {
        {"now", FAKE_NOW}, {"later", FAKE_LATER}, {"held", FAKE_HELD}, {"fails", FAKE_FAILS}, {"empty", FAKE_EMPTY}};
    static const struct {
        const char *verb;
        VgEventId id;
    } events[] = {{"lifecycle", VG_EVENT_LIFECYCLE},        {"reboot", VG_EVENT_REBOOT},
                  {"removed", VG_EVENT_DEVICE_REMOVED},     {"added", VG_EVENT_DEVICE_ADDED},
                  {"kept", VG_EVENT_DEVICE_REMOVAL_FAILED}, {"metadata", VG_EVENT_METADATA_CHANGE}};
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(words[0], modes[i].verb) == 0) {
            s->fake->mode = modes[i].mode;
            return;
        }
    }
    for (gsize i = 0; i < G_N_ELEMENTS(events); i++) {
        if (strcmp(words[0], events[i].verb) == 0) {
            send_event(s, events[i].id, words);
            return;
        }
    }
    if (stream_step(s, words))
        return;
    if (strcmp(words[0], "nodedev") == 0 || strcmp(words[0], "grid") == 0)
        send_other(s, words);
    else if (strcmp(words[0], "release") == 0) {
        peer_settle();
        fake_release(s->fake);
    } else if (strcmp(words[0], "did") == 0 && words[1] != NULL) {
        peer_settle();
        if (strcmp(s->fake->log->str, words[1] + 1) != 0)
            fail(s, "the driver did \"%s\"", s->fake->log->str);
        g_string_truncate(s->fake->log, 0);
    } else
        fail(s, "the driver cannot '%s'", words[0]);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void play_line(Script *s, const char *line) {
    g_autoptr(GPtrArray) words = split(s, line);
    char **list = (char **)words->pdata;
    if (list[0] == NULL)
        return;
    if (list[1] == NULL)
        fail(s, "nothing behind '%s'", list[0]);
    if (strcmp(list[0], "C:") == 0)
        client_step(s, list + 1);
    else if (strcmp(list[0], "S:") == 0)
        server_step(s, list + 1);
    else if (strcmp(list[0], "D:") == 0)
        driver_step(s, list + 1);
    else
        fail(s, "a line begins with C:, S: or D:");
}

static void play(gconstpointer path) {
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    Script s = {.file = path, .fake = fake_new(), .peers = g_ptr_array_new()};
    s.calls = g_array_new(FALSE, FALSE, sizeof(VgMsgHeader));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        s.line++;
        play_line(&s, *line);
    }
    for (guint i = 0; i < s.peers->len; i++) {
        Peer *peer = s.peers->pdata[i];
        g_autoptr(VgMsg) msg = peer_receive(peer, 0);
        if (msg != NULL)
            fail(&s, "one more message came: procedure %d", vg_msg_header(msg)->procedure);
        peer_free(peer);
    }
    g_ptr_array_unref(s.peers);
    g_array_unref(s.calls);
    fake_free(s.fake);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *folder = g_build_filename(srcdir != NULL ? srcdir : ".", "tests", "data", "wire", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    g_assert_no_error(error);
    const char *name;
    int n = 0;
    while ((name = g_dir_read_name(dir)) != NULL) {
        if (!g_str_has_suffix(name, ".script"))
            continue;
        g_autofree char *test = g_strdup_printf("/proc/wire/%.*s", (int)(strlen(name) - 7), name);
        g_test_add_data_func_full(test, g_build_filename(folder, name, NULL), play, g_free);
        n++;
    }
    g_assert_cmpint(n, >, 10);
    return g_test_run();
}
