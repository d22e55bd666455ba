"""A display emulator beside each guest (wish-15, wish-42, wish-55): started before QEMU, waited for, ended before the guest goes, found again after kill -9;
a start says what is wrong with it, and nothing is left."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import json
import os
import shutil
import signal

from guests import guest, vgpu
from host import REAL, TOP, eventually, has, lacks, program, same

HOSTS = ("simulated",)
MACHINE = "gpus"
LOG_ALLOWED = [
    r"the display emulator of domain '\w+' has ended",
    # libxl learns that the device model did not become one
    r"domain \d+ device model", r"[Dd]evice model", r"device model \S+ not ready", r"died during startup", r"unable to get my domain type",
    r"Non-existant domain", r"Unable to destroy guest", r"Destruction of domain failed", r"failed to write to /proc", r"qemu_|QMP",
    r"^\S+ xen: .*Bootloader",
]

CONFS = ("/etc/virtgrid/virtgridd.conf", "/usr/local/etc/virtgrid/virtgridd.conf")
UUID = "c0ffee00-0000-4000-8000-000000000001"
BOARD = (0x1234, 0x1111) if REAL else (0x10de, 0x0ff2)
CATALOGUE = """<?xml version="1.0" encoding="utf-8"?>
<vgpuconfig>
  <vgpuType id="77" name="GRID X-1Q" class="Quadro">
    <devId vendorId="0x10de" deviceId="0x1111" subsystemVendorId="0x10de" subsystemId="0x2222"/>
    <framebuffer>0x10000000</framebuffer><fbReservation>0x4000000</fbReservation>
    <numHeads>2</numHeads><display width="1920" height="1200"/><multiVgpuSupported>1</multiVgpuSupported>
  </vgpuType>
  <pgpu><devId vendorId="0x%04x" deviceId="0x%04x" subsystemVendorId="0x0" subsystemId="0x0"/>
    <supportedVgpu vgpuId="77"><maxVgpus>2</maxVgpus></supportedVgpu>
  </pgpu>
</vgpuconfig>
""" % BOARD


class Emulator:
    """The stand-in, in a folder of its own: how it is to behave, and what it was called with."""

    def __init__(self, host):
        self.host = host
        self.path = os.path.join(host.dir, "emulator")
        shutil.copy(os.path.join(TOP, "tests/scenarios/lib/emulator.sh") if not REAL else "/srv/scenarios/lib/emulator.sh", self.path)

    def tell(self, how):
        self.host.file("how", how + "\n")

    def calls(self):
        try:
            with open(os.path.join(self.host.dir, "calls"), encoding="utf-8") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def last(self):
        """Number and arguments of the one called last."""
        pid, args = [line for line in self.calls() if not line.endswith(" ended")][-1].split(" ", 1)
        return int(pid), args

    def alive(self):
        """Numbers of all that run: their own arguments say so."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if self.path.encode() in words:
                found.append(int(path.split("/")[2]))
        return found


def key(host, domid, name):
    if REAL:
        return host.xenstore("/local/domain/%s/%s" % (domid, name))
    try:
        with open(os.path.join(host.sim, "state/xen/store", domid, name), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def grid(host, *args):
    return host.run("gridctl" if REAL else program("gridctl"), *args).out


def capacity(host):
    return grid(host, "capacity", "--json")


def run(host):
    emulator = Emulator(host)
    conf = next(path for path in CONFS if os.path.exists(path)) if REAL else os.path.join(host.sim, "etc/virtgridd.conf")
    with open(conf, encoding="utf-8") if os.path.exists(conf) else open(os.devnull, encoding="utf-8") as f:
        before = f.read()
    catalogue = host.file("vgpuConfig.xml", CATALOGUE)
    try:
        if REAL:
            without_one(host, conf, catalogue)
        configure(host, conf, 'emulator = "%s"\nvendor_catalogue = "%s"\n' % (emulator.path, catalogue))
        free = capacity(host)
        life(host, emulator)
        ends_by_itself(host, emulator, free)
        will_not_start(host, emulator, free)
        deaths(host, emulator, free)
        if not REAL:
            never_ready(host, emulator, conf, catalogue)
        host.virsh("undefine", "g")
    finally:
        if host.alive():
            host.stop()
        with open(conf, "w", encoding="utf-8") as f:
            f.write(before)
    host.start()


def configure(host, conf, text):
    if host.alive():
        host.stop()
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text)
    host.start()


def without_one(host, conf, catalogue):
    configure(host, conf, 'vendor_catalogue = "%s"\n' % catalogue)
    host.define(guest("g", kind="hvm", devices=vgpu("GRID X-1Q", "<address uuid='%s'/>" % UUID)))
    host.refused("start", "g", because=["no display emulator"])
    same(host.leftovers(), [], "what a refused start left")
    host.virsh("undefine", "g")


def life(host, emulator):
    host.define(guest("g", kind="hvm", devices=vgpu("GRID X-1Q", "<address uuid='%s'/>" % UUID)))
    has(grid(host, "config", "g"), "virtgrid-dm", "-virtgrid-order")
    host.virsh("start", "g")
    domid = host.virsh("domid", "g")
    pid, args = emulator.last()
    has(args, "--domain=%s " % domid, "--vcpus=1 ", ",77,0000:00:0b.0," + UUID)
    same(key(host, domid, "vgpu/state"), "running", "what it said when the guest runs")
    same(key(host, domid, "vgpu-pid"), str(pid), "its process")
    same(emulator.alive(), [pid], "emulators")
    has(host.virsh("dumpxml", "g"), "<bound backend='emulator'>")
    has(grid(host, "vgpus"), UUID)
    if REAL:
        qemu_came_after(pid)

    host.wait_up("g")
    host.virsh("reboot", "g")
    eventually("the guest's next life", lambda: host.virsh("domid", "g", ok=None) not in (domid, "-") and host.state("g") == "running")
    again, args = emulator.last()
    has(args, "--domain=%s " % host.virsh("domid", "g"))
    assert again != pid, "the guest's next life has the emulator of the one before"
    same(emulator.alive(), [again], "emulators after a reboot")
    has("\n".join(emulator.calls()), "%d ended" % pid)

    host.kill9()
    host.start()
    same(host.state("g"), "running", "state after a death of the daemon")
    same(emulator.alive(), [again], "emulators after a death of the daemon")
    host.virsh("destroy", "g")
    same(emulator.alive(), [], "emulators at the end")
    has("\n".join(emulator.calls()), "%d ended" % again)


def qemu_came_after(pid):
    """QEMU is what started it."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
        parent = f.read().rsplit(")", 1)[1].split()[1]
    with open("/proc/%s/cmdline" % parent, "rb") as f:
        line = f.read().replace(b"\0", b" ").decode()
    has(line, "qemu-system", "-xen-domid")
    lacks(line, "-virtgrid-order")


def ends_by_itself(host, emulator, free):
    host.virsh("start", "g")
    with host.watch_events("heard", "--all"):
        eventually("the watcher to listen", lambda: knocks(host, "g", "heard"))
        os.kill(emulator.last()[0], signal.SIGKILL)
        host.wait_state("g", "shut off")
        eventually("the event", lambda: "Stopped Crashed" in host.heard("heard"))
    has(host.virsh("domstate", "g", "--reason"), "crashed")
    gone(host, emulator, free)

    host.define(guest("g", kind="hvm", devices=vgpu("GRID X-1Q", "<address uuid='%s'/>" % UUID),
                      uuid=host.virsh("domuuid", "g"), extra="<on_crash>preserve</on_crash>"))
    host.virsh("start", "g")
    os.kill(emulator.last()[0], signal.SIGKILL)
    host.wait_state("g", "crashed")
    host.refused("resume", "g", because="kept for inspection")
    host.virsh("destroy", "g")
    gone(host, emulator, free)
    host.define(guest("g", kind="hvm", devices=vgpu("GRID X-1Q", "<address uuid='%s'/>" % UUID), uuid=host.virsh("domuuid", "g")))


def knocks(host, name, heard):
    """A watcher says nothing when it begins to listen: something harmless happens until it is heard."""
    host.virsh("desc", name, "--live", "--title", "--new-desc", "knock")
    return "metadata" in host.heard(heard).lower()


def will_not_start(host, emulator, free):
    for how, why in (("error nomem", "'nomem': there is not enough memory"), ("exit 3", "ended with status 3"), ("broken vmiop", "'vmiop': the vendor's library")):
        emulator.tell(how)
        lacks(host.refused("start", "g", because=["display emulator", why]), "internal error")
        same(host.state("g"), "shut off", "state after '%s'" % how)
        gone(host, emulator, free)
    emulator.tell("run")


def gone(host, emulator, free):
    eventually("emulators to be gone", lambda: not emulator.alive())
    eventually("the capacity to be what it was", lambda: capacity(host) == free)
    eventually("the vGPU to be gone", lambda: UUID not in grid(host, "vgpus"))
    if REAL:
        eventually("nothing to be left", lambda: not host.leftovers())


def settled(host):
    """The guest's state, once what a daemon before left half done is put right."""
    def state():
        now = host.state("g")
        return now if now in ("running", "shut off") else None
    return eventually("the guest to be running or shut off", state)


def deaths(host, emulator, free):
    """The daemon dies between two steps of its own."""
    for point in ("driver.start.record", "driver.start.ready", "driver.start.unpause", "driver.stop.domain"):
        host.kill9()
        host.daemon_env["VIRTGRID_FAULT"] = point + "=kill"
        host.start()
        if ".stop." in point:
            host.virsh("start", "g")
        host.virsh("destroy" if ".stop." in point else "start", "g", ok=False)
        eventually("the daemon to die at " + point, lambda: not host.alive())
        del host.daemon_env["VIRTGRID_FAULT"]
        host.start()
        if settled(host) == "running":
            same(len(emulator.alive()), 1, "emulators of a guest that runs, after a death at " + point)
            host.virsh("destroy", "g")
        gone(host, emulator, free)


def never_ready(host, emulator, conf, catalogue):
    """The guest stands as long as the emulator does not run; then the start gives up and says which limit that was."""
    emulator.tell("stuck")
    configure(host, conf, 'emulator = "%s"\nvendor_catalogue = "%s"\nemulator_ready_timeout = 1\n' % (emulator.path, catalogue))
    free = capacity(host)
    host.refused("start", "g", because=["not ready after 1 s", "emulator_ready_timeout"])
    gone(host, emulator, free)
