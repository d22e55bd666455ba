"""libvirt's Python binding: events by callback, many calls in flight on one connection, the close callback when the daemon goes."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import threading

from guests import guest, vgpu
from host import Failed, PATIENCE, REAL, Skip, same

HOSTS = ("simulated", "real")


def run(host):
    try:
        import libvirt
    except ImportError:
        raise Skip("no python3-libvirt") from None
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)], daemon=True).start()
    conn = host.connect()
    events(host, libvirt, conn)
    errors(libvirt, conn)
    in_flight(conn)
    closed = threading.Event()
    conn.registerCloseCallback(lambda c, reason, data: closed.set(), None)
    host.kill9()
    if not closed.wait(PATIENCE):
        raise Failed("the close callback was not called")
    host.start()


def events(host, libvirt, conn):
    seen, news = [], threading.Condition()

    def note(*what):
        with news:
            seen.append(what)
            news.notify_all()

    def wait_for(what, times=1):
        with news:
            if not news.wait_for(lambda: seen.count(what) >= times, PATIENCE):
                raise Failed("no event %r, only %r" % (what, seen))

    ids = [conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                       lambda c, d, event, detail, data: note(d.name(), event, detail), None),
           conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda c, d, data: note(d.name(), "reboot"), None)]
    dom = conn.defineXML(guest("py", vgpu() if host.has_gpus else ""))
    wait_for(("py", libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED))
    dom.create()
    wait_for(("py", libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED))
    dom.suspend()
    wait_for(("py", libvirt.VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED))
    dom.resume()
    wait_for(("py", libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED))
    host.wait_up("py")
    dom.reboot()
    wait_for(("py", "reboot"))
    wait_for(("py", libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED), 2)
    same(dom.isActive(), 1, "isActive after the reboot")
    stop = ("py", libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN)
    before = seen.count(stop)
    host.wait_up("py")
    dom.shutdown()
    wait_for(stop, before + 1)
    same(dom.isActive(), 0, "isActive")
    conn.defineXML(guest("py", vgpu() if host.has_gpus else "", uuid=dom.UUIDString(), vcpus=2))
    wait_for(("py", libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_UPDATED))
    dom.create()
    dom.destroy()
    wait_for(("py", libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED))
    dom.undefine()
    wait_for(("py", libvirt.VIR_DOMAIN_EVENT_UNDEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED_REMOVED))
    for ident in ids:
        conn.domainEventDeregisterAny(ident)
    # nothing comes any more: define something, and see that another subscriber has heard of it while we have not
    count = len(seen)
    other = threading.Event()
    third = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *args: other.set(), None)
    conn.defineXML(guest("later")).undefine()
    assert other.wait(PATIENCE), "the other subscriber heard nothing"
    same(len(seen), count, "events after deregistration")
    conn.domainEventDeregisterAny(third)


def errors(libvirt, conn):
    dom = conn.defineXML(guest("e"))
    for call, code in ((lambda: conn.lookupByName("nobody"), libvirt.VIR_ERR_NO_DOMAIN),
                       (lambda: conn.lookupByID(4711), libvirt.VIR_ERR_NO_DOMAIN),
                       (dom.suspend, libvirt.VIR_ERR_OPERATION_INVALID),
                       (dom.shutdown, libvirt.VIR_ERR_OPERATION_INVALID),
                       (dom.destroy, libvirt.VIR_ERR_OPERATION_INVALID),
                       (lambda: dom.metadata(2, "http://x/", 0), libvirt.VIR_ERR_NO_DOMAIN_METADATA),
                       (lambda: conn.defineXML("<domain/>"), libvirt.VIR_ERR_XML_ERROR),
                       (lambda: conn.getCPUModelNames("x86_64"), libvirt.VIR_ERR_NO_SUPPORT)):
        try:
            call()
        except libvirt.libvirtError as error:
            same(error.get_error_code(), code, "code of '%s'" % error)
        else:
            raise Failed("not refused, should be error %d" % code)
    dom.undefine()


def in_flight(conn):
    """Twelve threads on one connection: slow and fast calls overtake each other, each gets its own answer."""
    doms = [conn.defineXML(guest("t%d" % i, mib=16)) for i in range(4 if REAL else 12)]
    problems = []

    def work(i):
        try:
            dom = doms[i]
            for _ in range(2 if REAL else 5):
                dom.create()
                for _ in range(20):
                    same(conn.lookupByName("t%d" % i).UUIDString(), dom.UUIDString(), "uuid")
                    same(dom.info()[0] in (1, 2), True, "state")
                    assert "<name>t%d</name>" % i in dom.XMLDesc()
                dom.destroy()
        except BaseException as problem:
            problems.append((i, problem))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(doms))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * PATIENCE)
    same(problems, [], "problems")
    for dom in doms:
        dom.undefine()
