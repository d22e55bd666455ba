"""The GPUs and mediated devices of the host as node devices."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import xml.etree.ElementTree as ET

from guests import guest, vgpu
from host import has, same

SCHEMA = "/usr/share/libvirt/schemas/nodedev.rng"


def run(host):
    pci = host.virsh("nodedev-list", "--cap", "pci").split()
    assert len(pci) >= 3, pci
    same(host.virsh("nodedev-list", ro=True).split(), pci, "all node devices")
    same(host.virsh("nodedev-list", "--cap", "mdev"), "", "mediated devices")
    parents = host.virsh("nodedev-list", "--cap", "mdev_types").split()
    assert parents and set(parents) <= set(pci), parents

    for name in pci:
        text = host.virsh("nodedev-dumpxml", name)
        device = ET.fromstring(text)
        same(device.findtext("name"), name, "name")
        has(text, "<capability type='pci'>", "NVIDIA")
        if os.path.exists(SCHEMA):
            host.run("xmllint", "--nonet", "--noout", "--relaxng", SCHEMA, host.file("dev.xml", text))
        if name in parents:
            types = {t.get("id"): t for t in device.findall("capability/capability[@type='mdev_types']/type")}
            assert types, text
            for entry in types.values():
                same(entry.findtext("deviceAPI"), "vfio-pci", "device API")
                assert int(entry.findtext("availableInstances")) >= 0
    same(host.virsh("nodedev-info", pci[0], ok=None).splitlines()[0].split()[-1], pci[0], "nodedev-info")
    host.refused("nodedev-dumpxml", "pci_0000_ff_1f_7", because="pci_0000_ff_1f_7")
    host.refused("nodedev-dumpxml", "../../etc/passwd", because="passwd")

    # one in use shows as a child of its GPU
    host.define(guest("m", vgpu("GRID T4-1Q")))
    host.virsh("start", "m")
    mdev = host.virsh("nodedev-list", "--cap", "mdev").split()
    same(len(mdev), 1, "mediated devices")
    device = ET.fromstring(host.virsh("nodedev-dumpxml", mdev[0]))
    assert device.findtext("parent") in parents, device.findtext("parent")
    has(host.virsh("nodedev-list", "--tree"), mdev[0])
    host.virsh("destroy", "m")
    host.refused("nodedev-dumpxml", mdev[0], because=mdev[0])
