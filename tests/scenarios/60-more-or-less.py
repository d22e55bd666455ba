"""A guest gets more or less memory, vcpus and CPUs, now and from its next start on; and what is counted of it."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import NIC, REAL, guest
from host import eventually, has, same

HOSTS = ("simulated", "real")


def run(host):
    kind = "pvh" if REAL else "hvm"
    host.define(guest("m", "" if REAL else NIC % "00:16:3e:11:22:33", kind=kind, vcpus=2))
    off(host)
    host.virsh("start", "m")
    memory(host)
    vcpus(host)
    shares(host)
    counted(host)
    survives(host)
    host.virsh("destroy", "m")
    config(host)
    host.virsh("undefine", "m")


def off(host):
    host.refused("setmem", "m", "32M", "--live", because="not running")
    host.refused("setvcpus", "m", "1", "--live", because="not running")
    host.refused("vcpuinfo", "m", "--bogus", because="option")
    has(host.virsh("vcpupin", "m"), "0 ")
    has(host.virsh("schedinfo", "m"), "credit2")


def memory(host):
    host.virsh("setmem", "m", "32M", "--live")
    has(host.virsh("dumpxml", "m"), "<currentMemory unit='KiB'>32768</currentMemory>")
    has(host.virsh("dumpxml", "m", "--inactive"), "<currentMemory unit='KiB'>65536</currentMemory>")
    host.refused("setmem", "m", "65M", "--live", because="higher than max memory")
    host.refused("setmem", "m", "0", "--live", because="must not be zero")
    host.refused("setmaxmem", "m", "16M", "--live", because=["32768", "setmem"])
    if not REAL:  # a guest that knows no balloon keeps what it has
        has(host.virsh("dominfo", "m"), "Used memory:    32768 KiB", "Max memory:     65536 KiB")
        has(host.virsh("dommemstat", "m"), "actual 32768")
    host.virsh("setmem", "m", "64M", "--live")
    assert int(host.virsh("freecell").split()[1]) > 1024


def vcpus(host):
    host.virsh("setvcpus", "m", "1", "--live")
    same(host.virsh("vcpucount", "m", "--current", "--live"), "1", "vcpus")
    host.refused("setvcpus", "m", "3", "--live", because="3 > 2")
    host.refused("setvcpus", "m", "2", "--live", "--maximum", because="--config")
    host.virsh("setvcpus", "m", "2", "--live")
    host.virsh("vcpupin", "m", "0", "0", "--live")
    has(host.virsh("dumpxml", "m"), "<vcpupin vcpu='0' cpuset='0'/>")
    host.refused("vcpupin", "m", "7", "0", because="vcpu '7' is not active")
    lines = host.virsh("vcpuinfo", "m", "--pretty")
    has(lines, "VCPU:           0", "CPU Affinity:   0 (out of", "CPU time:")


def shares(host):
    host.virsh("schedinfo", "m", "weight=300", "cap=50")
    has(host.virsh("schedinfo", "m"), "weight         : 300", "cap            : 50")
    host.refused("schedinfo", "m", "weight=70000", because="65535")
    has(host.virsh("dumpxml", "m"), "<shares>300</shares>")


def counted(host):
    before = stats(host)
    same(before["state.state"], "1", "state")
    same(before["vcpu.maximum"], "2", "vcpus")
    same(before["balloon.maximum"], "65536", "maximum")
    eventually("time to pass", lambda: int(stats(host)["cpu.time"]) > int(before["cpu.time"]) or REAL)
    has(host.virsh("domstats", "--state", "--list-inactive", "--enforce"), "")
    host.refused("domstats", "--perf", "--enforce", because="not supported")
    if not REAL:
        same((before["net.count"], before["net.0.rx.bytes"]), ("1", "0"), "NIC")
        has(host.virsh("domifstat", "m", "00:16:3e:11:22:33"), "rx_bytes 0", "tx_drop 0")
        host.refused("domifstat", "m", "vif99.0", because="vif99.0")
    host.refused("domblkstat", "m", "xvdz", because="xvdz")


def survives(host):
    """What was changed live is still so for a new daemon."""
    host.kill9()
    host.start()
    has(host.virsh("dumpxml", "m"), "<vcpupin vcpu='0' cpuset='0'/>", "<shares>300</shares>")


def config(host):
    host.virsh("setmaxmem", "m", "96M", "--config")
    host.virsh("setmem", "m", "80M", "--config")
    host.virsh("setvcpus", "m", "1", "--config", "--maximum")
    xml = host.virsh("dumpxml", "m")
    has(xml, "<memory unit='KiB'>98304</memory>", "<currentMemory unit='KiB'>81920</currentMemory>", ">1</vcpu>")
    host.virsh("setmaxmem", "m", "64M", "--config")
    has(host.virsh("dumpxml", "m"), "<memory unit='KiB'>65536</memory>", "<currentMemory unit='KiB'>65536</currentMemory>")
    host.kill9()
    host.start()
    has(host.virsh("dumpxml", "m"), "<memory unit='KiB'>65536</memory>")


def stats(host):
    lines = [line.strip().split("=", 1) for line in host.virsh("domstats", "m").splitlines() if "=" in line]
    return dict(lines)
