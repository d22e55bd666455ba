# xml: the engine between XML and structs; part of the core library (see base).
libvirtgrid_core_la_SOURCES += \
	src/xml/format.c src/xml/map.h src/xml/names.c src/xml/parse.c src/xml/raw.c src/xml/record.c \
	src/xml/scalar.c src/xml/schema.c src/xml/schema.h src/xml/walk.h

check_PROGRAMS += tests/unit/test-xml
TESTS += tests/unit/test-xml
tests_unit_test_xml_SOURCES = tests/unit/test-xml.c
tests_unit_test_xml_LDADD = $(VG_CORE) $(GLIB_LIBS)
