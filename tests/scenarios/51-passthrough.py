"""PCI devices of the host: taken from their driver for a guest and given back, by hand or managed, by one guest at a time, after kill -9 too."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import os

from guests import guest
from host import pci_source, same

NODE = "pci_0000_05_00_0"
ADDR = "0000:05:00.0"


def hostdev(managed):
    return "<hostdev mode='subsystem' type='pci' managed='%s'>%s</hostdev>" % (managed, pci_source(ADDR))


def lent(host):
    return sorted(os.path.basename(p) for p in glob.glob(host.sim + "/state/xen/pciback/*"))


def run(host):
    host.define(guest("m", devices=hostdev("yes")))
    host.define(guest("n", devices=hostdev("no")))

    # managed: for as long as the guest runs, its reboots too
    host.virsh("start", "m")
    same(lent(host), [ADDR], "with Xen")
    host.refused("start", "n", because=[ADDR, "'m' has it"])
    for verb in ("nodedev-detach", "nodedev-reattach", "nodedev-reset"):
        host.refused(verb, NODE, because=[ADDR, "'m'"])
    host.virsh("destroy", "m")
    same(lent(host), [], "with Xen when nobody has it")

    # not managed: whoever wants it so takes it from the host first, and it stays away from it
    host.refused("start", "n", because=[ADDR, "managed='yes'", "nodedev-detach " + NODE])
    host.virsh("nodedev-reset", NODE)
    host.virsh("nodedev-detach", NODE)
    same(lent(host), [ADDR], "with Xen after nodedev-detach")
    host.refused("nodedev-detach", NODE, "--driver", "vfio", because="'xen'")
    for name in ("n", "m"):
        host.virsh("start", name)
        host.virsh("destroy", name)
        same(lent(host), [ADDR], "with Xen, as it was before " + name)
    host.virsh("nodedev-reattach", NODE)
    same(lent(host), [], "with Xen after nodedev-reattach")

    # the daemon dies on the way
    for point, runs in (("driver.start.config", False), ("sim.create.pci", False), ("driver.start.record", False), ("driver.start.done", True)):
        host.kill9()
        host.daemon_env["VIRTGRID_FAULT"] = point + "=kill"
        host.start()
        host.virsh("start", "m", ok=False)
        del host.daemon_env["VIRTGRID_FAULT"]
        host.kill9()  # until it is wholly gone
        host.start()
        same(lent(host), [ADDR] if runs else [], "with Xen after a death at " + point)
        if runs:
            host.virsh("destroy", "m")
            same(lent(host), [], "with Xen at the end")
