/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log.c: one line, one write(2) to stderr. Nothing here takes a lock or allocates (the time is UTC because the local
 * zone would do both), so a child between fork and exec may call it.
 */
#include "config.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static const struct {
    char priority; /* syslog's */
    char word[8];
} levels[] = {
    [VG_LOG_DEBUG] = {'7', "debug"},
    [VG_LOG_INFO] = {'6', "info"},
    [VG_LOG_WARN] = {'4', "warning"},
    [VG_LOG_ERROR] = {'3', "error"},
};

static int least_level = VG_LOG_INFO;

void vg_log_set_level(VgLogLevel least) {
    __atomic_store_n(&least_level, (int)least, __ATOMIC_RELAXED);
}

VgLogLevel vg_log_level(void) {
    return (VgLogLevel)__atomic_load_n(&least_level, __ATOMIC_RELAXED);
}

/* systemd names the stream it reads by device and inode; a redirected stderr is no longer that one. */
static gboolean to_journal(void) {
    static int known; /* 0 not asked yet, 1 no, 2 yes: any thread may ask, all get the same answer */
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (answer == 0) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device = 0, inode = 0;
        struct stat st;
        answer = stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
                         fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode
                     ? 2
                     : 1;
        __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    }
    return answer == 2;
}

/* "2026-01-31 23:59:59.123" from the days since 1970 (the calendar repeats every 400 years, which begin in March). */
static int put_time(char *line, gsize room) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    long days = (long)(now.tv_sec / 86400) + 719468;
    long second = (long)(now.tv_sec % 86400);
    long era = days / 146097, in_era = days % 146097;
    long year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    long in_year = in_era - (365 * year + year / 4 - year / 100);
    long month = (5 * in_year + 2) / 153;
    long day = in_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2 ? 1 : 0);
    return snprintf(line, room, "%04ld-%02ld-%02ld %02ld:%02ld:%02ld.%03ldZ ", year, month, day, second / 3600,
                    second / 60 % 60, second % 60, now.tv_nsec / 1000000);
}

static void G_GNUC_PRINTF(4, 0) put_line(int fd, VgLogLevel level, const char *area, const char *format, va_list args) {
    int saved_errno = errno;
    char line[LINE_MAX_BYTES];
    int used;
    if (fd == STDERR_FILENO && to_journal()) {
        used = snprintf(line, sizeof line, "<%c>%s: ", levels[level].priority, area);
    } else {
        used = put_time(line, sizeof line);
        used += snprintf(line + used, sizeof line - (gsize)used, "%s: %s: ", levels[level].word, area);
    }
    gsize start = MIN((gsize)used, sizeof line - 2);
    errno = saved_errno; /* for %m */
    int more = vsnprintf(line + start, sizeof line - 1 - start, format, args);
    gsize end = more < 0 ? start : MIN(start + (gsize)more, sizeof line - 2);
    for (gsize i = start; i < end; i++)
        if ((guchar)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[end++] = '\n';
    while (write(fd, line, end) < 0 && errno == EINTR)
        ;
    errno = saved_errno;
}

void vg_logv(VgLogLevel level, const char *area, const char *format, va_list args) {
    if (level >= vg_log_level())
        put_line(STDERR_FILENO, level, area, format, args);
}

void vg_log(VgLogLevel level, const char *area, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vg_logv(level, area, format, args);
    va_end(args);
}

void vg_log_to(int fd, VgLogLevel level, const char *area, const char *format, ...) {
    va_list args;
    va_start(args, format);
    put_line(fd, level, area, format, args);
    va_end(args);
}
