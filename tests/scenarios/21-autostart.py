"""Guests marked for it start with the daemon; the mark survives."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import guest, vgpu
from host import has, lacks, same


def run(host):
    host.define(guest("auto", vgpu()))
    host.define(guest("manual"))
    host.virsh("autostart", "auto")
    has(host.virsh("dominfo", "auto"), "Autostart:      enable")
    host.stop()
    host.start()
    host.wait_state("auto", "running")
    same(host.state("manual"), "shut off", "state")
    has(host.gridctl("vgpus"), "auto")

    # one that runs already is left alone
    ident = host.virsh("domid", "auto")
    host.stop()
    host.start()
    same(host.virsh("domid", "auto"), ident, "id")
    host.virsh("autostart", "auto", "--disable")
    host.virsh("destroy", "auto")
    host.stop()
    host.start()
    same(host.state("auto"), "shut off", "state")
    lacks(host.guests("--all", "--autostart"), "auto")
    host.virsh("autostart", "auto")
    host.virsh("undefine", "auto")
    host.define(guest("auto"))
    has(host.virsh("dominfo", "auto"), "Autostart:      disable")
