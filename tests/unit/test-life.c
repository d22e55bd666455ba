/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-life.c: stories of a domain's life, one per tests/data/life/NAME.trace. A line is
 *
 *     INPUT -> STATE/REASON [do ACTION] [tell TYPE/DETAIL]... [rebooted] [dump] [vanish]
 *     INPUT -> refused: WORDS
 *     on_crash VALUE, on_reboot VALUE, on_poweroff VALUE, transient       (settings)
 *
 * and after every story the invariants of every phase and input are checked.
 */
#include "life/life.h"

#include <string.h>

static const char *const inputs[VG_IN_LAST] = {
    "start",        "suspend",        "resume",       "shutdown",       "reboot",     "save",
    "dump",         "destroy",        "started",      "started-paused", "restored",   "restored-paused",
    "start-failed", "saved",          "dumped",       "suspended",      "resumed",    "down",
    "down-failed",  "guest-poweroff", "guest-reboot", "guest-crash",    "guest-gone",
};
static const char *const actions[VG_DO_LAST] = {"nothing",      "start",      "abort", "pause", "unpause",
                                                "ask-shutdown", "ask-reboot", "save",  "dump",  "teardown"};
static const char *const ons[VG_LIFE_ON_LAST] = {"destroy",  "restart",          "rename-restart",
                                                 "preserve", "coredump-destroy", "coredump-restart"};

static int find(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (g_str_equal(names[i], name))
            return i;
    return -1;
}

static char *step_text(VgLife *life, VgLifeInput input) {
    g_autoptr(GError) error = NULL;
    VgLifeStep step;
    if (!vg_life_step(life, input, &step, &error)) {
        g_assert_true(g_error_matches(error, VG_ERROR, VG_ERR_OPERATION_INVALID));
        return g_strdup_printf("refused: %s", error->message);
    }
    int reason;
    int state = vg_life_state(life, &reason);
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%d/%d", state, reason);
    if (step.action != VG_DO_NOTHING)
        g_string_append_printf(text, " do %s", actions[step.action]);
    for (guint i = 0; i < step.n_events; i++)
        g_string_append_printf(text, " tell %d/%d", step.events[i].type, step.events[i].detail);
    g_string_append_printf(text, "%s%s%s", step.rebooted ? " rebooted" : "", step.dump ? " dump" : "",
                           step.vanish ? " vanish" : "");
    return g_string_free(text, FALSE);
}

static gboolean setting(VgLife *life, const char *line) {
    g_auto(GStrv) words = g_strsplit(line, " ", 2);
    int value = words[0] && words[1] ? find(ons, VG_LIFE_ON_LAST, words[1]) : -1;
    if (g_str_equal(line, "transient"))
        life->persistent = FALSE;
    else if (value >= 0 && g_str_equal(words[0], "on_poweroff"))
        life->on_poweroff = (guint8)value;
    else if (value >= 0 && g_str_equal(words[0], "on_reboot"))
        life->on_reboot = (guint8)value;
    else if (value >= 0 && g_str_equal(words[0], "on_crash"))
        life->on_crash = (guint8)value;
    else
        return FALSE;
    return TRUE;
}

static void test_story(gconstpointer data) {
    const char *path = data;
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    VgLife life;
    vg_life_init(&life, TRUE);
    guint told = 0;
    for (guint n = 0; lines[n]; n++) {
        char *line = g_strstrip(lines[n]);
        if (!*line || *line == '#' || setting(&life, line))
            continue;
        g_auto(GStrv) sides = g_strsplit(line, " -> ", 2);
        if (!sides[0] || !sides[1])
            g_error("%s:%u: no arrow: %s", path, n + 1, line);
        int input = find(inputs, VG_IN_LAST, sides[0]);
        if (input < 0 || input >= VG_IN_LAST)
            g_error("%s:%u: no such input: %s", path, n + 1, sides[0]);
        g_autofree char *got = step_text(&life, (VgLifeInput)input);
        if (!g_str_equal(got, sides[1]))
            g_error("%s:%u: %s -> %s, not %s", path, n + 1, sides[0], got, sides[1]);
        told++;
    }
    g_assert_cmpuint(told, >, 0);
}

/* Every input in every phase under every setting: no crash, facts never refused, a refusal changes nothing, events
 * within bounds. */
static void test_every_move(void) {
    for (guint8 phase = 0; phase < VG_LIFE_LAST; phase++)
        for (int input = 0; input < VG_IN_LAST; input++)
            for (guint8 on = 0; on < VG_LIFE_ON_LAST; on++) {
                VgLife life;
                vg_life_init(&life, on % 2 == 0);
                life.on_poweroff = life.on_reboot = life.on_crash = on;
                life.phase = phase;
                life.before = VG_LIFE_RUNNING;
                life.end = VG_SHUTOFF_DESTROYED;
                VgLife before = life;
                g_autoptr(GError) error = NULL;
                VgLifeStep step;
                if (!vg_life_step(&life, (VgLifeInput)input, &step, &error)) {
                    g_assert_cmpint(input, <=, VG_IN_DESTROY);
                    g_assert_nonnull(error);
                    g_assert_true(memcmp(&life, &before, sizeof(life)) == 0);
                    continue;
                }
                g_assert_cmpuint(step.n_events, <=, VG_LIFE_EVENTS);
                if (step.vanish)
                    g_assert_false(life.persistent || vg_life_active(&life));
                if (step.action == VG_DO_TEARDOWN)
                    g_assert_cmpint(life.phase, ==, VG_LIFE_ENDING);
                if (step.action == VG_DO_START)
                    g_assert_cmpint(life.phase, ==, VG_LIFE_STARTING);
            }
}

/* One that ends again and again waits longer each time; who stays up, or is started by a client, begins anew. */
static void test_wait(void) {
    static const guint waits[] = {0, 0, 0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    VgLife life;
    VgLifeStep step;
    vg_life_init(&life, TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(waits); i++)
        g_assert_cmpuint(vg_life_wait_ms(&life, VG_LIFE_SOON_MS - 1), ==, waits[i]);
    for (guint i = 0; i < 1000; i++)
        g_assert_cmpuint(vg_life_wait_ms(&life, 0), ==, 60000);
    g_assert_true(vg_life_is_looping(&life));
    g_assert_cmpuint(vg_life_wait_ms(&life, VG_LIFE_SOON_MS), ==, 0);
    g_assert_false(vg_life_is_looping(&life));
    for (guint i = 0; i < 3; i++)
        g_assert_cmpuint(vg_life_wait_ms(&life, 0), ==, 0);
    g_assert_true(vg_life_step(&life, VG_IN_START, &step, NULL));
    for (guint i = 0; i < 3; i++)
        g_assert_cmpuint(vg_life_wait_ms(&life, 0), ==, 0);
    g_assert_cmpuint(vg_life_wait_ms(&life, 0), ==, 1000);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *folder = g_build_filename(srcdir ? srcdir : ".", "tests/data/life", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_assert_nonnull(dir);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
        if (!g_str_has_suffix(name, ".trace"))
            continue;
        char *path = g_build_filename(folder, name, NULL);
        g_ptr_array_add(paths, path);
        g_autofree char *test = g_strconcat("/life/story/", name, NULL);
        g_test_add_data_func(test, path, test_story);
    }
    g_assert_cmpuint(paths->len, >, 0);
    g_test_add_func("/life/every-move", test_every_move);
    g_test_add_func("/life/wait", test_wait);
    return g_test_run();
}
