/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* toy-server.h: a server with a toy program on one end of a socket pair, and what a rude client needs on the other. */
#pragma once

#include "wire/client.h"

enum { PROGRAM = 0x20008086, ECHO = 1, SLOW, SUBSCRIBE, BYE, BULK };

/* The toy program: ECHO answers its payload's length, SLOW when told, SUBSCRIBE asks for events, BYE closes, BULK
 * answers 1 MiB. */
typedef struct {
    VgServer *server;
    guint connected, messages, closed;
    gboolean stay_anonymous;
    GQueue slow; /* of Slow */
    GPtrArray *subscribers;
} Toy;

/* Everything there is to read: how many replies, in order from *serial; -1 at the end of the stream. */
typedef struct {
    VgFrame frame;
    guint replies, events, pings;
    guint32 next; /* expected serial, 0: any */
    gboolean eof;
} Reader;

typedef struct {
    const char *name;
    void (*run)(void);
} ToyTest;

/* Each test twice: the loop waits in GLib's poll, and in the server's own epoll. */
int toy_main(int argc, char **argv, const char *title, const ToyTest *tests, gsize n);

bool_t xdr_text(XDR *xdr, char **text);
Toy *toy_new(const VgServerLimits *limits); /* @limits NULL: the defaults */
void toy_free(Toy *toy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Toy, toy_free)
int toy_pair(Toy *toy, VgClient **ret_client); /* the other end, non-blocking */
void toy_finish_one(Toy *toy);
void turn(void);
void turn_ms(guint ms);
/* Until @counter has reached @value: fails if it never does. */
void turn_until(const guint *counter, guint value);
VgMsg *make(gint32 procedure, guint32 serial);
void put(int fd, gint32 procedure, guint32 serial);
void drain(int fd, Reader *reader);
void reader_done(int fd, Reader *reader);
/* A path for a socket in a new folder *ret_dir; both the caller's. */
char *temporary_path(char **ret_dir);
