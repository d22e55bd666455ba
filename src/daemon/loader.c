/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* loader.c: the module is the only part that needs Xen's libraries; a machine without them still gets a sentence that
 * says so. */
#include "config.h"

#include <gmodule.h>
#include <string.h>

#define VG_AREA "daemon"
#include "base/i18n.h"
#include "base/log.h"
#include "daemon/loader.h"

#define SYMBOL "vg_driver"

/* The top of the build tree if this program was started from there (libtool keeps the real ones in .libs), else
 * NULL. */
static char *build_tree(void) {
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = self != NULL ? g_path_get_dirname(self) : NULL;
    g_autofree char *top = folder != NULL ? g_path_get_dirname(folder) : NULL;
    g_autofree char *header = top != NULL ? g_build_filename(top, "config.status", NULL) : NULL;
    if (header == NULL || !g_str_has_suffix(folder, "/.libs") || !g_file_test(header, G_FILE_TEST_EXISTS))
        return NULL;
    return g_steal_pointer(&top);
}

static char *module_dir(void) {
    const char *given = g_getenv("VIRTGRID_DRIVER_DIR");
    g_autofree char *top = build_tree();
    if (given != NULL)
        return g_strdup(given);
    return top != NULL ? g_build_filename(top, ".libs", NULL) : g_strdup(VG_DRIVERDIR);
}

char *vg_loader_data_dir(void) {
    const char *given = g_getenv("VIRTGRID_DATA_DIR");
    g_autofree char *top = build_tree();
    if (given != NULL)
        return g_strdup(given);
    return top != NULL ? g_build_filename(top, "share", NULL) : g_strdup(VG_DATADIR);
}

char *vg_loader_program_dir(void) {
    g_autofree char *top = build_tree();
    return top != NULL ? g_build_filename(top, ".libs", NULL) : g_strdup(VG_LIBEXECDIR);
}

/* What no driver can do without. */
static const char *missing_member(const VgDriver *driver) {
    const struct {
        const char *name;
        gboolean there;
    } needed[] = {
        {"name", driver->name != NULL}, {"schemes", driver->schemes != NULL}, {"start", driver->start != NULL},
        {"stop", driver->stop != NULL}, {"open", driver->open != NULL},       {"close", driver->close != NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!needed[i].there)
            return needed[i].name;
    return NULL;
}

static gboolean take_table(const VgDriver *theirs, const char *path, VgDriver *ret, GError **error) {
    if (theirs->abi != VG_DRIVER_ABI) {
        vg_set_error(
            error, VG_ERR_CONFIG_UNSUPPORTED,
            _("the driver %s speaks version %u of the driver interface, this daemon %d: install both from one build"),
            path, theirs->abi, VG_DRIVER_ABI);
        return FALSE;
    }
    memset(ret, 0, sizeof *ret);
    memcpy(ret, theirs, MIN(theirs->struct_size, sizeof *ret));
    const char *missing = missing_member(ret);
    if (missing != NULL) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("the driver %s is incomplete: its table has no '%s'"), path,
                     missing);
        return FALSE;
    }
    return TRUE;
}

gboolean vg_loader_load(const char *name, VgDriver *ret, GError **error) {
    g_autofree char *dir = module_dir(), *file = g_strconcat(name, ".so", NULL),
                    *path = g_build_filename(dir, file, NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        vg_set_error(error, VG_ERR_NO_CONNECT,
                     _("there is no driver module %s: install it, or name its folder in VIRTGRID_DRIVER_DIR"), path);
        return FALSE;
    }
    GModule *module = g_module_open(path, G_MODULE_BIND_LOCAL);
    if (module == NULL) {
        vg_set_error(error, VG_ERR_NO_CONNECT, _("the driver module cannot be loaded: %s"), g_module_error());
        return FALSE;
    }
    gpointer table;
    if (!g_module_symbol(module, SYMBOL, &table) || table == NULL) {
        vg_set_error(error, VG_ERR_NO_CONNECT, _("%s is no driver module: it has no '%s'"), path, SYMBOL);
        g_module_close(module);
        return FALSE;
    }
    /* Types of libraries it brought may be registered by now: it is never unloaded. */
    g_module_make_resident(module);
    vg_debug("driver module %s", path);
    return take_table(table, path, ret, error);
}
