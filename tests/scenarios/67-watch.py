"""gridctl watch: every change of the grid is an event: vGPUs come, are lent, go; GPUs are closed, moved, change mode and types; quotas; capacity (user-wishes 10)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json

from guests import guest, vgpu
from host import PATIENCE, eventually, has, lacks, program, same

UUID = "5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1c7"
K1 = "0000:05:00.0"


def run(host):
    watch = [program("gridctl"), "watch"]
    with host.watch("json", *watch, "--json") as one, host.watch("text", *watch) as two, \
            host.watch("reader", *watch, "--socket", host.socket("virtxend-sock-ro"), "--json") as three:
        story(host, (one, two, three))


def lines(host, name="json"):
    return host.heard(name).splitlines()


def events(host, what, **members):
    kind = what.split("-")[0]
    found = [e[kind] for e in map(json.loads, lines(host)) if e["event"] == what]
    return [e for e in found if all(e[key] == value for key, value in members.items())]


def story(host, watchers):
    def seen():
        host.gridctl("set", "quota", "5", "--type", "GRID K140Q")
        host.gridctl("set", "quota", "none", "--type", "GRID K140Q")
        return all("quota-removed" in "".join(lines(host, name)) for name in ("json", "text", "reader"))
    eventually("the watchers to watch", seen)

    def wait(what, **members):
        return eventually("%s %s" % (what, members), lambda: events(host, what, **members))

    # a guest's vGPU: claimed, in the figures of its GPU and group, given back
    host.define(guest("desk", vgpu("GRID K140Q", "<address uuid='%s'/><gpu domain='0' bus='5' slot='0' function='0'/>" % UUID)))
    host.virsh("start", "desk")
    same(wait("vgpu-added", uuid=UUID)[0]["domain"], "desk", "whose it is")
    same(wait("gpu-changed", address=K1, vgpus=1)[0]["types"][2]["available"], 3, "how many more, of the GPU")
    eventually("how many run, of the group", lambda: ("GRID K140Q", 1) in [
        (t["name"], t["running"]) for e in events(host, "group-changed", name="NVIDIA GRID K1 GPUs") for t in e["types"]])
    host.virsh("destroy", "desk")
    wait("vgpu-removed", uuid=UUID)
    wait("gpu-changed", address=K1, vgpus=0)

    # a node device: made, lent, back, gone
    xml = "<device><parent>pci_0000_05_00_0</parent><capability type='mdev'><type id='grid-k140q'/><uuid>%s</uuid></capability></device>"
    host.virsh("nodedev-create", host.file("dev.xml", xml % UUID))
    node = wait("vgpu-added", uuid=UUID, domain=None)[0]["node_device"]
    host.define(guest("nova", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='%s'/></source></hostdev>" % UUID))
    host.virsh("start", "nova")
    wait("vgpu-changed", uuid=UUID, domain="nova")
    host.virsh("destroy", "nova")
    wait("vgpu-changed", uuid=UUID, domain=None)
    host.virsh("nodedev-destroy", node)
    wait("vgpu-removed", uuid=UUID, domain=None)

    # what the administrator orders
    host.gridctl("quarantine", K1, "Xid 79")
    wait("gpu-changed", address=K1, closed="quarantine", closed_reason="Xid 79")
    host.gridctl("open", K1)
    wait("gpu-changed", address=K1, closed=None)
    host.gridctl("group", "create", "office")
    wait("group-added", name="office", gpus=[])
    host.gridctl("group", "move", K1, "office")
    wait("group-changed", name="office", gpus=[K1])
    wait("gpu-changed", address=K1, group="office")
    host.gridctl("set", "policy", "office", "pack")
    wait("group-changed", name="office", policy="pack")
    host.gridctl("set", "mode", K1, "equal-size")
    wait("gpu-changed", address=K1, mode="equal-size")
    host.gridctl("type", "disable", "GRID K140Q", "--gpu", K1)
    eventually("the type disabled", lambda: any(not t["enabled"] for e in events(host, "gpu-changed", address=K1) for t in e["types"]))
    host.gridctl("set", "quota", "2", "--group", "office")
    wait("quota-added", group="office", most=2)
    host.gridctl("set", "quota", "none", "--group", "office")
    host.gridctl("group", "move", K1, "NVIDIA GRID K1 GPUs")
    host.gridctl("group", "delete", "office")
    wait("group-removed", name="office")

    # what is refused changes nothing, and is no event
    host.gridctl("group", "create", "first")
    wait("group-added", name="first")
    before = len(lines(host))
    host.gridctl("quarantine", "0000:ff:00.0", ok=False)
    host.refused("nodedev-create", host.file("dev.xml", xml.replace("k140q", "k999q") % UUID), because="k999q")
    host.gridctl("group", "create", "last")
    wait("group-added", name="last")
    same(len(lines(host)), before + 1, "events")

    for name in ("text", "reader"):
        eventually("the last event in %s" % name, lambda name=name: "group-added" in lines(host, name)[-1] and "last" in lines(host, name)[-1])
    text = "\n".join(lines(host, "text"))
    has(text, "vgpu-added %s GRID K140Q on GPU %s for domain desk" % (UUID, K1), "gpu-changed %s in group office" % K1, "quarantine Xid 79")
    lacks(text, "(null)")
    same(lines(host, "reader")[-1], lines(host)[-1], "the last event of a reader")
    host.stop()
    same([w.wait(PATIENCE) for w in watchers], [1, 1, 1], "exit codes when the daemon has ended")
    has(lines(host, "text")[-1], "closed the connection")
    host.start()
