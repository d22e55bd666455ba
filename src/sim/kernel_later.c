/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_later.c: drivers do some things only after a while. One thread, begun when the first is asked for. */
#include "config.h"

#include "sim/kernel_inside.h"

typedef struct {
    gint64 when;
    void (*func)(VgSimKernel *k, const VgPciAddr *addr, const char *text);
    VgPciAddr addr;
    char *text;
} Task;

struct VgSimLater {
    pthread_cond_t changed;
    GThread *thread;
    GList *tasks; /* of Task, the next first */
    gboolean over;
};

static int by_time(gconstpointer a, gconstpointer b) {
    gint64 x = ((const Task *)a)->when, y = ((const Task *)b)->when;
    return x < y ? -1 : x > y;
}

static void task_free(gpointer data) {
    g_free(((Task *)data)->text);
    g_free(data);
}

static void wait_for(VgSimKernel *k, gint64 when) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    gint64 ns = until.tv_nsec + (when - g_get_monotonic_time()) * 1000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&k->later->changed, &k->lock, &until);
}

static void *work(void *data) {
    VgSimKernel *k = data;
    VgSimLater *later = k->later;
    pthread_mutex_lock(&k->lock);
    while (!later->over) {
        Task *task = later->tasks != NULL ? later->tasks->data : NULL;
        if (task == NULL)
            pthread_cond_wait(&later->changed, &k->lock);
        else if (task->when > g_get_monotonic_time())
            wait_for(k, task->when);
        else {
            later->tasks = g_list_remove(later->tasks, task);
            task->func(k, &task->addr, task->text);
            task_free(task);
        }
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

void vg_sim_later(VgSimKernel *k, guint ms, void (*func)(VgSimKernel *k, const VgPciAddr *addr, const char *text),
                  const VgPciAddr *addr, const char *text) {
    if (k->later == NULL) {
        k->later = g_new0(VgSimLater, 1);
        pthread_cond_init(&k->later->changed, NULL);
        k->later->thread = g_thread_new("sim-kernel", work, k);
    }
    Task *task = g_new0(Task, 1);
    *task = (Task){g_get_monotonic_time() + ms * 1000, func, *addr, g_strdup(text)};
    k->later->tasks = g_list_insert_sorted(k->later->tasks, task, by_time);
    pthread_cond_signal(&k->later->changed);
}

void vg_sim_later_end(VgSimKernel *k) {
    if (k->later == NULL)
        return;
    pthread_mutex_lock(&k->lock);
    k->later->over = TRUE;
    pthread_cond_signal(&k->later->changed);
    pthread_mutex_unlock(&k->lock);
    g_thread_join(k->later->thread);
    g_list_free_full(k->later->tasks, task_free);
    pthread_cond_destroy(&k->later->changed);
    g_clear_pointer(&k->later, g_free);
}
