"""Eight vGPUs whose driver takes its time to let go (wish-25): a guest's reboot does not wait for it, and a stop waits within a limit and says so."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import json
import os

from guests import guest, vgpu
from host import eventually, has, same

LOG_ALLOWED = [r"still in use by a process"]
N = 8  # more do not fit below 4 GiB of a guest
CARD = {"address": "0000:03:00.0", "vendor": "8086", "device": "3ea5", "driver": "i915", "iommu_group": 3, "serial": "gvt",
        "mdev_types": [{"id": "i915-GVTg_V5_8", "name": "GVTg_V5_8", "max": N}]}


def vgpus(host):
    return json.loads(host.gridctl("vgpus", "--json"))["vgpus"]


def run(host):
    host.add_gpu(CARD)
    host.define(guest("many", vgpu("GVTg_V5_8") * N))
    host.virsh("start", "many")
    before = vgpus(host)
    same(len(before), N, "vGPUs")
    ident = host.virsh("domid", "many")
    held = [os.path.join(device, ".held") for device in glob.glob(os.path.join(host.sim, "state/kernel/sys/bus/mdev/devices/*"))]
    same(len(held), N, "mediated devices")
    for name in held:
        with open(name, "w", encoding="utf-8"):
            pass

    # nothing of it is taken away for a reboot, so nothing has to be waited for
    host.virsh("reboot", "many")
    eventually("it to be back", lambda: host.virsh("domid", "many", ok=None).isdigit() and host.virsh("domid", "many") != ident)
    host.wait_state("many", "running")
    same(vgpus(host), before, "what the guest has after its reboot")
    for name in held:
        os.unlink(name)
    host.virsh("destroy", "many")
    same(vgpus(host), [], "virtual GPUs")
    same(host.virsh("nodedev-list", "--cap", "mdev"), "", "mediated devices")
    has(host.virsh("list", "--all"), "shut off")
