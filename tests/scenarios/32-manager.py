"""Exactly one manager: beside libvirt's own Xen driver the daemon refuses to start and names who is there; and the other way round."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import subprocess

from host import eventually, has

HOSTS = ("real",)
LOCK = "/run/libvirt/libxl/driver.pid"

# takes the lock as libvirt's driver does
HOLDER = """import fcntl, os, struct, time
fd = os.open(%r, os.O_WRONLY | os.O_CREAT, 0o644)
fcntl.fcntl(fd, fcntl.F_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
os.ftruncate(fd, 0)
os.write(fd, str(os.getpid()).encode())
print("held", flush=True)
time.sleep(600)
""" % LOCK


def run(host):
    with open(LOCK, encoding="utf-8") as f:
        assert int(f.read()) == host.pid(), "not our process id"
    taken = subprocess.run(["/usr/bin/python3", "-c", HOLDER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert taken.returncode != 0, "another manager could take the lock"
    host.stop()

    other = subprocess.Popen(["/usr/bin/python3", "-c", HOLDER], stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        why = host.run(*host.command(), ok=False).err
        has(why, "python3", str(other.pid), LOCK, "only one manager")
    finally:
        other.kill()
        other.wait()
    eventually("the lock to be free", lambda: not os.path.exists("/proc/%d" % other.pid))
    host.start()
