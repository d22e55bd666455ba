"""Virtual GPUs run out: the refusal says what and who, nothing is left behind, and room comes back."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json

from guests import guest, vgpu
from host import eventually, has, same


def run(host):
    started = []
    for i in range(64):
        name = "g%02d" % i
        host.define(guest(name, vgpu("GRID K280Q"), mib=16))
        result = host.virsh("start", name, ok=None)
        if host.state(name) != "running":
            has(result, "GRID K280Q")
            break
        started.append(name)
    assert 1 <= len(started) < 64, "%d guests got a whole GPU" % len(started)
    assert any(name in result for name in started), "the refusal names no holder: " + result
    same(host.virsh("domstate", name), "shut off", "state of the refused guest")
    same(len(host.guests().split()), len(started), "running guests")
    ask = json.dumps(json.loads(host.gridctl("vgpus", "--json")))
    assert '"%s"' % name not in ask, "the refused guest holds something: " + ask

    # a smaller type on a GPU that is taken whole: no room there either, and the other kinds of GPU are not touched
    host.define(guest("other", vgpu("GRID K120Q"), mib=16))
    host.virsh("start", "other")

    host.virsh("destroy", started[0])
    host.virsh("start", name)
    same(host.state(name), "running", "state")
    for guest_name in started[1:] + [name, "other"]:
        host.virsh("destroy", guest_name)
    eventually("all virtual GPUs to be free", lambda: "GRID K280Q" not in host.gridctl("vgpus"))
