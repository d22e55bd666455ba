"""vGPUs as mediated devices of a real kernel: refused without an able device model; with one created, kept, removed; found again after kill -9."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import glob
import json
import os

from guests import guest, vgpu
from host import Skip, eventually, has, lacks, same

HOSTS = ("real",)
MACHINE = "gpus"
LOG_ALLOWED = [r"made by other hands", r"gridparent: (loading out-of-tree|module verification failed)"]

CONFS = ("/etc/virtgrid/virtgridd.conf", "/usr/local/etc/virtgrid/virtgridd.conf")  # where the installed daemon may have it
MODULE = "/guest/gridparent.ko"
LOG = "/var/log/xen/vfio-model.log"
OURS = "c0ffee00-0000-4000-8000-000000000001"
FOREIGN = "c0ffee00-0000-4000-8000-0000000000ff"
EIGHT = vgpu("GRID T4-8Q", "<address uuid='%s'/>" % OURS, after="<param name='frame_rate_limiter' value='0'/>")


def mdevs():
    return sorted(os.path.basename(p) for p in glob.glob("/sys/bus/mdev/devices/*"))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read().strip()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def grid(host, *args):
    return host.run("gridctl", *args).out


def run(host):
    if not os.path.exists(MODULE):
        raise Skip("the kernel's headers were missing, so there is no " + MODULE)
    conf = next(path for path in CONFS if os.path.exists(path))
    before = read(conf) + "\n"
    host.stop()
    host.run("modprobe", "-a", "mdev", "vfio")
    host.run("insmod", MODULE)
    try:
        host.start()
        story(host, conf)
    finally:
        if host.alive():
            host.stop()
        for uuid in mdevs():
            write("/sys/bus/mdev/devices/%s/remove" % uuid, "1")
        write(conf, before)
        host.run("rmmod", "gridparent")
    host.start()


def story(host, conf):
    gpus = json.loads(grid(host, "gpus", "--json"))["gpus"]
    same([g["driver"] for g in gpus], ["nvidia", "nvidia"], "drivers of the GPUs")
    same(len(host.virsh("nodedev-list", "--cap", "mdev_types").split()), 2, "parents of mediated devices")
    first, second = (g["address"] for g in gpus)
    without_an_able_model(host)
    write(conf, 'vfio_device_model = "/guest/vfio-model"\n')
    host.start()
    with_one(host, first, second)
    deaths(host)
    for name in ("g", "h"):
        host.virsh("undefine", name)


def without_an_able_model(host):
    host.define(guest("g", kind="hvm", devices=EIGHT))
    host.refused("start", "g", because=["VFIO under Xen", "page by page", "virtgridd.conf"])
    same((mdevs(), host.leftovers()), ([], []), "what a refused start left")
    host.stop()


def with_one(host, first, second):
    # somebody else has a device of another type on the first GPU
    write("/sys/bus/pci/devices/%s/mdev_supported_types/nvidia-231/create" % first, FOREIGN)
    host.stop()
    host.start()
    host.virsh("start", "g")
    same(mdevs(), sorted([OURS, FOREIGN]), "mediated devices")
    device = "/sys/bus/mdev/devices/" + OURS
    has(os.path.realpath(device), second)
    same(read(device + "/nvidia/vgpu_params"), "frame_rate_limiter=0", "parameters")
    has(read(LOG), "sysfsdev=%s,addr=0x0b" % device)
    has(host.virsh("dumpxml", "g"), "<bound backend='mdev'>", "<mdev uuid='%s'/>" % OURS)
    has(host.virsh("nodedev-list", "--cap", "mdev"), OURS.replace("-", "_"))
    has(grid(host, "vgpus"), OURS)

    host.define(guest("h", kind="hvm", devices=vgpu("GRID T4-16Q")))
    host.refused("start", "h", because=[first, second])
    same(mdevs(), sorted([OURS, FOREIGN]), "mediated devices after a refusal")

    domid = host.virsh("domid", "g")
    host.wait_up("g")
    host.virsh("reboot", "g")
    eventually("the guest's next life", lambda: host.virsh("domid", "g") not in (domid, "-"))
    same(mdevs(), sorted([OURS, FOREIGN]), "mediated devices after a reboot")

    host.kill9()
    host.start()
    same(host.state("g"), "running", "state after a death of the daemon")
    host.virsh("destroy", "g")
    same(mdevs(), [FOREIGN], "mediated devices at the end")
    write("/sys/bus/mdev/devices/%s/remove" % FOREIGN, "1")


def deaths(host):
    for point in ("driver.start.config", "driver.start.record", "driver.stop.vgpus"):
        host.kill9()
        host.daemon_env["VIRTGRID_FAULT"] = point + "=kill"
        host.start()
        if ".stop." in point:
            host.virsh("start", "g")
        host.virsh("destroy" if ".stop." in point else "start", "g", ok=None)
        eventually("the daemon to be dead at " + point, lambda: not host.alive())
        del host.daemon_env["VIRTGRID_FAULT"]
        host.start()
        same(mdevs(), [], "mediated devices after a death at " + point)
        eventually("nothing to be left", lambda: not host.leftovers())
    lacks(grid(host, "vgpus"), OURS)
