#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What kill -9 of the daemon in the middle of a start leaves behind: KILLS of them (300), one after the other, at every step of the start in turn, and
between two rounds of steps once at a random moment of the host's own work; each with another guest. After each the daemon is started again, what it
knows to run is destroyed, and what is there then belongs to nobody: domains, xenstore folders, processes, devices. Prints one line and what it found.

make check-kills: on a real Xen host in QEMU. Without SCENARIO_HOST=real, with builddir= of a build: on a simulated one.
"""
import collections
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios", "lib"))
sys.path.insert(0, "/srv/scenarios/lib")
import host as hosts  # noqa: E402
import kills  # noqa: E402
import real  # noqa: E402
from guests import VNC, guest, vgpu  # noqa: E402

KILLS = int(os.environ.get("KILLS", "300"))
KINDS = ("domain", "xenstore", "process", "mediated device", "assignable")
REPAIR = 20 if hosts.REAL else 5  # seconds until what is left counts as left
MOMENT = 3.0 if hosts.REAL else 0.05  # how long a start takes, about


def define(host):
    """A guest with a device model, one without, and one with virtual GPUs where there are some."""
    host.define(guest("hvm", VNC, kind="hvm"))
    host.define(guest("pvh", kind="pvh"))
    if not host.has_gpus:
        return ["pvh", "hvm"]
    host.define(guest("gpu", vgpu("GRID T4-2Q"), kind="hvm"))
    return ["gpu", "pvh", "hvm"]


def die(host, name, step):
    """Until it is dead."""
    if step:
        host.virsh("start", name, ok=None)
        kills.dead(host, step)
        return
    starter = host.spawn("virsh", "-c", host.uri(), "start", name)
    time.sleep(random.uniform(0, MOMENT))
    host.kill9()
    starter.wait(60)


def orphans(host):
    """What is there without a guest that the daemon knows; it is given its time."""
    for name in host.guests().split():
        host.virsh("destroy", name)
    end = time.monotonic() + REPAIR
    while host.leftovers() and time.monotonic() < end:
        time.sleep(0.2)
    return host.leftovers()


def rounds(host):
    """(guest, step) for ever."""
    names = define(host)
    points = {name: [*kills.steps(host, name)[0], None] for name in names}
    while True:
        for name in names:
            for step in points[name]:
                yield name, step


def run(host):
    found, begin = [], time.monotonic()
    plan = rounds(host)
    name, step = next(plan)
    kills.arm(host, step)
    for number in range(1, KILLS + 1):
        die(host, name, step)
        dead = (name, step or "a random moment")
        name, step = next(plan)
        kills.arm(host, step)
        for what in orphans(host):
            found.append("kill %d, %s at %s: %s" % (number, *dead, what))
            print(found[-1], flush=True)
        if found and host.leftovers():
            break  # what comes now would be counted again
        if number % 25 == 0:
            print("%d kills, %.0f s" % (number, time.monotonic() - begin), flush=True)
    count = collections.Counter(next(k for k in KINDS if (": %s " % k) in text) for text in found)
    print("%d kills in a start, %d orphans (%s), %.0f s" %
          (number, len(found), ", ".join("%s: %d" % (k, count[k]) for k in KINDS), time.monotonic() - begin))
    return 1 if found else 0


def main():
    host = (real.Host if hosts.REAL else hosts.Host)()
    try:
        host.start()
        return run(host)
    except BaseException:
        host.tell()
        raise
    finally:
        host.clean()


if __name__ == "__main__":
    sys.exit(main())
