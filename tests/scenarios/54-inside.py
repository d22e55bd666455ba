"""Devices come to running guests and go, as those see it themselves: PCI devices of HVM and PV guests, disks, interfaces; a GPU whole, as a vGPU."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import os
import re
import xml.etree.ElementTree as ElementTree

from guests import NIC, guest, vgpu
from host import eventually, has, lacks, pci_source, same

HOSTS = ("real",)
MACHINE = "gpus"
LOG_ALLOWED = [r"nvme", r"gridparent: (loading out-of-tree|module verification failed)", r"not bound to a driver, will not be rebound", r"pciback", r"\bvif\b|vif\d|xenbr0", r"IOMMU|\[VT-D\]|d\d+:PCIe: ",
               r"timed out waiting for DM to remove pci-pt", r"unable to remove device", r"Backend .*/pci/.* not ready"]

MODULE = "/guest/gridparent.ko"
NVME = "1b36:0010"
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
    hvm(host, whole, vf)
    pv(host, whole, vf)
    gpu(host)


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
    keeps(host, "h", device, vf)
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


# --- a GPU as a vGPU of type passthrough -----------------------------------------------------------------------------

def gpu(host):
    """A display controller of QEMU, whose driver is a module of the tests if there is one."""
    module = os.path.exists(MODULE)
    host.stop()
    if module:
        host.run("modprobe", "-a", "mdev", "vfio")
        host.run("insmod", MODULE)
    try:
        host.start()
        whole_gpu(host, "nvidia" if module else None)
    finally:
        if host.alive():
            host.virsh("destroy", "v", ok=None)
            host.stop()
        if module:
            host.run("rmmod", "gridparent")
    host.start()


def whole_gpu(host, its_driver):
    host.define(guest("v", kind="hvm", devices=vgpu("passthrough")))
    host.virsh("start", "v")
    live = ElementTree.fromstring(host.virsh("dumpxml", "v")).find("devices/hostdev")
    address = "%s:%s:%s.%s" % tuple(live.find("bound/gpu").get(part)[2:] for part in ("domain", "bus", "slot", "function"))
    same(live.find("bound").get("backend"), "passthrough", "back end")
    same(driver(address), "pciback", "driver of the GPU while the guest has it")
    with open("/sys/bus/pci/devices/%s/vendor" % address, encoding="ascii") as vendor, open("/sys/bus/pci/devices/%s/device" % address, encoding="ascii") as device:
        ids = "%s:%s" % (vendor.read().strip()[2:], device.read().strip()[2:])
    host.wait_up("v")
    found = {slot: bars for slot, (have, bars) in slots(host, "v").items() if have == ids}
    same(list(found), ["%s.0" % live.find("address").get("slot")[2:]], "where the guest sees it")
    # a register says what kind of display it is, in 16 bits
    same(word(host, "v", found.popitem()[1][2] + 0x500) & 0xffff, 0xb0c5, "what the GPU says of itself")
    host.refused("nodedev-detach", "pci_" + re.sub("[:.]", "_", address), because="'v'")
    host.virsh("destroy", "v")
    same(driver(address), its_driver, "driver of the GPU when the guest is gone")
    has(host.gridctl("gpus"), address)
    host.virsh("undefine", "v")
