"""The console of a guest through virsh and libvirt's streams: what it says is read, what is typed arrives, one user at a time, and its end."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import pty
import re
import select
import signal
import subprocess
import time
import tty

import libvirt

from guests import guest
from host import PATIENCE, REAL, Failed, eventually, has, same

HOSTS = ("simulated", "real")

SERIAL = "<serial type='pty'/>"


class Silent(Failed):
    pass


class Virsh:
    """virsh console at a terminal, as a person sits before it."""

    def __init__(self, host, *args):
        self.master, slave = pty.openpty()
        tty.setraw(slave)  # else it would itself say again what is typed before virsh is ready
        self.seen = b""
        self.child = subprocess.Popen(["virsh", "-c", host.uri(), "console", *args], stdin=slave, stdout=slave, stderr=slave,
                                      env=dict(host.env, TERM="dumb"), start_new_session=True)
        os.close(slave)

    def read(self, until, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while until.encode() not in self.seen:
            left = end - time.monotonic()
            if left < 0 or not select.select([self.master], [], [], left)[0]:
                raise Silent("no %r on the console, but %r" % (until, self.seen))
            try:
                self.seen += os.read(self.master, 4096)
            except OSError:
                raise Failed("virsh ended with %d and no %r, but %r" % (self.child.wait(PATIENCE), until, self.seen)) from None
        before, self.seen = self.seen.split(until.encode(), 1)
        return before.decode("utf-8", "replace")

    def type(self, text):
        os.write(self.master, text.encode())

    def talk(self, text):
        """Virsh says that it is there before it is, and forgets what was typed until then; a guest that answers knows."""
        self.read("Escape character is")
        for attempt in range(5 * PATIENCE):
            self.type(text + "\r")
            try:
                return self.read(text + "\r\n", 0.2)
            except Silent:
                pass
        raise Failed("nobody answers to %r" % text)

    def ends(self):
        """It must, by itself; what it returns."""
        code = self.child.wait(PATIENCE)
        while select.select([self.master], [], [], 0.1)[0]:
            try:
                self.seen += os.read(self.master, 4096)
            except OSError:
                break
        os.close(self.master)
        return code


def run(host):
    for kind in ("hvm",) if REAL else ("pv", "pvh", "hvm"):  # the streams are those of a PV guest
        talk(host, kind)
    host.define(guest("mute", kind="hvm"))
    host.virsh("start", "mute")
    same(host.virsh("ttyconsole", "mute", ok=None), "", "a terminal of a guest that has none")
    virsh = Virsh(host, "mute")
    virsh.read("has no console")
    assert virsh.ends() != 0
    host.virsh("destroy", "mute")
    streams(host)


def talk(host, kind):
    name = kind + "talks"
    host.define(guest(name, SERIAL if kind == "hvm" else "", kind=kind))
    host.virsh("start", name)
    virsh = Virsh(host, name)
    virsh.read("GUEST-UP " + kind)
    virsh.type("hello, who is there?\r")
    virsh.read("hello, who is there?\r\n")
    path = host.virsh("ttyconsole", name)
    assert re.fullmatch(r"/dev/pts/\d+", path), path
    xml = host.virsh("dumpxml", name)
    has(xml, "<console type='pty' tty='%s'>" % path, "<source path='%s'/>" % path)

    # one user at a time: the second is told so, or takes it over
    second = Virsh(host, name, "--safe")
    second.read("Active console session exists for this domain")
    assert second.ends() != 0
    third = Virsh(host, name, "--force")
    virsh.read("another client has taken over the console")
    virsh.ends()
    third.talk("and me?")
    third.type("\x1d")
    same(third.ends(), 0, "virsh left by its escape character")

    # by the device's own name; and the guest's end ends it
    fourth = Virsh(host, name, "--devname", "serial0" if kind == "hvm" else "console0")
    fourth.talk("by name")
    host.virsh("destroy", name)
    same(fourth.ends(), 0, "virsh when the guest is gone")
    fifth = Virsh(host, name)
    fifth.read("The domain is not running")
    fifth.ends()
    host.virsh("undefine", name)


def receive(stream, want, size=65536):
    got = b""
    end = time.monotonic() + PATIENCE
    while want not in got:
        part = stream.recv(size)
        if part == -2:
            time.sleep(0.01)
        elif not part:
            raise Failed("the stream ended without %r: %r" % (want, got))
        else:
            got += part
        if time.monotonic() > end:
            raise Failed("no %r came, but %r" % (want, got))
    return got


def refuses(what, *args, because):
    try:
        what(*args)
    except libvirt.libvirtError as error:
        has(str(error), because)
        return
    raise Failed("not refused for '%s'" % because)


def streams(host):
    conn = host.connect()
    dom = conn.defineXML(guest("streams", kind="pv"))
    stream = conn.newStream()
    refuses(dom.openConsole, None, stream, 0, because="is not running")
    dom.create()
    host.wait_up("streams")
    before = host.descriptors()
    refuses(dom.openConsole, "serial7", conn.newStream(), 0, because="cannot find character device 'serial7'")
    refuses(dom.openConsole, None, conn.newStream(), 4, because="unsupported flags (0x4)")
    refuses(conn.lookupByID(0).openConsole, None, conn.newStream(), 0, because="Domain-0")

    # a lot of it, slowly read; other calls go on meanwhile
    dom.openConsole(None, stream, 0)
    receive(stream, b"GUEST-UP pv\r\n")
    text = b"".join(b"line %04d\r" % i for i in range(400))
    stream.send(text)
    same(conn.getType(), "Xen", "a call beside the stream")
    got = receive(stream, b"line 0399\r\n", 100)
    same(got, text.replace(b"\r", b"\r\n"), "what came back")
    stream.finish()
    eventually("the descriptors to be closed", lambda: host.descriptors() <= before)

    # a paused guest hears when it goes on
    stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
    dom.openConsole("console0", stream, 0)
    dom.suspend()
    stream.send(b"asleep?\r")
    time.sleep(0.2)
    same(stream.recv(100), -2, "what a paused guest says")
    dom.resume()
    receive(stream, b"asleep?\r\n")

    # a client that dies leaves the console to the next
    victim = Virsh(host, "streams", "--force")
    victim.talk("for the last time")
    victim.child.send_signal(signal.SIGKILL)
    victim.child.wait(PATIENCE)
    eventually("the console to be free", lambda: opens(conn, dom))
    eventually("the descriptors to be closed", lambda: host.descriptors() <= before)
    refuses(stream.recv, 100, because="another client has taken over")

    # the guest says good-bye and is gone
    stream = conn.newStream()
    dom.openConsole(None, stream, 0)
    dom.shutdown()
    receive(stream, b"GUEST-END poweroff")
    while stream.recv(1000):
        pass
    stream.finish()
    host.wait_state("streams", "shut off")

    # the console of a guest that outlived its daemon
    dom.create()
    host.wait_up("streams")
    conn.close()
    host.kill9()
    host.start()
    virsh = Virsh(host, "streams")
    virsh.talk("still there?")
    virsh.type("\x1d")
    same(virsh.ends(), 0, "virsh left by its escape character")

    # a daemon that stops does not wait for who looks at a console, nor does the guest
    virsh = Virsh(host, "streams")
    virsh.talk("so long")
    host.stop()
    virsh.read("the daemon stops")
    virsh.ends()
    host.start()
    same(host.state("streams"), "running", "a guest whose daemon went and came")
    host.virsh("destroy", "streams")
    same(host.guests(), "", "what runs")


def opens(conn, dom):
    stream = conn.newStream()
    try:
        dom.openConsole(None, stream, 0)
    except libvirt.libvirtError:
        return False
    stream.abort()
    return True
