/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guest.c: what the operating system inside a simulated domain does: it uses its CPU, and it ends when it was asked to.
 * Pure: time is an argument.
 */
#include "sim/domain.h"

#define US_NS 1000

guint64 vg_sim_guest_cpu_ns(const VgSimDomain *dom, gint64 now_us) {
    gint64 ran = dom->since_us ? now_us - dom->since_us : 0;
    return dom->cpu_ns + (ran > 0 ? (guint64)ran * US_NS : 0);
}

static void stop_clock(VgSimDomain *dom, gint64 now_us) {
    dom->cpu_ns = vg_sim_guest_cpu_ns(dom, now_us);
    dom->since_us = 0;
}

void vg_sim_guest_run(VgSimDomain *dom, gint64 now_us) {
    if (dom->run != VG_XEN_PAUSED)
        return;
    dom->run = VG_XEN_RUNNING;
    dom->since_us = now_us;
    /* What it had to do is still to do: the time it had left was kept as a negative deadline. */
    if (dom->deadline_us < 0)
        dom->deadline_us = now_us - dom->deadline_us;
}

void vg_sim_guest_pause(VgSimDomain *dom, gint64 now_us) {
    if (dom->run != VG_XEN_RUNNING)
        return;
    stop_clock(dom, now_us);
    dom->run = VG_XEN_PAUSED;
    if (dom->deadline_us > 0)
        dom->deadline_us = -MAX(dom->deadline_us - now_us, 1);
}

void vg_sim_guest_ask(VgSimDomain *dom, VgXenReason how, gint64 now_us, gint64 delay_us) {
    if (dom->run == VG_XEN_PAUSED) {
        if (!dom->deadline_us) {
            dom->deadline_us = -MAX(delay_us, 1);
            dom->deadline = how;
        }
        return;
    }
    if (dom->run != VG_XEN_RUNNING || (dom->deadline_us && dom->deadline_us <= now_us + delay_us))
        return;
    dom->deadline_us = now_us + MAX(delay_us, 1);
    dom->deadline = how;
}

void vg_sim_guest_end(VgSimDomain *dom, VgXenReason how, gint64 now_us) {
    if (dom->run == VG_XEN_SHUTDOWN)
        return;
    stop_clock(dom, now_us);
    dom->run = VG_XEN_SHUTDOWN;
    dom->reason = how;
    dom->deadline_us = 0;
}

gboolean vg_sim_guest_tick(VgSimDomain *dom, gint64 now_us) {
    if (dom->run != VG_XEN_RUNNING || dom->deadline_us <= 0 || dom->deadline_us > now_us)
        return FALSE;
    vg_sim_guest_end(dom, dom->deadline, dom->deadline_us);
    return TRUE;
}
