#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every call that libvirt's own client library can make of us, against the test's driver: libvirt.so is the judge of each structure's layout."""
import os
import subprocess
import sys
import tempfile
import threading
import time

try:
    import libvirt
except ImportError:
    sys.exit(77)

ALPHA = "aaaaaaaa-0000-0000-0000-000000000001"
BETA = "bbbbbbbb-0000-0000-0000-000000000002"
failures = []


def check(what, got, wanted):
    if got != wanted:
        failures.append(what)
        print(f"{what}: {got!r}, not {wanted!r}")


def refused(what, code, call, *args):
    try:
        check(what, call(*args), f"error {code}")
    except libvirt.libvirtError as error:
        check(what, error.get_error_code(), code)
        return error.get_error_message()
    return ""


def host(conn):
    check("type", conn.getType(), "Xen")
    check("version", conn.getVersion(), 4017000)
    check("lib version", conn.getLibVersion(), 9000000)
    check("hostname", conn.getHostname(), "host")
    check("uri", conn.getURI().split("?")[0], "xen:///system")
    check("capabilities", conn.getCapabilities(), "<capabilities/>")
    check("domain capabilities", conn.getDomainCapabilities("/e", None, "pc", None, 0), "/e|-|pc|-|0")
    check("node info", conn.getInfo(), ["x86_64", 8192, 8, 3000, 1, 1, 4, 2])
    check("max vcpus", conn.getMaxVcpus(None), 128)
    check("max vcpus of a type", conn.getMaxVcpus("hvm"), 1)
    check("secure", conn.isSecure(), 1)
    check("encrypted", conn.isEncrypted(), 0)
    check("alive", conn.isAlive(), 1)
    check("security model", conn.getSecurityModel(), ["", ""])
    check("cpu map", conn.getCPUMap(), (8, [True] * 8, 8))
    check("free memory", conn.getFreeMemory(), 5 << 32)
    refused("a call we have not", libvirt.VIR_ERR_NO_SUPPORT, conn.getCellsFreeMemory, 0, 1)


def lists(conn):
    check("all", [d.name() for d in conn.listAllDomains()], ["alpha", "beta"])
    check("active", [(d.name(), d.ID(), d.UUIDString()) for d in conn.listAllDomains(1)], [("alpha", 7, ALPHA)])
    check("ids", conn.listDomainsID(), [7])
    check("number", conn.numOfDomains(), 1)
    check("defined", conn.listDefinedDomains(), ["beta"])
    check("number defined", conn.numOfDefinedDomains(), 1)
    check("by id", conn.lookupByID(7).name(), "alpha")
    check("by name", conn.lookupByName("beta").UUIDString(), BETA)
    check("by uuid", conn.lookupByUUIDString(BETA).name(), "beta")
    text = refused("nobody", libvirt.VIR_ERR_NO_DOMAIN, conn.lookupByName, "gamma")
    check("its text", text, "Domain not found: no domain with name 'gamma'")


def queries(conn):
    dom = conn.lookupByName("alpha")
    check("info", dom.info(), [1, 4096, 2048, 2, 123456789012345])
    check("state", dom.state(), [1, 3])
    check("xml", dom.XMLDesc(3), "<domain flags='3'/>")
    check("os type", dom.OSType(), "hvm")
    check("active", (dom.isActive(), dom.isPersistent(), dom.isUpdated()), (1, 1, 1))
    check("autostart", dom.autostart(), 1)
    check("managed save", dom.hasManagedSaveImage(), 1)
    check("snapshots", dom.snapshotNum(), 0)
    check("vcpus", dom.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_LIVE), 2)
    check("memory", dom.memoryStats(), {"actual": 2048, "rss": 4096})
    check("metadata", dom.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "urn:x"), "2 urn:x")
    check("messages", dom.messages(), ["one", "two"])
    beta = conn.lookupByName("beta")
    check("no messages", beta.messages(), [])
    refused("no metadata", libvirt.VIR_ERR_NO_DOMAIN_METADATA, beta.metadata, libvirt.VIR_DOMAIN_METADATA_TITLE, None)


def resources(conn):
    dom = conn.lookupByName("alpha")
    check("max memory", dom.maxMemory(), 4096)
    check("max vcpus", dom.maxVcpus(), 2)
    infos, maps = dom.vcpus()
    check("vcpus", infos, [(0, 1, 1234567890123, 5), (1, 2, 7, 0)])
    check("their maps", maps, [tuple(i in (0, 2) for i in range(8)), tuple(i in (1, 2) for i in range(8))])
    check("pins", dom.vcpuPinInfo(), maps)
    check("scheduler", dom.schedulerType(), ["credit2", 1])
    check("its parameters", (dom.schedulerParameters(), dom.schedulerParametersFlags(0)), ({"weight": 512}, {"weight": 512}))
    check("disk", dom.blockStats("xvda"), (1, 2, 3, 4, -1))
    check("NIC", dom.interfaceStats("vif7.0"), (1, 2, 3, 4, 5, 6, 7, 8))
    every = {"i": -3, "ui": 3, "l": -1, "ul": 1 << 40, "d": -0.625, "b": True, "s": "hello"}
    check("stats", [(d.name(), d.ID(), s) for d, s in conn.getAllDomainStats()],
          [("alpha", 7, every), ("beta", -1, {"i": -3, "ui": 3})])
    check("stats of one", [(d.name(), s) for d, s in conn.domainListGetStats([dom])], [("alpha", every), ("beta", {})])
    for call in ((dom.setMemory, 1), (dom.setMaxMemory, 2), (dom.setMemoryFlags, 3, 2), (dom.setVcpus, 4), (dom.setVcpusFlags, 5, 2),
                 (dom.pinVcpu, 0, (True, False)), (dom.pinVcpuFlags, 0, (True, False), 2),
                 (dom.setSchedulerParameters, {"weight": 9}), (dom.setSchedulerParametersFlags, {"cap": 9}, 1)):
        check("change", call[0](*call[1:]), 0)
    refused("no such parameter", libvirt.VIR_ERR_INVALID_ARG, dom.setSchedulerParameters, {"shares": 1})


def changes(conn):
    check("define", conn.defineXML("<domain/>").UUIDString(), ALPHA)
    check("define with flags", conn.defineXMLFlags("<domain/>", libvirt.VIR_DOMAIN_DEFINE_VALIDATE).name(), "alpha")
    check("create xml", conn.createXML("<domain/>", 0).ID(), 7)
    dom = conn.lookupByName("beta")
    check("create", dom.create(), 0)
    check("its id", dom.ID(), -1)
    check("create with flags", dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED), 0)
    check("its new id", dom.ID(), 7)
    check("others", [dom.suspend(), dom.resume(), dom.shutdown(), dom.shutdownFlags(1), dom.reboot(1), dom.destroy(), dom.destroyFlags(1),
                     dom.setAutostart(1), dom.undefine(), dom.undefineFlags(1)], [0] * 10)
    check("metadata", dom.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<a/>", "k", "urn:x"), 0)
    check("no metadata", dom.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None, None, None), 0)


def devices(conn):
    check("all", [d.name() for d in conn.listAllDevices()], ["pci_0000_05_00_0", "mdev_1"])
    check("of a kind", [d.name() for d in conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV)], ["mdev_1"])
    check("names", conn.listDevices("mdev"), ["mdev_1"])
    check("number", conn.numOfDevices(None), 2)
    mdev, gpu = conn.nodeDeviceLookupByName("mdev_1"), conn.nodeDeviceLookupByName("pci_0000_05_00_0")
    check("parent", mdev.parent(), "pci_0000_05_00_0")
    check("no parent", gpu.parent(), None)
    check("xml", gpu.XMLDesc(), "<device/>")
    check("caps", (gpu.numOfCaps(), gpu.listCaps()), (2, ["pci", "mdev_types"]))
    check("active", mdev.isActive(), 1)
    refused("nobody", libvirt.VIR_ERR_NO_NODE_DEVICE, conn.nodeDeviceLookupByName, "mdev_2")


def read_only(uri):
    conn = libvirt.openReadOnly(uri)
    check("reader's list", len(conn.listAllDomains()), 2)
    dom = conn.lookupByName("alpha")
    refused("reader's destroy", libvirt.VIR_ERR_OPERATION_DENIED, dom.destroy)
    check("reader's xml", dom.XMLDesc(0), "<domain flags='0'/>")
    conn.close()


def events(conn, server):
    seen = []
    arrived = threading.Condition()

    def note(*what):
        with arrived:
            seen.append(what)
            arrived.notify()

    def wait(number):
        with arrived:
            arrived.wait_for(lambda: len(seen) >= number, 10)

    name = lambda dom: f"{dom.name()} {dom.UUIDString()} {dom.ID()}"
    ids = [
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, d, e, x, o: note("life", name(d), e, x), None),
        conn.domainEventRegisterAny(conn.lookupByName("beta"), libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda c, d, o: note("reboot", name(d)), None),
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, lambda c, d, a, o: note("removed", name(d), a), None),
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, lambda c, d, a, o: note("added", name(d), a), None),
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, lambda c, d, t, u, o: note("metadata", name(d), t, u), None),
    ]
    alpha, beta = f"alpha {ALPHA} 7", f"beta {BETA} -1"
    for line in ("0 a 2 1 -", "1 a 0 0 -", "1 b 0 0 -", "15 a 0 0 hostdev0", "19 a 0 0 hostdev1", "23 a 2 0 urn:x", "23 b 0 0 -"):
        server.stdin.write(line + "\n")
    server.stdin.flush()
    wait(6)
    check("events", seen, [("life", alpha, 2, 1), ("reboot", beta), ("removed", alpha, "hostdev0"), ("added", alpha, "hostdev1"),
                           ("metadata", alpha, 2, "urn:x"), ("metadata", beta, 0, None)])
    for number in ids:
        conn.domainEventDeregisterAny(number)
    server.stdin.write("0 a 2 1 -\n")
    server.stdin.flush()
    conn.getLibVersion()
    time.sleep(0.05)
    check("no more events", len(seen), 6)


def close_callback(conn):
    conn.registerCloseCallback(lambda c, reason, o: None, None)
    conn.unregisterCloseCallback()


def run_loop():
    while True:
        libvirt.virEventRunDefaultImpl()


def main():
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(100, lambda *_: None, None)
    threading.Thread(target=run_loop, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sock")
        program = os.path.join(os.environ.get("builddir", "."), "tests/unit/proc-server")
        server = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check("server", server.stdout.readline(), "ready\n")
        conn = libvirt.open(f"xen:///system?socket={path}")
        conn.setKeepAlive(5, 3)
        for part in (host, lists, queries, changes, devices, close_callback):
            part(conn)
        events(conn, server)
        read_only(f"xen:///system?socket={path}-ro")
        check("close", conn.close(), 0)
        for uri in ("xen:///session", "xen:///nowhere"):
            refused(uri, libvirt.VIR_ERR_INVALID_ARG, libvirt.open, f"{uri}?socket={path}")
        refused("another scheme", libvirt.VIR_ERR_NO_CONNECT, libvirt.open, f"lxc:///system?socket={path}")
        server.stdin.close()
        check("the server's end", server.wait(10), 0)
    return 1 if failures else 0


sys.exit(main())
