# wire: bytes and connections; knows no procedure.
noinst_LTLIBRARIES += libvirtgrid-wire.la
libvirtgrid_wire_la_SOURCES = \
	src/wire/message.h src/wire/msgbuf.h src/wire/message.c \
	src/wire/frame.h src/wire/frame.c \
	src/wire/socket.h src/wire/socket.c \
	src/wire/outq.h src/wire/outq.c \
	src/wire/client.h src/wire/client.c \
	src/wire/keepalive.c \
	src/wire/stream.h src/wire/stream.c \
	src/wire/server.h src/wire/server.c \
	src/wire/caller.h src/wire/caller.c
libvirtgrid_wire_la_CPPFLAGS = $(AM_CPPFLAGS)
libvirtgrid_wire_la_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
libvirtgrid_wire_la_LIBADD = libvirtgrid-core.la $(TIRPC_LIBS) $(GLIB_LIBS)

# Links a program with the wire.
VG_WIRE = libvirtgrid-wire.la libvirtgrid-core.la

wire_tests = tests/unit/test-message tests/unit/test-server tests/unit/test-server-limits tests/unit/test-caller \
	tests/unit/test-stream
check_PROGRAMS += $(wire_tests)
TESTS += $(wire_tests)
VG_WIRE_TEST_CFLAGS = $(AM_CFLAGS) $(TIRPC_CFLAGS)
VG_WIRE_TEST_LIBS = $(VG_WIRE) $(TIRPC_LIBS) $(GLIB_LIBS)
tests_unit_test_message_SOURCES = tests/unit/test-message.c
tests_unit_test_message_CFLAGS = $(VG_WIRE_TEST_CFLAGS)
tests_unit_test_message_LDADD = $(VG_WIRE_TEST_LIBS)
tests_unit_test_server_SOURCES = tests/unit/test-server.c tests/unit/toy-server.c tests/unit/toy-server.h
tests_unit_test_server_CFLAGS = $(VG_WIRE_TEST_CFLAGS)
tests_unit_test_server_LDADD = $(VG_WIRE_TEST_LIBS)
tests_unit_test_server_limits_SOURCES = tests/unit/test-server-limits.c tests/unit/toy-server.c tests/unit/toy-server.h
tests_unit_test_server_limits_CFLAGS = $(VG_WIRE_TEST_CFLAGS)
tests_unit_test_server_limits_LDADD = $(VG_WIRE_TEST_LIBS)
tests_unit_test_stream_SOURCES = tests/unit/test-stream.c tests/unit/toy-server.c tests/unit/toy-server.h
tests_unit_test_stream_CFLAGS = $(VG_WIRE_TEST_CFLAGS)
tests_unit_test_stream_LDADD = $(VG_WIRE_TEST_LIBS)
tests_unit_test_caller_SOURCES = tests/unit/test-caller.c
tests_unit_test_caller_CFLAGS = $(VG_WIRE_TEST_CFLAGS)
tests_unit_test_caller_LDADD = $(VG_WIRE_TEST_LIBS)

# The corpus runs in `make check`; `make fuzz` builds the same file for libFuzzer (clang) as ./fuzz-frame.
check_PROGRAMS += tests/fuzz/replay-frame
TESTS += tests/fuzz/replay-frame
tests_fuzz_replay_frame_SOURCES = tests/fuzz/frame.c
tests_fuzz_replay_frame_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_REPLAY
tests_fuzz_replay_frame_CFLAGS = $(VG_WIRE_TEST_CFLAGS)
tests_fuzz_replay_frame_LDADD = $(VG_WIRE_TEST_LIBS)
check_PROGRAMS += tests/fuzz/replay-stream
TESTS += tests/fuzz/replay-stream
tests_fuzz_replay_stream_SOURCES = tests/fuzz/stream.c
tests_fuzz_replay_stream_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_REPLAY
tests_fuzz_replay_stream_CFLAGS = $(VG_WIRE_TEST_CFLAGS)
tests_fuzz_replay_stream_LDADD = $(VG_WIRE_TEST_LIBS)
EXTRA_DIST += tests/fuzz/corpus

FUZZ_CC = clang
FUZZ_CFLAGS = -g -O1 -fsanitize=fuzzer,address,undefined
FUZZ_LINK = $(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_CFLAGS) $(DEFS) $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(GLIB_CFLAGS) $(TIRPC_CFLAGS) -o $@
VG_FUZZERS += fuzz-frame fuzz-stream
fuzz-frame: tests/fuzz/frame.c src/wire/message.c src/wire/frame.c src/base/error.c
	$(FUZZ_LINK) $^ $(GLIB_LIBS) $(TIRPC_LIBS)
fuzz-stream: tests/fuzz/stream.c src/wire/message.c src/wire/frame.c src/wire/socket.c src/wire/outq.c src/wire/client.c \
	src/wire/keepalive.c src/wire/stream.c src/wire/server.c src/base/error.c src/base/fd.c src/base/clock.c src/base/log.c \
	src/base/names.c
	$(FUZZ_LINK) $^ $(GLIB_LIBS) $(TIRPC_LIBS)
CLEANFILES += fuzz-frame fuzz-stream
