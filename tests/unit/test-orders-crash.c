/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-orders-crash.c: wish-12 for what is decided about GPUs: groups, moves, modes, policies, types, quotas, closed
 * GPUs, a GPU that fails, a reset, a stop by force. The daemon dies, or an effect fails, at every single step; a new
 * daemon then finds each decision that was answered, the one under way whole or not at all, and the guest that ran.
 *
 * A first run without faults says what everything looks like after each step.
 */
#include <libvirt/libvirt.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/json.h"
#include "crash.h"
#include "rig.h"

#define CARD "0000:05:00.0"
#define T4 "0000:82:00.0"

typedef struct {
    const char *order; /* NULL: what the function does */
    gboolean (*act)(Rig *rig);
} Step;

static gboolean gpu_fails(Rig *rig);
static gboolean stop_by_force(Rig *rig);
static gboolean wait_for_reset(Rig *rig);

static const Step steps[] = {
    {"{\"order\":\"group-create\",\"group\":\"office\",\"policy\":\"breadth-first\",\"any_model\":true}", NULL},
    {"{\"order\":\"group-move\",\"gpu\":\"" CARD "\",\"group\":\"office\"}", NULL},
    {"{\"order\":\"policy\",\"group\":\"office\",\"policy\":\"pack\"}", NULL},
    {"{\"order\":\"group-rename\",\"group\":\"office\",\"to\":\"desks\"}", NULL},
    {"{\"order\":\"type-disable\",\"type\":\"GRID K100\",\"gpu\":\"" CARD "\"}", NULL},
    {"{\"order\":\"mode\",\"gpu\":\"" CARD "\",\"mode\":\"equal-size\"}", NULL},
    {"{\"order\":\"quota\",\"group\":\"desks\",\"most\":2}", NULL},
    {"{\"order\":\"after-force-stop\",\"gpu\":\"" T4 "\",\"then\":\"reset\"}", NULL},
    {"{\"order\":\"drain\",\"gpu\":\"all\",\"reason\":\"upgrade\"}", NULL},
    {"{\"order\":\"open\",\"gpu\":\"all\"}", NULL},
    {"{\"order\":\"reset\",\"gpu\":\"" CARD "\"}", wait_for_reset},
    {NULL, gpu_fails},
    {NULL, stop_by_force},
};
#define N_STEPS G_N_ELEMENTS(steps)

/* --- what is seen ------------------------------------------------------------------------------------------------- */

static char *ask(Rig *rig, VgGridQuery what, const char *arg) {
    Outcome outcome;
    vg_driver.grid(rig->session, what, arg, rig_done(&outcome));
    rig_wait(&outcome);
    char *text = g_steal_pointer(&outcome.text);
    outcome_clear(&outcome);
    return text;
}

/* Everything that was decided, and who has what. */
static char *look(Rig *rig) {
    g_autofree char *gpus = ask(rig, VG_GRID_GPUS, NULL), *groups = ask(rig, VG_GRID_CAPACITY, NULL);
    return g_strconcat(gpus, groups, NULL);
}

static char *closed(Rig *rig, const char *address) {
    g_autofree char *text = ask(rig, VG_GRID_GPUS, NULL);
    g_autoptr(VgJson) json = vg_json_parse(text, strlen(text), "gpus", NULL);
    const VgJson *list = vg_json_get(json, "gpus");
    for (gsize i = 0; i < vg_json_length(list); i++)
        if (g_strcmp0(vg_json_get_string(vg_json_at(list, i), "address"), address) == 0)
            return g_strdup(vg_json_get_string(vg_json_at(list, i), "closed"));
    g_assert_not_reached();
}

static gboolean order(Rig *rig, const char *text) {
    g_autofree char *answer = ask(rig, VG_GRID_ORDER, text);
    return answer != NULL;
}

/* --- in the child ------------------------------------------------------------------------------------------------- */

/* A reset that failed leaves the GPU in quarantine; a person opens it. */
static gboolean is_open(Rig *rig, gpointer address) {
    g_autofree char *now = closed(rig, address);
    if (now == NULL)
        return TRUE;
    g_autofree char *open = g_strdup_printf("{\"order\":\"open\",\"gpu\":\"%s\"}", (const char *)address);
    if (strcmp(now, "quarantine") == 0)
        order(rig, open);
    return FALSE;
}

static gboolean wait_for_reset(Rig *rig) {
    g_assert_true(rig_until(rig, is_open, (gpointer)CARD));
    return TRUE;
}

static gboolean is_closed(Rig *rig, gpointer address) {
    g_autofree char *now = closed(rig, address);
    return now != NULL;
}

static gboolean gpu_fails(Rig *rig) {
    g_autofree char *log = g_build_filename(rig->dir, "state", "kernel", "dev", "kmsg", NULL);
    FILE *f = fopen(log, "a");
    g_assert_true(f != NULL && fputs("NVRM: Xid (PCI:0000:05:00): 79, fallen off the bus\n", f) >= 0);
    fclose(f);
    g_assert_true(rig_until(rig, is_closed, (gpointer)CARD));
    return TRUE;
}

static gboolean stop_by_force(Rig *rig) {
    if (rig_state(rig, "g", NULL) != VIR_DOMAIN_SHUTOFF && rig_destroy(rig, "g", NULL) != 0)
        return FALSE;
    g_assert_true(rig_until(rig, is_open, (gpointer)T4));
    return TRUE;
}

static gboolean take(Rig *rig, const Step *step) {
    g_autofree char *before = step->order ? look(rig) : NULL;
    if (step->order && !order(rig, step->order)) {
        g_autofree char *after = look(rig);
        g_assert_cmpstr(after, ==, before); /* it was taken back */
        return FALSE;
    }
    return !step->act || step->act(rig);
}

static void add_line(const char *dir, const char *name, guint i, const char *text) {
    g_autofree char *file = g_strdup_printf("%s-%u", name, i);
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static char *read_line(const char *dir, const char *name, guint i) {
    g_autofree char *file = g_strdup_printf("%s-%u", name, i);
    g_autofree char *path = g_build_filename(dir, file, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

/* Each step, once more if it failed; how it looks afterwards goes beside the host. */
static int story(const char *dir) {
    vg_fault_init();
    Rig *rig = rig_new(dir);
    if (!rig) /* a start that is refused has decided nothing */
        rig = rig_new(dir);
    g_assert_nonnull(rig);
    for (guint i = 0; i < N_STEPS; i++) {
        if (!take(rig, &steps[i]))
            g_assert_true(take(rig, &steps[i]));
        g_autofree char *now = look(rig);
        add_line(dir, "after", i, now);
    }
    rig_free(rig);
    return 0;
}

/* --- in the parent ------------------------------------------------------------------------------------------------ */

/* A host on which guest g runs. */
static char *new_host(const char *template) {
    char *dir = rig_new_host();
    if (template) {
        g_autofree char *command = g_strdup_printf("cp -a '%s/.' '%s'", template, dir);
        g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
        return dir;
    }
    Rig *rig = rig_new(dir);
    g_autofree char *t4 = vgpu_xml("GRID T4-1Q", NULL);
    g_autofree char *xml = guest_xml("g", "11111111-2222-3333-4444-555555555555", NULL, t4);
    g_assert_cmpint(rig_define(rig, xml, NULL), ==, 0);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    g_autofree char *now = look(rig);
    add_line(dir, "before", 0, now);
    rig_free(rig);
    return dir;
}

typedef struct {
    char *looks[N_STEPS + 1]; /* before each step, and at the end */
} Story;

/* How many steps the child of @dir had ended. */
static guint count_ended(const char *dir, const Story *told, const char *fault) {
    for (guint i = 0; i < N_STEPS; i++) {
        g_autofree char *after = read_line(dir, "after", i);
        if (after == NULL)
            return i;
        if (strcmp(after, told->looks[i + 1]) != 0)
            g_error("%s: after step %u it looks like this: %s", fault, i, after);
    }
    return N_STEPS;
}

typedef struct {
    const char *first, *second;
    char *now;
} Looks;

static gboolean looks_right(Rig *rig, gpointer data) {
    Looks *looks = data;
    g_free(looks->now);
    looks->now = look(rig);
    return strcmp(looks->now, looks->first) == 0 || strcmp(looks->now, looks->second) == 0;
}

static void check_host(const char *dir, const Story *told, const char *fault) {
    guint ended = count_ended(dir, told, fault);
    Rig *rig = rig_new(dir);
    g_assert_nonnull(rig);
    if (ended == N_STEPS - 1 && rig_state(rig, "g", NULL) == VIR_DOMAIN_RUNNING)
        g_assert_cmpint(rig_destroy(rig, "g", NULL), ==,
                        0); /* a stop that was not answered may have to be asked for again */
    Looks looks = {told->looks[ended], told->looks[MIN(ended + 1, N_STEPS)], NULL};
    if (ended == N_STEPS - 1)
        looks.first = looks.second;
    if (!rig_until(rig, looks_right, &looks))
        g_error("%s: %u steps had ended, and now: %s", fault, ended, looks.now);
    g_free(looks.now);
    int state = rig_state(rig, "g", NULL);
    g_assert_cmpint(state, ==, ended < N_STEPS - 1 ? VIR_DOMAIN_RUNNING : VIR_DOMAIN_SHUTOFF);
    if (state == VIR_DOMAIN_SHUTOFF)
        rig_assert_clean(rig);
    rig_free(rig);
}

static void test_every_point(gconstpointer action) {
    g_autofree char *template = new_host(NULL), *first = new_host(template);
    g_autoptr(GPtrArray) points = crash_points("--child", first);
    Story told;
    told.looks[0] = read_line(template, "before", 0);
    for (guint i = 0; i < N_STEPS; i++) {
        told.looks[i + 1] = read_line(first, "after", i);
        g_assert_nonnull(told.looks[i + 1]);
    }
    /* Resets are made known by the kernel: one of each card. */
    g_autofree char *log = g_build_filename(first, "state", "kernel", "dev", "kmsg", NULL);
    g_autofree char *said = NULL;
    g_assert_true(g_file_get_contents(log, &said, NULL, NULL));
    g_assert_true(strstr(said, CARD ": reset done") && strstr(said, T4 ": reset done"));
    g_assert_true(crash_has_point(points, "durable.rename=") && crash_has_point(points, "gpu.reset="));
    for (guint i = 0; i < points->len; i++) {
        g_autofree char *fault = crash_fault(points, i, action);
        g_autofree char *dir = new_host(template);
        gboolean killed = crash_child("--child", dir, fault, NULL);
        g_assert_cmpint(killed, ==, g_str_equal(action, "kill"));
        check_host(dir, &told, fault);
        crash_remove_dir(dir);
    }
    crash_remove_dir(first);
    crash_remove_dir(template);
    for (guint i = 0; i <= N_STEPS; i++)
        g_free(told.looks[i]);
}

int main(int argc, char **argv) {
    if (argc == 3 && g_str_equal(argv[1], "--child"))
        return story(argv[2]);
    g_test_init(&argc, &argv, NULL);
    crash_self = argv[0];
    g_test_add_data_func("/orders/crash/wish-12-kill", "kill", test_every_point);
    g_test_add_data_func("/orders/crash/wish-12-fail", "fail", test_every_point);
    return g_test_run();
}
