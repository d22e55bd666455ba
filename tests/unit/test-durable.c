/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-durable.c: a child writes and is killed (or fails) at every step it has; afterwards the old or the new contents
 * are there, whole. Steps are not listed here but read from the fault log, so a new one is tested by itself.
 */
#include "config.h"
#include "base/durable.h"

#include "base/error.h"
#include "base/fault.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *dir, *path, *log;
} Place;

static void place_open(Place *place, gconstpointer unused) {
    place->dir = g_dir_make_tmp("vg-durable-XXXXXX", NULL);
    place->path = g_build_filename(place->dir, "file", NULL);
    place->log = g_build_filename(place->dir, "log", NULL);
}

static void empty(const char *dir) {
    g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(files)) != NULL;) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        if (g_rmdir(path) < 0)
            g_unlink(path);
    }
}

static void place_close(Place *place, gconstpointer unused) {
    empty(place->dir);
    g_rmdir(place->dir);
    g_free(place->dir);
    g_free(place->path);
    g_free(place->log);
}

static char *read_text(const char *path) {
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static void check_text(const char *path, const char *expected) {
    g_autofree char *text = read_text(path);
    g_assert_cmpstr(text, ==, expected);
}

/* How many files of @dir have @part in their name. */
static int count_files(const char *dir, const char *part) {
    g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
    int n = 0;
    for (const char *name; (name = g_dir_read_name(files)) != NULL;)
        n += strstr(name, part) != NULL;
    return n;
}

static void silence(void) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    close(null);
}

typedef gboolean (*Effect)(const char *path);

/* Runs @effect in a child with these faults. 0: it said TRUE, 1: FALSE, -9: killed. */
static int in_child(Effect effect, const char *path, const char *faults, const char *log) {
    pid_t pid = fork();
    if (pid == 0) {
        silence();
        setenv("VIRTGRID_FAULT", faults, 1);
        setenv("VIRTGRID_FAULT_LOG", log, 1);
        vg_fault_init();
        _exit(effect(path) ? 0 : 1);
    }
    int status;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

typedef struct {
    Effect prepare, effect;
    void (*check)(const Place *place, int result, const char *step);
} Operation;

/* Learns the steps of an operation from a run of its own, then dies and fails at each. */
static void at_every_step(const Place *place, const Operation *operation) {
    static const char *const actions[] = {"kill", "fail"};
    g_unlink(place->log);
    g_assert_true(operation->prepare(place->path));
    g_assert_cmpint(in_child(operation->effect, place->path, "", place->log), ==, 0);
    g_autofree char *log = read_text(place->log);
    g_auto(GStrv) steps = g_strsplit(g_strchomp(log), "\n", -1);
    g_assert_cmpuint(g_strv_length(steps), >=, 2);
    for (gsize a = 0; a < G_N_ELEMENTS(actions); a++) {
        for (int i = 0; steps[i] != NULL; i++) {
            int nth = 1;
            for (int j = 0; j < i; j++)
                nth += g_str_equal(steps[i], steps[j]);
            empty(place->dir);
            g_assert_true(operation->prepare(place->path));
            g_autofree char *fault = g_strdup_printf("%s=%s:%d", steps[i], actions[a], nth);
            int result = in_child(operation->effect, place->path, fault, place->log);
            g_assert_cmpint(result, ==, a == 0 ? -SIGKILL : 1);
            operation->check(place, result, steps[i]);
        }
    }
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static gboolean prepare_file(const char *path) {
    return vg_durable_write(path, "older", 5, TRUE, NULL) && vg_durable_write(path, "old", 3, TRUE, NULL);
}

static gboolean write_file(const char *path) {
    return vg_durable_write(path, "new text", 8, TRUE, NULL);
}

static void check_file(const Place *place, int result, const char *step) {
    g_autofree char *text = read_text(place->path);
    if (g_strcmp0(text, "old") != 0 && (result != -SIGKILL || g_strcmp0(text, "new text") != 0))
        g_error("after %s: '%s'", step, text);
    if (result != -SIGKILL)
        g_assert_cmpint(count_files(place->dir, ".new"), ==, 0);
    g_assert_true(write_file(place->path)); /* nothing is in its way */
    check_text(place->path, "new text");
}

static void test_every_step(Place *place, gconstpointer unused) {
    at_every_step(place, &(Operation){prepare_file, write_file, check_file});
}

static gboolean prepare_nothing(const char *path) {
    return TRUE;
}

static void check_nothing(const Place *place, int result, const char *step) {
    g_autofree char *text = read_text(place->path);
    if (text != NULL && (result != -SIGKILL || !g_str_equal(text, "new text")))
        g_error("after %s: '%s'", step, text);
}

static void test_first_version(Place *place, gconstpointer unused) {
    at_every_step(place, &(Operation){prepare_nothing, write_file, check_nothing});
}

static void test_previous(Place *place, gconstpointer unused) {
    g_autofree char *previous = g_strconcat(place->path, ".prev", NULL);
    g_assert_true(vg_durable_write(place->path, "1", 1, TRUE, NULL));
    g_assert_false(g_file_test(previous, G_FILE_TEST_EXISTS));
    g_assert_true(vg_durable_write(place->path, "2", 1, TRUE, NULL));
    check_text(previous, "1");
    g_assert_true(vg_durable_write(place->path, "3", 1, FALSE, NULL));
    check_text(previous, "1");
    struct stat st;
    g_assert_cmpint(stat(place->path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0600);
    g_assert_true(vg_durable_remove(place->path, NULL));
    g_assert_true(vg_durable_remove(place->path, NULL));
    g_assert_cmpint(count_files(place->dir, "file"), ==, 0);
}

static gboolean set_aside(const char *path) {
    silence();
    return vg_durable_set_aside(path);
}

static void test_set_aside(Place *place, gconstpointer unused) {
    g_assert_true(prepare_file(place->path));
    g_assert_cmpint(in_child(set_aside, place->path, "", place->log), ==, 0);
    check_text(place->path, "older");
    g_assert_cmpint(in_child(set_aside, place->path, "", place->log), ==, 1);
    g_assert_false(g_file_test(place->path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(count_files(place->dir, ".corrupt-"), ==, 2);
    g_assert_cmpint(in_child(set_aside, place->path, "", place->log), ==, 1);
}

static void test_mkdir(Place *place, gconstpointer unused) {
    g_autofree char *one = g_build_filename(place->dir, "one", NULL), *two = g_build_filename(one, "two", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(vg_durable_mkdir(two, &error));
    g_assert_true(vg_durable_mkdir(two, &error));
    g_assert_true(g_file_test(two, G_FILE_TEST_IS_DIR));
    g_rmdir(two);
    g_assert_true(g_file_set_contents(two, "x", -1, NULL));
    g_assert_false(vg_durable_mkdir(two, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_SYSTEM_ERROR);
    g_unlink(two);
}

static void test_bad_path(Place *place, gconstpointer unused) {
    g_autoptr(GError) error = NULL;
    g_assert_false(vg_durable_write("/proc/none/file", "x", 1, TRUE, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_SYSTEM_ERROR);
    g_assert_nonnull(strstr(error->message, "/proc/none/file"));
}

/* --- journals ----------------------------------------------------------------------------------------------------- */

static void collect(const char *payload, gsize len, gpointer data) {
    g_assert_cmpuint(strlen(payload), ==, len);
    g_string_append_printf(data, "%s|", payload);
}

/* Everything the journal at @path holds, "a|b|". */
static char *read_journal(const char *path) {
    g_autoptr(GError) error = NULL;
    GString *all = g_string_new(NULL);
    g_autoptr(VgJournal) journal = vg_journal_open(path, collect, all, &error);
    g_assert_no_error(error);
    g_assert_nonnull(journal);
    return g_string_free(all, FALSE);
}

static void check_journal(const char *path, const char *expected) {
    g_autofree char *all = read_journal(path);
    g_assert_cmpstr(all, ==, expected);
}

static gboolean append_to(const char *path, const char *payload) {
    g_autoptr(VgJournal) journal = vg_journal_open(path, NULL, NULL, NULL);
    return journal != NULL && vg_journal_append(journal, payload, strlen(payload), NULL);
}

static gboolean prepare_journal(const char *path) {
    return append_to(path, "one") && append_to(path, "") && append_to(path, "three \xc3\xa4 {}");
}

static gboolean append_journal(const char *path) {
    return append_to(path, "four");
}

static gboolean rewrite_journal(const char *path) {
    const char *const records[] = {"one", "three"};
    g_autoptr(VgJournal) journal = vg_journal_open(path, NULL, NULL, NULL);
    return journal != NULL && vg_journal_rewrite(journal, records, 2, NULL) &&
           vg_journal_append(journal, "four", 4, NULL);
}

static void check_appended(const Place *place, int result, const char *step) {
    g_autofree char *all = read_journal(place->path);
    if (!g_str_equal(all, "one||three \xc3\xa4 {}|") &&
        (result != -SIGKILL || !g_str_equal(all, "one||three \xc3\xa4 {}|four|")))
        g_error("after %s: %s", step, all);
    g_assert_true(append_to(place->path, "five"));
    g_autofree char *more = read_journal(place->path);
    g_assert_true(g_str_has_suffix(more, "five|"));
}

static void check_rewritten(const Place *place, int result, const char *step) {
    g_autofree char *all = read_journal(place->path);
    if (!g_str_equal(all, "one||three \xc3\xa4 {}|") && !g_str_equal(all, "one|three|") &&
        (result != -SIGKILL || !g_str_equal(all, "one|three|four|")))
        g_error("after %s: %s", step, all);
}

static void test_journal_steps(Place *place, gconstpointer unused) {
    at_every_step(place, &(Operation){prepare_journal, append_journal, check_appended});
    at_every_step(place, &(Operation){prepare_journal, rewrite_journal, check_rewritten});
}

/* The bytes on disk are a format: the checksum is CRC-32C of "9 123456789". */
static void test_journal_format(Place *place, gconstpointer unused) {
    g_assert_true(append_to(place->path, "123456789"));
    check_text(place->path, "314bc3a7 9 123456789\n");
    g_autoptr(GError) error = NULL;
    g_autoptr(VgJournal) journal = vg_journal_open(place->path, NULL, NULL, &error);
    g_assert_cmpuint(vg_journal_records(journal), ==, 1);
    g_assert_false(vg_journal_append(journal, "a\nb", 3, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
    g_assert_true(vg_journal_append(journal, "b", 1, NULL));
    g_assert_cmpuint(vg_journal_records(journal), ==, 2);
    g_assert_true(vg_journal_rewrite(journal, NULL, 0, NULL));
    g_assert_cmpuint(vg_journal_records(journal), ==, 0);
    check_text(place->path, "");
}

static gboolean open_journal(const char *path) {
    g_free(read_journal(path));
    return TRUE;
}

/* Cut at every byte: whole records stay, the torn one goes, and the next append follows directly. */
static void test_journal_torn(Place *place, gconstpointer unused) {
    g_assert_true(prepare_journal(place->path));
    gsize len;
    g_autofree char *whole = NULL;
    g_assert_true(g_file_get_contents(place->path, &whole, &len, NULL));
    for (gsize cut = 0; cut <= len; cut++) {
        g_assert_true(g_file_set_contents(place->path, whole, (gssize)cut, NULL));
        gsize records = 0;
        for (gsize i = 0; i < cut; i++)
            records += whole[i] == '\n';
        g_assert_cmpint(in_child(open_journal, place->path, "", place->log), ==, 0);
        g_assert_true(append_to(place->path, "next"));
        g_autofree char *all = read_journal(place->path);
        static const char *const expected[] = {"next|", "one|next|", "one||next|", "one||three \xc3\xa4 {}|next|"};
        g_assert_cmpstr(all, ==, expected[records]);
    }
    g_assert_cmpint(count_files(place->dir, ".corrupt-"), ==, 0);
}

/* A file that the kernel had made longer, and not yet filled, before the power went. */
static void test_journal_zeros(Place *place, gconstpointer unused) {
    g_assert_true(append_to(place->path, "one"));
    g_autofree char *text = read_text(place->path);
    gsize len = strlen(text);
    char *longer = g_malloc0(len + 4096);
    memcpy(longer, text, len);
    g_assert_true(g_file_set_contents(place->path, longer, (gssize)len + 4096, NULL));
    g_free(longer);
    g_assert_cmpint(in_child(open_journal, place->path, "", place->log), ==, 0);
    check_text(place->path, text);
}

/*
 * Every byte of the first two records damaged in turn: what was before stays, the file is kept for a look. (Without its
 * newline the second would be one with the third, the last.)
 */
static void test_journal_corrupt(Place *place, gconstpointer unused) {
    g_assert_true(prepare_journal(place->path));
    gsize len;
    g_autofree char *whole = NULL;
    g_assert_true(g_file_get_contents(place->path, &whole, &len, NULL));
    gsize second = (gsize)(strchr(whole, '\n') - whole) + 1;
    gsize third = second + (gsize)(strchr(whole + second, '\n') - (whole + second)) + 1;
    for (gsize at = 0; at < third - 1; at++) {
        empty(place->dir);
        whole[at] ^= 0x20;
        g_assert_true(g_file_set_contents(place->path, whole, (gssize)len, NULL));
        whole[at] ^= 0x20;
        g_assert_cmpint(in_child(open_journal, place->path, "", place->log), ==, 0);
        g_assert_cmpint(count_files(place->dir, ".corrupt-"), ==, 1);
        check_journal(place->path, at < second ? "" : "one|");
        g_assert_true(append_to(place->path, "next"));
        check_journal(place->path, at < second ? "next|" : "one|next|");
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/durable/" name, Place, NULL, place_open, func, place_close)
    ADD("every-step", test_every_step);
    ADD("first-version", test_first_version);
    ADD("previous", test_previous);
    ADD("set-aside", test_set_aside);
    ADD("mkdir", test_mkdir);
    ADD("bad-path", test_bad_path);
    ADD("journal/every-step", test_journal_steps);
    ADD("journal/format", test_journal_format);
    ADD("journal/torn", test_journal_torn);
    ADD("journal/zeros", test_journal_zeros);
    ADD("journal/corrupt", test_journal_corrupt);
    return g_test_run();
}
