"""A running guest goes into a file and comes back (wish-46): by name, as a managed save, after a restart of the daemon; what cannot is refused and runs on."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os

from guests import guest, vgpu
from host import has, same


def run(host):
    host.define(guest("s", vcpus=2))
    host.virsh("start", "s")
    by_name(host)
    managed(host)
    dumps(host)
    host.virsh("destroy", "s")
    with_vgpu(host)
    room(host)


def by_name(host):
    path = os.path.join(host.dir, "s.sav")
    host.virsh("save", "s", path)
    same(host.virsh("domstate", "s", "--reason"), "shut off (saved)", "state")
    assert open(path, "rb").read(16) == b"libvirt-xml\n \0 \r", "libvirt's own format"
    has(host.virsh("save-image-dumpxml", path), "<name>s</name>", "<vcpu placement='static'>2</vcpu>")
    host.virsh("restore", path)
    same(host.virsh("domstate", "s", "--reason"), "running (restored)", "state")
    host.refused("restore", path, because="already active")
    host.refused("save", "s", "/nonexistent/s.sav", because="/nonexistent/s.sav")
    host.virsh("suspend", "s")
    host.refused("save", "s", path, because="resume the domain first")
    host.virsh("resume", "s")
    same(host.virsh("domstate", "s"), "running", "state")
    host.refused("restore", host.file("bad.sav", "libvirt-xml\n" + "x" * 80), because="magic")


def managed(host):
    host.virsh("managedsave", "s")
    has(host.virsh("dominfo", "s"), "Managed save:   yes")
    has(host.virsh("list", "--all", "--with-managed-save"), "s")
    host.kill9()
    host.start()
    has(host.virsh("dominfo", "s"), "Managed save:   yes")
    has(host.virsh("managedsave-dumpxml", "s"), "<name>s</name>")
    host.refused("undefine", "s", because="managed save image exists")
    host.virsh("start", "s")
    same(host.virsh("domstate", "s", "--reason"), "running (restored)", "state")
    has(host.virsh("dominfo", "s"), "Managed save:   no")
    host.virsh("managedsave", "s")
    host.virsh("start", "s", "--force-boot")
    same(host.virsh("domstate", "s", "--reason"), "running (booted)", "state")
    host.virsh("managedsave", "s")
    host.virsh("managedsave-remove", "s")
    has(host.virsh("dominfo", "s"), "Managed save:   no")
    host.virsh("start", "s")


def dumps(host):
    path = os.path.join(host.dir, "s.core")
    host.virsh("dump", "s", path, "--live", "--memory-only")
    assert os.path.getsize(path) > 0
    host.virsh("dump", "s", path, "--crash")
    same(host.virsh("domstate", "s", "--reason"), "shut off (crashed)", "state")
    host.virsh("start", "s")


def with_vgpu(host):
    """This host's back ends cannot write a vGPU's state down: said which, and the guest runs on."""
    for name, type_name, backend in (("k2", "GRID K260Q", "emulator"), ("t4", "GRID T4-2Q", "mdev")):
        host.define(guest(name, vgpu(type_name)))
        host.virsh("start", name)
        path = os.path.join(host.dir, name + ".sav")
        host.refused("save", name, path, because=[type_name, backend, "shut the guest down"])
        host.refused("managedsave", name, because=type_name)
        assert not os.path.exists(path)
        same(host.virsh("domstate", name, "--reason"), "running (booted)", "state")
        host.virsh("destroy", name)


def room(host):
    """On a host whose emulator can: the place is free while the guest lies in its file, and asked for anew."""
    host.stop()
    config = os.path.join(host.sim, "host.json")
    text = open(config).read()
    with open(config, "w") as f:
        f.write(text.replace("{", '{ "saves_vgpus": true,', 1))
    host.start()
    gpu = "<gpu domain='0x0000' bus='0x44' slot='0x00' function='0x0'/>"
    host.define(guest("big", vgpu("GRID K280Q", gpu)))
    host.define(guest("other", vgpu("GRID K280Q", gpu)))
    host.virsh("start", "big")
    host.refused("start", "other", because="big")
    host.virsh("managedsave", "big")
    host.virsh("start", "other")
    host.refused("start", "big", because="other")
    has(host.virsh("dominfo", "big"), "Managed save:   yes")
    host.virsh("destroy", "other")
    host.virsh("start", "big")
    same(host.virsh("domstate", "big", "--reason"), "running (restored)", "state")
    has(host.virsh("dumpxml", "big"), "bus='0x44'", "<bound backend='emulator'>")
    host.virsh("destroy", "big")
