"""virsh create: a guest without a definition; then one with a live and a stored definition that differ."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import guest
from host import has, lacks, same

HOSTS = ("simulated", "real")


def run(host):
    host.virsh("create", host.file("t.xml", guest("t", vcpus=1)))
    has(host.virsh("dominfo", "t"), "Persistent:     no")
    host.refused("create", host.file("t.xml", guest("t")), because="t")
    host.refused("autostart", "t", because="transient")
    host.refused("undefine", "t", because="transient")
    # defining it keeps it running, and keeps it afterwards
    uuid = host.virsh("domuuid", "t")
    host.virsh("define", host.file("t2.xml", guest("t", uuid=uuid, vcpus=3)))
    has(host.virsh("dumpxml", "t"), ">1</vcpu>")
    has(host.virsh("dumpxml", "t", "--inactive"), ">3</vcpu>")
    host.virsh("destroy", "t")
    has(host.virsh("dumpxml", "t"), ">3</vcpu>")
    host.virsh("start", "t")
    has(host.virsh("dumpxml", "t"), ">3</vcpu>")
    host.virsh("destroy", "t")

    # --paused and a start that fails leave nothing of a transient guest
    host.virsh("create", host.file("p.xml", guest("p")), "--paused")
    same(host.state("p"), "paused", "state")
    host.virsh("destroy", "p")
    host.refused("create", host.file("big.xml", guest("big", mib=64 * 1024 * 1024)), because="memory")
    lacks(host.guests("--all"), "p", "big")
