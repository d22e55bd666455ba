/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-log.c: stderr is a socket that keeps write(2)s apart, so a line that came in two would be seen. Each case runs
 * in a child, because where stderr leads is asked once.
 */
#include "config.h"
#define VG_AREA "test"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int reader;

/* Runs @say in a child; @journal: with JOURNAL_STREAM naming its stderr. */
static void in_child(void (*say)(void), gboolean journal) {
    int pair[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pair[1], STDERR_FILENO);
        close(pair[0]);
        struct stat st;
        fstat(STDERR_FILENO, &st);
        g_autofree char *stream = g_strdup_printf("%llu:%llu", (unsigned long long)st.st_dev,
                                                  (unsigned long long)st.st_ino + (journal ? 0 : 1));
        setenv("JOURNAL_STREAM", stream, 1);
        say();
        _exit(0);
    }
    close(pair[1]);
    int status;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    reader = pair[0];
}

/* The next write(2)'s bytes; "" at the end. */
static char *next_write(void) {
    char line[8192];
    gssize n = recv(reader, line, sizeof line, 0);
    g_assert_cmpint(n, >=, 0);
    return g_strndup(line, (gsize)n);
}

static void say_some(void) {
    vg_debug("not heard");
    vg_info("%s %d", "one", 1);
    vg_log_set_level(VG_LOG_DEBUG);
    vg_debug("two");
    vg_log_set_level(VG_LOG_ERROR);
    vg_warn("not heard");
    vg_err("three");
}

static void test_levels(void) {
    in_child(say_some, TRUE);
    g_autofree char *one = next_write(), *two = next_write(), *three = next_write(), *end = next_write();
    g_assert_cmpstr(one, ==, "<6>test: one 1\n");
    g_assert_cmpstr(two, ==, "<7>test: two\n");
    g_assert_cmpstr(three, ==, "<3>test: three\n");
    g_assert_cmpstr(end, ==, "");
    close(reader);
}

static void say_bad(void) {
    vg_warn("a\nb\x1b[31m\tc\x7f\xc3\xa4");
    g_autofree char *large = g_strnfill(5000, 'x');
    vg_warn("%s", large);
    errno = ENOENT;
    vg_warn("%m");
    if (errno != ENOENT)
        _exit(1);
}

static void test_bytes(void) {
    in_child(say_bad, TRUE);
    g_autofree char *line = next_write(), *large = next_write(), *code = next_write();
    g_assert_cmpstr(line, ==, "<4>test: a?b?[31m?c?\xc3\xa4\n");
    g_assert_cmpuint(strlen(large), >, 2000);
    g_assert_cmpuint(strlen(large), <=, 2048);
    g_assert_true(strchr(large, '\n') == large + strlen(large) - 1);
    g_assert_cmpstr(code, ==, "<4>test: No such file or directory\n");
    close(reader);
}

static void say_one(void) {
    vg_warn("x");
}

/* Not systemd's stream: with the time, as date(1) would say it. */
static void test_time(void) {
    g_autoptr(GDateTime) before = g_date_time_new_now_utc();
    in_child(say_one, FALSE);
    g_autofree char *line = next_write();
    g_assert_true(g_str_has_suffix(line, "Z warning: test: x\n"));
    line[10] = 'T';
    line[24] = '\0';
    g_autoptr(GDateTime) said = g_date_time_new_from_iso8601(line, NULL);
    g_assert_nonnull(said);
    GTimeSpan later = g_date_time_difference(said, before);
    g_assert_cmpint(later, >=, -1000);
    g_assert_cmpint(later, <, 60 * G_TIME_SPAN_SECOND);
    close(reader);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/levels", test_levels);
    g_test_add_func("/log/bytes", test_bytes);
    g_test_add_func("/log/time", test_time);
    return g_test_run();
}
