"""A GPU fails (wish-56): it is in quarantine at once, who is on it is listed, nothing new goes there, and it stays so until a person opens it."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os

from guests import guest, vgpu
from host import eventually, has, same

LOG_ALLOWED = [r"has failed and goes into quarantine", r"cannot be reset"]
K2 = "0000:44:00.0"
XID = "NVRM: Xid (PCI:%s): %d, pid='<unknown>', GPU has fallen off the bus."


def kernel_says(host, line):
    with open(os.path.join(host.sim, "state", "kernel", "dev", "kmsg"), "a", encoding="utf-8") as f:
        f.write(line + "\n")


def kernel_said(host, line):
    with open(os.path.join(host.sim, "state", "kernel", "dev", "kmsg"), encoding="utf-8") as f:
        return f.read().count(line)


def gpu(host, address):
    return [g for g in json.loads(host.gridctl("gpus", "--json"))["gpus"] if g["address"] == address][0]


def run(host):
    for name in ("a", "b", "c"):
        host.define(guest(name, vgpu("GRID K260Q")))
    host.virsh("start", "a")
    same((gpu(host, K2)["guests"], gpu(host, K2)["closed"]), (["a"], None), "GPU before it fails")

    # what a program in a guest did is not the GPU's fault
    kernel_says(host, XID % (K2[:-2], 31))
    kernel_says(host, XID % (K2[:-2], 79))
    eventually("the GPU to be in quarantine", lambda: gpu(host, K2)["closed"] == "quarantine")
    has(gpu(host, K2)["closed_reason"], "Xid 79", "fallen off the bus")
    same(gpu(host, K2)["guests"], ["a"], "who is listed on it")
    has(host.gridctl("gpus"), "quarantine", "Xid 79")
    same(host.state("a"), "running", "the guest that is on it")
    has("\n".join(host.log()), "GPU %s has failed" % K2, "on it: a")

    # others go elsewhere, and where there is no elsewhere they hear why
    host.virsh("start", "b")
    same(gpu(host, "0000:45:00.0")["guests"], ["b"], "where the next one went")
    host.define(guest("pinned", vgpu("GRID K260Q", "<gpu domain='0x0000' bus='0x44' slot='0x00' function='0x0'/>")))
    host.refused("start", "pinned", because=["quarantine", "Xid 79"])

    # it is on disk, and is not found a second time in the kernel's log
    host.kill9()
    host.start()
    same(gpu(host, K2)["closed"], "quarantine", "GPU after a restart")
    host.virsh("destroy", "a")
    host.gridctl("open", K2)
    host.kill9()
    host.start()
    same(gpu(host, K2)["closed"], None, "GPU that was opened, after a restart")
    host.virsh("start", "pinned")
    host.virsh("destroy", "pinned")

    # one that failed while no daemon was there
    host.kill9()
    kernel_says(host, XID % (K2[:-2], 95))
    kernel_says(host, "NVRM: Xid (PCI:0000:99:00): 79, none of ours")
    host.start()
    eventually("the GPU to be in quarantine", lambda: gpu(host, K2)["closed"] == "quarantine")
    has(gpu(host, K2)["closed_reason"], "Xid 95")
    host.gridctl("open", K2)

    reset(host)
    forced(host)


def reset(host):
    """A reset waits until the GPU is empty, then it is open again; one that fails leaves it in quarantine."""
    host.virsh("start", "pinned")
    has(host.gridctl("reset", K2, "firmware"), "still on GPU " + K2, "pinned")
    same((gpu(host, K2)["closed"], kernel_said(host, K2 + ": reset done")), ("reset", 0), "GPU that waits for its reset")
    host.refused("start", "pinned", because="already")
    host.define(guest("waits", vgpu("GRID K260Q", "<gpu domain='0x0000' bus='0x44' slot='0x00' function='0x0'/>")))
    host.refused("start", "waits", because=["to be reset", "firmware"])
    host.virsh("shutdown", "pinned")
    eventually("the GPU to be open", lambda: gpu(host, K2)["closed"] is None)
    same(kernel_said(host, K2 + ": reset done"), 1, "resets")
    host.virsh("start", "waits")
    host.virsh("shutdown", "waits")
    host.wait_state("waits", "shut off")

    # dead while it waits: the next daemon goes on
    host.virsh("start", "waits")
    host.gridctl("reset", K2)
    host.kill9()
    host.start()
    same((gpu(host, K2)["closed"], kernel_said(host, K2 + ": reset done")), ("reset", 1), "GPU after a restart")
    host.virsh("destroy", "waits")
    eventually("the GPU to be open", lambda: gpu(host, K2)["closed"] is None)
    same(kernel_said(host, K2 + ": reset done"), 2, "resets")

    os.unlink(os.path.join(host.sim, "state/kernel/sys/bus/pci/devices", K2, "reset"))
    host.stop()
    path = os.path.join(host.sim, "host.json")
    with open(path, encoding="utf-8") as f:
        machine = json.load(f)
    for card in machine["gpus"]:
        card["reset"] = card["address"] != K2
    with open(path, "w", encoding="utf-8") as f:
        json.dump(machine, f)
    host.start()
    host.gridctl("reset", K2)
    eventually("the GPU to be in quarantine", lambda: gpu(host, K2)["closed"] == "quarantine")
    has(gpu(host, K2)["closed_reason"], "cannot be reset")


def forced(host):
    """wish-57: after a guest was stopped by force, by the GPU's setting; one that shut down by itself is none."""
    card = "0000:45:00.0"
    has(host.gridctl("set", "after-force-stop", card, "explode", ok=False), "explode")
    host.gridctl("set", "after-force-stop", card, "reset")
    host.virsh("shutdown", "b")
    host.wait_state("b", "shut off")
    same((gpu(host, card)["closed"], kernel_said(host, card + ": reset done")), (None, 0), "GPU after a shutdown")
    host.virsh("start", "b")
    host.virsh("start", "c")
    same(gpu(host, card)["guests"], ["b", "c"], "guests")
    host.virsh("destroy", "b")
    eventually("the GPU to take nothing new", lambda: gpu(host, card)["closed"] == "reset")
    has(gpu(host, card)["closed_reason"], "'b'", "by force")
    same(kernel_said(host, card + ": reset done"), 0, "resets under a guest")
    host.virsh("shutdown", "c")
    eventually("the GPU to be open", lambda: gpu(host, card)["closed"] is None)
    same(kernel_said(host, card + ": reset done"), 1, "resets")

    host.gridctl("set", "after-force-stop", card, "quarantine")
    host.stop()
    host.start()
    same(gpu(host, card)["after_force_stop"], "quarantine", "setting after a restart")
    host.virsh("start", "b")
    host.virsh("destroy", "b")
    eventually("the GPU to be in quarantine", lambda: gpu(host, card)["closed"] == "quarantine")
    host.refused("start", "b", because=["quarantine", "by force"])
    host.gridctl("open", card)
    host.gridctl("set", "after-force-stop", card, "nothing")
    host.virsh("start", "b")
    host.virsh("destroy", "b")
    same(gpu(host, card)["closed"], None, "GPU where nothing is to happen")
