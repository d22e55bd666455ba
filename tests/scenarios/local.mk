# scenarios: the whole program, driven by the clients that people have. Found by scanning: a new one is a new file here.
dist_check_SCRIPTS += tests/scenarios/run.py
TESTS += tests/scenarios/run.py
EXTRA_DIST += tests/scenarios
tests/scenarios/run.log: virtgridd gridctl xen.la
