#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs every scenario of this folder (or those whose names are given), each in a process of its own with a fresh simulated host.

A scenario is a file NN-name.py: its first line says what it shows, run(host) does it (lib/host.py), and the list LOG_ALLOWED, if there is one,
says which warnings the daemon may log. HOSTS = ("simulated", "real") marks one that also runs on a real Xen host, where SCENARIO_HOST=real (see
tests/xen-host/check); the default is ("simulated",). Prints one line with the time for each, everything for one that fails; with --list only their names. Exit 77: no virsh here.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TIME_LIMIT = int(os.environ.get("SCENARIO_TIMEOUT", "900"))


def is_for_us(path):
    """Read, not imported: a scenario may need what is not here."""
    with open(path, encoding="utf-8") as f:
        found = re.search(r"^HOSTS = (.*)$", f.read(), re.M)
    return os.environ.get("SCENARIO_HOST", "simulated") in (found.group(1) if found else '("simulated",)')


def run_one(path):
    begin = time.monotonic()
    child = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, "lib", "scenario.py"), path], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        out, _ = child.communicate(timeout=TIME_LIMIT)
        code = child.returncode
    except subprocess.TimeoutExpired:
        child.terminate()  # the scenario takes its own daemon down
        try:
            out, _ = child.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # it started a session of its own
            out, _ = child.communicate()
        out, code = out + b"\nno end after %d s\n" % TIME_LIMIT, 1
    return os.path.basename(path), code, time.monotonic() - begin, out.decode("utf-8", "replace")


def main():
    wanted = [a for a in sys.argv[1:] if a != "--list"]
    listing = "--list" in sys.argv
    if not listing and not shutil.which("virsh"):
        print("no virsh here")
        return 77
    paths = [p for p in sorted(glob.glob(os.path.join(HERE, "[0-9]*.py")))
             if is_for_us(p) and (not wanted or any(w in os.path.basename(p) for w in wanted))]
    if not paths:
        print("no scenario matches")
        return 1
    if listing:
        print("\n".join(os.path.basename(p) for p in paths))
        return 0
    worst, begin = 0, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("SCENARIO_JOBS", "2"))) as pool:
        for name, code, seconds, out in pool.map(run_one, paths):
            word = {0: "ok", 77: "skipped"}.get(code, "FAILED")
            print("%-8s %6.2f s  %s" % (word, seconds, name), flush=True)
            if word != "ok" or (wanted and out.strip()):
                print("    " + out.rstrip().replace("\n", "\n    "), flush=True)
            worst = worst or (1 if word == "FAILED" else 0)
    print("%d scenarios, %.1f s" % (len(paths), time.monotonic() - begin))
    return worst


sys.exit(main())
