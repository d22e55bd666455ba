/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_pci.c: what the kernel does when a PCI function gets another driver. Each write is one change of the tree. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/uuid.h"
#include "sim/kernel_inside.h"

#define DEVICES "sys/bus/pci/devices/"

/* Drivers that take whatever they are told to. */
static const char *const modules[] = {"pciback", "pci-pf-stub", NULL};

typedef struct {
    VgSimKernel *k;
    const char *root;
    VgSysroot *sysroot;
    const VgSimGpu *gpu; /* NULL: a virtual function */
    VgPciAddr addr;
    char *folder; /* of the device */
    const char *text;
} Write;

static int outcome(gboolean good) {
    return good ? 0 : errno;
}

static gboolean has_driver(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/driver", NULL);
    g_autofree char *target = vg_sysroot_readlink(w->sysroot, path);
    return target != NULL;
}

static int override(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/driver_override", NULL);
    g_autofree char *name = g_strstrip(g_strdup(w->text));
    g_autofree char *line = g_strconcat(*name != '\0' ? name : "(null)", "\n", NULL);
    return vg_fault("sim.kernel.override") ? EIO : outcome(vg_sim_put(w->root, path, line));
}

static int unbind(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/driver", NULL);
    if (!has_driver(w))
        return ENOENT;
    return vg_fault("sim.kernel.unbind")
               ? EIO
               : outcome(vg_sim_remove(w->root, path) && vg_sim_vf_driver_changed(w->k, &w->addr));
}

/* A virtual function's own driver: NVIDIA's serves both. */
static const char *known_driver(const Write *w) {
    VgSimParent at;
    if (w->gpu != NULL)
        return w->gpu->driver;
    return vg_sim_parent_find(w->k, &w->addr, &at) ? at.gpu->driver : NULL;
}

/* A virtual function gets no driver by itself while its physical function says so. */
static gboolean is_kept_back(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/physfn/sriov_drivers_autoprobe", NULL);
    gint64 on = 1;
    vg_sysroot_read_int(w->sysroot, path, &on);
    return on == 0;
}

/* The driver that is forced upon it, else the one that knows it. */
static int probe(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/driver_override", NULL);
    g_autofree char *forced = vg_sysroot_read(w->sysroot, path);
    const char *driver = known_driver(w);
    if (forced != NULL && strcmp(forced, "(null)") != 0)
        driver = g_strv_contains(modules, forced) ? forced : NULL;
    else if (is_kept_back(w))
        driver = NULL;
    if (has_driver(w) || driver == NULL)
        return 0;
    g_autofree char *link = g_strconcat(w->folder, "/driver", NULL);
    g_autofree char *target = g_strconcat("../../../bus/pci/drivers/", driver, NULL);
    return vg_fault("sim.kernel.bind")
               ? EIO
               : outcome(vg_sim_link(w->root, link, target) && vg_sim_vf_driver_changed(w->k, &w->addr));
}

static int numvfs(const Write *w) {
    return vg_sim_vf_number(w->k, &w->addr, w->text);
}

static int autoprobe(const Write *w) {
    return vg_sim_vf_autoprobe(w->k, &w->addr, w->text);
}

/* Refused, as by drivers, as long as somebody uses the device. */
static int reset(const Write *w) {
    char addr[VG_PCIADDR_TEXT];
    g_auto(GStrv) names = vg_sysroot_list(w->sysroot, w->folder);
    VgUuid uuid;
    if (w->gpu == NULL || !w->gpu->can_reset)
        return ENOENT;
    for (char **name = names; name != NULL && *name != NULL; name++)
        if (vg_uuid_parse(*name, &uuid))
            return EBUSY;
    g_autofree char *line = g_strdup_printf("pci %s: reset done", vg_pciaddr_format(&w->addr, addr));
    return vg_fault("sim.kernel.reset") ? EIO : outcome(vg_sim_say(w->root, line));
}

static const struct {
    const char *file; /* below the device */
    int (*react)(const Write *w);
} files[] = {
    {"driver_override", override},          {"driver/unbind", unbind}, {"sriov_numvfs", numvfs}, {"reset", reset},
    {"sriov_drivers_autoprobe", autoprobe},
};

/* The function at @text; FALSE if there is none. */
static gboolean find(Write *w, const char *text) {
    if (!vg_pciaddr_parse(text, &w->addr))
        return FALSE;
    w->gpu = vg_sim_gpu_find(w->k, &w->addr);
    w->folder = vg_sim_gpu_folder(&w->addr);
    g_autofree char *link = g_strconcat(DEVICES, text, NULL);
    return vg_sysroot_exists(w->sysroot, link);
}

int vg_sim_pci_write(VgSimKernel *k, const char *path, const char *text) {
    Write w = {.k = k, .root = k->root, .sysroot = k->sysroot, .text = text};
    if (strcmp(path, "sys/bus/pci/drivers_probe") == 0) {
        int errnum = find(&w, text) ? probe(&w) : ENODEV;
        g_free(w.folder);
        return errnum;
    }
    if (!g_str_has_prefix(path, DEVICES))
        return -1;
    g_auto(GStrv) parts = g_strsplit(path + strlen(DEVICES), "/", 2);
    for (gsize i = 0; parts[0] != NULL && parts[1] != NULL && i < G_N_ELEMENTS(files); i++)
        if (strcmp(files[i].file, parts[1]) == 0) {
            int errnum = find(&w, parts[0]) ? files[i].react(&w) : ENODEV;
            g_free(w.folder);
            return errnum;
        }
    return -1;
}
