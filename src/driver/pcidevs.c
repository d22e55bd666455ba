/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcidevs.c: PCI devices of the host on their way to guests and back. */
#include "driver/pcidevs.h"

#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"

#define VG_AREA "driver"
#include "base/log.h"

gsize vg_pcidevs_count(const VgDomain *def) {
    return def->n_hostdevs + def->n_interfaces;
}

const VgPciAddr *vg_pcidevs_nth(const VgDomain *def, gsize i, gboolean *ret_managed) {
    if (i < def->n_hostdevs) {
        *ret_managed = def->hostdevs[i]->managed == VG_TRISTATE_YES;
        return def->hostdevs[i]->type == VG_HOSTDEV_PCI ? &def->hostdevs[i]->pci.addr : NULL;
    }
    const VgInterface *net = def->interfaces[i - def->n_hostdevs];
    *ret_managed = net->managed == VG_TRISTATE_YES;
    return net->type == VG_NET_HOSTDEV ? &net->host : NULL;
}

/* --- what is to go back ------------------------------------------------------------------------------------------- */

static int find(char **lent, const char *text) {
    for (int i = 0; lent && lent[i]; i++)
        if (strcmp(lent[i], text) == 0)
            return i;
    return -1;
}

static void note(VgRun *run, const char *text) {
    gsize n = run->pcidevs ? g_strv_length(run->pcidevs) : 0;
    run->pcidevs = g_renew(char *, run->pcidevs, n + 2);
    run->pcidevs[n] = g_strdup(text);
    run->pcidevs[n + 1] = NULL;
}

static void forget(VgRun *run, int at) {
    g_free(run->pcidevs[at]);
    for (; run->pcidevs[at]; at++)
        run->pcidevs[at] = run->pcidevs[at + 1];
}

/* --- there and back ----------------------------------------------------------------------------------------------- */

static gboolean refuse_unmanaged(const VgRun *run, const VgPciAddr *addr, GError **error) {
    char text[VG_PCIADDR_TEXT];
    vg_pciaddr_format(addr, text);
    g_autofree char *node = g_strdup_printf("pci_%s", text);
    g_strdelimit(node, ":.", '_');
    vg_set_error(
        error, VG_ERR_CONFIG_UNSUPPORTED,
        _("PCI device %s of domain '%s' is not ready to be given away, and with managed='no' nobody makes it so: "
          "say managed='yes', or take it from the host with 'virsh nodedev-detach %s' first"),
        text, run->def->name, node);
    return FALSE;
}

gboolean vg_pcidevs_lend(VgRun *run, const VgPciAddr *addr, gboolean managed, VgPcidevsWrite write, gpointer data,
                         GError **error) {
    VgXen *xen = run->hub->xen;
    char text[VG_PCIADDR_TEXT];
    if (xen->ops->pci_lent(xen, addr))
        return TRUE; /* whoever did it takes it back */
    if (!managed)
        return refuse_unmanaged(run, addr, error);
    note(run, vg_pciaddr_format(addr, text));
    if (!write(data, error))
        return FALSE;
    return xen->ops->pci_lend(xen, addr, error);
}

gboolean vg_pcidevs_give_back(VgRun *run, const VgPciAddr *addr, GError **error) {
    char text[VG_PCIADDR_TEXT];
    int at = find(run->pcidevs, vg_pciaddr_format(addr, text));
    if (at < 0)
        return TRUE;
    if (!run->hub->xen->ops->pci_give_back(run->hub->xen, addr, TRUE, error))
        return FALSE;
    forget(run, at);
    return TRUE;
}

gboolean vg_pcidevs_give_back_all(VgRun *run, GError **error) {
    VgPciAddr addr;
    while (run->pcidevs && run->pcidevs[0]) {
        if (!vg_pciaddr_parse(run->pcidevs[0], &addr))
            forget(run, 0);
        else if (!vg_pcidevs_give_back(run, &addr, error))
            return FALSE;
    }
    return TRUE;
}

void vg_pcidevs_free_claim(VgDriverState *hub, const VgClaim *claim) {
    gsize n = 0;
    const VgPlace *places = vg_claim_places(claim, &n);
    for (gsize i = 0; i < n; i++) {
        if (places[i].backend == VG_BACKEND_SRIOV)
            hub->xen->ops->pci_give_back(hub->xen, &places[i].vf, FALSE, NULL);
        for (guint k = 0; k < 8 && places[i].backend == VG_BACKEND_PASSTHROUGH; k++) {
            VgPciAddr addr = places[i].gpu;
            addr.function = (guint8)k;
            if (places[i].functions >> k & 1)
                hub->xen->ops->pci_give_back(hub->xen, &addr, FALSE, NULL);
        }
    }
}

void vg_pcidevs_repair(VgDriverState *hub, char **lent) {
    for (char **text = lent; text && *text; text++) {
        g_autoptr(GError) error = NULL;
        VgPciAddr addr;
        if (!vg_pciaddr_parse(*text, &addr))
            continue;
        if (vg_fault("driver.recover.pci") || !hub->xen->ops->pci_give_back(hub->xen, &addr, TRUE, &error))
            vg_warn("PCI device %s, which a guest had that is gone, stays with Xen: %s; 'virsh nodedev-reattach' gives "
                    "it back",
                    *text, error ? error->message : "told to fail");
    }
}
