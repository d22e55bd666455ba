/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-save-crash.c: a guest that runs is saved and started again; every effect of it fails once, and the daemon dies
 * once at every effect, and again at every effect of the repair. At each moment there is the guest, running, or a whole
 * file of it: never neither, never both, and no beginning of a file. Its count of CPU time shows that it is the same
 * guest, and not one that was booted.
 */
#include <libvirt/libvirt.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "crash.h"
#include "rig.h"

/* --- in the child ------------------------------------------------------------------------------------------------- */

static int managed_save(Rig *rig) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    vg_driver.managed_save(rig->session, &uuid, 0, rig_done(&outcome));
    rig_wait(&outcome);
    int code = outcome.code;
    outcome_clear(&outcome);
    return code;
}

static gboolean is_saved(Rig *rig) {
    gboolean saved = FALSE;
    VgUuid uuid = rig_uuid(rig, "g");
    g_assert_true(vg_driver.has_managed_save(rig->session, &uuid, 0, &saved, NULL));
    return saved;
}

/* Whatever fails: it runs or is saved, here too. */
static int story(const char *dir) {
    vg_fault_init();
    Rig *rig = rig_new(dir);
    if (!rig)
        return 0;
    if (managed_save(rig))
        g_assert_true(rig_state(rig, "g", NULL) == VIR_DOMAIN_RUNNING || is_saved(rig));
    if (rig_start(rig, "g", 0, NULL))
        g_assert_true(rig_state(rig, "g", NULL) == VIR_DOMAIN_RUNNING || is_saved(rig));
    rig_free(rig);
    return 0;
}

/* --- in the parent ------------------------------------------------------------------------------------------------ */

#define WAS_NS G_GUINT64_CONSTANT(777000000000)

/* A host on which the guest has run for a long time. */
static char *host_with_guest(void) {
    char *dir = rig_new_host();
    Rig *rig = rig_new(dir);
    g_autofree char *xml = guest_xml("g", "11111111-2222-3333-4444-555555555555", NULL, NULL);
    g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    rig_free(rig);
    g_autofree char *record = g_build_filename(dir, "state", "xen", "1.json", NULL), *text = NULL;
    g_assert_true(g_file_get_contents(record, &text, NULL, NULL));
    g_autoptr(GRegex) figure = g_regex_new("\"cpu_ns\": *[0-9]+", 0, 0, NULL);
    g_autofree char *old = g_regex_replace_literal(figure, text, -1, 0, "\"cpu_ns\": 777000000000", 0, NULL);
    g_assert_cmpstr(old, !=, text);
    g_assert_true(g_file_set_contents(record, old, -1, NULL));
    return dir;
}

static void check_same_guest(Rig *rig) {
    Outcome outcome;
    VgDomInfo info;
    VgUuid uuid = rig_uuid(rig, "g");
    if (!vg_driver.fresh(rig->session, rig_done(&outcome))) {
        rig_wait(&outcome);
        outcome_clear(&outcome);
    }
    g_assert_true(vg_driver.info(rig->session, &uuid, &info, NULL));
    g_assert_cmpuint(info.cpu_time_ns, >=, WAS_NS);
}

static char *files_of(const Rig *rig) {
    g_autofree char *command = g_strdup_printf("find '%s' -path '*/save/*' -printf '%%f '", rig->dir);
    char *out = NULL;
    g_assert_true(g_spawn_command_line_sync(command, &out, NULL, NULL, NULL));
    return out;
}

static gboolean has_files(Rig *rig, gpointer want) {
    g_autofree char *is = files_of(rig);
    return g_str_equal(is, want);
}

/* The save itself, or nothing: no beginning of one. What is used up goes soon after the answer. */
static void check_files(Rig *rig, gboolean saved) {
    g_assert_true(rig_until(rig, has_files, (gpointer)(saved ? "g.save " : "")));
}

static void check_host(const char *dir, const char *fault) {
    g_test_message("%s", fault);
    Rig *rig = rig_new(dir);
    g_assert_nonnull(rig);
    gboolean runs = rig_state(rig, "g", NULL) == VIR_DOMAIN_RUNNING, saved = is_saved(rig);
    if (runs == saved)
        g_error("%s: the guest %s and %s", fault, runs ? "runs" : "does not run", saved ? "is saved" : "is not saved");
    check_files(rig, saved);
    if (saved)
        g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    check_same_guest(rig);
    g_assert_cmpint(managed_save(rig), ==, 0); /* and all of it can be done again */
    check_files(rig, TRUE);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    check_same_guest(rig);
    check_files(rig, FALSE);
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    rig_assert_clean(rig);
    rig_free(rig);
}

static void at_every_point(gconstpointer action) {
    g_autofree char *first = host_with_guest();
    g_autoptr(GPtrArray) points = crash_points("--child", first);
    crash_remove_dir(first);
    static const char *const all[] = {
        "driver.save.intent=", "driver.save.file=",   "driver.save.stream=", "driver.save.sync=", "driver.save.name=",
        "driver.save.done=",   "savefile.begin=",     "sim.save.half=",      "savefile.sync=",    "savefile.rename=",
        "savefile.folder=",    "driver.stop.domain=", "driver.start.image=", "sim.create.done="};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        g_assert_true(crash_has_point(points, all[i]));
    for (guint i = 0; i < points->len; i++) {
        g_autofree char *fault = crash_fault(points, i, action);
        g_autofree char *dir = host_with_guest();
        g_assert_cmpint(crash_child("--child", dir, fault, NULL), ==, g_str_equal(action, "kill"));
        check_host(dir, fault);
        crash_remove_dir(dir);
    }
}

/* Dead twice: in the middle of a save or a restore, then in the middle of the repair. */
static void at_repair(gconstpointer action) {
    static const char *const deaths[] = {"sim.save.half=kill",       "driver.save.name=kill", "savefile.folder=kill",
                                         "driver.stop.domain=kill",  "driver.save.done=kill", "driver.start.image=kill",
                                         "driver.start.unpause=kill"};
    for (guint d = 0; d < G_N_ELEMENTS(deaths); d++) {
        g_autofree char *first = host_with_guest();
        g_assert_true(crash_child("--child", first, deaths[d], NULL));
        g_autoptr(GPtrArray) points = crash_points("--repair", first);
        crash_remove_dir(first);
        for (guint i = 0; i < points->len; i++) {
            g_autofree char *fault = crash_fault(points, i, action);
            g_autofree char *dir = host_with_guest();
            g_autofree char *both = g_strdup_printf("%s, then %s", deaths[d], fault);
            crash_child("--child", dir, deaths[d], NULL);
            crash_child("--repair", dir, fault, NULL);
            check_host(dir, both);
            crash_remove_dir(dir);
        }
    }
}

int main(int argc, char **argv) {
    crash_self = argv[0];
    if (argc == 3 && g_str_equal(argv[1], "--child"))
        return story(argv[2]);
    if (argc == 3 && g_str_equal(argv[1], "--repair"))
        return rig_repair(argv[2]);
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/save/crash/kill", "kill", at_every_point);
    g_test_add_data_func("/save/crash/fail", "fail", at_every_point);
    g_test_add_data_func("/save/crash/repair-kill", "kill", at_repair);
    return g_test_run();
}
