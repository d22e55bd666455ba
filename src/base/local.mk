# base: what C and GLib lack; with xml and model it is one private shared library, so nothing static exists twice.
pkglib_LTLIBRARIES += libvirtgrid-core.la
libvirtgrid_core_la_SOURCES = \
	src/base/errors.def src/base/error.h src/base/error.c
libvirtgrid_core_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_core_la_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS) $(YAJL_CFLAGS)
libvirtgrid_core_la_LDFLAGS = $(AM_LDFLAGS) -avoid-version
libvirtgrid_core_la_LIBADD = $(GLIB_LIBS) $(XML_LIBS) $(YAJL_LIBS)

# Links a program with the core library.
VG_CORE = libvirtgrid-core.la
