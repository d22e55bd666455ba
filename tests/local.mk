# tests: what belongs to no one folder: the library for golden tests, and the checks of the source itself.
# A golden test links $(VG_GOLDEN) and has -I$(top_srcdir)/tests in its CPPFLAGS ("lib/golden.h").
check_LTLIBRARIES += tests/lib/libgolden.la
tests_lib_libgolden_la_SOURCES = tests/lib/golden.c tests/lib/golden.h
tests_lib_libgolden_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_lib_libgolden_la_LIBADD = $(GLIB_LIBS)
VG_GOLDEN = tests/lib/libgolden.la
