# model: what a domain, a node device, capabilities are; part of the core library (see base).
libvirtgrid_core_la_SOURCES += \
	src/model/caps.h src/model/domcaps.h src/model/nodedev.h \
	src/model/types.h src/model/domain.h src/model/device.h src/model/maps.h \
	src/model/chardev.h src/model/clock.h src/model/controller.h src/model/cpu.h src/model/disk.h \
	src/model/features.h src/model/graphics.h src/model/hostdev.h src/model/input.h src/model/interface.h \
	src/model/misc.h src/model/os.h src/model/cpuset.h \
	src/model/address.c src/model/chardev.c src/model/clock.c src/model/controller.c src/model/cpu.c \
	src/model/cpuset.c src/model/defaults.c src/model/device.c src/model/disk.c src/model/domain.c \
	src/model/features.c src/model/graphics.c src/model/hostdev.c src/model/input.c src/model/interface.c \
	src/model/misc.c src/model/os.c src/model/validate.c src/model/video.c \
	src/model/caps.c src/model/domcaps.c src/model/nodedev.c src/model/out.c src/model/out.h

check_PROGRAMS += tests/unit/test-caps
TESTS += tests/unit/test-caps
tests_unit_test_caps_SOURCES = tests/unit/test-caps.c
tests_unit_test_caps_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_caps_LDADD = $(VG_GOLDEN) $(VG_CORE) $(GLIB_LIBS)
EXTRA_DIST += tests/data/caps

check_PROGRAMS += tests/unit/test-model
TESTS += tests/unit/test-model
tests_unit_test_model_SOURCES = tests/unit/test-model.c
tests_unit_test_model_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_test_model_LDADD = $(VG_GOLDEN) $(VG_CORE) $(GLIB_LIBS)
EXTRA_DIST += tests/data/xml2xml tests/data/invalid
EXTRA_DIST += tests/oracle-xml.sh tests/oracle-xml.known

# As for the frames of wire: the data runs in `make check`; `make fuzz` builds ./fuzz-xml.
check_PROGRAMS += tests/fuzz/replay-xml
TESTS += tests/fuzz/replay-xml
tests_fuzz_replay_xml_SOURCES = tests/fuzz/xml.c
tests_fuzz_replay_xml_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_REPLAY
tests_fuzz_replay_xml_LDADD = $(VG_CORE) $(GLIB_LIBS)

VG_FUZZ_XML = tests/fuzz/xml.c $(filter src/%.c,$(libvirtgrid_core_la_SOURCES))
VG_FUZZERS += fuzz-xml
fuzz-xml: $(VG_FUZZ_XML)
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_CFLAGS) $(DEFS) $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(GLIB_CFLAGS) $(XML_CFLAGS) $(YAJL_CFLAGS) \
	  -o $@ $(VG_FUZZ_XML:%=$(top_srcdir)/%) $(GLIB_LIBS) $(XML_LIBS) $(YAJL_LIBS)
CLEANFILES += fuzz-xml
