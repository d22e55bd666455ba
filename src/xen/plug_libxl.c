/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plug_libxl.c: devices come to and go from a running domain. libxl fills in what it is given, so each call works on a
 * copy of its own.
 */
#include <libxl_utils.h>

#include "base/i18n.h"
#include "xen/libxl_op.h"

typedef struct {
    VgXenOp op;
    libxl_domain_config c;
} Plug;

static void plug_end(Plug *plug) {
    if (plug->op.ctx)
        libxl_domain_config_dispose(&plug->c);
    vg_xen_op_end(&plug->op);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plug, plug_end)

static gboolean plug_begin(Plug *plug, guint32 domid, const VgXenConfig *devices, GError **error) {
    if (!vg_xen_op_begin_on(&plug->op, domid, error))
        return FALSE;
    libxl_domain_config_init(&plug->c);
    libxl_domain_config_copy(plug->op.ctx, &plug->c, &devices->c);
    return TRUE;
}

gboolean vg_xen_plug_attach(VgXen *xen, guint32 domid, const VgXenConfig *devices, int *ret_devid, GError **error) {
    g_auto(Plug) plug = {0};
    int rc = 0;
    *ret_devid = -1;
    if (!plug_begin(&plug, domid, devices, error))
        return FALSE;
    if (plug.c.num_disks) {
        rc = libxl_device_disk_add(plug.op.ctx, domid, &plug.c.disks[0], NULL);
    } else if (plug.c.num_nics) {
        plug.c.nics[0].devid = -1; /* the next free one */
        rc = libxl_device_nic_add(plug.op.ctx, domid, &plug.c.nics[0], NULL);
        *ret_devid = plug.c.nics[0].devid;
    }
    for (int i = 0; rc == 0 && i < plug.c.num_pcidevs; i++) /* the functions of one device */
        rc = libxl_device_pci_add(plug.op.ctx, domid, &plug.c.pcidevs[i], NULL);
    return rc == 0 || vg_xen_op_fail(&plug.op, rc, error, _("the device cannot be attached to domain %u"), domid);
}

/* --- detach */

static int remove_disk(Plug *plug, guint32 domid) {
    libxl_device_disk disk;
    libxl_device_disk_init(&disk);
    plug->op.logger.quiet = TRUE; /* that it is gone is no error */
    int rc = libxl_vdev_to_device_disk(plug->op.ctx, domid, plug->c.disks[0].vdev, &disk);
    plug->op.logger.quiet = FALSE;
    rc = rc ? 0 : libxl_device_disk_remove(plug->op.ctx, domid, &disk, NULL);
    libxl_device_disk_dispose(&disk);
    return rc;
}

static int remove_nic(Plug *plug, guint32 domid) {
    const uint8_t *m = plug->c.nics[0].mac;
    char mac[18];
    libxl_device_nic nic;
    libxl_device_nic_init(&nic);
    g_snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    plug->op.logger.quiet = TRUE;
    int rc = libxl_mac_to_device_nic(plug->op.ctx, domid, mac, &nic);
    plug->op.logger.quiet = FALSE;
    rc = rc ? 0 : libxl_device_nic_remove(plug->op.ctx, domid, &nic, NULL);
    libxl_device_nic_dispose(&nic);
    return rc;
}

static gboolean has_pci(libxl_ctx *ctx, guint32 domid, const libxl_device_pci *wanted) {
    int n = 0;
    gboolean found = FALSE;
    libxl_device_pci *list = libxl_device_pci_list(ctx, domid, &n);
    for (int i = 0; list && i < n; i++)
        found |= list[i].domain == wanted->domain && list[i].bus == wanted->bus && list[i].dev == wanted->dev &&
                 list[i].func == wanted->func;
    libxl_device_pci_list_free(list, n);
    return found;
}

/* That the frontend of a PV guest never answered libxl counts as success, and the device is still the guest's. */
static int remove_one_pci(Plug *plug, guint32 domid, libxl_device_pci *pci) {
    if (!has_pci(plug->op.ctx, domid, pci))
        return 0;
    int rc = libxl_device_pci_remove(plug->op.ctx, domid, pci, NULL);
    return rc == 0 && has_pci(plug->op.ctx, domid, pci) ? ERROR_TIMEDOUT : rc;
}

static int remove_pci(Plug *plug, guint32 domid) {
    int rc = 0;
    for (int i = plug->c.num_pcidevs - 1; rc == 0 && i >= 0; i--)
        rc = remove_one_pci(plug, domid, &plug->c.pcidevs[i]);
    return rc;
}

gboolean vg_xen_plug_detach(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error) {
    g_auto(Plug) plug = {0};
    int rc = 0;
    if (!plug_begin(&plug, domid, devices, error))
        return FALSE;
    if (plug.c.num_disks)
        rc = remove_disk(&plug, domid);
    else if (plug.c.num_nics)
        rc = remove_nic(&plug, domid);
    else
        rc = remove_pci(&plug, domid);
    if (rc == ERROR_TIMEDOUT)
        return vg_xen_op_fail(&plug.op, rc, error, _("the guest of domain %u does not let the device go"), domid);
    return rc == 0 || vg_xen_op_fail(&plug.op, rc, error, _("the device cannot be detached from domain %u"), domid);
}

gboolean vg_xen_plug_insert(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error) {
    g_auto(Plug) plug = {0};
    if (!plug_begin(&plug, domid, devices, error))
        return FALSE;
    int rc = libxl_cdrom_insert(plug.op.ctx, domid, &plug.c.disks[0], NULL);
    return rc == 0 ||
           vg_xen_op_fail(&plug.op, rc, error, _("the medium of '%s' cannot be changed"), plug.c.disks[0].vdev);
}
