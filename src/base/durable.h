/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * durable.h: files that survive a power cut. Writing is: temporary file, fsync, the old version kept as PATH.prev (hard
 * link), rename, fsync of the folder. Reading checks nothing of the contents; a caller that finds the file torn calls
 * vg_durable_set_aside(), which moves it to PATH.corrupt-<time> and brings PATH.prev back, and reports it. All of this
 * blocks: never on the main loop. Two writers of one path at a time are the caller's mistake. Fault points, in order:
 * durable.write, durable.fsync, durable.keep, durable.rename, durable.fsyncdir; durable.remove; a journal's append
 * passes journal.write, journal.fsync.
 */
#pragma once

#include <glib.h>

/*
 * @keep_previous: the version before stays as PATH.prev. Errors: SYSTEM_ERROR naming path and step; then the old file
 * is as it was (if only the folder's fsync failed and no previous version was kept, the new one stays).
 */
gboolean vg_durable_write(const char *path, const char *data, gsize len, gboolean keep_previous, GError **error);

/* unlink (and of PATH.prev) + fsync of the folder. A missing file is no error. */
gboolean vg_durable_remove(const char *path, GError **error);

/* mkdir -p, 0700 for what is made, each parent synced. */
gboolean vg_durable_mkdir(const char *path, GError **error);

/* TRUE if a previous version took its place. Logs a warning either way. */
gboolean vg_durable_set_aside(const char *path);
/* The same without bringing anything back: PATH stays, for a caller that will write it anew. FALSE if that failed;
 * logged. */
gboolean vg_durable_copy_aside(const char *path);

/*
 * An append-only journal: records of text, each on a line "crc32c-hex length payload\n". Opening reads every good
 * record, in order, through @each; a torn tail (the last record only) is cut off and reported; a bad record in the
 * middle sets the file aside under PATH.corrupt-<time>, keeping what was read before it. Append returns after
 * fdatasync; what an append that failed left behind is cut off again. A payload has no newline. One thread at a time.
 */
typedef struct VgJournal VgJournal;
typedef void (*VgJournalEach)(const char *payload, gsize len, gpointer data);
VgJournal *vg_journal_open(const char *path, VgJournalEach each, gpointer data, GError **error);
gboolean vg_journal_append(VgJournal *journal, const char *payload, gsize len, GError **error);
/* Replaces everything by @records (a compaction), atomically. */
gboolean vg_journal_rewrite(VgJournal *journal, const char *const *records, gsize n, GError **error);
gsize vg_journal_records(const VgJournal *journal); /* appended or read since the last rewrite */
void vg_journal_free(VgJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgJournal, vg_journal_free)
