/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * save.c: a simulated guest's state, written and read: a line that says what follows and how long it is, the domain as
 * JSON, and an end mark, so that a stream that was cut anywhere is known. As with the real one a guest has its part in
 * it: one that hears nothing is not saved.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "base/json.h"
#include "sim/sim.h"

#define HEAD "simulated guest %7u\n"
#define END "\nend\n"

enum { HEAD_LEN = 24, STATE_MAX = 1 << 20, STEP_US = 10000 };

/* --- out ---------------------------------------------------------------------------------------------------------- */

static char *print_state(const VgSimDomain *dom) {
    char uuid[VG_UUID_TEXT], head[HEAD_LEN + 1];
    g_autoptr(VgJson) json = vg_json_new_object();
    vg_json_set_string(json, "uuid", vg_uuid_format(&dom->uuid, uuid));
    vg_json_set_int(json, "mem_kib", (gint64)dom->mem_kib);
    vg_json_set_int(json, "max_mem_kib", (gint64)dom->max_mem_kib);
    vg_json_set_int(json, "vcpus", dom->vcpus);
    vg_json_set_int(json, "cpu_ns", (gint64)dom->cpu_ns);
    g_autofree char *text = vg_json_print(json, FALSE);
    g_snprintf(head, sizeof head, HEAD, (guint)strlen(text));
    return g_strconcat(head, text, END, NULL);
}

static gboolean suspend(VgSim *sim, VgSimDomain *dom, GError **error) {
    if (vg_sim_is_deaf(sim, dom)) {
        vg_set_error(error, VG_ERR_OPERATION_TIMEOUT, _("guest '%s' did not suspend itself when it was asked to"),
                     dom->name);
        return FALSE;
    }
    if (dom->run != VG_XEN_RUNNING) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u does not run"), dom->domid);
        return FALSE;
    }
    vg_sim_guest_end(dom, VG_XEN_SUSPEND, vg_clock_real_us());
    if (!vg_sim_store_write(sim->dir, dom, error))
        return FALSE;
    vg_sim_event(sim, VG_XEN_EVENT_SHUTDOWN, dom);
    return TRUE;
}

/* Writing down takes its time, unless it is told to abort. */
static gboolean take_time(const VgSim *sim, const VgXenTask *task) {
    gint64 since_us = g_get_monotonic_time(), took_us = 0, takes_us = sim->host->save_ms * G_TIME_SPAN_MILLISECOND;
    for (; took_us < takes_us; took_us = g_get_monotonic_time() - since_us) {
        if (task->abort && g_atomic_int_get(task->abort))
            return FALSE;
        if (task->permille)
            g_atomic_int_set(task->permille, (gint)(took_us * 1000 / takes_us));
        g_usleep(STEP_US);
    }
    return TRUE;
}

static gboolean write_state(int fd, const char *state) {
    gsize half = strlen(state) / 2; /* a kill may find it in the middle */
    return !vg_fault("sim.save.suspended") && vg_fd_write_all(fd, state, half) && !vg_fault("sim.save.half") &&
           vg_fd_write_all(fd, state + half, strlen(state) - half);
}

gboolean vg_sim_save(VgXen *xen, guint32 domid, int fd, const VgXenTask *task, GError **error) {
    VgSim *sim = (VgSim *)xen;
    g_autofree char *state = NULL;
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find_guest(sim, domid, error);
    if (dom && suspend(sim, dom, error))
        state = print_state(dom);
    pthread_mutex_unlock(&sim->lock);
    if (!state)
        return FALSE;
    if (!take_time(sim, task)) {
        vg_set_error(error, VG_ERR_OPERATION_ABORTED, _("domain %u is not saved any further, as it was told"), domid);
        return FALSE;
    }
    if (write_state(fd, state))
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("the state of domain %u cannot be written: %s"), domid,
                 g_strerror(errno ? errno : EIO));
    return FALSE;
}

gboolean vg_sim_resume(VgXen *xen, guint32 domid, GError **error) {
    VgSim *sim = (VgSim *)xen;
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find_guest(sim, domid, error);
    gboolean ok = dom != NULL;
    if (ok && dom->run == VG_XEN_SHUTDOWN && dom->reason == VG_XEN_SUSPEND) {
        dom->run = VG_XEN_PAUSED;
        vg_sim_guest_run(dom, vg_clock_real_us());
        ok = vg_sim_store_write(sim->dir, dom, error);
    }
    pthread_mutex_unlock(&sim->lock);
    return ok;
}

/* --- in ----------------------------------------------------------------------------------------------------------- */

static gboolean read_all(int fd, char *data, gsize len) {
    while (len > 0) {
        ssize_t n = read(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FALSE;
        data += n;
        len -= (gsize)n;
    }
    return TRUE;
}

static VgJson *read_state(int fd, GError **error) {
    char head[HEAD_LEN + 1] = "", end[sizeof END] = "";
    guint len = 0;
    int used = 0;
    gboolean ok = read_all(fd, head, HEAD_LEN) && sscanf(head, "simulated guest %7u\n%n", &len, &used) == 1 &&
                  len > 0 && len <= STATE_MAX;
    g_autofree char *text = g_malloc0(ok ? len + 1 : 1);
    if (ok && read_all(fd, text, len) && read_all(fd, end, strlen(END)) && g_str_equal(end, END))
        return vg_json_parse(text, len, "state", error);
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("what was saved of the guest is not whole"));
    return NULL;
}

static gboolean take_state(VgSimDomain *dom, const VgJson *state, GError **error) {
    VgUuid uuid;
    const char *text = vg_json_get_string(state, "uuid");
    if (!text || !vg_uuid_parse(text, &uuid) || !vg_uuid_equal(&uuid, &dom->uuid) ||
        vg_json_get_int(state, "max_mem_kib", -1) != (gint64)dom->max_mem_kib) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("what was saved is of another guest than '%s', or larger"),
                     dom->name);
        return FALSE;
    }
    dom->cpu_ns = (guint64)MAX(vg_json_get_int(state, "cpu_ns", 0), 0);
    return TRUE;
}

gboolean vg_sim_restore(VgXen *xen, const VgXenMaking *making, int fd, guint32 *ret_domid, GError **error) {
    VgSim *sim = (VgSim *)xen;
    guint32 domid = 0;
    g_autoptr(VgJson) state = read_state(fd, error);
    if (!state || !vg_sim_create(xen, making, &domid, error))
        return FALSE;
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find_guest(sim, domid, error);
    gboolean ok = dom && take_state(dom, state, error) && vg_sim_store_write(sim->dir, dom, error);
    pthread_mutex_unlock(&sim->lock);
    if (ok)
        *ret_domid = domid;
    else if (dom)
        xen->ops->destroy(xen, domid, NULL);
    return ok;
}

/* --- dump --------------------------------------------------------------------------------------------------------- */

gboolean vg_sim_dump(VgXen *xen, guint32 domid, const char *path, GError **error) {
    VgSim *sim = (VgSim *)xen;
    g_autofree char *state = NULL;
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find_guest(sim, domid, error);
    if (dom)
        state = print_state(dom);
    pthread_mutex_unlock(&sim->lock);
    g_autoptr(GError) why = NULL;
    if (!state || g_file_set_contents(path, state, -1, &why))
        return state != NULL;
    vg_set_error(error, VG_ERR_SYSTEM_ERROR, "%s", why->message);
    return FALSE;
}
