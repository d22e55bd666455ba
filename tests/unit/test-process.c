/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-process.c: a process is known again, and no other one is taken for it; it is asked to end, then made to. */
#include "base/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Started, and deaf to SIGTERM if so wanted: returns when it is. */
static VgProcess start(gboolean deaf) {
    int ends[2];
    char ready;
    VgProcess process;
    g_assert_no_errno(pipe(ends));
    pid_t pid = fork();
    if (pid == 0) {
        if (deaf)
            signal(SIGTERM, SIG_IGN);
        if (write(ends[1], "r", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    g_assert_cmpint(pid, >, 0);
    g_assert_cmpint(read(ends[0], &ready, 1), ==, 1);
    close(ends[0]);
    close(ends[1]);
    g_assert_true(vg_process_of(pid, &process));
    return process;
}

static int reap(const VgProcess *process) {
    int status = -1;
    g_assert_cmpint(waitpid(process->pid, &status, 0), ==, process->pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_polite(void) {
    g_autoptr(GError) error = NULL;
    VgProcess process = start(FALSE);
    int fd = vg_process_open(&process);
    g_assert_cmpint(fd, >=, 0);
    g_assert_false(vg_process_ended(fd, 1));
    g_assert_true(vg_process_stop(&process, 10000, 10000, &error));
    g_assert_no_error(error);
    g_assert_true(vg_process_ended(fd, 0)); /* a zombie has ended, too */
    g_assert_true(vg_process_stop(&process, 0, 0, &error));
    close(fd);
    g_assert_cmpint(reap(&process), ==, SIGTERM);
    g_assert_cmpint(vg_process_open(&process), ==, -1);
    g_assert_true(vg_process_stop(&process, 0, 0, &error));
}

static void test_force(void) {
    g_autoptr(GError) error = NULL;
    VgProcess process = start(TRUE);
    g_assert_true(vg_process_stop(&process, 20, 10000, &error));
    g_assert_no_error(error);
    g_assert_cmpint(reap(&process), ==, SIGKILL);
}

/* The number is used again, in this life of the machine or in another one: not ours, so it is left alone. */
static void test_other(void) {
    g_autoptr(GError) error = NULL;
    VgProcess process = start(FALSE), earlier = process, other_boot = process;
    earlier.start--;
    other_boot.boot[0] = other_boot.boot[0] == '0' ? '1' : '0';
    g_assert_cmpint(vg_process_open(&earlier), ==, -1);
    g_assert_true(vg_process_stop(&earlier, 0, 0, &error));
    g_assert_true(vg_process_stop(&other_boot, 0, 0, &error));
    int fd = vg_process_open(&process);
    g_assert_cmpint(fd, >=, 0);
    g_assert_false(vg_process_ended(fd, 50));
    close(fd);
    g_assert_true(vg_process_stop(&process, 10000, 10000, &error));
    reap(&process);
}

static void test_none(void) {
    VgProcess process;
    g_assert_false(vg_process_of(0, &process));
    g_assert_false(vg_process_of(-1, &process));
    g_assert_cmpint(vg_process_open(&process), ==, -1);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/process/polite", test_polite);
    g_test_add_func("/process/force", test_force);
    g_test_add_func("/process/other", test_other);
    g_test_add_func("/process/none", test_none);
    return g_test_run();
}
