"""A destroy in the middle of a start ends the making of the guest at once, and nothing of it is left; the next start is as good as any."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import time

from guests import REAL, VNC, guest
from host import eventually, same

HOSTS = ("simulated", "real")

BUILD_MS = 30000  # where a host is told how long it takes
MOMENTS = (("g", 0), ("g", 1.5)) if REAL else (("g", 0), ("g", 0.1), ("small", 0))


def run(host):
    host.change_machine(build_ms=BUILD_MS)
    host.define(guest("g", VNC, kind="hvm"))
    host.define(guest("small", kind="pv"))
    for name, moment in MOMENTS:
        give_up(host, name, moment)
    host.change_machine(build_ms=0)
    host.virsh("start", "g")
    same(host.state("g"), "running", "state")
    host.virsh("destroy", "g")
    eventually("nothing to be left", lambda: not host.leftovers())


def give_up(host, name, moment):
    starter = host.spawn("virsh", "-c", host.uri(), "start", name)
    eventually("the domain to be made, or the start to be over", lambda: host.domains() or starter.poll() is not None)
    time.sleep(moment)
    begin = time.monotonic()
    host.virsh("destroy", name, ok=None)
    took = time.monotonic() - begin
    code = starter.wait(60)
    print("%s: destroyed in %.1f s, %.1f s after it was there; the start ended with %d" % (name, took, moment, code))
    if moment == 0 and not REAL:
        assert code != 0, "a start that was given up says that all is well"
    assert took < BUILD_MS / 1000, "the destroy waited for the start"
    same(host.state(name), "shut off", "state")
    eventually("nothing to be left, but there is %s" % host.leftovers(), lambda: not host.leftovers())
