/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log_libxl.c: where libxl's messages go: to our log, those about a domain with its name; and all of them, down to the
 * least, to a file of the domain's own, because nobody has asked for them before a start fails. A file that has become
 * long makes room for a new one; one that cannot be written is done without.
 */
#define _GNU_SOURCE 1 /* strerrordesc_np() */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xen/libxl_op.h"

#define VG_AREA "libxl"
#include "base/log.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

static VgLogLevel level_of(xentoollog_level level) {
    if (level >= XTL_ERROR)
        return VG_LOG_ERROR;
    if (level >= XTL_WARN)
        return VG_LOG_WARN;
    return level >= XTL_NOTICE ? VG_LOG_INFO : VG_LOG_DEBUG;
}

/* Behind "libxl_create.c:123:function: ", which is for the log. */
static const char *where_it_says(const char *text) {
    const char *rest = g_str_has_prefix(text, "libxl_") ? strstr(text, ": ") : NULL;
    return rest ? rest + 2 : text;
}

static void keep(VgXenLogger *logger, const char *text) {
    gsize len = strlen(logger->errors);
    snprintf(logger->errors + len, sizeof logger->errors - len, "%s%s", len ? "; " : "", text);
}

/* Also called by libxl's children between fork and exec: no allocation, no lock. */
static void G_GNUC_PRINTF(5, 0) on_message(xentoollog_logger *vtable, xentoollog_level level, int errnum,
                                           const char *context, const char *format, va_list args) {
    VgXenLogger *logger = (VgXenLogger *)vtable;
    VgLogLevel ours = logger->quiet ? VG_LOG_DEBUG : level_of(level);
    char text[sizeof logger->errors];
    if (ours < vg_log_level() && level < XTL_ERROR && logger->file < 0)
        return;
    int n = vsnprintf(text, sizeof text, format, args);
    if (errnum > 0 && n >= 0 && (gsize)n < sizeof text)
        snprintf(text + n, sizeof text - (gsize)n, ": %s", strerrordesc_np(errnum));
    if (level >= XTL_ERROR && !logger->quiet)
        keep(logger, where_it_says(text));
    if (logger->file >= 0)
        vg_log_to(logger->file, level_of(level), context ? context : VG_AREA, "%s", text);
    vg_log(ours, VG_AREA, "%s%s%s: %s", logger->about, logger->about[0] ? ": " : "", context ? context : "", text);
}

static void on_progress(xentoollog_logger *vtable, const char *context, const char *doing, int percent,
                        unsigned long done, unsigned long total) {
    const VgXenLogger *logger = (const VgXenLogger *)vtable;
    if (logger->permille && total)
        g_atomic_int_set(logger->permille, (gint)((double)done / (double)total * 1000));
}

static void on_destroy(xentoollog_logger *vtable) {
}

void vg_xen_logger_init(VgXenLogger *logger) {
    *logger = (VgXenLogger){.vtable = {on_message, on_progress, on_destroy}, .file = -1};
}

static int open_file(const char *path) {
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
}

/* Whoever writes into the old one meanwhile goes on there. */
static void make_room(const char *path, VgFd *fd) {
    struct stat st;
    if (*fd < 0 || fstat(*fd, &st) < 0 || st.st_size < FILE_MAX_BYTES)
        return;
    g_autofree char *old = g_strconcat(path, ".old", NULL);
    if (rename(path, old) < 0)
        return;
    vg_fd_clear(fd);
    *fd = open_file(path);
}

void vg_xen_logger_about(VgXenLogger *logger, const char *about) {
    g_strlcpy(logger->about, about ? about : "", sizeof logger->about);
    vg_fd_clear(&logger->file);
    if (!about || strchr(about, '/'))
        return;
    g_autofree char *path = g_strdup_printf(VG_XEN_LOG_FOLDER "/%s.log", about);
    g_mkdir_with_parents(VG_XEN_LOG_FOLDER, 0700);
    logger->file = open_file(path);
    make_room(path, &logger->file);
    if (logger->file < 0)
        vg_debug("cannot open '%s': %s", path, g_strerror(errno));
}

void vg_xen_logger_clear(VgXenLogger *logger) {
    if (logger->vtable.vmessage) /* it was begun */
        vg_fd_clear(&logger->file);
}
