"""Guests of other hands are shown and obey, but nobody acts for them; what happens to ours while the daemon is away is noticed."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import re

from guests import guest
from host import eventually, has, same

HOSTS = ("real",)
LOG_ALLOWED = [r"d\d+v0.* crash", r"Domain \d+ crashed"]

XL = """name = "%s"
type = "pvh"
kernel = "/guest/pvh"
memory = 64
on_poweroff = "destroy"
on_reboot = "preserve"
"""


def run(host):
    other_hands(host)
    while_away(host)
    by_itself(host)


def other_hands(host):
    host.run("xl", "create", host.file("x.cfg", XL % "theirs"))
    eventually("xl's guest to be shown", lambda: host.guests() == "theirs")
    same(host.virsh("domid", "theirs"), str(host.domains()["theirs"]), "id")
    has(host.virsh("dominfo", "theirs"), "Persistent:     no", "OS Type:        xenpvh")
    host.wait_state("theirs", "running")
    host.virsh("suspend", "theirs")
    same(host.state("theirs"), "paused", "state")
    host.virsh("resume", "theirs")
    host.wait_up("theirs")
    # its own monitor preserves it; ours would have restarted it
    ident = host.domains()["theirs"]
    host.tell_guest("theirs", "reboot")
    eventually("xl's own monitor to preserve it", lambda: "theirs" in host.domains() and ended(host) == 1)
    same(host.domains()["theirs"], ident, "id after its reboot")
    host.wait_state("theirs", "in shutdown")
    host.kill9()
    host.start()
    same(host.guests("--all"), "theirs", "guests after a restart of the daemon")
    host.virsh("destroy", "theirs")
    same(host.guests("--all"), "", "guests")
    same(host.domains(), {}, "domains")

    # xl takes it away
    host.run("xl", "create", host.file("x.cfg", XL % "theirs"))
    eventually("xl's guest to be shown", lambda: host.guests() == "theirs")
    host.run("xl", "destroy", "theirs")
    eventually("its end to be seen", lambda: host.guests("--all") == "")


def ended(host):
    """How many domains are there that have ended, as xl shows them."""
    return len(re.findall(r" [r-][b-][p-]s[a-z-][d-] ", host.run("xl", "list").out))


def while_away(host):
    for name in ("dies", "ends", "boots", "lives"):
        host.define(guest(name, kind="pv" if name == "lives" else "pvh"))
        host.virsh("start", name)
        host.wait_up(name)
    ids = host.domains()
    host.kill9()
    host.run("xl", "destroy", "dies")
    host.tell_guest("ends", "poweroff")
    host.tell_guest("boots", "reboot")
    eventually("two guests to have ended", lambda: ended(host) == 2)
    host.start()
    same(host.state("dies"), "shut off", "state")
    host.wait_state("ends", "shut off")
    eventually("the one that rebooted to be back", lambda: host.domains().get("boots", 0) > ids["boots"])
    same(host.guests(), "boots lives", "guests")
    same(host.virsh("domid", "lives"), str(ids["lives"]), "id of the one that was left alone")
    host.virsh("shutdown", "lives")
    host.wait_state("lives", "shut off")
    host.virsh("destroy", "boots")


def by_itself(host):
    """on_reboot, on_poweroff and on_crash, each as the guest itself brings it about."""
    settings = {"poweroff": "restart", "reboot": "destroy", "crash": "restart"}
    host.define(guest("acts", extra="".join("<on_%s>%s</on_%s>" % (w, a, w) for w, a in settings.items())))
    host.virsh("start", "acts")
    for word in ("poweroff", "crash", "reboot"):
        host.wait_up("acts")
        ident = host.domains()["acts"]
        host.tell_guest("acts", word)
        if settings[word] == "restart":
            eventually("it to come back after " + word, lambda i=ident: host.domains().get("acts", 0) > i and host.state("acts") == "running")
    host.wait_state("acts", "shut off")
    same(host.domains(), {}, "domains")
