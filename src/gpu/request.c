/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* request.c: what a domain asks for, checked against what this host has at all; becomes what placement wants. */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/engine.h"

static guint32 find_group(const VgGpus *gpus, const char *name) {
    for (guint i = 0; i < gpus->groups->len; i++)
        if (strcmp(g_array_index(gpus->groups, VgGpuGroup, i).name, name) == 0)
            return i;
    for (guint i = 0; i < gpus->groups->len; i++)
        if (g_strv_contains((const char *const *)g_array_index(gpus->groups, VgGpuGroup, i).former, name))
            return i;
    return VG_PLACE_ANY;
}

static gboolean is_offered(const VgGpus *gpus, const VgType *type) {
    return gpus->room.types[type->index].n_offers > 0;
}

static gboolean find_type(VgGpus *gpus, const VgVgpuRequest *r, const VgType **ret, GError **error) {
    const VgType *by_name = r->type_name != NULL ? vg_types_by_name(gpus->types, r->type_name) : NULL;
    const VgType *by_id = r->type_id != NULL ? vg_types_by_id(gpus->types, r->type_id) : NULL;
    const VgType *type = r->type_name != NULL ? by_name : by_id;
    const char *asked = r->type_name != NULL ? r->type_name : r->type_id;
    if (by_name != NULL && r->type_id != NULL && by_id == NULL) {
        type = NULL;
        asked = r->type_id;
    } else if (by_name != NULL && by_id != NULL && by_name != by_id) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("a vGPU's type cannot be both '%s' and '%s': here %s is %s; leave one of them out"),
                     r->type_name, r->type_id, by_name->name, by_name->id);
        return FALSE;
    }
    if (type != NULL && is_offered(gpus, type)) {
        *ret = type;
        return TRUE;
    }
    g_autofree char *names = vg_gpus_type_names(gpus);
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("no GPU of this host has vGPUs of type '%s'; types this host has: %s"), asked != NULL ? asked : "",
                 *names != '\0' ? names : _("none"));
    return FALSE;
}

static char *group_names(const VgGpus *gpus) {
    VgShortList list;
    vg_list_begin(&list, 8);
    for (guint i = 0; i < gpus->groups->len; i++)
        vg_list_add(&list, g_array_index(gpus->groups, VgGpuGroup, i).name);
    return vg_list_end(&list);
}

static gboolean check_group(VgGpus *gpus, const VgVgpuRequest *r, const VgType *type, VgWant *want, GError **error) {
    if (r->group == NULL)
        return TRUE;
    want->group = find_group(gpus, r->group);
    if (want->group == VG_PLACE_ANY) {
        g_autofree char *names = group_names(gpus);
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("this host has no GPU group '%s'; groups this host has: %s"),
                     r->group, *names != '\0' ? names : _("none"));
        return FALSE;
    }
    gboolean empty = TRUE;
    for (guint i = 0; i < gpus->inventory.n; i++)
        if (gpus->room.gpus[i].group == want->group) {
            empty = FALSE;
            if (vg_place_offer(&gpus->room, i, type->index) != NULL)
                return TRUE;
        }
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 empty ? _("GPU group '%s' has no GPU, so no vGPU of type %s can come from it")
                       : _("no GPU of group '%s' has vGPUs of type %s; name another group, or none"),
                 r->group, type->name);
    return FALSE;
}

static char *gpu_names(const VgGpus *gpus) {
    VgShortList list;
    vg_list_begin(&list, 8);
    for (guint i = 0; i < gpus->inventory.n; i++) {
        g_autofree char *item = g_strdup_printf("%s (%s)", gpus->inventory.gpus[i].text, gpus->inventory.gpus[i].model);
        vg_list_add(&list, item);
    }
    return vg_list_end(&list);
}

static guint find_identity(const VgGpus *gpus, const char *identity) {
    for (guint i = 0; i < gpus->inventory.n; i++)
        if (g_strcmp0(gpus->inventory.gpus[i].record.identity, identity) == 0)
            return i;
    return VG_PLACE_ANY;
}

static char *identities(const VgGpus *gpus) {
    VgShortList list;
    vg_list_begin(&list, 8);
    for (guint i = 0; i < gpus->inventory.n; i++)
        if (gpus->inventory.gpus[i].record.identity != NULL)
            vg_list_add(&list, gpus->inventory.gpus[i].record.identity);
    return vg_list_end(&list);
}

/* The GPU that is asked for by address, identity or both. */
static gboolean find_pin(VgGpus *gpus, const VgVgpuRequest *r, guint32 *ret, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(&r->gpu, addr);
    guint by_address = r->pinned ? vg_inventory_find(&gpus->inventory, &r->gpu) : VG_PLACE_ANY;
    guint by_identity = r->gpu_identity != NULL ? find_identity(gpus, r->gpu_identity) : VG_PLACE_ANY;
    *ret = r->gpu_identity != NULL ? by_identity : by_address;
    if (r->gpu_identity != NULL && by_identity == VG_PLACE_ANY) {
        g_autofree char *names = identities(gpus);
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("this host has no GPU of identity '%s'; identities that GPUs of this host have: %s"),
                     r->gpu_identity, *names != '\0' ? names : _("none"));
    } else if (r->gpu_identity != NULL && r->pinned && by_identity != by_address) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("GPU '%s' is at %s, not at %s; leave out the address, or correct it"), r->gpu_identity,
                     gpus->inventory.gpus[by_identity].text, addr);
        *ret = VG_PLACE_ANY;
    } else if (*ret == VG_PLACE_ANY) {
        g_autofree char *names = gpu_names(gpus);
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("this host has no GPU at %s; GPUs this host has: %s"), addr,
                     *names != '\0' ? names : _("none"));
    }
    return *ret != VG_PLACE_ANY;
}

static gboolean check_pin(VgGpus *gpus, const VgVgpuRequest *r, const VgType *type, VgWant *want, GError **error) {
    if (!r->pinned && r->gpu_identity == NULL)
        return TRUE;
    if (!find_pin(gpus, r, &want->gpu, error))
        return FALSE;
    const VgGpu *gpu = &gpus->inventory.gpus[want->gpu];
    if (vg_place_offer(&gpus->room, want->gpu, type->index) == NULL) {
        g_autofree char *names = vg_gpu_type_names(gpu);
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("GPU %s (%s) has no vGPUs of type %s; types it has: %s"),
                     gpu->text, gpu->model, type->name, *names != '\0' ? names : _("none"));
        return FALSE;
    }
    if (want->group != VG_PLACE_ANY && gpus->room.gpus[want->gpu].group != want->group) {
        const VgGpuGroup *in = &g_array_index(gpus->groups, VgGpuGroup, gpus->room.gpus[want->gpu].group);
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("GPU %s is in group '%s', not in '%s'; leave out the group or the GPU"), gpu->text, in->name,
                     r->group);
        return FALSE;
    }
    return TRUE;
}

/* What one guest may not have together. @types: of the requests before. */
static gboolean check_together(const VgVgpuRequest *requests, const VgType **types, gsize i, GError **error) {
    char uuid[VG_UUID_TEXT];
    for (gsize k = 0; k < i; k++) {
        if (!vg_uuid_is_null(&requests[i].vgpu) && vg_uuid_equal(&requests[k].vgpu, &requests[i].vgpu)) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("two vGPUs of the guest have the UUID %s"),
                         vg_uuid_format(&requests[i].vgpu, uuid));
            return FALSE;
        }
        if (types[k] != types[i]) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                         _("a guest cannot have vGPUs of unlike types, here %s and %s: their driver forbids it"),
                         types[k]->name, types[i]->name);
            return FALSE;
        }
        if (types[i]->one_per_guest) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                         _("a guest cannot have more than one vGPU of type %s: its driver forbids it; types that take "
                           "a whole GPU can be several"),
                         types[i]->name);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean vg_gpus_resolve(VgGpus *gpus, const VgVgpuRequest *requests, gsize n, VgWant *wants, GError **error) {
    const VgType *types[VG_PLACE_MOST];
    if (n > VG_PLACE_MOST) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("a guest can have at most %d vGPUs, not %zu"), VG_PLACE_MOST,
                     n);
        return FALSE;
    }
    vg_gpus_forget_bonds(gpus);
    for (gsize i = 0; i < n; i++) {
        const VgVgpuRequest *r = &requests[i];
        VgWant want = {.group = VG_PLACE_ANY, .gpu = VG_PLACE_ANY, .node = r->has_node ? r->node : VG_PLACE_ANY};
        if (!find_type(gpus, r, &types[i], error) || !check_group(gpus, r, types[i], &want, error) ||
            !check_pin(gpus, r, types[i], &want, error) ||
            !vg_types_check_params(gpus->types, types[i], r->params, error) ||
            !check_together(requests, types, i, error) || !vg_gpus_resolve_bonds(gpus, r, &want, error))
            return FALSE;
        want.type = types[i]->index;
        if (wants != NULL)
            wants[i] = want;
    }
    return TRUE;
}

gboolean vg_gpus_check(VgGpus *gpus, const VgVgpuRequest *requests, gsize n, GError **error) {
    return vg_gpus_resolve(gpus, requests, n, NULL, error);
}

gboolean vg_gpus_fix_memory(VgGpus *gpus, const VgVgpuRequest *request) {
    const VgType *type = request->type_name != NULL ? vg_types_by_name(gpus->types, request->type_name) : NULL;
    if (type == NULL && request->type_id != NULL)
        type = vg_types_by_id(gpus->types, request->type_id);
    for (guint i = 0; type != NULL && i < gpus->inventory.n; i++) {
        const VgGpuOffer *offer = vg_gpu_offer(&gpus->inventory.gpus[i], type);
        if (offer != NULL)
            return offer->backend->id == VG_BACKEND_SRIOV || offer->backend->id == VG_BACKEND_PASSTHROUGH;
    }
    return FALSE;
}
