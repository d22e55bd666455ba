# wire: bytes and connections; knows no procedure.
noinst_LTLIBRARIES += libvirtgrid-wire.la
libvirtgrid_wire_la_SOURCES = \
	src/wire/message.h src/wire/msgbuf.h src/wire/message.c \
	src/wire/frame.h src/wire/frame.c \
	src/wire/socket.h src/wire/socket.c \
	src/wire/outq.h src/wire/outq.c \
	src/wire/client.h src/wire/client.c \
	src/wire/keepalive.c \
	src/wire/server.h src/wire/server.c \
	src/wire/caller.h src/wire/caller.c
libvirtgrid_wire_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_wire_la_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
libvirtgrid_wire_la_LIBADD = libvirtgrid-core.la $(TIRPC_LIBS) $(GLIB_LIBS)

# Links a program with the wire.
VG_WIRE = libvirtgrid-wire.la libvirtgrid-core.la
