"""The screen of a guest: virsh screenshot is what the guest shows; on a real host also what a VNC client sees at the port that the live XML names."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import re
import time

import libvirt

from guests import VNC, guest
from host import PATIENCE, REAL, Failed, eventually, has, same
from screen import Vnc, ppm

HOSTS = ("simulated", "real")

MIME = "image/x-portable-pixmap"
COLOURS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255), (0, 0, 0)]


def shoot(host, name):
    path = os.path.join(host.dir, "shot")
    has(host.run("virsh", "-c", host.uri(), "screenshot", name, path).out, path, MIME)
    with open(path, "rb") as f:
        return ppm(f.read())


def run(host):
    host.define(guest("shown", VNC, kind="hvm"))
    host.refused("screenshot", "shown", os.path.join(host.dir, "no"), because="is not running")
    host.virsh("start", "shown")
    before = host.descriptors()
    (port,) = re.findall(r"<graphics type='vnc' port='(\d+)'", host.virsh("dumpxml", "shown"))
    same(host.virsh("vncdisplay", "shown"), "127.0.0.1:%d" % (int(port) - 5900), "display")
    (real if REAL else simulated)(host, int(port))
    eventually("the descriptors to be closed", lambda: host.descriptors() <= before)
    same([f for f in os.listdir(rundir(host)) if f.startswith("screenshot")], [], "pictures that are left")
    refusals(host)
    many(host)
    host.virsh("destroy", "shown")


def rundir(host):
    return "/run/virtgrid" if REAL and os.path.isdir("/run/virtgrid") else "/var/run/virtgrid" if REAL else os.path.join(host.sim, "run")


def simulated(host, port):
    shot = shoot(host, "shown")
    same((shot.width, shot.height), (640, 480), "size")
    for i, colour in enumerate(COLOURS):
        same([shot.at(80 * i, 0), shot.at(80 * i + 79, 463)], [colour, colour], "bar %d" % i)
    bits = [shot.at(20 * i + 10, 470) == (255, 255, 255) for i in range(32)]
    same(sum(bit << i for i, bit in enumerate(bits)), int(host.virsh("domid", "shown")), "domain id in the picture")


def is_painted(shot):
    """The left half blue, the right half green: tests/xen-host/guest does it. How bright is the card's own affair."""
    blue, green = shot.at(shot.width // 4, shot.height // 2), shot.at(3 * shot.width // 4, shot.height // 2)
    return blue[:2] == (0, 0) and blue[2] > 150 and (green[0], green[2]) == (0, 0) and green[1] > 150


def real(host, port):
    """Firmware first, then the guest's own picture; a cursor may blink, nothing else may differ."""
    host.wait_up("shown")
    end = time.monotonic() + PATIENCE
    while True:
        first = shoot(host, "shown")
        print("screenshot %s" % first)
        if is_painted(first):
            vnc = Vnc(port)
            has(vnc.name, "shown")
            seen, shot = vnc.picture(), shoot(host, "shown")
            vnc.close()
            print("VNC %s\n%d pixels differ, %d in the meantime" % (seen, shot.differs(seen), shot.differs(first)))
            if shot.differs(first) < 200 and shot.differs(seen) < 200:
                return
        if time.monotonic() > end:
            raise Failed("the screen does not show what the guest painted, or not what VNC shows")
        time.sleep(1)


def refusals(host):
    path = os.path.join(host.dir, "no")
    host.refused("screenshot", "shown", path, "--screen", "1", because="there is no number 1")
    host.refused("screenshot", "Domain-0", path, because="Domain-0")
    host.define(guest("blind", kind="pvh"))
    host.virsh("start", "blind")
    host.refused("screenshot", "blind", path, because="has no screen")
    host.virsh("destroy", "blind")
    same(os.path.exists(path), False, "a file of a picture that was refused")


def many(host):
    before = host.descriptors()
    at_once(host.connect())
    eventually("the descriptors to be closed", lambda: host.descriptors() <= before)


def at_once(conn):
    """Several streams on one connection, slowly read, one given up; what is left of them goes with the connection."""
    dom = conn.lookupByName("shown")
    pictures = []
    for _ in range(4):
        stream = conn.newStream()
        same(dom.screenshot(stream, 0), MIME, "kind")
        pictures.append((stream, bytearray()))
    pictures.pop()[0].abort()
    while True:
        parts = [stream.recv(100000) for stream, _ in pictures]
        for (_, data), part in zip(pictures, parts):
            data += part
        if not any(parts):
            break
    shots = [ppm(bytes(data)) for _, data in pictures]
    for shot in shots[1:]:
        assert shot.differs(shots[0]) < 200, "pictures of one screen differ in %d pixels" % shot.differs(shots[0])
    pictures[0][0].finish()
    try:
        dom.screenshot(conn.newStream(), 0, 1)
    except libvirt.libvirtError as error:
        has(str(error), "unsupported flags (0x1)")
    else:
        raise Failed("flags that nobody knows are taken")
