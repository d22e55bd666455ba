# base: what C and GLib lack; with xml and model it is one private shared library, so nothing static exists twice.
pkglib_LTLIBRARIES += libvirtgrid-core.la
libvirtgrid_core_la_SOURCES = \
	src/base/clock.c src/base/clock.h \
	src/base/crc32c.c src/base/crc32c.h \
	src/base/durable.c src/base/durable.h \
	src/base/error.c src/base/error.h src/base/errors.def \
	src/base/fault.c src/base/fault.h \
	src/base/fd.c src/base/fd.h \
	src/base/i18n.h \
	src/base/job.c src/base/job.h \
	src/base/json.c src/base/json.h \
	src/base/journal.c \
	src/base/log.c src/base/log.h \
	src/base/names.c src/base/names.h \
	src/base/pciaddr.c src/base/pciaddr.h \
	src/base/process.c src/base/process.h \
	src/base/sysroot.c src/base/sysroot.h \
	src/base/uuid.c src/base/uuid.h
libvirtgrid_core_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_core_la_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS) $(YAJL_CFLAGS)
libvirtgrid_core_la_LDFLAGS = $(AM_LDFLAGS) -avoid-version
libvirtgrid_core_la_LIBADD = $(GLIB_LIBS) $(XML_LIBS) $(YAJL_LIBS)

# Links a program with the core library.
VG_CORE = libvirtgrid-core.la

# Each is one file and needs only the core library.
base_tests = \
	tests/unit/test-clock \
	tests/unit/test-crc32c \
	tests/unit/test-durable \
	tests/unit/test-fault \
	tests/unit/test-job \
	tests/unit/test-json \
	tests/unit/test-log \
	tests/unit/test-names \
	tests/unit/test-pciaddr \
	tests/unit/test-process \
	tests/unit/test-sysroot \
	tests/unit/test-uuid
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
tests_unit_test_clock_SOURCES = tests/unit/test-clock.c
tests_unit_test_clock_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_crc32c_SOURCES = tests/unit/test-crc32c.c
tests_unit_test_crc32c_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_durable_SOURCES = tests/unit/test-durable.c
tests_unit_test_durable_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_fault_SOURCES = tests/unit/test-fault.c
tests_unit_test_fault_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_job_SOURCES = tests/unit/test-job.c
tests_unit_test_job_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_json_SOURCES = tests/unit/test-json.c
tests_unit_test_json_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_log_SOURCES = tests/unit/test-log.c
tests_unit_test_log_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_names_SOURCES = tests/unit/test-names.c
tests_unit_test_names_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_pciaddr_SOURCES = tests/unit/test-pciaddr.c
tests_unit_test_pciaddr_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_process_SOURCES = tests/unit/test-process.c
tests_unit_test_process_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_sysroot_SOURCES = tests/unit/test-sysroot.c
tests_unit_test_sysroot_LDADD = $(VG_CORE) $(GLIB_LIBS)
tests_unit_test_uuid_SOURCES = tests/unit/test-uuid.c
tests_unit_test_uuid_LDADD = $(VG_CORE) $(GLIB_LIBS)
