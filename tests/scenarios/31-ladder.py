"""kill -9 at every step of a start and of a stop: the next start of the daemon leaves nothing behind, and no guest that nobody knows."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import time

from guests import guest
from host import Failed, eventually, same

HOSTS = ("real",)

UP = ["intent", "ledger", "domain", "record", "unpause", "done"]  # between the others nothing of the guest changes
DOWN = ["domain", "intent"]


def die_at(host, point, *command):
    """The daemon dies at @point of @command, and is started again."""
    host.kill9()
    host.daemon_env["VIRTGRID_FAULT"] = point + "=kill"
    host.start()
    host.virsh(*command, ok=None)
    if host.alive():
        raise Failed("%s did not come by" % point)
    host.daemon_env.pop("VIRTGRID_FAULT")
    host.start()


def run(host):
    host.define(guest("g"))
    for step in UP:
        die_at(host, "driver.start." + step, "start", "g")
        # from when it is on record it is a guest like any other, before it is gone
        known = step in ("unpause", "done")
        eventually("what the death before '%s' left" % step, lambda k=known: bool(host.domains()) == k)
        same(host.guests(), "g" if known else "", "guests after a death before " + step)
        if known:
            host.virsh("destroy", "g")
        if known or step in ("domain", "record"):
            same(host.leftovers(), [], "what is left of a death before " + step)
    for step in DOWN:
        host.virsh("start", "g")
        die_at(host, "driver.stop." + step, "destroy", "g")
        same(set(host.domains()), {"g"} if host.state("g") == "running" else set(), "domains")
        if host.domains():
            host.virsh("destroy", "g")
        same(host.leftovers(), [], "what is left of a death before taking down " + step)
    while_libxl_builds(host)


def while_libxl_builds(host):
    """At moments of libxl's own work, which has no fault points: with a device model it takes long enough."""
    host.define(guest("h", kind="hvm"))
    for tenth in (5, 15, 30):
        starter = host.spawn("virsh", "-c", host.uri(), "start", "h")
        time.sleep(tenth / 10)
        host.kill9()
        starter.wait(60)
        host.start()
        same(sorted(host.domains()), host.guests().split(), "guests that somebody knows, killed after %d ms" % (tenth * 100))
        if host.domains():
            host.virsh("destroy", "h")
        eventually("nothing to be left", lambda: not host.leftovers())
