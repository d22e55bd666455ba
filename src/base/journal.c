/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal.c: one file of records, each on a line of its own with checksum and length. A power cut can damage the end
 * only; damage elsewhere is somebody else's work, and is kept for them to look at.
 */
#include "config.h"
#include "base/durable.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/i18n.h"
#define VG_AREA "base"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_BYTES (256u << 20)
#define MAX_HEAD 32 /* "crc32c-hex length " */

struct VgJournal {
    char *path;
    int fd;
    gint64 size; /* of the good records, which is the file's */
    gsize records;
    gboolean broken; /* what a failed append left could not be cut off */
};

/* The checksum covers the length as it is written, the blank and the payload. */
static void add_record(GString *out, const char *payload, gsize len) {
    char length[24];
    int n = snprintf(length, sizeof length, "%zu ", len);
    guint32 crc = vg_crc32c(vg_crc32c(0, length, (gsize)n), payload, len);
    g_string_append_printf(out, "%08x %s", crc, length);
    g_string_append_len(out, payload, (gssize)len);
    g_string_append_c(out, '\n');
}

/* The record at @text, whose line ends at @end: its payload, or NULL if it is not as it was written. */
static const char *read_record(const char *text, const char *end, gsize *ret_len) {
    if (end - text < 11 || text[8] != ' ' || !g_ascii_isdigit(text[9]))
        return NULL;
    char *payload_at, crc[9];
    guint64 len = g_ascii_strtoull(text + 9, &payload_at, 10);
    snprintf(crc, sizeof crc, "%08x", vg_crc32c(0, text + 9, (gsize)(end - text - 9)));
    if (memcmp(text, crc, 8) != 0 || payload_at >= end || *payload_at != ' ' || len != (guint64)(end - payload_at - 1))
        return NULL;
    *ret_len = (gsize)len;
    return payload_at + 1;
}

/* How many bytes of @text are good records. @ret_torn: only the last record is bad, if any. */
static gsize read_records(VgJournal *self, const char *text, gsize len, VgJournalEach each, gpointer data,
                          gboolean *ret_torn) {
    gsize at = 0;
    *ret_torn = FALSE;
    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        gsize payload_len;
        const char *payload = end == NULL ? NULL : read_record(text + at, end, &payload_len);
        if (payload == NULL) {
            *ret_torn = end == NULL || end == text + len - 1;
            break;
        }
        g_autofree char *copy = g_strndup(payload, payload_len);
        if (each != NULL)
            each(copy, payload_len, data);
        self->records++;
        at = (gsize)(end - text) + 1;
    }
    return at;
}

static gboolean open_file(VgJournal *self, GError **error) {
    if (self->fd >= 0)
        vg_fd_close(self->fd);
    self->fd = open(self->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    off_t size = self->fd < 0 ? -1 : lseek(self->fd, 0, SEEK_END);
    self->size = size;
    if (size >= 0)
        return TRUE;
    vg_set_errno(error, errno, _("cannot open the journal %s"), self->path);
    return FALSE;
}

static gboolean cut(VgJournal *self, gint64 size) {
    return ftruncate(self->fd, size) == 0 && fdatasync(self->fd) == 0;
}

/* Reads what is there and leaves a file of good records only. */
static gboolean load(VgJournal *self, VgJournalEach each, gpointer data, GError **error) {
    gsize len;
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, self->path, MAX_BYTES, &len);
    if (text == NULL && errno == ENOENT)
        return vg_durable_write(self->path, "", 0, FALSE, error) && open_file(self, error);
    if (text == NULL) {
        vg_set_errno(error, errno, _("cannot read the journal %s"), self->path);
        return FALSE;
    }
    gboolean torn;
    gsize good = read_records(self, text, len, each, data, &torn);
    if (good < len && !torn) {
        vg_warn("%s: the record after %zu good ones is damaged; what follows it is not used", self->path,
                self->records);
        vg_durable_copy_aside(self->path);
        return vg_durable_write(self->path, text, good, FALSE, error) && open_file(self, error);
    }
    if (!open_file(self, error))
        return FALSE;
    if (good == len)
        return TRUE;
    vg_warn("%s: the last record is incomplete (%zu bytes) and is dropped", self->path, len - good);
    if (!cut(self, (gint64)good)) {
        vg_set_errno(error, errno, _("cannot cut the journal %s"), self->path);
        return FALSE;
    }
    self->size = (gint64)good;
    return TRUE;
}

VgJournal *vg_journal_open(const char *path, VgJournalEach each, gpointer data, GError **error) {
    g_autoptr(VgJournal) self = g_new0(VgJournal, 1);
    self->path = g_strdup(path);
    self->fd = -1;
    return load(self, each, data, error) ? g_steal_pointer(&self) : NULL;
}

static gboolean check_payload(VgJournal *self, const char *payload, gsize len, GError **error) {
    if (memchr(payload, '\n', len) == NULL && memchr(payload, '\0', len) == NULL)
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("a record for %s contains a newline or NUL"), self->path);
    return FALSE;
}

static gboolean write_line(VgJournal *self, const GString *line) {
    if (vg_fault("journal.write")) {
        vg_fd_write_all(self->fd, line->str, line->len / 2); /* as on a full disk */
        errno = ENOSPC;
        return FALSE;
    }
    if (!vg_fd_write_all(self->fd, line->str, line->len))
        return FALSE;
    if (vg_fault("journal.fsync")) {
        errno = EIO;
        return FALSE;
    }
    return fdatasync(self->fd) == 0;
}

gboolean vg_journal_append(VgJournal *self, const char *payload, gsize len, GError **error) {
    if (!check_payload(self, payload, len, error))
        return FALSE;
    if (self->broken || self->size + (gint64)len + MAX_HEAD > MAX_BYTES) {
        vg_set_errno(error, self->broken ? EIO : EFBIG, _("cannot append to the journal %s"), self->path);
        return FALSE;
    }
    g_autoptr(GString) line = g_string_sized_new(len + MAX_HEAD);
    add_record(line, payload, len);
    if (!write_line(self, line)) {
        int why = errno;
        self->broken = !cut(self, self->size);
        vg_set_errno(error, why, _("cannot append to the journal %s"), self->path);
        return FALSE;
    }
    self->size += (gint64)line->len;
    self->records++;
    return TRUE;
}

gboolean vg_journal_rewrite(VgJournal *self, const char *const *records, gsize n, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (gsize i = 0; i < n; i++) {
        if (!check_payload(self, records[i], strlen(records[i]), error))
            return FALSE;
        add_record(text, records[i], strlen(records[i]));
    }
    gboolean written = vg_durable_write(self->path, text->str, text->len, FALSE, error);
    /* Also after a failure: the name may be the new file's already, and nothing must be appended to one without a
     * name. */
    self->broken = !open_file(self, written ? error : NULL);
    if (!written || self->broken)
        return FALSE;
    self->records = n;
    return TRUE;
}

gsize vg_journal_records(const VgJournal *self) {
    return self->records;
}

void vg_journal_free(VgJournal *self) {
    if (self == NULL)
        return;
    if (self->fd >= 0)
        vg_fd_close(self->fd);
    g_free(self->path);
    g_free(self);
}
