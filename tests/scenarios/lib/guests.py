# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain XML for scenarios: small guests of each kind. On a real host they boot the kernels of tests/xen-host/guest."""
import os

REAL = os.environ.get("SCENARIO_HOST") == "real"

OS = {
    "hvm": "<os><type arch='x86_64' machine='xenfv'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/><pae/></features>",
    "pv": "<os><type arch='x86_64' machine='xenpv'>linux</type><kernel>/boot/vmlinuz</kernel></os>",
    "pvh": "<os><type arch='x86_64' machine='xenpvh'>xenpvh</type><kernel>/boot/vmlinuz</kernel></os>",
}
if REAL:
    OS = {
        "hvm": OS["hvm"].replace("<boot dev='hd'/>", "<kernel>/guest/hvm</kernel>"),
        "pv": OS["pv"].replace("/boot/vmlinuz", "/guest/pv"),
        "pvh": OS["pvh"].replace("/boot/vmlinuz", "/guest/pvh"),
    }


def vgpu(type_name="GRID K260Q", extra="", attrs="", after=""):
    return "<hostdev mode='subsystem' type='vgpu'%s><source><type name='%s'/>%s</source>%s</hostdev>" % (attrs, type_name, extra, after)


KIND = "pvh" if REAL else "hvm"  # where it does not matter: without a device model it starts in no time


def guest(name, devices="", kind=KIND, mib=64, uuid=None, vcpus=1, extra=""):
    return """<domain type='xen'>
  <name>%s</name>%s
  <memory unit='MiB'>%d</memory>
  <vcpu>%d</vcpu>
  %s
  %s
  <devices>%s</devices>
</domain>
""" % (name, "\n  <uuid>%s</uuid>" % uuid if uuid else "", mib, vcpus, OS[kind], extra, devices)


DISK = "<disk type='file' device='disk'><source file='/var/lib/images/%s.img'/><target dev='%s' bus='xen'/></disk>"
NIC = "<interface type='bridge'><mac address='%s'/><source bridge='xenbr0'/></interface>"
VNC = "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>"
