/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* explain.c: a refusal says what each GPU's reason is and who holds it. Only runs when placement said no. */
#include "config.h"

#include "base/i18n.h"
#include "gpu/engine.h"

#define GPUS_MOST 4
#define NAMES_MOST 6

void vg_list_begin(VgShortList *list, guint most) {
    *list = (VgShortList){g_string_new(NULL), 0, most};
}

void vg_list_add(VgShortList *list, const char *item) {
    if (list->n++ < list->most)
        g_string_append_printf(list->text, "%s%s", list->text->len > 0 ? ", " : "", item);
}

char *vg_list_end(VgShortList *list) {
    if (list->n > list->most)
        g_string_append_printf(list->text, _(" and %u more"), list->n - list->most);
    return g_string_free(g_steal_pointer(&list->text), FALSE);
}

char *vg_gpu_type_names(const VgGpu *gpu) {
    VgShortList list;
    vg_list_begin(&list, 2 * NAMES_MOST);
    for (guint i = 0; i < gpu->offers->len; i++)
        vg_list_add(&list, g_array_index(gpu->offers, VgGpuOffer, i).type->name);
    return vg_list_end(&list);
}

char *vg_gpus_type_names(VgGpus *gpus) {
    VgShortList list;
    vg_list_begin(&list, 2 * NAMES_MOST);
    for (guint i = 0; i < vg_types_count(gpus->types); i++)
        if (gpus->room.types[i].n_offers > 0)
            vg_list_add(&list, vg_types_nth(gpus->types, i)->name);
    return vg_list_end(&list);
}

/* Domains that have something on @gpu, and the devices of others. A domain may have several claims. */
char *vg_gpus_holders(VgGpus *gpus, guint gpu) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    VgShortList list;
    vg_list_begin(&list, NAMES_MOST);
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++)
            if (c->insides[k].gpu == gpu) {
                if (g_hash_table_add(seen, (gpointer)vg_claim_holder(c)))
                    vg_list_add(&list, vg_claim_holder(c));
                break;
            }
    }
    for (guint i = 0; i < gpus->foreign->len; i++)
        if (g_array_index(gpus->foreign, VgKernelVgpu, i).gpu == gpu)
            vg_list_add(&list, _("a device made by other hands"));
    return vg_list_end(&list);
}

/* The names of what runs on @gpu. */
static char *running(VgGpus *gpus, guint gpu) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);
    VgShortList list;
    vg_list_begin(&list, NAMES_MOST);
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++)
            if (c->insides[k].gpu == gpu && g_hash_table_add(seen, (gpointer)c->insides[k].type))
                vg_list_add(&list, c->insides[k].type->name);
    }
    for (guint i = 0; i < gpus->foreign->len; i++) {
        const VgKernelVgpu *v = &g_array_index(gpus->foreign, VgKernelVgpu, i);
        if (v->gpu == gpu && v->type != NULL && g_hash_table_add(seen, (gpointer)v->type))
            vg_list_add(&list, v->type->name);
    }
    return vg_list_end(&list);
}

static const char *const has_at_a_time[VG_MODE_LAST] = {
    [VG_MODE_ONE_TYPE] = N_("%s runs %s (%s), and has one type at a time"),
    [VG_MODE_EQUAL_SIZE] = N_("%s runs %s (%s), and has types of one size at a time"),
    [VG_MODE_MIXED_SIZE] = N_("%s runs %s (%s), and the type has no place beside that"),
    [VG_MODE_MIG] = N_("%s runs %s (%s), and the type has no place beside that"),
};

static char *unusable(const VgGpu *g, const VgType *type) {
    const VgGpuOffer *offer = vg_gpu_offer(g, type);
    if (offer->why_not != NULL)
        return g_strdup_printf("%s: %s", g->text, offer->why_not);
    if (type->mig)
        return g_strdup_printf(_("%s is not in mode mig, which a type on a GPU instance needs"), g->text);
    if (g->mode == VG_MODE_MIG)
        return g_strdup_printf(_("%s is in mode mig, in which only types on GPU instances have a place"), g->text);
    return g_strdup_printf(_("%s is in mode mixed-size, in which the type has no place"), g->text);
}

static char *closed(const VgGpu *g) {
    static const char *const texts[VG_GPU_CLOSED_LAST] = {
        [VG_GPU_QUARANTINE] = N_("%s is in quarantine%s%s"),
        [VG_GPU_DRAIN] = N_("%s is being drained%s%s"),
        [VG_GPU_RESET] = N_("%s is to be reset when it is empty%s%s"),
    };
    const char *text = _(texts[g->closed]);
    const char *why = g->closed_why != NULL ? g->closed_why : "";
    g_auto(GStrv) parts = g_strsplit(text, "%s", 4);
    return g_strconcat(parts[0], g->text, parts[1], *why != '\0' ? ": " : "", why, NULL);
}

/* "3 of 3 vGPUs of type T in group G". */
static char *quota_text(const VgGpus *gpus, guint group, guint type) {
    const VgRoomQuota *q = vg_place_quota(&gpus->room, group, type);
    const char *in = q->group != VG_PLACE_ANY ? g_array_index(gpus->groups, VgGpuGroup, q->group).name : NULL;
    const char *of = q->type != VG_PLACE_ANY ? vg_types_nth(gpus->types, q->type)->name : NULL;
    if (in != NULL && of != NULL)
        return g_strdup_printf(_("the quota is %u vGPUs of type %s in group '%s', and as many run"), q->most, of, in);
    if (in != NULL)
        return g_strdup_printf(_("the quota is %u vGPUs in group '%s', and as many run"), q->most, in);
    return g_strdup_printf(_("the quota is %u vGPUs of type %s, and as many run"), q->most, of != NULL ? of : "?");
}

char *vg_gpus_reason(VgGpus *gpus, guint gpu, guint type, VgFit fit) {
    const VgGpu *g = &gpus->inventory.gpus[gpu];
    g_autofree char *who = vg_gpus_holders(gpus, gpu);
    switch (fit) {
    case VG_FIT_OK:
        return g_strdup_printf(_("%s has room for one"), g->text);
    case VG_FIT_FULL:
        return g_strdup_printf(_("%s is full (%s)"), g->text, who);
    case VG_FIT_FRAGMENTED:
        return g_strdup_printf(_("%s has room enough, but in pieces where the type cannot lie (%s)"), g->text, who);
    case VG_FIT_AFFINITY: /* of a want, not of a type */
        return g_strdup_printf(_("%s does not go with the affinities"), g->text);
    case VG_FIT_INCOMPATIBLE: {
        g_autofree char *runs = running(gpus, gpu);
        g_auto(GStrv) parts = g_strsplit(_(has_at_a_time[g->mode]), "%s", 4);
        return g_strconcat(parts[0], g->text, parts[1], runs, parts[2], who, parts[3], NULL);
    }
    case VG_FIT_QUOTA: {
        g_autofree char *quota = quota_text(gpus, gpus->room.gpus[gpu].group, type);
        return g_strdup_printf("%s: %s", g->text, quota);
    }
    case VG_FIT_CLOSED:
        return closed(g);
    case VG_FIT_EXPERIMENTAL:
        return g_strdup_printf(_("%s has it, but the type is experimental"), g->text);
    case VG_FIT_DISABLED:
        return g_strdup_printf(_("%s has the type disabled"), g->text);
    case VG_FIT_UNUSABLE:
        return unusable(g, vg_types_nth(gpus->types, type));
    case VG_FIT_UNSUPPORTED:
        return g_strdup_printf(_("%s has no such type"), g->text);
    }
    return NULL;
}

char *vg_gpus_reason_want(VgGpus *gpus, guint gpu, const VgWant *want, VgFit fit) {
    return fit == VG_FIT_AFFINITY ? vg_gpus_bond_reason(gpus, gpu, want) : vg_gpus_reason(gpus, gpu, want->type, fit);
}

/* How a refusal begins and ends, by the most hopeful GPU. The rows follow VgFit. */
static const struct {
    VgErrorCode code;
    const char *begin, *end;
} refusals[] = {
    [VG_FIT_UNSUPPORTED] = {VG_ERR_CONFIG_UNSUPPORTED, N_("no GPU has vGPUs of type %s"), ""},
    [VG_FIT_UNUSABLE] = {VG_ERR_CONFIG_UNSUPPORTED, N_("no vGPU of type %s can be given to a guest on this host"), ""},
    [VG_FIT_CLOSED] = {VG_ERR_OPERATION_DENIED, N_("no GPU takes a vGPU of type %s now"),
                       N_("open one of them again, see gridctl(1)")},
    [VG_FIT_EXPERIMENTAL] = {VG_ERR_OPERATION_DENIED, N_("vGPUs of type %s are experimental"),
                             N_("allow such types, with gridctl set experimental yes, or ask for another")},
    [VG_FIT_QUOTA] = {VG_ERR_OPERATION_DENIED, N_("no more vGPUs of type %s are allowed"),
                      N_("stop one of them, or have the quota raised")},
    [VG_FIT_DISABLED] = {VG_ERR_OPERATION_DENIED, N_("no GPU may run vGPUs of type %s"),
                         N_("enable the type on one of them")},
    [VG_FIT_INCOMPATIBLE] = {VG_ERR_RESOURCE_BUSY, N_("no room for a vGPU of type %s"),
                             N_("stop the guests of one GPU, or ask for the type that runs there")},
    [VG_FIT_FULL] = {VG_ERR_RESOURCE_BUSY, N_("no room for a vGPU of type %s"),
                     N_("stop one of them, or ask for a smaller type")},
    [VG_FIT_FRAGMENTED] = {VG_ERR_RESOURCE_BUSY, N_("no room for a vGPU of type %s: fragmentation"),
                           N_("stop guests that are in the middle, or ask for a smaller type")},
    [VG_FIT_AFFINITY] = {VG_ERR_RESOURCE_BUSY, N_("the affinities of the guest leave no GPU for its vGPU of type %s"),
                         N_("stop one of them, or make the affinity strength='preferred'")},
    [VG_FIT_OK] = {VG_ERR_RESOURCE_BUSY,
                   N_("no room for all vGPUs of the guest together: there is none for type %s beside the others"),
                   N_("stop other guests, or ask for fewer")},
};

static gboolean in_scope(const VgGpus *gpus, const VgWant *want, guint gpu) {
    return (want->gpu == VG_PLACE_ANY || want->gpu == gpu) &&
           (want->group == VG_PLACE_ANY || want->group == gpus->room.gpus[gpu].group);
}

static VgFit best_fit(const VgGpus *gpus, const VgWant *want) {
    VgFit best = VG_FIT_UNSUPPORTED;
    for (guint i = 0; i < gpus->inventory.n; i++)
        if (in_scope(gpus, want, i))
            best = MAX(best, vg_place_fit_want(&gpus->room, i, want));
    return best;
}

/* "TEXT with NAME in the place of its %s", for texts of a table. */
static char *fill_in(const char *text, const char *name) {
    g_auto(GStrv) parts = g_strsplit(text, "%s", 2);
    return g_strjoinv(name, parts);
}

static void refuse(VgGpus *gpus, const VgWant *want, VgFit best, GError **error) {
    VgShortList list;
    vg_list_begin(&list, GPUS_MOST);
    /* The most hopeful first; GPUs without the type are not worth a word. */
    for (int fit = (int)best; fit > VG_FIT_UNSUPPORTED; fit--)
        for (guint i = 0; i < gpus->inventory.n; i++)
            if (in_scope(gpus, want, i) && (int)vg_place_fit_want(&gpus->room, i, want) == fit) {
                g_autofree char *text = list.n < list.most ? vg_gpus_reason_want(gpus, i, want, (VgFit)fit) : NULL;
                vg_list_add(&list, text);
            }
    g_autofree char *reasons = vg_list_end(&list);
    g_autofree char *begin = fill_in(_(refusals[best].begin), vg_types_nth(gpus->types, want->type)->name);
    const char *end = *refusals[best].end != '\0' ? _(refusals[best].end) : "";
    vg_set_error(error, refusals[best].code, "%s: %s%s%s", begin, reasons, *end != '\0' ? "; " : "", end);
}

void vg_gpus_explain(VgGpus *gpus, const VgWant *wants, guint n, GError **error) {
    guint worst = 0;
    VgFit worst_fit = VG_FIT_OK;
    for (guint i = 0; i < n; i++) {
        VgFit fit = best_fit(gpus, &wants[i]);
        if (fit < worst_fit) {
            worst = i;
            worst_fit = fit;
        }
    }
    refuse(gpus, &wants[worst], worst_fit, error);
}
