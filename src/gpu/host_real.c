/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_real.c: the real side of the GPU seam: libpciaccess for what is in the slots, /sys for the rest. Only reads. */
#include "config.h"

#include <errno.h>
#include <pciaccess.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "gpu/host_nvidia.h"
#include "gpu/host_real.h"

#define DISPLAY_CLASS 0x03

static char *link_name(VgSysroot *root, const char *folder, const char *name) {
    g_autofree char *path = g_strconcat(folder, "/", name, NULL);
    g_autofree char *target = vg_sysroot_readlink(root, path);
    return target != NULL ? g_path_get_basename(target) : NULL;
}

static gint64 number(VgSysroot *root, const char *folder, const char *name, gint64 fallback) {
    g_autofree char *path = g_strconcat(folder, "/", name, NULL);
    gint64 value;
    return vg_sysroot_read_int(root, path, &value) ? value : fallback;
}

static void read_sysfs(VgSysroot *root, VgGpuRecord *r) {
    char addr[VG_PCIADDR_TEXT];
    g_autofree char *folder = g_strconcat("sys/bus/pci/devices/", vg_pciaddr_format(&r->addr, addr), NULL);
    r->driver = link_name(root, folder, "driver");
    r->numa_node = (int)number(root, folder, "numa_node", -1);
    r->boot_display = number(root, folder, "boot_vga", 0) == 1;
    g_autofree char *group = link_name(root, folder, "iommu_group"), *pf = link_name(root, folder, "physfn");
    r->iommu_group = group != NULL ? (int)g_ascii_strtoll(group, NULL, 10) : -1;
    r->is_vf = pf != NULL && vg_pciaddr_parse(pf, &r->pf);
}

/* --- what stays when buses are numbered anew ---------------------------------------------------------------------- */

#define CAPS_BEGIN 0x100 /* of the extended capabilities */
#define CAPS_MOST 96
#define CAP_SERIAL 0x0003

/* PCI Express says it in an extended capability; NULL if it does not. */
static char *read_serial(struct pci_device *dev) {
    guint32 at = CAPS_BEGIN;
    for (guint i = 0; i < CAPS_MOST && at >= CAPS_BEGIN; i++) {
        guint32 header = 0, low = 0, high = 0;
        if (pci_device_cfg_read_u32(dev, &header, at) != 0 || header == 0 || header == G_MAXUINT32)
            return NULL;
        if ((header & 0xffff) == CAP_SERIAL) {
            if (pci_device_cfg_read_u32(dev, &low, at + 4) != 0 || pci_device_cfg_read_u32(dev, &high, at + 8) != 0 ||
                (low | high) == 0)
                return NULL;
            return g_strdup_printf("serial:%08x%08x", high, low);
        }
        at = header >> 20;
    }
    return NULL;
}

/* The board's name of the slot that the device sits in. */
static char *read_slot(VgSysroot *root, const VgPciAddr *addr) {
    char text[VG_PCIADDR_TEXT];
    vg_pciaddr_format(addr, text);
    g_auto(GStrv) slots = vg_sysroot_list(root, "sys/bus/pci/slots");
    for (char **slot = slots; slot != NULL && *slot != NULL; slot++) {
        g_autofree char *path = g_strdup_printf("sys/bus/pci/slots/%s/address", *slot);
        g_autofree char *where = vg_sysroot_read(root, path); /* without the function */
        if (where != NULL && *where != '\0' && g_str_has_prefix(text, where) && text[strlen(where)] == '.')
            return g_strdup_printf("slot:%s.%u", *slot, addr->function);
    }
    return NULL;
}

static void read_device(VgSysroot *root, struct pci_device *dev, VgGpuRecord *r) {
    *r = (VgGpuRecord){
        .addr = {.domain = dev->domain,
                 .bus = (guint8)dev->bus,
                 .slot = (guint8)dev->dev,
                 .function = (guint8)dev->func},
        .vendor = dev->vendor_id,
        .device = dev->device_id,
        .subvendor = dev->subvendor_id,
        .subdevice = dev->subdevice_id,
        .class_code = dev->device_class,
        .vendor_name = g_strdup(pci_device_get_vendor_name(dev)),
        .device_name = g_strdup(pci_device_get_device_name(dev)),
    };
    read_sysfs(root, r);
    r->identity = read_serial(dev);
    if (r->identity == NULL)
        r->identity = read_slot(root, &r->addr);
}

static int by_address(gconstpointer a, gconstpointer b) {
    return vg_pciaddr_compare(&((const VgGpuRecord *)a)->addr, &((const VgGpuRecord *)b)->addr);
}

static gboolean scan(VgGpuHost *host, VgGpuRecord **ret, gsize *ret_n, GError **error) {
    /* A machine without PCI (a container, a test) has no GPUs, which is no error. */
    if (!vg_sysroot_exists(host->root, "sys/bus/pci/devices")) {
        *ret = NULL;
        *ret_n = 0;
        return TRUE;
    }
    int rc = pci_system_init();
    if (rc != 0) {
        vg_set_errno(error, rc, _("cannot read the PCI devices of this host"));
        return FALSE;
    }
    g_autoptr(GArray) records = g_array_new(FALSE, FALSE, sizeof(VgGpuRecord));
    struct pci_device_iterator *all = pci_slot_match_iterator_create(NULL);
    for (struct pci_device *dev = pci_device_next(all); dev != NULL; dev = pci_device_next(all)) {
        if (dev->device_class >> 16 != DISPLAY_CLASS)
            continue;
        VgGpuRecord r;
        read_device(host->root, dev, &r);
        g_array_append_val(records, r);
    }
    pci_iterator_destroy(all);
    pci_system_cleanup();
    g_array_sort(records, by_address);
    *ret = (VgGpuRecord *)(void *)g_array_steal(records, ret_n);
    return TRUE;
}

static void host_free(VgGpuHost *host) {
    vg_sysroot_free(host->root);
    g_free(host);
}

static const VgGpuHostOps ops = {
    .scan = scan,
    .get_mode = vg_nvidia_get_mode,
    .set_mode = vg_nvidia_set_mode,
    .instances = vg_nvidia_instances,
    .make_instance = vg_nvidia_make_instance,
    .drop_instance = vg_nvidia_drop_instance,
    .free = host_free,
};

VgGpuHost *vg_gpu_host_real_new(gboolean dm_can_vfio, const char *emulator) {
    VgGpuHost *host = g_new0(VgGpuHost, 1);
    *host = (VgGpuHost){.ops = &ops,
                        .root = vg_sysroot_new("/"),
                        .dm_can_vfio = dm_can_vfio,
                        .has_uevents = TRUE,
                        .has_emulator = emulator != NULL && access(emulator, X_OK) == 0};
    return host;
}
