/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rig.c: see rig.h. */
#define _GNU_SOURCE /* memmem */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "scratch.h"

#define PATIENCE_S 120 /* for what should take milliseconds */

static void on_event(const VgHost *host, const VgEvent *event) {
    Rig *rig = (Rig *)(void *)((char *)host - G_STRUCT_OFFSET(Rig, host));
    if (event->id == VG_EVENT_LIFECYCLE)
        g_string_append_printf(rig->events, "%s:%d/%d ", event->dom.name, event->a, event->b);
    else
        g_string_append_printf(rig->events, "%s:#%d ", event->dom.name, (int)event->id);
}

static void on_nodedev_event(const VgHost *host, const VgNodedevEvent *event) {
    Rig *rig = (Rig *)(void *)((char *)host - G_STRUCT_OFFSET(Rig, host));
    if (event->id == VG_NODEDEV_EVENT_LIFECYCLE)
        g_string_append_printf(rig->told, "%s:%d ", event->name, (int)event->type);
    else
        g_string_append_printf(rig->told, "%s:# ", event->name);
}

static gboolean on_grid_event(const VgHost *host, const char *json) {
    Rig *rig = (Rig *)(void *)((char *)host - G_STRUCT_OFFSET(Rig, host));
    g_assert_null(strchr(json, '\n'));
    g_string_append_printf(rig->told, "%s ", json);
    return TRUE;
}

static void on_awake(const VgHost *host, gboolean wanted) {
    Rig *rig = (Rig *)(void *)((char *)host - G_STRUCT_OFFSET(Rig, host));
    rig->awake = wanted;
}

static void on_busy(const VgHost *host, guint guests) {
    Rig *rig = (Rig *)(void *)((char *)host - G_STRUCT_OFFSET(Rig, host));
    rig->guests = guests;
}

RigLimits rig_limits;

gboolean rig_try_start(Rig *rig) {
    g_autoptr(GError) error = NULL;
    g_autofree char *etc = g_build_filename(rig->dir, "etc", NULL);
    g_autofree char *state = g_build_filename(rig->dir, "state", NULL);
    g_autofree char *run = g_build_filename(rig->dir, "run", NULL);
    g_autofree char *emulator = g_build_filename(rig->dir, "emulator", NULL);
    gboolean emulated = g_file_test(emulator, G_FILE_TEST_EXISTS);
    VgDriverPaths paths = {.simulate = rig->dir,
                           .sysconfdir = etc,
                           .statedir = state,
                           .rundir = run,
                           .datadir = "share",
                           .libexecdir = ".libs",
                           .emulator = emulated ? emulator : NULL,
                           .emulator_start_s = rig_limits.start_s,
                           .emulator_ready_s = rig_limits.ready_s,
                           .emulator_stop_s = rig_limits.stop_s};
    rig->state = vg_driver.start(&rig->host, &paths, &error);
    if (!rig->state) {
        g_test_message("start: %s", error->message);
        return FALSE;
    }
    rig->session = vg_driver.open(rig->state, "xen:///system", FALSE, NULL);
    rig->reader = vg_driver.open(rig->state, "xen:///system", TRUE, NULL);
    return TRUE;
}

/* A small host: a GRID K1's first GPU, a Tesla T4 with two types; a guest that is asked ends at once. */
static const char host_json[] =
    "{\"shutdown_ms\": 1, \"gpus\": [\n"
    "{\"address\": \"0000:05:00.0\", \"vendor\": \"10de\", \"device\": \"0ff2\", \"subvendor\": \"10de\", "
    "\"subdevice\": \"1012\",\n"
    " \"vendor_name\": \"NVIDIA Corporation\", \"device_name\": \"GK107GL [GRID K1]\", \"driver\": \"nvidia\", "
    "\"iommu_group\": 20},\n"
    "{\"address\": \"0000:82:00.0\", \"vendor\": \"10de\", \"device\": \"1eb8\", \"subvendor\": \"10de\", "
    "\"subdevice\": \"12a2\",\n"
    " \"vendor_name\": \"NVIDIA Corporation\", \"device_name\": \"TU104GL [Tesla T4]\", \"driver\": \"nvidia\", "
    "\"iommu_group\": 60,\n"
    " \"mdev_types\": [\n"
    "{\"id\": \"nvidia-230\", \"name\": \"GRID T4-1Q\", \"max\": 16, \"description\":\n"
    "\"num_heads=4, frl_config=60, framebuffer=1024M, max_resolution=5120x2880, max_instance=16\"},\n"
    "{\"id\": \"nvidia-234\", \"name\": \"GRID T4-16Q\", \"max\": 1, \"description\":\n"
    "\"num_heads=4, frl_config=60, framebuffer=16384M, max_resolution=7680x4320, max_instance=1\"}]}]}\n";

char *rig_new_host(void) {
    char *dir = scratch_new();
    g_autofree char *json = g_build_filename(dir, "host.json", NULL);
    g_assert_true(g_file_set_contents(json, host_json, -1, NULL));
    return dir;
}

void rig_add_emulator(const char *dir) {
    g_autofree char *from = g_build_filename(g_getenv("srcdir"), "tests/scenarios/lib/emulator.sh", NULL);
    g_autofree char *to = g_build_filename(dir, "emulator", NULL), *text = NULL;
    gsize len = 0;
    g_assert_true(g_file_get_contents(from, &text, &len, NULL));
    g_assert_true(g_file_set_contents_full(to, text, (gssize)len, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
}

void rig_tell_emulator(const char *dir, const char *how) {
    g_autofree char *path = g_build_filename(dir, "how", NULL);
    g_assert_true(g_file_set_contents(path, how, -1, NULL));
}

/* The first word of each line of its notes is a process's number; one that is gone, or another's now, has other
 * arguments. */
void rig_assert_no_emulators(const char *dir) {
    g_autofree char *path = g_build_filename(dir, "calls", NULL), *text = NULL;
    g_autofree char *program = g_build_filename(dir, "emulator", NULL);
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autofree char *file = g_strdup_printf("/proc/%d/cmdline", atoi(*line)), *args = NULL;
        gsize len = 0;
        if (g_file_get_contents(file, &args, &len, NULL) && memmem(args, len, program, strlen(program)))
            g_error("an emulator still runs: %s", *line);
    }
}

Rig *rig_new(const char *dir) {
    Rig *rig = g_new0(Rig, 1);
    vg_log_set_level(VG_LOG_ERROR);
    rig->own_dir = dir == NULL;
    rig->dir = dir ? g_strdup(dir) : rig_new_host();
    rig->events = g_string_new(NULL);
    rig->told = g_string_new(NULL);
    rig->host = (VgHost){.struct_size = sizeof(VgHost),
                         .event = on_event,
                         .busy = on_busy,
                         .awake = on_awake,
                         .nodedev_event = on_nodedev_event,
                         .grid_event = on_grid_event};
    if (rig_try_start(rig))
        return rig;
    rig_free(rig);
    return NULL;
}

void rig_stop(Rig *rig) {
    if (!rig->state)
        return;
    vg_driver.close(rig->session);
    vg_driver.close(rig->reader);
    vg_driver.stop(rig->state);
    rig->state = NULL;
    rig->guests = 0;
    rig->awake = FALSE;
}

void rig_restart(Rig *rig) {
    rig_stop(rig);
    g_string_truncate(rig->events, 0);
    if (!rig_try_start(rig))
        g_error("the driver does not start again");
}

void rig_free(Rig *rig) {
    rig_stop(rig);
    if (rig->own_dir)
        scratch_remove(rig->dir);
    g_string_free(rig->events, TRUE);
    g_string_free(rig->told, TRUE);
    g_free(rig->dir);
    g_free(rig);
}

int rig_repair(const char *dir) {
    vg_fault_init();
    Rig *rig = rig_new(dir);
    if (rig)
        rig_free(rig);
    return 0;
}

/* --- slow calls --------------------------------------------------------------------------------------------------- */

static void on_done(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    Outcome *outcome = data;
    g_assert_false(outcome->done); /* exactly once */
    outcome->done = TRUE;
    outcome->code = error ? error->code : 0;
    outcome->message = error ? g_strdup(error->message) : NULL;
    outcome->text = g_strdup(text);
    if (dom) {
        outcome->name = g_strdup(dom->name);
        outcome->uuid = dom->uuid;
        outcome->id = dom->id;
    }
}

VgDone rig_done(Outcome *outcome) {
    *outcome = (Outcome){.id = -1};
    return (VgDone){on_done, outcome};
}

void outcome_clear(Outcome *outcome) {
    g_free(outcome->message);
    g_free(outcome->text);
    g_free(outcome->name);
    *outcome = (Outcome){.id = -1};
}

static gboolean tick(gpointer data) {
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

void rig_spin(guint ms) {
    gboolean over = FALSE;
    g_timeout_add(ms, tick, &over);
    while (!over)
        g_main_context_iteration(NULL, TRUE);
}

gboolean rig_until(Rig *rig, gboolean (*condition)(Rig *rig, gpointer data), gpointer data) {
    gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
    while (!condition(rig, data)) {
        if (g_get_monotonic_time() > until)
            return FALSE;
        rig_spin(2);
    }
    return TRUE;
}

void rig_wait(Outcome *outcome) {
    gboolean late = FALSE;
    guint timer = g_timeout_add_seconds(PATIENCE_S, tick, &late);
    while (!outcome->done && !late)
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(outcome->done);
    if (!late)
        g_source_remove(timer);
}

static int take(Outcome *outcome, char **why) {
    rig_wait(outcome);
    int code = outcome->code;
    if (why) {
        g_free(*why);
        *why = g_steal_pointer(&outcome->message);
    } else if (code) {
        g_test_message("%s", outcome->message);
    }
    outcome_clear(outcome);
    return code;
}

VgUuid rig_uuid(Rig *rig, const char *name) {
    VgDomRef ref;
    VgUuid uuid = {{0xff}};
    if (vg_driver.lookup_name(rig->session, name, &ref, NULL)) {
        uuid = ref.uuid;
        g_free(ref.name);
    }
    return uuid;
}

int rig_define(Rig *rig, const char *xml, char **why) {
    Outcome outcome;
    vg_driver.define(rig->session, xml, 0, rig_done(&outcome));
    return take(&outcome, why);
}

int rig_start(Rig *rig, const char *name, guint flags, char **why) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, name);
    vg_driver.create(rig->session, &uuid, flags, rig_done(&outcome));
    return take(&outcome, why);
}

int rig_destroy(Rig *rig, const char *name, char **why) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, name);
    vg_driver.destroy(rig->session, &uuid, 0, rig_done(&outcome));
    return take(&outcome, why);
}

int rig_undefine(Rig *rig, const char *name, char **why) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, name);
    vg_driver.undefine(rig->session, &uuid, 0, rig_done(&outcome));
    return take(&outcome, why);
}

int rig_state(Rig *rig, const char *name, int *reason) {
    int state = -1, why = 0;
    VgUuid uuid = rig_uuid(rig, name);
    if (!vg_driver.state(rig->session, &uuid, 0, &state, &why, NULL))
        return -1;
    if (reason)
        *reason = why;
    return state;
}

typedef struct {
    const char *name;
    int state;
} Wanted;

static gboolean is_in_state(Rig *rig, gpointer data) {
    const Wanted *wanted = data;
    return rig_state(rig, wanted->name, NULL) == wanted->state;
}

gboolean rig_wait_state(Rig *rig, const char *name, int state) {
    return rig_until(rig, is_in_state, &(Wanted){name, state});
}

void rig_act(Rig *rig, const char *name, const char *how) {
    g_autofree char *path = g_build_filename(rig->dir, "control", name, NULL);
    g_assert_true(g_file_set_contents(path, how, -1, NULL));
}

char *rig_xml(Rig *rig, const char *name, guint flags) {
    VgUuid uuid = rig_uuid(rig, name);
    return vg_driver.xml(rig->session, &uuid, flags, NULL);
}

/* --- XML ---------------------------------------------------------------------------------------------------------- */

char *guest_xml(const char *name, const char *uuid, const char *more, const char *devices) {
    g_autofree char *line = uuid ? g_strdup_printf("<uuid>%s</uuid>", uuid) : g_strdup("");
    return g_strdup_printf("<domain type='xen'><name>%s</name>%s<memory unit='MiB'>256</memory><vcpu>2</vcpu>"
                           "<os><type arch='x86_64' machine='xenfv'>hvm</type></os>%s"
                           "<devices><serial type='pty'/><graphics type='vnc'/>%s</devices></domain>",
                           name, line, more ? more : "", devices ? devices : "");
}

char *vgpu_xml(const char *type, const char *source) {
    return g_strdup_printf("<hostdev mode='subsystem' type='vgpu'><source><type name='%s'/>%s</source></hostdev>", type,
                           source ? source : "");
}

/* --- what is left ------------------------------------------------------------------------------------------------- */

static guint entries(const char *dir, const char *folder, const char *suffix) {
    g_autofree char *path = g_build_filename(dir, folder, NULL);
    g_autoptr(GDir) list = g_dir_open(path, 0, NULL);
    guint n = 0;
    for (const char *name = list ? g_dir_read_name(list) : NULL; name; name = g_dir_read_name(list))
        if (g_str_has_suffix(name, suffix) && !g_str_has_suffix(name, ".libxl.json"))
            n++;
    return n;
}

void rig_assert_clean(Rig *rig) {
    Outcome outcome;
    VgDomRef *doms = NULL;
    gsize n = 0;
    g_assert_true(vg_driver.list(rig->session, 1, &doms, &n, NULL)); /* active */
    for (gsize i = 0; i < n; i++) {
        g_assert_cmpstr(doms[i].name, ==, "Domain-0");
        g_free(doms[i].name);
    }
    g_free(doms);
    g_assert_cmpuint(rig->guests, ==, 0);
    g_assert_cmpuint(entries(rig->dir, "run/xen", ".json"), ==, 0);
    g_assert_cmpuint(entries(rig->dir, "run/emulators", ".order"), ==, 0);
    g_assert_cmpuint(entries(rig->dir, "run/emulators", ".report"), ==, 0);
    g_assert_cmpuint(entries(rig->dir, "state/xen/store", ""), ==, 0);
    g_assert_cmpuint(entries(rig->dir, "state/xen", ".json"), ==, 1); /* Domain-0 */
    g_assert_cmpuint(entries(rig->dir, "state/xen/pciback", ""), ==, 0);
    g_assert_cmpuint(entries(rig->dir, "state/kernel/sys/bus/mdev/devices", ""), ==, 0);
    vg_driver.grid(rig->session, VG_GRID_VGPUS, NULL, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_null(strstr(outcome.text, "uuid"));
    outcome_clear(&outcome);
}
