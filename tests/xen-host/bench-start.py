#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a start takes: `virsh start` against `xl create` of the same guest, in turns, in one domain 0 (make bench-xen).

Runs in the domain 0 that tests/xen-host boots. Each pair is one start by either hand, the first one by turns, both ended
by `xl destroy` outside the measured time. What is printed: the median of the pairs' ratios, and the interval that holds the
true one with 95 % (bootstrap over the pairs). While xl starts a guest our daemon is stopped (SIGSTOP): a host that has
only xl has none. What libxl says of both guests is compared, so that like is measured with like.

A command costs before it asks for anything: under emulation, where all code is translated first, the many libraries of virsh
cost more than half of a start. So each pair also has one start on an open connection, as virt-manager or a cloud asks for it,
and one empty command of either hand; the second ratio is the call against xl without its empty command.
"""
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import libvirt

PAIRS = int(os.environ.get("PAIRS", "24"))
GOAL = 1.05
URI = "xen:///system"

KINDS = {
    "pvh": ("<os><type arch='x86_64' machine='xenpvh'>xenpvh</type><kernel>/guest/pvh</kernel></os>", "", 'type = "pvh"\nkernel = "/guest/pvh"\n'),
    "hvm": ("<os><type arch='x86_64' machine='xenfv'>hvm</type><kernel>/guest/hvm</kernel></os><features><acpi/><apic/><pae/></features>",
            "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>",
            'type = "hvm"\nkernel = "/guest/hvm"\nvnc = 1\nvnclisten = "127.0.0.1"\nusb = 0\n'),
}
XML = """<domain type='xen'><name>%s</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>%s
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash><devices>%s</devices></domain>
"""
CFG = 'name = "%s"\nmemory = 64\nvcpus = 1\n%s'


def run(*argv):
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit("%s: %s" % (" ".join(argv), done.stderr.decode()))


def timed(what, *args):
    began = time.monotonic()
    what(*args)
    return time.monotonic() - began


def libxl_says(name):
    """Of the running guest, without what must differ."""
    text = subprocess.run(["xl", "list", "-l", name], stdout=subprocess.PIPE, check=True).stdout
    config = json.loads(text)[0]["config"]
    for key in ("name", "uuid", "ssidref", "ssid_label", "xsdata"):
        config["c_info"].pop(key, None)
    return {"%s.%s" % (part, key): value for part in ("c_info", "b_info") for key, value in config[part].items()}


def interval(values):
    """Of the median, with 95 %."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(4000))
    return medians[100], medians[-101]


def wait_for_end(name):
    """Until the daemon has taken note."""
    while b"shut off" not in subprocess.run(["virsh", "-q", "-c", URI, "domstate", name], stdout=subprocess.PIPE, check=True).stdout:
        time.sleep(0.1)


class Host:
    def __init__(self, daemon, folder):
        self.daemon, self.folder = daemon, folder
        self.connection = libvirt.open(URI)

    def start(self, hand, kind):
        """-> seconds, what libxl says of the guest; which is gone afterwards."""
        name = kind
        if hand == "virsh":
            taken = timed(run, "virsh", "-q", "-c", URI, "start", kind)
        elif hand == "call":
            taken = timed(self.connection.lookupByName(kind).create)
        else:
            name = kind + "-xl"
            self.daemon.send_signal(signal.SIGSTOP)
            taken = timed(run, "xl", "create", "-q", os.path.join(self.folder, kind + ".cfg"))
            self.daemon.send_signal(signal.SIGCONT)
        says = libxl_says(name)
        run("xl", "destroy", name)
        if hand == "xl":
            time.sleep(0.5)  # the daemon takes note
        else:
            wait_for_end(kind)
        return taken, says


EMPTY = {"virsh": ("virsh", "-q", "-c", URI, "uri"), "xl": ("xl", "domid", "Domain-0")}


def compare(kind, says):
    for key in sorted(set(says["virsh"]) | set(says["xl"])):
        if says["virsh"].get(key) != says["xl"].get(key):
            print("%s: %s: %s by virsh, %s by xl" % (kind, key, says["virsh"].get(key), says["xl"].get(key)))


def ratio_of(ours, theirs):
    ratios = [a / b for a, b in zip(ours, theirs)]
    return (statistics.median(ratios), *interval(ratios))


def measure(kind, host):
    os_part, devices, cfg = KINDS[kind]
    for name, text in ((kind + ".xml", XML % (kind, os_part, devices)), (kind + ".cfg", CFG % (kind + "-xl", cfg))):
        with open(os.path.join(host.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    run("virsh", "-q", "-c", URI, "define", os.path.join(host.folder, kind + ".xml"))
    taken, says, empty = {"virsh": [], "call": [], "xl": []}, {}, {"virsh": [], "xl": []}
    for pair in range(-1, PAIRS):  # the first one warms up
        for hand in (("virsh", "call", "xl"), ("xl", "call", "virsh"))[pair % 2]:
            seconds, says[hand] = host.start(hand, kind)
            if pair >= 0:
                taken[hand].append(seconds)
                if hand in EMPTY:
                    empty[hand].append(timed(run, *EMPTY[hand]))
    compare(kind, says)
    median = {hand: statistics.median(seconds) for hand, seconds in taken.items()}
    ratio, low, high = ratio_of(taken["virsh"], taken["xl"])
    print("%s: virsh start %.3f s, xl create %.3f s, ratio %.3f (95 %%: %.3f to %.3f) of %d pairs, goal %.2f%s" %
          (kind, median["virsh"], median["xl"], ratio, low, high, PAIRS, GOAL, "" if ratio <= GOAL else "   MISSED"))
    net = [max(all_ - none, 0.001) for all_, none in zip(taken["xl"], empty["xl"])]
    print("%s: an empty command: virsh %.3f s, xl %.3f s; a start by an open connection %.3f s, ratio to xl's without its empty command %.3f (95 %%: %.3f to %.3f)" %
          ((kind, statistics.median(empty["virsh"]), statistics.median(empty["xl"]), median["call"]) + ratio_of(taken["call"], net)), flush=True)
    return ratio <= GOAL


def main():
    log = tempfile.TemporaryFile()
    daemon = subprocess.Popen(["virtgridd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    while not os.path.exists("/run/libvirt/virtxend-sock"):
        if daemon.poll() is not None:
            log.seek(0)
            sys.exit("virtgridd ended: " + log.read().decode())
        time.sleep(0.1)
    with tempfile.TemporaryDirectory() as folder:
        host = Host(daemon, folder)
        met = [measure(kind, host) for kind in KINDS]
        host.connection.close()
    daemon.terminate()
    daemon.wait()
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
