/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-driver.c: lives of guests, by the driver's own table, on a simulated host. */
#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "rig.h"

static void check_events(Rig *rig, const char *want) {
    g_assert_cmpstr(rig->events->str, ==, want);
    g_string_truncate(rig->events, 0);
}

static void define(Rig *rig, const char *name, const char *more, const char *devices) {
    g_autofree char *xml = guest_xml(name, NULL, more, devices);
    g_autofree char *why = NULL;
    int code = rig_define(rig, xml, &why);
    if (code)
        g_error("%s: %s", name, why);
}

static void start(Rig *rig, const char *name) {
    g_autofree char *why = NULL;
    if (rig_start(rig, name, 0, &why))
        g_error("%s: %s", name, why);
}

static void test_life(void) {
    Rig *rig = rig_new(NULL);
    Outcome outcome;
    int reason = -1;
    define(rig, "one", NULL, NULL);
    check_events(rig, "one:0/0 ");
    g_assert_cmpint(rig_state(rig, "one", &reason), ==, VIR_DOMAIN_SHUTOFF);
    g_assert_cmpint(rig_destroy(rig, "one", NULL), ==, VIR_ERR_OPERATION_INVALID);
    start(rig, "one");
    check_events(rig, "one:2/0 ");
    g_assert_cmpint(rig_state(rig, "one", &reason), ==, VIR_DOMAIN_RUNNING);
    g_assert_cmpint(reason, ==, VIR_DOMAIN_RUNNING_BOOTED);
    g_assert_cmpuint(rig->guests, ==, 1);
    g_assert_cmpint(rig_start(rig, "one", 0, NULL), ==, VIR_ERR_OPERATION_INVALID);
    VgUuid uuid = rig_uuid(rig, "one");
    vg_driver.suspend(rig->session, &uuid, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpint(outcome.code, ==, 0);
    g_assert_cmpint(rig_state(rig, "one", NULL), ==, VIR_DOMAIN_PAUSED);
    outcome_clear(&outcome);
    vg_driver.resume(rig->session, &uuid, rig_done(&outcome));
    rig_wait(&outcome);
    outcome_clear(&outcome);
    check_events(rig, "one:3/0 one:4/0 ");
    vg_driver.shutdown(rig->session, &uuid, 0, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpint(outcome.code, ==, 0);
    outcome_clear(&outcome);
    g_assert_true(rig_wait_state(rig, "one", VIR_DOMAIN_SHUTOFF));
    rig_state(rig, "one", &reason);
    g_assert_cmpint(reason, ==, VIR_DOMAIN_SHUTOFF_SHUTDOWN);
    check_events(rig, "one:5/0 ");
    start(rig, "one");
    g_assert_cmpint(rig_destroy(rig, "one", NULL), ==, 0);
    check_events(rig, "one:2/0 one:5/1 ");
    g_assert_cmpint(rig_undefine(rig, "one", NULL), ==, 0);
    check_events(rig, "one:1/0 ");
    g_assert_cmpint(rig_state(rig, "one", NULL), ==, -1);
    rig_assert_clean(rig);
    rig_free(rig);
}

static void test_redefine(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *why = NULL;
    const char *u1 = "11111111-2222-3333-4444-555555555555", *u2 = "11111111-2222-3333-4444-666666666666";
    g_autofree char *a = guest_xml("a", u1, NULL, NULL);
    g_autofree char *a2 = guest_xml("a", u2, NULL, NULL);
    g_autofree char *b1 = guest_xml("b", u1, NULL, NULL);
    g_assert_cmpint(rig_define(rig, a, &why), ==, 0);
    g_assert_cmpint(rig_define(rig, a, &why), ==, 0);
    check_events(rig, "a:0/0 a:0/1 ");
    g_assert_cmpint(rig_define(rig, a2, &why), ==, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpstr(why, ==, "domain 'a' already exists with uuid 11111111-2222-3333-4444-555555555555");
    g_assert_cmpint(rig_define(rig, b1, &why), ==, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpstr(why, ==, "domain 'a' is already defined with uuid 11111111-2222-3333-4444-555555555555");
    /* both at once: one wins, and the other is told so */
    Outcome one, two;
    g_autofree char *c1 = guest_xml("c", NULL, NULL, NULL);
    vg_driver.define(rig->session, c1, 0, rig_done(&one));
    vg_driver.define(rig->session, c1, 0, rig_done(&two));
    rig_wait(&one);
    rig_wait(&two);
    g_assert_cmpint(one.code, ==, 0);
    g_assert_cmpint(two.code, ==, VIR_ERR_OPERATION_FAILED);
    outcome_clear(&one);
    outcome_clear(&two);
    /* what was defined is there after a restart, what was refused is not */
    rig_restart(rig);
    g_assert_cmpint(rig_state(rig, "a", NULL), ==, VIR_DOMAIN_SHUTOFF);
    g_assert_cmpint(rig_state(rig, "c", NULL), ==, VIR_DOMAIN_SHUTOFF);
    g_assert_cmpint(rig_state(rig, "b", NULL), ==, -1);
    g_autofree char *slash = guest_xml("../evil", NULL, NULL, NULL);
    g_assert_cmpint(rig_define(rig, slash, &why), ==, VIR_ERR_XML_ERROR);
    rig_free(rig);
}

static void test_transient(void) {
    Rig *rig = rig_new(NULL);
    Outcome outcome;
    g_autofree char *xml = guest_xml("passing", NULL, NULL, NULL);
    vg_driver.create_xml(rig->session, xml, VIR_DOMAIN_START_AUTODESTROY, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpint(outcome.code, ==, VIR_ERR_ARGUMENT_UNSUPPORTED);
    outcome_clear(&outcome);
    vg_driver.create_xml(rig->session, xml, VIR_DOMAIN_START_PAUSED, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpint(outcome.code, ==, 0);
    g_assert_cmpint(outcome.id, >, 0);
    outcome_clear(&outcome);
    check_events(rig, "passing:2/0 passing:3/0 ");
    g_assert_cmpint(rig_state(rig, "passing", NULL), ==, VIR_DOMAIN_PAUSED);
    g_assert_cmpint(rig_undefine(rig, "passing", NULL), ==, VIR_ERR_OPERATION_INVALID);
    rig_restart(rig);
    g_assert_cmpint(rig_state(rig, "passing", NULL), ==, VIR_DOMAIN_PAUSED);
    g_assert_cmpint(rig_destroy(rig, "passing", NULL), ==, 0);
    g_assert_cmpint(rig_state(rig, "passing", NULL), ==, -1);
    rig_assert_clean(rig);
    rig_free(rig);
}

/* --- what guests do ----------------------------------------------------------------------------------------------- */

static int id_of(Rig *rig, const char *name) {
    VgDomRef ref;
    if (!vg_driver.lookup_name(rig->session, name, &ref, NULL))
        return -2;
    g_free(ref.name);
    return ref.id;
}

typedef struct {
    const char *name;
    int id;
} Life;

static gboolean lives_anew(Rig *rig, gpointer data) {
    const Life *before = data;
    return id_of(rig, before->name) > before->id;
}

static void wait_other_id(Rig *rig, const char *name, int id) {
    g_assert_true(rig_until(rig, lives_anew, &(Life){name, id}));
}

static void test_on_reboot(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *vgpu = vgpu_xml("GRID T4-1Q", NULL);
    define(rig, "r", "<on_reboot>restart</on_reboot><on_poweroff>destroy</on_poweroff><on_crash>restart</on_crash>",
           vgpu);
    start(rig, "r");
    int id = id_of(rig, "r");
    g_autofree char *before = rig_xml(rig, "r", 0);
    rig_act(rig, "r", "reboot");
    wait_other_id(rig, "r", id);
    check_events(rig, "r:0/0 r:2/0 r:#1 r:5/0 r:2/0 ");
    g_autofree char *after = rig_xml(rig, "r", 0);
    const char *bound = strstr(before, "<bound");
    g_assert_nonnull(bound);
    g_autofree char *place = g_strndup(bound, (gsize)(strstr(bound, "</bound>") - bound));
    g_assert_nonnull(strstr(after, place)); /* the place was kept */
    id = id_of(rig, "r");
    rig_act(rig, "r", "crash");
    wait_other_id(rig, "r", id);
    check_events(rig, "r:5/2 r:2/0 ");
    rig_act(rig, "r", "poweroff");
    g_assert_true(rig_wait_state(rig, "r", VIR_DOMAIN_SHUTOFF));
    check_events(rig, "r:5/0 ");
    rig_assert_clean(rig);
    rig_free(rig);
}

static void test_on_crash(void) {
    Rig *rig = rig_new(NULL);
    int reason = -1;
    define(rig, "d", "<on_crash>destroy</on_crash>", NULL);
    define(rig, "p", "<on_crash>preserve</on_crash>", NULL);
    start(rig, "d");
    start(rig, "p");
    rig_act(rig, "d", "crash");
    rig_act(rig, "p", "crash");
    g_assert_true(rig_wait_state(rig, "d", VIR_DOMAIN_SHUTOFF));
    rig_state(rig, "d", &reason);
    g_assert_cmpint(reason, ==, VIR_DOMAIN_SHUTOFF_CRASHED);
    g_assert_true(rig_wait_state(rig, "p", VIR_DOMAIN_CRASHED));
    g_assert_cmpint(rig_destroy(rig, "p", NULL), ==, 0);
    rig_assert_clean(rig);
    rig_free(rig);
}

/* --- vGPUs -------------------------------------------------------------------------------------------------------- */

static void test_vgpu(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *vgpu = vgpu_xml("GRID K180Q", NULL);
    define(rig, "g", NULL, vgpu);
    g_autofree char *stored = rig_xml(rig, "g", VIR_DOMAIN_XML_INACTIVE);
    g_assert_nonnull(strstr(stored, "<address uuid="));
    g_assert_nonnull(strstr(stored, "slot='0x0b'"));
    g_assert_null(strstr(stored, "<bound"));
    g_assert_false(rig->awake);
    start(rig, "g");
    g_assert_true(rig->awake); /* wish-58 */
    g_autofree char *live = rig_xml(rig, "g", 0);
    g_assert_nonnull(strstr(live, "<bound backend="));
    g_autofree char *again = rig_xml(rig, "g", VIR_DOMAIN_XML_INACTIVE);
    g_assert_cmpstr(stored, ==, again);
    Outcome outcome;
    vg_driver.grid(rig->session, VG_GRID_VGPUS, NULL, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_nonnull(strstr(outcome.text, "GRID K180Q"));
    outcome_clear(&outcome);
    rig_restart(rig);
    g_autofree char *adopted = rig_xml(rig, "g", 0);
    g_assert_cmpstr(live, ==, adopted);
    g_assert_cmpuint(rig->guests, ==, 1);
    g_assert_true(rig->awake);
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    g_assert_false(rig->awake);
    rig_assert_clean(rig);
    rig_free(rig);
}

static void test_vgpu_refused(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *why = NULL;
    g_autofree char *unknown = vgpu_xml("GRID X999", NULL);
    g_autofree char *vgpu = vgpu_xml("GRID K180Q", NULL);
    g_autofree char *x1 = guest_xml("x1", NULL, NULL, unknown);
    g_assert_cmpint(rig_define(rig, x1, &why), !=, 0);
    g_assert_nonnull(strstr(why, "GRID X999"));
    g_autofree char *pv =
        g_strdup_printf("<domain type='xen'><name>pv</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>"
                        "<os><type>linux</type><kernel>/k</kernel></os><devices>%s</devices></domain>",
                        vgpu);
    g_assert_cmpint(rig_define(rig, pv, &why), ==, VIR_ERR_CONFIG_UNSUPPORTED);
    g_autofree char *mdev = guest_xml("x2", NULL, NULL,
                                      "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
                                      "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>");
    g_assert_cmpint(rig_define(rig, mdev, NULL), ==, 0);
    g_assert_cmpint(rig_start(rig, "x2", 0, &why), ==, VIR_ERR_DEVICE_MISSING);
    g_assert_nonnull(strstr(why, "mediated device 'c2177883-f1bb-47f0-914d-32a22e3a8804' not found"));
    g_assert_cmpint(rig_state(rig, "pv", NULL), ==, -1);
    g_assert_cmpint(rig_state(rig, "x1", NULL), ==, -1);
    rig_free(rig);
}

/* wish-26: one slot, twenty guests at once: one gets it, the others hear the same clear reason, nothing is left. */
static void test_race(void) {
    enum { N = 20 };
    Rig *rig = rig_new(NULL);
    Outcome outcomes[N];
    g_autofree char *vgpu = vgpu_xml("GRID T4-16Q", NULL);
    for (guint i = 0; i < N; i++) {
        g_autofree char *name = g_strdup_printf("race%u", i);
        define(rig, name, NULL, vgpu);
    }
    for (guint i = 0; i < N; i++) {
        g_autofree char *name = g_strdup_printf("race%u", i);
        VgUuid uuid = rig_uuid(rig, name);
        vg_driver.create(rig->session, &uuid, 0, rig_done(&outcomes[i]));
    }
    guint won = 0;
    const char *reason = NULL;
    for (guint i = 0; i < N; i++) {
        rig_wait(&outcomes[i]);
        if (outcomes[i].code == 0) {
            won++;
            continue;
        }
        g_assert_cmpint(outcomes[i].code, ==, VIR_ERR_RESOURCE_BUSY);
        g_assert_cmpint(outcomes[i].id, ==, -1);
        if (reason)
            g_assert_cmpstr(reason, ==, outcomes[i].message);
        else
            reason = outcomes[i].message;
    }
    g_assert_cmpuint(won, ==, 1);
    g_assert_nonnull(strstr(reason, "race0"));
    g_assert_cmpuint(rig->guests, ==, 1);
    for (guint i = 0; i < N; i++)
        outcome_clear(&outcomes[i]);
    g_assert_cmpint(rig_destroy(rig, "race0", NULL), ==, 0);
    start(rig, "race7"); /* the slot is free again */
    g_assert_cmpint(rig_destroy(rig, "race7", NULL), ==, 0);
    rig_assert_clean(rig);
    rig_free(rig);
}

/* A GPU is given whole, or in parts, never both. */
static void test_whole_or_parts(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *vgpu = vgpu_xml("GRID T4-1Q", NULL), *why = NULL;
    define(rig, "part", NULL, vgpu);
    define(rig, "whole", NULL,
           "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='0x82' slot='0' "
           "function='0'/></source>"
           "</hostdev>");
    start(rig, "part");
    g_assert_cmpint(rig_start(rig, "whole", 0, &why), ==, VIR_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(why, "0000:82:00.0"));
    g_assert_nonnull(strstr(why, "'part'"));
    g_assert_cmpint(rig_destroy(rig, "part", NULL), ==, 0);
    start(rig, "whole");
    g_assert_cmpint(rig_start(rig, "part", 0, &why), ==, VIR_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(why, "'whole'"));
    rig_restart(rig);
    g_assert_cmpint(rig_start(rig, "part", 0, &why), ==, VIR_ERR_RESOURCE_BUSY);
    g_assert_cmpint(rig_destroy(rig, "whole", NULL), ==, 0);
    start(rig, "part");
    g_assert_cmpint(rig_destroy(rig, "part", NULL), ==, 0);
    rig_assert_clean(rig);
    rig_free(rig);
}

/* One guest at a time gets the whole card; what one could not give back at first is tried again by the next start. */
static void leave_something(gboolean persistent) {
    Rig *rig = rig_new(NULL);
    Outcome outcome;
    g_autofree char *vgpu = vgpu_xml("GRID T4-16Q", NULL);
    g_autofree char *xml = guest_xml("stuck", "11111111-2222-3333-4444-555555555555", NULL, vgpu);
    define(rig, "other", NULL, vgpu);
    if (persistent)
        g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
    vg_driver.create_xml(rig->session, xml, 0, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpint(outcome.code, ==, 0);
    outcome_clear(&outcome);
    g_assert_cmpint(rig_destroy(rig, "stuck", NULL), ==, 0);
    if (persistent)
        g_assert_cmpint(rig_undefine(rig, "stuck", NULL), ==, 0);
    g_assert_cmpint(rig_state(rig, "stuck", NULL), ==, -1);
    start(rig, "other");
    g_assert_cmpint(rig_destroy(rig, "other", NULL), ==, 0);
    rig_assert_clean(rig);
    rig_free(rig);
}

static void test_leftover(gconstpointer persistent) {
    if (g_test_subprocess()) {
        g_setenv("VIRTGRID_FAULT", "driver.stop.vgpus=fail", TRUE);
        vg_fault_init();
        leave_something(GPOINTER_TO_INT(persistent));
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
}

/* --- order -------------------------------------------------------------------------------------------------------- */

/* What is asked of a domain while it starts waits; a destroy does not. */
static void test_order(void) {
    Rig *rig = rig_new(NULL);
    Outcome a, b, c, d;
    define(rig, "q", NULL, NULL);
    VgUuid uuid = rig_uuid(rig, "q");
    vg_driver.create(rig->session, &uuid, 0, rig_done(&a));
    vg_driver.suspend(rig->session, &uuid, rig_done(&b));
    vg_driver.resume(rig->session, &uuid, rig_done(&c));
    rig_wait(&c);
    g_assert_true(a.done && b.done);
    g_assert_cmpint(a.code + b.code + c.code, ==, 0);
    check_events(rig, "q:0/0 q:2/0 q:3/0 q:4/0 ");
    g_assert_cmpint(rig_destroy(rig, "q", NULL), ==, 0);
    outcome_clear(&a);
    outcome_clear(&b);
    outcome_clear(&c);
    vg_driver.create(rig->session, &uuid, 0, rig_done(&a));
    vg_driver.suspend(rig->session, &uuid, rig_done(&b));
    vg_driver.destroy(rig->session, &uuid, 0, rig_done(&d));
    rig_wait(&b);
    g_assert_true(a.done && d.done);
    g_assert_cmpint(a.code, ==, VIR_ERR_OPERATION_ABORTED);
    g_assert_cmpint(d.code, ==, 0);
    g_assert_cmpint(b.code, ==, VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(rig_state(rig, "q", NULL), ==, VIR_DOMAIN_SHUTOFF);
    outcome_clear(&a);
    outcome_clear(&b);
    outcome_clear(&d);
    rig_assert_clean(rig);
    rig_free(rig);
}

/* Building takes half a minute here: a destroy does not wait for that. */
static void test_abort(void) {
    char *dir = rig_new_host();
    g_autofree char *path = g_build_filename(dir, "host.json", NULL), *json = NULL;
    g_autofree char *domain = g_build_filename(dir, "state/xen/1.json", NULL);
    g_assert_true(g_file_get_contents(path, &json, NULL, NULL));
    g_autofree char *slow = g_strdup_printf("{\"build_ms\": 30000, %s", json + 1);
    g_assert_true(g_file_set_contents(path, slow, -1, NULL));
    Rig *rig = rig_new(dir);
    rig->own_dir = TRUE;
    g_free(dir);
    Outcome start, destroy;
    define(rig, "b", NULL, NULL);
    VgUuid uuid = rig_uuid(rig, "b");
    gint64 begin = g_get_monotonic_time();
    vg_driver.create(rig->session, &uuid, 0, rig_done(&start));
    while (!g_file_test(domain, G_FILE_TEST_EXISTS))
        rig_spin(1);
    vg_driver.destroy(rig->session, &uuid, 0, rig_done(&destroy));
    rig_wait(&start);
    rig_wait(&destroy);
    g_assert_cmpint(start.code, ==, VIR_ERR_OPERATION_ABORTED);
    g_assert_cmpint(destroy.code, ==, 0);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 20 * G_USEC_PER_SEC);
    g_assert_cmpint(rig_state(rig, "b", NULL), ==, VIR_DOMAIN_SHUTOFF);
    outcome_clear(&start);
    outcome_clear(&destroy);
    rig_assert_clean(rig);
    rig_free(rig);
}

/* A definition that comes while the same domain is being undefined is a new one. */
static void test_define_while_undefining(void) {
    Rig *rig = rig_new(NULL);
    Outcome undefined, defined;
    g_autofree char *xml = guest_xml("u", "11111111-2222-3333-4444-555555555555", NULL, NULL);
    g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
    VgUuid uuid = rig_uuid(rig, "u");
    vg_driver.undefine(rig->session, &uuid, 0, rig_done(&undefined));
    vg_driver.define(rig->session, xml, 0, rig_done(&defined));
    rig_wait(&defined);
    g_assert_true(undefined.done);
    g_assert_cmpint(undefined.code + defined.code, ==, 0);
    outcome_clear(&undefined);
    outcome_clear(&defined);
    check_events(rig, "u:0/0 u:1/0 u:0/0 ");
    rig_restart(rig);
    g_assert_cmpint(rig_state(rig, "u", NULL), ==, VIR_DOMAIN_SHUTOFF);
    rig_free(rig);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static guint64 max_mem(Rig *rig, const char *name) {
    VgUuid uuid = rig_uuid(rig, name);
    VgDomInfo info = {0};
    g_assert_true(vg_driver.info(rig->session, &uuid, &info, NULL));
    return info.max_mem_kib;
}

static void edit(const char *path, const char *from, const char *to) {
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) parts = g_strsplit(text, from, -1);
    g_assert_cmpuint(g_strv_length(parts), >, 1);
    g_autofree char *edited = g_strjoinv(to, parts);
    g_assert_true(g_file_set_contents(path, edited, -1, NULL));
}

/* Starts are the same with the index, without it, and with one that lies about a file that changed. */
static void test_files(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *xml = guest_xml("a b", NULL, NULL, NULL);
    g_autofree char *path = g_build_filename(rig->dir, "etc/xen/a b.xml", NULL);
    g_autofree char *index = g_build_filename(rig->dir, "state/definitions", NULL);
    g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
    g_autofree char *before = rig_xml(rig, "a b", 0);
    guint64 mem = max_mem(rig, "a b");
    for (int i = 0; i < 3; i++) {
        rig_restart(rig);
        g_autofree char *after = rig_xml(rig, "a b", 0);
        g_assert_cmpstr(after, ==, before);
        g_assert_cmpuint(max_mem(rig, "a b"), ==, mem);
        if (i == 1)
            g_assert_cmpint(g_remove(index), ==, 0);
    }
    rig_stop(rig);
    g_autofree char *was = g_strdup_printf("<memory unit='KiB'>%" G_GUINT64_FORMAT, mem);
    g_autofree char *is = g_strdup_printf("<memory unit='KiB'>%" G_GUINT64_FORMAT, mem + 1024);
    edit(path, was, is);
    rig_restart(rig);
    g_assert_cmpuint(max_mem(rig, "a b"), ==, mem + 1024);
    /* torn: the version before is used, and what is torn is kept */
    g_assert_cmpint(rig_define(rig, before, NULL), ==, 0);
    rig_stop(rig);
    g_assert_cmpint(truncate(path, 200), ==, 0);
    rig_restart(rig);
    g_assert_cmpuint(max_mem(rig, "a b"), ==, mem + 1024);
    rig_stop(rig);
    edit(index, "a b", "a c");
    rig_restart(rig);
    g_assert_cmpuint(max_mem(rig, "a b"), ==, mem + 1024);
    rig_free(rig);
}

/* --- what must not break a definition ----------------------------------------------------------------------------- */

static void test_names(void) {
    static const char *const names[] = {".hidden", "a.xml", "..a", "b.xml.prev", "-", "caf\303\251", "a b"};
    Rig *rig = rig_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        define(rig, names[i], NULL, NULL);
    rig_restart(rig);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_cmpint(rig_state(rig, names[i], NULL), ==, VIR_DOMAIN_SHUTOFF);
    rig_free(rig);
}

/* A torn definition gives way to the one before; one that is only refused stays, for a version that may take it. */
static void test_definitions_by_others(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *refused = guest_xml("refused", NULL, NULL, "<memory model='dimm'/>");
    g_autofree char *path = g_build_filename(rig->dir, "etc/xen/refused.xml", NULL);
    g_autofree char *torn = g_build_filename(rig->dir, "etc/xen/torn.xml", NULL), *text = NULL;
    g_autofree char *once = guest_xml("torn", "11111111-2222-3333-4444-555555555555", NULL, NULL);
    g_assert_cmpint(rig_define(rig, once, NULL), ==, 0);
    g_assert_cmpint(rig_define(rig, once, NULL), ==, 0);
    g_assert_true(g_file_set_contents(path, refused, -1, NULL));
    g_assert_true(g_file_set_contents(torn, "<domain type='xen'><name>to", -1, NULL));
    rig_restart(rig);
    g_assert_cmpint(rig_state(rig, "refused", NULL), ==, -1);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, refused);
    g_assert_cmpint(rig_state(rig, "torn", NULL), ==, VIR_DOMAIN_SHUTOFF);
    rig_free(rig);
}

static int set_description(Rig *rig, const char *name, const char *text) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, name);
    vg_driver.set_metadata(rig->session, &uuid, VIR_DOMAIN_METADATA_DESCRIPTION, text, NULL, NULL, 0,
                           rig_done(&outcome));
    rig_wait(&outcome);
    int code = outcome.code;
    outcome_clear(&outcome);
    return code;
}

/* Whatever a client calls it, the domain can still be read, shown and started. */
static void test_odd_texts(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *huge = g_strnfill(4 << 20, 'x');
    define(rig, "t", NULL, NULL);
    g_assert_cmpint(set_description(rig, "t", "a <b> & 'c'"), ==, 0);
    g_assert_cmpint(set_description(rig, "t", "bell \a"), ==, 0);
    g_assert_cmpint(set_description(rig, "t", "not UTF-8 \377"), !=, 0);
    g_assert_cmpint(set_description(rig, "t", "not XML \357\277\277"), !=, 0);
    g_assert_cmpint(set_description(rig, "t", huge), !=, 0);
    start(rig, "t");
    g_assert_cmpint(set_description(rig, "t", "not UTF-8 \377"), !=, 0);
    rig_restart(rig);
    g_assert_cmpint(rig_destroy(rig, "t", NULL), ==, 0);
    rig_free(rig);
}

/* --- by the grammar ----------------------------------------------------------------------------------------------- */

static int define_valid(Rig *rig, const char *name, const char *devices, char **why) {
    Outcome outcome;
    g_autofree char *xml = guest_xml(name, NULL, NULL, devices);
    vg_driver.define(rig->session, xml, VIR_DOMAIN_DEFINE_VALIDATE, rig_done(&outcome));
    rig_wait(&outcome);
    int code = outcome.code;
    g_free(*why);
    *why = g_strdup(outcome.message);
    outcome_clear(&outcome);
    return code;
}

static void test_validate(void) {
    Rig *rig = rig_new(NULL);
    g_autofree char *vgpu = vgpu_xml("GRID K180Q", NULL), *why = NULL;
    int code = define_valid(rig, "good", vgpu, &why);
    if (code == VIR_ERR_OPERATION_UNSUPPORTED) {
        g_test_skip("libvirt's grammar is not installed");
        rig_free(rig);
        return;
    }
    g_assert_cmpint(code, ==, 0);
    /* ignored without validation, as any element that nobody knows */
    define(rig, "typo", NULL, "<hostdeb/>");
    g_assert_cmpint(define_valid(rig, "bad", "<hostdeb/>", &why), ==, VIR_ERR_XML_INVALID_SCHEMA);
    g_assert_nonnull(strstr(why, "devices"));
    g_assert_cmpint(rig_state(rig, "bad", NULL), ==, -1);
    g_assert_cmpint(define_valid(rig, "good", "<hostdev mode='subsystem' type='vgpu'/>", &why), ==, VIR_ERR_XML_ERROR);
    /* what we show is valid */
    g_autofree char *shown = rig_xml(rig, "good", VIR_DOMAIN_XML_INACTIVE);
    Outcome outcome;
    vg_driver.define(rig->session, shown, VIR_DOMAIN_DEFINE_VALIDATE, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpint(outcome.code, ==, 0);
    outcome_clear(&outcome);
    vg_driver.create_xml(rig->session, "<domain type='xen'><name>x</name><memory>1</memory><nonsense/></domain>",
                         VIR_DOMAIN_START_VALIDATE, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpint(outcome.code, !=, 0);
    outcome_clear(&outcome);
    rig_free(rig);
}

/* --- screens ------------------------------------------------------------------------------------------------------ */

static int port_in(const char *xml) {
    const char *graphics = strstr(xml, "<graphics "), *port = graphics ? strstr(graphics, " port='") : NULL;
    return port ? atoi(port + strlen(" port='")) : 0;
}

static char *config_of(Rig *rig, const char *name) {
    Outcome outcome;
    vg_driver.grid(rig->session, VG_GRID_CONFIG, name, rig_done(&outcome));
    rig_wait(&outcome);
    char *text = g_strdup(outcome.text);
    outcome_clear(&outcome);
    return text;
}

/* The port is chosen before the guest is built: what clients are shown is what libxl was told. */
static void test_ports(void) {
    Rig *rig = rig_new(NULL);
    const char *spice = "<graphics type='spice' autoport='yes'/>";
    define(rig, "v1", NULL, NULL);
    define(rig, "v2", NULL, spice);
    define(rig, "v3", NULL, "<graphics type='vnc' port='5901' autoport='no'/>");
    g_autofree char *planned = config_of(rig, "v1");
    g_assert_nonnull(strstr(planned, "\"findunused\": \"False\""));
    start(rig, "v1");
    start(rig, "v2");
    g_autofree char *one = rig_xml(rig, "v1", 0), *two = rig_xml(rig, "v2", 0);
    g_assert_cmpint(port_in(one), ==, 5900);
    g_assert_nonnull(strstr(one, "<listen type='address' address='127.0.0.1'/>"));
    g_assert_cmpint(port_in(two), ==, 5901);
    g_assert_cmpint(port_in(strstr(two, "<graphics type='spice'")), ==, 5902);
    g_autofree char *path = g_strdup_printf("%s/state/xen/%d.libxl.json", rig->dir, id_of(rig, "v2")), *json = NULL;
    g_assert_true(g_file_get_contents(path, &json, NULL, NULL));
    g_assert_nonnull(strstr(json, "\"display\": 1"));
    g_assert_nonnull(strstr(json, "\"port\": 5902"));
    g_assert_null(strstr(json, "\"findunused\": \"True\""));
    /* after a restart of the daemon they are still taken, and a guest that restarts keeps its own */
    rig_restart(rig);
    g_assert_cmpint(rig_destroy(rig, "v1", NULL), ==, 0);
    start(rig, "v1");
    g_free(one);
    one = rig_xml(rig, "v1", 0);
    g_assert_cmpint(port_in(one), ==, 5900);
    int id = id_of(rig, "v2");
    rig_act(rig, "v2", "reboot");
    wait_other_id(rig, "v2", id);
    g_free(two);
    two = rig_xml(rig, "v2", 0);
    g_assert_cmpint(port_in(two), ==, 5901);
    /* a fixed one among the guest's own is left out */
    g_assert_cmpint(rig_destroy(rig, "v1", NULL), ==, 0);
    g_assert_cmpint(rig_destroy(rig, "v2", NULL), ==, 0);
    start(rig, "v1");
    start(rig, "v3");
    g_autofree char *three = rig_xml(rig, "v3", 0);
    g_assert_cmpint(port_in(three), ==, 5902);
    /* a port in a definition means nothing if one is to be chosen */
    g_autofree char *stored = rig_xml(rig, "v3", VIR_DOMAIN_XML_INACTIVE);
    g_assert_nonnull(strstr(stored, "port='-1' autoport='yes'"));
    g_assert_cmpint(rig_destroy(rig, "v1", NULL), ==, 0);
    g_assert_cmpint(rig_destroy(rig, "v3", NULL), ==, 0);
    rig_assert_clean(rig);
    rig_free(rig);
}

/* --- other hands -------------------------------------------------------------------------------------------------- */

/* A running guest becomes one that the daemon did not make: no token, no live status. */
static void disown(Rig *rig, const char *name) {
    char uuid_text[VG_UUID_TEXT];
    VgUuid uuid = rig_uuid(rig, name);
    g_autofree char *status = g_strdup_printf("%s/run/xen/%s.json", rig->dir, vg_uuid_format(&uuid, uuid_text));
    g_autofree char *path = g_strdup_printf("%s/state/xen/%d.json", rig->dir, id_of(rig, name));
    g_autofree char *text = NULL;
    rig_stop(rig);
    g_assert_cmpint(g_remove(status), ==, 0);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_autoptr(GRegex) token = g_regex_new("\\s*\"token\": *\"[^\"]*\",", 0, 0, NULL);
    g_autofree char *without = g_regex_replace_literal(token, text, -1, 0, "", 0, NULL);
    g_assert_cmpstr(without, !=, text);
    g_assert_true(g_file_set_contents(path, without, -1, NULL));
    g_assert_true(rig_try_start(rig));
}

/* Who made a guest looks after it; who made the next one of the same definition, after that. */
static void test_other_hands(void) {
    Rig *rig = rig_new(NULL);
    define(rig, "f", NULL, NULL);
    start(rig, "f");
    disown(rig, "f");
    g_assert_cmpint(rig_state(rig, "f", NULL), ==, VIR_DOMAIN_RUNNING);
    g_assert_cmpuint(rig->guests, ==, 0);
    g_autofree char *xml = rig_xml(rig, "f", 0);
    g_assert_nonnull(strstr(xml, "machine='xenfv'>hvm<"));
    rig_act(rig, "f", "poweroff");
    rig_spin(300);
    g_assert_cmpint(rig_state(rig, "f", NULL), ==, VIR_DOMAIN_SHUTDOWN); /* left to its maker */
    g_assert_cmpint(rig_destroy(rig, "f", NULL), ==, 0);
    start(rig, "f");
    g_assert_cmpuint(rig->guests, ==, 1);
    rig_act(rig, "f", "poweroff");
    g_assert_true(rig_wait_state(rig, "f", VIR_DOMAIN_SHUTOFF));
    rig_assert_clean(rig);
    rig_free(rig);
}

/* Shown only, then defined here: from its next start on it is ours. */
static void test_taken_over(void) {
    Rig *rig = rig_new(NULL);
    Outcome outcome;
    g_autofree char *xml = guest_xml("g", "11111111-2222-3333-4444-555555555555", NULL, NULL);
    vg_driver.create_xml(rig->session, xml, 0, rig_done(&outcome));
    rig_wait(&outcome);
    outcome_clear(&outcome);
    disown(rig, "g");
    g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
    g_assert_cmpint(rig_destroy(rig, "g", NULL), ==, 0);
    start(rig, "g");
    g_assert_cmpuint(rig->guests, ==, 1);
    rig_act(rig, "g", "poweroff");
    g_assert_true(rig_wait_state(rig, "g", VIR_DOMAIN_SHUTOFF));
    rig_assert_clean(rig);
    rig_free(rig);
}

/* --- many --------------------------------------------------------------------------------------------------------- */

static void test_many(void) {
    enum { N = 1000 };
    Rig *rig = rig_new(NULL);
    Outcome *outcomes = g_new0(Outcome, N);
    for (guint i = 0; i < N; i++) {
        g_autofree char *name = g_strdup_printf("m%u", i);
        g_autofree char *xml = guest_xml(name, NULL, NULL, NULL);
        vg_driver.define(rig->session, xml, 0, rig_done(&outcomes[i]));
    }
    for (guint i = 0; i < N; i++) {
        rig_wait(&outcomes[i]);
        g_assert_cmpint(outcomes[i].code, ==, 0);
        outcome_clear(&outcomes[i]);
    }
    g_free(outcomes);
    gint64 before = g_get_monotonic_time();
    rig_restart(rig);
    g_test_message("1000 definitions read in %d ms", (int)((g_get_monotonic_time() - before) / 1000));
    VgDomRef *doms = NULL;
    gsize n = 0;
    g_assert_true(vg_driver.list(rig->session, VIR_CONNECT_LIST_DOMAINS_INACTIVE, &doms, &n, NULL));
    g_assert_cmpuint(n, ==, N);
    for (gsize i = 0; i < n; i++)
        g_free(doms[i].name);
    g_free(doms);
    rig_free(rig);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/driver/life", test_life);
    g_test_add_func("/driver/redefine", test_redefine);
    g_test_add_func("/driver/transient", test_transient);
    g_test_add_func("/driver/on-reboot", test_on_reboot);
    g_test_add_func("/driver/on-crash", test_on_crash);
    g_test_add_func("/driver/vgpu", test_vgpu);
    g_test_add_func("/driver/vgpu-refused", test_vgpu_refused);
    g_test_add_func("/driver/race", test_race);
    g_test_add_func("/driver/whole-or-parts", test_whole_or_parts);
    g_test_add_data_func("/driver/leftover-of-transient", GINT_TO_POINTER(FALSE), test_leftover);
    g_test_add_data_func("/driver/leftover-of-undefined", GINT_TO_POINTER(TRUE), test_leftover);
    g_test_add_func("/driver/order", test_order);
    g_test_add_func("/driver/abort", test_abort);
    g_test_add_func("/driver/define-while-undefining", test_define_while_undefining);
    g_test_add_func("/driver/files", test_files);
    g_test_add_func("/driver/names", test_names);
    g_test_add_func("/driver/definitions-by-others", test_definitions_by_others);
    g_test_add_func("/driver/odd-texts", test_odd_texts);
    g_test_add_func("/driver/validate", test_validate);
    g_test_add_func("/driver/ports", test_ports);
    g_test_add_func("/driver/other-hands", test_other_hands);
    g_test_add_func("/driver/taken-over", test_taken_over);
    g_test_add_func("/driver/many", test_many);
    return g_test_run();
}
