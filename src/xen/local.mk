# xen: the only folder that knows libxl.
noinst_LTLIBRARIES += libxen.la
libxen_la_SOURCES = \
	src/xen/xen.h src/xen/config.h src/xen/libxl_config.h src/xen/conv.h \
	src/xen/ops_libxl.h src/xen/libxl_op.h \
	src/xen/domain.c src/xen/config.c src/xen/ops_libxl.c src/xen/libxl_op.c src/xen/log_libxl.c src/xen/plug_libxl.c \
	src/xen/room_libxl.c \
	src/xen/watch_libxl.c src/xen/figures_libxl.c src/xen/tune_libxl.c src/xen/pci_libxl.c src/xen/save_libxl.c \
	src/xen/conv_chardev.c src/xen/conv_clock.c src/xen/conv_cpu.c src/xen/conv_create.c src/xen/conv_disk.c \
	src/xen/conv_features.c src/xen/conv_graphics.c src/xen/conv_hostdev.c src/xen/conv_input.c \
	src/xen/conv_interface.c src/xen/conv_memory.c src/xen/conv_os.c src/xen/conv_vcpu.c src/xen/conv_vgpu.c
libxen_la_CPPFLAGS = $(AM_CPPFLAGS)
libxen_la_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS)
libxen_la_LIBADD = $(VG_CORE) $(XEN_LIBS)

check_PROGRAMS += tests/unit/test-xen-libxl
TESTS += tests/unit/test-xen-libxl
tests_unit_test_xen_libxl_SOURCES = tests/unit/test-xen-libxl.c
tests_unit_test_xen_libxl_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_xen_libxl_CFLAGS = $(AM_CFLAGS)
tests_unit_test_xen_libxl_LDADD = libxen.la $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-xen-config tests/unit/test-xen-fuzz
TESTS += tests/unit/test-xen-config tests/unit/test-xen-fuzz
tests_unit_test_xen_config_SOURCES = tests/unit/test-xen-config.c
tests_unit_test_xen_config_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DHAVE_YAJL_YAJL_VERSION_H
tests_unit_test_xen_config_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS) $(YAJL_CFLAGS)
tests_unit_test_xen_config_LDADD = libxen.la $(VG_GOLDEN) $(VG_CORE) $(XEN_LIBS) $(GLIB_LIBS)
tests_unit_test_xen_fuzz_SOURCES = tests/unit/test-xen-fuzz.c
tests_unit_test_xen_fuzz_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_xen_fuzz_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS)
tests_unit_test_xen_fuzz_LDADD = libxen.la $(VG_CORE) $(XEN_LIBS) $(GLIB_LIBS)
EXTRA_DIST += tests/data/xml2xl

# Our translation beside stock libvirt's: make check-conformance CONFORMANCE=DIR, with DIR/xml-to-libxl-json/*.xml and .json;
# what it makes of DIR/xl-cfg/*.xml need only be possible.
check-conformance: tests/unit/test-xen-config
	@test -n "$(CONFORMANCE)" || { echo "usage: make check-conformance CONFORMANCE=DIR"; exit 2; }
	$(AM_TESTS_ENVIRONMENT) CONFORMANCE='$(CONFORMANCE)' tests/unit/test-xen-config -p /xen/config/conformance -p /xen/config/conformance-xl
