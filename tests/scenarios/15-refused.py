"""vGPUs that cannot be given: each refusal names the rule, at define time where it can be known; nothing is left behind."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json

from guests import guest, vgpu
from host import has, same


def run(host):
    refused = host.refused

    def bad(because, devices, **more):
        refused("define", host.file("bad.xml", guest("bad", devices, **more)), because=because)
        same(host.guests("--all"), "", "guests")

    bad("GRID X999", vgpu("GRID X999"))
    bad("vgpu", vgpu(), kind="pv")
    bad("vgpu", vgpu(), kind="pvh")
    bad("no-such-group", vgpu(extra="<group name='no-such-group'/>"))
    bad("0000:77:00.0", vgpu(extra="<gpu domain='0x0000' bus='0x77' slot='0x00' function='0x0'/>"))
    bad("type", "<hostdev mode='subsystem' type='vgpu'><source/></hostdev>")
    bad("source", "<hostdev mode='subsystem' type='vgpu'/>")
    bad("nonsense", vgpu(after="<param name='nonsense' value='1'/>"))
    same_uuid = "<address uuid='b1ae8bf6-38b0-4c81-9d44-78ce3f520496'/>"
    bad("b1ae8bf6-38b0-4c81-9d44-78ce3f520496", vgpu("GRID T4-16Q", same_uuid) + vgpu("GRID T4-16Q", same_uuid))

    # the same of a guest that is only to run
    refused("create", host.file("bad.xml", guest("bad", vgpu("GRID X999"))), because="GRID X999")
    refused("create", host.file("bad.xml", guest("bad", vgpu(), kind="pv")), because="vgpu")
    same(host.guests("--all"), "", "guests")
    same(json.loads(host.gridctl("vgpus", "--json"))["vgpus"], [], "virtual GPUs")

    # a type's id is as good as its name
    text = guest("byid", vgpu().replace("name='GRID K260Q'", "id='nvidia-230'"))
    host.define(text)
    host.virsh("start", "byid")
    has(host.gridctl("vgpus"), "byid", "T4-1Q")
    host.virsh("destroy", "byid")

    # GAP-13: a whole GPU, or a virtual function, and a balloon do not go together; without it the guest starts
    whole = guest("whole", vgpu("passthrough"))
    host.define(whole.replace("<vcpu>", "<currentMemory unit='MiB'>32</currentMemory><vcpu>"))
    has(host.virsh("dominfo", "whole"), "memory to be fixed", "<currentMemory>")  # wish-50
    refused("start", "whole", because="<currentMemory>")
    same(json.loads(host.gridctl("vgpus", "--json"))["vgpus"], [], "virtual GPUs")
    host.virsh("undefine", "whole")
    host.define(whole)
    host.virsh("start", "whole")
    same(json.loads(host.gridctl("vgpus", "--json"))["vgpus"][0]["backend"], "passthrough", "back end")
    host.virsh("destroy", "whole")
    host.virsh("undefine", "whole")

    # a good definition is not lost by a bad one that would replace it
    before = host.virsh("dumpxml", "byid")
    uuid = host.virsh("domuuid", "byid")
    refused("define", host.file("bad.xml", guest("byid", vgpu("GRID X999"), uuid=uuid)), because="GRID X999")
    same(host.virsh("dumpxml", "byid"), before, "definition")
