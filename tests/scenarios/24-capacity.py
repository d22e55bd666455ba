"""Capacity and races: one slot for twenty (wish-26), whole GPUs beside shared ones (wish-27), what comes back (wish-28, wish-29), GPUs near the guest (wish-34), quotas (wish-35)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
from concurrent.futures import ThreadPoolExecutor

from guests import guest, vgpu
from host import has, lacks, same


def free(host, name):
    groups = json.loads(host.gridctl("capacity", "--json"))["groups"]
    return sum(t["available"] for g in groups for t in g["types"] if t["name"] == name)


def vgpus(host):
    return json.loads(host.gridctl("vgpus", "--json"))["vgpus"]


def start_all(host, names):
    """Starts them at once; the results, by name."""
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda n: host.virsh("start", n, ok=None), names)))


def destroy_all(host):
    for name in host.guests().split():
        host.virsh("destroy", name)
    same(vgpus(host), [], "what is held after all guests ended")


def one_slot(host):
    host.gridctl("drain", "0000:45:00.0")
    names = ["rival%02d" % i for i in range(20)]
    for name in names:
        host.define(guest(name, vgpu("GRID K280Q"), mib=16))
    same(free(host, "GRID K280Q"), 1, "slots before")
    results = start_all(host, names)
    running = [n for n in names if host.state(n) == "running"]
    same(len(running), 1, "winners")
    refusals = {results[n].strip().splitlines()[-1] for n in names if n not in running}
    same(len(refusals), 1, "different refusals: %s" % refusals)
    has(refusals.pop(), "no room for a vGPU of type GRID K280Q", "0000:44:00.0 is full (%s)" % running[0])
    same(len(vgpus(host)), 1, "vGPUs of twenty rivals")
    destroy_all(host)
    same(free(host, "GRID K280Q"), 1, "slots afterwards")
    host.gridctl("open", "0000:45:00.0")


def whole_and_shared(host):
    names = []
    for i in range(6):
        names += ["whole%d" % i, "part%d" % i]
        host.define(guest("whole%d" % i, vgpu("passthrough"), mib=16))
        host.define(guest("part%d" % i, vgpu("GRID K140Q"), mib=16))
    start_all(host, names)
    on = {}
    for held in vgpus(host):
        on.setdefault(held["gpu"], []).append(held["type"])
    assert any("passthrough" in types for types in on.values()) and any("GRID K140Q" in types for types in on.values()), on
    for gpu, types in on.items():
        assert types == ["passthrough"] or "passthrough" not in types, "%s has %s" % (gpu, types)
    destroy_all(host)


def comes_back(host):
    before = free(host, "GRID K240Q")
    # a guest that is only defined, as one that was migrated in and is off, holds nothing
    host.define(guest("halted", vgpu("GRID K240Q")))
    same(free(host, "GRID K240Q"), before, "room beside a halted guest")
    host.virsh("undefine", "halted")
    # refused after its place was decided
    host.define(guest("huge", vgpu("GRID K240Q"), mib=1 << 20))
    has(host.virsh("start", "huge", ok=False), "not enough memory")
    same(free(host, "GRID K240Q"), before, "room after a refused start")
    same(vgpus(host), [], "what is held after it")


def several(host):
    """XEN-5, XEN-6: two guests of four vGPUs each on two GPUs with four places each."""
    for name in ("four", "more"):
        host.define(guest(name, 4 * vgpu("GRID K240Q")))
        xml = host.virsh("dumpxml", name)
        has(xml, *["<address type='pci' domain='0x0000' bus='0x00' slot='0x0%s' function='0x0'/>" % slot for slot in "bcde"])
        host.virsh("start", name)
    held = vgpus(host)
    same(len({v["uuid"] for v in held}), 8, "identities")
    same(sorted(v["gpu"] for v in held), 4 * ["0000:44:00.0"] + 4 * ["0000:45:00.0"], "GPUs")
    destroy_all(host)


def quota(host):
    host.gridctl("set", "quota", "2", "--type", "GRID K240Q")
    for i in range(3):
        host.define(guest("q%d" % i, vgpu("GRID K240Q")))
    host.virsh("start", "q0")
    host.virsh("start", "q1")
    has(host.virsh("start", "q2", ok=False), "the quota is 2")
    same(len(vgpus(host)), 2, "vGPUs under a quota of 2")
    destroy_all(host)
    host.gridctl("set", "quota", "none", "--type", "GRID K240Q")


def near(host):
    path = os.path.join(host.sim, "host.json")
    host.stop()
    with open(path, encoding="utf-8") as f:
        machine = json.load(f)
    machine["nodes"] = 2
    for gpu in machine["gpus"]:
        if gpu["address"] == "0000:45:00.0":
            gpu["numa_node"] = 1
    with open(path, "w", encoding="utf-8") as f:
        json.dump(machine, f)
    host.start()
    host.gridctl("set", "policy", "NVIDIA GRID K2 GPUs", "numa")
    pins = "<cputune><vcpupin vcpu='0' cpuset='%s'/></cputune>"
    for name, cpus in (("far0", "0-1"), ("near1", "4-7"), ("late1", "5"), ("wide", "3-4"), ("late2", "6")):
        host.define(guest(name, vgpu("GRID K260Q"), extra=pins % cpus))

    def gpu_of(name):
        return [v["gpu"] for v in vgpus(host) if v["domain"] == name][0]

    for name, gpu, warned in (("near1", "0000:45:00.0", False), ("far0", "0000:44:00.0", False), ("late1", "0000:45:00.0", False),
                              ("late2", "0000:44:00.0", True)):
        same(json.loads(host.gridctl("plan", name, "--json"))["places"][0]["gpu"], gpu, "plan for " + name)
        host.virsh("start", name)
        same(gpu_of(name), gpu, "GPU of " + name)
        (has if warned else lacks)(host.virsh("dominfo", name), "pinned to node")
    has(host.virsh("dominfo", "late2"), "0000:44:00.0", "near NUMA node 0", "pinned to node 1")
    host.virsh("destroy", "late1")
    host.virsh("start", "wide")  # on both nodes: near is nowhere
    lacks(host.virsh("dominfo", "wide"), "pinned to node")
    host.stop()
    host.start()
    has(host.virsh("dominfo", "late2"), "pinned to node 1")  # and after a restart
    destroy_all(host)


def run(host):
    one_slot(host)
    whole_and_shared(host)
    comes_back(host)
    several(host)
    quota(host)
    near(host)
