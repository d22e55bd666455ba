"""virsh event --all --loop sees a guest's whole life, in order; another program's filter sees only its own."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import guest
from host import eventually, has, lacks

HOSTS = ("simulated", "real")


def run(host):
    host.define(guest("b"))
    with host.watch_events("all", "--all"), host.watch_events("b", "--event", "lifecycle", "--domain", "b"):
        story(host)


def story(host):
    # both watch when both have told us of a first event
    def seen():
        host.virsh("start", "b")
        host.virsh("destroy", "b")
        return all("'b': Started" in host.heard(f) or "'b'" in host.heard(f) for f in ("all", "b"))
    eventually("the watchers to watch", seen)

    host.define(guest("a"))
    host.virsh("start", "a")
    host.virsh("suspend", "a")
    host.virsh("resume", "a")
    host.wait_up("a")
    host.virsh("reboot", "a")
    eventually("the reboot", lambda: "event 'reboot' for domain 'a'" in host.heard("all"))
    host.wait_state("a", "running")
    host.wait_up("a")
    host.virsh("metadata", "a", "--uri", "http://example.org/x", "--key", "x", "--set", "<x/>")
    host.virsh("shutdown", "a")
    host.wait_state("a", "shut off")
    host.virsh("undefine", "a")
    eventually("the last event", lambda: "Undefined" in host.heard("all"))

    lines = [line for line in host.heard("all").splitlines() if "'a'" in line]
    wanted = ["Defined Added", "Started Booted", "Suspended Paused", "Resumed Unpaused", "reboot", "metadata-change", "Stopped", "Undefined Removed"]
    at = 0
    for line in lines:
        if at < len(wanted) and wanted[at] in line:
            at += 1
    assert at == len(wanted), "no %r in order in:\n%s" % (wanted[at:], "\n".join(lines))
    has(host.heard("b"), "'b'")
    lacks(host.heard("b"), "'a'")
