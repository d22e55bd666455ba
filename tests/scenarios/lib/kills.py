# SPDX-License-Identifier: LGPL-2.1-or-later
"""Killing the daemon at the steps of a start or a stop, by its fault points (src/base/fault.h)."""
import os

from host import eventually


def steps(host, name):
    """All that a start and a stop of guest @name come by, as the program itself tells them."""
    path = os.path.join(host.dir, "steps")
    host.stop()
    host.daemon_env["VIRTGRID_FAULT_LOG"] = path
    host.start()
    host.virsh("start", name)
    host.virsh("destroy", name)
    host.stop()
    del host.daemon_env["VIRTGRID_FAULT_LOG"]
    with open(path, encoding="utf-8") as f:
        points = f.read().split()
    os.unlink(path)
    start, stop = ([p for p in points if p.startswith("driver.%s." % way)] for way in ("start", "stop"))
    assert start[0] == "driver.start.claim" and start[-1] == "driver.start.done" and len(start) > 10, start
    assert stop[-1] == "driver.stop.claim" and len(stop) == len(start) - 1, stop
    host.start()
    return start, stop


def arm(host, step):
    """A new daemon, which dies before @step (None: it does not)."""
    if host.alive():
        host.kill9()
    host.daemon_env.pop("VIRTGRID_FAULT", None)
    if step:
        host.daemon_env["VIRTGRID_FAULT"] = step + "=kill"
    host.start()


def dead(host, step):
    """It has died where it was told to: its client may know before we do."""
    eventually("the daemon to die at %s" % step, lambda: not host.alive())
