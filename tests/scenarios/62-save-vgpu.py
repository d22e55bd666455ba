"""A guest with a vGPU is saved if its back end can write that down (wish-46): its place is free meanwhile; what cannot is refused and runs on."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os

from guests import guest, vgpu
from host import has, same


def run(host):
    with_vgpu(host)
    room(host)


def with_vgpu(host):
    """This host's back ends cannot write a vGPU's state down: said which, and the guest runs on."""
    for name, type_name, backend in (("k2", "GRID K260Q", "emulator"), ("t4", "GRID T4-2Q", "mdev")):
        host.define(guest(name, vgpu(type_name)))
        host.virsh("start", name)
        path = os.path.join(host.dir, name + ".sav")
        host.refused("save", name, path, because=[type_name, backend, "shut the guest down"])
        host.refused("managedsave", name, because=type_name)
        assert not os.path.exists(path)
        same(host.virsh("domstate", name, "--reason"), "running (booted)", "state")
        host.virsh("destroy", name)


def room(host):
    """On a host whose emulator can: the place is free while the guest lies in its file, and asked for anew."""
    host.stop()
    config = os.path.join(host.sim, "host.json")
    text = open(config).read()
    with open(config, "w") as f:
        f.write(text.replace("{", '{ "saves_vgpus": true,', 1))
    host.start()
    gpu = "<gpu domain='0x0000' bus='0x44' slot='0x00' function='0x0'/>"
    host.define(guest("big", vgpu("GRID K280Q", gpu)))
    host.define(guest("other", vgpu("GRID K280Q", gpu)))
    host.virsh("start", "big")
    host.refused("start", "other", because="big")
    host.virsh("managedsave", "big")
    host.virsh("start", "other")
    host.refused("start", "big", because="other")
    has(host.virsh("dominfo", "big"), "Managed save:   yes")
    host.virsh("destroy", "other")
    host.virsh("start", "big")
    same(host.virsh("domstate", "big", "--reason"), "running (restored)", "state")
    has(host.virsh("dumpxml", "big"), "bus='0x44'", "<bound backend='emulator'>")
    host.virsh("destroy", "big")
