"""Virtual GPUs that other programs make (wish-19): seen when they come and go, counted, shown as theirs, never used and never removed."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
import shutil

from guests import guest, vgpu
from host import eventually, has, same

T4 = "0000:82:00.0"
UUIDS = ["9a1b5c1e-0000-4000-8000-%012d" % i for i in range(3)]


def others_make(host, uuid, type_id="nvidia-232"):
    """What the kernel's files are like after somebody wrote to "create"."""
    sys = os.path.join(host.sim, "state", "kernel", "sys")
    gpu = os.path.join(sys, "devices", "pci0000:00", T4)
    device = os.path.join(gpu, uuid)
    os.mkdir(device)
    os.symlink("../mdev_supported_types/" + type_id, os.path.join(device, "mdev_type"))
    with open(os.path.join(device, "remove"), "w", encoding="utf-8"):
        pass
    os.symlink("../../../devices/pci0000:00/%s/%s" % (T4, uuid), os.path.join(sys, "bus/mdev/devices", uuid))


def others_remove(host, uuid):
    sys = os.path.join(host.sim, "state", "kernel", "sys")
    os.unlink(os.path.join(sys, "bus/mdev/devices", uuid))
    shutil.rmtree(os.path.join(sys, "devices", "pci0000:00", T4, uuid))


def vgpus(host):
    return json.loads(host.gridctl("vgpus", "--json"))["vgpus"]


def foreign(host):
    return [v["uuid"] for v in vgpus(host) if v["foreign"]]


def free(host, name):
    return [t["available"] for t in json.loads(host.gridctl("types", "--json"))["types"] if t["name"] == name][0]


def run(host):
    host.define(guest("mine", vgpu("GRID T4-4Q")))
    host.virsh("start", "mine")
    mine = vgpus(host)[0]["uuid"]
    same(free(host, "GRID T4-4Q"), 3, "room")

    # it comes while the daemon runs
    others_make(host, UUIDS[0])
    eventually("the other's to be seen", lambda: foreign(host) == UUIDS[:1])
    same(free(host, "GRID T4-4Q"), 2, "room beside the other's")
    shown = [v for v in vgpus(host) if v["foreign"]][0]
    same((shown["gpu"], shown["type"], shown["domain"]), (T4, "GRID T4-4Q", None), "what is shown")
    has(host.virsh("nodedev-list", "--cap", "mdev"), mine.replace("-", "_"))

    # it cannot be had by its name, and it keeps what would not go with it away
    host.define(guest("thief", vgpu("GRID T4-4Q", "<address uuid='%s'/>" % UUIDS[0])))
    host.refused("start", "thief", because=["other hands", UUIDS[0]])
    host.define(guest("small", vgpu("GRID T4-1Q")))
    host.virsh("destroy", "mine")
    host.refused("start", "small", because=["other hands", T4])
    same(foreign(host), UUIDS[:1], "the other's after ours has gone")

    # it is there after a restart, and a second one that came meanwhile
    host.kill9()
    others_make(host, UUIDS[1])
    host.start()
    same(sorted(foreign(host)), UUIDS[:2], "the others' after a restart")
    for _ in range(2):  # ours come and go beside them
        host.virsh("start", "mine")
        host.virsh("destroy", "mine")
    same(sorted(foreign(host)), UUIDS[:2], "the others'")

    # they go, and an order waits for what is there now
    others_remove(host, UUIDS[0])
    eventually("one to be gone", lambda: foreign(host) == UUIDS[1:2])
    others_remove(host, UUIDS[1])
    others_make(host, UUIDS[2])
    host.gridctl("rescan")
    same(foreign(host), UUIDS[2:], "what a rescan finds")
    others_remove(host, UUIDS[2])
    host.gridctl("rescan")
    same(foreign(host), [], "what a rescan finds")
    same(free(host, "GRID T4-4Q"), 4, "room")
    host.virsh("start", "small")
    host.virsh("destroy", "small")
