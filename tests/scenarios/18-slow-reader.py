"""A subscriber that stops reading: the daemon's memory stays bounded, it is cut off, others get every event."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import struct

import wire
from guests import guest
from host import Failed, eventually, same

HOSTS = ("simulated", "real")
LOG_ALLOWED = [r"\bwire\b"]  # whom it cut off


def subscribe(host, times=1):
    c = host.wire()
    c.open()
    for _ in range(times):
        same(c.call(wire.EVENT_REGISTER, struct.pack(">iI", 0, 0)).status, wire.OK, "subscription")
    return c


def run(host):
    conn = host.connect()
    dom = conn.defineXML(guest("n" * 60))
    deaf, reader = subscribe(host, 100), subscribe(host)  # a hundred callbacks: each event is sent a hundred times
    same(deaf.call(wire.GET_TYPE).status, wire.OK, "status")
    before, clients = host.memory_kib(), host.descriptors()

    heard = 0
    for i in range(400):
        if i % 2:
            dom.suspend()
        elif i:
            dom.resume()
        else:
            dom.create()
        heard += 1
        while True:
            reply = reader.receive()
            if reply is None:
                raise Failed("the one who reads was cut off")
            if reply.kind == wire.EVENT:
                break
        if i % 20 == 0:
            host.check_growth(before, 8 * 1024, "after %d events" % heard)
            if host.descriptors() < clients:
                break
    eventually("the deaf client to be cut off, or its queue to be short", lambda: host.descriptors() < clients or heard >= 400)
    reader.close()

    # one that asks and never reads the answers
    greedy = host.wire()
    greedy.open()
    greedy.sock.settimeout(0.5)
    sent = 0
    try:
        for i in range(200000):
            greedy.send(wire.message(7, serial=i + 10))
            sent += 1
    except OSError:
        pass
    assert sent < 200000, "all calls of a client that reads no answer were taken"
    host.check_growth(before, 48 * 1024, "after %d unread answers" % sent)
    greedy.close()
    deaf.close()
    dom.destroy()
    same(conn.getType(), "Xen", "another client")
