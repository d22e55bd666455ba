/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* given.c: the claims of the GPU engine beside the PCI devices that definitions name themselves. */
#include "driver/given.h"

#include "base/i18n.h"

/* The place of @claim that is on @addr, or is it. */
static const VgPlace *place_on(const VgClaim *claim, const VgPciAddr *addr) {
    gsize n = 0;
    const VgPlace *places = vg_claim_places(claim, &n);
    for (gsize i = 0; i < n; i++)
        if (vg_pciaddr_compare(&places[i].gpu, addr) == 0 ||
            (places[i].has_vf && vg_pciaddr_compare(&places[i].vf, addr) == 0))
            return &places[i];
    return NULL;
}

/* The PCI devices that a definition names: its i-th host device, and behind those its interfaces; NULL: no such one. */
static const VgPciAddr *nth_pci(const VgDomain *def, gsize i) {
    if (i < def->n_hostdevs)
        return def->hostdevs[i]->type == VG_HOSTDEV_PCI ? &def->hostdevs[i]->pci.addr : NULL;
    const VgInterface *net = def->interfaces[i - def->n_hostdevs];
    return net->type == VG_NET_HOSTDEV ? &net->host : NULL;
}

/* The first PCI device of @def that @claim has too. */
static const VgPciAddr *both_have(const VgDomain *def, const VgClaim *claim) {
    for (gsize i = 0; i < def->n_hostdevs + def->n_interfaces; i++) {
        const VgPciAddr *addr = nth_pci(def, i);
        if (addr && place_on(claim, addr))
            return addr;
    }
    return NULL;
}

static gboolean names(const VgDomain *def, const VgPciAddr *addr) {
    for (gsize i = 0; i < def->n_hostdevs + def->n_interfaces; i++) {
        const VgPciAddr *other = nth_pci(def, i);
        if (other && vg_pciaddr_compare(other, addr) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Has a guest a vGPU on it? */
static gboolean no_vgpu_on(const VgRun *run, const VgPciAddr *addr, GError **error) {
    gsize n = 0;
    char text[VG_PCIADDR_TEXT];
    g_autofree VgClaim **claims = vg_gpus_claims(run->hub->gpus, &n);
    for (gsize i = 0; i < n; i++) {
        if (!place_on(claims[i], addr))
            continue;
        vg_set_error(
            error, VG_ERR_RESOURCE_BUSY,
            vg_claim_is_node_device(claims[i])
                ? _("PCI device %s cannot be given to domain '%s' whole: a vGPU on it is there for '%s'; destroy that "
                    "node device first")
                : _("PCI device %s cannot be given to domain '%s' whole: domain '%s' has a vGPU on it; stop that one "
                    "first"),
            vg_pciaddr_format(addr, text), run->def->name, vg_claim_holder(claims[i]));
        return FALSE;
    }
    return TRUE;
}

gboolean vg_given_free(const VgRun *run, const VgPciAddr *addr, GError **error) {
    GHashTableIter iter;
    gpointer value;
    char text[VG_PCIADDR_TEXT];
    if (!no_vgpu_on(run, addr, error))
        return FALSE;
    g_hash_table_iter_init(&iter, run->hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgDom *dom = value;
        if (!dom->run || dom->run == run || !names(dom->run->def, addr))
            continue;
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("PCI device %s cannot be given to domain '%s': domain '%s' has it; stop that one, or detach the "
                       "device from it"),
                     vg_pciaddr_format(addr, text), run->def->name, dom->name);
        return FALSE;
    }
    return TRUE;
}

static gboolean whole_is_free(const VgRun *run, GError **error) {
    const VgDomain *def = run->def;
    for (gsize i = 0; i < def->n_hostdevs + def->n_interfaces; i++) {
        const VgPciAddr *addr = nth_pci(def, i);
        if (addr && !vg_given_free(run, addr, error))
            return FALSE;
    }
    return TRUE;
}

gboolean vg_given_in_parts(VgDriverState *hub, const VgClaim *claim, const VgRun *but, const char *whose,
                           GError **error) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgDom *dom = value;
        const VgPciAddr *addr = dom->run && dom->run != but ? both_have(dom->run->def, claim) : NULL;
        char text[VG_PCIADDR_TEXT];
        if (!addr)
            continue;
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("the vGPU of '%s' would be on PCI device %s, which domain '%s' has whole, by "
                       "<hostdev type='pci'>; stop that one, or name another GPU"),
                     whose, vg_pciaddr_format(addr, text), dom->name);
        return FALSE;
    }
    return TRUE;
}

gboolean vg_given_once(const VgRun *run, GError **error) {
    return whole_is_free(run, error) &&
           (!run->claim || vg_given_in_parts(run->hub, run->claim, run, run->def->name, error));
}
