# proc: one row per procedure. The XDR of both programs is a library of its own (gridctl and tests link it alone): generated code, compiled without warnings.
VG_XDR = libvirtgrid-xdr.la
VG_PROC = libvirtgrid-proc.la $(VG_XDR)
noinst_LTLIBRARIES += libvirtgrid-xdr.la libvirtgrid-proc.la

vg_xdr_headers = src/proc/remote_xdr.h src/proc/grid_xdr.h
vg_xdr_sources = src/proc/remote_xdr.c src/proc/grid_xdr.c
BUILT_SOURCES += $(vg_xdr_headers)
CLEANFILES += $(vg_xdr_headers) $(vg_xdr_sources)
EXTRA_DIST += src/proc/remote.x src/proc/grid.x

nodist_libvirtgrid_xdr_la_SOURCES = $(vg_xdr_headers) $(vg_xdr_sources)
libvirtgrid_xdr_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_xdr_la_CFLAGS = $(VG_SANITIZE) $(TIRPC_CFLAGS) -w
libvirtgrid_xdr_la_LIBADD = $(TIRPC_LIBS)

libvirtgrid_proc_la_SOURCES = \
	src/proc/procedures.def src/proc/proc.h src/proc/call.h src/proc/table.h \
	src/proc/table.c src/proc/proc.c src/proc/error_to_wire.h src/proc/error_to_wire.c \
	src/proc/typed_param.h src/proc/typed_param.c \
	src/proc/connect.c src/proc/domain.c src/proc/nodedev.c src/proc/event.c src/proc/grid.c
libvirtgrid_proc_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_proc_la_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
libvirtgrid_proc_la_LIBADD = $(GLIB_LIBS) $(TIRPC_LIBS)

# rpcgen writes the path of its input into the output and refuses to overwrite: so each output is made in a folder of its own.
VG_RPCGEN = $(AM_V_GEN)d=`mktemp -d "$$PWD/$(@D)/xdr.XXXXXX"` && trap 'rm -rf "$$d"' EXIT && \
	n=`basename $@ | sed 's/_xdr.*//'` && cp $(top_srcdir)/src/proc/$$n.x "$$d/$${n}_xdr.x" && cd "$$d"
vg_xdr_out = `basename $@`

src/proc/remote_xdr.h: src/proc/remote.x
	@$(MKDIR_P) $(@D)
	$(VG_RPCGEN) && $(RPCGEN) -h -o $(vg_xdr_out) remote_xdr.x && mv $(vg_xdr_out) ..
src/proc/remote_xdr.c: src/proc/remote.x
	@$(MKDIR_P) $(@D)
	$(VG_RPCGEN) && $(RPCGEN) -c -o $(vg_xdr_out) remote_xdr.x && mv $(vg_xdr_out) ..
src/proc/grid_xdr.h: src/proc/grid.x
	@$(MKDIR_P) $(@D)
	$(VG_RPCGEN) && $(RPCGEN) -h -o $(vg_xdr_out) grid_xdr.x && mv $(vg_xdr_out) ..
src/proc/grid_xdr.c: src/proc/grid.x
	@$(MKDIR_P) $(@D)
	$(VG_RPCGEN) && $(RPCGEN) -c -o $(vg_xdr_out) grid_xdr.x && mv $(vg_xdr_out) ..
# Also when a single target is asked for, not only by way of BUILT_SOURCES.
$(libvirtgrid_proc_la_OBJECTS) $(libvirtgrid_xdr_la_OBJECTS): $(vg_xdr_headers)
