/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc-fixture.h: the procedures with a small driver of the test's own behind them and a raw client before them, in one
 * process over a socket pair.
 *
 * The driver has two guests: "alpha" (runs, id 7) and "beta" (defined only), a GPU and its mediated device. Its slow
 * calls end as `mode` says. Its consoles are socket pairs, its screen is a file.
 */
#pragma once

#include "proc/table.h"

typedef enum { FAKE_NOW, FAKE_LATER, FAKE_HELD, FAKE_FAILS, FAKE_EMPTY } FakeMode;

typedef struct {
    VgDriver driver;
    VgServer *server;
    VgProc *proc;
    FakeMode mode;
    GQueue held;      /* VgDone of calls that wait for fake_release() */
    GString *log;     /* one word per call that reached the driver */
    guint sessions;   /* open ones */
    guint extra;      /* so many more guests in list() */
    int far;          /* the other end of the last stream, or -1 */
    VgStreamEnd *end; /* of it, until it is over */
} Fake;

Fake *fake_new(void);
void fake_free(Fake *fake);
/* Ends all held calls. */
void fake_release(Fake *fake);
extern const VgUuid fake_alpha, fake_beta;

/* --- the raw client: what real clients would not do as well ------------------------------------------------------- */

typedef struct {
    int fd;
    VgClient *client; /* the server's side */
    GByteArray *in;
    guint32 serial; /* of the last call */
} Peer;

Peer *peer_new(Fake *fake, gboolean read_only);
void peer_free(Peer *peer);
void peer_send_bytes(Peer *peer, gconstpointer bytes, gsize len);
void peer_send(Peer *peer, const VgMsgHeader *header, xdrproc_t proc, gconstpointer args);
/* Sends a call of libvirt's program, serial counted up. */
void peer_call(Peer *peer, gint32 procedure, xdrproc_t proc, gconstpointer args);
#define PEER_PATIENCE_MS 60000 /* for what should take milliseconds */
/* The next message, with the loop running meanwhile; NULL: the connection has ended, or nothing came within @ms. */
VgMsg *peer_receive(Peer *peer, int ms);
gboolean peer_is_closed(Peer *peer);
/* Runs the loop until nothing happens any more. */
void peer_settle(void);

/* A call and its reply decoded into @ret (free with xdr_free), or 0 and the error's code. */
int peer_ask(Peer *peer, gint32 procedure, xdrproc_t proc, gconstpointer args, xdrproc_t ret_proc, gpointer ret);
/* CONNECT_OPEN with "". */
void peer_open(Peer *peer);
