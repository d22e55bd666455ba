/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* groups.c: gpus.json and the default groups, laid over the inventory. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "base/json.h"
#include "gpu/groups.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define MAX_FILE (16 << 20)
#define MAX_GROUPS 4096

VG_NAMES(vg_gpu_policy_names, VG_POLICY_LAST, "depth-first", "breadth-first");

typedef struct {
    const char *path;
    VgInventory *inventory;
    GArray *groups;
} Reading;

static void group_clear(gpointer data) {
    g_free(((VgGpuGroup *)data)->name);
}

static guint group_find(const GArray *groups, const char *name) {
    for (guint i = 0; i < groups->len; i++)
        if (strcmp(g_array_index(groups, VgGpuGroup, i).name, name) == 0)
            return i;
    return VG_PLACE_ANY;
}

static guint group_add(GArray *groups, const char *name, VgPolicy policy, gboolean own) {
    VgGpuGroup group = {g_strdup(name), policy, own};
    g_array_append_val(groups, group);
    return groups->len - 1;
}

static gboolean bad(const Reading *r, GError **error, const char *what, const char *reason) {
    vg_set_error(error, VG_ERR_INVALID_ARG, "%s: %s: %s", r->path, what, reason);
    return FALSE;
}

/* The GPU that @text names; FALSE only if it is no address. Not there: VG_PLACE_ANY. */
static gboolean read_address(const Reading *r, const char *text, guint *ret) {
    VgPciAddr addr;
    if (text == NULL || !vg_pciaddr_parse(text, &addr))
        return FALSE;
    *ret = vg_inventory_find(r->inventory, &addr);
    if (*ret == VG_PLACE_ANY)
        vg_warn("%s names GPU %s, which this host does not have now", r->path, text);
    return TRUE;
}

static gboolean read_group(Reading *r, const VgJson *o, GError **error) {
    const char *name = vg_json_get_string(o, "name"), *policy_name = vg_json_get_string(o, "policy");
    if (name == NULL || *name == '\0')
        return bad(r, error, "groups", _("a group needs a name"));
    if (group_find(r->groups, name) != VG_PLACE_ANY)
        return bad(r, error, name, _("there are two groups of this name"));
    int policy = policy_name != NULL ? vg_names_value(&vg_gpu_policy_names, policy_name) : VG_POLICY_DEPTH_FIRST;
    if (policy < 0)
        return bad(r, error, name, _("policy can be depth-first or breadth-first"));
    guint group = group_add(r->groups, name, (VgPolicy)policy, TRUE);
    const VgJson *gpus = vg_json_get(o, "gpus");
    for (gsize i = 0; i < vg_json_length(gpus); i++) {
        guint gpu;
        if (!read_address(r, vg_json_string(vg_json_at(gpus, i)), &gpu))
            return bad(r, error, name, _("'gpus' has something that is no PCI address such as 0000:05:00.0"));
        if (gpu == VG_PLACE_ANY)
            continue;
        if (r->inventory->gpus[gpu].group != VG_PLACE_ANY)
            return bad(r, error, r->inventory->gpus[gpu].text, _("this GPU is in two groups"));
        r->inventory->gpus[gpu].group = group;
    }
    return TRUE;
}

static gboolean read_gpu(Reading *r, const VgJson *o, GError **error) {
    guint gpu;
    if (!read_address(r, vg_json_get_string(o, "address"), &gpu))
        return bad(r, error, "gpus", _("'address' is no PCI address such as 0000:05:00.0"));
    const VgJson *list = vg_json_get(o, "disabled_types");
    for (gsize i = 0; gpu != VG_PLACE_ANY && i < vg_json_length(list); i++) {
        const char *name = vg_json_string(vg_json_at(list, i));
        GArray *offers = r->inventory->gpus[gpu].offers;
        for (guint k = 0; name != NULL && k < offers->len; k++) {
            VgGpuOffer *offer = &g_array_index(offers, VgGpuOffer, k);
            if (strcmp(offer->type->name, name) == 0 || strcmp(offer->type->id, name) == 0)
                offer->enabled = FALSE;
        }
    }
    return TRUE;
}

static gboolean read_file(Reading *r, GError **error) {
    gsize len = 0;
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, r->path, MAX_FILE, &len);
    if (text == NULL && errno == ENOENT)
        return TRUE;
    if (text == NULL) {
        vg_set_errno(error, errno, _("cannot read %s"), r->path);
        return FALSE;
    }
    g_autoptr(VgJson) json = vg_json_parse(text, len, r->path, error);
    if (json == NULL)
        return FALSE;
    const VgJson *groups = vg_json_get(json, "groups"), *gpus = vg_json_get(json, "gpus");
    if (vg_json_length(groups) > MAX_GROUPS)
        return bad(r, error, "groups", _("too many"));
    for (gsize i = 0; i < vg_json_length(groups); i++)
        if (!read_group(r, vg_json_at(groups, i), error))
            return FALSE;
    for (gsize i = 0; i < vg_json_length(gpus); i++)
        if (!read_gpu(r, vg_json_at(gpus, i), error))
            return FALSE;
    return TRUE;
}

gboolean vg_groups_read(const char *path, VgInventory *inventory, GArray **ret, GError **error) {
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(VgGpuGroup));
    g_array_set_clear_func(groups, group_clear);
    Reading r = {.path = path, .inventory = inventory, .groups = groups};
    for (guint i = 0; i < inventory->n; i++)
        inventory->gpus[i].group = VG_PLACE_ANY;
    if (path != NULL && !read_file(&r, error))
        return FALSE;
    /* What is in no group of the administrator's is with its like. He may have set the policy of such a group by its
     * name. */
    for (guint i = 0; i < inventory->n; i++) {
        if (inventory->gpus[i].group != VG_PLACE_ANY)
            continue;
        g_autofree char *name = g_strdup_printf("%s GPUs", inventory->gpus[i].model);
        guint group = group_find(groups, name);
        inventory->gpus[i].group =
            group != VG_PLACE_ANY ? group : group_add(groups, name, VG_POLICY_DEPTH_FIRST, FALSE);
    }
    *ret = g_steal_pointer(&groups);
    return TRUE;
}
