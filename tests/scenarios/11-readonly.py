"""The read-only socket reads everything that is no secret, and changes nothing."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import struct

from guests import REAL, VNC, guest
from host import has, lacks, same
from wire import ERROR, string

HOSTS = ("simulated", "real")


def run(host):
    secret = VNC.replace("listen=", "passwd='secret' listen=")
    host.define(guest("s", secret, kind="hvm"))
    host.define(guest("r", VNC if REAL else secret, kind="hvm"))  # Debian's QEMU for Xen cannot check a password
    host.virsh("start", "r")
    for command in ("dominfo", "domstate", "domid", "domuuid", "dumpxml", "vcpucount", "domblklist", "domiflist", "vncdisplay", "dommemstat"):
        host.virsh(command, "r", ro=True)
    for name in ("s",) if REAL else ("s", "r"):
        has(host.virsh("dumpxml", name, "--security-info"), "secret")
        lacks(host.virsh("dumpxml", name), "secret")
        lacks(host.virsh("dumpxml", name, ro=True), "secret")
    before = host.virsh("dumpxml", "r", "--inactive")
    for command in (["dumpxml", "r", "--security-info"], ["suspend", "r"], ["shutdown", "r"], ["reboot", "r"], ["destroy", "r"], ["undefine", "r"],
                    ["autostart", "r"], ["desc", "r", "new"], ["start", "r"], ["define", host.file("n.xml", guest("n"))],
                    ["create", host.file("c.xml", guest("c"))]):
        host.refused(*command, ro=True, because="already" if command[0] == "start" else "forbidden")
    same(host.state("r"), "running", "state")
    same(host.virsh("dumpxml", "r", "--inactive"), before, "definition")
    same(host.guests("--all"), "r s", "guests")

    # the socket decides, not what the client says of itself
    uuid = bytes.fromhex(host.virsh("domuuid", "r").replace("-", ""))
    with host.wire("virtxend-sock-ro") as ro:
        ro.open(flags=0)
        for procedure, more in ((12, b""), (33, b""), (35, b""), (34, b""), (14, struct.pack(">I", 1))):
            reply = ro.call(procedure, string("r") + uuid + struct.pack(">i", 1) + more)
            same((procedure, reply.status), (procedure, ERROR), "status")
            assert reply.error()[0] in (29, 88), reply.error()
    same(host.state("r"), "running", "state")
