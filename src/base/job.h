/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * job.h: what may block runs here, off the main loop, and comes back. The only place where work changes threads.
 *
 * A job belongs to a queue; jobs of one queue run one after the other in the order they were given, jobs of different
 * queues in parallel. Each kind of queue has its own threads: however many jobs of one kind hang, no other waits for
 * them. @run is called on a worker thread, @done on the main loop
 * afterwards, always exactly once, also when the queue was freed meanwhile. Between the two the job's data belongs to
 * the worker: the main loop does not touch it.
 */
#pragma once

#include <glib.h>

/* By what may hold a job up. */
typedef enum {
    VG_JOB_HOST,   /* the disk, the kernel, Xen: what the daemon does for itself, and short work for clients */
    VG_JOB_DOMAIN, /* a guest's operations: its device model, scripts, a large memory on its way into a file */
    VG_JOB_BESIDE, /* what clients want beside them: a device model that has to paint, files that they name */
    VG_JOB_KINDS
} VgJobKind;

typedef struct VgJobQueue VgJobQueue;
typedef void (*VgJobRun)(gpointer data);
typedef void (*VgJobDone)(gpointer data);

/* At most so many jobs of a kind run at once. */
guint vg_job_threads(VgJobKind kind);

/* Main loop only, all of these. @name for logs. */
VgJobQueue *vg_job_queue_new(VgJobKind kind, const char *name);
/* One job by itself, in a queue of its own. */
void vg_job_alone(VgJobKind kind, VgJobRun run, VgJobDone done, gpointer data);
/* What is queued still runs and reports; the queue goes away with its last job. */
void vg_job_queue_free(VgJobQueue *queue);

/* At the end of the queue. @done may be NULL. */
void vg_job_push(VgJobQueue *queue, VgJobRun run, VgJobDone done, gpointer data);
/* Before everything that has not begun (destroy overtakes). */
void vg_job_push_front(VgJobQueue *queue, VgJobRun run, VgJobDone done, gpointer data);
/* From any thread: @done is called on the main loop, in the order of telling. */
void vg_job_tell(VgJobDone done, gpointer data);
/* Waiting and running jobs. */
guint vg_job_pending(const VgJobQueue *queue);

/* At shutdown: runs the default main context until no job is left anywhere, or @timeout_ms passed. TRUE if none is
 * left. */
gboolean vg_job_drain(int timeout_ms);
