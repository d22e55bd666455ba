"""What the drivers say: versions and licences in guests (wish-61), a teller that hangs (wish-60), a module and a library that do not agree (wish-59)."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os

from guests import guest, vgpu
from host import eventually, has, same

LOG_ALLOWED = [r"has not answered within", r"it failed and gave no reason", r"runs version 550.54.10"]

ANSWER = """
==============NVSMI LOG==============

GPU 00000000:82:00.0
    Active vGPUs                          : 2
    vGPU ID                               : 3251634213
        VM Name                           : old
        vGPU Name                         : GRID T4-4Q
        vGPU UUID                         : 00000000-1111-4222-8333-444444444444
        MDEV UUID                         : %s
        Guest Driver Version              : 470.63
        License Status                    : Unlicensed (Restricted)
        FB Memory Usage
            Total                         : 4096 MiB
    vGPU ID                               : 3251634223
        vGPU UUID                         : %s
        MDEV UUID                         : N/A
        Guest Driver Version              : N/A
        License Status                    : N/A
"""


def program(host, text):
    path = os.path.join(host.sim, "state/kernel/usr/bin/nvidia-smi")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)


def vgpus(host):
    return {v["domain"]: v for v in json.loads(host.gridctl("vgpus", "--json"))["vgpus"]}


def run(host):
    host.stop()
    program(host, "exit 1")
    host.start()
    for name in ("old", "none", "third"):
        host.define(guest(name, vgpu("GRID T4-4Q")))
        host.virsh("start", name)
    uuids = {name: v["uuid"] for name, v in vgpus(host).items()}
    assert "licence" not in vgpus(host)["old"], "nobody told anything yet"
    host.kill9()
    program(host, "[ \"$*\" = 'vgpu -q' ] || exit 2\ncat <<'END'\n" + ANSWER % (uuids["old"], uuids["none"]) + "END\n")
    host.start()
    eventually("the guests' drivers to be known", lambda: "licence" in vgpus(host)["old"])
    told = vgpus(host)
    same((told["old"]["guest_driver"], told["old"]["licence"]), ("470.63", "Unlicensed (Restricted)"), "what the first says")
    same((told["none"]["guest_driver"], told["none"]["licence"]), (None, None), "what one without a driver says")
    assert "licence" not in told["third"], "one of which nothing is told"
    hangs(host)
    mismatch(host)


def hangs(host):
    """It starts another program, and both would hang for ever."""
    host.kill9()
    program(host, "echo $$ >'%s/pid'\nsleep 1000\n" % host.dir)
    host.start()
    group = {}

    def hanging():
        """Somebody wants to know, and it is asked again only after a while."""
        nobody = not any("licence" in v for v in vgpus(host).values())
        try:
            with open(host.dir + "/pid", encoding="utf-8") as f:
                group["id"] = int(f.read())
        except (FileNotFoundError, ValueError):
            return False
        return nobody and any(of_group(group["id"]))

    def answered(*calls):
        return hanging() and ([call() for call in calls], hanging())[1]

    # whoever waited for it would wait until it is ended
    eventually("vGPUs to be listed while it hangs", answered)
    eventually("a guest to come and go while it hangs", lambda: answered(lambda: host.virsh("destroy", "third"), lambda: host.virsh("start", "third")))
    eventually("figures while it hangs", lambda: answered(lambda: host.virsh("domstats", "old")))
    eventually("it to be ended, with what it started", lambda: not any(of_group(group["id"])))
    eventually("that to be said", lambda: "has not answered within 5000 ms" in "\n".join(host.log()))


def of_group(group):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield os.getpgid(int(pid)) == group
        except ProcessLookupError:
            pass


def mismatch(host):
    host.stop()
    os.unlink(os.path.join(host.sim, "state/kernel/usr/bin/nvidia-smi"))
    for path, text in (("sys/module/nvidia/version", "550.54.10\n"), ("usr/lib64/libnvidia-ml.so.535.104.06", ""), ("usr/lib64/libnvidia-ml.so.1", "")):
        path = os.path.join(host.sim, "state/kernel", path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    host.start()
    has("\n".join(host.log()), "550.54.10", "535.104.06")
    gpu = [g for g in json.loads(host.gridctl("gpus", "--json"))["gpus"] if g["address"] == "0000:82:00.0"][0]
    same(gpu["usable"], False, "usable")
    has(gpu["reason"], "550.54.10", "535.104.06", "restart")
    same(host.state("old"), "running", "a guest that ran before")
    host.virsh("destroy", "old")
    host.refused("start", "old", because=["550.54.10", "535.104.06"])
    host.stop()
    os.rename(os.path.join(host.sim, "state/kernel/usr/lib64/libnvidia-ml.so.535.104.06"),
              os.path.join(host.sim, "state/kernel/usr/lib64/libnvidia-ml.so.550.54.10"))
    host.start()
    host.virsh("start", "old")
