"""Twenty clients start twenty guests at once for the one place there is (wish-26): one has it, all others hear the same reason, every time."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import subprocess

from guests import guest, vgpu
from host import PATIENCE, Failed, has, same

N = 20


def vgpus(host):
    return json.loads(host.gridctl("vgpus", "--json"))["vgpus"]


def run(host):
    names = ["g%02d" % i for i in range(N)]
    for name in names:
        host.define(guest(name, vgpu("GRID T4-16Q"), mib=16))
    for _ in range(2):
        clients = {name: subprocess.Popen(["virsh", "-q", "-c", host.uri(), "start", name], env=host.env, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) for name in names}
        said = {name: client.communicate(timeout=PATIENCE)[1].decode() for name, client in clients.items()}
        winners = [name for name, client in clients.items() if client.returncode == 0]
        if len(winners) != 1:
            raise Failed("started: %s" % winners)
        reasons = {text.strip().split("\n", 1)[1].replace(name, "NAME") for name, text in said.items() if name not in winners}
        if len(reasons) != 1:
            raise Failed("different reasons: %s" % reasons)
        has(reasons.pop(), "GRID T4-16Q", "0000:82:00.0", "(%s)" % winners[0])
        same([v["domain"] for v in vgpus(host)], winners, "who has it")
        same(host.guests(), winners[0], "who runs")
        same(len(host.virsh("nodedev-list", "--cap", "mdev").split()), 1, "mediated devices")
        host.virsh("destroy", winners[0])
        same(vgpus(host), [], "virtual GPUs afterwards")
