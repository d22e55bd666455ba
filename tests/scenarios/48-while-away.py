"""What happens to guests and disks while nobody looks: a guest that ended while the daemon was away is freed once (wish-13); on a full disk a start
fails before any device is touched (wish-23)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os

from guests import guest, vgpu
from host import eventually, has, same

LOG_ALLOWED = [r"cannot (write|append)"]


def vgpus(host):
    return json.loads(host.gridctl("vgpus", "--json"))["vgpus"]


def ledger(host, word):
    with open(os.path.join(host.sim, "state/ledger"), encoding="utf-8") as f:
        return f.read().count('"op":"%s"' % word)


def destroyed_by_others(host):
    folder = os.path.join(host.sim, "state/xen")
    for name in os.listdir(folder):
        if name.endswith(".json") and name not in ("0.json", "0.libxl.json"):
            os.unlink(os.path.join(folder, name))


def run(host):
    ended(host)
    full(host)


def ended(host):
    host.define(guest("a", vgpu("GRID T4-4Q")))
    host.define(guest("b", vgpu("GRID K260Q")))
    host.virsh("start", "a")
    host.virsh("start", "b")
    same((ledger(host, "claim"), ledger(host, "release")), (2, 0), "records")
    host.kill9()
    with open(os.path.join(host.sim, "control/b"), "w", encoding="utf-8") as f:
        f.write("poweroff")  # what it does as soon as somebody can see it
    host.start()
    host.wait_state("b", "shut off")
    eventually("what b had to be free", lambda: [v["domain"] for v in vgpus(host)] == ["a"])
    host.kill9()
    destroyed_by_others(host)
    host.start()
    same((host.state("a"), vgpus(host)), ("shut off", []), "the guest that is gone, and what it had")
    same(host.virsh("nodedev-list", "--cap", "mdev"), "", "mediated devices")
    host.kill9()
    host.start()
    same((ledger(host, "claim"), ledger(host, "release")), (2, 2), "records: freed once each")


def files(host, folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(os.path.join(host.sim, folder)) for name in names)


def touched(log):
    """Steps at a device or at Xen that the daemon came to; what is undone again leaves no other trace."""
    with open(log, encoding="utf-8") as f:
        return [line.strip() for line in f if line.startswith(("gpu.mdev.", "gpu.pci.", "sim.create."))]


def full(host):
    for point in ("durable.write", "journal.write"):
        host.kill9()
        log = host.dir + "/points-" + point
        host.daemon_env.update(VIRTGRID_FAULT=point + "=fail:*", VIRTGRID_FAULT_LOG=log)
        host.start()
        before = files(host, "state/kernel"), files(host, "state/xen")
        host.refused("start", "a", because="cannot")
        same(host.state("a"), "shut off", "state")
        same(vgpus(host), [], "virtual GPUs")
        same((files(host, "state/kernel"), files(host, "state/xen")), before, "what a start that failed has touched")
        same(touched(log), [], "steps at devices on a full disk")
        host.kill9()
        host.daemon_env.pop("VIRTGRID_FAULT")
        host.start()
        host.virsh("start", "a")
        same(len(vgpus(host)), 1, "virtual GPUs")
        has("\n".join(touched(log)), "gpu.mdev.create", "sim.create.domain")
        host.virsh("destroy", "a")
        host.kill9()
        host.daemon_env.pop("VIRTGRID_FAULT_LOG")
        host.start()
    has(host.virsh("list", "--all"), "a")
