/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ops_libxl.c: the Xen seam on a real host. Every operation makes a context of its own and calls libxl synchronously: a
 * context holds its lock while it builds a guest, and one per job keeps jobs out of each other's way. xenstore is read
 * directly for what libxl does not tell.
 */
#include "xen/ops_libxl.h"

#include <libxl_utils.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <xenstore.h>

#include "base/i18n.h"
#include "xen/libxl_op.h"

enum { ASK_MS = 3000, TURN_MS = 200 };

typedef struct {
    VgXen xen;
    struct xs_handle *store; /* may be used from any thread */
    VgXenWatch *watch;
} VgLibxl;

/* A value of xenstore, NUL terminated; NULL if there is none. Caller frees. */
static char *store_read(VgXen *xen, const char *format, ...) G_GNUC_PRINTF(2, 3);
static char *store_read(VgXen *xen, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *path = g_strdup_vprintf(format, args);
    va_end(args);
    unsigned int len = 0;
    char *value = xs_read(((VgLibxl *)xen)->store, XBT_NULL, path, &len);
    char *copy = value ? g_strndup(value, len) : NULL;
    free(value);
    return copy;
}

/* --- reading */

/* Xen's own word: domain 0 sees neither the nodes nor all CPUs. */
static guint32 *cpu_nodes(const VgXenOp *op, guint cpus) {
    int n = 0;
    libxl_cputopology *topology = libxl_get_cpu_topology(op->ctx, &n);
    if (!topology)
        return NULL;
    guint32 *nodes = g_new(guint32, cpus);
    for (guint i = 0; i < cpus; i++)
        nodes[i] =
            i < (guint)n && topology[i].node != LIBXL_CPUTOPOLOGY_INVALID_ENTRY ? topology[i].node : VG_XEN_NO_NODE;
    libxl_cputopology_list_free(topology, n);
    return nodes;
}

static gboolean libxl_host_info(VgXen *xen, VgXenHostInfo *ret, GError **error) {
    g_auto(VgXenOp) op = {0};
    libxl_physinfo phys;
    struct utsname uts;
    if (!vg_xen_op_begin(&op, NULL, error))
        return FALSE;
    libxl_physinfo_init(&phys);
    int rc = libxl_get_physinfo(op.ctx, &phys);
    const libxl_version_info *version = rc ? NULL : libxl_get_version_info(op.ctx);
    if (!version) {
        libxl_physinfo_dispose(&phys);
        return vg_xen_op_fail(&op, rc ? rc : ERROR_FAIL, error, _("the host cannot be described"));
    }
    guint64 page_kib = (guint64)version->pagesize / 1024;
    guint per_socket = MAX(phys.cores_per_socket * phys.threads_per_core, 1);
    *ret = (VgXenHostInfo){
        .version = (guint)version->xen_version_major * 1000000 + (guint)version->xen_version_minor * 1000,
        .extra = g_strdup(version->xen_version_extra),
        .caps = g_strdup(version->capabilities),
        .hvm = phys.cap_hvm,
        .hap = phys.cap_hap,
        .pv = phys.cap_pv,
        .iommu = phys.cap_hvm_directio,
        .cpus = phys.nr_cpus,
        .nodes = MAX(phys.nr_nodes, 1),
        .cores = phys.cores_per_socket,
        .threads = phys.threads_per_core,
        .mhz = phys.cpu_khz / 1000,
        .memory_kib = phys.total_pages * page_kib,
        .free_kib = phys.free_pages * page_kib + vg_xen_spare_of_dom0(&op),
        .cpu_model = g_strdup(uname(&uts) == 0 ? uts.machine : "x86_64"),
        .scheduler = libxl_scheduler_to_string((libxl_scheduler)libxl_get_scheduler(op.ctx)),
    };
    ret->sockets = MAX(ret->cpus / per_socket / ret->nodes, 1);
    ret->cpu_node = cpu_nodes(&op, ret->cpus);
    libxl_physinfo_dispose(&phys);
    return TRUE;
}

static gboolean libxl_free_memory(VgXen *xen, guint64 *ret_kib, GError **error) {
    g_auto(VgXenOp) op = {0};
    uint64_t free_kib = 0;
    if (!vg_xen_op_begin(&op, NULL, error))
        return FALSE;
    int rc = libxl_get_free_memory(op.ctx, &free_kib);
    if (rc)
        return vg_xen_op_fail(&op, rc, error, _("the host's free memory cannot be read"));
    *ret_kib = free_kib + vg_xen_spare_of_dom0(&op);
    return TRUE;
}

static VgXenRunState run_of(const libxl_dominfo *info) {
    if (info->dying)
        return VG_XEN_DYING;
    if (info->shutdown)
        return VG_XEN_SHUTDOWN;
    if (info->paused)
        return VG_XEN_PAUSED;
    return info->blocked ? VG_XEN_BLOCKED : VG_XEN_RUNNING;
}

static void describe(VgXen *xen, VgXenOp *op, const libxl_dominfo *info, VgXenDomain *ret) {
    char *name = libxl_domid_to_name(op->ctx, info->domid);
    *ret = (VgXenDomain){
        .domid = info->domid,
        .name = g_strdup(name),
        .token = store_read(xen, "/local/domain/%u/" VG_XEN_TOKEN_KEY, info->domid),
        /* libxl's own list calls PVH guests HVM; what they were made as is in its part of xenstore. */
        .kind = store_read(xen, "/libxl/%u/type", info->domid),
        .run = run_of(info),
        .reason = info->shutdown ? (VgXenReason)CLAMP((int)info->shutdown_reason, 0, VG_XEN_SOFT_RESET) : 0,
        .mem_kib = info->current_memkb + info->outstanding_memkb,
        .max_mem_kib = info->max_memkb == LIBXL_MEMKB_DEFAULT ? info->current_memkb : info->max_memkb,
        .cpu_ns = info->cpu_time,
        .vcpus = info->vcpu_online,
    };
    memcpy(ret->uuid.b, info->uuid.uuid, VG_UUID_LEN);
    free(name);
}

static gboolean libxl_list(VgXen *xen, VgXenDomain **ret, gsize *ret_n, GError **error) {
    g_auto(VgXenOp) op = {0};
    int n = 0;
    if (!vg_xen_op_begin(&op, NULL, error))
        return FALSE;
    libxl_dominfo *infos = libxl_list_domain(op.ctx, &n);
    if (!infos)
        return vg_xen_op_fail(&op, ERROR_FAIL, error, _("the domains cannot be listed"));
    *ret = g_new0(VgXenDomain, (gsize)n);
    *ret_n = (gsize)n;
    for (int i = 0; i < n; i++)
        describe(xen, &op, &infos[i], &(*ret)[i]);
    libxl_dominfo_list_free(infos, n);
    return TRUE;
}

static gboolean libxl_figures(VgXen *xen, VgXenDomain **ret, gsize *ret_n, GError **error) {
    if (!libxl_list(xen, ret, ret_n, error))
        return FALSE;
    vg_xen_add_figures(((VgLibxl *)xen)->store, *ret, *ret_n);
    return TRUE;
}

static gboolean libxl_info(VgXen *xen, guint32 domid, VgXenDomain *ret, GError **error) {
    g_auto(VgXenOp) op = {0};
    libxl_dominfo info;
    if (!vg_xen_op_begin(&op, NULL, error))
        return FALSE;
    libxl_dominfo_init(&info);
    int rc = libxl_domain_info(op.ctx, &info, domid);
    if (rc == 0)
        describe(xen, &op, &info, ret);
    libxl_dominfo_dispose(&info);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u cannot be asked"), domid);
}

static gboolean is_hvm(VgXen *xen, guint32 domid) {
    g_autofree char *type = store_read(xen, "/libxl/%u/type", domid);
    return g_strcmp0(type, "hvm") == 0;
}

static int libxl_vnc_port(VgXen *xen, guint32 domid) {
    g_autofree char *text = store_read(xen, "/local/domain/%u/console/vnc-port", domid);
    guint64 port = 0;
    return text && g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL) ? (int)port : -1;
}

static char *libxl_console_path(VgXen *xen, guint32 domid, guint n) {
    g_auto(VgXenOp) op = {0};
    char *path = NULL;
    if (n > G_MAXINT || !vg_xen_op_begin(&op, NULL, NULL))
        return NULL;
    libxl_console_type type = is_hvm(xen, domid) ? LIBXL_CONSOLE_TYPE_SERIAL : LIBXL_CONSOLE_TYPE_PV;
    int rc = libxl_console_get_tty(op.ctx, domid, (int)n, type, &path);
    char *copy = rc == 0 && path && *path ? g_strdup(path) : NULL;
    free(path);
    return copy;
}

static char *libxl_key(VgXen *xen, guint32 domid, const char *key) {
    return store_read(xen, "/local/domain/%u/%s", domid, key);
}

/* QEMU's own command for it: the device model answers in words, and says nothing when all is well. */
static gboolean libxl_screenshot(VgXen *xen, guint32 domid, const char *path, GError **error) {
    g_auto(VgXenOp) op = {0};
    g_autofree char *command = g_strdup_printf("screendump %s", path);
    char *words = NULL;
    if (!vg_xen_op_begin(&op, NULL, error))
        return FALSE;
    int rc = libxl_qemu_monitor_command(op.ctx, domid, command, &words, NULL);
    g_autofree char *said = g_strdup(words);
    free(words);
    if (rc)
        return vg_xen_op_fail(&op, rc, error, _("domain %u: its screen cannot be read"), domid);
    if (!said || !*g_strstrip(said))
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain %u: its screen cannot be read: %s"), domid, said);
    return FALSE;
}

/* --- changing */

/* TRUE: libxl's operation has ended, with @ret. */
static gboolean has_ended(libxl_ctx *ctx, int *ret) {
    libxl_event *event;
    if (libxl_event_check(ctx, &event, LIBXL_EVENTMASK_ALL, NULL, NULL) != 0)
        return FALSE;
    *ret = event->u.operation_complete.rc;
    libxl_event_free(ctx, event);
    return TRUE;
}

/* One turn of libxl's own loop. @fds grows as it wants. */
static void turn(libxl_ctx *ctx, GArray *fds) {
    int n = 0, timeout_ms = TURN_MS;
    struct timeval now;
    gettimeofday(&now, NULL);
    for (int rc = ERROR_BUFFERFULL; rc == ERROR_BUFFERFULL;) {
        g_array_set_size(fds, MAX((guint)n, fds->len));
        n = (int)fds->len;
        rc = libxl_osevent_beforepoll(ctx, &n, (struct pollfd *)(void *)fds->data, &timeout_ms, now);
    }
    if (poll((struct pollfd *)(void *)fds->data, (nfds_t)n, timeout_ms) < 0)
        return;
    gettimeofday(&now, NULL);
    libxl_osevent_afterpoll(ctx, n, (struct pollfd *)(void *)fds->data, now);
}

const libxl_asyncop_how vg_xen_as_event = {.callback = NULL, .u.for_event = 1};

int vg_xen_op_see_through(VgXenOp *op, gboolean (*is_enough)(gconstpointer data), gconstpointer data) {
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    int rc = 0;
    while (!has_ended(op->ctx, &rc)) {
        turn(op->ctx, fds);
        if (op->logger.quiet || !is_enough(data))
            continue;
        op->logger.quiet = TRUE;
        libxl_ao_abort(op->ctx, &vg_xen_as_event);
    }
    return rc;
}

static gboolean is_told_to_abort(gconstpointer making) {
    return vg_xen_told_to_abort(making);
}

static void set_token(libxl_domain_config *c, const char *token) {
    char **xsdata = g_new0(char *, 3);
    xsdata[0] = g_strdup(VG_XEN_TOKEN_KEY);
    xsdata[1] = g_strdup(token);
    libxl_key_value_list_dispose(&c->c_info.xsdata);
    c->c_info.xsdata = xsdata;
}

static int begin(VgXenOp *op, libxl_domain_config *c, int stream, uint32_t *ret_domid) {
    libxl_domain_restore_params params;
    if (stream < 0)
        return libxl_domain_create_new(op->ctx, c, ret_domid, &vg_xen_as_event, NULL);
    libxl_domain_restore_params_init(&params);
    params.stream_version = 2;
    int rc = libxl_domain_create_restore(op->ctx, c, ret_domid, stream, -1, &params, &vg_xen_as_event, NULL);
    libxl_domain_restore_params_dispose(&params);
    return rc;
}

/*
 * @stream -1: from the beginning. Whoever aborts libxl's making gets what there is of the domain: libxl could not take
 * it down any more, because every wait of an operation that was aborted ends at once.
 */
static gboolean build(const VgXenMaking *making, int stream, guint32 *ret_domid, GError **error) {
    g_auto(VgXenOp) op = {0};
    libxl_domain_config c; /* libxl fills defaults in; the caller's stays as it is */
    g_auto(VgFd) room = -1;
    const char *name = making->config->c.c_info.name;
    uint32_t domid = (uint32_t)INVALID_DOMID;
    if (!vg_xen_op_begin(&op, name, error))
        return FALSE;
    libxl_domain_config_init(&c);
    libxl_domain_config_copy(op.ctx, &c, &making->config->c);
    set_token(&c, making->token);
    gboolean fits = vg_xen_make_room(&op, &c, making, &room, error);
    int rc = fits ? begin(&op, &c, stream, &domid) : 0;
    if (fits && rc == 0)
        rc = vg_xen_op_see_through(&op, is_told_to_abort, making);
    libxl_domain_config_dispose(&c);
    gboolean aborted = rc == ERROR_ABORTED || op.logger.quiet; /* some of its steps make ERROR_FAIL of it */
    if (fits && (rc == 0 || aborted) && libxl_domid_valid_guest(domid))
        *ret_domid = domid;
    return fits && (rc == 0 || vg_xen_op_fail(&op, rc, error, _("'%s' cannot be started"), name));
}

static gboolean libxl_create(VgXen *xen, const VgXenMaking *making, guint32 *ret_domid, GError **error) {
    return build(making, -1, ret_domid, error);
}

static gboolean libxl_restore(VgXen *xen, const VgXenMaking *making, int fd, guint32 *ret_domid, GError **error) {
    return build(making, fd, ret_domid, error);
}

typedef int (*LibxlCall)(libxl_ctx *ctx, uint32_t domid, const libxl_asyncop_how *how);

/* @name is what the administrator knows it by: xl's word. */
static gboolean call(guint32 domid, LibxlCall what, const char *name, GError **error) {
    g_auto(VgXenOp) op = {0};
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    int rc = what(op.ctx, domid, NULL);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, name);
}

static gboolean libxl_unpause(VgXen *xen, guint32 domid, GError **error) {
    return call(domid, libxl_domain_unpause, "unpause", error);
}

static gboolean libxl_pause(VgXen *xen, guint32 domid, GError **error) {
    return call(domid, libxl_domain_pause, "pause", error);
}

/*
 * libxl waits a minute for the guest to take note of what it was asked. A guest that still boots does so later, and
 * whoever wants to end it must not wait for it: the question stays in xenstore, the waiting ends.
 */
static gboolean is_late(gconstpointer until_us) {
    return g_get_monotonic_time() >= *(const gint64 *)until_us;
}

static int ask(VgXenOp *op, guint32 domid, LibxlCall what) {
    gint64 until_us = g_get_monotonic_time() + ASK_MS * G_TIME_SPAN_MILLISECOND;
    int rc = what(op->ctx, domid, &vg_xen_as_event);
    if (rc == 0)
        rc = vg_xen_op_see_through(op, is_late, &until_us);
    return op->logger.quiet ? 0 : rc;
}

/* A guest without PV drivers still has a power button. */
static gboolean libxl_shutdown(VgXen *xen, guint32 domid, GError **error) {
    g_auto(VgXenOp) op = {0};
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    int rc = ask(&op, domid, libxl_domain_shutdown);
    if (rc == ERROR_NOPARAVIRT && is_hvm(xen, domid))
        rc = libxl_send_trigger(op.ctx, domid, LIBXL_TRIGGER_POWER, 0, NULL);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "shutdown");
}

static gboolean libxl_reboot(VgXen *xen, guint32 domid, GError **error) {
    g_auto(VgXenOp) op = {0};
    if (!vg_xen_op_begin_on(&op, domid, error))
        return FALSE;
    int rc = ask(&op, domid, libxl_domain_reboot);
    return rc == 0 || vg_xen_op_fail(&op, rc, error, _("domain %u: %s failed"), domid, "reboot");
}

static gboolean libxl_destroy(VgXen *xen, guint32 domid, GError **error) {
    return call(domid, libxl_domain_destroy, "destroy", error);
}

static void libxl_free(VgXen *xen) {
    VgLibxl *libxl = (VgLibxl *)xen;
    vg_xen_watch_free(libxl->watch);
    xs_close(libxl->store);
    g_free(libxl);
}

static const VgXenOps libxl_ops = {
    .name = "libxl",
    .host_info = libxl_host_info,
    .free_memory = libxl_free_memory,
    .list = libxl_list,
    .info = libxl_info,
    .figures = libxl_figures,
    .create = libxl_create,
    .unpause = libxl_unpause,
    .pause = libxl_pause,
    .shutdown = libxl_shutdown,
    .reboot = libxl_reboot,
    .destroy = libxl_destroy,
    .attach = vg_xen_plug_attach,
    .detach = vg_xen_plug_detach,
    .insert = vg_xen_plug_insert,
    .save = vg_xen_libxl_save,
    .resume = vg_xen_libxl_resume,
    .restore = libxl_restore,
    .dump = vg_xen_libxl_dump,
    .set_memory = vg_xen_libxl_set_memory,
    .set_max_memory = vg_xen_libxl_set_max_memory,
    .set_vcpus = vg_xen_libxl_set_vcpus,
    .pin_vcpu = vg_xen_libxl_pin_vcpu,
    .set_shares = vg_xen_libxl_set_shares,
    .pci_lent = vg_xen_pci_lent,
    .pci_lend = vg_xen_pci_lend,
    .pci_give_back = vg_xen_pci_give_back,
    .pci_reset = vg_xen_pci_reset,
    .vnc_port = libxl_vnc_port,
    .console_path = libxl_console_path,
    .screenshot = libxl_screenshot,
    .key = libxl_key,
    .free = libxl_free,
};

VgXen *vg_xen_libxl_new(GError **error) {
    g_auto(VgXenOp) probe = {0};
    vg_xen_children_end_with_us();
    if (!vg_xen_op_begin(&probe, NULL, error))
        return NULL;
    VgLibxl *libxl = g_new0(VgLibxl, 1);
    libxl->xen.ops = &libxl_ops;
    libxl->store = xs_open(0);
    if (!libxl->store)
        vg_set_error(error, VG_ERR_NO_CONNECT,
                     _("xenstore does not answer; is it running? '--simulate DIR' runs a simulated host instead"));
    else
        libxl->watch = vg_xen_watch_new(&libxl->xen, error);
    if (!libxl->watch) {
        libxl_free(&libxl->xen);
        return NULL;
    }
    return &libxl->xen;
}
