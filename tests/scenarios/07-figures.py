"""Figures and devices of a guest: memory, CPUs, disks, NICs, the VNC display."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import re

from guests import DISK, NIC, VNC, guest
from host import eventually, has, same


def run(host):
    mac = "00:16:3e:11:22:33"
    host.define(guest("f", DISK % ("f", "xvda") + DISK % ("g", "xvdb") + NIC % mac + VNC, vcpus=2))
    same(rows(host.virsh("domblklist", "f")), [["xvda", "/var/lib/images/f.img"], ["xvdb", "/var/lib/images/g.img"]], "disks")
    has(host.virsh("domiflist", "f"), "bridge", "xenbr0", mac)
    host.refused("vncdisplay", "f", because="not running")
    host.refused("dommemstat", "f", because="not running")
    counts = rows(host.virsh("vcpucount", "f"))
    same(counts[0], ["maximum", "config", "2"], "vcpucount")

    host.virsh("start", "f")
    counts = rows(host.virsh("vcpucount", "f"))
    same(counts, [["maximum", "config", "2"], ["maximum", "live", "2"], ["current", "config", "2"], ["current", "live", "2"]], "vcpucount")
    same(host.virsh("vcpucount", "f", "--maximum", "--live"), "2", "vcpucount --maximum --live")
    has(host.virsh("dommemstat", "f"), "actual 65536")
    assert re.fullmatch(r"127\.0\.0\.1:\d+|:\d+", host.virsh("vncdisplay", "f")), host.virsh("vncdisplay", "f")
    nics = rows(host.virsh("domiflist", "f"))
    same(nics[0][1:], ["bridge", "xenbr0", "netfront", mac] if nics[0][3] == "netfront" else ["bridge", "xenbr0", nics[0][3], mac], "NICs")
    # virsh leaves out a time of 0, and figures may be a second old
    eventually("a guest's CPU time", lambda: "CPU time:" in host.virsh("dominfo", "f"))
    has(host.virsh("dominfo", "f"), "Used memory:    65536 KiB")
    has(host.virsh("dumpxml", "f"), "<target dev='vif")
    host.virsh("destroy", "f")


def rows(text):
    return [line.split() for line in text.splitlines()]
