"""Real Xen: a whole PCI device and a virtual function go to guests and come back to their drivers, after kill -9 too."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import os

from guests import guest
from host import eventually, has, pci_source, same

HOSTS = ("real",)
MACHINE = "gpus"
LOG_ALLOWED = [r"nvme", r"libxl__wait_for_backend: Backend .*/pci/.* not ready", r"not bound to a driver, will not be rebound", r"pciback", r"\bvif\b|vif\d|xenbr0", r"IOMMU|\[VT-D\]|d\d+:PCIe: "]


def hostdev(address, managed="yes"):
    return "<hostdev mode='subsystem' type='pci' managed='%s'>%s</hostdev>" % (managed, pci_source(address))


def driver(address):
    link = "/sys/bus/pci/devices/%s/driver" % address
    return os.path.basename(os.readlink(link)) if os.path.exists(link) else None


def works(address):
    for path in glob.glob("/sys/bus/pci/devices/%s/nvme/nvme*/state" % address):
        with open(path, encoding="ascii") as f:
            return f.read().strip() == "live"
    return False


def held(host, name):
    return host.run("xl", "pci-list", name).out


def run(host):
    host.run("modprobe", "nvme")
    whole = eventually("the NVMe controller without functions", lambda: [os.path.basename(p) for p in glob.glob("/sys/bus/pci/drivers/nvme/0*")
                                                                       if not os.path.exists(p + "/sriov_totalvfs")])[0]
    parent = os.path.basename(os.path.dirname(glob.glob("/sys/bus/pci/drivers/nvme/0*/sriov_totalvfs")[0]))
    with open("/sys/bus/pci/devices/%s/sriov_numvfs" % parent, "w", encoding="ascii") as f:
        f.write("1")
    vf = os.path.basename(os.readlink("/sys/bus/pci/devices/%s/virtfn0" % parent))

    host.define(guest("g", kind="pv", devices=hostdev(whole) + hostdev(vf)))
    host.virsh("start", "g")
    has(held(host, "g"), whole, vf)
    same((driver(whole), driver(vf)), ("pciback", "pciback"), "drivers while the guest has them")
    host.define(guest("h", kind="pv", devices=hostdev(whole, "no")))
    host.refused("start", "h", because=[whole, "'g' has it"])
    host.virsh("destroy", "g")
    same(driver(whole), "nvme", "driver when nobody has it")
    # Xen has let it out of quarantine: otherwise the host's driver could not reach memory with it
    eventually("the host's driver to work", lambda: works(whole))
    same(host.leftovers(), [], "what is left")
    host.refused("start", "h", because=[whole, "managed='yes'"])

    dies(host, whole, "driver.start.config")


def dies(host, whole, point):
    host.kill9()
    host.daemon_env["VIRTGRID_FAULT"] = point + "=kill"
    host.start()
    host.virsh("start", "g", ok=None)
    eventually("the daemon to be dead at " + point, lambda: not host.alive())
    del host.daemon_env["VIRTGRID_FAULT"]
    host.start()
    same(driver(whole), "nvme", "driver after a death at " + point)
    eventually("nothing to be left", lambda: not host.leftovers())
