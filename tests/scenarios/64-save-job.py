"""While a save is under way clients see how far it is, and can have it given up; a destroy does not wait for its end."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import json
import os

from guests import guest
from host import Failed, eventually, has, same


def run(host):
    slow_down(host)
    host.define(guest("s", mib=1024))
    host.virsh("start", "s")
    same(host.virsh("domjobinfo", "s").split(), ["Job", "type:", "None"], "job info")
    host.refused("domjobabort", "s", because="no job is active")
    given_up(host)
    destroyed(host)


def slow_down(host):
    host.stop()
    config = os.path.join(host.sim, "host.json")
    with open(config, encoding="utf-8") as f:
        document = json.load(f)
    document["save_ms"] = 60000  # longer than anybody here waits
    with open(config, "w", encoding="utf-8") as f:
        json.dump(document, f)
    host.start()


def saving(host):
    """A client that waits for the end of a save whose progress can be seen."""
    client = host.spawn("virsh", "-c", host.uri(), "save", "s", os.path.join(host.dir, "s.sav"))
    eventually("the save to be under way", lambda: "Memory processed" in host.virsh("domjobinfo", "s"))
    has(host.virsh("domjobinfo", "s"), "Unbounded", "Save", "Time elapsed", "Memory total:     1.000 GiB")
    return client


def ended(client):
    if client.wait(60) == 0:
        raise Failed("the save was not given up")


def given_up(host):
    client = saving(host)
    host.virsh("domjobabort", "s")
    ended(client)
    same((host.state("s"), glob.glob(os.path.join(host.dir, "s.sav*"))), ("running", []), "guest and files")
    same(host.virsh("domjobinfo", "s").split(), ["Job", "type:", "None"], "job info")


def destroyed(host):
    client = saving(host)
    host.virsh("destroy", "s")
    ended(client)
    same((host.state("s"), glob.glob(os.path.join(host.dir, "s.sav*"))), ("shut off", []), "guest and files")
