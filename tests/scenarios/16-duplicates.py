"""Two guests with one name or one UUID; and defining the same one again."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import guest
from host import has, same

HOSTS = ("simulated", "real")

A = "00000000-0000-4000-8000-00000000000a"
B = "00000000-0000-4000-8000-00000000000b"


def run(host):
    host.define(guest("one", uuid=A))
    for text, because in ((guest("one", uuid=B), ["one", A]), (guest("two", uuid=A), ["one", A])):
        for command in ("define", "create"):
            host.refused(command, host.file("d.xml", text), because=because)
    host.define(guest("one", uuid=A, vcpus=2))
    has(host.virsh("dumpxml", "one"), ">2</vcpu>")
    # without a UUID it is another guest, as everywhere in libvirt
    host.refused("define", host.file("d.xml", guest("one", vcpus=3)), because=["one", A])
    same(host.virsh("domuuid", "one"), A, "UUID")

    host.virsh("start", "one")
    for text in (guest("one", uuid=B), guest("two", uuid=A)):
        host.refused("define", host.file("d.xml", text), because="one")
        host.refused("create", host.file("d.xml", text), because="one")
    host.define(guest("two", uuid=B))
    host.virsh("destroy", "one")
    same(host.guests("--all").split(), ["one", "two"], "guests")

    # a name is free again when its guest is gone
    host.virsh("undefine", "one")
    host.define(guest("one", uuid="00000000-0000-4000-8000-00000000000c"))
