"""Random bytes, impossible lengths, a 32 MiB message, half a message: cut off or answered with an error; memory and descriptors stay."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import random
import struct

import wire
from guests import guest
from host import eventually, same

HOSTS = ("simulated", "real")

LOG_ALLOWED = [r"\bwire\b"]  # the daemon may say whom it cut off


def run(host):
    host.define(guest("calm"))
    with host.wire() as warm:
        warm.open()
        same(warm.call(wire.GET_TYPE).status, wire.OK, "status")
    descriptors, memory = host.descriptors(), host.memory_kib()

    rnd = random.Random(2)
    for name in ("virtxend-sock", "virtxend-sock-ro", "virtgridd-sock"):
        for n in (1, 3, 4, 5, 27, 28, 29, 64, 4096, 70000):
            with host.wire(name) as c:
                try:
                    c.send(rnd.randbytes(n))
                    c.sock.shutdown(1)
                except OSError:
                    pass
                assert c.closed(), "random bytes are kept"

    for length in (0, 1, 27, wire.MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff):
        with host.wire() as c:
            c.send(struct.pack(">I", length))
            assert c.closed(), "a message of %d bytes is waited for" % length

    # whole messages with wrong contents are answered, and the connection goes on
    with host.wire() as c:
        c.open()
        for message, code in ((wire.message(9999), 39), (wire.message(-5), 39), (wire.message(1, program=0x12345678), 39),
                              (wire.message(wire.GET_VERSION, version=7), 39), (wire.message(wire.GET_XML, b""), 39),
                              (wire.message(wire.GET_XML, b"\xff" * 40), 39), (wire.message(23, struct.pack(">I", 0xfffffff0)), 39)):
            c.send(message)
            reply = c.receive()
            same((reply.kind, reply.status, reply.error()[0]), (wire.REPLY, wire.ERROR, code), "answer to %r" % message[:40])
        same(c.call(wire.GET_TYPE).status, wire.OK, "status afterwards")

    # nothing is to be had before CONNECT_OPEN
    with host.wire() as c:
        for procedure in (wire.GET_TYPE, wire.GET_VERSION, 7, 273, 12, 350):
            same(c.call(procedure).status, wire.ERROR, "procedure %d before open" % procedure)

    biggest(host, memory)
    halves(host)
    eventually("descriptors to be closed", lambda: host.descriptors() <= descriptors)
    same(host.guests("--all"), "calm", "guests")
    host.check_growth(memory, 24 * 1024, "by garbage")


def biggest(host, memory):
    """A message of just the limit: read, refused; its memory is given back. Before authentication it need not be read at all."""
    for _ in range(3):
        with host.wire() as c:
            c.open()
            payload = b"\xff" * (wire.MAX - wire.HEADER)
            try:
                c.send(wire.message(wire.GET_XML, payload))
                reply = c.receive()
                assert reply is None or reply.status == wire.ERROR
            except OSError:
                pass
        host.check_growth(memory, 80 * 1024, "with one big message")


def halves(host):
    """Many clients that stop in the middle of a message hold nothing up."""
    stuck = []
    for i in range(60):
        try:
            c = host.wire()
            c.open()
            c.send(wire.message(wire.GET_XML, b"\xff" * 5000)[:28 + i * 80])
        except (OSError, AttributeError):
            pass
        stuck.append(c)
        if i % 10 == 0:
            same(host.guests("--all"), "calm", "guests")
    for c in stuck:
        c.close()

    # a real call, cut at every position; the same connection's calls before it are answered
    define = wire.message(350, wire.string(guest("never")) + struct.pack(">I", 0), serial=9)
    for cut in [*range(1, 80), *range(80, len(define), 7)]:
        with host.wire() as c:
            c.open()
            c.send(wire.message(wire.GET_TYPE, serial=8) + define[:cut])
            same(c.receive().serial, 8, "the whole call before the half one")
            c.sock.shutdown(1)
            assert c.closed(), "kept with half a call of %d bytes" % cut
