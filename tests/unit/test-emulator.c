/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-emulator.c: the display emulator of a simulated guest is a process like a vendor's (lib/emulator.sh), started by
 * virtgrid-dm: how it is called, all the ways in which it can fail, and who ends it (wish-15, wish-42, wish-55).
 */
#include <libvirt/libvirt.h>
#include <signal.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "gpu/emulator.h"
#include "rig.h"

#define UUID "11111111-2222-3333-4444-555555555555"
#define VGPU "c0ffee00-0000-4000-8000-000000000001"

static void set_up(Rig **rig, gconstpointer data) {
    char *dir = rig_new_host();
    rig_limits = (RigLimits){0};
    rig_add_emulator(dir);
    *rig = rig_new(dir);
    g_assert_nonnull(*rig);
    (*rig)->own_dir = TRUE;
    g_free(dir);
}

static void tear_down(Rig **rig, gconstpointer data) {
    rig_free(*rig);
}

static void define(Rig *rig, const char *more) {
    g_autofree char *vgpu = vgpu_xml("GRID K140Q", "<address uuid='" VGPU "'/>");
    g_autofree char *xml = guest_xml("g", UUID, more, vgpu);
    g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
}

static char *read_text(Rig *rig, const char *name) {
    g_autofree char *path = g_build_filename(rig->dir, name, NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

/* The process that the report names; pid 0: there is none. */
static VgProcess emulator(Rig *rig) {
    g_autofree char *text = read_text(rig, "run/emulators/" UUID VG_EMULATOR_REPORT_SUFFIX);
    g_autoptr(VgJson) json = vg_json_parse(text, strlen(text), "report", NULL);
    g_auto(VgEmulatorReport) report = {0};
    return json && vg_emulator_report_parse(json, &report) ? report.process : (VgProcess){0};
}

static gboolean lives(const VgProcess *process) {
    int fd = vg_process_open(process);
    gboolean ended = fd < 0 || vg_process_ended(fd, 0);
    if (fd >= 0)
        close(fd);
    return !ended;
}

static gboolean wait_gone(const VgProcess *process) {
    int fd = vg_process_open(process);
    gboolean gone = fd < 0 || vg_process_ended(fd, 60000);
    if (fd >= 0)
        close(fd);
    return gone;
}

static gboolean has_event(Rig *rig, gpointer event) {
    return strstr(rig->events->str, event) != NULL;
}

static gboolean wait_for(Rig *rig, const char *event) {
    return rig_until(rig, has_event, (gpointer)event);
}

static void assert_room(Rig *rig, const char *text) {
    Outcome outcome;
    vg_driver.grid(rig->session, VG_GRID_CAPACITY, NULL, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpstr(outcome.text, ==, text);
    outcome_clear(&outcome);
}

static char *room(Rig *rig) {
    Outcome outcome;
    vg_driver.grid(rig->session, VG_GRID_CAPACITY, NULL, rig_done(&outcome));
    rig_wait(&outcome);
    char *text = g_steal_pointer(&outcome.text);
    outcome_clear(&outcome);
    return text;
}

/* --- a life ------------------------------------------------------------------------------------------------------- */

static void test_life(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    define(rig, NULL);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    VgProcess first = emulator(rig);
    g_assert_true(lives(&first));
    g_autofree char *pid = read_text(rig, "state/xen/store/1/vgpu-pid");
    g_assert_cmpint(atoi(pid), ==, first.pid);
    g_autofree char *calls = read_text(rig, "calls");
    g_autofree char *wanted = g_strdup_printf("%d --domain=1 --vcpus=2 --suspend=/var/lib/xen/demu-save.1 "
                                              "--device=0000:05:00.0,grid-k140q,0000:00:0b.0," VGPU "\n",
                                              first.pid);
    g_assert_cmpstr(calls, ==, wanted);

    /* a reboot is a new domain: another process, the same place */
    g_autofree char *before = room(rig);
    rig_act(rig, "g", "reboot");
    g_assert_true(wait_for(rig, "g:5/0 g:2/0"));
    VgProcess second = emulator(rig);
    g_assert_cmpint(second.pid, !=, first.pid);
    g_assert_true(wait_gone(&first));
    g_assert_true(lives(&second));
    assert_room(rig, before);
    g_free(calls);
    calls = read_text(rig, "calls");
    g_autofree char *ended = g_strdup_printf("%d ended\n%d --domain=2", first.pid, second.pid);
    g_assert_nonnull(strstr(calls, ended));

    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    g_assert_true(wait_gone(&second));
    rig_assert_clean(rig);
}

static void test_deaf(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    rig_limits.stop_s = 1;
    rig_restart(rig);
    rig_tell_emulator(rig->dir, "deaf");
    define(rig, NULL);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    VgProcess process = emulator(rig);
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    g_assert_false(lives(&process));
    rig_assert_clean(rig);
}

/* --- a start that fails ------------------------------------------------------------------------------------------- */

static const struct {
    const char *how, *why;
    RigLimits limits;
    int code;
} failures[] = {
    {"silent", "not ready after 1 s", {.start_s = 1}, VG_ERR_OPERATION_TIMEOUT},
    {"exit 3", "ended with status 3", {0}, VG_ERR_OPERATION_FAILED},
    {"error nomem", "'nomem': there is not enough memory", {0}, VG_ERR_OPERATION_FAILED},
    {"error odd", "'odd': its code is not known here", {0}, VG_ERR_OPERATION_FAILED},
    {"stuck", "not ready after 1 s", {.ready_s = 1}, VG_ERR_OPERATION_TIMEOUT},
    {"broken vmiop", "'vmiop': the vendor's library refuses", {0}, VG_ERR_OPERATION_FAILED},
};

static void test_failures(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    define(rig, NULL);
    g_autofree char *before = room(rig);
    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autofree char *why = g_strdup("");
        rig_limits = failures[i].limits;
        rig_restart(rig);
        rig_tell_emulator(rig->dir, failures[i].how);
        int code = rig_start(rig, "g", 0, &why);
        g_test_message("%s: %s", failures[i].how, why);
        g_assert_cmpint(code, ==, failures[i].code);
        g_assert_nonnull(strstr(why, failures[i].why));
        g_assert_nonnull(strstr(why, "display emulator"));
        g_assert_cmpint(rig_state(rig, "g", NULL), ==, VIR_DOMAIN_SHUTOFF);
        rig_assert_clean(rig);
        assert_room(rig, before);
    }
    rig_assert_no_emulators(rig->dir);
    rig_limits = (RigLimits){0};
    rig_restart(rig);
    rig_tell_emulator(rig->dir, "run");
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    rig_assert_clean(rig);
}

/* It went away, or was never there, while the daemon runs. */
static void test_not_there(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    g_autofree char *path = g_build_filename(rig->dir, "emulator", NULL), *away = g_strconcat(path, ".away", NULL);
    g_autofree char *why = g_strdup("");
    define(rig, NULL);
    g_assert_cmpint(rename(path, away), ==, 0);
    g_assert_cmpint(rig_start(rig, "g", 0, &why), ==, VG_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(why, "cannot be started: No such file"));
    rig_assert_clean(rig);
    g_assert_cmpint(rename(away, path), ==, 0);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
}

/* --- not before it runs ------------------------------------------------------------------------------------------- */

static gboolean host_says(Rig *rig, const char *what) {
    g_autofree char *text = read_text(rig, "state/xen/1.json");
    return strstr(text, what) != NULL;
}

static gboolean is_done(Rig *rig, gpointer unused) {
    return host_says(rig, "\"done\"");
}

static void say(Rig *rig, const char *state) {
    g_autofree char *path = g_build_filename(rig->dir, "state/xen/store/1/vgpu/state", NULL);
    g_assert_true(g_file_set_contents(path, state, -1, NULL));
}

static void begin_stuck(Rig *rig, Outcome *start) {
    VgUuid uuid;
    rig_tell_emulator(rig->dir, "stuck");
    define(rig, NULL);
    uuid = rig_uuid(rig, "g");
    vg_driver.create(rig->session, &uuid, 0, rig_done(start));
    g_assert_true(rig_until(rig, is_done, NULL));
    rig_spin(100);
    g_assert_false(start->done);
    g_assert_true(host_says(rig, "\"paused\""));
}

static void test_waits(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    Outcome start;
    begin_stuck(rig, &start);
    say(rig, "running");
    rig_wait(&start);
    g_assert_cmpint(start.code, ==, 0);
    outcome_clear(&start);
    g_assert_true(host_says(rig, "\"running\""));
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    rig_assert_clean(rig);
}

/* A destroy does not wait for an emulator that is never ready. */
static void test_destroyed_meanwhile(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    Outcome start;
    begin_stuck(rig, &start);
    gint64 began = g_get_monotonic_time();
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    g_assert_cmpint((int)((g_get_monotonic_time() - began) / G_USEC_PER_SEC), <, 15);
    rig_wait(&start);
    g_assert_cmpint(start.code, !=, 0);
    outcome_clear(&start);
    rig_assert_clean(rig);
}

/* --- it ends while the guest runs --------------------------------------------------------------------------------- */

static void start_and_kill(Rig *rig, const char *more) {
    define(rig, more);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    VgProcess process = emulator(rig);
    g_string_truncate(rig->events, 0);
    g_assert_no_errno(kill(process.pid, SIGKILL));
}

static void test_dies(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    g_autofree char *before = room(rig);
    start_and_kill(rig, NULL);
    g_assert_true(wait_for(rig, "g:5/2"));
    g_assert_true(rig_wait_state(rig, "g", VIR_DOMAIN_SHUTOFF));
    int reason = 0;
    rig_state(rig, "g", &reason);
    g_assert_cmpint(reason, ==, VIR_DOMAIN_SHUTOFF_CRASHED);
    rig_assert_clean(rig);
    assert_room(rig, before);
}

static void test_dies_kept(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    g_autofree char *before = room(rig);
    start_and_kill(rig, "<on_crash>preserve</on_crash>");
    g_assert_true(wait_for(rig, "g:8/0"));
    g_assert_cmpint(rig_state(rig, "g", NULL), ==, VIR_DOMAIN_CRASHED);
    g_assert_true(host_says(rig, "\"paused\"")); /* it does nothing without its GPU */
    rig_restart(rig);                            /* and a later daemon does not let it go on either */
    g_assert_true(rig_wait_state(rig, "g", VIR_DOMAIN_CRASHED));
    g_assert_true(host_says(rig, "\"paused\""));
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    rig_assert_clean(rig);
    assert_room(rig, before);
}

static void test_dies_again(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    start_and_kill(rig, "<on_crash>restart</on_crash>");
    g_assert_true(wait_for(rig, "g:5/2 g:2/0"));
    VgProcess process = emulator(rig);
    g_assert_true(lives(&process));
    g_assert_cmpint(rig_state(rig, "g", NULL), ==, VIR_DOMAIN_RUNNING);
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    rig_assert_clean(rig);
}

/* --- a later daemon ----------------------------------------------------------------------------------------------- */

static void test_restart(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    define(rig, NULL);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    VgProcess process = emulator(rig);
    rig_restart(rig);
    g_assert_cmpint(rig_state(rig, "g", NULL), ==, VIR_DOMAIN_RUNNING);
    g_assert_true(lives(&process));
    g_assert_no_errno(kill(process.pid, SIGKILL)); /* it is watched again */
    g_assert_true(rig_wait_state(rig, "g", VIR_DOMAIN_SHUTOFF));
    rig_assert_clean(rig);

    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    process = emulator(rig);
    rig_stop(rig);
    g_assert_no_errno(kill(process.pid, SIGKILL)); /* while nobody looks */
    g_assert_true(rig_try_start(rig));
    g_assert_true(rig_wait_state(rig, "g", VIR_DOMAIN_SHUTOFF));
    rig_assert_clean(rig);
}

/* Its guest was destroyed by other hands while no daemon ran: it is ended. */
static void test_orphan(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    define(rig, NULL);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    VgProcess process = emulator(rig);
    g_autofree char *first = g_build_filename(rig->dir, "state/xen/1.json", NULL);
    g_autofree char *command = g_strdup_printf("rm -rf '%s/state/xen/store/1'", rig->dir);
    rig_stop(rig);
    g_assert_no_errno(unlink(first));
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_assert_true(rig_try_start(rig));
    g_assert_false(lives(&process));
    g_assert_cmpint(rig_state(rig, "g", NULL), ==, VIR_DOMAIN_SHUTOFF);
    rig_assert_clean(rig);
}

/* The number in the report is another process's by now. */
static void test_not_ours(Rig **f, gconstpointer data) {
    Rig *rig = *f;
    g_autofree char *path = g_build_filename(rig->dir, "run/emulators/" UUID VG_EMULATOR_REPORT_SUFFIX, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    VgEmulatorReport report = {.domid = 1};
    g_assert_true(vg_process_of(getpid(), &report.process));
    report.process.start--;
    g_autoptr(VgJson) json = vg_emulator_report_json(&report);
    g_autofree char *text = vg_json_print(json, FALSE);
    rig_stop(rig);
    g_assert_no_errno(g_mkdir_with_parents(folder, 0700));
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_true(rig_try_start(rig)); /* and we are still there to say so */
    rig_assert_clean(rig);
}

#define TEST(name, func) g_test_add("/emulator/" name, Rig *, NULL, set_up, func, tear_down)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    TEST("life", test_life);
    TEST("deaf", test_deaf);
    TEST("failures", test_failures);
    TEST("not-there", test_not_there);
    TEST("waits", test_waits);
    TEST("destroyed-meanwhile", test_destroyed_meanwhile);
    TEST("dies", test_dies);
    TEST("dies-kept", test_dies_kept);
    TEST("dies-again", test_dies_again);
    TEST("restart", test_restart);
    TEST("orphan", test_orphan);
    TEST("not-ours", test_not_ours);
    return g_test_run();
}
