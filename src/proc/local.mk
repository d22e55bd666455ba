# proc: one row per procedure. The XDR of both programs is a library of its own (gridctl and tests link it alone): generated code, compiled without warnings.
VG_XDR = libvirtgrid-xdr.la
VG_PROC = libvirtgrid-proc.la $(VG_XDR)
noinst_LTLIBRARIES += libvirtgrid-xdr.la libvirtgrid-proc.la

vg_xdr_headers = src/proc/remote_xdr.h src/proc/grid_xdr.h
vg_xdr_sources = src/proc/remote_xdr.c src/proc/grid_xdr.c
BUILT_SOURCES += $(vg_xdr_headers)
CLEANFILES += $(vg_xdr_headers) $(vg_xdr_sources)
EXTRA_DIST += src/proc/remote.x src/proc/grid.x

nodist_libvirtgrid_xdr_la_SOURCES = $(vg_xdr_headers) $(vg_xdr_sources)
libvirtgrid_xdr_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_xdr_la_CFLAGS = $(VG_SANITIZE) $(TIRPC_CFLAGS) -w
libvirtgrid_xdr_la_LIBADD = $(TIRPC_LIBS)

libvirtgrid_proc_la_SOURCES = \
	src/proc/procedures.def src/proc/proc.h src/proc/call.h src/proc/table.h \
	src/proc/table.c src/proc/proc.c src/proc/error_to_wire.h src/proc/error_to_wire.c \
	src/proc/typed_param.h src/proc/typed_param.c src/proc/subscription.h src/proc/subscription.c \
	src/proc/connect.c src/proc/domain.c src/proc/nodedev.c src/proc/tune.c src/proc/job.c src/proc/stats.c src/proc/event.c src/proc/stream.c src/proc/grid.c \
	src/proc/nodedev_event.c
libvirtgrid_proc_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_proc_la_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
libvirtgrid_proc_la_LIBADD = $(GLIB_LIBS) $(TIRPC_LIBS)

# rpcgen writes the path of its input into the output and refuses to overwrite: so each output is made in a folder of its own.
VG_RPCGEN = $(AM_V_GEN)d=`mktemp -d "$$PWD/$(@D)/xdr.XXXXXX"` && trap 'rm -rf "$$d"' EXIT && \
	n=`basename $@ | sed 's/_xdr.*//'` && cp $(top_srcdir)/src/proc/$$n.x "$$d/$${n}_xdr.x" && cd "$$d"
vg_xdr_out = `basename $@`

src/proc/remote_xdr.h: src/proc/remote.x
	@$(MKDIR_P) $(@D)
	$(VG_RPCGEN) && $(RPCGEN) -h -o $(vg_xdr_out) remote_xdr.x && mv $(vg_xdr_out) ..
src/proc/remote_xdr.c: src/proc/remote.x
	@$(MKDIR_P) $(@D)
	$(VG_RPCGEN) && $(RPCGEN) -c -o $(vg_xdr_out) remote_xdr.x && mv $(vg_xdr_out) ..
src/proc/grid_xdr.h: src/proc/grid.x
	@$(MKDIR_P) $(@D)
	$(VG_RPCGEN) && $(RPCGEN) -h -o $(vg_xdr_out) grid_xdr.x && mv $(vg_xdr_out) ..
src/proc/grid_xdr.c: src/proc/grid.x
	@$(MKDIR_P) $(@D)
	$(VG_RPCGEN) && $(RPCGEN) -c -o $(vg_xdr_out) grid_xdr.x && mv $(vg_xdr_out) ..
# Also when a single target is asked for, not only by way of BUILT_SOURCES.
$(libvirtgrid_proc_la_OBJECTS) $(libvirtgrid_xdr_la_OBJECTS): $(vg_xdr_headers)

# --- tests: with a driver of their own and a raw client, in one process ---
check_LTLIBRARIES += tests/unit/libproc-fixture.la
tests_unit_libproc_fixture_la_SOURCES = tests/unit/proc-fixture.c tests/unit/proc-fixture.h
tests_unit_libproc_fixture_la_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_libproc_fixture_la_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
tests_unit_libproc_fixture_la_LIBADD = $(VG_PROC) $(VG_WIRE)

proc_tests = tests/unit/test-proc tests/unit/test-proc-garbage tests/unit/test-proc-wire
check_PROGRAMS += $(proc_tests)
TESTS += $(proc_tests)
# libvirt's own client library as the judge of what we send.
check_PROGRAMS += tests/unit/proc-server
dist_check_SCRIPTS += tests/unit/test-proc-libvirt.py
TESTS += tests/unit/test-proc-libvirt.py
tests_unit_proc_server_SOURCES = tests/unit/proc-server.c
tests_unit_proc_server_CPPFLAGS = $(proc_tests_cppflags)
tests_unit_proc_server_CFLAGS = $(proc_tests_cflags)
tests_unit_proc_server_LDADD = $(proc_tests_ldadd)
EXTRA_DIST += tests/data/wire
proc_tests_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
proc_tests_cflags = $(AM_CFLAGS) $(TIRPC_CFLAGS)
proc_tests_ldadd = tests/unit/libproc-fixture.la $(VG_PROC) $(VG_WIRE) $(TIRPC_LIBS) $(GLIB_LIBS)
tests_unit_test_proc_SOURCES = tests/unit/test-proc.c
tests_unit_test_proc_CPPFLAGS = $(proc_tests_cppflags)
tests_unit_test_proc_CFLAGS = $(proc_tests_cflags)
tests_unit_test_proc_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=vg_msg_encode
tests_unit_test_proc_LDADD = $(proc_tests_ldadd)
tests_unit_test_proc_garbage_SOURCES = tests/unit/test-proc-garbage.c
tests_unit_test_proc_garbage_CPPFLAGS = $(proc_tests_cppflags)
tests_unit_test_proc_garbage_CFLAGS = $(proc_tests_cflags)
tests_unit_test_proc_garbage_LDADD = $(proc_tests_ldadd)
tests_unit_test_proc_wire_SOURCES = tests/unit/test-proc-wire.c
tests_unit_test_proc_wire_CPPFLAGS = $(proc_tests_cppflags)
tests_unit_test_proc_wire_CFLAGS = $(proc_tests_cflags)
tests_unit_test_proc_wire_LDADD = $(proc_tests_ldadd)
$(tests_unit_libproc_fixture_la_OBJECTS) $(tests_unit_test_proc_OBJECTS) $(tests_unit_test_proc_garbage_OBJECTS) $(tests_unit_test_proc_wire_OBJECTS) $(tests_unit_proc_server_OBJECTS): \
	$(vg_xdr_headers)
