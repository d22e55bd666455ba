"""Networks and storage are the machine's libvirt daemon's: what is asked about them goes there and comes back, streams and events too."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import xml.etree.ElementTree as ET

import wire
from host import PATIENCE, Failed, Skip, end, eventually, has, same

NOBODY = 65534
NETWORK = "<network><name>inner</name><bridge name='virbr77'/></network>"
EXTENT = 12 << 20


class Libvirtd:
    """The packaged one, for a session; as root it wants users that only a full installation has, so it runs as nobody."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="vgl", dir="/tmp")
        self.images = os.path.join(self.dir, "images")
        os.mkdir(self.images)
        self.sockets = os.path.join(self.dir, "libvirt")
        self.argv = ["env", "HOME=" + self.dir, "XDG_RUNTIME_DIR=" + self.dir, "XDG_CACHE_HOME=" + self.dir, "XDG_CONFIG_HOME=" + self.dir, "libvirtd"]
        if os.getuid() == 0:
            for path in (self.dir, self.images):
                os.chown(path, NOBODY, NOBODY)
            self.argv = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups", *self.argv]
        self.child = None
        self.start()

    def start(self):
        self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually("libvirtd to listen", self.listens)

    def listens(self):
        """Its socket is there before anybody can connect."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(os.path.join(self.sockets, "libvirt-sock")) == 0

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(PATIENCE)
        os.unlink(os.path.join(self.sockets, "libvirt-sock"))

    def end(self):
        end(self.child)
        shutil.rmtree(self.dir)


def run(host):
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    if not shutil.which("libvirtd", path=path):
        raise Skip("no libvirtd")
    os.environ["PATH"] = path
    host.refused("net-list", because="unknown procedure")  # a simulated host has no machine around it
    host.stop()

    peer = Libvirtd()
    try:
        with open(os.path.join(host.sim, "etc", "virtgridd.conf"), "w", encoding="utf-8") as conf:
            conf.write('libvirt_sock_dir = "%s"\n' % peer.sockets)
        host.start()
        fakes(host, peer.sockets)
        networks(host)
        storage(host, peer)
        install(host, peer)
        reader(host)
        slow_reader(host, peer)
        it_dies(host, peer)
    finally:
        peer.end()


class Fake(threading.Thread):
    """A daemon that says what it is told to, whatever it is asked; each connection gets @answers, then silence, or an end for None."""

    def __init__(self, folder, *answers):
        super().__init__(daemon=True)
        self.answers = answers
        self.listener = socket.socket(socket.AF_UNIX)
        self.path = os.path.join(folder, "virtnetworkd-sock")
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.start()

    def run(self):
        kept = []
        with contextlib.suppress(OSError):
            while True:
                conn = self.listener.accept()[0]
                kept.append(conn)
                for answer in self.answers:
                    conn.recv(65536)
                    if answer is None:
                        kept.remove(conn)
                        conn.close()
                        break
                    conn.sendall(answer)

    def end(self):
        os.unlink(self.path)
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def reply(procedure, payload=b"", status=wire.OK):
    return wire.message(procedure, payload, serial=0, kind=wire.REPLY, status=status)


def fakes(host, folder):
    """Whatever the other daemon does, only its own calls suffer."""
    no_proof, sasl = (reply(66, struct.pack(">2I", 1, n)) for n in (0, 1))
    for why, *answers in (("ended the connection", None), ("ended the connection", struct.pack(">7I", 5, 0, 0, 0, 0, 0, 0)),
                          ("wants authentication", sasl), ("wants authentication", reply(66)), ("refuses", reply(66, status=wire.ERROR)),
                          ("refuses", no_proof, reply(1, status=wire.ERROR)), ("ended the connection", no_proof, reply(1), None)):
        fake = Fake(folder, *answers)
        host.refused("net-list", because=["libvirt daemon for networks", why])
        fake.end()
    fake = Fake(folder)  # says nothing at all
    waiting = host.wire()
    waiting.open()
    waiting.send(wire.message(52))
    same(host.guests("--all"), "", "guests, while somebody waits for networks")
    waiting.close()
    fake.end()
    same(host.guests("--all"), "", "guests")


def networks(host):
    host.virsh("net-define", host.file("net.xml", NETWORK))
    has(host.virsh("net-list", "--all"), "inner")
    same(ET.fromstring(host.virsh("net-dumpxml", "inner")).find("bridge").get("name"), "virbr77", "bridge")
    host.refused("net-info", "outer", because="outer")  # the other daemon's own words
    same(host.guests("--all"), "", "guests, which are ours")


def storage(host, peer):
    host.virsh("pool-define-as", "images", "dir", "--target", peer.images)
    watcher = subprocess.Popen(["virsh", "-c", host.uri(), "pool-event", "--event", "lifecycle", "--timeout", str(2 * PATIENCE)], env=host.env, stdout=subprocess.PIPE,
                               stdin=subprocess.PIPE)
    host.virsh("vol-list", "images", ok=False)
    eventually("an event of the pool", lambda: started(host, watcher))
    host.virsh("vol-create-as", "images", "v", str(EXTENT))
    sent, back = host.file("sent", ""), os.path.join(host.dir, "back")
    with open(sent, "wb") as out:
        out.write(os.urandom(EXTENT))
    host.virsh("vol-upload", "v", sent, "--pool", "images")
    host.virsh("vol-download", "v", back, "--pool", "images")
    with open(sent, "rb") as one, open(back, "rb") as two:
        assert one.read() == two.read(), "a volume that went there and back is another one"


def started(host, watcher):
    """The subscription may come after the first start: so it is started again until it is seen."""
    host.virsh("pool-destroy", "images", ok=None)
    host.virsh("pool-start", "images")
    try:
        return b"images" in watcher.communicate(timeout=0.5)[0]
    except subprocess.TimeoutExpired:
        return False


def install(host, peer):
    if not shutil.which("virt-install"):
        return
    disk = os.path.join(peer.images, "disk.img")
    host.run("virt-install", "--connect", host.uri(), "--name", "whole", "--osinfo", "detect=off,require=off", "--noautoconsole", "--memory", "64",
             "--disk", "path=%s,size=0.001" % disk, "--network", "bridge=xenbr0", "--import", "--hvm", "--graphics", "none")
    assert os.path.exists(disk), "virt-install made no volume"
    same(ET.fromstring(host.virsh("dumpxml", "whole")).find("devices/disk/source").get("file"), disk, "the guest's disk")
    host.virsh("destroy", "whole")


def reader(host):
    reader_uri = host.uri("virtxend-sock-ro")
    has(host.run("virsh", "-c", reader_uri, "net-list", "--all").out, "inner")
    done = host.run("virsh", "-c", reader_uri, "net-undefine", "inner", ok=False)
    has(done.err, "read only")


def slow_reader(host, peer):
    """Who never reads what he asked for costs little, and nobody else waits for him."""
    before = host.memory_kib()
    volume = os.path.join(peer.images, "v")
    conn = host.connect()
    stream = conn.newStream()
    conn.storagePoolLookupByName("images").storageVolLookupByName("v").download(stream, 0, 0, 0)
    assert os.path.getsize(volume) == EXTENT
    has(host.virsh("net-list", "--all"), "inner")
    host.check_growth(before, 4096, "a download that nobody reads")
    stream.abort()
    has(conn.listAllNetworks()[0].name(), "inner")
    conn.close()


def it_dies(host, peer):
    conn = host.connect()
    import libvirt
    same([n.name() for n in conn.listAllNetworks()], ["inner"], "networks")
    peer.kill()
    try:
        conn.listAllNetworks()
        raise Failed("a dead daemon answered")
    except libvirt.libvirtError as error:
        assert error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT, error
    peer.start()
    same([n.name() for n in conn.listAllNetworks()], ["inner"], "networks of the same connection, when it is back")
    conn.close()
