"""kill -9 at every step of a start and of a stop: the next start of the daemon leaves nothing behind, and no guest that nobody knows."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import time

from guests import guest
from host import PATIENCE, eventually, same
from kills import arm, dead, steps

HOSTS = ("real",)
# libxl itself, when it destroys a domain whose maker died before it had noted the type
LOG_ALLOWED = [r"xenstore read failed: `/libxl/\d+/type'", r"unable to get domain type for domid"]


def run(host):
    host.define(guest("g"))
    start, stop = steps(host, "g")
    # from when it is on record it is a guest like any other, before it is gone
    recorded, built = start.index("driver.start.record"), stop.index("driver.stop.domain")
    for step in dying_at_each(host, start, "start"):
        check(host, step, runs=start.index(step) > recorded)
    for step in dying_at_each(host, stop, "destroy"):
        check(host, step, runs=stop.index(step) <= built)
    while_libxl_builds(host)


def dying_at_each(host, steps_of_it, command):
    """Yields each step when the daemon has died before it and has been started again: already told where to die next."""
    arm(host, steps_of_it[0])
    for step, following in zip(steps_of_it, [*steps_of_it[1:], None]):
        if command == "destroy" and not host.domains():
            host.virsh("start", "g")
        host.virsh(command, "g", ok=None)
        dead(host, step)
        arm(host, following)
        yield step


def check(host, step, runs):
    eventually("what a death before '%s' left" % step, lambda: bool(host.domains()) == runs)
    same(host.guests(), "g" if runs else "", "guests after a death before '%s'" % step)
    if runs:
        same(host.state("g"), "running", "state after a death before '%s'" % step)
    if runs and ".start." in step:
        host.virsh("destroy", "g")
        runs = False
    if not runs:
        same(host.leftovers(), [], "what is left of a death before '%s'" % step)


def while_libxl_builds(host):
    """At moments of libxl's own work, which has no fault points: with a device model it takes long enough."""
    host.define(guest("h", kind="hvm"))
    for tenth in (5, 15, 30):
        starter = host.spawn("virsh", "-c", host.uri(), "start", "h")
        time.sleep(tenth / 10)
        host.kill9()
        starter.wait(PATIENCE)
        host.start()
        same(sorted(host.domains()), host.guests().split(), "guests that somebody knows, killed after %d ms" % (tenth * 100))
        if host.domains():
            host.virsh("destroy", "h")
        eventually("nothing to be left", lambda: not host.leftovers())
