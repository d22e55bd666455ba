/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch_libxl.c: a thread that waits for xenstore's @introduceDomain and @releaseDomain, compares the list of domains
 * with the one before, and tells the main loop what changed. By comparing, it misses nothing whoever made or ended the
 * domain, and it can be stopped, which libxl's own waiting cannot. A domain that came and went between two looks was
 * nobody's business.
 */
#include <errno.h>
#include <libxl_utils.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <xenstore.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "xen/libxl_op.h"

#define VG_AREA "xen"
#include "base/log.h"

typedef struct {
    VgXenEvent event; /* as it would be told: domid, UUID, reason */
    gboolean ended;
    guint round; /* of the scan that saw it last */
} Seen;

struct VgXenWatch {
    VgXen *xen;
    struct xs_handle *store;
    VgXenOp op; /* the thread's own: a context is not made anew for each look */
    VgFd stop;
    GThread *thread;
    GHashTable *seen; /* domid -> Seen; the thread's own */
    guint round;
    GAsyncQueue *queue; /* of VgXenEvent, for the main loop */
    GSource *wake;      /* dispatched when the queue has something */
};

/* --- main loop */

static gboolean wake_dispatch(GSource *source, GSourceFunc callback, gpointer data) {
    VgXenWatch *watch = data;
    g_source_set_ready_time(source, -1);
    for (VgXenEvent *event; (event = g_async_queue_try_pop(watch->queue)); g_free(event))
        if (watch->xen->event)
            watch->xen->event(event, watch->xen->event_data);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs wake_funcs = {.dispatch = wake_dispatch};

/* --- the thread */

static void tell(VgXenWatch *watch, VgXenEventKind kind, const VgXenEvent *about) {
    VgXenEvent *event = g_memdup2(about, sizeof *about);
    event->kind = kind;
    g_async_queue_push(watch->queue, event);
    g_source_set_ready_time(watch->wake, 0);
}

/*
 * Until xenstore knows it, a domain is being made, and nobody can say yet by whom: @introduceDomain comes when it is
 * complete.
 */
static gboolean is_introduced(VgXenWatch *watch, guint32 domid) {
    char *name = libxl_domid_to_name(watch->op.ctx, domid);
    gboolean known = name != NULL;
    free(name);
    return known;
}

static void look(VgXenWatch *watch, const libxl_dominfo *info, gboolean first) {
    Seen *seen = g_hash_table_lookup(watch->seen, GUINT_TO_POINTER(info->domid));
    if (!seen && !is_introduced(watch, info->domid))
        return;
    if (!seen) {
        seen = g_new0(Seen, 1);
        seen->event.domid = info->domid;
        memcpy(seen->event.uuid.b, info->uuid.uuid, VG_UUID_LEN);
        g_hash_table_insert(watch->seen, GUINT_TO_POINTER(info->domid), seen);
        if (!first)
            tell(watch, VG_XEN_EVENT_NEW, &seen->event);
    }
    seen->round = watch->round;
    if (!info->shutdown || seen->ended)
        return;
    seen->event.reason = (VgXenReason)CLAMP((int)info->shutdown_reason, 0, VG_XEN_SOFT_RESET);
    seen->ended = seen->event.reason != VG_XEN_SUSPEND; /* may go on, and xenstore does not tell of that */
    if (!first)
        tell(watch, VG_XEN_EVENT_SHUTDOWN, &seen->event);
}

static gboolean is_gone(gpointer domid, gpointer value, gpointer data) {
    VgXenWatch *watch = data;
    Seen *seen = value;
    if (seen->round == watch->round)
        return FALSE;
    tell(watch, VG_XEN_EVENT_DEATH, &seen->event);
    return TRUE;
}

/* One that is dying counts as gone: xenstore tells of that, and not of when Xen has forgotten it. */
static void scan(VgXenWatch *watch, gboolean first) {
    int n = 0;
    watch->op.logger.errors[0] = '\0';
    libxl_dominfo *infos = libxl_list_domain(watch->op.ctx, &n);
    if (!infos) {
        vg_err("the domains cannot be listed: %s", watch->op.logger.errors);
        return;
    }
    watch->round++;
    for (int i = 0; i < n; i++) {
        Seen *seen = g_hash_table_lookup(watch->seen, GUINT_TO_POINTER(infos[i].domid));
        if (seen && !infos[i].dying)
            seen->round = watch->round;
    }
    /* The ends first: a guest that restarts has the same UUID. */
    g_hash_table_foreach_remove(watch->seen, is_gone, watch);
    for (int i = 0; i < n; i++)
        if (!infos[i].dying)
            look(watch, &infos[i], first);
    libxl_dominfo_list_free(infos, n);
}

static gpointer watch_run(gpointer data) {
    VgXenWatch *watch = data;
    struct pollfd fds[] = {{.fd = watch->stop, .events = POLLIN}, {.fd = xs_fileno(watch->store), .events = POLLIN}};
    for (;;) {
        if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            return NULL;
        if (!fds[1].revents)
            continue;
        /* Several at once need one look. */
        for (char **fired; (fired = xs_check_watch(watch->store));)
            free(fired);
        if (errno != EAGAIN)
            break;
        scan(watch, FALSE);
    }
    vg_err("xenstore is gone: the ends of guests are not seen any more: %s", g_strerror(errno));
    return NULL;
}

VgXenWatch *vg_xen_watch_new(VgXen *xen, GError **error) {
    VgXenWatch *watch = g_new0(VgXenWatch, 1);
    watch->xen = xen;
    watch->seen = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    watch->queue = g_async_queue_new_full(g_free);
    watch->wake = g_source_new(&wake_funcs, sizeof(GSource));
    g_source_set_callback(watch->wake, G_SOURCE_FUNC(NULL), watch, NULL);
    g_source_attach(watch->wake, NULL);
    watch->stop = eventfd(0, EFD_CLOEXEC);
    watch->store = xs_open(0);
    if (!vg_xen_op_begin(&watch->op, NULL, error)) {
        vg_xen_watch_free(watch);
        return NULL;
    }
    if (watch->stop < 0 || !watch->store || !xs_watch(watch->store, "@introduceDomain", "new") ||
        !xs_watch(watch->store, "@releaseDomain", "gone")) {
        vg_set_errno(error, errno, _("cannot watch xenstore for domains"));
        vg_xen_watch_free(watch);
        return NULL;
    }
    scan(watch, TRUE);
    watch->thread = g_thread_new("xenstore", watch_run, watch);
    return watch;
}

void vg_xen_watch_free(VgXenWatch *watch) {
    guint64 one = 1;
    if (!watch)
        return;
    if (watch->thread && vg_fd_write_all(watch->stop, &one, sizeof one))
        g_thread_join(watch->thread);
    vg_xen_op_end(&watch->op);
    xs_close(watch->store);
    vg_fd_clear(&watch->stop);
    g_source_destroy(watch->wake);
    g_source_unref(watch->wake);
    g_async_queue_unref(watch->queue);
    g_hash_table_destroy(watch->seen);
    g_free(watch);
}
