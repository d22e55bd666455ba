/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-driver-crash.c: every effect of a guest's life fails once, and the daemon dies once at every effect. Afterwards
 * a new daemon finds what runs and takes it over, and of what does not run nothing is left: no domain, no device, no
 * claim, no status (wish-11, wish-12, wish-15).
 *
 * The story runs in a child (this program with --child), because it is to die. First a run that only logs the points it
 * passes says which there are.
 */
#include <libvirt/libvirt.h>
#include <string.h>

#include "base/fault.h"
#include "crash.h"
#include "rig.h"

/* --- in the child ------------------------------------------------------------------------------------------------- */

static int call(Rig *rig, void (*slow)(VgSession *session, const VgUuid *dom, VgDone done)) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    slow(rig->session, &uuid, rig_done(&outcome));
    rig_wait(&outcome);
    int code = outcome.code;
    outcome_clear(&outcome);
    return code;
}

#define DISK "<disk type='file' device='disk'><source file='/srv/b'/><target dev='xvdb' bus='xen'/></disk>"
#define MEDIUM "<disk type='file' device='cdrom'><source file='/srv/iso'/><target dev='hdc' bus='ide'/></disk>"
#define DRIVE "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>"

#define HOSTDEV(bus)                                                                                                   \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x" bus "' slot='0x00' " \
    "function='0x0'/></source></hostdev>"

#define FIRST_VGPU "11111111-2222-3333-4444-666666666661"
#define SECOND_VGPU "11111111-2222-3333-4444-666666666662"
#define VGPU(uuid)                                                                                                     \
    "<hostdev mode='subsystem' type='vgpu'><source><type name='8086:56c0 VF'/>"                                        \
    "<address uuid='" uuid "'/></source></hostdev>"

typedef void (*Slow)(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);

static void plug(Rig *rig, Slow slow, const char *device) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    slow(rig->session, &uuid, device, VIR_DOMAIN_AFFECT_LIVE, rig_done(&outcome));
    rig_wait(&outcome);
    outcome_clear(&outcome);
}

/* What the host says that the running guest has is what clients are told. */
static void assert_devices_agree(Rig *rig) {
    static const struct {
        const char *xml, *host;
    } names[] = {{"xvdb", "xvdb"},
                 {"/srv/iso", "/srv/iso"},
                 {"bus='0x0d'", "0000:0d:00.0"},
                 {"<vf domain='0x0000' bus='0xc1' slot='0x00' function='0x1'/>", "0000:c1:00.1"},
                 {"<vf domain='0x0000' bus='0xc1' slot='0x00' function='0x2'/>", "0000:c1:00.2"}};
    if (rig_state(rig, "g", NULL) != VIR_DOMAIN_RUNNING && rig_state(rig, "g", NULL) != VIR_DOMAIN_PAUSED)
        return;
    VgDomRef ref;
    g_assert_true(vg_driver.lookup_name(rig->session, "g", &ref, NULL));
    g_free(ref.name);
    g_autofree char *path = g_strdup_printf("%s/state/xen/%d.json", rig->dir, ref.id), *host = NULL;
    g_autofree char *xml = rig_xml(rig, "g", 0);
    g_assert_true(g_file_get_contents(path, &host, NULL, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (!strstr(host, names[i].host) != !strstr(xml, names[i].xml))
            g_error("of %s the host says %s, and clients are told\n%s", names[i].xml, host, xml);
}

static void plug_and_unplug(Rig *rig) {
    plug(rig, vg_driver.attach_device, DISK);
    assert_devices_agree(rig);
    plug(rig, vg_driver.update_device, MEDIUM);
    assert_devices_agree(rig);
    plug(rig, vg_driver.detach_device, DISK);
    assert_devices_agree(rig);
    plug(rig, vg_driver.attach_device, HOSTDEV("0d"));
    assert_devices_agree(rig);
    plug(rig, vg_driver.detach_device, HOSTDEV("0d"));
    assert_devices_agree(rig);
}

/* Two virtual functions come, and the first goes. */
static void plug_vgpus(Rig *rig) {
    plug(rig, vg_driver.attach_device, VGPU(FIRST_VGPU));
    assert_devices_agree(rig);
    plug(rig, vg_driver.attach_device, VGPU(SECOND_VGPU));
    assert_devices_agree(rig);
    plug(rig, vg_driver.detach_device, VGPU(FIRST_VGPU));
    assert_devices_agree(rig);
}

/* Nothing is under way any more: between two lives of a guest it looks shut off, but still counts. */
static gboolean is_settled(Rig *rig, gpointer unused) {
    int state = rig_state(rig, "g", NULL);
    return state != VIR_DOMAIN_SHUTDOWN && (state != VIR_DOMAIN_SHUTOFF || rig->guests == 0);
}

/* Or what it left could not be taken down, and it counts as running again. */
static gboolean has_rebooted(Rig *rig, gpointer unused) {
    int state = rig_state(rig, "g", NULL);
    return strstr(rig->events->str, "g:5/1") || state == VIR_DOMAIN_SHUTOFF ||
           (strstr(rig->events->str, "g:#1 ") && state == VIR_DOMAIN_RUNNING);
}

/* Defines, starts, pauses, lets go on, plugs devices, reboots, destroys. Whatever fails: a start that failed left
 * nothing. */
static int story(const char *dir) {
    vg_fault_init();
    Rig *rig = rig_new(dir);
    if (!rig)
        return 0;
    g_autofree char *t4 = vgpu_xml("GRID T4-1Q", NULL);
    g_autofree char *devices = g_strconcat(t4, DRIVE, HOSTDEV("0c"), NULL);
    g_autofree char *xml = guest_xml("g", "11111111-2222-3333-4444-555555555555", NULL, devices);
    if (rig_define(rig, xml, NULL)) {
        g_assert_cmpint(rig_state(rig, "g", NULL), ==, -1);
        rig_free(rig);
        return 0;
    }
    if (rig_start(rig, "g", 0, NULL) && rig_state(rig, "g", NULL) == VIR_DOMAIN_SHUTOFF)
        rig_assert_clean(rig);
    call(rig, vg_driver.suspend);
    call(rig, vg_driver.resume);
    plug_and_unplug(rig);
    if (rig_state(rig, "g", NULL) == VIR_DOMAIN_RUNNING) {
        rig_act(rig, "g", "reboot");
        if (!rig_until(rig, has_rebooted, NULL) || !rig_until(rig, is_settled, NULL))
            g_error("no reboot, but state %d and %s", rig_state(rig, "g", NULL), rig->events->str);
    }
    rig_destroy(rig, "g", NULL);
    rig_free(rig);
    return 0;
}

/* The same for a guest whose vGPUs come and go while it runs. */
static int plug_story(const char *dir) {
    vg_fault_init();
    Rig *rig = rig_new(dir);
    if (!rig)
        return 0;
    g_autofree char *xml = guest_xml("g", "11111111-2222-3333-4444-555555555555", NULL, HOSTDEV("0c"));
    if (rig_define(rig, xml, NULL) == 0) {
        rig_start(rig, "g", 0, NULL);
        plug_vgpus(rig);
        rig_destroy(rig, "g", NULL);
    }
    rig_free(rig);
    return 0;
}

/* --- in the parent ------------------------------------------------------------------------------------------------ */

/* A new daemon: the guest runs and can be used, or it is off and nothing of it is left. */
static void check_host(const char *dir, const char *fault) {
    g_test_message("%s", fault);
    Rig *rig = rig_new(dir);
    g_assert_nonnull(rig);
    g_assert_true(rig_until(rig, is_settled, NULL));
    int state = rig_state(rig, "g", NULL);
    if (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_PAUSED) {
        g_assert_cmpuint(rig->guests, ==, 1);
        assert_devices_agree(rig);
        g_autofree char *xml = rig_xml(rig, "g", 0);
        g_assert_true(strstr(xml, "<bound ") || !strstr(xml, "type='vgpu'"));
        g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    }
    rig_assert_clean(rig);
    for (guint i = 1; i <= 3; i++) { /* not with Xen's driver */
        g_autofree char *driver = g_strdup_printf("%s/state/kernel/sys/bus/pci/devices/0000:c1:00.%u/driver", dir, i);
        g_assert_false(g_file_test(driver, G_FILE_TEST_IS_SYMLINK));
    }
    if (state >= 0) { /* and it starts again */
        g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
        g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
        rig_assert_clean(rig);
    }
    rig_free(rig);
}

/* A small host with a card that has plain virtual functions. */
static char *new_host(void) {
    static const char gpus[] = "\"gpus\": [",
                      card[] = "{\"address\":\"0000:c1:00.0\",\"vendor\":\"8086\",\"device\":\"56c0\","
                               "\"driver\":\"i915\",\"iommu_group\":70,\"vfs\":3},";
    char *dir = rig_new_host();
    g_autofree char *path = g_build_filename(dir, "host.json", NULL), *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    char *list = strstr(text, gpus);
    g_assert_nonnull(list);
    list += strlen(gpus);
    g_autofree char *all = g_strdup_printf("%.*s%s%s", (int)(list - text), text, card, list);
    g_assert_true(g_file_set_contents(path, all, -1, NULL));
    return dir;
}

static void at_every_point(const char *story, const char *up, const char *down, const char *const *rungs,
                           const char *action) {
    g_autofree char *first = new_host();
    g_autoptr(GPtrArray) points = crash_points(story, first);
    crash_remove_dir(first);
    for (; *rungs; rungs++) { /* a story that passes none of them would show nothing */
        g_autofree char *there = g_strdup_printf("driver.%s.%s=", up, *rungs);
        g_autofree char *back = g_strdup_printf("driver.%s.%s=", down, *rungs);
        g_assert_true(crash_has_point(points, there) && crash_has_point(points, back));
    }
    for (guint i = 0; i < points->len; i++) {
        g_autofree char *fault = crash_fault(points, i, action);
        g_autofree char *dir = new_host();
        gboolean killed = crash_child(story, dir, fault, NULL);
        g_assert_cmpint(killed, ==, g_str_equal(action, "kill"));
        check_host(dir, fault);
        crash_remove_dir(dir);
    }
}

static void test_life(gconstpointer action) {
    static const char *const rungs[] = {"claim",    "intent", "ledger", "vgpus", "pci",     "config", "memory",
                                        "emulator", "domain", "record", "ready", "unpause", NULL};
    at_every_point("--child", "start", "stop", rungs, action);
}

static void test_plug(gconstpointer action) {
    static const char *const rungs[] = {"intent", "ledger", "device", "guest", "record", NULL};
    at_every_point("--plug", "plug", "unplug", rungs, action);
}

/* Dead twice: in the middle of a start, then in the middle of the repair. */
static void test_repair(gconstpointer action) {
    static const struct {
        const char *story, *death;
    } deaths[] = {
        {"--child", "driver.start.record=kill"}, {"--child", "driver.start.done=kill"},
        {"--child", "sim.plug.attached=kill"},   {"--child", "sim.plug.detached=kill"},
        {"--child", "driver.stop.vgpus=kill"},   {"--plug", "driver.plug.record=kill"},
        {"--plug", "driver.unplug.device=kill"},
    };
    for (guint d = 0; d < G_N_ELEMENTS(deaths); d++) {
        g_autofree char *first = new_host();
        crash_child(deaths[d].story, first, deaths[d].death, NULL);
        g_autoptr(GPtrArray) points = crash_points("--repair", first);
        crash_remove_dir(first);
        for (guint i = 0; i < points->len; i++) {
            g_autofree char *fault = crash_fault(points, i, action);
            g_autofree char *dir = new_host();
            crash_child(deaths[d].story, dir, deaths[d].death, NULL);
            crash_child("--repair", dir, fault, NULL);
            check_host(dir, fault);
            crash_remove_dir(dir);
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && g_str_equal(argv[1], "--child"))
        return story(argv[2]);
    if (argc == 3 && g_str_equal(argv[1], "--plug"))
        return plug_story(argv[2]);
    if (argc == 3 && g_str_equal(argv[1], "--repair"))
        return rig_repair(argv[2]);
    g_test_init(&argc, &argv, NULL);
    crash_self = argv[0];
    g_test_add_data_func("/driver/crash/kill", "kill", test_life);
    g_test_add_data_func("/driver/crash/fail", "fail", test_life);
    g_test_add_data_func("/driver/crash/plug-kill", "kill", test_plug);
    g_test_add_data_func("/driver/crash/plug-fail", "fail", test_plug);
    g_test_add_data_func("/driver/crash/repair-kill", "kill", test_repair);
    return g_test_run();
}
