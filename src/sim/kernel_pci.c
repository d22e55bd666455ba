/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_pci.c: what the kernel does when a PCI function gets another driver. Each write is one change of the tree. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/uuid.h"
#include "sim/kernel.h"

#define DEVICES "sys/bus/pci/devices/"
#define BACK "pciback"

typedef struct {
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
    return vg_fault("sim.kernel.unbind") ? EIO : outcome(vg_sim_remove(w->root, path));
}

/* The driver that is forced upon it, else the one that knows it. */
static int probe(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/driver_override", NULL);
    g_autofree char *forced = vg_sysroot_read(w->sysroot, path);
    const char *driver = w->gpu != NULL ? w->gpu->driver : NULL;
    if (forced != NULL && strcmp(forced, "(null)") != 0)
        driver = strcmp(forced, BACK) == 0 ? BACK : NULL;
    if (has_driver(w) || driver == NULL)
        return 0;
    g_autofree char *link = g_strconcat(w->folder, "/driver", NULL);
    g_autofree char *target = g_strconcat("../../../bus/pci/drivers/", driver, NULL);
    return vg_fault("sim.kernel.bind") ? EIO : outcome(vg_sim_link(w->root, link, target));
}

/* One virtual function; its folder appears by one rename of its link. */
static gboolean make_vf(const Write *w, const VgPciAddr *addr) {
    char text[VG_PCIADDR_TEXT], pf[VG_PCIADDR_TEXT];
    g_autofree char *folder = vg_sim_gpu_folder(addr);
    g_autofree char *override_file = g_strconcat(folder, "/driver_override", NULL);
    g_autofree char *vendor = g_strconcat(folder, "/vendor", NULL), *physfn = g_strconcat(folder, "/physfn", NULL);
    g_autofree char *up = g_strconcat("../", vg_pciaddr_format(&w->addr, pf), NULL);
    g_autofree char *id = g_strdup_printf("0x%04x\n", w->gpu->vendor);
    g_autofree char *link = g_strconcat(DEVICES, vg_pciaddr_format(addr, text), NULL);
    g_autofree char *target = g_strconcat("../../../", folder + strlen("sys/"), NULL);
    return vg_sim_put(w->root, override_file, "(null)\n") && vg_sim_put(w->root, vendor, id) &&
           vg_sim_link(w->root, physfn, up) && vg_sim_link(w->root, link, target);
}

static int numvfs(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/sriov_numvfs", NULL);
    guint64 wanted = g_ascii_strtoull(w->text, NULL, 10);
    gint64 now = 0;
    if (w->gpu == NULL || w->gpu->vfs == 0)
        return ENOENT;
    if (!vg_sysroot_read_int(w->sysroot, path, &now) || wanted > (guint64)w->gpu->vfs || wanted == 0)
        return EINVAL;
    if (now != 0)
        return (guint64)now == wanted ? 0 : EBUSY;
    for (guint i = 0; i < wanted; i++) {
        guint id = ((guint)w->addr.bus << 8 | (guint)w->addr.slot << 3 | w->addr.function) + 1 + i;
        VgPciAddr vf = {.domain = w->addr.domain,
                        .bus = (guint8)(id >> 8),
                        .slot = (guint8)(id >> 3 & 31),
                        .function = (guint8)(id & 7)};
        if (!make_vf(w, &vf))
            return errno;
    }
    g_autofree char *line = g_strdup_printf("%" G_GUINT64_FORMAT "\n", wanted);
    return vg_fault("sim.kernel.numvfs") ? EIO : outcome(vg_sim_put(w->root, path, line));
}

static int autoprobe(const Write *w) {
    g_autofree char *path = g_strconcat(w->folder, "/sriov_drivers_autoprobe", NULL);
    g_autofree char *line = g_strconcat(w->text, "\n", NULL);
    return outcome(vg_sim_put(w->root, path, line));
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
static gboolean find(Write *w, const VgSimGpu *gpus, gsize n, const char *text) {
    if (!vg_pciaddr_parse(text, &w->addr))
        return FALSE;
    for (gsize i = 0; i < n; i++)
        if (vg_pciaddr_compare(&gpus[i].addr, &w->addr) == 0)
            w->gpu = &gpus[i];
    w->folder = vg_sim_gpu_folder(&w->addr);
    g_autofree char *link = g_strconcat(DEVICES, text, NULL);
    return vg_sysroot_exists(w->sysroot, link);
}

int vg_sim_pci_write(const char *root, VgSysroot *sysroot, const VgSimGpu *gpus, gsize n, const char *path,
                     const char *text) {
    Write w = {.root = root, .sysroot = sysroot, .text = text};
    if (strcmp(path, "sys/bus/pci/drivers_probe") == 0) {
        int errnum = find(&w, gpus, n, text) ? probe(&w) : ENODEV;
        g_free(w.folder);
        return errnum;
    }
    if (!g_str_has_prefix(path, DEVICES))
        return -1;
    g_auto(GStrv) parts = g_strsplit(path + strlen(DEVICES), "/", 2);
    for (gsize i = 0; parts[0] != NULL && parts[1] != NULL && i < G_N_ELEMENTS(files); i++)
        if (strcmp(files[i].file, parts[1]) == 0) {
            int errnum = find(&w, gpus, n, parts[0]) ? files[i].react(&w) : ENODEV;
            g_free(w.folder);
            return errnum;
        }
    return -1;
}
