# daemon: the program.
sbin_PROGRAMS += virtgridd
virtgridd_SOURCES = \
	src/daemon/main.c src/daemon/daemon.h \
	src/daemon/background.c src/daemon/sockets.c \
	src/daemon/options.h src/daemon/options.c \
	src/daemon/forward.h src/daemon/forward.c \
	src/daemon/inhibit.h src/daemon/inhibit.c \
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

dist_man_MANS += docs/virtgridd.8

# What the administrator changed stays as it is, at install and at uninstall.
virtgrid_conf = src/daemon/etc/virtgridd.conf
EXTRA_DIST += $(virtgrid_conf)
install-data-local: install-virtgrid-conf
install-virtgrid-conf:
	$(MKDIR_P) "$(DESTDIR)$(sysconfdir)/virtgrid"
	test -e "$(DESTDIR)$(sysconfdir)/virtgrid/virtgridd.conf" || \
	  $(INSTALL_DATA) $(top_srcdir)/$(virtgrid_conf) "$(DESTDIR)$(sysconfdir)/virtgrid/virtgridd.conf"
uninstall-local: uninstall-virtgrid-conf
uninstall-virtgrid-conf:
	if cmp -s $(top_srcdir)/$(virtgrid_conf) "$(DESTDIR)$(sysconfdir)/virtgrid/virtgridd.conf"; then \
	  rm -f "$(DESTDIR)$(sysconfdir)/virtgrid/virtgridd.conf"; fi
.PHONY: install-virtgrid-conf uninstall-virtgrid-conf

systemdunitdir = $(prefix)/lib/systemd/system
virtgrid_units = src/daemon/etc/virtgridd.service src/daemon/etc/virtgridd.socket src/daemon/etc/virtgridd-ro.socket
nodist_systemdunit_DATA = $(virtgrid_units)
CLEANFILES += $(virtgrid_units)
EXTRA_DIST += src/daemon/etc/virtgridd.service.in src/daemon/etc/virtgridd.socket.in src/daemon/etc/virtgridd-ro.socket.in
$(virtgrid_units): Makefile
	@$(MKDIR_P) src/daemon/etc
	$(AM_V_GEN)$(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@socketdir[@]|$(socketdir)|g' $(top_srcdir)/$@.in >$@.tmp && mv $@.tmp $@
src/daemon/etc/virtgridd.service: src/daemon/etc/virtgridd.service.in
src/daemon/etc/virtgridd.socket: src/daemon/etc/virtgridd.socket.in
src/daemon/etc/virtgridd-ro.socket: src/daemon/etc/virtgridd-ro.socket.in

check_PROGRAMS += tests/unit/test-inhibit
TESTS += tests/unit/test-inhibit
tests_unit_test_inhibit_SOURCES = tests/unit/test-inhibit.c src/daemon/inhibit.h src/daemon/inhibit.c
tests_unit_test_inhibit_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_inhibit_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_inhibit_LDADD = $(VG_CORE) $(SYSTEMD_LIBS) $(GLIB_LIBS)

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
TESTS += tests/daemon/daemon.sh tests/daemon/activation.py
dist_check_SCRIPTS += tests/daemon/daemon.sh tests/daemon/activation.py
