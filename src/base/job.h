/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * job.h: what may block runs here, off the main loop, and comes back. The only place where work changes threads.
 *
 * A job belongs to a queue; jobs of one queue run one after the other in the order they were given, jobs of different
 * queues in parallel (pool of at most VG_JOB_THREADS). @run is called on a worker thread, @done on the main loop
 * afterwards, always exactly once, also when the queue was freed meanwhile. Between the two the job's data belongs to
 * the worker: the main loop does not touch it.
 */
#pragma once

#include <glib.h>

#define VG_JOB_THREADS 16

typedef struct VgJobQueue VgJobQueue;
typedef void (*VgJobRun)(gpointer data);
typedef void (*VgJobDone)(gpointer data);

/* Main loop only, all of these. @name for logs. */
VgJobQueue *vg_job_queue_new(const char *name);
/* What is queued still runs and reports; the queue goes away with its last job. */
void vg_job_queue_free(VgJobQueue *queue);

/* At the end of the queue. @done may be NULL. */
void vg_job_push(VgJobQueue *queue, VgJobRun run, VgJobDone done, gpointer data);
/* Before everything that has not begun (destroy overtakes). */
void vg_job_push_front(VgJobQueue *queue, VgJobRun run, VgJobDone done, gpointer data);
/* Waiting and running jobs. */
guint vg_job_pending(const VgJobQueue *queue);

/* At shutdown: runs the default main context until no job is left anywhere, or @timeout_ms passed. TRUE if none is
 * left. */
gboolean vg_job_drain(int timeout_ms);
