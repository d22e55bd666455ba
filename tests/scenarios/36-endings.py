"""What becomes of a guest that ends by itself: every on_poweroff, on_reboot and on_crash; and one that does nothing but end harms nobody."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import os
import time

from guests import REAL, guest
from host import eventually, has, same

HOSTS = ("simulated", "real")
LOG_ALLOWED = [r"its core dump is '", r"ended by itself \d+ times in a row"]

ACTIONS = ("destroy", "restart", "rename-restart", "preserve")
DUMPS = ("coredump-destroy", "coredump-restart")
# each way to end, and each action, once: a start takes its time there
REAL_CASES = [("poweroff", "destroy"), ("poweroff", "preserve"), ("reboot", "restart"), ("reboot", "rename-restart"), ("crash", "destroy"),
              ("crash", "preserve"), ("crash", "coredump-restart")]
PATIENCE = 300 if REAL else 60  # a dump is slow under emulation
# how it ends -> the element, what it is when it is not started again, what it is when it is kept
ENDS = {"poweroff": ("on_poweroff", "shut off (shutdown)", "in shutdown (unknown)"),
        "reboot": ("on_reboot", "shut off (shutdown)", "in shutdown (unknown)"),
        "crash": ("on_crash", "shut off (crashed)", "crashed (panicked)")}


def ending(name, element, action, line="", kind="pvh"):
    xml = guest(name, kind=kind, mib=16, extra="<%s>%s</%s>" % (element, action, element))
    if not line:
        return xml
    xml = xml.replace("<boot dev='hd'/>", "<kernel>/boot/vmlinuz</kernel>")  # a simulated HVM guest
    return xml.replace("</kernel>", "</kernel><cmdline>%s</cmdline>" % line)


def run(host):
    cases = REAL_CASES if REAL else [(word, action) for word in ENDS for action in ACTIONS + (DUMPS if word == "crash" else ())]
    ids = {case: begin(host, *case) for case in cases}
    for word, action in cases:
        host.wait_up(name_of(word, action))
        host.tell_guest(name_of(word, action), word)
    for case in cases:
        check(host, *case, ids[case])
    eventually("nothing to be left", lambda: not host.leftovers())
    if REAL:
        return
    for kind in ("pv", "hvm"):
        by_itself(host, kind)
    loop(host)
    loop_of_crashes(host)


def name_of(word, action):
    return "%s-%s" % (word, action)


def begin(host, word, action):
    name = name_of(word, action)
    # Xen's library asks for a million pages of a PVH guest, whatever it has: that takes minutes under emulation
    host.define(ending(name, ENDS[word][0], action, kind="pv" if action in DUMPS else "pvh"))
    host.virsh("start", name)
    return host.virsh("domid", name)


def check(host, word, action, ident):
    element, off, kept = ENDS[word]
    name, what = name_of(word, action), "%s=%s" % (element, action)
    if "restart" in action:
        eventually(what + " to bring it back", lambda: host.virsh("domid", name) not in (ident, "-"), PATIENCE)
        host.wait_state(name, "running")
        same(host.virsh("domid", name), str(host.domains()[name]), "id")
        host.virsh("destroy", name)
    elif action == "preserve":
        eventually(what + " to keep it", lambda: host.virsh("domstate", name, "--reason") == kept)
        same(str(host.domains()[name]), ident, "id")
        host.refused("start", name, because="already")
        host.refused("resume", name, because="kept for inspection")
        host.virsh("destroy", name)
        same(host.virsh("domstate", name, "--reason"), "shut off (destroyed)", "state")
    else:
        eventually(what + " to end it", lambda: host.virsh("domstate", name, "--reason") == off, PATIENCE)
    eventually("nothing to be left after " + what, lambda: name not in host.domains())
    dumps = take_dumps(host, name)
    same(len(dumps), 1 if action in DUMPS else 0, "core dumps after " + what)
    assert all(dumps), "a core dump is empty"
    host.virsh("undefine", name)


def take_dumps(host, name):
    """Their sizes; they are removed."""
    sizes = []
    for path in glob.glob(os.path.join(host.dump_dir(), name + "-*")):
        sizes.append(os.path.getsize(path))
        os.unlink(path)
    return sizes


def by_itself(host, kind):
    """Its own system decides: for the other kinds."""
    host.define(ending("own", "on_reboot", "destroy", "quiet end=reboot", kind))
    host.virsh("start", "own")
    host.wait_state("own", "shut off")
    same(host.virsh("domstate", "own", "--reason"), "shut off (shutdown)", "state")
    host.virsh("undefine", "own")


def ids(host, name, count, seconds):
    """@count different ids that it had, or those it had in that time."""
    seen, end = [], time.monotonic() + seconds
    while len(seen) < count and time.monotonic() < end:
        ident = host.domains().get(name)
        if ident and ident not in seen:
            seen.append(ident)
        time.sleep(0.01)
    return seen


def loop(host):
    """One that does nothing but reboot is slowed down; others, and calls, do not feel it; whatever is asked of it is done at once."""
    host.define(guest("other", kind="pvh", mib=16))
    host.virsh("start", "other")
    host.define(ending("loop", "on_reboot", "restart", "end=reboot"))
    host.virsh("start", "loop")
    eventually("it to be slowed down", lambda: any("in a row" in line for line in host.log()))
    begin = time.monotonic()
    for _ in range(5):
        same(host.state("other"), "running", "another guest")
        has(host.virsh("dominfo", "loop"), "Name:           loop")
    assert time.monotonic() - begin < 60, "five questions took %.1f s beside a guest that reboots" % (time.monotonic() - begin)
    host.virsh("suspend", "other")
    host.virsh("resume", "other")
    eventually("it to be slowed down more", lambda: any("again in 8 s" in line for line in host.log()))
    begin = time.monotonic()
    host.virsh("destroy", "loop")
    assert time.monotonic() - begin < 60, "its end took %.1f s" % (time.monotonic() - begin)
    same(host.state("loop"), "shut off", "state")
    same(ids(host, "loop", 1, 1), [], "ids of a guest that was destroyed")
    # a client's start is a new beginning
    host.virsh("start", "loop")
    eventually("it to come again", lambda: len(ids(host, "loop", 2, 10)) == 2)
    host.virsh("destroy", "loop")
    host.virsh("undefine", "loop")
    host.virsh("destroy", "other")
    host.virsh("undefine", "other")


def loop_of_crashes(host):
    """The disk is not filled with dumps of one and the same; a daemon that stops meanwhile leaves a guest that runs."""
    before = len(host.log())
    host.define(ending("crashes", "on_crash", "coredump-restart", "end=crash"))
    host.virsh("start", "crashes")
    eventually("it to be slowed down", lambda: any("again in 2 s" in line for line in host.log()[before:]))
    host.stop()
    same(list(host.domains()), ["crashes"], "what runs without a daemon")
    host.start()
    same(host.guests("--all"), "crashes", "what there is")
    host.virsh("destroy", "crashes")
    # those of one second have one name; up to 4 by either daemon
    dumps = len(take_dumps(host, "crashes"))
    assert 1 <= dumps <= 8, "%d core dumps" % dumps
    host.virsh("undefine", "crashes")
