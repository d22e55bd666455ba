# SPDX-License-Identifier: LGPL-2.1-or-later
"""A simulated host with its daemon, and the ways into it: the packaged virsh, libvirt's Python binding, gridctl, raw bytes."""
import contextlib
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import wire

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
REAL = os.environ.get("SCENARIO_HOST") == "real"  # the Xen of this machine (real.py), not a simulated one
BUILD = os.environ.get("builddir") or os.path.join(TOP, "build")
SLOWNESS = 10 if REAL else 1  # a real host is an emulated one
# Seconds for anything that should take milliseconds. It is there for what never comes: a machine with sixteen others' work to do, and sanitizers, is slow.
PATIENCE = 180 if REAL else 60


class Skip(Exception):
    pass


class Failed(AssertionError):
    pass


def program(name):
    """A program of this build, without libtool's wrapper, which costs more than the program (Host.env says where its libraries are); on a real host, the installed one."""
    if REAL:
        return name
    for path in (os.path.join(BUILD, ".libs", name), os.path.join(BUILD, name)):
        if os.access(path, os.X_OK):
            return path
    raise Failed("%s is not built in %s" % (name, BUILD))


def eventually(what, condition, patience=PATIENCE):
    """Waits for a state that nothing announces; the value that ended the wait is returned."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("waited %d s for %s" % (patience, what))
        time.sleep(0.3 if REAL else 0.005)


def die_with_us():
    """In a child: no daemon outlives a scenario that is killed."""
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG


def end(child):
    """Asks a program to end, and waits until it has."""
    child.terminate()
    return child.wait(PATIENCE)


class Result:
    def __init__(self, argv, code, out, err):
        self.argv = argv
        self.code = code
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def __str__(self):
        return "$ %s\n%s%s(exit %d)" % (" ".join(self.argv), self.out, self.err, self.code)


class Host:
    has_gpus = True  # GRID cards, with the types that scenarios ask for

    def __init__(self, allowed=()):
        self.dir = tempfile.mkdtemp(prefix="vg", dir="/tmp")  # short: a socket's path ends at 107 bytes
        self.sim = os.path.join(self.dir, "h")
        self.log_path = os.path.join(self.dir, "log")
        self.allowed = [re.compile(a) for a in allowed]
        self.daemon = None
        self.told = []
        self.env = dict(os.environ, HOME=self.dir, XDG_CACHE_HOME=self.dir, XDG_CONFIG_HOME=self.dir, XDG_RUNTIME_DIR=self.dir,
                        LC_ALL="C.UTF-8", LIBVIRT_AUTOSTART="0", LD_LIBRARY_PATH=os.path.join(BUILD, ".libs"), VIRTGRID_SOCKET=self.socket("virtgridd-sock"))
        for name in ("LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEBUG"):
            self.env.pop(name, None)
        self.daemon_env = dict(self.env)
        for name in ("G_DEBUG", "MALLOC_PERTURB_", "MALLOC_CHECK_"):  # what make check tries on us is not for others
            self.env.pop(name, None)

    # --- the daemon --------------------------------------------------------------------------------------------------

    def socket(self, name="virtxend-sock"):
        return os.path.join(self.sim, "run", name)

    def uri(self, name="virtxend-sock", scheme="xen"):
        return "%s:///system?socket=%s" % (scheme, self.socket(name))

    def command(self):
        return [program("virtgridd"), "--simulate", self.sim]

    def start(self, *options):
        """Starts the daemon and returns when it answers."""
        log = open(self.log_path, "ab")
        self.daemon = subprocess.Popen([*self.command(), *options], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, env=self.daemon_env, cwd=self.dir, start_new_session=True,
                                       preexec_fn=None if REAL else die_with_us)
        log.close()
        eventually("the daemon to listen", self._listens)

    def _listens(self):
        if self.daemon.poll() is not None:
            raise Failed("the daemon ended with %d" % self.daemon.returncode)
        for name in ("virtxend-sock", "virtxend-sock-ro", "virtgridd-sock"):
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(self.socket(name))
                except OSError:
                    return False
        return True

    def add_gpu(self, card):
        """The machine has one more, as a row of host.json; a simulated one."""
        self.stop()
        path = os.path.join(self.sim, "host.json")
        with open(path, encoding="utf-8") as f:
            machine = json.load(f)
        machine["gpus"].append(card)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(machine, f)
        self.start()

    def state_dir(self):
        """Where the daemon keeps what is true until the host boots again."""
        return self.sim

    def dump_dir(self):
        return os.path.join(self.sim, "state", "dump")

    def pid(self):
        return self.daemon.pid

    def kill9(self):
        self.daemon.kill()
        self.daemon.wait(PATIENCE)
        self.daemon = None

    def stop(self):
        """Asks the daemon to end; it must, by itself, with 0."""
        if self.daemon is None:
            return
        self.daemon.terminate()
        try:
            code = self.daemon.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("the daemon does not end on SIGTERM") from None
        self.daemon = None
        if code != 0:
            raise Failed("the daemon ended with %d" % code)

    def alive(self):
        return self.daemon is not None and self.daemon.poll() is None

    def memory_kib(self, field="RssAnon"):
        with open("/proc/%d/status" % self.pid()) as status:
            return int(re.search(r"^%s:\s*(\d+)" % field, status.read(), re.M).group(1))

    def check_growth(self, before, most, what):
        """Has the daemon taken at most @most KiB more than @before? (A sanitizer keeps what was freed: then any growth is allowed.)"""
        with open("/proc/%d/maps" % self.pid()) as maps:
            if re.search("lib[at]san", maps.read()):
                return
        now = self.memory_kib()
        if now > before + most:
            raise Failed("the daemon grew from %d to %d KiB %s" % (before, now, what))

    def descriptors(self):
        """How many it keeps open: the fewest of several looks, for it may just be writing a file, or see that a client has gone."""
        counts = []
        for _ in range(20):
            counts.append(len(os.listdir("/proc/%d/fd" % self.pid())))
            time.sleep(0.01)
        return min(counts)

    def busy(self):
        """Seconds that its main loop has worked: what it does at a stretch nobody else is served in, however busy the machine is."""
        with open("/proc/%d/task/%d/schedstat" % (self.pid(), self.pid()), encoding="ascii") as f:
            return int(f.read().split()[0]) / 1e9

    # --- ways in -----------------------------------------------------------------------------------------------------

    def run(self, *argv, ok=True, stdin=None):
        """Runs a program; @ok says which way it must end (None: either)."""
        done = subprocess.run([str(a) for a in argv], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env,
                              cwd=self.dir, timeout=2 * PATIENCE, check=False)
        return self.judge(Result([str(a) for a in argv], done.returncode, done.stdout, done.stderr), ok)

    def judge(self, result, ok):
        self.told.append(str(result))
        if ok is not None and (result.code == 0) != ok:
            raise Failed("%s, but this ended with %d:\n%s" % ("should work" if ok else "should be refused", result.code, result))
        return result

    def spawn(self, *argv):
        """Runs a program beside us; whoever asked waits for it."""
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env)

    def virsh(self, *args, ok=True, ro=False, **more):
        """The packaged virsh. Returns what it printed, stripped; of a refusal, its error."""
        options = ["-r", "-c", self.uri("virtxend-sock-ro")] if ro else ["-c", self.uri()]
        result = self.virsh_result(options, args, ok, **more)
        if result.code == 0 and result.err.strip():
            raise Failed("virsh complains:\n%s" % result)
        return result.err.strip() if result.code else result.out.strip()

    def virsh_result(self, options, args, ok, **more):
        return self.run("virsh", "-q", *options, *args, ok=ok, **more)

    def guests(self, *options, ro=False):
        """What virsh list says with @options, without the host's own Domain-0: names in order, blanks between."""
        return " ".join(sorted(name for name in self.virsh("list", "--name", *options, ro=ro).split() if name != "Domain-0"))

    def gridctl(self, *args, ok=True, **more):
        result = self.run(program("gridctl"), *args, ok=ok, **more)
        return result.out if result.code == 0 else result.err.strip()

    def refused(self, *args, because, **more):
        """virsh must fail and say each of @because."""
        error = self.virsh(*args, ok=False, **more)
        for text in [because] if isinstance(because, str) else because:
            if text.lower() not in error.lower():
                raise Failed("refused, but not for '%s': %s" % (text, error))
        return error

    def define(self, xml):
        return self.virsh("define", self.file("guest.xml", xml))

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def connect(self, ro=False):
        """libvirt's own Python binding; its errors are kept from stderr."""
        try:
            import libvirt
        except ImportError:
            raise Skip("no python3-libvirt") from None
        libvirt.registerErrorHandler(lambda ctx, error: None, None)
        return libvirt.openReadOnly(self.uri("virtxend-sock-ro")) if ro else libvirt.open(self.uri())

    def wire(self, name="virtxend-sock"):
        return wire.Connection(self.socket(name), PATIENCE)

    @contextlib.contextmanager
    def watch(self, name, *argv):
        """A program that tells what happens, until the block ends; heard(name) is what it said so far."""
        with open(os.path.join(self.dir, name), "wb") as out:
            watcher = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env)
        try:
            yield watcher
        finally:
            end(watcher)

    def watch_events(self, name, *options, command="event"):
        """virsh event with @options. It writes each event at once, line by line, when told so."""
        return self.watch(name, "stdbuf", "-oL", "virsh", "-c", self.uri(), command, *options, "--loop")

    def heard(self, name):
        """Whole lines only: the last one may still be being written."""
        with open(os.path.join(self.dir, name), encoding="utf-8", errors="replace") as f:
            return "".join(line for line in f.read().splitlines(True) if line.endswith("\n"))

    # --- what the host itself says, without the daemon ---------------------------------------------------------------------

    def domains(self):
        """name -> id of what Xen runs, without domain 0."""
        found = {}
        for path in glob.glob(os.path.join(self.sim, "state", "xen", "[1-9]*.json")):
            ident = os.path.basename(path)[:-len(".json")]
            try:
                with open(path, encoding="utf-8") as f:
                    found[json.load(f).get("name") or "domain " + ident] = int(ident)
            except (FileNotFoundError, ValueError):
                pass  # it is gone meanwhile, or its configuration
        return found

    def leftovers(self):
        """What a host without guests must not have."""
        devices = glob.glob(os.path.join(self.sim, "state/kernel/sys/bus/mdev/devices/*"))
        return ["domain %s" % name for name in self.domains()] + ["mediated device %s" % d for d in devices]

    def tell_guest(self, name, word):
        """The guest does it by itself, as far as the daemon can know."""
        path = os.path.join(self.sim, "control", name)
        with open(self.file("word", word), encoding="utf-8"):
            os.rename(os.path.join(self.dir, "word"), path)

    def change_machine(self, **members):
        """Members of host.json; the daemon is started anew. Of a real host: nothing."""
        self.stop()
        path = os.path.join(self.sim, "host.json")
        with open(path, encoding="utf-8") as f:
            machine = json.load(f)
        machine.update(members)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(machine, f)
        self.start()

    def state(self, name):
        return self.virsh("domstate", name)

    def wait_up(self, name):
        """Until the guest hears what it is asked: a simulated one does at once."""

    def wait_state(self, name, state):
        eventually("%s to be %s" % (name, state), lambda: self.state(name) == state)

    # --- the end -----------------------------------------------------------------------------------------------------

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def check_empty(self):
        """A simulated host goes with its folder."""

    def check_log(self):
        bad = [line for line in self.log()
               if re.search(r"\b(warning|warn|error|critical)\b|runtime error|Sanitizer|(?i:assert)", line, re.I)
               and not any(a.search(line) for a in self.allowed)]
        if bad:
            raise Failed("the daemon logged:\n  " + "\n  ".join(bad[:20]))

    def tell(self):
        print("--- last commands")
        for text in self.told[-4:]:
            print(text[:4000])
        print("--- the daemon's log")
        for line in self.log()[-30:]:
            print(line[:400])

    def clean(self):
        if self.alive():
            self.daemon.terminate()
            try:
                self.daemon.wait(3)
            except subprocess.TimeoutExpired:
                os.kill(self.daemon.pid, signal.SIGKILL)
                self.daemon.wait(PATIENCE)
        if not os.environ.get("SCENARIO_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)


def pci_source(text):
    """<source> of a PCI device of the host."""
    domain, bus, rest = text.split(":")
    slot, function = rest.split(".")
    return "<source><address domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'/></source>" % (domain, bus, slot, function)


# --- comparing -------------------------------------------------------------------------------------------------------

def same(have, want, what="value"):
    if have != want:
        raise Failed("%s is %r, not %r" % (what, have, want))


def has(text, *parts):
    for part in parts:
        if part not in text:
            raise Failed("no %r in:\n%s" % (part, text))


def lacks(text, *parts):
    for part in parts:
        if part in text:
            raise Failed("%r in:\n%s" % (part, text))
