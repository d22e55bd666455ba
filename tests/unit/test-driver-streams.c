/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-driver-streams.c: who gets a guest's console when several want it at once, what is refused, and the screen. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "rig.h"
#include "scratch.h"

/* A call that opens a stream, and this test in the place of the daemon. */
typedef struct {
    gboolean done;
    int code; /* 0: fine */
    char *message, *mime;
    VgStreamEnd *end; /* NULL: over */
    int cut;          /* the code with which the driver ended it */
} Call;

/* Which call has which end: `daemon` points back. */
static void on_cut(VgStreamEnd *end, const GError *error) {
    Call *call = end->daemon;
    g_assert_true(call->end == end);
    call->cut = error->code;
    call->end = NULL;
    end->close(end);
}

static void on_done(VgStreamEnd *end, const char *text, const GError *error, gpointer data) {
    Call *call = data;
    g_assert_false(call->done);
    g_assert_true((end == NULL) == (error != NULL));
    call->done = TRUE;
    call->code = error ? error->code : 0;
    call->message = g_strdup(error ? error->message : "");
    call->mime = g_strdup(text);
    call->end = end;
    if (end) {
        end->daemon = call;
        end->cut = on_cut;
    }
}

static void call_wait(Call *call) {
    while (!call->done)
        g_main_context_iteration(NULL, TRUE);
}

static void call_clear(Call *call) {
    if (call->end)
        call->end->close(call->end);
    g_free(call->message);
    g_free(call->mime);
    *call = (Call){0};
}

static void console(Rig *rig, const char *name, const char *device, guint flags, Call *call) {
    VgUuid uuid = rig_uuid(rig, name);
    *call = (Call){0};
    vg_driver.open_console(rig->session, &uuid, device, flags, (VgStreamDone){on_done, call});
}

static void refused(Rig *rig, const char *name, const char *device, guint flags, int code, const char *text) {
    Call call;
    console(rig, name, device, flags, &call);
    g_assert_true(call.done); /* nothing is waited for */
    g_assert_cmpint(call.code, ==, code);
    g_assert_nonnull(strstr(call.message, text));
    call_clear(&call);
}

static void define(Rig *rig, const char *name, const char *devices) {
    g_autofree char *xml = g_strdup_printf("<domain type='xen'><name>%s</name><memory unit='MiB'>64</memory>"
                                           "<os><type arch='x86_64' machine='xenfv'>hvm</type></os>"
                                           "<devices>%s</devices></domain>",
                                           name, devices);
    g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
}

static void run_guest(Rig *rig, const char *name, const char *devices) {
    define(rig, name, devices);
    g_assert_cmpint(rig_start(rig, name, 0, NULL), ==, 0);
}

#define SERIAL "<serial type='pty'/>"

static void test_one_user(void) {
    Rig *rig = rig_new(NULL);
    Call a, b, c;
    run_guest(rig, "one", SERIAL);
    /* both while the first is on its way, and when it is there */
    console(rig, "one", NULL, 0, &a);
    refused(rig, "one", "serial0", 0, VIR_ERR_OPERATION_FAILED, "Active console session exists for this domain");
    call_wait(&a);
    g_assert_cmpint(a.code, ==, 0);
    g_assert_true(a.end->both);
    refused(rig, "one", NULL, VIR_DOMAIN_CONSOLE_SAFE, VIR_ERR_OPERATION_FAILED, "--force takes it over");
    /* taken from one who has it, and from one who is about to */
    console(rig, "one", NULL, VIR_DOMAIN_CONSOLE_FORCE, &b);
    g_assert_null(a.end);
    g_assert_cmpint(a.cut, ==, VIR_ERR_OPERATION_ABORTED);
    console(rig, "one", "serial0", VIR_DOMAIN_CONSOLE_FORCE, &c);
    call_wait(&b);
    call_wait(&c);
    g_assert_cmpint(b.code, ==, VIR_ERR_OPERATION_ABORTED);
    g_assert_nonnull(strstr(b.message, "another client has taken over the console of domain 'one'"));
    g_assert_cmpint(c.code, ==, 0);
    call_clear(&c);
    /* free again */
    console(rig, "one", NULL, 0, &c);
    call_wait(&c);
    g_assert_cmpint(c.code, ==, 0);
    call_clear(&a);
    call_clear(&b);
    call_clear(&c);
    g_assert_cmpint(rig_destroy(rig, "one", NULL), ==, 0);
    rig_free(rig);
}

static void test_refusals(void) {
    Rig *rig = rig_new(NULL);
    define(rig, "off", SERIAL);
    refused(rig, "off", NULL, 0, VIR_ERR_OPERATION_INVALID, "domain 'off' is not running");
    refused(rig, "Domain-0", NULL, 0, VIR_ERR_OPERATION_INVALID, "Domain-0");
    run_guest(rig, "mute", "");
    refused(rig, "mute", NULL, 0, VIR_ERR_OPERATION_INVALID, "domain 'mute' has no console");
    refused(rig, "mute", "serial0", 0, VIR_ERR_INVALID_ARG, "cannot find character device 'serial0'");
    refused(rig, "mute", NULL, 8, VIR_ERR_INVALID_ARG, "unsupported flags (0x8)");
    run_guest(rig, "file", "<serial type='file'><source path='/tmp/serial.log'/></serial>");
    refused(rig, "file", NULL, 0, VIR_ERR_OPERATION_UNSUPPORTED, "'serial0' is not using a PTY: it is of type 'file'");
    g_assert_cmpint(rig_destroy(rig, "mute", NULL), ==, 0);
    g_assert_cmpint(rig_destroy(rig, "file", NULL), ==, 0);
    rig_free(rig);
}

/* The guest is killed while its console is being opened: an error or a stream that hangs up, and no more than one. */
static void test_killed_meanwhile(void) {
    Rig *rig = rig_new(NULL);
    define(rig, "brief", SERIAL);
    for (int i = 0; i < 50; i++) {
        Call call;
        Outcome outcome;
        g_assert_cmpint(rig_start(rig, "brief", 0, NULL), ==, 0);
        VgUuid uuid = rig_uuid(rig, "brief");
        if (i % 2)
            vg_driver.destroy(rig->session, &uuid, 0, rig_done(&outcome));
        console(rig, "brief", NULL, 0, &call);
        if (i % 2 == 0)
            vg_driver.destroy(rig->session, &uuid, 0, rig_done(&outcome));
        call_wait(&call);
        rig_wait(&outcome);
        g_assert_cmpint(outcome.code, ==, 0);
        outcome_clear(&outcome);
        if (call.end) {
            char bytes[256];
            gssize n;
            while ((n = read(call.end->fd, bytes, sizeof bytes)) > 0)
                ;
            g_assert_cmpint(n, <=, 0);
        } else {
            g_assert_true(call.code == VIR_ERR_OPERATION_INVALID || call.code == VIR_ERR_OPERATION_FAILED ||
                          call.code == VIR_ERR_SYSTEM_ERROR);
        }
        call_clear(&call);
    }
    rig_free(rig);
}

/* Another daemon, another terminal; the live XML knows. */
static void test_terminal_after_restart(void) {
    Rig *rig = rig_new(NULL);
    Call call;
    run_guest(rig, "stays", SERIAL);
    rig_restart(rig);
    console(rig, "stays", NULL, 0, &call);
    call_wait(&call);
    g_assert_cmpint(call.code, ==, 0);
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", call.end->fd);
    g_autofree char *path = g_file_read_link(link, NULL);
    g_autofree char *xml = rig_xml(rig, "stays", 0);
    g_autofree char *want = g_strdup_printf("<console type='pty' tty='%s'>", path);
    g_assert_nonnull(strstr(xml, want));
    g_autofree char *serial = g_strdup_printf("<serial type='pty'>\n      <source path='%s'/>", path);
    g_assert_nonnull(strstr(xml, serial));
    call_clear(&call);
    g_assert_cmpint(rig_destroy(rig, "stays", NULL), ==, 0);
    rig_free(rig);
}

static void screenshot(Rig *rig, const char *name, guint screen, Call *call) {
    VgUuid uuid = rig_uuid(rig, name);
    *call = (Call){0};
    vg_driver.screenshot(rig->session, &uuid, screen, 0, (VgStreamDone){on_done, call});
    call_wait(call);
}

static void test_screen(void) {
    Rig *rig = rig_new(NULL);
    Call call;
    char head[15];
    run_guest(rig, "seen", "<graphics type='vnc' autoport='yes'/>");
    screenshot(rig, "seen", 0, &call);
    g_assert_cmpint(call.code, ==, 0);
    g_assert_cmpstr(call.mime, ==, "image/x-portable-pixmap");
    g_assert_false(call.end->both);
    g_assert_cmpint(read(call.end->fd, head, sizeof head), ==, sizeof head);
    g_assert_cmpint(memcmp(head, "P6\n640 480\n255\n", sizeof head), ==, 0);
    g_assert_cmpint(lseek(call.end->fd, 0, SEEK_END), ==, (off_t)sizeof head + 640 * 480 * 3);
    call_clear(&call);
    screenshot(rig, "seen", 1, &call);
    g_assert_cmpint(call.code, ==, VIR_ERR_INVALID_ARG);
    call_clear(&call);
    g_assert_cmpint(rig_destroy(rig, "seen", NULL), ==, 0);
    screenshot(rig, "seen", 0, &call);
    g_assert_cmpint(call.code, ==, VIR_ERR_OPERATION_INVALID);
    call_clear(&call);
    run_guest(rig, "blind", "");
    screenshot(rig, "blind", 0, &call);
    g_assert_cmpint(call.code, ==, VIR_ERR_OPERATION_INVALID);
    g_assert_nonnull(strstr(call.message, "has no screen"));
    call_clear(&call);
    g_assert_cmpint(rig_destroy(rig, "blind", NULL), ==, 0);
    rig_free(rig);
}

/* Each picture takes a second, and there are many; they take four threads, and a guest starts meanwhile. */
static void ask_and_start(void) {
    enum { N = 80 };
    static Call calls[N];
    Rig *rig = rig_new(NULL);
    run_guest(rig, "hangs", "<graphics type='vnc' autoport='yes'/>");
    VgUuid uuid = rig_uuid(rig, "hangs");
    for (guint i = 0; i < N; i++)
        vg_driver.screenshot(rig->session, &uuid, 0, 0, (VgStreamDone){on_done, &calls[i]});
    run_guest(rig, "other", "");
    g_assert_cmpint(rig_destroy(rig, "other", NULL), ==, 0);
    guint done = 0;
    for (guint i = 0; i < N; i++)
        done += calls[i].done ? 1 : 0;
    g_assert_cmpuint(done, <, N / 2);
    scratch_remove(rig->dir);
    _exit(0); /* nobody waits for the others */
}

static void test_hanging_screens(void) {
    if (g_test_subprocess()) {
        g_setenv("VIRTGRID_FAULT", "sim.screenshot=pause:*", TRUE);
        vg_fault_init();
        ask_and_start();
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/driver/streams/one-user", test_one_user);
    g_test_add_func("/driver/streams/refusals", test_refusals);
    g_test_add_func("/driver/streams/killed-meanwhile", test_killed_meanwhile);
    g_test_add_func("/driver/streams/terminal-after-restart", test_terminal_after_restart);
    g_test_add_func("/driver/streams/screen", test_screen);
    g_test_add_func("/driver/streams/hanging-screens", test_hanging_screens);
    return g_test_run();
}
