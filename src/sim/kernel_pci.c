/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_pci.c: what the kernel does when a PCI function gets another driver. Each write is one change of the tree. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "sim/kernel.h"

#define DEVICES "sys/bus/pci/devices/"
#define BACK "pciback"

typedef struct {
    const char *root;
    VgSysroot *sysroot;
    const VgSimGpu *gpu;
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
    return vg_fault("sim.kernel.unbind") ? EIO : outcome(vg_sim_remove(w->root, path));
}

/* The driver that is forced upon it, else the one that knows it. */
static int probe(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/driver_override", NULL);
    g_autofree char *forced = vg_sysroot_read(w->sysroot, path);
    const char *driver = w->gpu->driver;
    if (forced != NULL && strcmp(forced, "(null)") != 0)
        driver = strcmp(forced, BACK) == 0 ? BACK : NULL;
    if (has_driver(w) || driver == NULL)
        return 0;
    g_autofree char *link = g_strconcat(w->folder, "/driver", NULL);
    g_autofree char *target = g_strconcat("../../../bus/pci/drivers/", driver, NULL);
    return vg_fault("sim.kernel.bind") ? EIO : outcome(vg_sim_link(w->root, link, target));
}

static const struct {
    const char *file; /* below the device */
    int (*react)(const Write *w);
} files[] = {
    {"driver_override", override},
    {"driver/unbind", unbind},
};

static const VgSimGpu *find_gpu(const VgSimGpu *gpus, gsize n, const char *text) {
    VgPciAddr addr;
    for (gsize i = 0; vg_pciaddr_parse(text, &addr) && i < n; i++)
        if (vg_pciaddr_compare(&gpus[i].addr, &addr) == 0)
            return &gpus[i];
    return NULL;
}

int vg_sim_pci_write(const char *root, VgSysroot *sysroot, const VgSimGpu *gpus, gsize n, const char *path,
                     const char *text) {
    Write w = {.root = root, .sysroot = sysroot, .text = text};
    int (*react)(const Write *w) = NULL;
    g_auto(GStrv) parts = NULL;
    if (strcmp(path, "sys/bus/pci/drivers_probe") == 0) {
        w.gpu = find_gpu(gpus, n, text);
        react = probe;
    } else if (g_str_has_prefix(path, DEVICES)) {
        parts = g_strsplit(path + strlen(DEVICES), "/", 2);
        for (gsize i = 0; parts[1] != NULL && i < G_N_ELEMENTS(files); i++)
            if (strcmp(files[i].file, parts[1]) == 0) {
                w.gpu = find_gpu(gpus, n, parts[0]);
                react = files[i].react;
            }
    }
    if (react == NULL)
        return -1;
    if (w.gpu == NULL)
        return ENODEV;
    w.folder = vg_sim_gpu_folder(&w.gpu->addr);
    int errnum = react(&w);
    g_free(w.folder);
    return errnum;
}
