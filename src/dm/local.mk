# dm: virtgrid-dm, which starts a vendor's display emulator and then becomes QEMU.
libexec_PROGRAMS += virtgrid-dm
virtgrid_dm_SOURCES = src/dm/main.c src/dm/store.h src/dm/store.c src/gpu/emulator.h src/gpu/emulator.c
virtgrid_dm_CPPFLAGS = $(AM_CPPFLAGS)
virtgrid_dm_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS)
virtgrid_dm_LDADD = $(VG_CORE) $(XEN_LIBS) $(GLIB_LIBS)
