/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * job.c: queues of work on threads of our own, and the way back. A queue that has work and no worker stands in its
 * kind's line; a worker takes one job of the first and puts the queue back at the end, so that queues share the threads
 * fairly. Finished jobs wait in one list for the main loop; its source costs one load per turn, and only the first of a
 * batch wakes the loop.
 *
 * Threads are begun when all of a kind are at work, and stay. All of it is plain pthreads, and lists are links within
 * the jobs, because TSAN sees neither GLib's locks nor its allocator.
 */
#include "config.h"
#include "base/job.h"

#include <pthread.h>

#define BATCH 64 /* completions per turn of the main loop, then others have theirs */

typedef struct Job Job;
struct Job {
    Job *next;
    VgJobQueue *queue; /* NULL: something that is told, no work */
    VgJobRun run;
    VgJobDone done;
    gpointer data;
};

typedef struct {
    Job *first, *last;
} JobList;

struct VgJobQueue {
    char *name;
    VgJobKind kind;
    VgJobQueue *next; /* under lock: in the line */
    JobList waiting;  /* under lock */
    gboolean active;  /* under lock: it stands in the line, or a worker has it */
    guint pending;    /* main loop only, as is the rest */
    guint reporting;  /* done functions on the stack: the queue outlives them */
    gboolean freed;
};

/* A kind's line of queues and its workers; under lock. */
typedef struct {
    const char *name; /* of the threads */
    guint most;
    guint threads;
    guint idle;  /* waiting, or woken and on their way to the line */
    guint ready; /* queues in the line */
    VgJobQueue *first, *last;
    pthread_cond_t more;
} Kind;

static Kind kinds[VG_JOB_KINDS] = {
    [VG_JOB_HOST] = {.name = "vg-host", .most = 16, .more = PTHREAD_COND_INITIALIZER},
    [VG_JOB_DOMAIN] = {.name = "vg-domain", .most = 16, .more = PTHREAD_COND_INITIALIZER},
    [VG_JOB_BESIDE] = {.name = "vg-beside", .most = 4, .more = PTHREAD_COND_INITIALIZER},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static JobList finished;         /* under lock */
static gboolean any_finished;    /* atomic, written under lock */
static guint pending_everywhere; /* main loop only */

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

/* --- workers, all under the lock ---------------------------------------------------------------------------------- */

static VgJobQueue *wait_for_queue(Kind *kind) {
    while (kind->first == NULL)
        pthread_cond_wait(&kind->more, &lock);
    VgJobQueue *queue = kind->first;
    kind->first = queue->next;
    if (kind->first == NULL)
        kind->last = NULL;
    kind->ready--;
    kind->idle--;
    return queue;
}

static void *work(void *data);

static void begin_thread(Kind *kind) {
    pthread_t thread;
    int code = pthread_create(&thread, NULL, work, kind);
    if (code == 0) {
        pthread_setname_np(thread, kind->name);
        pthread_detach(thread);
        kind->threads++;
        kind->idle++;
    } else if (kind->threads == 0) {
        g_error("no thread for work of kind %s: %s", kind->name, g_strerror(code));
    }
}

/* A worker for each queue in the line, as far as there may be one. */
static void stand_in_line(VgJobQueue *queue) {
    Kind *kind = &kinds[queue->kind];
    queue->next = NULL;
    if (kind->last != NULL)
        kind->last->next = queue;
    else
        kind->first = queue;
    kind->last = queue;
    kind->ready++;
    if (kind->ready > kind->idle && kind->threads < kind->most)
        begin_thread(kind);
    else
        pthread_cond_signal(&kind->more);
}

/* To the main loop. TRUE: it has to be woken, without the lock. */
static gboolean hand_over(Job *job) {
    gboolean wake = finished.first == NULL;
    append(&finished, job);
    __atomic_store_n(&any_finished, TRUE, __ATOMIC_RELEASE);
    return wake;
}

/* A queue without more work may be gone as soon as its last job is among the finished. */
static void *work(void *data) {
    Kind *kind = data;
    pthread_mutex_lock(&lock);
    for (;;) {
        VgJobQueue *queue = wait_for_queue(kind);
        Job *job = take_first(&queue->waiting);
        pthread_mutex_unlock(&lock);
        job->run(job->data);
        pthread_mutex_lock(&lock);
        kind->idle++;
        queue->active = queue->waiting.first != NULL;
        if (queue->active)
            stand_in_line(queue);
        if (!hand_over(job))
            continue;
        pthread_mutex_unlock(&lock);
        g_main_context_wakeup(NULL);
        pthread_mutex_lock(&lock);
    }
    return NULL;
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
        if (queue == NULL) {
            done(job_data);
            continue;
        }
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

static void attach(void) {
    GSource *source = g_source_new(&source_funcs, sizeof(GSource));
    g_source_set_static_name(source, "finished jobs");
    g_source_set_can_recurse(source, TRUE); /* a done function may drain */
    g_source_attach(source, NULL);
    g_source_unref(source);
}

static void begin(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, attach);
}

void vg_job_tell(VgJobDone done, gpointer data) {
    begin();
    Job *job = g_new(Job, 1);
    *job = (Job){.done = done, .data = data};
    pthread_mutex_lock(&lock);
    gboolean wake = hand_over(job);
    pthread_mutex_unlock(&lock);
    if (wake)
        g_main_context_wakeup(NULL);
}

/* --- queues ------------------------------------------------------------------------------------------------------- */

guint vg_job_threads(VgJobKind kind) {
    return kinds[kind].most;
}

VgJobQueue *vg_job_queue_new(VgJobKind kind, const char *name) {
    VgJobQueue *queue = g_new0(VgJobQueue, 1);
    queue->name = g_strdup(name);
    queue->kind = kind;
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
    if (!queue->active)
        stand_in_line(queue);
    queue->active = TRUE;
    pthread_mutex_unlock(&lock);
}

void vg_job_push(VgJobQueue *queue, VgJobRun run, VgJobDone done, gpointer data) {
    push(queue, append, run, done, data);
}

void vg_job_push_front(VgJobQueue *queue, VgJobRun run, VgJobDone done, gpointer data) {
    push(queue, prepend, run, done, data);
}

void vg_job_alone(VgJobKind kind, VgJobRun run, VgJobDone done, gpointer data) {
    VgJobQueue *queue = vg_job_queue_new(kind, "alone");
    vg_job_push(queue, run, done, data);
    vg_job_queue_free(queue);
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
