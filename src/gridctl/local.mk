# gridctl: the command for what libvirt's API has no call for.
bin_PROGRAMS += gridctl
gridctl_SOURCES = \
	src/gridctl/main.c src/gridctl/command.h \
	src/gridctl/config.c src/gridctl/list.c src/gridctl/order.c src/gridctl/plan.c src/gridctl/watch.c src/gridctl/import.c \
	src/gridctl/connection.c src/gridctl/connection.h \
	src/gridctl/table.c src/gridctl/table.h
gridctl_CPPFLAGS = $(AM_CPPFLAGS)
gridctl_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
gridctl_LDADD = $(VG_XDR) $(VG_WIRE) $(VG_CORE) $(GLIB_LIBS) $(TIRPC_LIBS)

dist_man_MANS += docs/gridctl.1
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = src/gridctl/gridctl

check_PROGRAMS += tests/unit/test-gridctl
TESTS += tests/unit/test-gridctl
tests_unit_test_gridctl_SOURCES = tests/unit/test-gridctl.c src/gridctl/table.c src/gridctl/connection.c
tests_unit_test_gridctl_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_gridctl_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
tests_unit_test_gridctl_LDADD = $(gridctl_LDADD)
