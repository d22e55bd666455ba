# bench: programs that print ratios, never timed tests. `make bench` runs them.
EXTRA_PROGRAMS += bench/stubserver bench/calls
bench_stubserver_SOURCES = bench/stubserver.c
bench_stubserver_LDADD = $(GLIB_LIBS)
bench_calls_SOURCES = bench/calls.c
bench_calls_CFLAGS = $(AM_CFLAGS) $(LIBVIRT_CFLAGS)
bench_calls_LDADD = $(LIBVIRT_LIBS) $(GLIB_LIBS)
EXTRA_DIST += bench/run-calls
CLEANFILES += bench/stubserver bench/calls

.PHONY: bench
bench: all bench/stubserver bench/calls
	$(SYSTEM_PYTHON) $(srcdir)/bench/run-calls $(abs_builddir)
