# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine's own Xen: the daemon as it is installed, in the domain 0 that tests/xen-host boots. Each scenario finds and leaves an empty host."""
import glob
import os
import re
import subprocess

import host
import shell
import store
from host import Failed, eventually, same

SOCKETS = "/run/libvirt"
CONSOLES = "/var/log/xen/console"

# What kernel and hypervisor may say in every scenario: a pattern, and why.
EXPECTED = [
    (r"^\(d\d+\)", "a guest's own words, as its firmware's about its ACPI tables"),
]


def output(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=host.PATIENCE).stdout.decode("utf-8", "replace")


def processes():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                yield f.read().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            pass  # it has ended


class Host(host.Host):
    has_gpus = False

    def __init__(self, allowed=()):
        super().__init__(allowed)
        self.env["VIRTGRID_SOCKET"] = self.socket("virtgridd-sock")
        self.env.pop("XDG_RUNTIME_DIR")
        self.kernel_log()  # what was said before is not about this scenario
        self.shells = {}
        self.sweep()

    def command(self):
        return ["virtgridd"]

    def socket(self, name="virtxend-sock"):
        return os.path.join(SOCKETS, name)

    def state_dir(self):
        return "/run/virtgrid"

    def dump_dir(self):
        installed = "/usr/local/var/lib/virtgrid/dump"
        return installed if os.path.isdir(installed) else "/var/lib/virtgrid/dump"

    # --- the daemon, and virsh: under emulation the start of a process costs a second, so one virsh takes all commands -------------

    def start(self, *options):
        self.close_shells()
        super().start(*options)

    def stop(self):
        self.close_shells()
        super().stop()

    def close_shells(self):
        while self.shells:
            self.shells.popitem()[1].close()

    def virsh_result(self, options, args, ok, **more):
        if more or args[0].startswith("-") or any("\n" in str(a) for a in args):
            return super().virsh_result(options, args, ok, **more)
        key = " ".join(options)
        if key not in self.shells:
            self.shells[key] = shell.Shell(["virsh", "-q", *options], self.env, self.dir)
        return self.judge(host.Result(["virsh", *args], *self.shells[key].run(args)), ok)

    # --- what xl sees ------------------------------------------------------------------------------------------------

    def domains(self):
        """name -> id of what Xen runs, without domain 0."""
        rows = [line.split() for line in output("xl", "list").splitlines()[1:]]
        return {row[0]: int(row[1]) for row in rows if row[1] != "0"}

    def xenstore(self, path):
        return store.read(path)

    def frontends(self, domid, kind):
        """Which of "vbd", "vif", "pci" it has."""
        return store.names("/local/domain/%d/device/%s" % (domid, kind))

    def tell_guest(self, name, word):
        """The guest does it by itself, as far as the daemon can know."""
        self.run("xenstore-write", "/local/domain/%s/control/shutdown" % self.domains()[name], word)

    def change_machine(self, **members):
        pass  # it is as it is

    def wait_up(self, name):
        eventually("%s to be up" % name, lambda: self.xenstore("/local/domain/%s/data/up" % self.domains().get(name)) == "1")

    def console(self, name):
        path = os.path.join(CONSOLES, "guest-%s.log" % name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def leftovers(self):
        """What a host without guests must not have."""
        found = ["domain %s" % name for name in self.domains()]
        for folder in ("/local/domain", "/libxl", "/vm"):
            # libxl's own notes of drivers that functions came from are below /libxl/pci
            found += ["xenstore %s/%s" % (folder, name) for name in store.names(folder)
                      if name[0].isalnum() and name.strip("0-") and (folder, name) != ("/libxl", "pci")]
        found += ["process %s" % line for line in processes() if "qemu-system" in line and "-name dom0" not in line]
        found += ["emulator %s" % line for line in processes() if "--suspend=/var/lib/xen/demu-save" in line]
        found += ["mediated device %s" % d for d in glob.glob("/sys/bus/mdev/devices/*")]
        found += ["assignable %s" % d for d in glob.glob("/sys/bus/pci/drivers/pciback/*:*")]
        return found

    # --- beginning and end -------------------------------------------------------------------------------------------

    def sweep(self):
        for name in self.domains():
            output("xl", "destroy", name)
        for pattern in ("%s/etc/virtgrid/xen/*.xml", "%s/etc/virtgrid/xen/autostart/*", "%s/run/virtgrid/xen/*", "%s/var/run/virtgrid/xen/*"):
            for path in glob.glob(pattern % "") + glob.glob(pattern % "/usr/local"):
                os.unlink(path)
        for path in glob.glob(CONSOLES + "/*") + glob.glob(self.dump_dir() + "/*"):
            os.unlink(path)

    def kernel_log(self):
        """What the kernel and the hypervisor have said since it was asked last; kept beside Xen's own logs."""
        text = output("dmesg", "-c") + output("xl", "dmesg", "-c")
        with open("/var/log/xen/kernel-and-hypervisor.log", "a", encoding="utf-8") as f:
            f.write(text)
        return text.splitlines()

    def check_log(self):
        super().check_log()
        allowed = [*self.allowed, *(re.compile(pattern) for pattern, _reason in EXPECTED)]
        bad = [line for line in self.kernel_log()
               if re.search(r"\b(bug|oops|warning|error|fail(ed|ure)?|crash(ed)?|triple fault|call trace)\b", line, re.I)
               and not any(a.search(line) for a in allowed)]
        if bad:
            raise Failed("kernel or hypervisor logged:\n  " + "\n  ".join(bad[:20]))

    def check_empty(self):
        for name in self.domains():
            self.virsh("destroy", name, ok=None)
        same(self.leftovers(), [], "what is left when no guest runs")

    def clean(self):
        self.close_shells()
        super().clean()
        self.sweep()
