"""A vGPU that does not go (wish-16, wish-17): its owner stays on record, its place is not given away, and it is tried again until it is gone."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os

from guests import guest, vgpu
from host import eventually, has, same

LOG_ALLOWED = [r"still in use by a process", r"is not free yet"]


def vgpus(host):
    return json.loads(host.gridctl("vgpus", "--json"))["vgpus"]


def hold(host, uuid):
    """Some process has it open: the kernel says EBUSY."""
    path = os.path.join(host.sim, "state/kernel/sys/bus/mdev/devices", uuid, ".held")
    with open(path, "w", encoding="utf-8"):
        return path


def run(host):
    host.define(guest("g", vgpu("GRID T4-16Q")))
    host.define(guest("other", vgpu("GRID T4-16Q")))
    host.virsh("start", "g")
    uuid = vgpus(host)[0]["uuid"]
    held = hold(host, uuid)

    host.virsh("destroy", "g")
    same(host.state("g"), "shut off", "state")
    left = vgpus(host)
    same([(v["uuid"], v["domain"]) for v in left], [(uuid, "g")], "who has it on record")
    has(left[0]["stuck"], "still in use by a process")
    has(host.gridctl("vgpus"), "still in use")
    host.refused("start", "other", because=["GRID T4-16Q", "(g)"])
    os.unlink(held)
    eventually("it to be gone by itself", lambda: vgpus(host) == [])
    same(host.virsh("nodedev-list", "--cap", "mdev"), "", "mediated devices")
    host.virsh("start", "other")

    # its guest ended while the daemon was away, and then it does not go either
    uuid = vgpus(host)[0]["uuid"]
    held = hold(host, uuid)
    host.kill9()
    domid = [f for f in os.listdir(os.path.join(host.sim, "state/xen")) if f.endswith(".json") and "libxl" not in f and f != "0.json"]
    for name in domid:
        os.unlink(os.path.join(host.sim, "state/xen", name))
    host.start()
    same(host.state("other"), "shut off", "state")
    same([(v["uuid"], v["domain"]) for v in vgpus(host)], [(uuid, "other")], "who has it on record")
    has(vgpus(host)[0]["stuck"], "still in use by a process")
    host.refused("start", "g", because="(other)")
    os.unlink(held)
    eventually("it to be gone by itself", lambda: vgpus(host) == [])
    host.virsh("start", "g")
    host.virsh("destroy", "g")
