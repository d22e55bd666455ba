"""virsh edit, which validates: a change is taken, a typing error is named, a guest with a vGPU is valid."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import guest, vgpu
from host import has, same

HOSTS = ("simulated", "real")


def edit(host, name, change):
    script = host.file("change.sed", change)
    return host.run("env", "EDITOR=sed -i -f " + script, "virsh", "-c", host.uri(), "edit", name, ok=None, stdin=b"n\n")


def run(host):
    host.define(guest("e", vgpu("GRID K260Q") if host.has_gpus else ""))
    edit(host, "e", "s,<vcpu.*,<vcpu>3</vcpu>,")
    before = host.virsh("dumpxml", "e")
    has(before, ">3</vcpu>", *(["GRID K260Q"] if host.has_gpus else []))
    edit(host, "e", "s,<vcpu.*,<vcpus_>2</vcpus_>,")
    same(host.virsh("dumpxml", "e"), before, "the domain after an edit that is not valid")
    wrong = host.file("wrong.xml", before.replace("vcpu>", "vcpus_>").replace("<vcpu ", "<vcpus_ "))
    has(host.virsh("define", "--validate", wrong, ok=False), "validate against schema", "vcpus_")
    host.virsh("start", "e")
    host.virsh("define", "--validate", host.file("live.xml", host.virsh("dumpxml", "e", "--security-info")))
