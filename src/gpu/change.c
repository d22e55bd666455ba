/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * change.c: what the administrator orders: checked against what runs and what is being started, laid over the settings,
 * made to count, written. Talks to settings.c and room.c. Each order is a row of the table at the end.
 */
#include "config.h"

#include <string.h>

#include "base/durable.h"
#include "base/i18n.h"
#include "gpu/engine.h"

#define MAX_NAME 128
#define MAX_QUOTA 1000000

struct VgGpusChange {
    VgGpus *gpus;
    VgSettings *before;
    char *text;   /* of gpus.json */
    char *answer; /* NULL: nothing to say */
};

typedef struct {
    VgGpus *gpus;
    VgSettings *next;
    const VgJson *order;
} Order;

static const char *said(const Order *o, const char *member) {
    const char *text = vg_json_get_string(o->order, member);
    return text != NULL && *text != '\0' ? text : NULL;
}

static gboolean refuse_member(GError **error, const char *member) {
    vg_set_error(error, VG_ERR_INVALID_ARG, _("the order lacks '%s', or it is not what it should be"), member);
    return FALSE;
}

/* --- who is meant ------------------------------------------------------------------------------------------------- */

static VgGpuGroup *find_group(const Order *o, const char *name) {
    for (guint i = 0; name != NULL && i < o->gpus->groups->len; i++)
        if (strcmp(g_array_index(o->gpus->groups, VgGpuGroup, i).name, name) == 0)
            return &g_array_index(o->gpus->groups, VgGpuGroup, i);
    return NULL;
}

static gboolean no_group(const char *name, GError **error) {
    vg_set_error(error, VG_ERR_INVALID_ARG, _("this host has no GPU group '%s'; 'gridctl groups' lists them"), name);
    return FALSE;
}

static guint group_index(const Order *o, const VgGpuGroup *group) {
    return (guint)(group - (const VgGpuGroup *)(const void *)o->gpus->groups->data);
}

/* By address or identity. */
static VgGpu *find_gpu(const Order *o, const char *name, GError **error) {
    VgInventory *inv = &o->gpus->inventory;
    VgPciAddr addr;
    gboolean is_address = name != NULL && vg_pciaddr_parse(name, &addr);
    for (guint i = 0; name != NULL && i < inv->n; i++)
        if (g_strcmp0(inv->gpus[i].record.identity, name) == 0 ||
            (is_address && vg_pciaddr_compare(&inv->gpus[i].record.addr, &addr) == 0))
            return &inv->gpus[i];
    if (name == NULL)
        refuse_member(error, "gpu");
    else
        vg_set_error(error, VG_ERR_INVALID_ARG, _("this host has no GPU '%s'; 'gridctl gpus' lists them"), name);
    return NULL;
}

static guint gpu_index(const Order *o, const VgGpu *gpu) {
    return (guint)(gpu - o->gpus->inventory.gpus);
}

static const VgType *find_type(const Order *o, GError **error) {
    const char *name = said(o, "type");
    const VgType *type = name != NULL ? vg_types_by_name(o->gpus->types, name) : NULL;
    if (type == NULL && name != NULL)
        type = vg_types_by_id(o->gpus->types, name);
    if (name == NULL)
        refuse_member(error, "type");
    else if (type == NULL)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("no vGPU type '%s' is known; 'gridctl types' lists them"), name);
    return type;
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* A name that is free, now and in what definitions of domains may still say. */
static gboolean is_free_name(const Order *o, const char *name, GError **error) {
    if (name == NULL || strlen(name) > MAX_NAME || !g_utf8_validate(name, -1, NULL))
        return refuse_member(error, "group");
    for (const char *p = name; *p != '\0'; p++)
        if ((guchar)*p < ' ')
            return refuse_member(error, "group");
    if (find_group(o, name) != NULL || vg_settings_group(o->next, name) != NULL) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("there is a GPU group '%s' already"), name);
        return FALSE;
    }
    for (guint i = 0; i < o->gpus->groups->len; i++) {
        const VgGpuGroup *g = &g_array_index(o->gpus->groups, VgGpuGroup, i);
        if (g_strv_contains((const char *const *)g->former, name)) {
            vg_set_error(error, VG_ERR_OPERATION_INVALID,
                         _("GPU group '%s' was called '%s' before, and guests may still ask for it by that name; take "
                           "another one"),
                         g->name, name);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean read_policy(const Order *o, VgPolicy fallback, VgPolicy *ret, GError **error) {
    const char *name = said(o, "policy");
    int value = name != NULL ? vg_names_value(&vg_gpu_policy_names, name) : (int)fallback;
    *ret = (VgPolicy)value;
    if (value >= 0)
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("a policy can be depth-first, breadth-first, pack or numa, not '%s'"),
                 name);
    return FALSE;
}

static gboolean group_create(const Order *o, GError **error) {
    const char *name = said(o, "group");
    VgPolicy policy;
    if (!is_free_name(o, name, error) || !read_policy(o, VG_POLICY_DEPTH_FIRST, &policy, error))
        return FALSE;
    vg_settings_add_group(o->next, name, policy)->any_model = vg_json_get_bool(o->order, "any_model", FALSE);
    return TRUE;
}

/* One that the administrator made, for what cannot be done to the others. */
static VgGpuGroup *own_group(const Order *o, GError **error) {
    const char *name = said(o, "group");
    VgGpuGroup *g = find_group(o, name);
    if (name == NULL)
        refuse_member(error, "group");
    else if (g == NULL)
        no_group(name, error);
    else if (!g->own) {
        vg_set_error(
            error, VG_ERR_OPERATION_INVALID,
            _("GPU group '%s' is the one of its model and always there; make a group of your own and move GPUs "
              "into it"),
            name);
        g = NULL;
    }
    return g;
}

static gboolean group_rename(const Order *o, GError **error) {
    const VgGpuGroup *g = own_group(o, error);
    const char *to = said(o, "to");
    if (g == NULL)
        return FALSE;
    VgGroupSetting *setting = vg_settings_group(o->next, g->name);
    guint at;
    /* Back to a name of its own is no clash. */
    if (to != NULL && g_ptr_array_find_with_equal_func(setting->former, to, g_str_equal, &at))
        g_ptr_array_remove_index(setting->former, at);
    else if (!is_free_name(o, to, error))
        return FALSE;
    g_ptr_array_add(setting->former, g_strdup(setting->name));
    for (guint i = 0; i < o->next->gpus->len; i++) {
        VgGpuSetting *gpu = g_ptr_array_index(o->next->gpus, i);
        if (g_strcmp0(gpu->group, setting->name) == 0) {
            g_free(gpu->group);
            gpu->group = g_strdup(to);
        }
    }
    for (guint i = 0; i < o->next->quotas->len; i++) {
        VgQuotaSetting *q = g_ptr_array_index(o->next->quotas, i);
        if (g_strcmp0(q->group, setting->name) == 0) {
            g_free(q->group);
            q->group = g_strdup(to);
        }
    }
    g_free(setting->name);
    setting->name = g_strdup(to);
    return TRUE;
}

static gboolean group_delete(const Order *o, GError **error) {
    const VgGpuGroup *g = own_group(o, error);
    if (g == NULL)
        return FALSE;
    VgShortList list;
    vg_list_begin(&list, 8);
    for (guint i = 0; i < o->next->gpus->len; i++) { /* those that are not there now count as well */
        const VgGpuSetting *gpu = g_ptr_array_index(o->next->gpus, i);
        char addr[VG_PCIADDR_TEXT];
        if (g_strcmp0(gpu->group, g->name) == 0)
            vg_list_add(&list, vg_pciaddr_format(&gpu->addr, addr));
    }
    g_autofree char *members = vg_list_end(&list);
    if (*members != '\0') {
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("GPU group '%s' has GPUs: %s; move them to another group first"), g->name, members);
        return FALSE;
    }
    for (guint i = o->next->quotas->len; i > 0; i--) {
        const VgQuotaSetting *q = g_ptr_array_index(o->next->quotas, i - 1);
        if (g_strcmp0(q->group, g->name) == 0)
            g_ptr_array_remove_index(o->next->quotas, i - 1);
    }
    vg_settings_remove_group(o->next, g->name);
    return TRUE;
}

static gboolean in_use(const Order *o, const VgGpu *gpu, const char *what, GError **error) {
    if (o->gpus->room.gpus[gpu_index(o, gpu)].count == 0)
        return FALSE;
    g_autofree char *who = vg_gpus_holders(o->gpus, gpu_index(o, gpu));
    vg_set_error(error, VG_ERR_RESOURCE_BUSY, _("GPU %s is in use by %s, so %s; stop them first"), gpu->text, who,
                 what);
    return TRUE;
}

/* A group has GPUs of one model, unless it was made for any. */
static gboolean models_agree(const Order *o, const VgGpu *gpu, const VgGpuGroup *group, GError **error) {
    const VgInventory *inv = &o->gpus->inventory;
    for (guint i = 0; !group->any_model && i < inv->n; i++) {
        const VgGpu *other = &inv->gpus[i];
        if (other == gpu || other->group != group_index(o, group) ||
            (other->record.vendor == gpu->record.vendor && other->record.device == gpu->record.device))
            continue;
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("GPU group '%s' has GPUs of model %s, and GPU %s is of model %s; a group for any model is made "
                       "with --any-model"),
                     group->name, other->model, gpu->text, gpu->model);
        return FALSE;
    }
    return TRUE;
}

static gboolean group_move(const Order *o, GError **error) {
    const VgGpu *gpu = find_gpu(o, said(o, "gpu"), error);
    const char *name = said(o, "group");
    if (gpu == NULL || name == NULL)
        return gpu != NULL ? refuse_member(error, "group") : FALSE;
    g_autofree char *by_model = vg_gpu_default_group(gpu);
    gboolean home = strcmp(name, by_model) == 0;
    const VgGpuGroup *group = find_group(o, name);
    if (group == NULL && !home)
        return no_group(name, error);
    if (!home && !group->own) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("GPU group '%s' is only for GPUs of its model, and GPU %s is %s"), name, gpu->text, gpu->model);
        return FALSE;
    }
    if (group != NULL && gpu->group == group_index(o, group))
        return TRUE;
    if (in_use(o, gpu, _("it cannot go to another group"), error) ||
        (group != NULL && !models_agree(o, gpu, group, error)))
        return FALSE;
    VgGpuSetting *setting = vg_settings_gpu(o->next, gpu);
    g_free(setting->group);
    setting->group = home ? NULL : g_strdup(name);
    return TRUE;
}

static gboolean set_policy(const Order *o, GError **error) {
    const char *name = said(o, "group");
    VgPolicy policy;
    if (name == NULL || said(o, "policy") == NULL)
        return refuse_member(error, name == NULL ? "group" : "policy");
    if (find_group(o, name) == NULL)
        return no_group(name, error);
    if (!read_policy(o, VG_POLICY_DEPTH_FIRST, &policy, error))
        return FALSE;
    VgGroupSetting *setting = vg_settings_group(o->next, name);
    if (setting == NULL)
        setting = vg_settings_add_group(o->next, name, policy);
    setting->policy = policy;
    return TRUE;
}

/* --- types -------------------------------------------------------------------------------------------------------- */

static gboolean runs_type(const Order *o, guint gpu, const VgType *type) {
    for (guint i = 0; i < o->gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(o->gpus->claims, i);
        for (gsize k = 0; k < c->n; k++)
            if (c->insides[k].gpu == gpu && c->insides[k].type == type)
                return TRUE;
    }
    for (guint i = 0; i < o->gpus->foreign->len; i++) {
        const VgKernelVgpu *v = &g_array_index(o->gpus->foreign, VgKernelVgpu, i);
        if (v->gpu == gpu && v->type == type)
            return TRUE;
    }
    return FALSE;
}

static void drop_name(GPtrArray *names, const char *name) {
    for (guint i = names->len; i > 0; i--)
        if (strcmp(g_ptr_array_index(names, i - 1), name) == 0)
            g_ptr_array_remove_index(names, i - 1);
}

static gboolean set_type_on(const Order *o, const VgGpu *gpu, const VgType *type, gboolean enabled, GError **error) {
    guint index = gpu_index(o, gpu);
    if (!enabled && runs_type(o, index, type)) {
        g_autofree char *who = vg_gpus_holders(o->gpus, index);
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("GPU %s runs vGPUs of type %s (%s), so the type cannot be disabled there; stop them first"),
                     gpu->text, type->name, who);
        return FALSE;
    }
    VgGpuSetting *setting = vg_settings_gpu(o->next, gpu);
    drop_name(setting->disabled, type->name);
    drop_name(setting->disabled, type->id);
    if (!enabled)
        g_ptr_array_add(setting->disabled, g_strdup(type->name));
    return TRUE;
}

/* On one GPU, on those of a group, or on all that have it: all or none. */
static gboolean set_type(const Order *o, gboolean enabled, GError **error) {
    const VgType *type = find_type(o, error);
    if (type == NULL)
        return FALSE;
    const char *gpu_name = said(o, "gpu"), *group_name = said(o, "group");
    const VgGpu *only = NULL;
    const VgGpuGroup *group = find_group(o, group_name);
    if (gpu_name != NULL && (only = find_gpu(o, gpu_name, error)) == NULL)
        return FALSE;
    if (group_name != NULL && group == NULL)
        return no_group(group_name, error);
    guint n = 0;
    for (guint i = 0; i < o->gpus->inventory.n; i++) {
        const VgGpu *gpu = &o->gpus->inventory.gpus[i];
        if ((only != NULL && gpu != only) || (group != NULL && gpu->group != group_index(o, group)) ||
            vg_gpu_offer(gpu, type) == NULL)
            continue;
        n++;
        if (!set_type_on(o, gpu, type, enabled, error))
            return FALSE;
    }
    if (n > 0)
        return TRUE;
    g_autofree char *names = only != NULL ? vg_gpu_type_names(only) : vg_gpus_type_names(o->gpus);
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("no GPU that is meant has vGPUs of type %s; types there: %s"),
                 type->name, names);
    return FALSE;
}

static gboolean type_enable(const Order *o, GError **error) {
    return set_type(o, TRUE, error);
}

static gboolean type_disable(const Order *o, GError **error) {
    return set_type(o, FALSE, error);
}

/* --- one GPU ------------------------------------------------------------------------------------------------------ */

/* Has it types that are at home in such a mode? */
static gboolean has_places(const VgGpu *gpu, gboolean mig) {
    for (guint i = 0; i < gpu->offers->len; i++) {
        const VgType *type = g_array_index(gpu->offers, VgGpuOffer, i).type;
        if (type->mig == mig && (mig || type->placement_size > 0))
            return TRUE;
    }
    return FALSE;
}

static gboolean set_mode(const Order *o, GError **error) {
    const VgGpu *gpu = find_gpu(o, said(o, "gpu"), error);
    const char *name = said(o, "mode");
    if (gpu == NULL)
        return FALSE;
    int mode = vg_names_value(&vg_gpu_mode_names, name);
    if (mode < 0) {
        vg_set_error(error, VG_ERR_INVALID_ARG,
                     _("the mode of a GPU can be one-type, equal-size, mixed-size or mig, not '%s'"),
                     name != NULL ? name : "");
        return FALSE;
    }
    if ((VgGpuMode)mode == gpu->mode)
        return TRUE;
    if (mode == VG_MODE_MIG && !has_places(gpu, TRUE)) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("GPU %s (%s) cannot be in mode mig: none of its types is on a GPU instance"), gpu->text,
                     gpu->model);
        return FALSE;
    }
    if (mode == VG_MODE_MIXED_SIZE && !has_places(gpu, FALSE)) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("GPU %s (%s) cannot run vGPUs of mixed sizes: for none of its types the places are known"),
                     gpu->text, gpu->model);
        return FALSE;
    }
    /* To let more go together harms nobody. */
    gboolean widens = gpu->mode == VG_MODE_ONE_TYPE && mode == VG_MODE_EQUAL_SIZE;
    if (!widens && in_use(o, gpu, _("its mode cannot change"), error))
        return FALSE;
    vg_settings_gpu(o->next, gpu)->mode = (VgGpuMode)mode;
    return TRUE;
}

/* Known, and not done: what was set would be lost with the next start of the host or of the driver. */
static gboolean set_scheduler(const Order *o, GError **error) {
    const VgGpu *gpu = find_gpu(o, said(o, "gpu"), error);
    if (gpu != NULL)
        vg_set_error(
            error, VG_ERR_CONFIG_UNSUPPORTED,
            _("how GPU %s shares its time is not managed here: NVIDIA's driver takes it when it is loaded, from "
              "the key RmPVMRL of its option NVreg_RegistryDwords, or for as long as it is loaded by 'nvidia-smi "
              "vgpu set-scheduler-state' while nothing runs on the GPU"),
            gpu->text);
    return FALSE;
}

static gboolean close_gpus(const Order *o, VgGpuClosed closed, GError **error) {
    const char *name = said(o, "gpu"), *reason = said(o, "reason");
    gboolean all = g_strcmp0(name, "all") == 0;
    const VgGpu *only = all ? NULL : find_gpu(o, name, error);
    if (!all && only == NULL)
        return FALSE;
    for (guint i = 0; i < o->gpus->inventory.n; i++) {
        const VgGpu *gpu = &o->gpus->inventory.gpus[i];
        /* A drain of the whole host is not the end of a quarantine, nor is its end. */
        if ((!all && gpu != only) || (all && gpu->closed == VG_GPU_QUARANTINE && closed != VG_GPU_QUARANTINE))
            continue;
        VgGpuSetting *setting = vg_settings_gpu(o->next, gpu);
        setting->closed = closed;
        g_free(setting->reason);
        setting->reason = closed != VG_GPU_OPEN ? g_strdup(reason) : NULL;
    }
    return TRUE;
}

static gboolean gpu_quarantine(const Order *o, GError **error) {
    return close_gpus(o, VG_GPU_QUARANTINE, error);
}

static gboolean gpu_drain(const Order *o, GError **error) {
    return close_gpus(o, VG_GPU_DRAIN, error);
}

/* What is wrong with one in quarantine does not go away by a reset of all. */
static gboolean gpu_reset(const Order *o, GError **error) {
    if (g_strcmp0(said(o, "gpu"), "all") != 0)
        return close_gpus(o, VG_GPU_RESET, error);
    return refuse_member(error, "gpu");
}

/* The end of it, unless something else was ordered meanwhile. */
static gboolean end_reset(const Order *o, VgGpuClosed closed, GError **error) {
    const VgGpu *gpu = find_gpu(o, said(o, "gpu"), error);
    return gpu != NULL && (gpu->closed != VG_GPU_RESET || close_gpus(o, closed, error));
}

static gboolean reset_done(const Order *o, GError **error) {
    return end_reset(o, VG_GPU_OPEN, error);
}

static gboolean reset_failed(const Order *o, GError **error) {
    return end_reset(o, VG_GPU_QUARANTINE, error);
}

static gboolean set_forced(const Order *o, GError **error) {
    const VgGpu *gpu = find_gpu(o, said(o, "gpu"), error);
    const char *name = said(o, "then");
    int forced = vg_names_value(&vg_gpu_forced_names, name);
    if (gpu == NULL)
        return FALSE;
    if (forced < 0) {
        vg_set_error(error, VG_ERR_INVALID_ARG,
                     _("after a guest was stopped by force a GPU can get nothing, reset or quarantine, not '%s'"),
                     name != NULL ? name : "");
        return FALSE;
    }
    vg_settings_gpu(o->next, gpu)->forced = (VgGpuForced)forced;
    return TRUE;
}

static gboolean gpu_open(const Order *o, GError **error) {
    return close_gpus(o, VG_GPU_OPEN, error);
}

/* --- quotas ------------------------------------------------------------------------------------------------------- */

/* A quota below what runs stops nobody; it only lets nobody in. */
static gboolean set_quota(const Order *o, GError **error) {
    const char *group = said(o, "group");
    const VgType *type = NULL;
    gint64 most = vg_json_get_int(o->order, "most", -1);
    guint value = (guint)CLAMP(most, 0, MAX_QUOTA);
    if (most > MAX_QUOTA)
        return refuse_member(error, "most");
    if (said(o, "type") != NULL && (type = find_type(o, error)) == NULL)
        return FALSE;
    if (group == NULL && type == NULL)
        return refuse_member(error, "group");
    if (group != NULL && find_group(o, group) == NULL)
        return no_group(group, error);
    vg_settings_set_quota(o->next, group, type != NULL ? type->name : NULL, most >= 0 ? &value : NULL);
    return TRUE;
}

/* What runs already goes on. */
static gboolean set_experimental(const Order *o, GError **error) {
    const VgJson *allow = vg_json_get(o->order, "allow");
    if (vg_json_type(allow) != VG_JSON_BOOL)
        return refuse_member(error, "allow");
    o->next->experimental = vg_json_get_bool(o->order, "allow", FALSE);
    return TRUE;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    gboolean (*run)(const Order *o, GError **error);
} orders[] = {
    {"group-create", group_create},
    {"group-rename", group_rename},
    {"group-delete", group_delete},
    {"group-move", group_move},
    {"type-enable", type_enable},
    {"type-disable", type_disable},
    {"policy", set_policy},
    {"mode", set_mode},
    {"scheduler", set_scheduler},
    {"quota", set_quota},
    {"quarantine", gpu_quarantine},
    {"drain", gpu_drain},
    {"open", gpu_open},
    {"experimental", set_experimental},
    {"reset", gpu_reset},
    {"reset-done", reset_done},
    {"reset-failed", reset_failed},
    {"after-force-stop", set_forced},
};

static gboolean run(const Order *o, GError **error) {
    const char *name = vg_json_get_string(o->order, "order");
    for (gsize i = 0; i < G_N_ELEMENTS(orders); i++)
        if (g_strcmp0(orders[i].name, name) == 0)
            return orders[i].run(o, error);
    vg_set_error(error, VG_ERR_INVALID_ARG, _("there is no order '%s'"), name != NULL ? name : "");
    return FALSE;
}

/* Who is left on what this closed. */
static char *left_on(const Order *o) {
    g_autoptr(VgJson) answer = vg_json_new_object();
    VgJson *list = vg_json_set(answer, "left", vg_json_new_array());
    const VgGpu *only = g_strcmp0(said(o, "gpu"), "all") != 0 ? find_gpu(o, said(o, "gpu"), NULL) : NULL;
    g_autofree VgJson **guests = vg_gpus_json_guests(o->gpus);
    for (guint i = 0; i < o->gpus->inventory.n; i++) {
        const VgGpu *gpu = &o->gpus->inventory.gpus[i];
        if (o->gpus->room.gpus[i].count == 0 || (only != NULL && gpu != only)) {
            vg_json_free(guests[i]);
            continue;
        }
        VgJson *row = vg_json_append(list, vg_json_new_object());
        vg_json_set_string(row, "gpu", gpu->text);
        vg_json_set(row, "guests", guests[i]);
        vg_json_set_int(row, "vgpus", o->gpus->room.gpus[i].count);
    }
    return vg_json_print(answer, TRUE);
}

static gboolean closes(const Order *o) {
    const char *order = said(o, "order");
    return vg_names_value(&vg_gpu_closed_names, order) > VG_GPU_OPEN;
}

VgGpusChange *vg_gpus_change_begin(VgGpus *gpus, const char *order, GError **error) {
    g_return_val_if_fail(!gpus->changing, NULL);
    g_autoptr(VgJson) json =
        vg_json_parse(order != NULL ? order : "", order != NULL ? strlen(order) : 0, _("the order"), error);
    if (json == NULL)
        return NULL;
    g_autofree char *now = vg_settings_print(gpus->settings);
    gboolean import = g_strcmp0(vg_json_get_string(json, "order"), "import") == 0;
    g_autoptr(VgSettings) next =
        import ? vg_import_read(json, error) : vg_settings_parse(now, strlen(now), "gpus.json", error);
    Order o = {gpus, next, json};
    if (next == NULL || (!import && !run(&o, error)))
        return NULL;
    g_autoptr(GArray) was = vg_import_look(gpus);
    VgGpusChange *change = g_new0(VgGpusChange, 1);
    change->gpus = gpus;
    change->before = g_steal_pointer(&gpus->settings);
    gpus->settings = g_steal_pointer(&next);
    gpus->changing = TRUE;
    change->text = vg_settings_print(gpus->settings);
    vg_gpus_apply(gpus);
    if (import && !vg_import_fits(gpus, was, error)) {
        vg_gpus_change_end(change, FALSE);
        return NULL;
    }
    if (closes(&o))
        change->answer = left_on(&o);
    return change;
}

char *vg_gpus_change_answer(const VgGpusChange *change) {
    return g_strdup(change->answer != NULL ? change->answer : "{}\n");
}

gboolean vg_gpus_change_write(VgGpusChange *change, GError **error) {
    return vg_durable_write(change->gpus->config, change->text, strlen(change->text), TRUE, error);
}

void vg_gpus_change_end(VgGpusChange *change, gboolean written) {
    VgGpus *gpus = change->gpus;
    gpus->changing = FALSE;
    if (!written) {
        vg_settings_free(gpus->settings);
        gpus->settings = g_steal_pointer(&change->before);
        vg_gpus_apply(gpus);
    }
    vg_settings_free(change->before);
    g_free(change->text);
    g_free(change->answer);
    g_free(change);
}
