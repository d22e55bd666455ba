"""Malformed, huge and entity-laden XML: a clear error each, nothing defined, memory bounded, other clients served meanwhile."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import threading

from guests import guest
from host import PATIENCE, SLOWNESS, Failed, same

HOSTS = ("simulated", "real")

LAUGHS = "<!DOCTYPE domain [<!ENTITY a 'ha'>%s]>" % "".join(
    "<!ENTITY %s '%s'>" % (chr(98 + i), ("&%s;" % chr(97 + i)) * 10) for i in range(20))
MANY = "<disk type='file' device='disk'><source file='/x%d'/><target dev='xvd%d' bus='xen'/></disk>"

CASES = [
    ("empty", ""),
    ("no XML", "hello"),
    ("cut off", guest("x")[:200]),
    ("two roots", guest("x") + guest("y")),
    ("wrong root", "<network/>"),
    ("no name", "<domain type='xen'/>"),
    ("entities", LAUGHS + guest("x").replace(">x<", ">&u;<")),
    ("one entity", "<!DOCTYPE domain [<!ENTITY n 'evil'>]>" + guest("x").replace(">x<", ">&n;<")),
    ("file entity", "<!DOCTYPE domain [<!ENTITY n SYSTEM 'file:///etc/hostname'>]>" + guest("x").replace(">x<", ">&n;<")),
    ("network entity", "<!DOCTYPE domain SYSTEM 'http://127.0.0.1:9/x.dtd'>" + guest("x").replace(">x<", ">&n;<")),
    ("deep", "<domain type='xen'>" + "<a>" * 20000 + "</a>" * 20000 + "</domain>"),
    ("not UTF-8", guest("x").replace(">x<", ">\\xff\\xfe<").encode().replace(b"\\xff\\xfe", b"\xff\xfe")),
    ("control bytes", guest("x").replace(">x<", ">&#1;<")),
    ("slash in the name", guest("../../etc/passwd")),
    ("newline in the name", guest("a\nb")),
    ("long name", guest("n" * 300)),
    ("negative memory", guest("x").replace(">64<", ">-64<")),
    ("memory over 64 bits", guest("x").replace(">64<", ">99999999999999999999999<")),
    ("memory over by its unit", guest("x").replace("unit='MiB'>64<", "unit='EiB'>9999<")),
    ("no CPU", guest("x", vcpus=0)),
    ("too many CPUs", guest("x", vcpus=100000)),
    ("bad uuid", guest("x", uuid="not-a-uuid")),
    ("other hypervisor", guest("x").replace("type='xen'", "type='lxc'")),
]


def run(host):
    host.define(guest("calm"))
    before = host.memory_kib()
    for name, text in CASES:
        error = host.virsh("define", host.file("bad.xml", text), ok=False)
        if not error or "internal error" in error or "unknown error" in error:
            raise Failed("no clear error for '%s': %s" % (name, error))
        same(host.guests("--all"), "calm", "guests after '%s'" % name)

    # what no virsh would carry: a text near the message's limit, thrice, while another client asks
    conn = host.connect()
    import libvirt
    other, longest = host.wire(), []
    other.open()
    stop = threading.Event()

    def ask():
        while not stop.is_set():
            before = host.busy()
            assert other.call(4).status == 0
            longest.append(host.busy() - before)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for fill in (" " * (4 << 20) , "<!--" + "x" * (3 << 20) + "-->", "".join(MANY % (i, i) for i in range(20000))):
            try:
                conn.defineXML(guest("big", fill)).undefine()
            except libvirt.libvirtError:
                pass
    finally:
        stop.set()
        asker.join(PATIENCE)
    assert longest and max(longest) < 2 * SLOWNESS, "another client waited for %.2f s of work" % max(longest)
    same(host.guests("--all"), "calm", "guests")
    host.check_growth(before, 96 * 1024, "by huge XML")
