# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain XML for scenarios: small guests of each kind."""

OS = {
    "hvm": "<os><type arch='x86_64' machine='xenfv'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/><pae/></features>",
    "pv": "<os><type arch='x86_64' machine='xenpv'>linux</type><kernel>/boot/vmlinuz</kernel></os>",
    "pvh": "<os><type arch='x86_64' machine='xenpvh'>xenpvh</type><kernel>/boot/vmlinuz</kernel></os>",
}


def vgpu(type_name="GRID K260Q", extra="", attrs="", after=""):
    return "<hostdev mode='subsystem' type='vgpu'%s><source><type name='%s'/>%s</source>%s</hostdev>" % (attrs, type_name, extra, after)


def guest(name, devices="", kind="hvm", mib=64, uuid=None, vcpus=1, extra=""):
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
