"""A guest asks for a virtual GPU by type: what it gets shows in the live XML, in the lists, and is given back."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import xml.etree.ElementTree as ET

from guests import guest, vgpu
from host import has, lacks, same


def vgpus(host):
    found = json.loads(host.gridctl("vgpus", "--json"))
    return found if isinstance(found, list) else found["vgpus"]


def run(host):
    host.define(guest("desk", vgpu("GRID K260Q")))
    stored = host.virsh("dumpxml", "desk")
    device = ET.fromstring(stored).find("devices/hostdev[@type='vgpu']")
    uuid = device.find("source/address").get("uuid")
    same(device.find("bound"), None, "bound of a guest that is off")
    same(vgpus(host), [], "virtual GPUs")

    host.virsh("start", "desk")
    live = ET.fromstring(host.virsh("dumpxml", "desk")).find("devices/hostdev[@type='vgpu']")
    same(live.find("source/address").get("uuid"), uuid, "the vGPU's identity")
    assert live.find("bound/gpu") is not None, host.virsh("dumpxml", "desk")
    same(live.find("bound").get("backend"), "emulator", "back end of a GRID K2")
    same(live.find("alias").get("name"), "hostdev0", "alias")
    lacks(host.virsh("dumpxml", "desk", "--inactive"), "<bound")
    has(json.dumps(vgpus(host)), uuid, "desk", "GRID K260Q")
    has(host.gridctl("vgpus"), "desk", "GRID K260Q")
    has(host.gridctl("gpus"), "GRID K2")

    host.virsh("shutdown", "desk")
    host.wait_state("desk", "shut off")
    same(vgpus(host), [], "virtual GPUs after the shutdown")
    same(host.virsh("dumpxml", "desk"), stored, "the stored definition")

    # the same identity when it starts again; a kill gives the place back as well
    host.virsh("start", "desk")
    has(json.dumps(vgpus(host)), uuid)
    host.virsh("destroy", "desk")
    same(vgpus(host), [], "virtual GPUs after the kill")

    # two in one guest of a mediated card: each is a device of the kernel's, gone with the guest
    host.define(guest("mdev", vgpu("GRID T4-1Q")))
    host.virsh("start", "mdev")
    bound = ET.fromstring(host.virsh("dumpxml", "mdev")).find("devices/hostdev/bound")
    same(bound.get("backend"), "mdev", "back end of a Tesla T4")
    has(host.virsh("nodedev-list", "--cap", "mdev"), "mdev_" + bound.find("mdev").get("uuid").replace("-", "_"))
    host.virsh("destroy", "mdev")
    same(host.virsh("nodedev-list", "--cap", "mdev"), "", "mediated devices")
