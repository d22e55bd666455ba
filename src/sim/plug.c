/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plug.c: what devices a simulated domain has. Xen keeps each in a list of its own, by name, number or address; so does
 * this, one string for each device.
 */
#include "sim/plug.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/pciaddr.h"

/* --- lists */

/* The entry that is @key, or begins with it and a blank; or -1. */
static int find(char **list, const char *key) {
    gsize len = strlen(key);
    for (int i = 0; list && list[i]; i++)
        if (strncmp(list[i], key, len) == 0 && (list[i][len] == '\0' || list[i][len] == ' '))
            return i;
    return -1;
}

/* Takes over @entry. */
static void add(char ***list, char *entry) {
    gsize n = *list ? g_strv_length(*list) : 0;
    *list = g_renew(char *, *list, n + 2);
    (*list)[n] = entry;
    (*list)[n + 1] = NULL;
}

static void drop(char **list, int at) {
    if (at < 0)
        return;
    g_free(list[at]);
    for (; list[at]; at++)
        list[at] = list[at + 1];
}

/* --- disks */

static char *disk_entry(const libxl_device_disk *disk) {
    return disk->pdev_path ? g_strdup_printf("%s %s", disk->vdev, disk->pdev_path) : g_strdup(disk->vdev);
}

gboolean vg_sim_plug_disk(VgSimDomain *dom, const libxl_device_disk *disk, GError **error) {
    if (disk->vdev && find(dom->disks, disk->vdev) < 0) {
        add(&dom->disks, disk_entry(disk));
        return TRUE;
    }
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("two disks of '%s' are both '%s'"), dom->name,
                 disk->vdev ? disk->vdev : "");
    return FALSE;
}

/* --- network cards */

static char *nic_mac(const libxl_device_nic *nic) {
    const uint8_t *m = nic->mac;
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

int vg_sim_plug_nic(VgSimDomain *dom, const libxl_device_nic *nic) {
    g_autofree char *mac = nic_mac(nic);
    for (int devid = 0;; devid++) {
        g_autofree char *number = g_strdup_printf("%d", devid);
        if (find(dom->nics, number) >= 0)
            continue;
        add(&dom->nics, g_strdup_printf("%d %s", devid, mac));
        return devid;
    }
}

static int find_nic(const VgSimDomain *dom, const libxl_device_nic *nic) {
    g_autofree char *mac = nic_mac(nic);
    for (int i = 0; dom->nics && dom->nics[i]; i++)
        if (g_str_has_suffix(dom->nics[i], mac))
            return i;
    return -1;
}

/* --- the host's own devices */

static VgPciAddr address_of(const libxl_device_pci *pci) {
    return (VgPciAddr){
        .domain = (guint32)pci->domain, .bus = pci->bus, .slot = pci->dev & 31, .function = pci->func & 7};
}

static char *pci_entry(const libxl_device_pci *pci) {
    VgPciAddr addr = address_of(pci);
    char text[VG_PCIADDR_TEXT];
    return g_strdup(vg_pciaddr_format(&addr, text));
}

static char *lent_path(const VgSim *sim, const VgPciAddr *addr) {
    char text[VG_PCIADDR_TEXT];
    return g_build_filename(sim->dir, "pciback", vg_pciaddr_format(addr, text), NULL);
}

gboolean vg_sim_pci_lent(VgXen *xen, const VgPciAddr *addr) {
    g_autofree char *path = lent_path((VgSim *)xen, addr);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static gboolean told_to_fail(const char *point, const VgPciAddr *addr, GError **error) {
    char text[VG_PCIADDR_TEXT];
    if (!vg_fault(point))
        return FALSE;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("libxl failed at step '%s' of PCI device %s: Input/output error"),
                 point, vg_pciaddr_format(addr, text));
    return TRUE;
}

gboolean vg_sim_pci_lend(VgXen *xen, const VgPciAddr *addr, GError **error) {
    VgSim *sim = (VgSim *)xen;
    g_autofree char *path = lent_path(sim, addr), *dir = g_path_get_dirname(path);
    if (told_to_fail("sim.pci.lend", addr, error))
        return FALSE;
    if (g_mkdir_with_parents(dir, 0700) < 0 || !g_file_set_contents(path, "", 0, NULL)) {
        vg_set_errno(error, errno, _("cannot write %s"), path);
        return FALSE;
    }
    return TRUE;
}

gboolean vg_sim_pci_give_back(VgXen *xen, const VgPciAddr *addr, gboolean rebind, GError **error) {
    g_autofree char *path = lent_path((VgSim *)xen, addr);
    if (!rebind || !g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    if (told_to_fail("sim.pci.back", addr, error))
        return FALSE;
    g_unlink(path);
    return TRUE;
}

/* There is nothing inside that could be reset. */
gboolean vg_sim_pci_reset(VgXen *xen, const VgPciAddr *addr, GError **error) {
    return !told_to_fail("sim.pci.reset", addr, error);
}

static const VgSimDomain *holder_of_pci(const VgSim *sim, const char *address) {
    for (guint i = 0; i < sim->doms->len; i++) {
        const VgSimDomain *dom = g_ptr_array_index(sim->doms, i);
        if (find(dom->pci, address) >= 0)
            return dom;
    }
    return NULL;
}

gboolean vg_sim_plug_pci(VgSim *sim, VgSimDomain *dom, const libxl_device_pci *pci, GError **error) {
    VgPciAddr addr = address_of(pci);
    g_autofree char *address = pci_entry(pci);
    const VgSimDomain *other = holder_of_pci(sim, address);
    if (other)
        vg_set_error(error, VG_ERR_RESOURCE_BUSY, _("PCI device %s is in use by domain %u ('%s')"), address,
                     other->domid, other->name);
    else if (!sim->host->info.iommu)
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("PCI device %s cannot be given to a guest: the host has no IOMMU"), address);
    else if (!pci->seize && !vg_sim_pci_lent(&sim->xen, &addr))
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("PCI device %s is not assignable: a driver of the host has it"),
                     address);
    else if (!dom->passthrough)
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("passthrough is not enabled for domain %u ('%s')"), dom->domid,
                     dom->name);
    else
        add(&dom->pci, g_steal_pointer(&address));
    return address == NULL;
}

/* QEMU and its guest have to agree that such a device goes. */
static gboolean unplug_pci(VgSim *sim, VgSimDomain *dom, const libxl_device_pci *pci, GError **error) {
    g_autofree char *address = pci_entry(pci);
    int at = find(dom->pci, address);
    if (at >= 0 && vg_sim_is_deaf(sim, dom)) {
        vg_set_error(error, VG_ERR_OPERATION_TIMEOUT, _("domain %u ('%s') does not let PCI device %s go"), dom->domid,
                     dom->name, address);
        return FALSE;
    }
    drop(dom->pci, at);
    return TRUE;
}

/* --- the seam */

typedef struct {
    const char *before, *after; /* fault points; to fail after it was done, attach() alone can: its caller cleans up */
    gboolean (*what)(VgSim *sim, VgSimDomain *dom, const libxl_domain_config *c, int *ret, GError **error);
} Change;

static gboolean make(VgXen *xen, guint32 domid, const VgXenConfig *devices, const Change *change, int *ret,
                     GError **error) {
    VgSim *sim = (VgSim *)xen;
    if (vg_fault(change->before)) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("libxl failed at step '%s': Input/output error"),
                     change->before);
        return FALSE;
    }
    pthread_mutex_lock(&sim->lock);
    VgSimDomain *dom = vg_sim_find(sim, domid);
    gboolean there = dom && domid && dom->stage == VG_SIM_STAGE_DONE;
    if (!there)
        vg_set_error(error, VG_ERR_NO_DOMAIN, _("the host has no domain with id %u"), domid);
    gboolean ok = there && change->what(sim, dom, &devices->c, ret, error) && vg_sim_store_write(sim->dir, dom, error);
    pthread_mutex_unlock(&sim->lock);
    if (!ok || !vg_fault(change->after) || !ret)
        return ok;
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("libxl failed at step '%s': Input/output error"), change->after);
    return FALSE;
}

static gboolean do_attach(VgSim *sim, VgSimDomain *dom, const libxl_domain_config *c, int *ret, GError **error) {
    if (c->num_disks)
        return vg_sim_plug_disk(dom, &c->disks[0], error);
    if (c->num_nics)
        *ret = vg_sim_plug_nic(dom, &c->nics[0]);
    for (int i = 0; i < c->num_pcidevs; i++)
        if (!vg_sim_plug_pci(sim, dom, &c->pcidevs[i], error))
            return FALSE;
    return TRUE;
}

static gboolean do_detach(VgSim *sim, VgSimDomain *dom, const libxl_domain_config *c, int *ret, GError **error) {
    if (c->num_disks)
        drop(dom->disks, find(dom->disks, c->disks[0].vdev));
    if (c->num_nics)
        drop(dom->nics, find_nic(dom, &c->nics[0]));
    for (int i = c->num_pcidevs - 1; i >= 0; i--)
        if (!unplug_pci(sim, dom, &c->pcidevs[i], error))
            return FALSE;
    return TRUE;
}

static gboolean do_insert(VgSim *sim, VgSimDomain *dom, const libxl_domain_config *c, int *ret, GError **error) {
    int at = find(dom->disks, c->disks[0].vdev);
    if (at < 0) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED, _("domain '%s' has no drive '%s'"), dom->name, c->disks[0].vdev);
        return FALSE;
    }
    g_free(dom->disks[at]);
    dom->disks[at] = disk_entry(&c->disks[0]);
    return TRUE;
}

gboolean vg_sim_attach(VgXen *xen, guint32 domid, const VgXenConfig *devices, int *ret_devid, GError **error) {
    static const Change change = {"sim.plug.attach", "sim.plug.attached", do_attach};
    *ret_devid = -1;
    return make(xen, domid, devices, &change, ret_devid, error);
}

gboolean vg_sim_detach(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error) {
    static const Change change = {"sim.plug.detach", "sim.plug.detached", do_detach};
    return make(xen, domid, devices, &change, NULL, error);
}

gboolean vg_sim_insert(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error) {
    static const Change change = {"sim.plug.insert", "sim.plug.inserted", do_insert};
    return make(xen, domid, devices, &change, NULL, error);
}
