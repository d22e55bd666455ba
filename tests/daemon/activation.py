# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sockets handed over by a service manager: taken by their names, used, not removed at the end; what is missing is made; readiness is told."""
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import shutil

build = os.environ.get("builddir", os.getcwd())
top = tempfile.mkdtemp(prefix="vg", dir="/tmp")


def listener(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(8)
    return s


def auth_list(path):
    """AUTH_LIST must be answered: length, program, version, procedure, type 1, serial, status 0."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(path)
        s.sendall(struct.pack(">7I", 28, 0x20008086, 1, 66, 0, 7, 0))
        head = struct.unpack(">7I", s.recv(28))
    assert head[1:] == (0x20008086, 1, 66, 1, 7, 0), head


def main():
    handed = [listener(os.path.join(top, name)) for name in ("virtxend-sock", "other", "stray")]
    names = "virtgridd.socket:virtgridd-sock-ro:what"  # by its path, by its name, neither
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(os.path.join(top, "notify"))
    told.settimeout(60)

    def hand_over():
        for i, s in enumerate(handed):
            os.dup2(s.fileno(), 100 + i)
        for i in range(len(handed)):
            os.dup2(100 + i, 3 + i)

    env = dict(os.environ, VIRTGRID_DRIVER_DIR=build + "/tests/daemon/.libs", LISTEN_FDS="3", LISTEN_FDNAMES=names,
               NOTIFY_SOCKET=os.path.join(top, "notify"))
    # LISTEN_PID must be the daemon's own: a shell that becomes it says so.
    argv = ["/bin/sh", "-c", 'LISTEN_PID=$$; export LISTEN_PID; exec "$0" "$@"', build + "/virtgridd", "--simulate", top + "/h"]
    daemon = subprocess.Popen(argv, env=env, pass_fds=(3, 4, 5), preexec_fn=hand_over, stderr=subprocess.PIPE)
    try:
        assert told.recv(100) == b"READY=1"
        auth_list(os.path.join(top, "virtxend-sock"))
        auth_list(os.path.join(top, "other"))
        auth_list(os.path.join(top, "h/run/virtgridd-sock"))
        auth_list(os.path.join(top, "h/run/virtxend-sock-ro"))
        assert not os.path.exists(os.path.join(top, "h/run/virtxend-sock")), "made although handed over"
        assert not os.path.exists(os.path.join(top, "h/run/virtgridd-sock-ro")), "made although handed over"
        daemon.send_signal(signal.SIGTERM)
        assert told.recv(100) == b"STOPPING=1"
        err = daemon.communicate(timeout=60)[1].decode()
        assert daemon.returncode == 0, err
        assert "'what'" in err, err
        assert os.path.exists(os.path.join(top, "virtxend-sock")), "removed a socket of the service manager's"
    finally:
        if daemon.poll() is None:
            daemon.kill()
            sys.stderr.write(daemon.communicate()[1].decode())


try:
    main()
finally:
    shutil.rmtree(top)
