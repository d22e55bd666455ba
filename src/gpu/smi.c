/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smi.c: see smi.h. The output of "vgpu -q" is "Name : value" lines, indented; a line "vGPU ID" begins the next one. */
#include "config.h"

#include "gpu/smi.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/i18n.h"

#define PROGRAM "usr/bin/nvidia-smi"
#define MAX_OUTPUT (4u << 20)
#define MAX_VGPUS 65536
#define KILL_MS 1000
#define STEP_MS 10

gboolean vg_smi_is_there(VgSysroot *root) {
    g_autofree char *path = g_build_filename(vg_sysroot_path(root), PROGRAM, NULL);
    return access(path, X_OK) == 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void side_clear(gpointer data) {
    VgGuestSide *side = data;
    g_free(side->driver);
    g_free(side->licence);
}

typedef struct {
    GArray *sides;
    VgGuestSide now;
    gboolean has_vgpu;
} Reading;

static void end_one(Reading *r) {
    if (r->has_vgpu && r->sides->len < MAX_VGPUS)
        g_array_append_val(r->sides, r->now);
    else
        side_clear(&r->now);
    r->now = (VgGuestSide){0};
    r->has_vgpu = FALSE;
}

static char *told(const char *value) {
    gboolean nothing = *value == '\0' || g_ascii_strcasecmp(value, "N/A") == 0 ||
                       g_ascii_strcasecmp(value, "Not Available") == 0 || !g_utf8_validate(value, -1, NULL);
    return nothing ? NULL : g_strndup(value, 128);
}

static void take(Reading *r, const char *name, const char *value) {
    VgUuid uuid;
    gboolean mdev = strcmp(name, "MDEV UUID") == 0; /* the one that we gave; the other may be the driver's own */
    if (strcmp(name, "vGPU ID") == 0) {
        end_one(r);
    } else if ((mdev || (strcmp(name, "vGPU UUID") == 0 && !r->has_vgpu)) && vg_uuid_parse(value, &uuid)) {
        r->now.vgpu = uuid;
        r->has_vgpu = TRUE;
    } else if (strcmp(name, "Guest Driver Version") == 0 && r->now.driver == NULL) {
        r->now.driver = told(value);
    } else if (strcmp(name, "License Status") == 0 && r->now.licence == NULL) {
        r->now.licence = told(value);
    }
}

GArray *vg_smi_parse(const char *text) {
    Reading r = {.sides = g_array_new(FALSE, FALSE, sizeof(VgGuestSide))};
    g_array_set_clear_func(r.sides, side_clear);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        char *colon = strchr(*line, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        take(&r, g_strstrip(*line), g_strstrip(colon + 1));
    }
    end_one(&r);
    return r.sides;
}

/* --- the program -------------------------------------------------------------------------------------------------- */

/* A group of its own: what it starts is ended with it. It complains where it answers. */
static void in_child(gpointer unused) {
    setpgid(0, 0);
    dup2(STDOUT_FILENO, STDERR_FILENO);
}

/* Until @end_us; NULL: it was not done by then, or said too much. */
static char *read_all(int fd, gint64 end_us) {
    g_autoptr(GString) text = g_string_new(NULL);
    char buffer[4096];
    for (;;) {
        gint64 left_ms = (end_us - vg_clock_mono_us()) / 1000;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0 || text->len > MAX_OUTPUT)
            return NULL;
        if (poll(&p, 1, (int)left_ms) <= 0)
            continue;
        gssize n = read(fd, buffer, sizeof buffer);
        if (n == 0)
            return g_string_free(g_steal_pointer(&text), FALSE);
        if (n > 0)
            g_string_append_len(text, buffer, n);
        else if (errno != EINTR)
            return NULL;
    }
}

static gboolean is_gone(pid_t pid, gint64 end_us, int *ret_status) {
    while (waitpid(pid, ret_status, WNOHANG) == 0) {
        if (vg_clock_mono_us() >= end_us)
            return FALSE;
        g_usleep(STEP_MS * 1000);
    }
    return TRUE;
}

static gboolean begin(const char *path, const char *const *args, pid_t *pid, int *out, GError **error) {
    g_autoptr(GError) why = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_ptr_array_add(argv, (gpointer)path);
    for (; *args != NULL; args++)
        g_ptr_array_add(argv, (gpointer)*args);
    g_ptr_array_add(argv, NULL);
    if (g_spawn_async_with_pipes("/", (char **)argv->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD, in_child, NULL, pid, NULL,
                                 out, NULL, &why))
        return TRUE;
    vg_set_error(error, VG_ERR_SYSTEM_ERROR, _("cannot run %s: %s"), path, why->message);
    return FALSE;
}

/* Ends what is left of it. @text NULL: it was not done in time. */
static int end(pid_t pid, const char *text, gint64 end_us, gint *left) {
    int status = -1;
    if (text == NULL)
        kill(-pid, SIGKILL);
    if (is_gone(pid, text == NULL ? vg_clock_mono_us() + KILL_MS * 1000 : end_us, &status))
        return status;
    kill(-pid, SIGKILL);
    if (!is_gone(pid, vg_clock_mono_us() + KILL_MS * 1000, &status))
        g_atomic_int_set(left, pid);
    return -1;
}

char *vg_smi_run(VgSysroot *root, const char *const *args, guint patience_ms, gint *left, GError **error) {
    g_autofree char *path = g_build_filename(vg_sysroot_path(root), PROGRAM, NULL);
    pid_t pid = g_atomic_int_get(left);
    g_auto(VgFd) out = -1;
    if (pid != 0 && !is_gone(pid, 0, NULL)) {
        vg_set_error(error, VG_ERR_OPERATION_TIMEOUT, _("%s, process %d, hangs and cannot be ended"), path, (int)pid);
        return NULL;
    }
    g_atomic_int_set(left, 0);
    if (!begin(path, args, &pid, &out, error))
        return NULL;
    gint64 end_us = vg_clock_mono_us() + (gint64)patience_ms * 1000;
    g_autofree char *text = read_all(out, end_us);
    int status = end(pid, text, end_us, left);
    if (text == NULL)
        vg_set_error(error, VG_ERR_OPERATION_TIMEOUT, _("%s has not answered within %u ms"), path, patience_ms);
    else if (status != 0)
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("%s %s: %s"), path, args[0],
                     *g_strstrip(text) != '\0' ? text : _("it failed and gave no reason"));
    return text != NULL && status == 0 ? g_steal_pointer(&text) : NULL;
}

GArray *vg_smi_read(VgSysroot *root, guint patience_ms, gint *left, GError **error) {
    g_autofree char *text = vg_smi_run(root, (const char *const[]){"vgpu", "-q", NULL}, patience_ms, left, error);
    return text != NULL ? vg_smi_parse(text) : NULL;
}
