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

/* Domains that have something on @gpu, and how many foreign devices there are. */
static char *holders(VgGpus *gpus, guint gpu) {
    VgShortList list;
    vg_list_begin(&list, NAMES_MOST);
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++)
            if (c->insides[k].gpu == gpu) {
                vg_list_add(&list, c->owner_name);
                break;
            }
    }
    for (guint i = 0; i < gpus->foreign->len; i++)
        if (g_array_index(gpus->foreign, VgKernelVgpu, i).gpu == gpu)
            vg_list_add(&list, _("a device made by other hands"));
    return vg_list_end(&list);
}

/* The name of what runs on @gpu. */
static const char *running(VgGpus *gpus, guint gpu) {
    guint32 kind = gpus->room.gpus[gpu].kind;
    for (guint i = 0; i < gpus->room.n_types; i++)
        if (gpus->room.types[i].kind == kind)
            return vg_types_nth(gpus->types, i)->name;
    return "?";
}

static char *reason(VgGpus *gpus, guint gpu, VgFit fit) {
    const VgGpu *g = &gpus->inventory.gpus[gpu];
    g_autofree char *who = holders(gpus, gpu);
    switch (fit) {
    case VG_FIT_OK:
        return g_strdup_printf(_("%s has room for one"), g->text);
    case VG_FIT_FULL:
        return g_strdup_printf(_("%s is full (%s)"), g->text, who);
    case VG_FIT_INCOMPATIBLE:
        return g_strdup_printf(_("%s runs %s (%s), and has one type at a time"), g->text, running(gpus, gpu), who);
    case VG_FIT_DISABLED:
        return g_strdup_printf(_("%s has the type disabled"), g->text);
    case VG_FIT_UNUSABLE:
        return g_strdup_printf("%s: %s", g->text, g->why_not);
    case VG_FIT_UNSUPPORTED:
        return g_strdup_printf(_("%s has no such type"), g->text);
    }
    return NULL;
}

/* How a refusal begins and ends, by the most hopeful GPU. The rows follow VgFit. */
static const struct {
    VgErrorCode code;
    const char *begin, *end;
} refusals[] = {
    [VG_FIT_UNSUPPORTED] = {VG_ERR_CONFIG_UNSUPPORTED, N_("no GPU has vGPUs of type %s"), ""},
    [VG_FIT_UNUSABLE] = {VG_ERR_CONFIG_UNSUPPORTED, N_("no vGPU of type %s can be given to a guest on this host"), ""},
    [VG_FIT_DISABLED] = {VG_ERR_OPERATION_DENIED, N_("no GPU may run vGPUs of type %s"),
                         N_("enable the type on one of them")},
    [VG_FIT_INCOMPATIBLE] = {VG_ERR_RESOURCE_BUSY, N_("no room for a vGPU of type %s"),
                             N_("stop the guests of one GPU, or ask for the type that runs there")},
    [VG_FIT_FULL] = {VG_ERR_RESOURCE_BUSY, N_("no room for a vGPU of type %s"),
                     N_("stop one of them, or ask for a smaller type")},
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
            best = MAX(best, vg_place_fit(&gpus->room, i, want->type));
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
            if (in_scope(gpus, want, i) && (int)vg_place_fit(&gpus->room, i, want->type) == fit) {
                g_autofree char *text = list.n < list.most ? reason(gpus, i, (VgFit)fit) : NULL;
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
