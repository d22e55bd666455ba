/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * job.c: queues of work on GLib's thread pool, and the way back. A queue that has work and no worker is handed to the
 * pool; a worker takes one job, so that queues share the threads fairly. Finished jobs wait in one list for the main
 * loop; its source costs one load per turn, and only the first of a batch wakes the loop. The lock is a pthread mutex
 * and the lists are links within the jobs, because TSAN sees neither GLib's locks nor its allocator.
 */
#include "config.h"
#include "base/job.h"

#include <pthread.h>

#define BATCH 64 /* completions per turn of the main loop, then others have theirs */

typedef struct Job Job;
struct Job {
    Job *next;
    VgJobQueue *queue;
    VgJobRun run;
    VgJobDone done;
    gpointer data;
};

typedef struct {
    Job *first, *last;
} JobList;

struct VgJobQueue {
    char *name;
    JobList waiting; /* under lock */
    gboolean active; /* under lock: the pool has it, or a worker */
    guint pending;   /* main loop only, as is the rest */
    guint reporting; /* done functions on the stack: the queue outlives them */
    gboolean freed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static JobList finished;      /* under lock */
static gboolean any_finished; /* atomic, written under lock */
static GThreadPool *pool;
static guint pending_everywhere;

static void append(JobList *list, Job *job) {
    job->next = NULL;
    if (list->last != NULL)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

static void prepend(JobList *list, Job *job) {
    job->next = list->first;
    list->first = job;
    if (list->last == NULL)
        list->last = job;
}

static Job *take_first(JobList *list) {
    Job *job = list->first;
    if (job != NULL) {
        list->first = job->next;
        if (list->first == NULL)
            list->last = NULL;
    }
    return job;
}

/* On a worker: the queue's first job, then the queue goes to the end of the pool's line. */
static void work(gpointer data, gpointer unused) {
    VgJobQueue *queue = data;
    pthread_mutex_lock(&lock);
    Job *job = take_first(&queue->waiting);
    pthread_mutex_unlock(&lock);
    job->run(job->data);
    pthread_mutex_lock(&lock);
    gboolean more = queue->active = queue->waiting.first != NULL;
    gboolean wake = finished.first == NULL;
    append(&finished, job);
    __atomic_store_n(&any_finished, TRUE, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
    /* Without more work the queue may be gone from here on. With more it stays: its next job is not done. */
    if (more)
        g_thread_pool_push(pool, queue, NULL);
    if (wake)
        g_main_context_wakeup(NULL);
}

/* --- the way back ------------------------------------------------------------------------------------------------- */

static gboolean source_ready(GSource *source) {
    return __atomic_load_n(&any_finished, __ATOMIC_ACQUIRE);
}

static gboolean source_prepare(GSource *source, int *timeout) {
    *timeout = -1;
    return source_ready(source);
}

static Job *take_finished(void) {
    pthread_mutex_lock(&lock);
    Job *job = take_first(&finished);
    if (finished.first == NULL)
        __atomic_store_n(&any_finished, FALSE, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
    return job;
}

static void free_if_over(VgJobQueue *queue) {
    if (!queue->freed || queue->pending > 0 || queue->reporting > 0)
        return;
    g_free(queue->name);
    g_free(queue);
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer data) {
    Job *job;
    for (int i = 0; i < BATCH && (job = take_finished()) != NULL; i++) {
        VgJobQueue *queue = job->queue;
        VgJobDone done = job->done;
        gpointer job_data = job->data;
        g_free(job);
        queue->pending--;
        pending_everywhere--;
        queue->reporting++;
        if (done != NULL)
            done(job_data);
        queue->reporting--;
        free_if_over(queue);
    }
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {source_prepare, source_ready, source_dispatch, NULL, NULL, NULL};

static void begin(void) {
    if (pool != NULL)
        return;
    pool = g_thread_pool_new(work, NULL, VG_JOB_THREADS, FALSE, NULL);
    GSource *source = g_source_new(&source_funcs, sizeof(GSource));
    g_source_set_static_name(source, "finished jobs");
    g_source_set_can_recurse(source, TRUE); /* a done function may drain */
    g_source_attach(source, NULL);
    g_source_unref(source);
}

/* --- queues ------------------------------------------------------------------------------------------------------- */

VgJobQueue *vg_job_queue_new(const char *name) {
    VgJobQueue *queue = g_new0(VgJobQueue, 1);
    queue->name = g_strdup(name);
    return queue;
}

void vg_job_queue_free(VgJobQueue *queue) {
    if (queue == NULL)
        return;
    queue->freed = TRUE;
    free_if_over(queue);
}

static void push(VgJobQueue *queue, void (*add)(JobList *, Job *), VgJobRun run, VgJobDone done, gpointer data) {
    begin();
    Job *job = g_new(Job, 1);
    *job = (Job){NULL, queue, run, done, data};
    queue->pending++;
    pending_everywhere++;
    pthread_mutex_lock(&lock);
    add(&queue->waiting, job);
    gboolean wake = !queue->active;
    queue->active = TRUE;
    pthread_mutex_unlock(&lock);
    if (wake)
        g_thread_pool_push(pool, queue, NULL);
}

void vg_job_push(VgJobQueue *queue, VgJobRun run, VgJobDone done, gpointer data) {
    push(queue, append, run, done, data);
}

void vg_job_push_front(VgJobQueue *queue, VgJobRun run, VgJobDone done, gpointer data) {
    push(queue, prepend, run, done, data);
}

guint vg_job_pending(const VgJobQueue *queue) {
    return queue->pending;
}

static gboolean set_true(gpointer flag) {
    *(gboolean *)flag = TRUE;
    return G_SOURCE_CONTINUE;
}

gboolean vg_job_drain(int timeout_ms) {
    gboolean late = timeout_ms <= 0;
    GSource *timer = g_timeout_source_new((guint)MAX(timeout_ms, 0));
    g_source_set_callback(timer, set_true, &late, NULL);
    g_source_attach(timer, NULL);
    while (pending_everywhere > 0 && !late)
        g_main_context_iteration(NULL, TRUE);
    g_source_destroy(timer);
    g_source_unref(timer);
    return pending_everywhere == 0;
}
