"""The packaged virt-install and virt-xml define and change guests through the socket; mediated devices by the name of their node device."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import shutil
import xml.etree.ElementTree as ET

from host import Skip, has, same


def run(host):
    if not shutil.which("virt-install"):
        raise Skip("no virt-install")
    common = ["virt-install", "--connect", host.uri(), "--osinfo", "detect=off,require=off", "--noautoconsole", "--memory", "64", "--vcpus", "2",
              "--disk", "none", "--network", "bridge=xenbr0"]
    vgpu = ["--xml", "./devices/hostdev/@type=vgpu", "--xml", "./devices/hostdev/@mode=subsystem", "--xml",
            "./devices/hostdev/source/type/@name=GRID K260Q"]
    kernel = host.file("vmlinuz", "a kernel")

    # written, then defined: the document is virt-install's own
    for name, options in (("hvm", ["--hvm", "--graphics", "vnc", "--boot", "hd", *vgpu]),
                          ("pv", ["--paravirt", "--graphics", "none", "--boot", "kernel=" + kernel]),
                          ("pvh", ["--graphics", "none", "--boot", "os_type=xenpvh,kernel=" + kernel])):
        text = host.run(*common, "--name", name, "--import", "--print-xml", *options).out
        host.define(text)
        host.virsh("start", name)
        same(host.state(name), "running", "state")
    has(host.gridctl("vgpus"), "hvm", "GRID K260Q")

    # made and started by virt-install itself
    host.run(*common, "--name", "whole", "--import", "--hvm", "--graphics", "vnc", "--boot", "hd")
    same(host.state("whole"), "running", "state")
    has(host.virsh("dominfo", "whole"), "Persistent:     yes")

    # changed by virt-xml: the next start has it
    host.run("virt-xml", "--connect", host.uri(), "hvm", "--edit", "--memory", "128", "--define")
    device = ET.fromstring(host.virsh("dumpxml", "hvm", "--inactive"))
    same(device.findtext("memory"), "131072", "memory")
    same(device.find("devices/hostdev/source/type").get("name"), "GRID K260Q", "the vGPU after an edit by others")
    host.virsh("destroy", "hvm")
    host.run("virt-xml", "--connect", host.uri(), "hvm", "--remove-device", "--hostdev", "1", "--define")
    same(ET.fromstring(host.virsh("dumpxml", "hvm")).find("devices/hostdev"), None, "the vGPU after its removal")
    by_node_device(host, common)


MDEV = ("<device><parent>pci_0000_%s_00_0</parent><capability type='mdev'><type id='%s'/><uuid>19000000-0000-4000-8000-0000000000%s</uuid>"
        "</capability></device>")


def node_device(host, bus, type_id):
    host.virsh("nodedev-create", host.file("mdev.xml", MDEV % (bus, type_id, bus)))
    return "mdev_19000000_0000_4000_8000_0000000000%s_0000_%s_00_0" % (bus, bus)


def hostdevs(host):
    return [h.find("source/address").get("uuid")[-2:] for h in ET.fromstring(host.virsh("dumpxml", "mdev")).findall("devices/hostdev")]


def by_node_device(host, common):
    """One that a client made, as virt-manager and virt-install name it."""
    name = node_device(host, "82", "nvidia-232")
    host.run(*common, "--name", "mdev", "--import", "--hvm", "--graphics", "vnc", "--boot", "hd", "--hostdev", name)
    same((host.state("mdev"), hostdevs(host)), ("running", ["82"]), "state, and mediated devices")
    host.refused("nodedev-destroy", name, because="mdev")
    host.virsh("destroy", "mdev")
    host.run("virt-xml", "--connect", host.uri(), "mdev", "--remove-device", "--hostdev", "1", "--define")
    same(hostdevs(host), [], "mediated devices after virt-xml took it out")
    host.run("virt-xml", "--connect", host.uri(), "mdev", "--add-device", "--hostdev", name, "--define")
    host.virsh("start", "mdev")
    same(hostdevs(host), ["82"], "mediated devices after virt-xml put it in again")
    host.virsh("destroy", "mdev")
    host.virsh("nodedev-destroy", name)
    # they know ids of two vendors only, which types of the oldest boards do not have; the vGPU itself they take (see above)
    old = node_device(host, "05", "grid-k140q")
    has(host.run("virt-xml", "--connect", host.uri(), "mdev", "--add-device", "--hostdev", old, "--define", ok=False).err,
        "Don't know how to generate nodedev for mdev type id 'grid-k140q'")
    host.virsh("nodedev-destroy", old)
