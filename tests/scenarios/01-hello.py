"""The first contact of every client: who are you, what have you."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import xml.etree.ElementTree as ET

from host import has, lacks, same

HOSTS = ("simulated", "real")


def run(host):
    for ro in (False, True):
        same(host.virsh("uri", ro=ro).split("?")[0], "xen:///system", "uri")
        has(host.virsh("version", ro=ro), "Using API: Xen", "Running hypervisor: Xen 4.17")
        assert host.virsh("hostname", ro=ro), "an empty host name"
        has(host.virsh("nodeinfo", ro=ro), "CPU model:", "x86_64", "CPU(s):", "Memory size:")
        same(host.guests("--all", ro=ro), "", "a fresh host's guests")
    same(host.virsh("-c", host.uri("virtgridd-sock", "grid"), "uri").split("?")[0], "grid:///system", "uri over grid")

    caps = ET.fromstring(host.virsh("capabilities"))
    same(caps.findtext("host/cpu/arch"), "x86_64", "arch")
    guests = {(g.findtext("os_type"), g.find("arch").get("name")) for g in caps.findall("guest")}
    assert {("xen", "x86_64"), ("hvm", "x86_64"), ("hvm", "i686")} <= guests, guests
    machines = {g.findtext("os_type"): g.findtext("arch/machine") for g in caps.findall("guest")}
    same(machines.get("hvm"), "xenfv", "machine of HVM")
    same(machines.get("xen"), "xenpv", "machine of PV")
    cpus = int(next(line.split()[1] for line in host.virsh("nodeinfo").splitlines() if line.startswith("CPU(s):")))
    same(len(caps.findall("host/topology/cells/cell/cpus/cpu")), cpus, "CPUs in the topology")

    # a guest's kind decides what it may have; only HVM gets a vGPU, where there is a GPU
    gpus = json.loads(host.gridctl("gpus", "--json"))["gpus"]
    for machine, most in (("xenfv", "128"), ("xenpv", "512"), ("xenpvh", "512")):
        text = host.virsh("domcapabilities", "--machine", machine)
        dom = ET.fromstring(text)
        same(dom.findtext("machine"), machine, "machine")
        same(dom.find("vcpu").get("max"), most, "vcpu max of " + machine)
        (has if machine == "xenfv" and gpus else lacks)(text, "<value>vgpu</value>")
    same(ET.fromstring(host.virsh("domcapabilities")).findtext("machine"), "xenpv", "default machine")
    host.refused("domcapabilities", "--machine", "pc", because="xenfv")
    host.refused("domcapabilities", "--virttype", "lxc", because="lxc")

    # what the Xen driver has no use for
    host.refused("-c", "xen:///session?socket=" + host.socket(), "uri", because="session")
    host.refused("-c", "xen:///nonsense?socket=" + host.socket(), "uri", because="nonsense")
