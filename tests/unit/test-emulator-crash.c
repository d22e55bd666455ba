/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-emulator-crash.c: wish-12 and wish-15 for a guest with a display emulator. Every effect around it fails once,
 * and whoever does it, the daemon or virtgrid-dm, dies once at each: afterwards no emulator runs whose guest does not,
 * no guest runs whose emulator does not, and nothing else is left. What a start does besides is shown by
 * test-driver-crash.
 */
#include <libvirt/libvirt.h>
#include <string.h>

#include "base/fault.h"
#include "crash.h"
#include "rig.h"

static const char *const around[] = {
    "dm.",
    "process.",
    "driver.start.emulator",
    "driver.start.domain",
    "driver.start.record",
    "driver.start.ready",
    "driver.start.unpause",
    "driver.start.done",
    "driver.stop.ready",
    "driver.stop.domain",
    "driver.stop.emulator",
    "driver.recover.emulator",
    "sim.create.nics", /* what libxl does just before, and just after */
    "sim.create.model",
    NULL,
};

static gboolean is_around(const char *point) {
    /* Only a process that does not end when it is told to comes so far: a busy machine decides. test-process has it. */
    if (g_str_has_prefix(point, "process.kill"))
        return FALSE;
    for (const char *const *name = around; *name; name++)
        if (g_str_has_prefix(point, *name))
            return TRUE;
    return FALSE;
}

/* --- in the child ------------------------------------------------------------------------------------------------- */

/* Between two lives it looks shut off, but still counts. */
static gboolean moves(Rig *rig) {
    int state = rig_state(rig, "g", NULL);
    return state == VIR_DOMAIN_SHUTDOWN || (state == VIR_DOMAIN_SHUTOFF && rig->guests > 0);
}

static gboolean is_settled(Rig *rig, gpointer unused) {
    return !moves(rig);
}

/* Or what it left could not be taken down, and it counts as running again. */
static gboolean has_rebooted(Rig *rig, gpointer unused) {
    int state = rig_state(rig, "g", NULL);
    return state == VIR_DOMAIN_SHUTDOWN || state == VIR_DOMAIN_SHUTOFF || strstr(rig->events->str, "g:5/") ||
           (strstr(rig->events->str, "g:#1 ") && state == VIR_DOMAIN_RUNNING);
}

static void reboot(Rig *rig) {
    g_string_truncate(rig->events, 0);
    rig_act(rig, "g", "reboot");
    if (!rig_until(rig, has_rebooted, NULL) || !rig_until(rig, is_settled, NULL))
        g_error("no reboot, but state %d and %s", rig_state(rig, "g", NULL), rig->events->str);
}

static int story(const char *dir) {
    vg_fault_init();
    Rig *rig = rig_new(dir);
    if (!rig)
        return 0;
    g_autofree char *vgpu = vgpu_xml("GRID K140Q", NULL);
    g_autofree char *xml = guest_xml("g", "11111111-2222-3333-4444-555555555555", NULL, vgpu);
    g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
    if (rig_start(rig, "g", 0, NULL) && rig_state(rig, "g", NULL) == VIR_DOMAIN_SHUTOFF)
        rig_assert_clean(rig);
    if (rig_state(rig, "g", NULL) == VIR_DOMAIN_RUNNING)
        reboot(rig);
    rig_destroy(rig, "g", NULL);
    rig_free(rig);
    return 0;
}

static int repair(const char *dir) {
    vg_fault_init();
    Rig *rig = rig_new(dir);
    if (rig)
        rig_free(rig);
    return 0;
}

/* --- in the parent ------------------------------------------------------------------------------------------------ */

static char *new_host(void) {
    char *dir = rig_new_host();
    rig_add_emulator(dir);
    return dir;
}

static void check_host(const char *dir, const char *fault) {
    g_test_message("%s", fault);
    Rig *rig = rig_new(dir);
    g_assert_nonnull(rig);
    rig_spin(5); /* what it found may have ended */
    g_assert_true(rig_until(rig, is_settled, NULL));
    int state = rig_state(rig, "g", NULL);
    if (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_PAUSED)
        g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    rig_assert_no_emulators(dir);
    rig_assert_clean(rig);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    rig_assert_no_emulators(dir);
    rig_assert_clean(rig);
    rig_free(rig);
}

static void test_each(gconstpointer action) {
    g_autofree char *first = new_host();
    g_autoptr(GPtrArray) points = crash_points("--child", first);
    guint n = 0;
    crash_remove_dir(first);
    for (guint i = 0; i < points->len; i++) {
        g_autofree char *fault = crash_fault(points, i, action);
        if (!is_around(fault))
            continue;
        g_autofree char *dir = new_host();
        gboolean killed = crash_child("--child", dir, fault, NULL);
        gboolean daemon = !g_str_has_prefix(fault, "dm.");
        if (killed != (daemon && g_str_equal(action, "kill")))
            g_error("%s: the daemon %s", fault, killed ? "died" : "did not die");
        check_host(dir, fault);
        crash_remove_dir(dir);
        n++;
    }
    for (const char *const *name = around; *name; name++)
        g_assert_true(g_str_equal(*name, "driver.recover.emulator") || crash_has_point(points, *name));
    g_test_message("%u points", n);
}

/* Dead twice: while it is there, then in the middle of the repair. */
static void test_repair(gconstpointer action) {
    static const char *const deaths[] = {"driver.start.record=kill", "driver.stop.domain=kill"};
    for (guint d = 0; d < G_N_ELEMENTS(deaths); d++) {
        g_autofree char *first = new_host();
        crash_child("--child", first, deaths[d], NULL);
        g_autoptr(GPtrArray) points = crash_points("--repair", first);
        crash_remove_dir(first);
        for (guint i = 0; i < points->len; i++) {
            g_autofree char *fault = crash_fault(points, i, action);
            if (!is_around(fault) && !g_str_has_prefix(fault, "driver.recover."))
                continue;
            g_autofree char *dir = new_host();
            crash_child("--child", dir, deaths[d], NULL);
            crash_child("--repair", dir, fault, NULL);
            check_host(dir, fault);
            crash_remove_dir(dir);
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && g_str_equal(argv[1], "--child"))
        return story(argv[2]);
    if (argc == 3 && g_str_equal(argv[1], "--repair"))
        return repair(argv[2]);
    g_test_init(&argc, &argv, NULL);
    crash_self = argv[0];
    g_test_add_data_func("/emulator/crash/kill", "kill", test_each);
    g_test_add_data_func("/emulator/crash/fail", "fail", test_each);
    g_test_add_data_func("/emulator/crash/repair-kill", "kill", test_repair);
    g_test_add_data_func("/emulator/crash/repair-fail", "fail", test_repair);
    return g_test_run();
}
