/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stubserver: the floor. A server that does nothing but frame and answer: one epoll descriptor, canned replies to the
 * calls that calls.c makes, no parsing, no state. What libvirt's client costs with it is what it costs at least.
 *
 * usage: stubserver SOCKET DOMAINS
 */
#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 28, INPUT = 65536 };

/* Procedures of libvirt's remote program that are answered with more than an empty body. */
enum {
    GET_XML = 14,
    GET_INFO = 16,
    LOOKUP_NAME = 23,
    FEATURE = 60,
    AUTH_LIST = 66,
    LIB_VERSION = 157,
    GET_STATE = 212,
    LIST_ALL = 273,
};

typedef struct {
    int fd;
    size_t used;
    unsigned char input[INPUT];
} Client;

static GByteArray *list_reply, *xml_reply;

static void put_word(GByteArray *out, uint32_t value) {
    const guint8 b[4] = {(guint8)(value >> 24), (guint8)(value >> 16), (guint8)(value >> 8), (guint8)value};
    g_byte_array_append(out, b, 4);
}

static void put_text(GByteArray *out, const char *text) {
    static const guint8 zero[4];
    guint len = (guint)strlen(text);
    put_word(out, len);
    g_byte_array_append(out, (const guint8 *)text, len);
    g_byte_array_append(out, zero, (4 - len % 4) % 4);
}

static void put_domain(GByteArray *out, uint32_t n) {
    char name[32];
    guint8 uuid[16] = {0};
    g_snprintf(name, sizeof(name), "d%05u", n);
    memcpy(uuid, &n, sizeof(n));
    put_text(out, name);
    g_byte_array_append(out, uuid, 16);
    put_word(out, 0xffffffff);
}

static uint32_t get_word(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_body(GByteArray *out, uint32_t procedure) {
    switch (procedure) {
    case AUTH_LIST:
        put_word(out, 1);
        put_word(out, 0);
        break;
    case FEATURE:
        put_word(out, 1);
        break;
    case LIB_VERSION:
        put_word(out, 0);
        put_word(out, 9000000);
        break;
    case LOOKUP_NAME:
        put_domain(out, 1);
        break;
    case GET_INFO:
        for (int i = 0; i < 8; i++)
            put_word(out, 1);
        break;
    case GET_STATE:
        put_word(out, 5);
        put_word(out, 0);
        break;
    case GET_XML:
        g_byte_array_append(out, xml_reply->data, xml_reply->len);
        break;
    case LIST_ALL:
        g_byte_array_append(out, list_reply->data, list_reply->len);
        break;
    default:
        break;
    }
}

static gboolean answer(Client *client, const unsigned char *call) {
    g_autoptr(GByteArray) out = g_byte_array_sized_new(256);
    uint32_t procedure = get_word(call + 12);
    put_word(out, 0);
    g_byte_array_append(out, call + 4, 12);
    put_word(out, 1); /* a reply */
    g_byte_array_append(out, call + 20, 4);
    put_word(out, 0); /* that is well */
    put_body(out, procedure);
    uint32_t len = GUINT32_TO_BE(out->len);
    memcpy(out->data, &len, 4);
    for (size_t done = 0; done < out->len;) {
        ssize_t r = send(client->fd, out->data + done, out->len - done, MSG_NOSIGNAL);
        if (r < 0)
            return FALSE;
        done += (size_t)r;
    }
    return TRUE;
}

static gboolean readable(Client *client) {
    ssize_t r = read(client->fd, client->input + client->used, INPUT - client->used);
    if (r <= 0)
        return FALSE;
    client->used += (size_t)r;
    size_t at = 0;
    while (client->used - at >= HEADER) {
        uint32_t len = get_word(client->input + at);
        if (len < HEADER || len > INPUT)
            return FALSE;
        if (client->used - at < len)
            break;
        if (!answer(client, client->input + at))
            return FALSE;
        at += len;
    }
    memmove(client->input, client->input + at, client->used - at);
    client->used -= at;
    return TRUE;
}

static void make_replies(uint32_t domains) {
    list_reply = g_byte_array_new();
    put_word(list_reply, domains);
    for (uint32_t i = 0; i < domains; i++)
        put_domain(list_reply, i);
    put_word(list_reply, domains);
    xml_reply = g_byte_array_new();
    g_autofree char *xml = g_strnfill(1000, 'x');
    put_text(xml_reply, xml);
}

static int listen_at(const char *path) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(addr.sun_path))
        return -1;
    strcpy(addr.sun_path, path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1024) < 0)
        return -1;
    return fd;
}

static void take(int epoll, int listener) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    Client *client = g_new0(Client, 1);
    client->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
    int listener = argc == 3 ? listen_at(argv[1]) : -1;
    if (listener < 0) {
        fprintf(stderr, "usage: stubserver SOCKET DOMAINS (%s)\n", g_strerror(errno));
        return 2;
    }
    make_replies((uint32_t)strtoul(argv[2], NULL, 10));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            Client *client = events[i].data.ptr;
            if (client == NULL) {
                take(epoll, listener);
            } else if (!readable(client)) {
                close(client->fd);
                g_free(client);
            }
        }
    }
}
