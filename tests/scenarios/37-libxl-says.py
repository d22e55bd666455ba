"""What libxl says: a failed start reports its words, the daemon's log has them with the domain's name, and the domain's own file has everything."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import os

from guests import guest
from host import Failed, has, lacks, same

HOSTS = ("real",)
LOG_ALLOWED = [r"libxl: (nokernel|nomodel): "]


def text_of(name):
    found = [path for prefix in ("", "/usr/local") for path in glob.glob("%s/var/log/virtgrid/libxl/%s.log" % (prefix, name))]
    same(len(found), 1, "logs of %s" % name)
    same(os.stat(found[0]).st_mode & 0o777, 0o600, "mode of %s" % found[0])
    with open(found[0], encoding="utf-8") as f:
        return f.read()


def run(host):
    host.define(guest("nokernel").replace("/guest/pvh", "/guest/none"))
    error = host.refused("start", "nokernel", because=["'nokernel' cannot be started", "/guest/none", "No such file", "libxl/nokernel.log"])
    lacks(error, "libxl_")  # where in its source it says so is for the log
    same(host.virsh("domstate", "nokernel", "--reason"), "shut off (failed)", "state")
    lines = [line for line in host.log() if "/guest/none" in line]
    if not lines or not all(" error: libxl: nokernel: " in line for line in lines):
        raise Failed("the daemon's log does not say whom it is about: %s" % lines)
    said = text_of("nokernel")
    has(said, " error: ", "/guest/none", " debug: ")

    host.define(guest("fine"))
    host.virsh("start", "fine")
    begun = text_of("fine")
    has(begun, "libxl_domain_create_new" if "libxl_domain_create_new" in begun else "create:", " debug: ")
    host.virsh("destroy", "fine")
    after = text_of("fine")
    assert after.startswith(begun) and len(after) > len(begun), "the destroy is not in the domain's log"
    lacks(after, "/guest/none")
    lacks("\n".join(host.log()), " debug: ")
    for name in ("nokernel", "fine"):
        host.virsh("undefine", name)
