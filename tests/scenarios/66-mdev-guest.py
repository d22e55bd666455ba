"""A guest that names a vGPU made beforehand, <hostdev type='mdev'>, as nova and virt-manager write it, gets that one, by whatever back end (user-wishes 13, 14, 20, 27, 64)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import xml.etree.ElementTree as ET

from guests import guest, vgpu
from host import eventually, has, lacks, same

UUIDS = ["5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1c%d" % i for i in range(8)]
K1 = "pci_0000_05_00_0"


def create(host, parent, type_id, uuid, command="nodedev-create"):
    host.virsh(command, host.file("dev.xml", "<device><parent>%s</parent><capability type='mdev'><type id='%s'/><uuid>%s</uuid>"
                                  "</capability></device>" % (parent, type_id, uuid)))
    return "mdev_" + uuid.replace("-", "_") + parent[len("pci"):]


def nova(uuid):
    return "<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'><source><address uuid='%s'/></source></hostdev>" % uuid


def virt_manager(uuid):
    return ("<hostdev mode='subsystem' type='mdev' managed='yes' model='vfio-pci' display='off' ramfb='off'>"
            "<source><address uuid='%s'/></source></hostdev>" % uuid)


def has_it(host, uuid):
    """Who has the vGPU, by gridctl's list."""
    return [v["domain"] for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"] if v["uuid"] == uuid]


def run(host):
    # unknown and inactive: refused at start in libvirt's words, and said how it can be made
    host.define(guest("nova", nova(UUIDS[0])))
    host.refused("start", "nova", because="mediated device '%s' not found" % UUIDS[0])
    same(json.loads(host.gridctl("plan", "nova", "--json"))["possible"], False, "plan")
    name = create(host, K1, "grid-k140q", UUIDS[0], "nodedev-define")
    host.refused("start", "nova", because=["mediated device '%s' not found" % UUIDS[0], "not active", "nodedev-start " + name])

    # it starts with that very device, and libxl is told of it as of any vGPU
    host.virsh("nodedev-start", name)
    config = json.loads(host.gridctl("config", "nova"))
    host.virsh("start", "nova")
    same(has_it(host, UUIDS[0]), ["nova"], "who has it")
    host.define(guest("own", vgpu("GRID K140Q", "<gpu domain='0' bus='5' slot='0' function='0'/>")))
    other = json.loads(host.gridctl("config", "own"))
    same(config["b_info"].get("type.hvm", config["b_info"]).get("mmio_hole_memkb"),
         other["b_info"].get("type.hvm", other["b_info"]).get("mmio_hole_memkb"), "the hole for its windows")
    live = ET.fromstring(host.virsh("dumpxml", "nova")).find("devices/hostdev")
    same((live.get("type"), live.find("source/address").get("uuid"), live.find("alias").get("name")), ("mdev", UUIDS[0], "hostdev0"), "live XML")

    # never given out twice, never taken away, and said who has it
    host.define(guest("manager", virt_manager(UUIDS[0])))
    host.refused("start", "manager", because=["in use by", "nova"])
    host.refused("nodedev-destroy", name, because=["in use", "nova"])
    host.define(guest("thief", vgpu("GRID K140Q", "<address uuid='%s'/>" % UUIDS[0])))
    host.refused("start", "thief", because=name)
    host.define(guest("whole", "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='5' slot='0' function='0'/>"
                      "</source></hostdev>"))
    host.refused("start", "whole", because="nova")
    has(host.gridctl("group", "move", "0000:05:00.0", "x", ok=False), "x")
    has(host.gridctl("type", "disable", "GRID K140Q", ok=False), "nova")

    # the guest reboots with it, the daemon comes back to it, and dies and comes back
    before = host.virsh("domid", "nova")
    host.virsh("reboot", "nova")
    eventually("the reboot", lambda: host.virsh("domid", "nova") not in (before, "-") and host.state("nova") == "running")
    same(has_it(host, UUIDS[0]), ["nova"], "who has it after a reboot")
    host.stop()
    host.start()
    same(has_it(host, UUIDS[0]), ["nova"], "who has it after a restart of the daemon")
    host.kill9()
    host.start()
    host.refused("nodedev-destroy", name, because="nova")
    host.refused("start", "manager", because="nova")

    # it ends: the device stays, for the next
    host.virsh("destroy", "nova")
    same(has_it(host, UUIDS[0]), [None], "who has it")
    same(host.virsh("nodedev-list", "--cap", "mdev"), name, "mediated devices")
    host.virsh("start", "manager")
    same(has_it(host, UUIDS[0]), ["manager"], "who has it")
    host.virsh("shutdown", "manager")
    host.wait_state("manager", "shut off")
    host.virsh("nodedev-destroy", name)
    same(has_it(host, UUIDS[0]), [], "who has it")
    host.virsh("start", "whole")
    host.refused("nodedev-start", name, because="whole")
    host.virsh("destroy", "whole")

    # two that may not go together are refused, as with type='vgpu'; a refusal leaves nothing lent
    other = create(host, "pci_0000_06_00_0", "grid-k120q", UUIDS[1])
    host.virsh("nodedev-start", name)
    host.define(guest("two", nova(UUIDS[0]) + nova(UUIDS[1])))
    host.refused("start", "two", because="unlike types")
    same((has_it(host, UUIDS[0]), has_it(host, UUIDS[1])), ([None], [None]), "who has them")
    host.refused("define", host.file("twice.xml", guest("twice", nova(UUIDS[0]) + nova(UUIDS[0]))), because="twice")
    host.refused("define", host.file("pv.xml", guest("pv", nova(UUIDS[0]), kind="pv")), because="HVM")
    host.virsh("nodedev-destroy", other)

    # a device of the kernel's, by the whole way
    t4 = host.virsh("nodedev-list", "--cap", "mdev_types").split()[-1]
    kernel = create(host, t4, "nvidia-230", UUIDS[2])
    host.define(guest("t4", virt_manager(UUIDS[2]).replace("display='off'", "display='on'")))
    config = host.gridctl("config", "t4")
    has(config, UUIDS[2], "vfio-pci")
    host.virsh("start", "t4")
    host.refused("nodedev-destroy", kernel, because="t4")
    host.virsh("destroy", "t4")
    lacks(host.virsh("nodedev-list", "--cap", "mdev", "--inactive"), kernel)
    host.virsh("nodedev-destroy", kernel)

    # a clone of the definition is a second claim on the device, not a second device
    host.virsh("start", "nova")
    host.refused("create", host.file("clone.xml", guest("clone", nova(UUIDS[0]))), because="nova")
    same(host.guests(), "nova", "guests")
