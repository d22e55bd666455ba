/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_os.c: how the guest boots, and the program that models its devices. */
#include <string.h>

#include "xen/conv.h"

static const char boot_letters[VG_BOOT_LAST] = {
    [VG_BOOT_FD] = 'a', [VG_BOOT_HD] = 'c', [VG_BOOT_CDROM] = 'd', [VG_BOOT_NETWORK] = 'n'};

/* libxl's boot order is by kind: the kinds of the devices that have a <boot order=>, in that order, each once. */
typedef struct {
    guint order;
    char letter;
} BootDevice;

static int compare_boot(gconstpointer a, gconstpointer b) {
    const BootDevice *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static void add_boot(GArray *devices, guint order, char letter) {
    BootDevice d = {order, letter};
    if (order)
        g_array_append_val(devices, d);
}

static char *boot_by_device(const VgDomain *dom) {
    g_autoptr(GArray) devices = g_array_new(FALSE, FALSE, sizeof(BootDevice));
    GString *boot = g_string_new(NULL);
    for (gsize i = 0; i < dom->n_disks; i++)
        add_boot(devices, dom->disks[i]->info.boot_order,
                 dom->disks[i]->device == VG_DISK_DEVICE_CDROM    ? 'd'
                 : dom->disks[i]->device == VG_DISK_DEVICE_FLOPPY ? 'a'
                                                                  : 'c');
    for (gsize i = 0; i < dom->n_interfaces; i++)
        add_boot(devices, dom->interfaces[i]->info.boot_order, 'n');
    g_array_sort(devices, compare_boot);
    for (guint i = 0; i < devices->len; i++) {
        char letter = g_array_index(devices, BootDevice, i).letter;
        if (!strchr(boot->str, letter))
            g_string_append_c(boot, letter);
    }
    return g_string_free(boot, FALSE);
}

static char *boot_order(const VgDomain *dom) {
    g_autofree char *by_device = NULL;
    GString *boot = g_string_new(NULL);
    for (gsize i = 0; i < dom->os.n_boot; i++) {
        VgBootDev dev = dom->os.boot[i]->dev;
        g_string_append_c(boot, dev > VG_BOOT_NONE && dev < VG_BOOT_LAST ? boot_letters[dev] : 'c');
    }
    if (!boot->len)
        g_string_append(boot, (by_device = boot_by_device(dom)));
    if (!boot->len)
        g_string_append_c(boot, 'c');
    return g_string_free(boot, FALSE);
}

static void bootloader(const VgDomain *dom, char **program, libxl_string_list *args) {
    *program = g_strdup(dom->bootloader);
    if (!dom->bootloader_args)
        return;
    g_auto(GStrv) words = g_strsplit_set(dom->bootloader_args, " \t\n", 256);
    for (char **word = words; *word; word++)
        if (**word)
            vg_xen_list_add(args, *word);
}

static void os_hvm(const VgDomain *dom, libxl_domain_build_info *b) {
    b->u.hvm.boot = boot_order(dom);
    b->u.hvm.acpi_firmware = g_strdup(dom->os.acpi_table);
    /* libxl takes a kind of firmware, not a file. */
    if (dom->os.firmware == VG_FIRMWARE_EFI || dom->os.loader_type == VG_LOADER_PFLASH)
        b->u.hvm.bios = LIBXL_BIOS_TYPE_OVMF;
}

static void os_pv(const VgDomain *dom, libxl_domain_build_info *b) {
    bootloader(dom, &b->u.pv.bootloader, &b->u.pv.bootloader_args);
    if (!dom->bootloader && !dom->os.kernel)
        b->u.pv.bootloader = g_strdup("pygrub"); /* a kernel must come from somewhere: from the guest's disk */
    b->u.pv.kernel = g_strdup(dom->os.kernel);
    b->u.pv.ramdisk = g_strdup(dom->os.initrd);
    b->u.pv.cmdline = g_strdup(dom->os.cmdline);
}

gboolean vg_xen_conv_os(const VgXenConv *conv, GError **error) {
    libxl_domain_build_info *b = &conv->c->b_info;
    const VgDomain *dom = conv->dom;
    if (conv->pv) {
        os_pv(dom, b);
        return TRUE;
    }
    b->kernel = g_strdup(dom->os.kernel);
    b->ramdisk = g_strdup(dom->os.initrd);
    b->cmdline = g_strdup(dom->os.cmdline);
    if (conv->hvm)
        os_hvm(dom, b);
    else
        bootloader(dom, &b->bootloader, &b->bootloader_args);
    return TRUE;
}

gboolean vg_xen_conv_emulator(const VgXenConv *conv, GError **error) {
    libxl_domain_build_info *b = &conv->c->b_info;
    const VgDomain *dom = conv->dom;
    const char *emulator = dom->emulator ? dom->emulator : conv->build->emulator;
    if (emulator && conv->hvm) {
        b->device_model = g_strdup(emulator);
        b->device_model_version = g_str_has_suffix(emulator, "/qemu-dm")
                                      ? LIBXL_DEVICE_MODEL_VERSION_QEMU_XEN_TRADITIONAL
                                      : LIBXL_DEVICE_MODEL_VERSION_QEMU_XEN;
    }
    if (conv->build->starter && conv->hvm) {
        g_free(b->device_model);
        b->device_model = g_strdup(conv->build->starter);
        if (!emulator)
            b->device_model_version = LIBXL_DEVICE_MODEL_VERSION_QEMU_XEN;
        for (const char *const *arg = conv->build->starter_args; *arg; arg++)
            vg_xen_list_add(&b->extra_hvm, *arg);
    }
    for (gsize i = 0; i < dom->n_xen_args; i++)
        if (dom->xen_args[i]->value)
            vg_xen_list_add(&b->extra, dom->xen_args[i]->value);
    return TRUE;
}
