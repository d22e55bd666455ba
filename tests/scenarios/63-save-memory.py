"""A guest of each kind comes back with its memory; what a full disk or a kill -9 ends in the middle leaves a guest that goes on, or a whole file, and no more."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import os
import time

from guests import guest
from host import Failed, eventually, same

HOSTS = ("real",)
LOG_ALLOWED = [
    r"No space left on device",  # of the disk that is too small
    # libxl itself, when it destroys a domain whose maker died before it had noted the type
    r"xenstore read failed: `/libxl/\d+/type'", r"unable to get domain type for domid",
]


def run(host):
    for kind in ("pvh", "hvm"):
        there_and_back(host, kind)
    host.define(guest("s", kind="pv", mib=16))
    disk_is_full(host)
    host.virsh("start", "s")
    dying_at_each_step(host)
    dying_while_it_is_written(host)
    dying_while_it_is_read(host)


def memory(host, name):
    """What the guest says of itself: the number of its birth, and how often it has come back with all its memory since."""
    return tuple(int(host.xenstore("/local/domain/%d/data/%s" % (host.domains()[name], key)) or "0", 16) for key in ("born", "lives"))


def start(host, name):
    host.virsh("start", name)
    host.wait_up(name)
    return memory(host, name)


def has_come_back(host, name, before):
    host.wait_up(name)
    same(memory(host, name), (before[0], before[1] + 1), "birth and lives of '%s'" % name)


def goes_on(host, name, before):
    """It has never been away, and hears what it is asked."""
    same(host.state(name), "running", "state")
    same(memory(host, name), before, "birth and lives of '%s'" % name)
    host.virsh("shutdown", name)
    host.wait_state(name, "shut off")


def files(host):
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(host.dir, "*.sav*")))


def there_and_back(host, kind):
    host.define(guest(kind, kind=kind, mib=16))
    before = start(host, kind)
    path = os.path.join(host.dir, kind + ".sav")
    host.virsh("save", kind, path)
    same((host.leftovers(), files(host)), ([], [kind + ".sav"]), "what there is of a saved guest")
    host.virsh("restore", path)
    has_come_back(host, kind, before)
    os.unlink(path)
    host.virsh("destroy", kind)


def disk_is_full(host):
    small = os.path.join(host.dir, "small")
    os.mkdir(small)
    host.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small)
    try:
        before = start(host, "s")
        host.refused("save", "s", os.path.join(small, "s.sav"), because="No space left")
        same(os.listdir(small), [], "what a save that failed leaves")
        goes_on(host, "s", before)
    finally:
        host.run("umount", small)


def dies(host, *command, at=None, when=None):
    """The daemon dies at the fault point @at of this, or as soon as @when says so; and another one starts."""
    if at:
        host.kill9()
        host.daemon_env["VIRTGRID_FAULT"] = at + "=kill"
        host.start()
        host.virsh(*command, ok=None)
        eventually("the daemon to be dead: %s comes by %s" % (command[0], at), lambda: not host.alive())
        del host.daemon_env["VIRTGRID_FAULT"]
    else:
        client = host.spawn("virsh", "-c", host.uri(), *command)
        eventually("%s to be under way" % command[0], lambda: when() or client.poll() is not None)
        if client.poll() is not None:
            raise Failed("%s was over before anybody could be killed" % command[0])
        host.kill9()
        client.wait(60)
    host.start()


def dying_at_each_step(host):
    """Until the file has its name the guest goes on, from then on the file is the guest."""
    path = os.path.join(host.dir, "s.sav")
    host.wait_up("s")
    before = memory(host, "s")
    for step in ("stream", "name"):
        dies(host, "save", "s", path, at="driver.save." + step)
        same((host.state("s"), files(host)), ("running", []), "guest and files after a death before '%s'" % step)
        same(memory(host, "s"), before, "birth and lives")
    dies(host, "save", "s", path, at="driver.save.done")
    same((host.state("s"), files(host), host.leftovers()), ("shut off", ["s.sav"], []), "guest and files after a death at the end")
    host.virsh("restore", path)
    has_come_back(host, "s", before)
    os.unlink(path)
    host.virsh("destroy", "s")


def dying_while_it_is_written(host):
    """libxl's own work has no fault points. Two moments: the guest still has to take its last step; its memory is being written."""
    host.define(guest("big", kind="pv", mib=160))
    path = os.path.join(host.dir, "big.sav")
    before = start(host, "big")
    for least in (0, 4 << 20):
        dies(host, "save", "big", path, when=lambda: any(os.path.getsize(p) > least for p in glob.glob(path + ".*")))
        same(files(host), [], "files after a death in the middle")
        eventually("the guest to go on", lambda: host.state("big") == "running" and ("shut" not in xen_says(host, "big")))
        same(memory(host, "big"), before, "birth and lives")
    goes_on(host, "big", before)


def xen_says(host, name):
    rows = [line.split() for line in host.run("xl", "list", name).out.splitlines()[1:]]
    return "shut" if "s" in rows[0][4] else "runs"


def dying_while_it_is_read(host):
    host.define(guest("read", kind="pv", mib=96))
    before = start(host, "read")
    host.virsh("managedsave", "read")
    dies(host, "start", "read", when=host.domains)
    if host.state("read") == "shut off":
        eventually("nothing to be left", lambda: not host.leftovers())
        host.virsh("start", "read")
    has_come_back(host, "read", before)
    host.virsh("destroy", "read")
    same(host.guests("--all", "--with-managed-save"), "", "managed saves")
