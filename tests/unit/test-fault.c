/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-fault.c: each case is a child with an environment of its own, as vg_fault_init() reads it once. */
#include "config.h"
#include "base/fault.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Passes the points of @points ("a b a") in a child; its exit status is the bits of those that failed. */
static int pass(const char *faults, const char *log, const char *points) {
    pid_t pid = fork();
    if (pid == 0) {
        if (faults != NULL)
            setenv("VIRTGRID_FAULT", faults, 1);
        if (log != NULL)
            setenv("VIRTGRID_FAULT_LOG", log, 1);
        vg_fault_init();
        g_auto(GStrv) names = g_strsplit(points, " ", -1);
        int bits = 0;
        for (int i = 0; names[i] != NULL; i++)
            bits |= vg_fault(names[i]) ? 1 << i : 0;
        _exit(bits);
    }
    int status;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_actions(void) {
    g_assert_cmpint(pass(NULL, NULL, "a b"), ==, 0);
    g_assert_cmpint(pass("", NULL, "a b"), ==, 0);
    g_assert_cmpint(pass("b=fail", NULL, "a b b"), ==, 2);
    g_assert_cmpint(pass("b=fail:2", NULL, "b a b b"), ==, 4);
    g_assert_cmpint(pass("b=fail:*", NULL, "b a b"), ==, 5);
    g_assert_cmpint(pass("x.*=fail:2", NULL, "x.a y.a x.b x.c"), ==, 4);
    g_assert_cmpint(pass("a=fail,b=fail", NULL, "a c b"), ==, 5);
    g_assert_cmpint(pass("b=kill", NULL, "a b"), ==, -SIGKILL);
    g_assert_cmpint(pass("b=kill:2", NULL, "a b"), ==, 0);
    gint64 before = g_get_monotonic_time();
    g_assert_cmpint(pass("b=pause", NULL, "a b"), ==, 0);
    g_assert_cmpint(g_get_monotonic_time() - before, >=, G_USEC_PER_SEC);
}

static void test_misspelt(void) {
    static const char *const bad[] = {"a", "a=", "=fail", "a=fial", "a=fail:0", "a=fail:x", "a=fail,", "a=fail:2x"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpint(pass(bad[i], NULL, "b"), ==, 2);
    g_assert_cmpint(pass(NULL, "/nonexistent/log", "b b b"), ==, 2);
}

static void test_log(void) {
    g_autofree char *dir = g_dir_make_tmp("vg-fault-XXXXXX", NULL), *log = g_build_filename(dir, "log", NULL);
    g_assert_cmpint(pass("c=kill", log, "a b c d"), ==, -SIGKILL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(log, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "a\nb\nc\n");
    g_unlink(log);
    g_rmdir(dir);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fault/actions", test_actions);
    g_test_add_func("/fault/misspelt", test_misspelt);
    g_test_add_func("/fault/log", test_log);
    return g_test_run();
}
