"""Guests marked for it start with the host, once per boot: a restart of the daemon starts nobody who was shut down; the mark survives."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import os

from guests import guest, vgpu
from host import has, lacks, same

HOSTS = ("simulated", "real")


def boot(host):
    """The daemon's first start after a boot of the host."""
    host.stop()
    marks = glob.glob(host.state_dir() + "/**/autostarted", recursive=True)
    same(len(marks), 1, "marks of what was started since the boot")
    os.unlink(marks[0])
    host.start()


def run(host):
    host.define(guest("auto", vgpu() if host.has_gpus else ""))
    host.define(guest("manual"))
    host.virsh("autostart", "auto")
    has(host.virsh("dominfo", "auto"), "Autostart:      enable")
    host.stop()
    host.start()
    same(host.state("auto"), "shut off", "state after a restart of the daemon")
    boot(host)
    host.wait_state("auto", "running")
    same(host.state("manual"), "shut off", "state")
    if host.has_gpus:
        has(host.gridctl("vgpus"), "auto")

    # one that runs already is left alone
    ident = host.virsh("domid", "auto")
    boot(host)
    same(host.virsh("domid", "auto"), ident, "id")
    host.virsh("autostart", "auto", "--disable")
    host.virsh("destroy", "auto")
    boot(host)
    same(host.state("auto"), "shut off", "state")
    lacks(host.guests("--all", "--autostart"), "auto")
    host.virsh("autostart", "auto")
    host.virsh("undefine", "auto")
    host.define(guest("auto"))
    has(host.virsh("dominfo", "auto"), "Autostart:      disable")
