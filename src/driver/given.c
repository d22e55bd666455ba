/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* given.c: the claims of the GPU engine beside the PCI devices that definitions name themselves. */
#include "driver/given.h"

#include "base/i18n.h"
#include "driver/pcidevs.h"

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

static const VgPciAddr *nth_pci(const VgDomain *def, gsize i) {
    gboolean managed;
    return vg_pcidevs_nth(def, i, &managed);
}

/* The first PCI device of @def that @claim has too. */
static const VgPciAddr *both_have(const VgDomain *def, const VgClaim *claim) {
    for (gsize i = 0; i < vg_pcidevs_count(def); i++) {
        const VgPciAddr *addr = nth_pci(def, i);
        if (addr && place_on(claim, addr))
            return addr;
    }
    return NULL;
}

static gboolean names(const VgDomain *def, const VgPciAddr *addr) {
    for (gsize i = 0; i < vg_pcidevs_count(def); i++) {
        const VgPciAddr *other = nth_pci(def, i);
        if (other && vg_pciaddr_compare(other, addr) == 0)
            return TRUE;
    }
    return FALSE;
}

static const VgClaim *claim_on(VgDriverState *hub, const VgPciAddr *addr) {
    gsize n = 0;
    g_autofree VgClaim **claims = vg_gpus_claims(hub->gpus, &n);
    for (gsize i = 0; i < n; i++)
        if (place_on(claims[i], addr))
            return claims[i];
    return NULL;
}

/* Who has it whole, but for @but (or NULL). */
static const VgDom *owner_of(VgDriverState *hub, const VgPciAddr *addr, const VgRun *but) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgDom *dom = value;
        if (dom->run && dom->run != but && names(dom->run->def, addr))
            return dom;
    }
    return NULL;
}

gboolean vg_given_free(const VgRun *run, const VgPciAddr *addr, GError **error) {
    char text[VG_PCIADDR_TEXT];
    const VgClaim *claim = claim_on(run->hub, addr);
    const VgDom *dom = claim ? NULL : owner_of(run->hub, addr, run);
    vg_pciaddr_format(addr, text);
    if (claim)
        vg_set_error(
            error, VG_ERR_RESOURCE_BUSY,
            vg_claim_is_node_device(claim)
                ? _("PCI device %s cannot be given to domain '%s' whole: a vGPU on it is there for '%s'; destroy that "
                    "node device first")
                : _("PCI device %s cannot be given to domain '%s' whole: domain '%s' has a vGPU on it; stop that one "
                    "first"),
            text, run->def->name, vg_claim_holder(claim));
    else if (dom)
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("PCI device %s cannot be given to domain '%s': domain '%s' has it; stop that one, or detach the "
                       "device from it"),
                     text, run->def->name, dom->name);
    return !claim && !dom;
}

gboolean vg_given_idle(VgDriverState *hub, const VgPciAddr *addr, GError **error) {
    char text[VG_PCIADDR_TEXT];
    const VgClaim *claim = claim_on(hub, addr);
    const VgDom *dom = claim ? NULL : owner_of(hub, addr, NULL);
    vg_pciaddr_format(addr, text);
    if (claim)
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("PCI device %s is in use: '%s' has a vGPU on it"), text,
                     vg_claim_holder(claim));
    else if (dom)
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("PCI device %s is in use by domain '%s'; stop it, or detach the device from it"), text,
                     dom->name);
    return !claim && !dom;
}

static gboolean whole_is_free(const VgRun *run, GError **error) {
    const VgDomain *def = run->def;
    for (gsize i = 0; i < vg_pcidevs_count(def); i++) {
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
    if (!whole_is_free(run, error))
        return FALSE;
    for (guint i = 0; i < run->claims->len; i++)
        if (!vg_given_in_parts(run->hub, run->claims->pdata[i], run, run->def->name, error))
            return FALSE;
    return TRUE;
}
