# gpu: its list of files
noinst_LTLIBRARIES += libgpu.la
libgpu_la_SOURCES = \
	src/gpu/host.h src/gpu/gpus.h src/gpu/engine.h \
	src/gpu/types.h src/gpu/types.c src/gpu/vendor.h src/gpu/vendor.c src/gpu/inventory.h src/gpu/inventory.c \
	src/gpu/settings.h src/gpu/settings.c src/gpu/place.h src/gpu/place.c src/gpu/room.c src/gpu/affinity.c src/gpu/change.c src/gpu/plan.c \
	src/gpu/ledger.h src/gpu/ledger.c \
	src/gpu/backend.h src/gpu/backend.c src/gpu/backend_emulator.c src/gpu/emulator.h src/gpu/emulator.c src/gpu/backend_mdev.c \
	src/gpu/backend_passthrough.c src/gpu/backend_sriov.c src/gpu/backend_vfio.c src/gpu/pci_bind.h src/gpu/pci_bind.c \
	src/gpu/facts.h src/gpu/facts.c src/gpu/vfs.h src/gpu/vfs.c src/gpu/ready.h src/gpu/ready.c src/gpu/look.c \
	src/gpu/host_nvidia.h src/gpu/host_nvidia.c \
	src/gpu/mig.h src/gpu/mig.c \
	src/gpu/request.c src/gpu/explain.c src/gpu/gpus.c src/gpu/gpus_json.c \
	src/gpu/news.h src/gpu/news.c src/gpu/watch.h src/gpu/watch.c src/gpu/told.h src/gpu/told.c src/gpu/import.c src/gpu/health.c src/gpu/functions.h src/gpu/functions.c \
	src/gpu/smi.h src/gpu/smi.c src/gpu/versions.h src/gpu/versions.c \
	src/gpu/host_real.h src/gpu/host_real.c
libgpu_la_CPPFLAGS = $(AM_CPPFLAGS)
libgpu_la_CFLAGS = $(AM_CFLAGS) $(PCIACCESS_CFLAGS)
libgpu_la_LIBADD = $(PCIACCESS_LIBS)

dist_pkgdata_DATA += src/gpu/catalogue.json

# Links a program with the GPU engine.
VG_GPU = libgpu.la

VG_SCRATCH = tests/unit/scratch.c tests/unit/scratch.h
check_PROGRAMS += tests/unit/test-gpus
TESTS += tests/unit/test-gpus
tests_unit_test_gpus_SOURCES = tests/unit/test-gpus.c $(VG_SCRATCH)
tests_unit_test_gpus_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_gpus_CFLAGS = $(AM_CFLAGS)
tests_unit_test_gpus_LDADD = $(VG_GPU) libsimgpus.la $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-place
TESTS += tests/unit/test-place
tests_unit_test_place_SOURCES = tests/unit/test-place.c
tests_unit_test_place_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_place_CFLAGS = $(AM_CFLAGS)
tests_unit_test_place_LDADD = $(VG_GPU) $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-place-oracle
TESTS += tests/unit/test-place-oracle
tests_unit_test_place_oracle_SOURCES = tests/unit/test-place-oracle.c
tests_unit_test_place_oracle_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_place_oracle_CFLAGS = $(AM_CFLAGS)
tests_unit_test_place_oracle_LDADD = $(VG_GPU) $(VG_CORE) $(GLIB_LIBS)

# Not a test: prints how long placement takes.
EXTRA_PROGRAMS += bench/place
bench_place_SOURCES = bench/place.c
bench_place_CPPFLAGS = $(AM_CPPFLAGS)
bench_place_CFLAGS = $(AM_CFLAGS)
bench_place_LDADD = $(VG_GPU) $(VG_CORE) $(GLIB_LIBS)
CLEANFILES += bench/place

check_PROGRAMS += tests/unit/test-gpus-crash
TESTS += tests/unit/test-gpus-crash
tests_unit_test_gpus_crash_SOURCES = tests/unit/test-gpus-crash.c $(VG_SCRATCH)
tests_unit_test_gpus_crash_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_gpus_crash_CFLAGS = $(AM_CFLAGS)
tests_unit_test_gpus_crash_LDADD = $(VG_GPU) libsimgpus.la $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-inventory
TESTS += tests/unit/test-inventory
EXTRA_DIST += tests/data/sysroots
tests_unit_test_inventory_SOURCES = tests/unit/test-inventory.c tests/unit/tree.c tests/unit/tree.h
tests_unit_test_inventory_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_inventory_CFLAGS = $(AM_CFLAGS)
tests_unit_test_inventory_LDADD = $(VG_GPU) $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-gpus-pci
TESTS += tests/unit/test-gpus-pci
tests_unit_test_gpus_pci_SOURCES = tests/unit/test-gpus-pci.c $(VG_SCRATCH)
tests_unit_test_gpus_pci_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_gpus_pci_CFLAGS = $(AM_CFLAGS)
tests_unit_test_gpus_pci_LDADD = $(VG_GPU) libsimgpus.la $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-gpus-orders
TESTS += tests/unit/test-gpus-orders
tests_unit_test_gpus_orders_SOURCES = tests/unit/test-gpus-orders.c $(VG_SCRATCH)
tests_unit_test_gpus_orders_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_gpus_orders_CFLAGS = $(AM_CFLAGS)
tests_unit_test_gpus_orders_LDADD = $(VG_GPU) libsimgpus.la $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-gpu-news
TESTS += tests/unit/test-gpu-news
tests_unit_test_gpu_news_SOURCES = tests/unit/test-gpu-news.c
tests_unit_test_gpu_news_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_gpu_news_CFLAGS = $(AM_CFLAGS)
tests_unit_test_gpu_news_LDADD = $(VG_GPU) $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-vendor
TESTS += tests/unit/test-vendor
EXTRA_DIST += tests/data/vgpuConfig.xml
tests_unit_test_vendor_SOURCES = tests/unit/test-vendor.c
tests_unit_test_vendor_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_vendor_CFLAGS = $(AM_CFLAGS)
tests_unit_test_vendor_LDADD = $(VG_GPU) libsimgpus.la $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-ledger
TESTS += tests/unit/test-ledger
tests_unit_test_ledger_SOURCES = tests/unit/test-ledger.c tests/unit/crash.c tests/unit/crash.h $(VG_SCRATCH)
tests_unit_test_ledger_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_ledger_CFLAGS = $(AM_CFLAGS)
tests_unit_test_ledger_LDADD = $(VG_GPU) $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-gpus-vfs
TESTS += tests/unit/test-gpus-vfs
tests_unit_test_gpus_vfs_SOURCES = tests/unit/test-gpus-vfs.c $(VG_SCRATCH)
tests_unit_test_gpus_vfs_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_gpus_vfs_CFLAGS = $(AM_CFLAGS)
tests_unit_test_gpus_vfs_LDADD = $(VG_GPU) libsimgpus.la $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-sysroots
TESTS += tests/unit/test-sysroots
tests_unit_test_sysroots_SOURCES = tests/unit/test-sysroots.c tests/unit/tree.c tests/unit/tree.h
tests_unit_test_sysroots_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_sysroots_CFLAGS = $(AM_CFLAGS)
tests_unit_test_sysroots_LDADD = $(VG_GPU) $(VG_CORE) $(GLIB_LIBS)
