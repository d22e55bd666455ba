/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* functions.c: reads sys/bus/pci/devices, and names from the machine's list of them. */
#include "config.h"

#include <string.h>

#include "gpu/facts.h"
#include "gpu/functions.h"

#define DEVICES "sys/bus/pci/devices"
#define IDS "usr/share/misc/pci.ids"

static void function_clear(gpointer data) {
    VgPciFunction *f = data;
    g_free(f->vendor_name);
    g_free(f->device_name);
    g_free(f->driver);
    g_free(f->path);
}

static int by_address(gconstpointer a, gconstpointer b) {
    return vg_pciaddr_compare(&((const VgPciFunction *)a)->addr, &((const VgPciFunction *)b)->addr);
}

const VgPciFunction *vg_functions_find(const GArray *functions, const VgPciAddr *addr) {
    VgPciFunction wanted = {.addr = *addr};
    if (functions == NULL || functions->len == 0)
        return NULL;
    return bsearch(&wanted, functions->data, functions->len, sizeof wanted, by_address);
}

/* --- what the kernel says of one ---------------------------------------------------------------------------------- */

static gint64 number(VgSysroot *root, const VgPciAddr *addr, const char *name, gint64 fallback) {
    g_autofree char *path = vg_pci_file(addr, name);
    gint64 value = 0;
    return vg_sysroot_read_int(root, path, &value) ? value : fallback;
}

static char *link_name(VgSysroot *root, const VgPciAddr *addr, const char *name) {
    g_autofree char *path = vg_pci_file(addr, name);
    g_autofree char *target = vg_sysroot_readlink(root, path);
    return target != NULL ? g_path_get_basename(target) : NULL;
}

/* "../../../devices/pci0000:00/0000:00:06.0/0000:02:00.0": whatever it is behind comes before it. */
static void read_place(VgSysroot *root, VgPciFunction *f) {
    g_autofree char *link = vg_pci_file(&f->addr, NULL);
    g_autofree char *target = vg_sysroot_readlink(root, link);
    const char *below = target != NULL ? strstr(target, "devices/") : NULL;
    if (below == NULL)
        return;
    g_autofree char *folder = g_path_get_dirname(below), *parent = g_path_get_basename(folder);
    f->path = g_strconcat("/sys/", below, NULL);
    f->has_parent = vg_pciaddr_parse(parent, &f->parent);
}

static VgPciFunction read_one(VgSysroot *root, const VgPciAddr *addr) {
    VgPciFunction f = {
        .addr = *addr,
        .vendor = (guint16)number(root, addr, "vendor", 0),
        .device = (guint16)number(root, addr, "device", 0),
        .class_code = (guint32)number(root, addr, "class", 0),
        .driver = link_name(root, addr, "driver"),
        .numa_node = (int)number(root, addr, "numa_node", -1),
        .max_vfs = (guint)CLAMP(number(root, addr, "sriov_totalvfs", 0), 0, G_MAXUINT16),
    };
    g_autofree char *group = link_name(root, addr, "iommu_group"), *pf = link_name(root, addr, "physfn");
    f.iommu_group = group != NULL ? (int)g_ascii_strtoll(group, NULL, 10) : -1;
    f.is_vf = pf != NULL && vg_pciaddr_parse(pf, &f.pf);
    read_place(root, &f);
    return f;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* FALSE: none of them is new. */
static gboolean take_names(GArray *functions, const GArray *before) {
    gboolean new = FALSE;
    for (guint i = 0; i < functions->len; i++) {
        VgPciFunction *f = &g_array_index(functions, VgPciFunction, i);
        const VgPciFunction *old = vg_functions_find(before, &f->addr);
        gboolean same = old != NULL && old->vendor == f->vendor && old->device == f->device;
        new = new || !same;
        f->vendor_name = same ? g_strdup(old->vendor_name) : NULL;
        f->device_name = same ? g_strdup(old->device_name) : NULL;
    }
    return new;
}

/* Four hexadecimal digits, two blanks, the name; -1: another line. */
static int read_id(const char *line) {
    for (guint i = 0; i < 4; i++)
        if (!g_ascii_isxdigit(line[i]))
            return -1;
    return line[4] == ' ' && line[5] == ' ' ? (int)g_ascii_strtoull(line, NULL, 16) : -1;
}

/* The name of @vendor, or if @device is not -1 of that device of its, to all who lack it. TRUE: somebody is of it. */
static gboolean give_name(GArray *functions, int vendor, int device, const char *name) {
    gboolean wanted = FALSE;
    for (guint i = 0; i < functions->len; i++) {
        VgPciFunction *f = &g_array_index(functions, VgPciFunction, i);
        if (f->vendor != vendor || (device >= 0 && f->device != device))
            continue;
        char **place = device >= 0 ? &f->device_name : &f->vendor_name;
        wanted = TRUE;
        if (*place == NULL)
            *place = g_strdup(name);
    }
    return wanted;
}

/* In one go, and nothing of it is kept: a library that does keeps a megabyte of it. */
static void look_up_names(VgSysroot *root, GArray *functions) {
    g_autofree char *path = g_build_filename(vg_sysroot_path(root), IDS, NULL), *text = NULL;
    int vendor = -1;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    for (char *line = text, *next; line != NULL && !g_str_has_prefix(line, "C "); line = next) {
        gboolean is_device = line[0] == '\t';
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        int id = is_device && vendor < 0 ? -1 : read_id(line + (is_device ? 1 : 0));
        if (id < 0)
            continue;
        const char *name = line + (is_device ? 7 : 6);
        if (is_device)
            give_name(functions, vendor, id, name);
        else
            vendor = give_name(functions, id, -1, name) ? id : -1;
    }
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

GArray *vg_functions_read(VgGpuHost *host, GArray *before) {
    GArray *functions = g_array_new(FALSE, FALSE, sizeof(VgPciFunction));
    g_array_set_clear_func(functions, function_clear);
    g_auto(GStrv) names = vg_sysroot_list(host->root, DEVICES);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        VgPciAddr addr;
        if (!vg_pciaddr_parse(*name, &addr))
            continue;
        VgPciFunction f = read_one(host->root, &addr);
        g_array_append_val(functions, f);
    }
    g_array_sort(functions, by_address);
    if (take_names(functions, before))
        look_up_names(host->root, functions);
    return functions;
}
