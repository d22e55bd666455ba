"""vGPUs without a domain: node devices that clients create, define, start, stop, and that outlive a restart of the daemon (wish-1, wish-14, wish-20, wish-66)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import json
import os
import xml.etree.ElementTree as ET

from guests import guest, vgpu
from host import eventually, has, lacks, same

UUID = "5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1c7"
OTHER = "5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1c8"
SCHEMA = "/usr/share/libvirt/schemas/nodedev.rng"


def device(parent, type_id, uuid=None, more=""):
    return "<device><parent>%s</parent><capability type='mdev'><type id='%s'/>%s%s</capability></device>" % (
        parent, type_id, "<uuid>%s</uuid>" % uuid if uuid else "", more)


def name_of(uuid, parent):
    return "mdev_" + uuid.replace("-", "_") + parent[len("pci"):]


def devices(host, *options):
    return sorted(host.virsh("nodedev-list", "--cap", "mdev", *options).split())


def info(host, name):
    lines = host.virsh("nodedev-info", name).splitlines()
    return {key.strip(): value.strip() for key, value in (line.split(":", 1) for line in lines)}


def boot(host):
    host.stop()
    for mark in glob.glob(host.sim + "/**/autostarted", recursive=True):
        os.unlink(mark)
    host.start()


def available(host, parent, type_id):
    root = ET.fromstring(host.virsh("nodedev-dumpxml", parent))
    return int(root.findtext(".//type[@id='%s']/availableInstances" % type_id))


def run(host):
    with host.watch_events("lifecycle", "--event", "lifecycle", command="nodedev-event"), \
            host.watch_events("update", "--event", "update", command="nodedev-event"):
        story(host)


def told(host, event, name, what=""):
    return sum(1 for line in host.heard(event).splitlines() if name + what in line)


def wait_for_watcher(host, parent, type_id):
    probe = name_of(OTHER, parent)

    def seen():
        host.virsh("nodedev-create", host.file("dev.xml", device(parent, type_id, OTHER)))
        host.virsh("nodedev-destroy", probe)
        return told(host, "lifecycle", probe) and told(host, "update", parent)
    eventually("virsh to watch", seen)


def story(host):
    parent = "pci_0000_05_00_0"
    type_id = "grid-k140q"
    name = name_of(UUID, parent)
    before = available(host, parent, type_id)
    wait_for_watcher(host, parent, type_id)

    # created: there at once, counted, shown as libvirt shows it
    host.virsh("nodedev-create", host.file("dev.xml", device(parent, type_id, UUID)))
    same(devices(host), [name], "mediated devices")
    same(available(host, parent, type_id), before - 1, "instances left")
    text = host.virsh("nodedev-dumpxml", name)
    root = ET.fromstring(text)
    same(root.findtext("parent"), parent, "parent")
    same(root.findtext("capability/uuid"), UUID, "uuid")
    same(root.find("capability/type").get("id"), type_id, "type")
    same(root.findtext("capability/parent_addr"), "0000:05:00.0", "address of the parent")
    same(root.findtext("driver/name"), "vfio_mdev", "driver")
    assert root.find("capability/iommuGroup") is not None, text
    assert root.findtext("path").endswith("/0000:05:00.0/" + UUID), text
    if os.path.exists(SCHEMA):
        host.run("xmllint", "--nonet", "--noout", "--relaxng", SCHEMA, host.file("dev.xml", text))
    same(info(host, name), {"Name": name, "Parent": parent, "Active": "yes", "Persistent": "no", "Autostart": "no"}, "nodedev-info")
    same(host.virsh("nodedev-dumpxml", "mdev_" + UUID.replace("-", "_")), text, "by the name of older clients")
    host.refused("nodedev-dumpxml", name_of(UUID, "pci_0000_06_00_0"), because="no node device")
    has(host.virsh("nodedev-list", "--tree"), name)
    vgpus = json.loads(host.gridctl("vgpus", "--json"))["vgpus"]
    same([(v["uuid"], v["domain"], v["node_device"]) for v in vgpus], [(UUID, None, name)], "vGPUs")

    # nova's way: created, then defined with the same UUID, then marked; one device, not two
    host.refused("nodedev-autostart", name, because="transient")
    host.virsh("nodedev-define", host.file("dev.xml", device(parent, type_id, UUID)))
    same(devices(host), [name], "mediated devices")
    host.virsh("nodedev-autostart", name)
    same(info(host, name)["Autostart"], "yes", "autostart")
    same(info(host, name)["Persistent"], "yes", "persistent")
    host.refused("nodedev-define", host.file("dev.xml", device(parent, type_id, UUID)), because="defined already")
    host.refused("nodedev-create", host.file("dev.xml", device(parent, type_id, UUID)), because="there already")
    host.refused("nodedev-start", name, because="already active")
    definition = glob.glob(host.sim + "/etc/mdevs/0000:05:00.0/" + UUID)
    same(len(definition), 1, "files in mdevctl's format")
    same(json.load(open(definition[0])), {"mdev_type": type_id, "start": "auto", "gpu_identity": "serial:032000000001", "attrs": []}, "definition")

    eventually("the events", lambda: told(host, "lifecycle", name, ": Defined"))
    same(told(host, "lifecycle", name, ": Created"), 1, "events of the creation")

    # it outlives the daemon, killed or stopped
    host.kill9()
    host.start()
    same(devices(host), [name], "mediated devices")
    same(available(host, parent, type_id), before - 1, "instances left")
    host.virsh("nodedev-destroy", name)
    same(devices(host), [], "active mediated devices")
    same(devices(host, "--inactive"), [name], "inactive mediated devices")
    same(available(host, parent, type_id), before, "instances left")
    lacks(host.virsh("nodedev-dumpxml", name), "<path>")
    same(info(host, name)["Active"], "no", "active")
    host.refused("nodedev-destroy", name, because="is not active")

    # marked: there again with the host, and only then
    host.stop()
    host.start()
    same(devices(host), [], "active mediated devices")
    boot(host)
    eventually("the device that is marked", lambda: devices(host) == [name])
    host.virsh("nodedev-autostart", name, "--disable")
    boot(host)
    same(devices(host), [], "active mediated devices after a boot of the host")
    host.virsh("nodedev-start", name)
    host.virsh("nodedev-undefine", name)
    same(info(host, name)["Persistent"], "no", "persistent")
    host.refused("nodedev-undefine", name, because="is not defined")
    host.virsh("nodedev-destroy", name)
    same(devices(host, "--all"), [], "mediated devices")
    same(glob.glob(host.sim + "/etc/mdevs/*/*"), [], "definitions")

    # what cannot be: said at once, nothing left
    for xml, because in ((device("pci_0000_ff_00_0", type_id), "0000:ff:00.0"), (device("computer", type_id), "invalid parent device"),
                         (device(parent, "nvidia-9"), "nvidia-9"), ("<device><capability type='mdev'><type id='x'/></capability></device>", "parent"),
                         ("<device><parent>x</parent><capability type='scsi_host'/></device>", "Unsupported device type"),
                         (device(parent, type_id, more="<attr name='colour' value='red'/>"), "colour"), ("<device", "XML")):
        for command in ("nodedev-create", "nodedev-define"):
            host.refused(command, host.file("dev.xml", xml), because=because)
    for command in ("nodedev-destroy", "nodedev-undefine", "nodedev-start"):
        host.refused(command, parent, because="Unsupported device type")
        host.refused(command, name, because="no node device")
    same(devices(host, "--all"), [], "mediated devices")

    # a guest's own vGPU is not a client's to destroy; a UUID is in use once; room is room
    host.define(guest("desk", vgpu("GRID K140Q", "<address uuid='%s'/><gpu domain='0' bus='5' slot='0' function='0'/>" % UUID)))
    host.virsh("start", "desk")
    host.refused("nodedev-destroy", name, because="definition")
    host.refused("nodedev-create", host.file("dev.xml", device(parent, type_id, UUID)), because="desk")
    host.virsh("destroy", "desk")
    for _ in range(before):
        host.virsh("nodedev-create", host.file("dev.xml", device(parent, type_id)))
    made = devices(host)
    same(len(set(made)), before, "devices on the GPU")
    host.refused("nodedev-create", host.file("dev.xml", device(parent, type_id)), because=["full", made[0]])
    host.refused("start", "desk", because=made[0])
    plan = host.gridctl("plan", "desk")
    has(plan, "nodedev-destroy")
    has(host.gridctl("group", "create", "g"), "")
    has(host.gridctl("group", "move", "0000:05:00.0", "g", ok=False), made[0])
    for each in made:
        host.virsh("nodedev-destroy", each)
    host.virsh("start", "desk")

    # the kernel's own devices are made and removed as well
    t4 = host.virsh("nodedev-list", "--cap", "mdev_types").split()[-1]
    address = ET.fromstring(host.virsh("nodedev-dumpxml", t4)).findtext("path").split("/")[-1]
    host.virsh("nodedev-create", host.file("dev.xml", device(t4, "nvidia-230", OTHER)))
    found = glob.glob(host.sim + "/**/" + address + "/" + OTHER, recursive=True)
    assert found, "no device of the kernel's below " + address
    host.refused("nodedev-destroy", t4, because="Unsupported")
    host.virsh("nodedev-destroy", name_of(OTHER, t4))
    assert not glob.glob(host.sim + "/**/" + address + "/" + OTHER, recursive=True), found

    # a reader looks, and changes nothing
    host.refused("nodedev-create", host.file("dev.xml", device(parent, type_id, UUID)), because="read", ro=True)
    host.refused("nodedev-destroy", name, because="read", ro=True)
    same(host.virsh("nodedev-list", "--cap", "mdev", ro=True), host.virsh("nodedev-list", "--cap", "mdev"), "a reader's list")
