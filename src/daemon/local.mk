# daemon: the program.
sbin_PROGRAMS += virtgridd
virtgridd_SOURCES = \
	src/daemon/main.c src/daemon/daemon.h \
	src/daemon/background.c src/daemon/sockets.c \
	src/daemon/options.h src/daemon/options.c \
	src/daemon/config_file.h src/daemon/config_file.c \
	src/daemon/loader.h src/daemon/loader.c \
	src/daemon/lock.h src/daemon/lock.c
virtgridd_CPPFLAGS = $(AM_CPPFLAGS)
virtgridd_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS) $(SYSTEMD_CFLAGS)
virtgridd_LDADD = $(VG_PROC) $(VG_WIRE) $(TIRPC_LIBS) $(SYSTEMD_LIBS) $(GLIB_LIBS)

# Run from the build tree, the daemon finds the shipped data here.
share/stamp: $(dist_pkgdata_DATA)
	@$(MKDIR_P) share
	$(AM_V_GEN)for f in $^; do cp -f "$$f" share/ && chmod u+w "share/$${f##*/}" || exit 1; done; touch $@
noinst_DATA = share/stamp
clean-local: clean-share
clean-share:
	rm -rf share
.PHONY: clean-share

# The toy modules must be shared objects although they are never installed: hence -rpath.
VG_TOY_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
check_LTLIBRARIES += tests/daemon/xen.la tests/daemon/abi/xen.la tests/daemon/incomplete/xen.la
tests_daemon_xen_la_SOURCES = tests/daemon/toy.c
tests_daemon_xen_la_LDFLAGS = $(VG_TOY_LDFLAGS)
tests_daemon_xen_la_LIBADD = $(VG_CORE) $(GLIB_LIBS)
tests_daemon_abi_xen_la_SOURCES = tests/daemon/toy.c
tests_daemon_abi_xen_la_CPPFLAGS = $(AM_CPPFLAGS) -DTOY_ABI=999
tests_daemon_abi_xen_la_LDFLAGS = $(VG_TOY_LDFLAGS)
tests_daemon_abi_xen_la_LIBADD = $(VG_CORE) $(GLIB_LIBS)
tests_daemon_incomplete_xen_la_SOURCES = tests/daemon/toy.c
tests_daemon_incomplete_xen_la_CPPFLAGS = $(AM_CPPFLAGS) -DTOY_NO_OPEN
tests_daemon_incomplete_xen_la_LDFLAGS = $(VG_TOY_LDFLAGS)
tests_daemon_incomplete_xen_la_LIBADD = $(VG_CORE) $(GLIB_LIBS)
TESTS += tests/daemon/daemon.sh
dist_check_SCRIPTS += tests/daemon/daemon.sh
