"""A running guest goes into a file and comes back: by name, as a managed save, after a restart of the daemon; and its memory goes into a dump."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os

from guests import REAL, guest
from host import has, same

HOSTS = ("simulated", "real")
KIND = "pv" if REAL else "hvm"  # has the least to write down; of the others 63

def run(host):
    host.define(guest("s", kind=KIND, mib=16, vcpus=2))
    host.virsh("start", "s")
    by_name(host)
    managed(host)
    dumps(host)
    host.virsh("destroy", "s")
    host.virsh("undefine", "s")


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
    host.wait_up("s")  # a PV guest has to have said first where its memory is
    host.virsh("dump", "s", path, "--live", "--memory-only")
    assert os.path.getsize(path) > 0
    host.virsh("dump", "s", path, "--crash")
    same(host.virsh("domstate", "s", "--reason"), "shut off (crashed)", "state")
    host.virsh("start", "s")
