"""kill -9 of the daemon at any time (wish-14): defined and running guests and their virtual GPUs are all there afterwards, and nothing is left over."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json

from guests import REAL, guest, vgpu
from host import PATIENCE, eventually, same

HOSTS = ("simulated", "real")


def everything(host):
    """What a client can see, without what changes by itself."""
    names = host.guests("--all").split()
    seen = {"vgpus": json.loads(host.gridctl("vgpus", "--json"))}
    for name in names:
        seen[name] = [host.virsh("dumpxml", name), host.virsh("dumpxml", name, "--inactive"), host.virsh("domid", name),
                      host.virsh("domstate", name), [x for x in host.virsh("dominfo", name).splitlines() if "time" not in x]]
    return seen


def owner(host, name, type_name):
    """A guest with a virtual GPU, where there are any."""
    return guest(name, vgpu(type_name) if host.has_gpus else "", mib=16 if REAL else 64)


def run(host):
    for name, type_name in (("k2", "GRID K260Q"), ("k1", "GRID K140Q"), ("t4", "GRID T4-2Q"), ("off", "GRID T4-1Q")):
        host.define(owner(host, name, type_name))
    for name in ("k2", "k1", "t4"):
        host.virsh("start", name)
    host.virsh("suspend", "k1")
    host.virsh("create", host.file("t.xml", owner(host, "transient", "GRID K220Q")))
    host.virsh("autostart", "t4")
    host.virsh("desc", "k2", "--live", "--title", "live only")

    before = everything(host)
    host.kill9()
    host.start()
    same(everything(host), before, "what is there after kill -9")
    host.stop()
    host.start()
    same(everything(host), before, "what is there after a stop")

    # and it is under control: each can be ended, a transient one leaves, what they had is free
    host.virsh("resume", "k1")
    same(host.state("k1"), "running", "state")
    host.wait_up("k2")
    host.virsh("shutdown", "k2")
    host.wait_state("k2", "shut off")
    for name in ("k1", "t4", "transient"):
        host.virsh("destroy", name)
    same(json.loads(host.gridctl("vgpus", "--json"))["vgpus"], [], "virtual GPUs")
    same(host.guests("--all").split(), ["k1", "k2", "off", "t4"], "guests")

    # a guest that ended while nobody looked
    host.virsh("start", "k2")
    host.wait_up("k2")
    host.stop()
    host.tell_guest("k2", "poweroff")
    host.start()
    host.wait_state("k2", "shut off")
    same(host.virsh("domstate", "k2", "--reason"), "shut off (shutdown)", "state")
    if not REAL:  # 31-ladder does more there
        in_the_middle(host)


def in_the_middle(host):
    """Killed while guests come and go: every guest that is there can be used, and no virtual GPU is held by nobody."""
    for round_number in range(8):
        starter = host.spawn("virsh", "-c", host.uri(), "start", ("k1", "k2", "t4", "off")[round_number % 4])
        with host.wire() as other:  # as long as it takes to be answered, at a different moment each time
            other.open()
            for _ in range(round_number * 40):
                other.call(4)
        host.kill9()
        starter.wait(PATIENCE)
        host.start()
        running = set(host.guests().split())
        holders = {v["domain"] for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"]}
        same(holders, running, "who holds virtual GPUs, after round %d," % round_number)
        for name in running:
            host.virsh("destroy", name)
        same(json.loads(host.gridctl("vgpus", "--json"))["vgpus"], [], "virtual GPUs")
    eventually("no mediated device", lambda: host.virsh("nodedev-list", "--cap", "mdev") == "")
    host.virsh("start", "t4")
    host.virsh("destroy", "t4")
    eventually("nothing to be left", lambda: not host.leftovers())
