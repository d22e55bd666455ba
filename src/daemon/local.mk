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
