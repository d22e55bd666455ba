/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * toy.c: the smallest driver module: a host without guests. What the daemon does by itself is tested with it.
 * TOY_GUESTS says how many guests it claims to run, TOY_FAIL lets it refuse to start. Built a second time with the
 * wrong ABI, a third time without its table's `open`.
 */
#include "config.h"

#include "api/driver.h"

#ifndef TOY_ABI
#define TOY_ABI VG_DRIVER_ABI
#endif

struct VgDriverState {
    int nothing;
};
struct VgSession {
    int nothing;
};

static VgDriverState the_state;
static VgSession the_session;

static VgDriverState *toy_start(const VgHost *host, const VgDriverPaths *paths, GError **error) {
    const char *guests = g_getenv("TOY_GUESTS");
    if (g_getenv("TOY_FAIL") != NULL) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, "the toy does not want to");
        return NULL;
    }
    host->busy(host, guests != NULL ? (guint)g_ascii_strtoull(guests, NULL, 10) : 0);
    return &the_state;
}

static VgDone last_define;

static void toy_define(VgSession *session, const char *xml, guint flags, VgDone done) {
    last_define = done;
    g_printerr("toy: define\n");
}

static void toy_stop(VgDriverState *state) {
    if (last_define.func != NULL)
        last_define.func(NULL, NULL, NULL, last_define.data);
    g_printerr("toy: stopped\n");
}

static G_GNUC_UNUSED VgSession *toy_open(VgDriverState *state, const char *uri, gboolean read_only, GError **error) {
    return &the_session;
}

static void toy_close(VgSession *session) {
    g_printerr("toy: closed\n");
}

static const char *toy_type(VgSession *session) {
    return "Toy";
}

static char *toy_hostname(VgSession *session, GError **error) {
    return g_strdup("toy.example");
}

static gboolean toy_version(VgSession *session, guint64 *ret, GError **error) {
    *ret = 4017000;
    return TRUE;
}

static const char *const schemes[] = {"xen", "grid", NULL};

extern const VgDriver vg_driver;
const VgDriver vg_driver = {
    .struct_size = sizeof(VgDriver),
    .abi = TOY_ABI,
    .name = "toy",
    .schemes = schemes,
    .start = toy_start,
    .stop = toy_stop,
#ifndef TOY_NO_OPEN
    .open = toy_open,
#endif
    .close = toy_close,
    .type = toy_type,
    .hostname = toy_hostname,
    .version = toy_version,
    .define = toy_define,
};
