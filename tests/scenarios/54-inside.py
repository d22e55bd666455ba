"""Devices come to running guests and go, as those see it themselves: PCI devices of HVM and PV guests, disks, interfaces."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import json
import os
import re
import xml.etree.ElementTree as ElementTree

from guests import NIC, guest, vgpu
from host import eventually, has, lacks, pci_source, same

HOSTS = ("real",)
MACHINE = "gpus"
LOG_ALLOWED = [r"nvme", r"doesn't support reset from sysfs", r"not bound to a driver, will not be rebound", r"pciback", r"\bvif\b|vif\d|xenbr0", r"IOMMU|\[VT-D\]|d\d+:PCIe: ",
               r"timed out waiting for DM to remove pci-pt", r"unable to remove device", r"Backend .*/pci/.* not ready", r"xc_deassign_device failed", r"xc_physdev_unmap_pirq"]

NVME = "1b36:0010"
DISPLAY = "1234:1111"
MAC = "00:16:3e:00:00:5%d"
DISK = "<disk type='file' device='disk'><source file='%s'/><target dev='xvdb' bus='xen'/></disk>"


def hostdev(address):
    return "<hostdev mode='subsystem' type='pci' managed='yes'>%s</hostdev>" % pci_source(address)


def driver(address):
    link = "/sys/bus/pci/devices/%s/driver" % address
    return os.path.basename(os.readlink(link)) if os.path.exists(link) else None


# --- what the guest sees ---------------------------------------------------------------------------------------------

def ask(host, name, question):
    """What it answers on its console; see tests/xen-host/guest/devices.c."""
    before = len(host.console(name))
    end = {"pci": r"GUEST-PCI end\r?\n", "keep": ""}.get(question, r"GUEST-MEM .*\r?\n")
    path = "/local/domain/%d/data/ask" % host.domains()[name]
    host.run("xenstore-write", path, question)
    if not end:
        eventually("the guest to have heard '%s'" % question, lambda: host.xenstore(path) == "")
        return ""
    return eventually("an answer to '%s'" % question, lambda: re.search("(?s).*" + end, host.console(name)[before:])).group()


def slots(host, name):
    """slot -> (ids, base addresses) of each PCI device it sees."""
    rows = [line.split() for line in ask(host, name, "pci").splitlines() if line.startswith("GUEST-PCI ") and "end" not in line]
    return {row[1]: (row[2], [int(bar, 16) & ~15 for bar in row[4:]]) for row in rows}


def word(host, name, address):
    answer = ask(host, name, "mem %08x" % address)
    return int(answer.split()[-1], 16)


def sees(host, name, ids):
    return sorted(slot for slot, (have, _bars) in slots(host, name).items() if have == ids)


# --- the story -------------------------------------------------------------------------------------------------------

def run(host):
    host.run("modprobe", "-a", "nvme", "loop")
    whole = eventually("the NVMe controller without functions", lambda: [os.path.basename(p) for p in glob.glob("/sys/bus/pci/drivers/nvme/0*")
                                                                       if not os.path.exists(p + "/sriov_totalvfs")])[0]
    parent = os.path.basename(os.path.dirname(glob.glob("/sys/bus/pci/drivers/nvme/0*/sriov_totalvfs")[0]))
    number = "/sys/bus/pci/devices/%s/sriov_numvfs" % parent
    with open(number, encoding="ascii") as f:
        had = int(f.read())
    if not had:
        with open(number, "w", encoding="ascii") as f:
            f.write("1")
    vf = os.path.basename(os.readlink("/sys/bus/pci/devices/%s/virtfn0" % parent))
    if not os.path.exists("/sys/class/net/xenbr0"):
        host.run("ip", "link", "add", "xenbr0", "type", "bridge")
    host.run("ip", "link", "set", "xenbr0", "up")
    by_hand(host, parent, vf)
    hvm(host, whole, vf)
    pv(host, whole, vf)
    gpu(host)


def node(address):
    return "pci_" + re.sub("[:.]", "_", address)


def by_hand(host, parent, vf):
    """What is no GPU is a node device as well, and can be taken from the host and given back."""
    eventually("the function to be listed", lambda: node(vf) in host.virsh("nodedev-list", "--cap", "pci").split())
    has(host.virsh("nodedev-dumpxml", node(parent)), "<name>nvme</name>", "<capability type='virt_functions' maxCount=")
    text = host.virsh("nodedev-dumpxml", node(vf))
    has(text, "<capability type='phys_function'>", "<product id='0x0010'>QEMU NVM Express Controller</product>", "<class>0x010802</class>")
    bridge = ElementTree.fromstring(text).findtext("parent")
    has(host.virsh("nodedev-dumpxml", bridge), "<name>pcieport</name>")
    host.refused("nodedev-detach", bridge, because=[bridge, "bridge"])
    host.virsh("nodedev-detach", node(vf))
    same(driver(vf), "pciback", "driver after nodedev-detach")
    has(host.virsh("nodedev-dumpxml", node(vf)), "<name>pciback</name>")
    host.virsh("nodedev-reset", node(vf))
    host.virsh("nodedev-reattach", node(vf))
    assert driver(vf) != "pciback", "the function was not given back"
    lacks(host.virsh("nodedev-dumpxml", node(vf)), "<name>pciback</name>")


def hvm(host, whole, vf):
    host.define(guest("h", kind="hvm", devices=hostdev(whole)))
    host.virsh("start", "h")
    host.wait_up("h")
    here = slots(host, "h")
    (slot,) = [s for s, (ids, _bars) in here.items() if ids == NVME]
    # its memory is the device's: a register says the version of NVMe, 1.4.0
    same(word(host, "h", here[slot][1][0] + 8), 0x00010400, "what the device says of itself")
    device = host.file("vf.xml", hostdev(vf))
    host.virsh("attach-device", "h", device, "--live")
    eventually("the guest to see a second one", lambda: len(sees(host, "h", NVME)) == 2)
    same(driver(vf), "pciback", "driver of the plugged one")
    host.virsh("detach-device", "h", device, "--live")
    same(sees(host, "h", NVME), [slot], "what the guest sees after it went")
    assert driver(vf) != "pciback", "the plugged one was not given back"
    host.virsh("destroy", "h")
    same(driver(whole), "nvme", "driver when the guest is gone")


def keeps(host, name, device, vf):
    """wish-54: a guest that does not let go: it keeps the device, the host does not get it, the client hears why."""
    host.virsh("attach-device", name, device, "--live")
    ask(host, name, "keep")
    host.refused("detach-device", name, device, "--live", because="does not let the device go")
    same(driver(vf), "pciback", "driver of what the guest keeps")
    has(host.virsh("dumpxml", name), hostdev_address(vf))


def hostdev_address(address):
    return re.search("<address[^>]*>", pci_source(address)).group()


def pv(host, whole, vf):
    host.define(guest("p", kind="pv", devices=hostdev(whole)))
    host.virsh("start", "p")
    host.wait_up("p")
    device = host.file("vf.xml", hostdev(vf))
    eventually("the guest to see the one it has", lambda: len(sees(host, "p", NVME)) == 1)
    host.virsh("attach-device", "p", device, "--live", "--config")
    eventually("the guest to see both", lambda: len(sees(host, "p", NVME)) == 2)
    has(host.virsh("dumpxml", "p", "--inactive"), hostdev_address(vf))
    host.virsh("detach-device", "p", device, "--live", "--config")
    eventually("the guest to see one", lambda: len(sees(host, "p", NVME)) == 1)
    lacks(host.virsh("dumpxml", "p", "--inactive"), hostdev_address(vf))
    disk_and_card(host)
    keeps(host, "p", device, vf)
    host.virsh("destroy", "p")
    same(driver(whole), "nvme", "driver when the guest is gone")
    assert driver(vf) != "pciback", "what the guest kept was not given back when it was gone"


def disk_and_card(host):
    image = host.file("image", b"\0" * (1 << 20))
    domid = host.domains()["p"]
    for text, kind in ((DISK % image, "vbd"), (NIC % (MAC % 1), "vif")):
        device = host.file("dev.xml", text)
        host.virsh("attach-device", "p", device, "--live")
        (number,) = host.frontends(domid, kind)
        same(host.xenstore("/local/domain/0/backend/%s/%d/%s/online" % (kind, domid, number)), "1", "backend of the %s" % kind)
        host.virsh("detach-device", "p", device, "--live")
        same(host.frontends(domid, kind), [], "what the guest has of %s" % kind)
    lacks(host.virsh("dumpxml", "p"), image, MAC % 1)


def gpu(host):
    """A whole GPU as a vGPU: taken from its driver, seen by the guest, given back."""
    displays = [os.path.basename(os.path.dirname(p)) for p in glob.glob("/sys/bus/pci/devices/*/class") if text_of(p).startswith("0x0380")]
    had = {address: driver(address) for address in displays}
    host.define(guest("g", vgpu("passthrough"), kind="hvm"))
    host.virsh("start", "g")
    (lent,) = [v["gpu"] for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"]]
    same(driver(lent), "pciback", "driver of the GPU that the guest has")
    host.wait_up("g")
    same(len(sees(host, "g", DISPLAY)), 1, "GPUs that the guest sees")
    host.refused("nodedev-reattach", node(lent), because="'g'")
    host.virsh("destroy", "g")
    same({address: driver(address) for address in displays}, had, "drivers when the guest is gone")


def text_of(path):
    with open(path, encoding="ascii") as f:
        return f.read().strip()
