/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-inhibit.c: the machine's sleep is held while it is wanted (wish-58). A bus of our own, and a thread on it in the
 * place of logind, which gives the end of a pipe: when nobody holds the lock any more, the other end says so.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/job.h"
#include "base/log.h"
#include "daemon/inhibit.h"

#define PATIENCE_US (120 * G_USEC_PER_SEC)

static struct {
    GPid dbus;
    GThread *thread;
    gint asked, refuse, stop; /* atomic */
    gint reader;              /* atomic: the pipe's other end */
} world;

/* --- in logind's place -------------------------------------------------------------------------------------------- */

static int on_inhibit(sd_bus_message *m, void *data, sd_bus_error *error) {
    const char *what, *who, *why, *mode;
    int fds[2];
    g_assert_cmpint(sd_bus_message_read(m, "ssss", &what, &who, &why, &mode), >=, 0);
    g_assert_cmpstr(what, ==, "sleep");
    g_assert_cmpstr(who, ==, "virtgrid");
    g_assert_cmpstr(mode, ==, "block");
    g_atomic_int_inc(&world.asked);
    if (g_atomic_int_get(&world.refuse))
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "not today");
    g_assert_cmpint(pipe(fds), ==, 0);
    g_atomic_int_set(&world.reader, fds[0]);
    int r = sd_bus_reply_method_return(m, "h", fds[1]); /* a copy goes along */
    close(fds[1]);
    return r;
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static void *logind(void *data) {
    sd_bus *bus = data;
    while (!g_atomic_int_get(&world.stop)) {
        int r = sd_bus_process(bus, NULL);
        g_assert_cmpint(r, >=, 0);
        if (r == 0)
            sd_bus_wait(bus, 20000);
    }
    sd_bus_flush_close_unref(bus);
    return NULL;
}

/* --- the test ----------------------------------------------------------------------------------------------------- */

/* It does not outlive a test that fails. */
static void end_with_us(gpointer unused) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* The daemon's own bus, not this machine's. FALSE: none can be had here. */
static gboolean begin_bus(void) {
    const char *argv[] = {"dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", NULL};
    int out = -1;
    char address[512] = "";
    /* Our own child, not one of a child that ends at once. */
    if (!g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                                  end_with_us, NULL, &world.dbus, NULL, &out, NULL, NULL))
        return FALSE;
    gssize n = read(out, address, sizeof address - 1);
    g_assert_cmpint(n, >, 0);
    close(out);
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_strchomp(address), TRUE);
    return TRUE;
}

static void begin_logind(void) {
    sd_bus *bus = NULL;
    g_assert_cmpint(sd_bus_open_system(&bus), >=, 0);
    g_assert_cmpint(
        sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/login1", "org.freedesktop.login1.Manager", vtable, NULL),
        >=, 0);
    g_assert_cmpint(sd_bus_request_name(bus, "org.freedesktop.login1", 0), >=, 0);
    world.thread = g_thread_new("logind", logind, bus);
}

static void spin_until(gboolean (*condition)(gconstpointer data), gconstpointer data) {
    gint64 until = g_get_monotonic_time() + PATIENCE_US;
    while (!condition(data)) {
        g_assert_cmpint(g_get_monotonic_time(), <, until);
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
}

static gboolean is_held(gconstpointer inhibit) {
    return vg_inhibit_held(inhibit);
}

static gboolean is_idle(gconstpointer unused) {
    return vg_job_drain(0);
}

/* Does somebody still have the other end? */
static gboolean is_over(gconstpointer unused) {
    struct pollfd p = {.fd = g_atomic_int_get(&world.reader), .events = POLLIN};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0;
}

static void test_lock(void) {
    VgInhibit *inhibit = vg_inhibit_new();
    for (gint round = 1; round <= 2; round++) {
        vg_inhibit_set(inhibit, TRUE);
        vg_inhibit_set(inhibit, TRUE);
        spin_until(is_held, inhibit);
        g_assert_cmpint(g_atomic_int_get(&world.asked), ==, round);
        g_assert_false(is_over(NULL));
        vg_inhibit_set(inhibit, FALSE);
        g_assert_false(vg_inhibit_held(inhibit));
        spin_until(is_over, NULL);
    }
    /* not wanted any more before the answer came */
    vg_inhibit_set(inhibit, TRUE);
    vg_inhibit_set(inhibit, FALSE);
    spin_until(is_idle, NULL);
    g_assert_false(vg_inhibit_held(inhibit));
    spin_until(is_over, NULL);
    /* the end of the daemon lets go */
    vg_inhibit_set(inhibit, TRUE);
    spin_until(is_held, inhibit);
    vg_inhibit_free(inhibit);
    spin_until(is_over, NULL);
}

static void test_refused(void) {
    VgInhibit *inhibit = vg_inhibit_new();
    gint before = g_atomic_int_get(&world.asked);
    g_atomic_int_set(&world.refuse, TRUE);
    vg_inhibit_set(inhibit, TRUE);
    spin_until(is_idle, NULL);
    g_assert_cmpint(g_atomic_int_get(&world.asked), ==, before + 1);
    g_assert_false(vg_inhibit_held(inhibit));
    g_atomic_int_set(&world.refuse, FALSE);
    vg_inhibit_set(inhibit, TRUE); /* asked again with the next guest */
    spin_until(is_held, inhibit);
    vg_inhibit_free(inhibit);
}

static void test_no_bus(void) {
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus", TRUE);
    VgInhibit *inhibit = vg_inhibit_new();
    vg_inhibit_set(inhibit, TRUE);
    spin_until(is_idle, NULL);
    g_assert_false(vg_inhibit_held(inhibit));
    vg_inhibit_free(inhibit);
}

int main(int argc, char **argv) {
    vg_log_set_level(VG_LOG_WARN);
    if (!begin_bus())
        return 77;
    begin_logind();
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inhibit/wish-58-lock", test_lock);
    g_test_add_func("/inhibit/refused", test_refused);
    g_test_add_func("/inhibit/no-bus", test_no_bus);
    int rc = g_test_run();
    g_atomic_int_set(&world.stop, TRUE);
    g_thread_join(world.thread);
    kill(world.dbus, SIGTERM);
    return rc;
}
