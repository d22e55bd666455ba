#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one scenario file: makes the host, calls run(host), looks at the daemon's log, takes everything down."""
import importlib.util
import os
import signal
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import host as hosts  # noqa: E402
import real  # noqa: E402


def main(path):
    spec = importlib.util.spec_from_file_location("scenario", path)
    scenario = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scenario)

    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
    kind = real.Host if hosts.REAL else hosts.Host
    host = kind(allowed=getattr(scenario, "LOG_ALLOWED", []))
    try:
        host.start()
        scenario.run(host)
        host.check_empty()
        host.stop()
        host.check_log()
        return 0
    except hosts.Skip as why:
        print("skipped: %s" % why)
        return 77
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        host.tell()
        return 1
    finally:
        sys.stdout.flush()
        host.clean()


code = main(sys.argv[1])
sys.stdout.flush()
os._exit(code)  # a thread stuck in a library must not keep a failed scenario alive
