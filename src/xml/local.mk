# xml: the engine between XML and structs; part of the core library (see base).
libvirtgrid_core_la_SOURCES += \
	src/xml/format.c src/xml/map.h src/xml/names.c src/xml/parse.c src/xml/raw.c src/xml/record.c \
	src/xml/scalar.c src/xml/walk.h
