"""The daemon dies at every step of a node device's life: afterwards the device is there or not, with its place in the ledger or without, never half (user-wishes 11, 12, 19)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import json
import os

from guests import guest, vgpu
from host import eventually, same

UUID = "5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1c7"
XML = ("<device><parent>pci_0000_82_00_0</parent><capability type='mdev'><type id='nvidia-230'/><uuid>%s</uuid></capability>"
       "</device>" % UUID)
NAME = "mdev_5a3a1fe1_7a3a_4b0e_9d2e_0d6ed8a4a1c7_0000_82_00_0"
GUEST = guest("g", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='%s'/></source></hostdev>" % UUID)
LIFE = (("nodedev-define", "dev.xml"), ("nodedev-start", NAME), ("nodedev-autostart", NAME), ("start", "g"), ("destroy", "g"),
        ("nodedev-destroy", NAME), ("nodedev-undefine", NAME))


def live(host):
    """The whole life, or as far as the daemon lives."""
    for command, what in LIFE:
        if not host.alive() or host.daemon.poll() is not None:
            return
        host.virsh(command, host.dir + "/" + what if what.endswith(".xml") else what, ok=None)


def kernel(host):
    """Devices, that is folders; the definition is a file of the same name."""
    return sorted({os.path.basename(path) for path in glob.glob(host.sim + "/**/0000:82:00.0/" + UUID, recursive=True) if os.path.isdir(path)})


def check(host, point):
    active = host.virsh("nodedev-list", "--cap", "mdev").split()
    claims = [v["uuid"] for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"]]
    same((kernel(host), claims), ([UUID], [UUID]) if active else ([], []), "what kernel and ledger have after dying at " + point)
    if host.state("g") == "running":
        same(active, [NAME], "what the guest has after dying at " + point)
        host.virsh("destroy", "g")
    if active:
        host.virsh("nodedev-destroy", NAME)
    if host.virsh("nodedev-list", "--cap", "mdev", "--inactive").split():
        host.virsh("nodedev-undefine", NAME)
    same((kernel(host), host.virsh("nodedev-list", "--cap", "mdev", "--all"), host.gridctl("vgpus")),
         ([], "", "No virtual GPU is in use.\n"), "what is left after dying at " + point)


def run(host):
    host.file("dev.xml", XML)
    host.define(GUEST)
    host.stop()
    path = host.dir + "/points"
    host.daemon_env["VIRTGRID_FAULT_LOG"] = path
    host.start()
    before = len(open(path, encoding="utf-8").read().split()) if os.path.exists(path) else 0
    live(host)
    check(host, "nothing")
    del host.daemon_env["VIRTGRID_FAULT_LOG"]
    with open(path, encoding="utf-8") as f:
        points = sorted({p for p in f.read().split()[before:] if "mdev" in p or "ledger" in p or p.startswith("journal")})
    assert len(points) > 12, points
    for point in points:
        host.stop()
        host.daemon_env["VIRTGRID_FAULT"] = point + "=kill"
        host.start()
        live(host)
        del host.daemon_env["VIRTGRID_FAULT"]
        eventually("the daemon to die at " + point, lambda: host.daemon.poll() is not None)
        host.daemon = None
        host.start()
        check(host, point)
    host.define(guest("own", vgpu("GRID T4-1Q")))
    host.virsh("start", "own")
