# xml-schemas: libvirt's grammar of a domain, and our element; LIBVIRT_SCHEMADIR may be given to make.
LIBVIRT_SCHEMADIR = /usr/share/libvirt/schemas
schemasdir = $(pkgdatadir)/schemas
schemas_DATA = xml-schemas/virtgrid-domain.rng
CLEANFILES += xml-schemas/virtgrid-domain.rng
EXTRA_DIST += xml-schemas/virtgrid-domain.rng.in

xml-schemas/virtgrid-domain.rng: xml-schemas/virtgrid-domain.rng.in xml-schemas/local.mk
	@$(MKDIR_P) xml-schemas
	$(AM_V_GEN)$(SED) 's|@LIBVIRT_SCHEMADIR@|$(LIBVIRT_SCHEMADIR)|' $(srcdir)/xml-schemas/virtgrid-domain.rng.in >$@.tmp && mv $@.tmp $@

TESTS += tests/schema/check.sh
dist_check_SCRIPTS += tests/schema/check.sh
EXTRA_DIST += tests/schema/good tests/schema/bad tests/schema/beyond.txt
