# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine's own Xen: the daemon as it is installed, in the domain 0 that tests/xen-host boots. Each scenario finds and leaves an empty host."""
import glob
import os
import re
import subprocess

import host
from host import Failed, eventually, same

SOCKETS = "/run/libvirt"
CONSOLES = "/var/log/xen/console"


def output(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=60).stdout.decode("utf-8", "replace")


class Host(host.Host):
    has_gpus = False

    def __init__(self, allowed=()):
        super().__init__(allowed)
        self.env["VIRTGRID_SOCKET"] = self.socket("virtgridd-sock")
        self.env.pop("XDG_RUNTIME_DIR")
        self.kernel_seen = len(self.kernel_log())
        self.sweep()

    def command(self):
        return ["virtgridd"]

    def socket(self, name="virtxend-sock"):
        return os.path.join(SOCKETS, name)

    # --- what xl sees ------------------------------------------------------------------------------------------------

    def domains(self):
        """name -> id of what Xen runs, without domain 0."""
        rows = [line.split() for line in output("xl", "list").splitlines()[1:]]
        return {row[0]: int(row[1]) for row in rows if row[1] != "0"}

    def xenstore(self, path):
        return output("xenstore-read", path).strip()

    def tell_guest(self, name, word):
        """The guest does it by itself, as far as the daemon can know."""
        self.run("xenstore-write", "/local/domain/%s/control/shutdown" % self.domains()[name], word)

    def wait_up(self, name):
        eventually("%s to be up" % name, lambda: self.xenstore("/local/domain/%s/data/up" % self.domains()[name]) == "1")

    def spawn(self, *argv):
        """Runs a program beside us; whoever asked waits for it."""
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env)

    def console(self, name):
        path = os.path.join(CONSOLES, "guest-%s.log" % name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def leftovers(self):
        """What a host without guests must not have."""
        found = ["domain %s" % name for name in self.domains()]
        found += ["xenstore /local/domain/%s" % d for d in output("xenstore-list", "/local/domain").split() if d != "0"]
        found += ["xenstore /libxl/%s" % d for d in output("xenstore-list", "/libxl").split() if d.isdigit() and d != "0"]
        found += ["xenstore /vm/%s" % d for d in output("xenstore-list", "/vm").split() if d.strip("0-")]
        found += ["process %s" % line for line in output("pgrep", "-a", "qemu").splitlines() if "-name dom0" not in line]
        found += ["mediated device %s" % d for d in glob.glob("/sys/bus/mdev/devices/*")]
        found += ["assignable %s" % d for d in output("xl", "pci-assignable-list").splitlines()]
        return found

    # --- beginning and end -------------------------------------------------------------------------------------------

    def sweep(self):
        for name in self.domains():
            output("xl", "destroy", name)
        for pattern in ("%s/etc/virtgrid/xen/*.xml", "%s/etc/virtgrid/xen/autostart/*", "%s/run/virtgrid/xen/*", "%s/var/run/virtgrid/xen/*"):
            for path in glob.glob(pattern % "") + glob.glob(pattern % "/usr/local"):
                os.unlink(path)
        for path in glob.glob(CONSOLES + "/*"):
            os.unlink(path)

    def kernel_log(self):
        return output("dmesg").splitlines() + output("xl", "dmesg").splitlines()

    def check_log(self):
        super().check_log()
        bad = [line for line in self.kernel_log()[self.kernel_seen:]
               if re.search(r"\b(bug|oops|warning|error|fail(ed|ure)?|crash|triple fault|call trace)\b", line, re.I)
               and not any(a.search(line) for a in self.allowed)]
        if bad:
            raise Failed("kernel or hypervisor logged:\n  " + "\n  ".join(bad[:20]))

    def check_empty(self):
        for name in self.domains():
            self.virsh("destroy", name, ok=None)
        same(self.leftovers(), [], "what is left when no guest runs")

    def clean(self):
        super().clean()
        self.sweep()
