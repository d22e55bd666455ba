/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log.h: the one way to say something to the administrator. A line is one write(2) to stderr, with no lock, so that a
 * thread of libxl or a child between fork and exec may log too. Under systemd (JOURNAL_STREAM is stderr) the line
 * starts with the <N> priority, otherwise with time and level. Any thread.
 */
#pragma once

#include <glib.h>
#include <stdarg.h>

typedef enum { VG_LOG_DEBUG = 1, VG_LOG_INFO, VG_LOG_WARN, VG_LOG_ERROR } VgLogLevel; /* libvirt's numbers */

void vg_log_set_level(VgLogLevel least);
VgLogLevel vg_log_level(void);

/* @area is the folder that speaks: "wire", "gpu". Lines are cut at 2 KiB; control bytes become '?'. */
void vg_log(VgLogLevel level, const char *area, const char *format, ...) G_GNUC_PRINTF(3, 4);
void vg_logv(VgLogLevel level, const char *area, const char *format, va_list args) G_GNUC_PRINTF(3, 0);

/* The same line, with time and level, into a file of its own; whatever the level. */
void vg_log_to(int fd, VgLogLevel level, const char *area, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* Each .c that logs defines VG_AREA before including this file. */
#define vg_debug(...) (vg_log_level() <= VG_LOG_DEBUG ? vg_log(VG_LOG_DEBUG, VG_AREA, __VA_ARGS__) : (void)0)
#define vg_info(...) vg_log(VG_LOG_INFO, VG_AREA, __VA_ARGS__)
#define vg_warn(...) vg_log(VG_LOG_WARN, VG_AREA, __VA_ARGS__)
#define vg_err(...) vg_log(VG_LOG_ERROR, VG_AREA, __VA_ARGS__)
