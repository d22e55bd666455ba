# driver: the module xen.so, which exports vg_driver and nothing else. The same objects are a convenience library for tests in process.
noinst_LTLIBRARIES += libdriver.la
libdriver_la_SOURCES = \
	src/api/driver.h \
	src/api/types.h \
	src/driver/affect.c \
	src/driver/affect.h \
	src/driver/console.h src/driver/console.c \
	src/driver/coredump.h src/driver/coredump.c \
	src/driver/control.c \
	src/driver/screenshot.h src/driver/screenshot.c \
	src/driver/define.c \
	src/driver/domains.c \
	src/driver/domains.h \
	src/driver/edit.c \
	src/driver/edit.h \
	src/driver/emulators.c \
	src/driver/emulators.h \
	src/driver/events.c \
	src/driver/figures.c \
	src/driver/given.c \
	src/driver/given.h \
	src/driver/grid.c \
	src/driver/grid_watch.c \
	src/driver/health.c \
	src/driver/health.h \
	src/driver/held.c \
	src/driver/host.c \
	src/driver/image.c \
	src/driver/save.c src/driver/work.h src/driver/work.c \
	src/driver/save.h \
	src/driver/savefile.c \
	src/driver/savefile.h \
	src/driver/hotplug.c \
	src/driver/hub.h \
	src/driver/ladder.c \
	src/driver/ladder.h \
	src/driver/leftovers.c \
	src/driver/leftovers.h \
	src/driver/live.c \
	src/driver/load.c \
	src/driver/markup.c \
	src/driver/markup.h \
	src/driver/mdev_ops.c \
	src/driver/mdevs.c \
	src/driver/mdevs.h \
	src/driver/metadata.c \
	src/driver/module.c \
	src/driver/network.c \
	src/driver/network.h \
	src/driver/nodedev.c \
	src/driver/nodedev_pci.c \
	src/driver/ops.c \
	src/driver/pcidevs.c \
	src/driver/pcidevs.h \
	src/driver/ports.c \
	src/driver/ports.h \
	src/driver/query.c \
	src/driver/query.h \
	src/driver/reading.c \
	src/driver/real.c \
	src/driver/real.h \
	src/driver/recover.c \
	src/driver/run.c \
	src/driver/run.h \
	src/driver/rungs.c \
	src/driver/rungs.h \
	src/driver/state.c \
	src/driver/state.h \
	src/driver/telemetry.c \
	src/driver/telemetry.h \
	src/driver/stats.c \
	src/driver/tune.c \
	src/driver/vgpu_plug.c \
	src/driver/vgpu_plug.h
libdriver_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
libdriver_la_CFLAGS = $(AM_CFLAGS) $(LIBVIRT_CFLAGS)
VG_DRIVER_LIBS = liblife.la libgpu.la libxen.la libsim.la
libdriver_la_LIBADD = $(VG_DRIVER_LIBS) $(VG_CORE) $(LIBVIRT_LIBS)

driver_LTLIBRARIES += xen.la
xen_la_SOURCES =
xen_la_LIBADD = libdriver.la $(LIBVIRT_LIBS) $(GLIB_LIBS)
xen_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -export-symbols-regex '^vg_driver$$' $(VG_MODULE_LDFLAGS)

VG_RIG = tests/unit/rig.c tests/unit/rig.h $(VG_SCRATCH)
VG_RIG_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit $(LIBVIRT_CFLAGS)
VG_RIG_LDADD = libdriver.la $(VG_CORE) $(LIBVIRT_LIBS) $(XEN_LIBS) $(PCIACCESS_LIBS) $(GLIB_LIBS)
check_PROGRAMS += tests/unit/test-driver
TESTS += tests/unit/test-driver
tests_unit_test_driver_SOURCES = tests/unit/test-driver.c $(VG_RIG)
tests_unit_test_driver_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_driver_CFLAGS = $(AM_CFLAGS)
tests_unit_test_driver_LDADD = $(VG_RIG_LDADD)

check_PROGRAMS += tests/unit/test-save
TESTS += tests/unit/test-save
tests_unit_test_save_SOURCES = tests/unit/test-save.c $(VG_RIG)
tests_unit_test_save_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_save_CFLAGS = $(AM_CFLAGS)
tests_unit_test_save_LDADD = $(VG_RIG_LDADD)

check_PROGRAMS += tests/unit/test-tune
TESTS += tests/unit/test-tune
tests_unit_test_tune_SOURCES = tests/unit/test-tune.c $(VG_RIG)
tests_unit_test_tune_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_tune_CFLAGS = $(AM_CFLAGS)
tests_unit_test_tune_LDADD = $(VG_RIG_LDADD)

check_PROGRAMS += tests/unit/test-markup
TESTS += tests/unit/test-markup
tests_unit_test_markup_SOURCES = tests/unit/test-markup.c
tests_unit_test_markup_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_markup_CFLAGS = $(AM_CFLAGS)
tests_unit_test_markup_LDADD = $(VG_RIG_LDADD)
check_PROGRAMS += tests/unit/test-driver-streams
TESTS += tests/unit/test-driver-streams
tests_unit_test_driver_streams_SOURCES = tests/unit/test-driver-streams.c $(VG_RIG)
tests_unit_test_driver_streams_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_driver_streams_CFLAGS = $(AM_CFLAGS)
tests_unit_test_driver_streams_LDADD = $(VG_RIG_LDADD)

check_PROGRAMS += tests/unit/test-driver-crash
TESTS += tests/unit/test-driver-crash
VG_CRASH = tests/unit/crash.c tests/unit/crash.h
tests_unit_test_driver_crash_SOURCES = tests/unit/test-driver-crash.c $(VG_RIG) $(VG_CRASH)
tests_unit_test_driver_crash_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_driver_crash_CFLAGS = $(AM_CFLAGS)
tests_unit_test_driver_crash_LDADD = $(VG_RIG_LDADD)

check_PROGRAMS += tests/unit/test-orders-crash
TESTS += tests/unit/test-orders-crash
tests_unit_test_orders_crash_SOURCES = tests/unit/test-orders-crash.c $(VG_RIG) $(VG_CRASH)
tests_unit_test_orders_crash_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_orders_crash_CFLAGS = $(AM_CFLAGS)
tests_unit_test_orders_crash_LDADD = $(VG_RIG_LDADD)

check_PROGRAMS += tests/unit/test-save-crash
TESTS += tests/unit/test-save-crash
tests_unit_test_save_crash_SOURCES = tests/unit/test-save-crash.c $(VG_RIG) $(VG_CRASH)
tests_unit_test_save_crash_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_save_crash_CFLAGS = $(AM_CFLAGS)
tests_unit_test_save_crash_LDADD = $(VG_RIG_LDADD)

check_PROGRAMS += tests/unit/test-emulator
TESTS += tests/unit/test-emulator
tests_unit_test_emulator_SOURCES = tests/unit/test-emulator.c $(VG_RIG)
tests_unit_test_emulator_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_emulator_CFLAGS = $(AM_CFLAGS)
tests_unit_test_emulator_LDADD = $(VG_RIG_LDADD)

check_PROGRAMS += tests/unit/test-emulator-crash
TESTS += tests/unit/test-emulator-crash
tests_unit_test_emulator_crash_SOURCES = tests/unit/test-emulator-crash.c $(VG_RIG) $(VG_CRASH)
tests_unit_test_emulator_crash_CPPFLAGS = $(VG_RIG_CPPFLAGS)
tests_unit_test_emulator_crash_CFLAGS = $(AM_CFLAGS)
tests_unit_test_emulator_crash_LDADD = $(VG_RIG_LDADD)
