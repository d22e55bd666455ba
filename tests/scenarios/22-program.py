"""The program itself: help, wrong options, a second daemon on the same host, a path too long for a socket, no Xen."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os

from host import has, program, same


def run(host):
    daemon = program("virtgridd")
    has(host.run(daemon, "--help").out, "--simulate")
    has(host.run(daemon, "--version").out, "virtgrid")
    has(host.run(daemon, "--nonsense", ok=False).err, "nonsense")
    second = host.run(daemon, "--simulate", host.sim, ok=False).err
    has(second, host.sim)
    same(host.virsh("uri").split("?")[0], "xen:///system", "the first daemon after the second one's try")
    has(host.run(daemon, "--simulate", host.dir + "/" + "x" * 120, ok=False).err, "107")
    if not os.path.exists("/proc/xen/capabilities"):
        has(host.run(daemon, ok=False).err, "--simulate")
