# model: what a domain, a node device, capabilities are; part of the core library (see base).
libvirtgrid_core_la_SOURCES += \
	src/model/caps.h src/model/domcaps.h src/model/nodedev.h \
	src/model/types.h src/model/domain.h src/model/device.h \
	src/model/chardev.h src/model/clock.h src/model/controller.h src/model/cpu.h src/model/disk.h \
	src/model/features.h src/model/graphics.h src/model/hostdev.h src/model/input.h src/model/interface.h \
	src/model/misc.h src/model/os.h
