"""A vGPU that is a virtual function or a whole GPU comes to a running guest and goes (wish-12); others are refused with the reason."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
import xml.etree.ElementTree as ET

from guests import guest, vgpu
from host import eventually, has, lacks, same

CARD = {"address": "0000:c1:00.0", "vendor": "8086", "device": "56c0", "driver": "i915", "iommu_group": 70, "vfs": 2}
VF = "8086:56c0 VF"
PASS = "<features><xen><passthrough state='on'/></xen></features>"
UUID = "56000000-0000-4000-8000-00000000000%d"


def device(host, number, kind=VF, extra="", **more):
    return host.file("v%d.xml" % number, vgpu(kind, "<address uuid='%s'/>%s" % (UUID % number, extra), **more))


def has_now(host, name, *options):
    hostdevs = ET.fromstring(host.virsh("dumpxml", name, *options)).findall("devices/hostdev[@type='vgpu']")
    return [h.find("source/address").get("uuid")[-1] for h in hostdevs]


def held(host):
    return sorted((v["uuid"][-1], v["domain"], v.get("vf")) for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"])


def lent(host):
    """Virtual functions that Xen's driver has."""
    folder = host.sim + "/state/kernel/sys/bus/pci/devices/0000:c1:00.%d/driver"
    return [n for n in (1, 2) if os.path.lexists(folder % n)]


def run(host):
    host.add_gpu(CARD)
    host.define(guest("g", extra=PASS).replace("<features><acpi/><apic/><pae/></features>", ""))
    host.virsh("start", "g")
    comes_and_goes(host)
    stays(host)
    refusals(host)


def comes_and_goes(host):
    with host.watch_events("ev", "--event", "device-added"):
        def told():  # until the watcher is there
            host.virsh("attach-device", "g", device(host, 1))
            if "hostdev0" in host.heard("ev"):
                return True
            host.virsh("detach-device", "g", device(host, 1))
            return False
        eventually("device-added", told)
    same(held(host), [("1", "g", "0000:c1:00.1")], "held by the guest")
    same(lent(host), [1], "with Xen")
    has(host.virsh("dumpxml", "g"), "<bound backend='sriov'>")
    has(host.virsh("nodedev-list", "--cap", "mdev"), "mdev_56000000")
    same(has_now(host, "g", "--inactive"), [], "definition, of which nothing was said")
    # both at once are one vGPU
    host.virsh("attach-device", "g", device(host, 2), "--live", "--config")
    same((has_now(host, "g"), has_now(host, "g", "--inactive")), (["1", "2"], ["2"]), "running and defined")
    host.refused("attach-device", "g", device(host, 2), because="already")
    host.refused("attach-device", "g", device(host, 3), because=["no room", VF, "0000:c1:00.0 is full (g)"])
    # the first goes, the other is where it was
    host.virsh("detach-device", "g", device(host, 1))
    same(held(host), [("2", "g", "0000:c1:00.2")], "held after one went")
    same(lent(host), [2], "with Xen after one went")
    host.virsh("detach-device", "g", device(host, 2), "--live", "--config")
    same((held(host), lent(host)), ([], []), "held after both went")
    same(host.virsh("nodedev-list", "--cap", "mdev"), "", "mediated devices after both went")


def stays(host):
    host.virsh("attach-device", "g", device(host, 1))
    host.virsh("attach-device", "g", device(host, 4, "passthrough", "<gpu domain='0' bus='0x44' slot='0' function='0'/>"), ok=None)
    before = held(host)
    same(before, [("1", "g", "0000:c1:00.1")], "held: vGPUs of unlike types do not go together")
    host.kill9()
    host.start()
    same(held(host), before, "held after a death of the daemon")
    host.virsh("reboot", "g")
    eventually("the reboot", lambda: host.virsh("domid", "g") != "1" and host.state("g") == "running")
    same((held(host), has_now(host, "g")), (before, ["1"]), "held after a reboot of the guest")
    host.virsh("destroy", "g")
    same((held(host), lent(host)), ([], []), "held by a guest that is off")
    # what it had from its start can go as well, one by one
    host.define(guest("two", vgpu(VF, "<address uuid='%s'/>" % (UUID % 7)) + vgpu(VF, "<address uuid='%s'/>" % (UUID % 8))))
    host.virsh("start", "two")
    host.virsh("detach-device", "two", device(host, 7, VF))
    same(held(host), [("8", "two", "0000:c1:00.2")], "held by a guest that began with two")
    host.virsh("destroy", "two")
    same((held(host), lent(host)), ([], []), "held at the end")
    # a whole GPU comes and goes as well
    host.virsh("start", "g")
    whole = device(host, 5, "passthrough", "<gpu domain='0x0000' bus='0x44' slot='0x00' function='0x0'/>")
    host.virsh("attach-device", "g", whole)
    same([v["backend"] for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"]], ["passthrough"], "back end")
    host.virsh("detach-device", "g", whole)
    same(held(host), [], "held after the whole GPU went")


def refusals(host):
    for number, kind, because in ((3, "GRID T4-1Q", ["'sriov'", "device model", "config"]), (3, "GRID K260Q", ["'sriov'", "config"]),
                                  (3, "No such", "No such")):
        host.refused("attach-device", "g", device(host, number, kind), because=because)
    host.refused("attach-device", "g", device(host, 3, attrs=" display='on'"), because=["primary display", "config"])
    host.refused("detach-device", "g", device(host, 1), because="no vGPU")
    host.define(guest("bare", kind="pv"))
    host.define(guest("small", extra="<currentMemory unit='MiB'>32</currentMemory>" + PASS).replace("<features><acpi/><apic/><pae/></features>", ""))
    host.define(guest("never"))
    for name, because in (("bare", "hvm"), ("small", ["fixed", "<currentMemory>"]), ("never", "passthrough")):
        host.virsh("start", name)
        before = host.virsh("dumpxml", name)
        host.refused("attach-device", name, device(host, 1), because=because)
        same(host.virsh("dumpxml", name), before, "guest '%s' after a refusal" % name)
        host.virsh("destroy", name)
    same((held(host), lent(host)), ([], []), "held after refusals")
    lacks(host.virsh("dumpxml", "g"), "type='vgpu'")
    host.virsh("destroy", "g")
