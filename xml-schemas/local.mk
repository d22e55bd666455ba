# xml-schemas: libvirt's grammar of a domain, and our element; LIBVIRT_SCHEMADIR may be given to make. The daemon finds
# the grammar beside its other data, in the build tree too.
LIBVIRT_SCHEMADIR = /usr/share/libvirt/schemas
schemasdir = $(pkgdatadir)/schemas
schemas_DATA = share/schemas/virtgrid-domain.rng
EXTRA_DIST += xml-schemas/virtgrid-domain.rng.in

share/schemas/virtgrid-domain.rng: xml-schemas/virtgrid-domain.rng.in xml-schemas/local.mk
	@$(MKDIR_P) share/schemas
	$(AM_V_GEN)$(SED) 's|@LIBVIRT_SCHEMADIR@|$(LIBVIRT_SCHEMADIR)|' $(srcdir)/xml-schemas/virtgrid-domain.rng.in >$@.tmp && mv $@.tmp $@

TESTS += tests/schema/check.sh
dist_check_SCRIPTS += tests/schema/check.sh
EXTRA_DIST += tests/schema/good tests/schema/bad tests/schema/beyond.txt
