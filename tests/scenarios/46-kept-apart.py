"""What guests must not take from each other: a GPU that is in use (wish-20), an assignment that was copied (wish-21), a GPU that is gone (wish-3);
four and four guests on two GPUs (wish-33), vGPUs that may not share a guest (wish-52), a parameter that the driver does not take (wish-53)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import json
import os
import re
import subprocess

from guests import guest, vgpu
from host import PATIENCE, has, same

LOG_ALLOWED = [r"does not take the parameters", r"this host has no GPU at 0000:44:00.0"]
CARD = "0000:44:00.0"
PINNED = "<gpu domain='0x0000' bus='0x%s' slot='0x00' function='0x0'/>"


def vgpus(host):
    return json.loads(host.gridctl("vgpus", "--json"))["vgpus"]


def run(host):
    in_use(host)
    copied(host)
    four_and_four(host)
    not_together(host)
    bad_parameter(host)
    gone(host)


def in_use(host):
    """Every way to take it away, each refused with the guest's name."""
    host.define(guest("holder", vgpu("GRID K260Q", PINNED % "44")))
    host.virsh("start", "holder")
    before = vgpus(host)
    for order in (["type", "disable", "GRID K260Q", "--gpu", CARD], ["group", "move", CARD, "elsewhere"]):
        host.gridctl("group", "create", "elsewhere", "--any-model", ok=None)
        has(host.gridctl(*order, ok=False), "holder")
    host.define(guest("whole", vgpu("passthrough", PINNED % "44")))
    host.refused("start", "whole", because=["holder", CARD])
    address = "<address domain='0x0000' bus='0x44' slot='0x00' function='0x0'/>"
    host.define(guest("raw", "<hostdev mode='subsystem' type='pci' managed='yes'><source>%s</source></hostdev>" % address))
    host.refused("start", "raw", because="holder")
    same(vgpus(host), before, "what the guest has")
    same(host.state("holder"), "running", "state")
    for name in ("whole", "raw"):
        host.virsh("undefine", name)


def copied(host):
    """A definition with another's live description in it: the place in it means nothing, the identity is refused."""
    live = host.virsh("dumpxml", "holder")
    uuid = re.search(r"<address uuid='([-0-9a-f]+)'/>", live).group(1)
    copy = re.sub(r"<uuid>.*</uuid>", "", live).replace("<name>holder</name>", "<name>clone</name>")
    host.define(re.sub(r" id='\d+'", "", copy))
    host.refused("start", "clone", because=[uuid, "holder"])
    same([v["domain"] for v in vgpus(host)], ["holder"], "who has vGPUs")
    host.virsh("undefine", "clone")
    # with an identity of its own it gets a place of its own
    own = re.sub(r"<address uuid='%s'/>" % uuid, "", re.sub(r"<gpu .*/>", "", copy))
    host.define(re.sub(r" id='\d+'", "", own))
    host.virsh("start", "clone")
    both = {v["domain"]: v for v in vgpus(host)}
    assert both["clone"]["uuid"] != both["holder"]["uuid"] and both["clone"]["generation"] != both["holder"]["generation"], both
    for name in ("clone", "holder"):
        host.virsh("destroy", name)
    host.virsh("undefine", "clone")


def four_and_four(host):
    """Each GPU has room for four of the type; all eight come up, started at once, and a ninth does not."""
    host.gridctl("group", "create", "pair", "--policy", "breadth-first")
    for card in ("0000:05:00.0", "0000:06:00.0"):
        host.gridctl("group", "move", card, "pair")
    names = ["n%d" % i for i in range(8)]
    for name in names + ["n8"]:
        host.define(guest(name, vgpu("GRID K140Q", "<group name='pair'/>"), mib=16))
    starts = [subprocess.Popen(["virsh", "-q", "-c", host.uri(), "start", name], env=host.env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for name in names]
    same([s.wait(PATIENCE) for s in starts], [0] * 8, "exit codes of the starts")
    same(sorted(v["gpu"] for v in vgpus(host)), ["0000:05:00.0"] * 4 + ["0000:06:00.0"] * 4, "where they are")
    host.refused("start", "n8", because="GRID K140Q")
    for name in names:
        host.virsh("destroy", name)


def not_together(host):
    host.refused("define", host.file("d.xml", guest("two", vgpu("GRID K100") + vgpu("GRID K140Q"))), because="unlike types")
    host.refused("define", host.file("d.xml", guest("two", vgpu("GRID T4-1Q") * 2)), because="more than one vGPU")


def kernel(host):
    """Mediated devices, and how many more of each type."""
    top = host.sim + "/state/kernel/sys/bus/"
    left = {}
    for path in sorted(glob.glob(top + "pci/devices/*/mdev_supported_types/*/available_instances")):
        with open(path, encoding="utf-8") as f:
            left[path] = f.read()
    return sorted(os.listdir(top + "mdev/devices")), left


def bad_parameter(host):
    """One that is allowed, but the driver says no; here because its file is that of somebody who may not write."""
    host.define(guest("params", vgpu("GRID T4-1Q", after="<param name='disable_vnc' value='1'/>")))
    host.stop()
    host.daemon_env["VIRTGRID_FAULT"] = "gpu.mdev.params=fail"
    host.start()
    before = kernel(host), host.gridctl("capacity", "--json")
    host.refused("start", "params", because="does not take the parameters")
    same((host.state("params"), vgpus(host)), ("shut off", []), "state, and what is left")
    same(host.virsh("nodedev-list", "--cap", "mdev"), "", "mediated devices")
    same((kernel(host), host.gridctl("capacity", "--json")), before, "what the kernel has, and the room there is")
    same([f for f in os.listdir(host.sim + "/run/xen") if f.endswith(".json")], [], "live status of a guest that did not start")
    host.virsh("start", "params")
    has(json.dumps(vgpus(host)), "disable_vnc")
    host.virsh("destroy", "params")
    host.stop()
    host.daemon_env.pop("VIRTGRID_FAULT")
    host.start()


def gone(host):
    """A GPU that does not come back after a reboot: what is defined stays, says why it cannot start, and others work."""
    host.define(guest("other", vgpu("GRID K260Q")))
    host.stop()
    path = os.path.join(host.sim, "host.json")
    with open(path, encoding="utf-8") as f:
        machine = json.load(f)
    machine["gpus"] = [card for card in machine["gpus"] if card["address"] != CARD]
    with open(path, "w", encoding="utf-8") as f:
        json.dump(machine, f)
    host.start()
    has(host.guests("--all"), "holder")
    has(host.virsh("dumpxml", "holder"), "GRID K260Q", "bus='0x44'")
    has(host.refused("start", "holder", because=CARD), "no GPU")
    same(json.loads(host.gridctl("plan", "holder", "--json"))["possible"], False, "plan")
    host.virsh("start", "other")
    same(vgpus(host)[0]["gpu"], "0000:45:00.0", "where another went")
    host.virsh("destroy", "other")
