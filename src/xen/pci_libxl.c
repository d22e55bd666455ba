/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pci_libxl.c: PCI functions between the host and its guests. Not by the kernel's files alone: Xen keeps what a guest
 * had in quarantine, where no driver of the host could use it, and libxl knows how to take it out.
 */
#include <errno.h>
#include <string.h>

#include "base/i18n.h"
#include "base/sysroot.h"
#include "xen/libxl_op.h"

#define BACK "pciback"

static libxl_device_pci function(const VgPciAddr *addr) {
    libxl_device_pci pci;
    libxl_device_pci_init(&pci);
    pci.domain = (int)addr->domain;
    pci.bus = addr->bus;
    pci.dev = addr->slot;
    pci.func = addr->function;
    return pci;
}

static char *file_of(const VgPciAddr *addr, const char *name) {
    char text[VG_PCIADDR_TEXT];
    return g_strconcat("sys/bus/pci/devices/", vg_pciaddr_format(addr, text), "/", name, NULL);
}

/* NULL: none. */
static char *driver_of(VgSysroot *root, const VgPciAddr *addr) {
    g_autofree char *link = file_of(addr, "driver");
    g_autofree char *target = vg_sysroot_readlink(root, link);
    return target ? g_path_get_basename(target) : NULL;
}

static gboolean is_lent(VgSysroot *root, const VgPciAddr *addr) {
    g_autofree char *driver = driver_of(root, addr);
    return g_strcmp0(driver, BACK) == 0;
}

gboolean vg_xen_pci_lent(VgXen *xen, const VgPciAddr *addr) {
    g_autoptr(VgSysroot) root = vg_sysroot_new("/");
    return is_lent(root, addr);
}

/* The kernel binds a virtual function whose parent says "no drivers" to the one that is forced upon it, to no other. */
static void force(VgSysroot *root, const VgPciAddr *addr, const char *driver) {
    gint64 probed = 1;
    g_autofree char *parent = file_of(addr, "physfn/sriov_drivers_autoprobe"), *path = file_of(addr, "driver_override");
    if (vg_sysroot_read_int(root, parent, &probed) && probed == 0)
        vg_sysroot_write(root, path, driver);
}

gboolean vg_xen_pci_lend(VgXen *xen, const VgPciAddr *addr, GError **error) {
    char text[VG_PCIADDR_TEXT];
    g_auto(VgXenOp) op = {0};
    g_autoptr(VgSysroot) root = vg_sysroot_new("/");
    g_autofree char *class = file_of(addr, "class");
    if (!vg_sysroot_exists(root, class)) {
        vg_set_error(error, VG_ERR_DEVICE_MISSING, _("this host has no PCI device %s"), vg_pciaddr_format(addr, text));
        return FALSE;
    }
    if (is_lent(root, addr))
        return TRUE;
    if (!vg_xen_op_begin(&op, NULL, error))
        return FALSE;
    libxl_device_pci pci = function(addr);
    force(root, addr, BACK);
    int rc = libxl_device_pci_assignable_add(op.ctx, &pci, 1);
    if (rc)
        vg_xen_op_fail(&op, rc, error, _("PCI device %s cannot be taken from the host"), vg_pciaddr_format(addr, text));
    return rc == 0;
}

/* libxl begins with the quarantine, and goes no further if Xen has none of it: so it may have to be put there first. */
static int take_out(VgXenOp *op, libxl_device_pci *pci, gboolean rebind) {
    op->logger.quiet = TRUE;
    int rc = libxl_device_pci_assignable_remove(op->ctx, pci, rebind);
    op->logger.quiet = FALSE;
    if (rc == 0 || !rebind)
        return 0;
    rc = libxl_device_pci_assignable_add(op->ctx, pci, 1);
    return rc ? rc : libxl_device_pci_assignable_remove(op->ctx, pci, 1);
}

/* A death in the middle leaves it with no driver. */
static void find_driver(VgSysroot *root, const VgPciAddr *addr) {
    char text[VG_PCIADDR_TEXT];
    g_autofree char *driver = driver_of(root, addr);
    if (!driver)
        vg_sysroot_write(root, "sys/bus/pci/drivers_probe", vg_pciaddr_format(addr, text));
}

gboolean vg_xen_pci_give_back(VgXen *xen, const VgPciAddr *addr, gboolean rebind, GError **error) {
    char text[VG_PCIADDR_TEXT];
    g_auto(VgXenOp) op = {0};
    g_autoptr(VgSysroot) root = vg_sysroot_new("/");
    if (is_lent(root, addr)) {
        libxl_device_pci pci = function(addr);
        if (!vg_xen_op_begin(&op, NULL, error))
            return FALSE;
        if (rebind)
            force(root, addr, "\n");
        int rc = take_out(&op, &pci, rebind);
        if (rc)
            return vg_xen_op_fail(&op, rc, error, _("PCI device %s cannot be given back to the host"),
                                  vg_pciaddr_format(addr, text));
    }
    if (rebind)
        find_driver(root, addr);
    return TRUE;
}

gboolean vg_xen_pci_reset(VgXen *xen, const VgPciAddr *addr, GError **error) {
    char text[VG_PCIADDR_TEXT];
    g_autoptr(VgSysroot) root = vg_sysroot_new("/");
    g_autofree char *path = file_of(addr, "reset");
    if (vg_sysroot_write(root, path, "1"))
        return TRUE;
    vg_set_errno(error, errno, _("the kernel cannot reset PCI device %s"), vg_pciaddr_format(addr, text));
    return FALSE;
}
