/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * affinity.c: vGPUs that want to be on one GPU, or each on another: names become numbers that placement knows, and back
 * into words. A name without members is forgotten at the next question. Talks to placement's picture.
 */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/engine.h"

#define MAX_BONDS 65536

char *vg_bond_key(const VgAffinity *affinity) {
    return g_strconcat(affinity->apart ? "apart " : "together ", affinity->name, NULL);
}

static gboolean is_apart(const char *key) {
    return g_str_has_prefix(key, "apart ");
}

static const char *name_of(const char *key) {
    return strchr(key, ' ') + 1;
}

guint32 vg_gpus_bond(VgGpus *gpus, const char *key) {
    VgRoom *room = &gpus->room;
    guint32 unused = room->n_bonds;
    for (guint32 i = 0; i < room->n_bonds; i++) {
        if (g_strcmp0(gpus->bond_keys->pdata[i], key) == 0)
            return i;
        if (gpus->bond_keys->pdata[i] == NULL && unused == room->n_bonds)
            unused = i;
    }
    if (unused == MAX_BONDS)
        return VG_PLACE_ANY;
    if (unused == room->n_bonds) {
        room->bonds = g_renew(VgRoomBond, room->bonds, ++room->n_bonds);
        g_ptr_array_add(gpus->bond_keys, NULL);
    }
    room->bonds[unused] = (VgRoomBond){.apart = is_apart(key)};
    gpus->bond_keys->pdata[unused] = g_strdup(key);
    return unused;
}

void vg_gpus_forget_bonds(VgGpus *gpus) {
    for (guint32 i = 0; i < gpus->room.n_bonds; i++)
        if (gpus->room.bonds[i].members == 0)
            g_clear_pointer(&gpus->bond_keys->pdata[i], g_free);
}

gboolean vg_gpus_resolve_bonds(VgGpus *gpus, const VgVgpuRequest *r, VgWant *want, GError **error) {
    if (r->n_affinities > VG_WANT_BONDS) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("a vGPU can have at most %d affinities"), VG_WANT_BONDS);
        return FALSE;
    }
    want->n_bonds = 0;
    for (guint i = 0; i < r->n_affinities; i++) {
        g_autofree char *key = vg_bond_key(&r->affinities[i]);
        guint32 bond = vg_gpus_bond(gpus, key);
        if (bond == VG_PLACE_ANY) {
            vg_set_error(error, VG_ERR_RESOURCE_BUSY, _("more than %d affinities are in use on this host"), MAX_BONDS);
            return FALSE;
        }
        want->bonds[want->n_bonds].bond = bond;
        want->bonds[want->n_bonds++].preferred = r->affinities[i].preferred;
    }
    return TRUE;
}

static gboolean is_member(const VgPlaceInside *inside, const char *key) {
    return inside->bonds != NULL && g_strv_contains((const char *const *)inside->bonds, key);
}

/* Guests that have a member of @key, on @gpu (VG_PLACE_ANY: anywhere, with their GPUs). */
static char *members(const VgGpus *gpus, const char *key, guint gpu) {
    VgShortList list;
    vg_list_begin(&list, 6);
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++) {
            const VgPlaceInside *in = &c->insides[k];
            if (in->gpu == VG_PLACE_ANY || !is_member(in, key) || (gpu != VG_PLACE_ANY && in->gpu != gpu))
                continue;
            g_autofree char *item = gpu != VG_PLACE_ANY
                                        ? g_strdup(c->owner_name)
                                        : g_strdup_printf("%s: %s", gpus->inventory.gpus[in->gpu].text, c->owner_name);
            vg_list_add(&list, item);
        }
    }
    return vg_list_end(&list);
}

/* Would a needed bond be broken on @gpu? As vg_place_fit_want() counts, for one bond. */
static gboolean breaks(const VgRoom *room, const VgWant *want, guint32 i, guint gpu) {
    VgWant one = {.n_bonds = 1};
    one.bonds[0] = want->bonds[i];
    one.type = want->type;
    one.group = one.gpu = one.node = VG_PLACE_ANY;
    return vg_place_fit_want(room, gpu, &one) == VG_FIT_AFFINITY;
}

char *vg_gpus_bond_reason(VgGpus *gpus, guint gpu, const VgWant *want) {
    for (guint32 i = 0; i < want->n_bonds; i++) {
        const char *key = gpus->bond_keys->pdata[want->bonds[i].bond];
        const char *text = gpus->inventory.gpus[gpu].text;
        if (!breaks(&gpus->room, want, i, gpu))
            continue;
        g_autofree char *who = members(gpus, key, is_apart(key) ? gpu : VG_PLACE_ANY);
        return is_apart(key)
                   ? g_strdup_printf(_("%s has %s, and affinity '%s' keeps them apart"), text, who, name_of(key))
                   : g_strdup_printf(_("%s has none of affinity '%s', which is together (%s)"), text, name_of(key),
                                     who);
    }
    return g_strdup_printf(_("%s does not go with the affinities"), gpus->inventory.gpus[gpu].text);
}

const char *vg_gpus_bond_name(const VgGpus *gpus, guint32 bond) {
    return name_of(gpus->bond_keys->pdata[bond]);
}

VgJson *vg_gpus_json_affinities(char *const *keys) {
    VgJson *list = vg_json_new_array();
    for (char *const *key = keys; key != NULL && *key != NULL; key++) {
        VgJson *o = vg_json_append(list, vg_json_new_object());
        vg_json_set_string(o, "name", name_of(*key));
        vg_json_set_string(o, "type", is_apart(*key) ? "apart" : "together");
    }
    return list;
}
