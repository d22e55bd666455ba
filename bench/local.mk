# bench: programs that print ratios, never timed tests. `make bench` runs them all and prints one table.
VG_BENCHES = bench/calls bench/clients bench/events bench/stubserver bench/xml
EXTRA_PROGRAMS += $(VG_BENCHES)
VG_BENCH_CFLAGS = $(AM_CFLAGS) $(LIBVIRT_CFLAGS)
VG_BENCH_LDADD = $(LIBVIRT_LIBS) $(GLIB_LIBS)
bench_stubserver_SOURCES = bench/stubserver.c
bench_stubserver_LDADD = $(GLIB_LIBS)
bench_calls_SOURCES = bench/calls.c
bench_calls_CFLAGS = $(VG_BENCH_CFLAGS)
bench_calls_LDADD = $(VG_BENCH_LDADD)
bench_clients_SOURCES = bench/clients.c
bench_clients_CFLAGS = $(VG_BENCH_CFLAGS)
bench_clients_LDADD = $(VG_BENCH_LDADD)
bench_events_SOURCES = bench/events.c
bench_events_CFLAGS = $(VG_BENCH_CFLAGS)
bench_events_LDADD = $(VG_BENCH_LDADD)
bench_xml_SOURCES = bench/xml.c
bench_xml_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS)
bench_xml_LDADD = libxen.la $(VG_CORE) $(XEN_LIBS) $(XML_LIBS) $(GLIB_LIBS)
EXTRA_DIST += bench/run
CLEANFILES += $(VG_BENCHES)

.PHONY: bench
bench: all $(VG_BENCHES) bench/place
	$(SYSTEM_PYTHON) $(srcdir)/bench/run $(abs_builddir)
