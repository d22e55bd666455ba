# wire: bytes and connections; knows no procedure.
noinst_LTLIBRARIES += libvirtgrid-wire.la
libvirtgrid_wire_la_SOURCES = \
	src/wire/message.h src/wire/msgbuf.h src/wire/message.c \
	src/wire/frame.h src/wire/frame.c
libvirtgrid_wire_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_wire_la_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
libvirtgrid_wire_la_LIBADD = libvirtgrid-core.la $(TIRPC_LIBS) $(GLIB_LIBS)

# Links a program with the wire.
VG_WIRE = libvirtgrid-wire.la libvirtgrid-core.la
