/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-tune.c: guests get more or less, and figures of them, by the driver's own table, on a simulated host. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "base/fault.h"
#include "rig.h"

static int ended(Outcome *outcome, const char *because) {
    rig_wait(outcome);
    if (because && !(outcome->message && strstr(outcome->message, because)))
        g_error("'%s' lacks '%s'", outcome->message ? outcome->message : "(fine)", because);
    int code = outcome->code;
    outcome_clear(outcome);
    return code;
}

static int set_memory(Rig *rig, guint64 kib, guint flags, const char *because) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    vg_driver.set_memory(rig->session, &uuid, kib, flags, rig_done(&outcome));
    return ended(&outcome, because);
}

static int set_vcpus(Rig *rig, guint n, guint flags, const char *because) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    vg_driver.set_vcpus(rig->session, &uuid, n, flags, rig_done(&outcome));
    return ended(&outcome, because);
}

static int pin(Rig *rig, guint vcpu, guint8 cpus, guint flags, const char *because) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    vg_driver.pin_vcpu(rig->session, &uuid, vcpu, &cpus, 1, flags, rig_done(&outcome));
    return ended(&outcome, because);
}

static Rig *rig_with(const char *more, const char *devices) {
    Rig *rig = rig_new(NULL);
    g_autofree char *xml = guest_xml("g", NULL, more, devices), *why = NULL;
    if (rig_define(rig, xml, &why))
        g_error("%s", why);
    return rig;
}

static void check_xml(Rig *rig, guint flags, const char *part) {
    g_autofree char *xml = rig_xml(rig, "g", flags);
    if (!strstr(xml, part))
        g_error("no %s in %s", part, xml);
}

/* --- stats as a text: "name=value " */

static char *stats_of(Rig *rig, guint groups, guint flags) {
    VgStats stats = {0};
    g_autoptr(GError) error = NULL;
    VgUuid uuid = rig_uuid(rig, "g");
    g_assert_true(vg_driver.stats(rig->session, &uuid, 1, groups, flags, &stats, &error));
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < stats.params->len; i++) {
        const VgParam *p = &g_array_index(stats.params, VgParam, i);
        if (p->type == VG_PARAM_STRING)
            g_string_append_printf(text, "%s=%s ", p->name, p->s);
        else
            g_string_append_printf(text, "%s=%" G_GUINT64_FORMAT " ", p->name,
                                   p->type == VG_PARAM_ULLONG ? p->ul : (guint64)p->ui);
    }
    vg_stats_clear(&stats);
    return g_string_free(text, FALSE);
}

static void check_stats(Rig *rig, guint groups, const char *part) {
    Outcome outcome;
    if (!vg_driver.fresh(rig->session, rig_done(&outcome)))
        ended(&outcome, NULL);
    g_autofree char *text = stats_of(rig, groups, 0);
    if (!strstr(text, part))
        g_error("no '%s' in '%s'", part, text);
}

/* --- tests */

static void test_memory(void) {
    Rig *rig = rig_with(NULL, NULL);
    check_xml(rig, 0, "<memory unit='KiB'>262144</memory>");
    g_assert_cmpint(set_memory(rig, 32768, VIR_DOMAIN_AFFECT_LIVE, "not running"), ==, VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(set_memory(rig, 524288, VIR_DOMAIN_AFFECT_CONFIG, "higher than max"), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    g_assert_cmpint(set_memory(rig, 32768, 0, NULL), ==, 0);
    check_xml(rig, 0, "<currentMemory unit='KiB'>32768</currentMemory>");
    check_xml(rig, VIR_DOMAIN_XML_INACTIVE, "<currentMemory unit='KiB'>262144</currentMemory>");
    check_stats(rig, VIR_DOMAIN_STATS_BALLOON, "balloon.current=32768 balloon.maximum=262144 ");
    g_assert_cmpint(set_memory(rig, 16384, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_MEM_MAXIMUM, "setmem"), ==,
                    VIR_ERR_INVALID_ARG);
    g_assert_cmpint(set_memory(rig, 49152, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_MEM_MAXIMUM, NULL), ==, 0);
    g_assert_cmpint(set_memory(rig, 262144, VIR_DOMAIN_AFFECT_LIVE, "higher than max"), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(set_memory(rig, 1, 1u << 20, "unsupported flags"), ==, VIR_ERR_INVALID_ARG);
    guint both = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
    g_assert_cmpint(set_memory(rig, 40960, both, NULL), ==, 0);
    rig_restart(rig);
    check_xml(rig, 0, "<currentMemory unit='KiB'>40960</currentMemory>");
    check_xml(rig, VIR_DOMAIN_XML_INACTIVE, "<currentMemory unit='KiB'>40960</currentMemory>");
    rig_destroy(rig, "g", NULL);
    rig_assert_clean(rig);
    rig_free(rig);
}

static void test_vcpus(void) {
    guint both = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
    Rig *rig = rig_with(NULL, NULL);
    g_assert_cmpint(set_vcpus(rig, 4, VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM, NULL), ==, 0);
    g_assert_cmpint(set_vcpus(rig, 9999, VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM, "9999 >"), ==,
                    VIR_ERR_INVALID_ARG);
    g_assert_cmpint(set_vcpus(rig, 0, 0, "zero"), ==, VIR_ERR_INVALID_ARG);
    check_xml(rig, 0, "current='2'>4</vcpu>");
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    check_stats(rig, VIR_DOMAIN_STATS_VCPU, "vcpu.current=2 vcpu.maximum=4 vcpu.0.state=1 ");
    g_assert_cmpint(set_vcpus(rig, 3, VIR_DOMAIN_AFFECT_LIVE, NULL), ==, 0);
    check_stats(rig, VIR_DOMAIN_STATS_VCPU, "vcpu.2.time=");
    g_assert_cmpint(set_vcpus(rig, 5, VIR_DOMAIN_AFFECT_LIVE, "5 > 4"), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(pin(rig, 2, 0x03, both, "vcpu '2' is not active"), ==, VIR_ERR_INVALID_ARG); /* not in config */
    g_assert_cmpint(pin(rig, 2, 0x03, VIR_DOMAIN_AFFECT_LIVE, NULL), ==, 0);
    g_assert_cmpint(pin(rig, 0, 0x00, VIR_DOMAIN_AFFECT_LIVE, "run somewhere"), ==, VIR_ERR_INVALID_ARG);
    check_xml(rig, 0, "<vcpupin vcpu='2' cpuset='0-1'/>");
    g_assert_cmpint(pin(rig, 2, 0xff, VIR_DOMAIN_AFFECT_LIVE, NULL), ==, 0); /* all there are: a pin, too */
    check_xml(rig, 0, "<vcpupin vcpu='2' cpuset='0-7'/>");
    rig_destroy(rig, "g", NULL);
    rig_free(rig);
}

/* A device that reaches into the guest's memory by itself, and a balloon, do not go together. */
static void test_fixed(void) {
    Rig *rig =
        rig_with(NULL, "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='0x04' "
                       "slot='0' function='0'/></source></hostdev>");
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    g_assert_cmpint(set_memory(rig, 32768, VIR_DOMAIN_AFFECT_LIVE, "memory is fixed"), ==, VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(set_memory(rig, 32768, VIR_DOMAIN_AFFECT_CONFIG, NULL), ==, 0);
    rig_destroy(rig, "g", NULL);
    rig_free(rig);
}

static void test_vgpu_figures(void) {
    g_autofree char *vgpu = vgpu_xml("GRID T4-1Q", NULL);
    Rig *rig = rig_with(NULL, vgpu);
    g_autofree char *off = stats_of(rig, 0, 0);
    g_assert_null(strstr(off, "vgpu"));
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    check_stats(rig, 0, "vgpu.count=1 vgpu.0.uuid=");
    check_stats(rig, VIR_DOMAIN_STATS_VM, "vgpu.0.type=GRID T4-1Q vgpu.0.gpu=");
    check_stats(rig, VIR_DOMAIN_STATS_VM, "vgpu.0.backend=mdev vgpu.0.framebuffer=1048576 ");
    VgStats stats = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(vg_driver.stats(rig->session, NULL, 0, VIR_DOMAIN_STATS_PERF,
                                   VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS, &stats, &error));
    g_assert_cmpint(error->code, ==, VIR_ERR_ARGUMENT_UNSUPPORTED);
    rig_destroy(rig, "g", NULL);
    rig_free(rig);
}

/* What Xen refuses has changed nothing; what could not be written is said. */
static void test_fails(void) {
    Rig *rig = rig_with(NULL, NULL);
    g_setenv("VIRTGRID_FAULT", "durable.rename=fail", TRUE);
    vg_fault_init();
    g_assert_cmpint(set_memory(rig, 32768, VIR_DOMAIN_AFFECT_CONFIG, "cannot"), ==, VIR_ERR_SYSTEM_ERROR);
    check_xml(rig, 0, "<currentMemory unit='KiB'>262144</currentMemory>");
    rig_restart(rig);
    check_xml(rig, 0, "<currentMemory unit='KiB'>262144</currentMemory>");
    rig_free(rig);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tune/memory", test_memory);
    g_test_add_func("/tune/vcpus", test_vcpus);
    g_test_add_func("/tune/fixed", test_fixed);
    g_test_add_func("/tune/vgpu-figures", test_vgpu_figures);
    g_test_add_func("/tune/fails", test_fails);
    return g_test_run();
}
