# tests: what belongs to no one folder: the library for golden tests, and the checks of the source itself.
# A golden test links $(VG_GOLDEN) and has -I$(top_srcdir)/tests in its CPPFLAGS ("lib/golden.h").
check_LTLIBRARIES += tests/lib/libgolden.la
tests_lib_libgolden_la_SOURCES = tests/lib/golden.c tests/lib/golden.h
tests_lib_libgolden_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_lib_libgolden_la_LIBADD = $(GLIB_LIBS)
VG_GOLDEN = tests/lib/libgolden.la

# What the source promises of itself. check-checks plants faults and sees whether the others find them.
dist_check_SCRIPTS += \
	build-aux/check-acceptance.sh \
	build-aux/check-checks.sh \
	build-aux/check-dist.sh \
	build-aux/check-exports.sh \
	build-aux/check-layers.sh \
	build-aux/check-potfiles.sh \
	build-aux/check-scenarios.sh \
	build-aux/check-sizes.sh \
	build-aux/check-words.sh
TESTS += \
	build-aux/check-acceptance.sh \
	build-aux/check-checks.sh \
	build-aux/check-exports.sh \
	build-aux/check-layers.sh \
	build-aux/check-potfiles.sh \
	build-aux/check-scenarios.sh \
	build-aux/check-sizes.sh \
	build-aux/check-words.sh
EXTRA_DIST += \
	build-aux/layers.awk build-aux/layers.txt \
	build-aux/sizes.awk build-aux/size-exceptions.txt

# A real Xen host in QEMU; takes minutes, so it is no part of make check. SCENARIOS="03 30" runs only those.
EXTRA_DIST += tests/xen-host
.PHONY: check-xen
check-xen: all
	$(top_srcdir)/tests/xen-host/check $(SCENARIOS)

# kill -9 in the middle of a start, KILLS=300 times, and what is orphaned: takes half an hour.
EXTRA_DIST += tests/kills.py
.PHONY: check-kills
check-kills: all
	$(top_srcdir)/tests/xen-host/kills

# Only in a build with --enable-sanitizers=thread: what changes threads, alone and in the whole daemon. A race ends it,
# and with it the scenario. GLib's slabs hand memory from thread to thread by locks that the sanitizer does not see.
THREAD_SCENARIOS = 03-life 05-vgpu 08-events 12-python 13-restart 33-console 34-screenshot 40-gpu-fails 50-hotplug 61-save 65-mdev-life
.PHONY: check-threads
check-threads: all tests/unit/test-job
	$(AM_TESTS_ENVIRONMENT) export G_SLICE=always-malloc TSAN_OPTIONS=halt_on_error=1; \
	  tests/unit/test-job && $(SYSTEM_PYTHON) $(top_srcdir)/tests/scenarios/run.py $(THREAD_SCENARIOS)

# What a start costs there, against xl: takes ten minutes.
.PHONY: bench-xen
bench-xen: all
	$(top_srcdir)/tests/xen-host/bench
