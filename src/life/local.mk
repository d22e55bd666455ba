# life: what may happen next to a domain; pure.
noinst_LTLIBRARIES += liblife.la
liblife_la_SOURCES = src/life/life.h src/life/life.c
liblife_la_CPPFLAGS = $(AM_CPPFLAGS)
liblife_la_CFLAGS = $(AM_CFLAGS)
liblife_la_LIBADD = $(VG_CORE)

check_PROGRAMS += tests/unit/test-life
TESTS += tests/unit/test-life
tests_unit_test_life_SOURCES = tests/unit/test-life.c
tests_unit_test_life_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_life_CFLAGS = $(AM_CFLAGS)
tests_unit_test_life_LDADD = liblife.la $(VG_CORE) $(GLIB_LIBS)
EXTRA_DIST += tests/data/life
