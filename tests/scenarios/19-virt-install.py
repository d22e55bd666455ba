"""The packaged virt-install and virt-xml define and change guests through the socket."""
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
