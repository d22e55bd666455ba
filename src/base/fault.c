/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fault.c: the environment says at which named point to fail, die or wait. */
#include "config.h"
#include "base/fault.h"

#include "base/names.h"
#include "base/fd.h"
#define VG_AREA "fault"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { FAIL, KILL, PAUSE, ACTION_LAST } Action;
VG_NAMES(action_names, ACTION_LAST, "fail", "kill", "pause");

typedef struct {
    char *name; /* may end in '*' */
    Action action;
    int at;     /* the N-th time, 0: every time */
    int passed; /* atomic */
} Fault;

gboolean vg_fault_armed;
static Fault *faults;
static guint n_faults;
static int log_fd = -1;

/* NAME=ACTION[:N] */
static gboolean read_fault(const char *text, Fault *ret) {
    g_auto(GStrv) parts = g_strsplit(text, "=", 2);
    if (parts[0] == NULL || parts[0][0] == '\0' || parts[1] == NULL)
        return FALSE;
    g_auto(GStrv) what = g_strsplit(parts[1], ":", 2);
    int action = vg_names_value(&action_names, what[0]);
    gint64 at = 1;
    if (what[0] != NULL && what[1] != NULL && strcmp(what[1], "*") == 0)
        at = 0;
    else if (what[0] != NULL && what[1] != NULL && !g_ascii_string_to_signed(what[1], 10, 1, G_MAXINT, &at, NULL))
        return FALSE;
    *ret = (Fault){g_strdup(parts[0]), (Action)action, (int)at, 0};
    return action >= 0;
}

/* A misspelt fault would make its test pass for nothing, so it ends the program. */
static void refuse(const char *what, const char *text) {
    vg_err("%s cannot be used: %s", what, text);
    exit(2);
}

void vg_fault_init(void) {
    const char *list = getenv("VIRTGRID_FAULT"), *log = getenv("VIRTGRID_FAULT_LOG");
    if (vg_fault_armed)
        return;
    if (list != NULL && *list != '\0') {
        g_auto(GStrv) items = g_strsplit(list, ",", -1);
        faults = g_new0(Fault, g_strv_length(items));
        for (; items[n_faults] != NULL; n_faults++)
            if (!read_fault(items[n_faults], &faults[n_faults]))
                refuse("VIRTGRID_FAULT", items[n_faults]);
    }
    if (log != NULL && *log != '\0') {
        log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (log_fd < 0)
            refuse("VIRTGRID_FAULT_LOG", log);
    }
    vg_fault_armed = n_faults > 0 || log_fd >= 0;
}

static gboolean matches(const char *pattern, const char *name) {
    gsize len = strlen(pattern);
    return pattern[len - 1] == '*' ? strncmp(pattern, name, len - 1) == 0 : strcmp(pattern, name) == 0;
}

gboolean vg_fault_hit(const char *name) {
    if (log_fd >= 0) {
        g_autofree char *line = g_strconcat(name, "\n", NULL);
        vg_fd_write_all(log_fd, line, strlen(line));
    }
    gboolean fail = FALSE;
    for (guint i = 0; i < n_faults; i++) {
        Fault *fault = &faults[i];
        if (!matches(fault->name, name))
            continue;
        int time = __atomic_add_fetch(&fault->passed, 1, __ATOMIC_RELAXED);
        if (fault->at != 0 && fault->at != time)
            continue;
        if (fault->action == KILL)
            kill(getpid(), SIGKILL);
        else if (fault->action == PAUSE)
            g_usleep(G_USEC_PER_SEC);
        else
            fail = TRUE;
    }
    return fail;
}
