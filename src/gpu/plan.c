/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan.c: would it start, where, and if not: each GPU's reason and the smallest change that makes it possible. Changes
 * are tried on the picture of placement itself, which is put back as it was before anyone else looks. docs/grid-
 * protocol.md has the members.
 */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/engine.h"

#define STOPS_MOST 256 /* guests whose end is tried, one by one */
#define CHANGES_MOST 3
#define MODES_MOST 16 /* GPUs whose other modes are tried */

typedef struct {
    VgGpus *gpus;
    const VgVgpuRequest *requests;
    VgWant *wants;
    guint n;
    VgJson *changes;
} Plan;

static const char *const fit_names[] = {
    [VG_FIT_UNSUPPORTED] = "unsupported",
    [VG_FIT_UNUSABLE] = "unusable",
    [VG_FIT_CLOSED] = "closed",
    [VG_FIT_EXPERIMENTAL] = "experimental",
    [VG_FIT_DISABLED] = "disabled",
    [VG_FIT_QUOTA] = "quota",
    [VG_FIT_INCOMPATIBLE] = "incompatible",
    [VG_FIT_FULL] = "full",
    [VG_FIT_FRAGMENTED] = "fragmented",
    [VG_FIT_AFFINITY] = "affinity",
    [VG_FIT_OK] = "ok",
};

static gboolean possible(const Plan *p) {
    VgPick picked[VG_PLACE_MOST];
    return vg_place(&p->gpus->room, p->wants, p->n, picked);
}

static gboolean is_full(const Plan *p) {
    return vg_json_length(p->changes) >= CHANGES_MOST;
}

static VgJson *propose(const Plan *p, const char *change, const char *gpu, char *text) {
    g_autofree char *own = text;
    VgJson *o = vg_json_append(p->changes, vg_json_new_object());
    vg_json_set_string(o, "change", change);
    if (gpu != NULL)
        vg_json_set_string(o, "gpu", gpu);
    vg_json_set_string(o, "text", own);
    return o;
}

/* --- what the administrator could do ------------------------------------------------------------------------------ */

static void try_open(const Plan *p) {
    VgRoom *room = &p->gpus->room;
    for (guint i = 0; i < room->n_gpus && !is_full(p); i++) {
        if (!room->gpus[i].closed)
            continue;
        room->gpus[i].closed = FALSE;
        const char *gpu = p->gpus->inventory.gpus[i].text;
        if (possible(p))
            propose(p, "open", gpu, g_strdup_printf(_("open GPU %s again: gridctl open %s"), gpu, gpu));
        room->gpus[i].closed = TRUE;
    }
}

static void hold(const Plan *p, guint32 type, gboolean held) {
    VgRoomType *t = &p->gpus->room.types[type];
    for (guint i = 0; vg_types_nth(p->gpus->types, type)->experimental && i < t->n_offers; i++)
        t->offers[i].held = held;
}

static void try_allow(const Plan *p) {
    if (p->gpus->settings->experimental)
        return;
    for (guint i = 0; i < p->n; i++)
        hold(p, p->wants[i].type, FALSE);
    if (possible(p))
        propose(p, "experimental", NULL, g_strdup(_("allow experimental types: gridctl set experimental yes")));
    for (guint i = 0; i < p->n; i++)
        hold(p, p->wants[i].type, TRUE);
}

static void try_enable(const Plan *p) {
    VgRoomType *t = &p->gpus->room.types[p->wants[0].type];
    const char *type = vg_types_nth(p->gpus->types, p->wants[0].type)->name;
    for (guint i = 0; i < t->n_offers && !is_full(p); i++) {
        if (t->offers[i].enabled)
            continue;
        t->offers[i].enabled = TRUE;
        const char *gpu = p->gpus->inventory.gpus[t->offers[i].gpu].text;
        if (possible(p))
            propose(p, "enable", gpu,
                    g_strdup_printf(_("enable type %s on GPU %s: gridctl type enable '%s' --gpu %s"), type, gpu, type,
                                    gpu));
        t->offers[i].enabled = FALSE;
    }
}

/* The real order, taken back: so whatever would refuse that refuses this. Its driver would be told soon after. */
static gboolean possible_in_mode(const Plan *p, VgGpu *gpu, const char *mode) {
    VgWant wants[VG_PLACE_MOST];
    VgPick picked[VG_PLACE_MOST];
    VgGpuSwitch before[VG_DRIVER_MODE_LAST];
    g_autofree char *order = g_strdup_printf("{\"order\":\"mode\",\"gpu\":\"%s\",\"mode\":\"%s\"}", gpu->text, mode);
    memcpy(before, gpu->modes, sizeof before);
    for (guint i = 0; i < VG_DRIVER_MODE_LAST; i++)
        gpu->modes[i] = VG_SWITCH_ON;
    VgGpusChange *change = vg_gpus_change_begin(p->gpus, order, NULL);
    gboolean good = change != NULL && vg_gpus_resolve(p->gpus, p->requests, p->n, wants, NULL) &&
                    vg_place(&p->gpus->room, wants, p->n, picked);
    memcpy(gpu->modes, before, sizeof before);
    if (change != NULL)
        vg_gpus_change_end(change, FALSE);
    vg_gpus_resolve(p->gpus, p->requests, p->n, p->wants, NULL);
    return good;
}

/* The least that would do, for each GPU that has the type and nobody on it that is in the way of another mode. */
static void try_modes(const Plan *p) {
    static const VgGpuMode modes[] = {VG_MODE_EQUAL_SIZE, VG_MODE_MIXED_SIZE, VG_MODE_ONE_TYPE, VG_MODE_MIG};
    const VgType *type = vg_types_nth(p->gpus->types, p->wants[0].type);
    for (guint i = 0, tried = 0; !p->gpus->changing && i < p->gpus->inventory.n && tried < MODES_MOST; i++) {
        VgGpu *gpu = &p->gpus->inventory.gpus[i];
        const VgGpuOffer *offer = vg_gpu_offer(gpu, type);
        if (offer == NULL || offer->backend->id == VG_BACKEND_PASSTHROUGH || is_full(p))
            continue;
        tried++;
        for (guint m = 0; m < G_N_ELEMENTS(modes); m++) {
            const char *mode = vg_names_name(&vg_gpu_mode_names, (int)modes[m]);
            if (modes[m] == gpu->mode || type->mig != (modes[m] == VG_MODE_MIG) || !possible_in_mode(p, gpu, mode))
                continue;
            vg_json_set_string(propose(p, "mode", gpu->text,
                                       g_strdup_printf(_("put GPU %s into mode %s: gridctl set mode %s %s"), gpu->text,
                                                       mode, gpu->text, mode)),
                               "mode", mode);
            break;
        }
    }
}

static void try_quotas(const Plan *p) {
    VgRoom *room = &p->gpus->room;
    for (guint i = 0; i < room->n_quotas && !is_full(p); i++) {
        VgRoomQuota *q = &room->quotas[i];
        guint32 before = q->most;
        q->most = q->used + p->n;
        if (q->most > before && possible(p)) {
            const char *group =
                q->group != VG_PLACE_ANY ? g_array_index(p->gpus->groups, VgGpuGroup, q->group).name : NULL;
            const char *type = q->type != VG_PLACE_ANY ? vg_types_nth(p->gpus->types, q->type)->name : NULL;
            VgJson *o =
                propose(p, "quota", NULL,
                        g_strdup_printf(_("raise the quota from %u to %u: gridctl set quota %u%s%s%s%s%s%s"), before,
                                        q->most, q->most, type != NULL ? " --type '" : "", type != NULL ? type : "",
                                        type != NULL ? "'" : "", group != NULL ? " --group '" : "",
                                        group != NULL ? group : "", group != NULL ? "'" : ""));
            vg_json_set_int(o, "most", q->most);
        }
        q->most = before;
    }
}

/* All needed ones become preferred; the first names what is meant. */
static void try_bonds(const Plan *p) {
    VgWant wants[VG_PLACE_MOST];
    const char *name = NULL;
    memcpy(wants, p->wants, p->n * sizeof *wants);
    for (guint i = 0; i < p->n; i++)
        for (guint32 k = 0; k < wants[i].n_bonds; k++) {
            if (!wants[i].bonds[k].preferred && name == NULL)
                name = vg_gpus_bond_name(p->gpus, wants[i].bonds[k].bond);
            wants[i].bonds[k].preferred = TRUE;
        }
    Plan relaxed = {p->gpus, p->requests, wants, p->n, p->changes};
    if (name != NULL && !is_full(p) && possible(&relaxed))
        vg_json_set_string(propose(p, "affinity", NULL,
                                   g_strdup_printf(_("give affinity '%s' of the guest strength='preferred'"), name)),
                           "affinity", name);
}

/* --- which guests would have to go -------------------------------------------------------------------------------- */

/* Node devices stay when the guest that has them stops: they are destroyed by themselves. */
static void propose_stop(const Plan *p, VgClaim *const *claims, guint n) {
    VgShortList guests, devices;
    vg_list_begin(&guests, 16);
    vg_list_begin(&devices, 16);
    VgJson *o = propose(p, "stop", NULL, NULL);
    VgJson *domains = vg_json_set(o, "domains", vg_json_new_array());
    VgJson *nodes = vg_json_set(o, "node_devices", vg_json_new_array());
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < n; i++) {
        const char *guest = vg_claim_is_node_device(claims[i]) ? claims[i]->user_name : claims[i]->owner_name;
        if (guest != NULL && g_hash_table_add(seen, (gpointer)guest)) {
            vg_list_add(&guests, guest);
            vg_json_append(domains, vg_json_new_string(guest));
        }
        if (vg_claim_is_node_device(claims[i])) {
            vg_list_add(&devices, claims[i]->owner_name);
            vg_json_append(nodes, vg_json_new_string(claims[i]->owner_name));
        }
    }
    gboolean one = vg_json_length(domains) == 1;
    g_autofree char *names = vg_list_end(&guests), *gone = vg_list_end(&devices);
    g_autofree char *stop =
        *names != '\0' ? g_strdup_printf(one ? _("stop guest %s") : _("stop guests %s"), names) : g_strdup("");
    g_autofree char *destroy =
        *gone != '\0' ? g_strdup_printf(_("destroy node device %s: virsh nodedev-destroy"), gone) : g_strdup("");
    g_autofree char *text = g_strconcat(stop, *stop != '\0' && *destroy != '\0' ? "; " : "", destroy, NULL);
    vg_json_set_string(o, "text", text);
}

static gboolean possible_without(const Plan *p, VgClaim *const *claims, guint n) {
    for (guint i = 0; i < n; i++)
        vg_gpus_room_leave(claims[i]);
    gboolean good = possible(p);
    for (guint i = 0; i < n; i++)
        vg_gpus_room_enter(claims[i]);
    return good;
}

static gboolean touches(const VgClaim *c, guint gpu) {
    for (gsize i = 0; i < c->n; i++)
        if (c->insides[i].gpu == gpu)
            return TRUE;
    return FALSE;
}

/* Could the first want go on @gpu if nobody were there? */
static gboolean in_question(const Plan *p, guint gpu) {
    const VgRoomOffer *offer = vg_place_offer(&p->gpus->room, gpu, p->wants[0].type);
    return offer != NULL && offer->usable && offer->enabled && !offer->held && !p->gpus->room.gpus[gpu].closed &&
           (p->wants[0].gpu == VG_PLACE_ANY || p->wants[0].gpu == gpu) &&
           (p->wants[0].group == VG_PLACE_ANY || p->wants[0].group == p->gpus->room.gpus[gpu].group);
}

/* All that goes when the guest of @c stops; a node device is there by itself. */
static GPtrArray *goes_with(const Plan *p, VgClaim *c) {
    GPtrArray *set = g_ptr_array_new();
    g_ptr_array_add(set, c);
    for (guint i = 0; !vg_claim_is_node_device(c) && i < p->gpus->claims->len; i++) {
        VgClaim *other = g_ptr_array_index(p->gpus->claims, i);
        if (other != c && vg_uuid_equal(&other->owner, &c->owner))
            g_ptr_array_add(set, other);
    }
    return set;
}

static void try_one_stop(const Plan *p) {
    g_autoptr(GHashTable) tried = g_hash_table_new(vg_uuid_hash, vg_uuid_equal_ptr);
    for (guint i = 0, n = 0; i < p->gpus->claims->len && n < STOPS_MOST && !is_full(p); i++) {
        VgClaim *c = g_ptr_array_index(p->gpus->claims, i);
        gboolean near = FALSE;
        for (gsize k = 0; k < c->n; k++)
            near = near || (c->insides[k].gpu != VG_PLACE_ANY && in_question(p, c->insides[k].gpu));
        if (!near || (!vg_claim_is_node_device(c) && !g_hash_table_add(tried, &c->owner)))
            continue;
        n++;
        g_autoptr(GPtrArray) set = goes_with(p, c);
        if (possible_without(p, (VgClaim **)set->pdata, set->len))
            propose_stop(p, (VgClaim **)set->pdata, set->len);
    }
}

static int by_length(gconstpointer a, gconstpointer b) {
    const GPtrArray *x = *(GPtrArray *const *)a, *y = *(GPtrArray *const *)b;
    return x->len < y->len ? -1 : x->len > y->len;
}

/* If no single guest is enough: all of one GPU, the fewest first. */
static void try_empty_gpu(const Plan *p) {
    g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    guint tried = 0;
    for (guint gpu = 0; gpu < p->gpus->inventory.n && tried < STOPS_MOST; gpu++) {
        if (!in_question(p, gpu))
            continue;
        g_autoptr(GPtrArray) set = g_ptr_array_new();
        for (guint i = 0; i < p->gpus->claims->len; i++)
            if (touches(g_ptr_array_index(p->gpus->claims, i), gpu))
                g_ptr_array_add(set, g_ptr_array_index(p->gpus->claims, i));
        tried++;
        if (set->len > 1 && possible_without(p, (VgClaim **)set->pdata, set->len))
            g_ptr_array_add(sets, g_steal_pointer(&set));
    }
    g_ptr_array_sort(sets, by_length);
    for (guint i = 0; i < sets->len && !is_full(p); i++) {
        GPtrArray *set = g_ptr_array_index(sets, i);
        propose_stop(p, (VgClaim **)set->pdata, set->len);
    }
}

/* --- documents ---------------------------------------------------------------------------------------------------- */

static VgJson *reasons(const Plan *p) {
    VgJson *list = vg_json_new_array();
    for (guint w = 0; w < p->n; w++) {
        const VgWant *want = &p->wants[w];
        gboolean seen = FALSE;
        for (guint k = 0; k < w; k++)
            seen = seen || p->wants[k].type == want->type;
        for (guint i = 0; !seen && i < p->gpus->inventory.n; i++) {
            VgFit fit = vg_place_fit_want(&p->gpus->room, i, want);
            g_autofree char *text = NULL;
            const char *kind = fit_names[fit];
            if (want->gpu != VG_PLACE_ANY && want->gpu != i) {
                text = g_strdup_printf(_("%s is not the one asked for"), p->gpus->inventory.gpus[i].text);
                kind = "other";
            } else if (want->group != VG_PLACE_ANY && want->group != p->gpus->room.gpus[i].group) {
                text = g_strdup_printf(_("%s is not in the group asked for"), p->gpus->inventory.gpus[i].text);
                kind = "other";
            } else
                text = vg_gpus_reason_want(p->gpus, i, want, fit);
            VgJson *o = vg_json_append(list, vg_json_new_object());
            vg_json_set_string(o, "gpu", p->gpus->inventory.gpus[i].text);
            vg_json_set_string(o, "type", vg_types_nth(p->gpus->types, want->type)->name);
            vg_json_set_string(o, "fit", kind);
            vg_json_set_string(o, "reason", text);
        }
    }
    return list;
}

VgJson *vg_gpus_json_places(const VgPlace *places, gsize n) {
    char text[VG_UUID_TEXT], addr[VG_PCIADDR_TEXT];
    VgJson *list = vg_json_new_array();
    for (gsize i = 0; i < n; i++) {
        const VgPlace *p = &places[i];
        VgJson *o = vg_json_append(list, vg_json_new_object());
        vg_json_set_string(o, "uuid", vg_uuid_format(&p->vgpu, text));
        vg_json_set_string(o, "type", p->type_name);
        vg_json_set_string(o, "gpu", vg_pciaddr_format(&p->gpu, addr));
        vg_json_set_string(o, "vf", p->has_vf ? vg_pciaddr_format(&p->vf, addr) : NULL);
        vg_json_set_string(o, "backend", p->backend_name);
        if (p->start >= 0)
            vg_json_set_int(o, "placement", p->start);
    }
    return list;
}

VgJson *vg_gpus_json_plan(VgGpus *gpus, const VgVgpuRequest *requests, gsize n) {
    g_autoptr(GError) error = NULL;
    VgWant wants[VG_PLACE_MOST];
    VgPlace *places = NULL;
    VgJson *o = vg_json_new_object();
    gboolean good = vg_gpus_plan(gpus, requests, n, &places, &error);
    vg_json_set_bool(o, "possible", good);
    vg_json_set(o, "places", vg_gpus_json_places(places, good ? n : 0));
    vg_places_free(places, good ? n : 0);
    if (good)
        return o;
    vg_json_set_string(o, "message", error->message);
    Plan p = {gpus, requests, wants, (guint)n, vg_json_set(o, "changes", vg_json_new_array())};
    if (!vg_gpus_resolve(gpus, requests, n, wants, NULL))
        return o; /* what can never be has no GPU's reason and no change but to the definition */
    vg_json_set(o, "gpus", reasons(&p));
    try_open(&p);
    try_allow(&p);
    try_enable(&p);
    try_modes(&p);
    try_quotas(&p);
    try_bonds(&p);
    try_one_stop(&p);
    if (vg_json_length(p.changes) == 0)
        try_empty_gpu(&p);
    return o;
}

VgJson *vg_gpus_json_why(VgGpus *gpus) {
    VgJson *o = vg_json_new_object();
    VgJson *list = vg_json_set(o, "why", vg_json_new_array());
    for (guint t = 0; t < gpus->room.n_types; t++)
        for (guint i = 0; i < gpus->room.types[t].n_offers; i++) {
            guint gpu = gpus->room.types[t].offers[i].gpu;
            VgFit fit = vg_place_fit(&gpus->room, gpu, t);
            VgJson *row = vg_json_append(list, vg_json_new_object());
            vg_json_set_string(row, "type", vg_types_nth(gpus->types, t)->name);
            vg_json_set_string(row, "gpu", gpus->inventory.gpus[gpu].text);
            vg_json_set_string(row, "group", g_array_index(gpus->groups, VgGpuGroup, gpus->room.gpus[gpu].group).name);
            vg_json_set_int(row, "available", vg_place_capacity(&gpus->room, gpu, t));
            vg_json_set_string(row, "fit", fit_names[fit]);
            g_autofree char *text = fit != VG_FIT_OK ? vg_gpus_reason(gpus, gpu, t, fit) : NULL;
            vg_json_set_string(row, "reason", text);
        }
    return o;
}
