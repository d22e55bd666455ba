"""Disks, interfaces and PCI devices come to a running guest and go; every kind of device comes to its definition; events tell it."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import xml.etree.ElementTree as ElementTree

from guests import DISK, NIC, guest
from host import eventually, has, lacks, same

MAC = "00:16:3e:00:00:%02x"
PCI = ("<hostdev mode='subsystem' type='pci' managed='%s'><source><address domain='0x0000' bus='0x%02x' slot='0x00' "
       "function='0x0'/></source></hostdev>")
CDROM = "<disk type='file' device='cdrom'>%s<target dev='hdc' bus='ide'/><readonly/></disk>"
PASS = "<features><acpi/><xen><passthrough state='on'/></xen></features>"

# One of each kind: what is attached to the definition, and what it is known by there.
KINDS = [
    ("disk", DISK % ("c", "xvdc"), "target[@dev='xvdc']"),
    ("interface", NIC % (MAC % 3), "mac[@address='%s']" % (MAC % 3)),
    ("controller", "<controller type='usb' index='3' model='qusb2' ports='4'/>", None),
    ("serial", "<serial type='pty'><target port='1'/></serial>", "target[@port='1']"),
    ("channel", "<channel type='pty'><target type='xen' name='org.example.x'/></channel>", None),
    ("input", "<input type='tablet' bus='usb'/>", None),
    ("graphics", "<graphics type='vnc' port='-1' autoport='yes'/>", None),
    ("video", "<video><model type='cirrus' vram='8192'/></video>", None),
    ("sound", "<sound model='es1370'/>", None),
    ("hostdev", PCI % ("yes", 0x0c), None),
    ("hostdev", "<hostdev mode='subsystem' type='vgpu'><source><type name='GRID T4-1Q'/>"
                "<address uuid='c0ffee00-0000-4000-8000-000000000001'/></source></hostdev>", None),
    ("rng", "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", None),
    ("watchdog", "<watchdog model='i6300esb' action='reset'/>", None),
    ("tpm", "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>", None),
]


def xml(host, inactive=False):
    return host.dom.XMLDesc(2 if inactive else 0)


def devices(host, inactive=False):
    return ElementTree.fromstring(xml(host, inactive)).find("devices")


def count(host, kind, inactive=False):
    return len(devices(host, inactive).findall(kind))


def run(host):
    host.define(guest("g", devices=DISK % ("a", "xvda") + NIC % (MAC % 1) + CDROM % ""))
    host.dom = host.connect().lookupByName("g")
    every_kind_to_the_definition(host)
    with host.watch_events("ev", "--all"):
        eventually("the watcher", lambda: (host.virsh("desc", "g", "x", "--config"), "metadata" in host.heard("ev"))[1])
        host.virsh("start", "g")
        live(host)
    both(host)
    refusals(host)
    survives(host)
    keeps_what_the_guest_keeps(host)


def every_kind_to_the_definition(host):
    for kind, text, known in KINDS:
        before, n = xml(host), count(host, kind)
        host.dom.attachDeviceFlags(text, 2)
        same(count(host, kind), n + 1, "number of <%s> after %s" % (kind, text))
        if known:
            assert devices(host).findall("%s/%s" % (kind, known)), "no %s in:\n%s" % (known, xml(host))
        host.dom.detachDeviceFlags(text, 2)
        same(count(host, kind), n, "number of <%s> after it went" % kind)
        if kind not in ("graphics", "video"):  # with a screen comes a card, and stays
            same(xml(host), before, "definition after a %s came and went" % kind)
    host.virsh("attach-device", "g", host.file("dev.xml", CDROM.replace("hdc", "hdd") % ""), "--config")
    host.virsh("change-media", "g", "hdd", "/srv/one.iso", "--insert", "--config")
    has(xml(host), "/srv/one.iso")
    host.virsh("detach-disk", "g", "hdd", "--config")


def live(host):
    inactive = xml(host, True)
    host.virsh("attach-disk", "g", "/srv/b.img", "xvdb", "--live")
    disk = devices(host).find("disk/target[@dev='xvdb']/..")
    alias = disk.find("alias").get("name")
    eventually("device-added", lambda: "device-added" in host.heard("ev") and alias in host.heard("ev"))
    host.virsh("attach-interface", "g", "bridge", "xenbr1", "--mac", MAC % 2, "--live")
    nic = devices(host).find("interface/mac[@address='%s']/.." % (MAC % 2))
    same(nic.find("target").get("dev"), "vif%s.1-emu" % host.virsh("domid", "g"), "name of the new interface on the host")
    same(xml(host, True), inactive, "definition, of which nothing was said")

    host.virsh("change-media", "g", "hdc", "/srv/two.iso", "--insert", "--live")
    has(xml(host), "/srv/two.iso")
    host.virsh("change-media", "g", "hdc", "/srv/three.iso", "--update", "--live")
    has(xml(host), "/srv/three.iso")
    lacks(xml(host), "/srv/two.iso")
    host.virsh("change-media", "g", "hdc", "--eject", "--live")
    lacks(xml(host), "/srv/three.iso")

    # the guest comes back from a reboot with what it had
    host.virsh("reboot", "g")
    eventually("the reboot", lambda: "event 'reboot'" in host.heard("ev"))
    host.wait_state("g", "running")
    assert devices(host).find("disk/target[@dev='xvdb']") is not None

    host.virsh("detach-disk", "g", "xvdb", "--live")
    eventually("device-removed", lambda: "device-removed" in host.heard("ev"))
    host.virsh("detach-interface", "g", "bridge", "--mac", MAC % 2, "--live")
    assert devices(host).find("disk/target[@dev='xvdb']") is None
    same(count(host, "interface"), 1, "interfaces")
    same(xml(host, True), inactive, "definition")
    # virt-manager's way
    for what, n in (("--add-device", 2), ("--remove-device", 1)):
        host.run("virt-xml", "--connect", host.uri(), "g", what, "--network", "bridge=xenbr1,mac=%s" % (MAC % 4), "--update", "--no-define")
        same(count(host, "interface"), n, "interfaces after virt-xml " + what)
    host.virsh("destroy", "g")


def both(host):
    host.virsh("start", "g")
    host.virsh("attach-interface", "g", "bridge", "xenbr1", "--live", "--config")
    macs = [[m.get("address") for m in devices(host, o).findall("interface/mac")] for o in (False, True)]
    same(macs[0], macs[1], "MAC addresses, running and defined")
    host.virsh("detach-interface", "g", "bridge", "--mac", macs[0][1], "--persistent")
    same(count(host, "interface", True), 1, "interfaces in the definition")
    same(count(host, "interface"), 1, "interfaces of the guest")
    # an alias of the user's own finds it in both
    dev = host.file("dev.xml", (DISK % ("e", "xvde")).replace("</disk>", "<alias name='ua-mine'/></disk>"))
    host.virsh("attach-device", "g", dev, "--live", "--config")
    host.virsh("detach-device-alias", "g", "ua-mine", "--live", "--config")
    lacks(xml(host) + xml(host, True), "xvde")
    host.virsh("destroy", "g")


def refusals(host):
    def no(text, because, *options, verb="attach-device"):
        host.refused(verb, "g", host.file("dev.xml", text), *options, because=because)
    no(DISK % ("a", "xvda"), ["'xvda'", "already"], "--config")
    no(NIC % (MAC % 1), [MAC % 1, "already"], "--config")
    no(DISK % ("z", "xvdz"), ["no disk 'xvdz'"], "--config", verb="detach-device")
    no("<blender/>", "blender", "--config")
    no(DISK % ("b", "xvdb"), "not running")
    host.virsh("start", "g")
    inactive, live_xml = xml(host, True), xml(host)
    no((DISK % ("b", "vdb")).replace("bus='xen'", "bus='virtio'"), ["'vdb'", "bus 'xen'"])
    no("<sound model='es1370'/>", ["<sound>", "config"])
    no(KINDS[10][1], ["vGPU", "device model"])
    no(PCI % ("yes", 0x0c), "passthrough")
    no(DISK % ("a", "xvda"), "already")
    # what cannot be done to the guest is not done to the definition either
    no("<sound model='es1370'/>", "<sound>", "--live", "--config")
    same((xml(host, True), xml(host)), (inactive, live_xml), "both definitions after refusals")
    host.virsh("destroy", "g")

    # a device of the host is with one guest, and it is asked for
    for name in ("p", "q"):
        host.define(guest(name, extra=PASS).replace("<features><acpi/><apic/><pae/></features>", ""))
        host.virsh("start", name)
    dev = host.file("dev.xml", PCI % ("yes", 0x0c))
    host.refused("attach-device", "p", host.file("no.xml", PCI % ("no", 0x0c)), because=["0000:0c:00.0", "managed='yes'", "nodedev-detach pci_0000_0c_00_0"])
    host.virsh("attach-device", "p", dev)
    has(host.virsh("dumpxml", "p"), "bus='0x0c'")
    host.refused("attach-device", "q", dev, because=["0000:0c:00.0", "'p' has it"])
    host.virsh("detach-device", "p", dev)
    host.virsh("attach-device", "q", dev)
    for name in ("p", "q"):
        host.virsh("destroy", name)


def survives(host):
    host.virsh("start", "g")
    host.virsh("attach-disk", "g", "/srv/b.img", "xvdb", "--live")
    host.virsh("attach-interface", "g", "bridge", "xenbr1", "--mac", MAC % 2, "--live")
    before = xml(host)
    host.kill9()
    host.start()
    host.dom = host.connect().lookupByName("g")
    same(xml(host), before, "the guest after a death of the daemon")
    host.virsh("detach-disk", "g", "xvdb")
    host.virsh("detach-interface", "g", "bridge", "--mac", MAC % 2)
    host.virsh("destroy", "g")


def keeps_what_the_guest_keeps(host):
    """wish-54: a guest that does not let go of a device."""
    host.stop()
    with open(host.sim + "/host.json", encoding="utf-8") as f:
        machine = json.load(f)
    machine["deaf"] = ["p"]
    with open(host.sim + "/host.json", "w", encoding="utf-8") as f:
        json.dump(machine, f)
    host.start()
    host.virsh("start", "p")
    with host.watch_events("ev2", "--event", "device-removal-failed"):
        dev = host.file("dev.xml", PCI % ("yes", 0x0c))
        host.virsh("attach-device", "p", dev)
        before = host.virsh("dumpxml", "p")

        def told():
            host.refused("detach-device", "p", dev, because="does not let")
            return "'device-removal-failed' for domain 'p': hostdev0" in host.heard("ev2")
        eventually("device-removal-failed", told)
        same(host.virsh("dumpxml", "p"), before, "guest that kept the device")
    host.virsh("destroy", "p")
