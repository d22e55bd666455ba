/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * room_libxl.c: memory for a guest that is to start. Free memory belongs to nobody until it is taken: so this is done,
 * and the guest is built, under the lock that `xl create` holds meanwhile. Where dom0 was given all memory it gives
 * some back; where its size was fixed at boot, Xen alone decides, and our own starts need not wait for each other: they
 * share the lock against xl.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libxlutil.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "xen/libxl_op.h"

#define XL_CONF "/etc/xen/xl.conf"
#define XL_LOCK "/var/lock/xl"
#define DOM0_MEM "(^| )dom0_mem="

enum { LOCK_PATIENCE_MS = 120 * 1000, LOCK_STEP_MS = 50, BALLOON_STEP_S = 10, BALLOON_STILL = 3 };

typedef struct {
    char *lock;
    gboolean balloon;
} XlConf;

static gboolean dom0_is_fixed(libxl_ctx *ctx) {
    const libxl_version_info *info = libxl_get_version_info(ctx);
    return info && info->commandline && g_regex_match_simple(DOM0_MEM, info->commandline, 0, 0);
}

/* What the administrator told xl holds for us. */
static XlConf read_conf(libxl_ctx *ctx) {
    XLU_Config *config = xlu_cfg_init(stderr, XL_CONF);
    XlConf conf = {.lock = NULL, .balloon = !dom0_is_fixed(ctx)};
    const char *text;
    if (!config || xlu_cfg_readfile(config, XL_CONF) != 0) {
        g_clear_pointer(&config, xlu_cfg_destroy);
        conf.lock = g_strdup(XL_LOCK);
        return conf;
    }
    conf.lock = g_strdup(xlu_cfg_get_string(config, "lockfile", &text, 1) == 0 ? text : XL_LOCK);
    if (xlu_cfg_get_string(config, "autoballoon", &text, 1) == 0 && !g_str_equal(text, "auto"))
        conf.balloon = g_str_equal(text, "on") || g_str_equal(text, "1");
    xlu_cfg_destroy(config);
    return conf;
}

static gboolean take_lock(const XlConf *conf, const VgXenMaking *making, VgFd *ret, GError **error) {
    int holder = -1;
    g_auto(VgFd) fd = open(conf->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        vg_set_errno(error, errno, _("cannot open xl's lock '%s'"), conf->lock);
        return FALSE;
    }
    for (int waited = 0; !vg_fd_try_lock(fd, 0, !conf->balloon, &holder); waited += LOCK_STEP_MS) {
        if (errno != EAGAIN) {
            vg_set_errno(error, errno, _("cannot lock '%s'"), conf->lock);
            return FALSE;
        }
        if (vg_xen_told_to_abort(making)) {
            vg_set_error(error, VG_ERR_OPERATION_ABORTED, _("'%s' is not started, as it was told"),
                         making->config->c.c_info.name);
            return FALSE;
        }
        if (waited >= LOCK_PATIENCE_MS) {
            vg_set_error(error, VG_ERR_OPERATION_TIMEOUT,
                         _("process %d has been starting a guest for %d s (it holds '%s'): see what it waits for"),
                         holder, LOCK_PATIENCE_MS / 1000, conf->lock);
            return FALSE;
        }
        g_usleep(LOCK_STEP_MS * 1000);
    }
    *ret = vg_fd_steal(&fd);
    return TRUE;
}

static gboolean make_dom0_give(VgXenOp *op, libxl_domain_config *c, GError **error) {
    uint64_t need = 0, spare = 0, before = 0;
    int rc = libxl_domain_need_memory(op->ctx, c, (uint32_t)INVALID_DOMID, &need);
    for (int still = 0; rc == 0 && still<BALLOON_STILL; still = spare> before ? 0 : still + 1) {
        before = spare;
        rc = libxl_get_free_memory(op->ctx, &spare);
        if (rc == 0 && spare >= need)
            return TRUE;
        if (rc == 0)
            rc = libxl_set_memory_target(op->ctx, 0, (int64_t)spare - (int64_t)need, 1, 0);
        if (rc == 0)
            libxl_wait_for_memory_target(op->ctx, 0, BALLOON_STEP_S); /* FALSE: it is on its way */
    }
    if (rc)
        return vg_xen_op_fail(op, rc, error, _("no memory can be made free for '%s'"), c->c_info.name);
    vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                 _("not enough memory: '%s' needs %" PRIu64 " MiB, the host has %" PRIu64
                   " MiB free and domain 0 gives no more; stop another guest or make this one's <memory> smaller"),
                 c->c_info.name, need / 1024, spare / 1024);
    return FALSE;
}

gboolean vg_xen_make_room(VgXenOp *op, libxl_domain_config *c, const VgXenMaking *making, VgFd *ret_lock,
                          GError **error) {
    XlConf conf = read_conf(op->ctx);
    gboolean ok = take_lock(&conf, making, ret_lock, error) && (!conf.balloon || make_dom0_give(op, c, error));
    g_free(conf.lock);
    return ok;
}

guint64 vg_xen_spare_of_dom0(VgXenOp *op) {
    uint64_t target = 0, least = 0;
    XlConf conf = read_conf(op->ctx);
    gboolean gives = conf.balloon;
    g_free(conf.lock);
    if (!gives || libxl_get_memory_target(op->ctx, 0, &target) != 0)
        return 0;
    least = VG_XEN_DOM0_LEAST_KIB;
    return target > least ? target - least : 0;
}
