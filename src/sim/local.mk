# sim: a Xen host with GPUs that needs neither.
noinst_LTLIBRARIES += libsimgpus.la
libsimgpus_la_SOURCES = src/sim/gpus.h src/sim/gpus.c src/sim/kernel.h src/sim/kernel.c src/sim/kernel_inside.h \
	src/sim/kernel_tree.c src/sim/kernel_pci.c src/sim/kernel_vf.c src/sim/kernel_later.c
libsimgpus_la_CPPFLAGS = $(AM_CPPFLAGS)
libsimgpus_la_CFLAGS = $(AM_CFLAGS)
libsimgpus_la_LIBADD = $(VG_CORE) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/test-sim-kernel
TESTS += tests/unit/test-sim-kernel
tests_unit_test_sim_kernel_SOURCES = tests/unit/test-sim-kernel.c
tests_unit_test_sim_kernel_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_sim_kernel_CFLAGS = $(AM_CFLAGS)
tests_unit_test_sim_kernel_LDADD = libsimgpus.la libgpu.la $(VG_CORE) $(PCIACCESS_LIBS) $(GLIB_LIBS)

noinst_LTLIBRARIES += libsim.la
libsim_la_SOURCES = \
	src/sim/host.h src/sim/host.c src/sim/file.h src/sim/store.c \
	src/sim/hypervisor.h src/sim/hypervisor.c src/sim/sim.h src/sim/domain.h src/sim/create.c src/sim/model.c src/sim/guest.c \
	src/sim/plug.h src/sim/plug.c src/sim/tune.c src/sim/save.c \
	src/sim/control.h src/sim/control.c src/sim/console.h src/sim/console.c src/sim/screen.c
libsim_la_CPPFLAGS = $(AM_CPPFLAGS)
libsim_la_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS)
# With libxen.la beside it, which it does not contain.
libsim_la_LIBADD = libsimgpus.la $(VG_CORE) $(XEN_LIBS)

check_PROGRAMS += tests/unit/test-sim
TESTS += tests/unit/test-sim
tests_unit_test_sim_SOURCES = tests/unit/test-sim.c
tests_unit_test_sim_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_sim_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS)
tests_unit_test_sim_LDADD = libsim.la libxen.la $(VG_CORE) $(XEN_LIBS) $(GLIB_LIBS)

# What the daemon reads back. The seeds run in `make check`; `make fuzz` builds ./fuzz-state.
check_PROGRAMS += tests/fuzz/replay-state
TESTS += tests/fuzz/replay-state
tests_fuzz_replay_state_SOURCES = tests/fuzz/state.c
tests_fuzz_replay_state_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_REPLAY
tests_fuzz_replay_state_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS)
tests_fuzz_replay_state_LDADD = $(VG_GPU) libsim.la libxen.la $(VG_CORE) $(XEN_LIBS) $(GLIB_LIBS)

VG_FUZZ_STATE = tests/fuzz/state.c $(filter src/%.c,$(libvirtgrid_core_la_SOURCES)) \
	$(filter src/%.c,$(libgpu_la_SOURCES) $(libsimgpus_la_SOURCES) $(libsim_la_SOURCES)) src/xen/domain.c
VG_FUZZERS += fuzz-state
fuzz-state: $(VG_FUZZ_STATE)
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_CFLAGS) $(DEFS) $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(GLIB_CFLAGS) $(XML_CFLAGS) $(YAJL_CFLAGS) \
	  $(PCIACCESS_CFLAGS) $(XEN_CFLAGS) -o $@ $(VG_FUZZ_STATE:%=$(top_srcdir)/%) \
	  $(GLIB_LIBS) $(XML_LIBS) $(YAJL_LIBS) $(PCIACCESS_LIBS) $(XEN_LIBS)
CLEANFILES += fuzz-state
