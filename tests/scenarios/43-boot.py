"""The host is started anew (wish-1, wish-2, wish-5, wish-6): virtual functions, then the mode, then the vGPUs, each as soon as its driver is ready. A new driver
shows them in another way, and the definitions stay as they are."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
import shutil

from guests import guest, vgpu
from host import eventually, same

A40 = "0000:41:00.0"
UUIDS = ["9a1b5c1e-0000-4000-8000-%012d" % i for i in range(3)]
NAMES = ["first", "second", "third"]


def write_host(host, framework):
    types = [{"id": "nvidia-557", "name": "NVIDIA A40-1Q", "max": 32}, {"id": "nvidia-560", "name": "NVIDIA A40-4Q", "max": 12}]
    gpu = {"address": A40, "vendor": "10de", "device": "2235", "driver": "nvidia", "iommu_group": 1, "vfs": 8, "serial": "0324718",
           "framework": framework, "ready_ms": 700, "mdev_types": types}
    path = os.path.join(host.sim, "host.json")
    with open(path, encoding="utf-8") as file:
        machine = json.load(file)
    machine["gpus"] = [gpu]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(machine, file)


def new_boot(host, framework):
    """All that a kernel and a hypervisor forget is forgotten."""
    host.stop()
    shutil.rmtree(os.path.join(host.sim, "state", "kernel"))
    shutil.rmtree(os.path.join(host.sim, "state", "xen"), ignore_errors=True)
    write_host(host, framework)
    host.start()


def gpu(host):
    return json.loads(host.gridctl("gpus", "--json"))["gpus"][0]


def running(host):
    return {v["domain"]: (v["uuid"], v["type"], v["gpu"]) for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"]}


def run(host):
    new_boot(host, "mdev")
    same(gpu(host)["usable"], False, "ready before its functions are there")
    for name, uuid, kind in zip(NAMES, UUIDS, ["NVIDIA A40-4Q", "NVIDIA A40-1Q", "NVIDIA A40-1Q"]):
        host.define(guest(name, vgpu(kind, "<address uuid='%s'/>" % uuid)))
        host.virsh("autostart", name)
    host.refused("start", "first", because=["it is not ready", A40])
    eventually("the GPU to be ready", lambda: gpu(host)["usable"])
    same(gpu(host)["backend"], "mdev", "back end")
    host.gridctl("set", "mode", A40, "mixed-size")
    eventually("its mode to be on", lambda: gpu(host)["usable"])
    for name in NAMES:
        host.virsh("start", name)
    before = running(host)
    same(sorted(before), sorted(NAMES), "who runs")

    for framework in ("mdev", "vfio"):
        new_boot(host, framework)
        assert "it is not ready" in gpu(host)["reason"], gpu(host)["reason"]
        for name in NAMES:
            host.wait_state(name, "running")
        same(running(host), before, "vGPUs after the boot")
        same(gpu(host)["backend"], framework, "back end")
        with open(os.path.join(host.sim, "state/kernel/nvml", A40, "heterogeneous"), encoding="utf-8") as file:
            same(file.read().strip(), "1", "the driver's mode")
    for name in NAMES:
        host.virsh("destroy", name)
    same(running(host), {}, "vGPUs at the end")
