"""A guest's life through virsh: define, start, pause, reboot, shut down, kill, forget; and what is refused when."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import guest
from host import same

HOSTS = ("simulated", "real")

UUID = "6e2f3f5c-38b1-4c39-9f8c-8f0d7a0c1b11"


def run(host):
    life(host, "hvm")
    for kind, os_type in (("pv", "linux"), ("pvh", "xenpvh")):
        host.define(guest(kind, kind=kind))
        host.virsh("start", kind)
        same(fields(host.virsh("dominfo", kind))["OS Type"], os_type, "OS type")
        host.virsh("shutdown", kind)
        host.wait_state(kind, "shut off")
        host.virsh("undefine", kind)


def life(host, kind):
    name = kind + "guest"
    host.define(guest(name, kind=kind, uuid=UUID, vcpus=2))
    same(host.virsh("domuuid", name), UUID, "uuid")
    same(host.virsh("domname", UUID), name, "name")
    same(host.virsh("domid", name), "-", "id when off")
    same(host.virsh("domstate", name, "--reason"), "shut off (unknown)", "state")
    for command in ("suspend", "resume", "shutdown", "reboot", "destroy"):
        host.refused(command, name, because="not running")
    info = fields(host.virsh("dominfo", name))
    same(info["OS Type"], "hvm", "OS type")
    same((info["State"], info["Persistent"], info["Autostart"], info["CPU(s)"]), ("shut off", "yes", "disable", "2"), "dominfo")
    same((info["Max memory"], info["Used memory"]), ("65536 KiB", "65536 KiB"), "memory of a guest that is off")

    host.virsh("start", name)
    same(host.virsh("domstate", name, "--reason"), "running (booted)", "state")
    first = host.virsh("domid", name)
    assert int(first) > 0, first
    host.refused("start", name, because="already")
    host.virsh("suspend", name)
    same(host.virsh("domstate", name, "--reason"), "paused (user)", "state")
    host.virsh("resume", name)
    same(host.virsh("domstate", name, "--reason"), "running (unpaused)", "state")
    info = fields(host.virsh("dominfo", name))
    same((info["Id"], info["State"], info["UUID"], info["Managed save"]), (first, "running", UUID, "no"), "dominfo")

    host.wait_up(name)
    host.virsh("shutdown", name)
    host.wait_state(name, "shut off")
    same(host.virsh("domstate", name, "--reason"), "shut off (shutdown)", "state")
    host.virsh("start", name, "--paused")
    assert int(host.virsh("domid", name)) > int(first), "a domain id was used twice"
    same(host.virsh("domstate", name), "paused", "state")
    host.virsh("resume", name)
    host.virsh("destroy", name)
    same(host.virsh("domstate", name, "--reason"), "shut off (destroyed)", "state")
    host.virsh("undefine", name)
    host.refused("domstate", name, because="failed to get domain")
    same(host.guests("--all"), "", "what is left")

    # undefined while it runs: it becomes transient and leaves with its end
    host.define(guest(name, kind=kind))
    host.virsh("start", name)
    host.virsh("undefine", name)
    same(fields(host.virsh("dominfo", name))["Persistent"], "no", "persistent")
    host.virsh("destroy", name, "--graceful")
    same(host.guests("--all"), "", "what is left")


def fields(text):
    return {line.split(":")[0]: line.split(":", 1)[1].strip() for line in text.splitlines() if ":" in line}
