/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crash.c: see crash.h. */
#include "crash.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "scratch.h"

const char *crash_self;

gboolean crash_child(const char *what, const char *dir, const char *fault, const char *log) {
    g_auto(GStrv) env = g_get_environ();
    if (fault)
        env = g_environ_setenv(env, "VIRTGRID_FAULT", fault, TRUE);
    if (log)
        env = g_environ_setenv(env, "VIRTGRID_FAULT_LOG", log, TRUE);
    const char *argv[] = {crash_self, what, dir, NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *err = NULL;
    int status = -1;
    if (!g_spawn_sync(NULL, (char **)argv, env, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &err, &status, &error))
        g_error("%s", error->message);
    gboolean killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (status != 0 && !killed)
        g_error("%s with %s: status %d: %s", what, fault ? fault : "no fault", status, err);
    return killed;
}

/* "name=%s:N" for each, N counting its name's occurrences. */
GPtrArray *crash_points(const char *what, const char *dir) {
    GPtrArray *points = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *log = g_build_filename(dir, "points", NULL);
    g_autofree char *text = NULL;
    crash_child(what, dir, NULL, log);
    g_assert_true(g_file_get_contents(log, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        guint n = GPOINTER_TO_UINT(g_hash_table_lookup(seen, lines[i])) + 1;
        g_hash_table_replace(seen, g_strdup(lines[i]), GUINT_TO_POINTER(n));
        g_ptr_array_add(points, g_strdup_printf("%s=%%s:%u", lines[i], n));
    }
    return points;
}

char *crash_fault(GPtrArray *points, guint i, const char *action) {
    g_auto(GStrv) halves = g_strsplit(g_ptr_array_index(points, i), "%s", 2);
    return g_strconcat(halves[0], action, halves[1], NULL);
}

gboolean crash_has_point(GPtrArray *points, const char *prefix) {
    for (guint i = 0; i < points->len; i++)
        if (g_str_has_prefix(g_ptr_array_index(points, i), prefix))
            return TRUE;
    return FALSE;
}

void crash_remove_dir(const char *dir) {
    scratch_remove(dir);
}
