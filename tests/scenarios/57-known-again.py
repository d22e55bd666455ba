"""What is known of GPUs: node devices follow theirs to another address (wish-4); a damaged list of types is told (wish-10)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
import subprocess

from host import end, eventually, has, lacks, program, same

OLD, NEW, OTHER = "0000:82:00.0", "0000:92:00.0", "0000:62:00.0"
LOG_ALLOWED = [r"vgpuConfig.xml"]
MDEV = ("<device><parent>pci_0000_82_00_0</parent><capability type='mdev'><type id='nvidia-230'/>"
        "<uuid>57000000-0000-4000-8000-000000000001</uuid></capability></device>")


def move(host, **serials):
    """The T4s are at these addresses now."""
    host.stop()
    path = host.sim + "/host.json"
    with open(path, encoding="utf-8") as f:
        machine = json.load(f)
    card = next(g for g in machine["gpus"] if g["device"] == "1eb8")
    machine["gpus"] = [g for g in machine["gpus"] if g["device"] != "1eb8"]
    machine["gpus"] += [dict(card, address="0000:%s:00.0" % bus[1:], serial=serial) for bus, serial in serials.items()]
    with open(path, "w", encoding="utf-8") as f:
        json.dump(machine, f)
    host.start()


def files(host):
    top = host.sim + "/etc/mdevs"
    return sorted(os.path.join(folder, name) for folder in os.listdir(top) for name in os.listdir(os.path.join(top, folder)))


def run(host):
    move(host, b82="0042")
    type_id = next(t["id"] for g in json.loads(host.gridctl("gpus", "--json"))["gpus"] if g["address"] == OLD for t in g["types"]
                   if t["id"].startswith("nvidia-"))
    name = "mdev_57000000_0000_4000_8000_000000000001_0000_%s_00_0"
    host.virsh("nodedev-define", host.file("mdev.xml", MDEV.replace("nvidia-230", type_id)))
    uuid = "57000000-0000-4000-8000-000000000001"
    same(files(host), [OLD + "/" + uuid], "definitions")

    with open(host.sim + "/etc/mdevs/" + files(host)[0], encoding="utf-8") as f:
        same(json.load(f)["gpu_identity"], "serial:0042", "identity in the definition")

    # buses are numbered anew, and another card has the old address
    move(host, b82="0043", b92="0042")
    same(files(host), [NEW + "/" + uuid], "definitions after the GPU went elsewhere")
    same(host.virsh("nodedev-list", "--cap", "mdev", "--inactive"), name % "92", "node device")
    host.virsh("nodedev-start", name % "92")
    same([v["gpu"] for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"]], [NEW], "where it is made")
    host.virsh("nodedev-destroy", name % "92")

    # its GPU is gone: it stays defined, and is made on no other
    move(host, b92="0043")
    same(files(host), [NEW + "/" + uuid], "definitions of a GPU that is gone")
    host.refused("nodedev-start", name % "92", because=["serial:0042"])
    move(host, b62="0042")
    host.virsh("nodedev-start", name % "62")
    host.virsh("nodedev-destroy", name % "62")
    damaged(host)


def damaged(host):
    lacks(host.gridctl("gpus"), "vgpuConfig.xml")
    host.stop()
    with open(host.sim + "/vgpuConfig.xml", "w", encoding="utf-8") as f:
        f.write("<vgpuconfig><vgpuType id='1'")
    host.start()
    has(host.gridctl("gpus"), OTHER, "vgpuConfig.xml", "there is no good copy of it")
    problem = json.loads(host.gridctl("gpus", "--json"))["problems"][0]
    has(problem["about"], "vgpuConfig.xml")
    watchers = []
    try:
        for n in (1, 2):  # one that watches from the beginning hears of it, and one that comes later
            out = host.dir + "/watch%d" % n
            with open(out, "wb") as f:
                watchers.append(subprocess.Popen([program("gridctl"), "watch", "--json"], stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT,
                                                 env=host.env))

            def told(out=out):
                with open(out, encoding="utf-8") as f:
                    return [json.loads(line)["problem"] for line in f if '"problem-added"' in line]
            same(eventually("the event", told)[0], problem, "what is told")
    finally:
        for watcher in watchers:
            end(watcher)
