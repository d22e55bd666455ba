/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c: virtgrid-dm, which libxl starts as the device model of a guest whose vGPUs a vendor's emulator makes. It
 * starts the emulator, waits until that has said that it is there, and becomes QEMU, with the arguments it was given:
 * QEMU must not begin before the emulator. What goes wrong it leaves in a report for the driver (gpu/emulator.h): libxl
 * only learns that the device model has ended.
 *
 * Fault points, in order: dm.order, dm.fork, dm.report, dm.go, dm.ready, dm.model.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "dm/store.h"
#include "gpu/emulator.h"

#define VG_AREA "dm"
#include "base/log.h"

enum { STEP_MS = 50, POLITE_MS = 2000, FORCE_MS = 5000 };

typedef struct {
    char *order_path, *report_path;
    VgJson *order;
    char **model_argv; /* what QEMU gets */
    VgDmStore *store;
    VgEmulatorReport report;
    int line; /* to the emulator before it runs; it closes its end by running */
} Dm;

static gboolean fail(Dm *dm, VgEmulatorOutcome outcome, int number) {
    dm->report.outcome = outcome;
    dm->report.number = number;
    return FALSE;
}

/* errno as if what a fault point stands before had failed. */
static gboolean faulted(const char *point) {
    if (!vg_fault(point))
        return FALSE;
    errno = EIO;
    return TRUE;
}

/* --- what is wanted ----------------------------------------------------------------------------------------------- */

/* Everything but what is ours goes on to QEMU. FALSE: this is no call of libxl's. */
static gboolean take_arguments(Dm *dm, int argc, char **argv) {
    g_autoptr(GStrvBuilder) rest = g_strv_builder_new();
    gboolean domid = FALSE;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], VG_EMULATOR_ORDER_ARG) == 0 && i + 1 < argc) {
            g_free(dm->order_path);
            dm->order_path = g_strdup(argv[++i]);
            continue;
        }
        guint64 number = 0;
        if (strcmp(argv[i], "-xen-domid") == 0 && i + 1 < argc &&
            g_ascii_string_to_unsigned(argv[i + 1], 10, 1, G_MAXUINT16, &number, NULL)) {
            dm->report.domid = (guint)number;
            domid = TRUE;
        }
        g_strv_builder_add(rest, argv[i]);
    }
    dm->model_argv = g_strv_builder_end(rest);
    return domid && dm->order_path && g_str_has_suffix(dm->order_path, VG_EMULATOR_ORDER_SUFFIX);
}

static gboolean read_order(Dm *dm) {
    gsize len = 0;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    if (!faulted("dm.order"))
        text = vg_fd_read_file(AT_FDCWD, dm->order_path, VG_EMULATOR_FILE_MAX, &len);
    dm->order = text ? vg_json_parse(text, len, dm->order_path, &error) : NULL;
    return vg_json_get_string(dm->order, "program") || fail(dm, VG_EMULATOR_NO_ORDER, 0);
}

static gboolean write_report(Dm *dm) {
    g_autoptr(VgJson) json = vg_emulator_report_json(&dm->report);
    g_autofree char *text = vg_json_print(json, TRUE);
    g_autoptr(GError) error = NULL;
    if (vg_durable_write(dm->report_path, text, strlen(text), FALSE, &error))
        return TRUE;
    vg_err("%s", error->message);
    return FALSE;
}

/* --- the emulator ------------------------------------------------------------------------------------------------- */

static char **emulator_argv(const Dm *dm) {
    g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
    const VgJson *args = vg_json_get(dm->order, "arguments");
    g_autofree char *domid = g_strdup_printf("%u", dm->report.domid);
    g_strv_builder_add(argv, vg_json_get_string(dm->order, "program"));
    for (gsize i = 0; i < vg_json_length(args); i++) {
        g_auto(GStrv) parts = g_strsplit(vg_json_string(vg_json_at(args, i)), VG_EMULATOR_DOMID, -1);
        g_autofree char *text = g_strjoinv(domid, parts);
        g_strv_builder_add(argv, text);
    }
    return g_strv_builder_end(argv);
}

/* The child: runs when it is told to, and ends when nobody is left to tell it. Its own session: what is sent to QEMU's
 * is not for it. */
static void G_GNUC_NORETURN be_emulator(int line, char **argv) {
    char go;
    setsid();
    signal(SIGPIPE, SIG_DFL);
    if (read(line, &go, 1) != 1)
        _exit(1);
    syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
    execv(argv[0], argv);
    int why = errno;
    if (write(line, &why, sizeof why) < 0)
        _exit(2);
    _exit(1);
}

/* It is there, but does not run yet. */
static gboolean fork_emulator(Dm *dm) {
    int ends[2];
    g_auto(GStrv) argv = emulator_argv(dm);
    if (faulted("dm.fork") || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return fail(dm, VG_EMULATOR_NO_EXEC, errno);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_emulator(ends[1], argv);
    }
    int why = errno;
    close(ends[1]);
    dm->line = ends[0];
    if (pid < 0 || !vg_process_of(pid, &dm->report.process))
        return fail(dm, VG_EMULATOR_NO_EXEC, pid < 0 ? why : EIO);
    return TRUE;
}

/* An order that is gone has been taken back, perhaps by a daemon that does not know of us. */
static gboolean let_go(Dm *dm) {
    int why = 0;
    char go = 1;
    g_autofree char *pid = g_strdup_printf("%d", dm->report.process.pid);
    if (faulted("dm.report") || !write_report(dm))
        return fail(dm, VG_EMULATOR_NO_ORDER, 0);
    if (!vg_dm_store_write(dm->store, VG_EMULATOR_PID_KEY, pid))
        return fail(dm, VG_EMULATOR_NO_STORE, errno);
    if (faulted("dm.go") || access(dm->order_path, F_OK) < 0)
        return fail(dm, VG_EMULATOR_NO_ORDER, 0);
    if (!vg_fd_write_all(dm->line, &go, 1))
        return fail(dm, VG_EMULATOR_NO_EXEC, errno);
    ssize_t n = read(dm->line, &why, sizeof why); /* the end of the line: it runs */
    vg_fd_clear(&dm->line);
    return n == 0 || fail(dm, VG_EMULATOR_NO_EXEC, n < 0 ? errno : why);
}

/* TRUE: it has said what it will say; the outcome says whether that is good. */
static gboolean has_spoken(Dm *dm) {
    g_autofree char *state = vg_dm_store_read(dm->store, VG_EMULATOR_STATE_KEY);
    VgEmulatorState said = vg_emulator_state(state);
    if (said == VG_EMULATOR_FAILED) {
        dm->report.code = vg_dm_store_read(dm->store, VG_EMULATOR_ERROR_KEY);
        fail(dm, VG_EMULATOR_ERROR, 0);
    }
    return said != VG_EMULATOR_SILENT;
}

static gboolean wait_for_word(Dm *dm) {
    guint limit_ms = (guint)vg_json_get_int(dm->order, "start_ms", 30000);
    gint64 until = g_get_monotonic_time() + (gint64)limit_ms * 1000;
    g_auto(VgFd) fd = vg_process_open(&dm->report.process);
    for (guint step_ms = 1;; step_ms = MIN(2 * step_ms, STEP_MS)) {
        gboolean ended = fd < 0 || vg_process_ended(fd, step_ms);
        int status = -1;
        if (has_spoken(dm) && (!ended || dm->report.outcome == VG_EMULATOR_ERROR))
            return dm->report.outcome == VG_EMULATOR_FINE;
        if (ended) {
            waitpid(dm->report.process.pid, &status, 0);
            return fail(dm, VG_EMULATOR_ENDED, status);
        }
        if (g_get_monotonic_time() > until)
            return fail(dm, VG_EMULATOR_LATE, (int)(limit_ms + 999) / 1000);
    }
}

static gboolean bring_up(Dm *dm) {
    if (!read_order(dm))
        return FALSE;
    dm->store = vg_dm_store_open(dm->report.domid);
    if (!dm->store)
        return fail(dm, VG_EMULATOR_NO_STORE, errno);
    return fork_emulator(dm) && let_go(dm) && wait_for_word(dm) &&
           (!faulted("dm.ready") || fail(dm, VG_EMULATOR_ENDED, -1));
}

/* --- and then ----------------------------------------------------------------------------------------------------- */

/* Returns only if QEMU cannot be. Its own error output is that of all device models. */
static gboolean become_model(Dm *dm) {
    const char *model = vg_json_get_string(dm->order, "model");
    if (!model)
        return TRUE;
    g_free(dm->model_argv[0]);
    dm->model_argv[0] = g_strdup(model);
    if (!faulted("dm.model"))
        execv(model, dm->model_argv);
    return fail(dm, VG_EMULATOR_NO_MODEL, errno);
}

static void give_up(Dm *dm) {
    g_autoptr(GError) error = NULL, why = NULL;
    const char *program = vg_json_get_string(dm->order, "program");
    vg_fd_clear(&dm->line); /* one that does not run yet ends by this */
    if (dm->report.process.pid > 0 && !vg_process_stop(&dm->report.process, POLITE_MS, FORCE_MS, &error))
        vg_err("%s", error->message);
    g_autofree char *who = g_strdup_printf("%u", dm->report.domid);
    vg_emulator_explain(&dm->report, who, program ? program : "?", &why);
    vg_err("%s", why ? why->message : "?");
    write_report(dm);
}

int main(int argc, char **argv) {
    static Dm dm = {.line = -1};
    vg_fault_init();
    if (!take_arguments(&dm, argc, argv)) {
        fputs("virtgrid-dm: only virtgridd uses this program, as a device model\n", stderr);
        return 2;
    }
    g_autofree char *base = g_strndup(dm.order_path, strlen(dm.order_path) - strlen(VG_EMULATOR_ORDER_SUFFIX));
    dm.report_path = g_strconcat(base, VG_EMULATOR_REPORT_SUFFIX, NULL);
    gboolean ok = bring_up(&dm);
    vg_dm_store_free(dm.store);
    if (ok && become_model(&dm))
        return 0;
    give_up(&dm);
    return 1;
}
