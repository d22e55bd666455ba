/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * model.c: the device model of a simulated domain. There is none, with one exception: the program that starts a
 * vendor's emulator (gpu/emulator.h) runs as libxl would run it, with a folder as its domain's part of xenstore.
 */
#include "config.h"

#include "base/fd.h"
#include "base/i18n.h"
#include "gpu/emulator.h"
#include "sim/sim.h"
#include "xen/libxl_config.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VALUE_MAX = 4096, NEST_MAX = 8 };

static char *store_of(VgSim *sim, guint32 domid) {
    return g_strdup_printf("%s/store/%u", sim->dir, domid);
}

static gboolean has_order(const libxl_domain_build_info *b) {
    for (char *const *arg = b->extra_hvm; arg && *arg; arg++)
        if (strcmp(*arg, VG_EMULATOR_ORDER_ARG) == 0)
            return TRUE;
    return FALSE;
}

static char **argv_of(const libxl_domain_build_info *b, guint32 domid) {
    g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
    g_autofree char *id = g_strdup_printf("%u", domid);
    g_strv_builder_add_many(argv, b->device_model, "-xen-domid", id, NULL);
    g_strv_builder_addv(argv, (const char **)b->extra_hvm);
    return g_strv_builder_end(argv);
}

/* What it says is in the report it leaves; what it starts would keep a pipe open. */
static gboolean run(char **argv, const char *store, GError **error) {
    int status = 0;
    g_autoptr(GError) why = NULL;
    g_auto(GStrv) env = g_environ_setenv(g_get_environ(), VG_EMULATOR_STORE_ENV, store, TRUE);
    GSpawnFlags flags = G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL;
    if (g_spawn_sync(NULL, argv, env, flags, NULL, NULL, NULL, NULL, &status, &why) &&
        g_spawn_check_wait_status(status, &why))
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("the device model '%s' did not start: %s"), argv[0], why->message);
    return FALSE;
}

gboolean vg_sim_run_model(VgSim *sim, guint32 domid, const VgXenConfig *config, GError **error) {
    const libxl_domain_build_info *b = &config->c.b_info;
    if (config->c.c_info.type != LIBXL_DOMAIN_TYPE_HVM || !b->device_model || !has_order(b))
        return TRUE;
    g_autofree char *store = store_of(sim, domid);
    g_autofree char *folder = g_build_filename(store, "vgpu", NULL);
    g_auto(GStrv) argv = argv_of(b, domid);
    if (g_mkdir_with_parents(folder, 0700) == 0)
        return run(argv, store, error);
    vg_set_errno(error, errno, _("cannot make the folder %s"), folder);
    return FALSE;
}

char *vg_sim_key(VgXen *xen, guint32 domid, const char *key) {
    g_autofree char *store = store_of((VgSim *)xen, domid);
    g_autofree char *path = g_build_filename(store, key, NULL);
    char *text = vg_fd_read_file(AT_FDCWD, path, VALUE_MAX, NULL);
    return text ? g_strchomp(text) : NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    return remove(path);
}

void vg_sim_drop_model(VgSim *sim, guint32 domid) {
    g_autofree char *store = store_of(sim, domid);
    nftw(store, remove_one, NEST_MAX, FTW_DEPTH | FTW_PHYS);
}
