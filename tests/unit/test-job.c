/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-job.c: order within a queue, queues side by side, who runs where. */
#include "config.h"
#include "base/job.h"

#define PATIENCE_MS 120000

typedef struct {
    GString *ran; /* one queue's, so written by one worker at a time */
    GString *done;
    char name;
    GThread *worker;
    int *gate; /* waits until it is not 0 */
    VgJobQueue *queue;
} Step;

static int gate_wait(int *gate) {
    while (__atomic_load_n(gate, __ATOMIC_ACQUIRE) == 0)
        g_usleep(200);
    return 0;
}

static void run_step(gpointer data) {
    Step *step = data;
    step->worker = g_thread_self();
    if (step->gate != NULL)
        gate_wait(step->gate);
    g_string_append_c(step->ran, step->name);
}

static void done_step(gpointer data) {
    Step *step = data;
    g_assert_true(step->worker != g_thread_self());
    g_string_append_c(step->done, step->name);
}

static void test_order(void) {
    GString *ran = g_string_new(NULL), *done = g_string_new(NULL);
    Step steps[26];
    VgJobQueue *queue = vg_job_queue_new(VG_JOB_DOMAIN, "order");
    for (int i = 0; i < 26; i++) {
        steps[i] = (Step){ran, done, (char)('a' + i), NULL, NULL, NULL};
        vg_job_push(queue, run_step, done_step, &steps[i]);
    }
    g_assert_cmpuint(vg_job_pending(queue), ==, 26);
    g_assert_cmpstr(done->str, ==, ""); /* only the main loop reports */
    g_assert_true(vg_job_drain(PATIENCE_MS));
    g_assert_cmpuint(vg_job_pending(queue), ==, 0);
    g_assert_cmpstr(ran->str, ==, "abcdefghijklmnopqrstuvwxyz");
    g_assert_cmpstr(done->str, ==, ran->str);
    vg_job_queue_free(queue);
    g_string_free(ran, TRUE);
    g_string_free(done, TRUE);
}

static void run_started(gpointer data) {
    Step *step = data;
    __atomic_store_n((int *)(void *)step->queue, 1, __ATOMIC_RELEASE);
    gate_wait(step->gate);
}

/* The first runs, the second waits, the third overtakes the second. */
static void test_front(void) {
    GString *ran = g_string_new(NULL), *done = g_string_new(NULL);
    int gate = 0, started = 0;
    VgJobQueue *queue = vg_job_queue_new(VG_JOB_DOMAIN, "front");
    Step hold = {.gate = &gate, .queue = (VgJobQueue *)(void *)&started};
    Step second = {.ran = ran, .done = done, .name = '2'}, third = {.ran = ran, .done = done, .name = '3'};
    vg_job_push(queue, run_started, NULL, &hold);
    gate_wait(&started);
    vg_job_push(queue, run_step, done_step, &second);
    vg_job_push_front(queue, run_step, done_step, &third);
    g_assert_false(vg_job_drain(20));
    g_assert_cmpuint(vg_job_pending(queue), ==, 3);
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    g_assert_true(vg_job_drain(PATIENCE_MS));
    g_assert_cmpstr(ran->str, ==, "32");
    vg_job_queue_free(queue);
    g_string_free(ran, TRUE);
    g_string_free(done, TRUE);
}

/* One queue stands still; another's jobs get through, and open the first one's gate. */
static void run_open(gpointer data) {
    __atomic_store_n((int *)data, 1, __ATOMIC_RELEASE);
}

static void test_parallel(void) {
    GString *ran = g_string_new(NULL), *done = g_string_new(NULL);
    int gate = 0;
    VgJobQueue *slow = vg_job_queue_new(VG_JOB_DOMAIN, "slow"), *quick = vg_job_queue_new(VG_JOB_DOMAIN, "quick");
    Step held = {.ran = ran, .done = done, .name = 'x', .gate = &gate};
    vg_job_push(slow, run_step, done_step, &held);
    vg_job_push(quick, run_open, NULL, &gate);
    g_assert_true(vg_job_drain(PATIENCE_MS));
    g_assert_cmpstr(done->str, ==, "x");
    vg_job_queue_free(slow);
    vg_job_queue_free(quick);
    g_string_free(ran, TRUE);
    g_string_free(done, TRUE);
}

/* A freed queue still runs and reports what it had. */
static void test_freed(void) {
    GString *ran = g_string_new(NULL), *done = g_string_new(NULL);
    VgJobQueue *queue = vg_job_queue_new(VG_JOB_DOMAIN, "freed");
    Step a = {.ran = ran, .done = done, .name = 'a'}, b = {.ran = ran, .done = done, .name = 'b'};
    vg_job_push(queue, run_step, done_step, &a);
    vg_job_push(queue, run_step, done_step, &b);
    vg_job_queue_free(queue);
    g_assert_true(vg_job_drain(PATIENCE_MS));
    g_assert_cmpstr(done->str, ==, "ab");
    vg_job_queue_free(NULL);
    g_string_free(ran, TRUE);
    g_string_free(done, TRUE);
}

/* Jobs that push jobs, on more queues than there are threads; counters without locks prove the order (under TSAN). */
#define QUEUES 40
#define ROUNDS 50
typedef struct {
    VgJobQueue *queue;
    int runs, dones;
} Counter;

static void run_count(gpointer data) {
    ((Counter *)data)->runs++;
}

static void done_count(gpointer data) {
    Counter *counter = data;
    if (++counter->dones < ROUNDS)
        vg_job_push(counter->queue, run_count, done_count, counter);
    else
        vg_job_queue_free(counter->queue); /* within its own last report */
}

static void test_many(void) {
    Counter counters[QUEUES] = {{0}};
    for (int i = 0; i < QUEUES; i++) {
        counters[i].queue = vg_job_queue_new(VG_JOB_DOMAIN, "many");
        vg_job_push(counters[i].queue, run_count, done_count, &counters[i]);
    }
    g_assert_true(vg_job_drain(PATIENCE_MS));
    for (int i = 0; i < QUEUES; i++) {
        g_assert_cmpint(counters[i].runs, ==, ROUNDS);
        g_assert_cmpint(counters[i].dones, ==, ROUNDS);
    }
}

/* Whatever hangs in one kind, and however often: at most so many of it run, and the other kinds do not notice. */
typedef struct {
    int gate, running, most;
} Hanging;

static void run_hanging(gpointer data) {
    Hanging *hanging = data;
    int now = __atomic_add_fetch(&hanging->running, 1, __ATOMIC_ACQ_REL);
    for (int most = __atomic_load_n(&hanging->most, __ATOMIC_ACQUIRE); now > most;)
        if (__atomic_compare_exchange_n(&hanging->most, &most, now, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            break;
    gate_wait(&hanging->gate);
    __atomic_sub_fetch(&hanging->running, 1, __ATOMIC_ACQ_REL);
}

static void set_done(gpointer data) {
    *(gboolean *)data = TRUE;
}

static void run_nothing(gpointer data) {
}

static void test_kinds(void) {
    for (VgJobKind kind = 0; kind < VG_JOB_KINDS; kind++) {
        Hanging hanging = {0};
        for (guint i = 0; i < 3 * vg_job_threads(kind); i++)
            vg_job_alone(kind, run_hanging, NULL, &hanging);
        for (VgJobKind other = 0; other < VG_JOB_KINDS; other++) {
            gboolean done = other == kind;
            if (other != kind)
                vg_job_alone(other, run_nothing, set_done, &done);
            while (!done)
                g_main_context_iteration(NULL, TRUE);
        }
        while (__atomic_load_n(&hanging.running, __ATOMIC_ACQUIRE) < (int)vg_job_threads(kind))
            g_usleep(200);
        g_usleep(5000); /* for one more than there may be */
        __atomic_store_n(&hanging.gate, 1, __ATOMIC_RELEASE);
        g_assert_true(vg_job_drain(PATIENCE_MS));
        g_assert_cmpint(hanging.most, ==, (int)vg_job_threads(kind));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/job/order", test_order);
    g_test_add_func("/job/front", test_front);
    g_test_add_func("/job/parallel", test_parallel);
    g_test_add_func("/job/freed", test_freed);
    g_test_add_func("/job/many", test_many);
    g_test_add_func("/job/kinds", test_kinds);
    return g_test_run();
}
