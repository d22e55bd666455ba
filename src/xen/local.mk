# xen: the only folder that knows libxl.
noinst_LTLIBRARIES += libxen.la
libxen_la_SOURCES = \
	src/xen/xen.h src/xen/config.h src/xen/libxl_config.h src/xen/conv.h \
	src/xen/ops_libxl.h src/xen/libxl_op.h \
	src/xen/domain.c src/xen/config.c src/xen/ops_libxl.c src/xen/libxl_op.c src/xen/watch_libxl.c \
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
