/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* settings.c: gpus.json as structs, and laid over the inventory. Talks to the engine. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/durable.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "gpu/settings.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define MAX_FILE (16 << 20)
#define MAX_GROUPS 4096
#define MAX_GPUS 16384
#define MAX_QUOTAS 256
#define MAX_NAMES 4096
#define MAX_QUOTA 1000000

VG_NAMES(vg_gpu_policy_names, VG_POLICY_LAST, "depth-first", "breadth-first", "pack", "numa");
VG_NAMES(vg_gpu_mode_names, VG_MODE_LAST, "one-type", "equal-size", "mixed-size", "mig");
VG_NAMES(vg_gpu_closed_names, VG_GPU_CLOSED_LAST, "open", "quarantine", "drain", "reset");
VG_NAMES(vg_gpu_forced_names, VG_FORCED_LAST, "nothing", "reset", "quarantine");

static void group_free(gpointer data) {
    VgGroupSetting *g = data;
    g_free(g->name);
    g_ptr_array_unref(g->former);
    g_free(g);
}

static void gpu_free(gpointer data) {
    VgGpuSetting *g = data;
    g_free(g->identity);
    g_free(g->group);
    g_free(g->reason);
    g_ptr_array_unref(g->disabled);
    g_free(g);
}

static void quota_free(gpointer data) {
    VgQuotaSetting *q = data;
    g_free(q->group);
    g_free(q->type);
    g_free(q);
}

static VgSettings *settings_new(void) {
    VgSettings *s = g_new0(VgSettings, 1);
    s->groups = g_ptr_array_new_with_free_func(group_free);
    s->gpus = g_ptr_array_new_with_free_func(gpu_free);
    s->quotas = g_ptr_array_new_with_free_func(quota_free);
    return s;
}

void vg_settings_free(VgSettings *settings) {
    if (settings == NULL)
        return;
    g_ptr_array_unref(settings->groups);
    g_ptr_array_unref(settings->gpus);
    g_ptr_array_unref(settings->quotas);
    g_free(settings);
}

VgGroupSetting *vg_settings_group(const VgSettings *settings, const char *name) {
    for (guint i = 0; i < settings->groups->len; i++) {
        VgGroupSetting *g = g_ptr_array_index(settings->groups, i);
        if (g_strcmp0(g->name, name) == 0)
            return g;
    }
    return NULL;
}

VgGroupSetting *vg_settings_add_group(VgSettings *settings, const char *name, VgPolicy policy) {
    VgGroupSetting *g = g_new0(VgGroupSetting, 1);
    g->name = g_strdup(name);
    g->policy = policy;
    g->former = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(settings->groups, g);
    return g;
}

void vg_settings_remove_group(VgSettings *settings, const char *name) {
    g_ptr_array_remove(settings->groups, vg_settings_group(settings, name));
}

static VgGpuSetting *gpu_new(VgSettings *settings, const char *identity, const VgPciAddr *addr) {
    VgGpuSetting *g = g_new0(VgGpuSetting, 1);
    g->identity = g_strdup(identity);
    g->addr = *addr;
    g->disabled = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(settings->gpus, g);
    return g;
}

/* Is @setting about @gpu? Identities decide; an address does for what has none. */
static gboolean is_about(const VgGpuSetting *setting, const VgGpu *gpu) {
    if (setting->identity != NULL && gpu->record.identity != NULL)
        return strcmp(setting->identity, gpu->record.identity) == 0;
    return vg_pciaddr_compare(&setting->addr, &gpu->record.addr) == 0;
}

VgGpuSetting *vg_settings_gpu(VgSettings *settings, const VgGpu *gpu) {
    VgGpuSetting *found = NULL;
    for (guint i = 0; found == NULL && i < settings->gpus->len; i++)
        if (is_about(g_ptr_array_index(settings->gpus, i), gpu))
            found = g_ptr_array_index(settings->gpus, i);
    if (found == NULL)
        return gpu_new(settings, gpu->record.identity, &gpu->record.addr);
    found->addr = gpu->record.addr;
    if (found->identity == NULL)
        found->identity = g_strdup(gpu->record.identity);
    return found;
}

void vg_settings_set_quota(VgSettings *settings, const char *group, const char *type, const guint *most) {
    for (guint i = 0; i < settings->quotas->len; i++) {
        const VgQuotaSetting *q = g_ptr_array_index(settings->quotas, i);
        if (g_strcmp0(q->group, group) == 0 && g_strcmp0(q->type, type) == 0)
            g_ptr_array_remove_index(settings->quotas, i--);
    }
    if (most == NULL)
        return;
    VgQuotaSetting *q = g_new0(VgQuotaSetting, 1);
    *q = (VgQuotaSetting){g_strdup(group), g_strdup(type), *most};
    g_ptr_array_add(settings->quotas, q);
}

/* --- from text ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *what; /* path, for errors */
    VgSettings *settings;
} Reading;

static gboolean bad(const Reading *r, GError **error, const char *where, const char *reason) {
    vg_set_error(error, VG_ERR_INVALID_ARG, "%s: %s: %s", r->what, where, reason);
    return FALSE;
}

static gboolean read_names(const VgJson *list, GPtrArray *to) {
    if (vg_json_length(list) > MAX_NAMES)
        return FALSE;
    for (gsize i = 0; i < vg_json_length(list); i++) {
        const char *name = vg_json_string(vg_json_at(list, i));
        if (name == NULL || *name == '\0')
            return FALSE;
        g_ptr_array_add(to, g_strdup(name));
    }
    return TRUE;
}

/* The value of @member, which may be absent: then 0. -1: it is none of the names. */
static int read_choice(const VgJson *o, const char *member, const VgNames *names) {
    return vg_json_get(o, member) != NULL ? vg_names_value(names, vg_json_get_string(o, member)) : 0;
}

static gboolean read_group(const Reading *r, const VgJson *o, GError **error) {
    const char *name = vg_json_get_string(o, "name");
    int policy = read_choice(o, "policy", &vg_gpu_policy_names);
    if (name == NULL || *name == '\0')
        return bad(r, error, "groups", _("a group needs a name"));
    if (vg_settings_group(r->settings, name) != NULL)
        return bad(r, error, name, _("there are two groups of this name"));
    if (policy < 0)
        return bad(r, error, name, _("policy can be depth-first, breadth-first, pack or numa"));
    VgGroupSetting *g = vg_settings_add_group(r->settings, name, (VgPolicy)policy);
    g->any_model = vg_json_get_bool(o, "any_model", FALSE);
    if (!read_names(vg_json_get(o, "former"), g->former))
        return bad(r, error, name, _("'former' has something that is no name"));
    return TRUE;
}

static gboolean read_gpu(const Reading *r, const VgJson *o, GError **error) {
    const char *address = vg_json_get_string(o, "address"), *identity = vg_json_get_string(o, "identity");
    VgPciAddr addr;
    if (address == NULL || !vg_pciaddr_parse(address, &addr))
        return bad(r, error, "gpus", _("'address' is no PCI address such as 0000:05:00.0"));
    int mode = read_choice(o, "mode", &vg_gpu_mode_names), closed = read_choice(o, "closed", &vg_gpu_closed_names);
    if (mode < 0)
        return bad(r, error, address, _("mode can be one-type, equal-size, mixed-size or mig"));
    if (closed < 0)
        return bad(r, error, address, _("closed can be open, quarantine, drain or reset"));
    int forced = read_choice(o, "after_force_stop", &vg_gpu_forced_names);
    if (forced < 0)
        return bad(r, error, address, _("after_force_stop can be nothing, reset or quarantine"));
    VgGpuSetting *g = gpu_new(r->settings, identity, &addr);
    g->mode = (VgGpuMode)mode;
    g->closed = (VgGpuClosed)closed;
    g->forced = (VgGpuForced)forced;
    g->reason = g_strdup(vg_json_get_string(o, "reason"));
    g->group = g_strdup(vg_json_get_string(o, "group"));
    if (g->group != NULL && vg_settings_group(r->settings, g->group) == NULL)
        return bad(r, error, address, _("its group is not among the groups"));
    if (!read_names(vg_json_get(o, "disabled_types"), g->disabled))
        return bad(r, error, address, _("'disabled_types' has something that is no name"));
    return TRUE;
}

/* A list of addresses in a group, as a person may have written it. */
static gboolean read_members(const Reading *r, const VgJson *o, GError **error) {
    const char *name = vg_json_get_string(o, "name");
    const VgJson *list = vg_json_get(o, "gpus");
    for (gsize i = 0; i < MIN(vg_json_length(list), MAX_GPUS); i++) {
        const char *text = vg_json_string(vg_json_at(list, i));
        VgPciAddr addr;
        if (text == NULL || !vg_pciaddr_parse(text, &addr))
            return bad(r, error, name, _("'gpus' has something that is no PCI address such as 0000:05:00.0"));
        VgGpuSetting *g = NULL;
        for (guint k = 0; g == NULL && k < r->settings->gpus->len; k++) {
            VgGpuSetting *other = g_ptr_array_index(r->settings->gpus, k);
            g = vg_pciaddr_compare(&other->addr, &addr) == 0 ? other : NULL;
        }
        if (g == NULL)
            g = gpu_new(r->settings, NULL, &addr);
        if (g->group != NULL)
            return bad(r, error, text, _("this GPU is in two groups"));
        g->group = g_strdup(name);
    }
    if (vg_json_length(list) > 0)
        vg_settings_group(r->settings, name)->any_model = TRUE;
    return TRUE;
}

static gboolean read_quota(const Reading *r, const VgJson *o, GError **error) {
    const char *group = vg_json_get_string(o, "group"), *type = vg_json_get_string(o, "type");
    gint64 most = vg_json_get_int(o, "most", -1);
    if (group == NULL && type == NULL)
        return bad(r, error, "quotas", _("a quota needs a group, a type, or both"));
    if (most < 0 || most > MAX_QUOTA)
        return bad(r, error, "quotas", _("'most' is missing or out of range"));
    guint value = (guint)most;
    vg_settings_set_quota(r->settings, group, type, &value);
    return TRUE;
}

static gboolean read_each(const Reading *r, const VgJson *json, const char *member, gsize most,
                          gboolean (*read)(const Reading *r, const VgJson *o, GError **error), GError **error) {
    const VgJson *list = vg_json_get(json, member);
    if (vg_json_length(list) > most)
        return bad(r, error, member, _("too many"));
    for (gsize i = 0; i < vg_json_length(list); i++)
        if (!read(r, vg_json_at(list, i), error))
            return FALSE;
    return TRUE;
}

VgSettings *vg_settings_parse(const char *text, gsize len, const char *what, GError **error) {
    g_autoptr(VgJson) json = vg_json_parse(text, len, what, error);
    if (json == NULL)
        return NULL;
    g_autoptr(VgSettings) settings = settings_new();
    Reading r = {what, settings};
    settings->experimental = vg_json_get_bool(json, "experimental", FALSE);
    if (!read_each(&r, json, "groups", MAX_GROUPS, read_group, error) ||
        !read_each(&r, json, "gpus", MAX_GPUS, read_gpu, error) ||
        !read_each(&r, json, "groups", MAX_GROUPS, read_members, error) ||
        !read_each(&r, json, "quotas", MAX_QUOTAS, read_quota, error))
        return NULL;
    return g_steal_pointer(&settings);
}

/* Is it JSON at all? */
static gboolean is_torn(const char *text, gsize len, const char *path) {
    g_autoptr(VgJson) json = vg_json_parse(text, len, path, NULL);
    return json == NULL;
}

VgSettings *vg_settings_read(const char *path, GError **error) {
    for (guint tries = 0; path != NULL; tries++) {
        gsize len = 0;
        g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, MAX_FILE, &len);
        if (text == NULL && errno == ENOENT)
            break;
        if (text == NULL) {
            vg_set_errno(error, errno, _("cannot read %s"), path);
            return NULL;
        }
        g_autofree char *before = g_strconcat(path, ".prev", NULL);
        if (tries == 0 && is_torn(text, len, path) && g_file_test(before, G_FILE_TEST_EXISTS) &&
            vg_durable_set_aside(path))
            continue;
        return vg_settings_parse(text, len, path, error);
    }
    return settings_new();
}

/* --- to text ------------------------------------------------------------------------------------------------------ */

static void print_names(VgJson *o, const char *member, const GPtrArray *names) {
    if (names->len == 0)
        return;
    VgJson *list = vg_json_set(o, member, vg_json_new_array());
    for (guint i = 0; i < names->len; i++)
        vg_json_append(list, vg_json_new_string(g_ptr_array_index(names, i)));
}

static VgJson *print_group(const VgGroupSetting *g) {
    VgJson *o = vg_json_new_object();
    vg_json_set_string(o, "name", g->name);
    vg_json_set_string(o, "policy", vg_names_name(&vg_gpu_policy_names, (int)g->policy));
    if (g->any_model)
        vg_json_set_bool(o, "any_model", TRUE);
    print_names(o, "former", g->former);
    return o;
}

static VgJson *print_gpu(const VgGpuSetting *g) {
    char addr[VG_PCIADDR_TEXT];
    VgJson *o = vg_json_new_object();
    vg_json_set_string(o, "address", vg_pciaddr_format(&g->addr, addr));
    if (g->identity != NULL)
        vg_json_set_string(o, "identity", g->identity);
    if (g->group != NULL)
        vg_json_set_string(o, "group", g->group);
    if (g->mode != VG_MODE_ONE_TYPE)
        vg_json_set_string(o, "mode", vg_names_name(&vg_gpu_mode_names, (int)g->mode));
    if (g->closed != VG_GPU_OPEN)
        vg_json_set_string(o, "closed", vg_names_name(&vg_gpu_closed_names, (int)g->closed));
    if (g->closed != VG_GPU_OPEN && g->reason != NULL)
        vg_json_set_string(o, "reason", g->reason);
    if (g->forced != VG_FORCED_NOTHING)
        vg_json_set_string(o, "after_force_stop", vg_names_name(&vg_gpu_forced_names, (int)g->forced));
    print_names(o, "disabled_types", g->disabled);
    return o;
}

char *vg_settings_print(const VgSettings *settings) {
    g_autoptr(VgJson) o = vg_json_new_object();
    VgJson *list = vg_json_set(o, "groups", vg_json_new_array());
    for (guint i = 0; i < settings->groups->len; i++)
        vg_json_append(list, print_group(g_ptr_array_index(settings->groups, i)));
    list = vg_json_set(o, "gpus", vg_json_new_array());
    for (guint i = 0; i < settings->gpus->len; i++)
        vg_json_append(list, print_gpu(g_ptr_array_index(settings->gpus, i)));
    list = vg_json_set(o, "quotas", vg_json_new_array());
    for (guint i = 0; i < settings->quotas->len; i++) {
        const VgQuotaSetting *q = g_ptr_array_index(settings->quotas, i);
        VgJson *quota = vg_json_append(list, vg_json_new_object());
        if (q->group != NULL)
            vg_json_set_string(quota, "group", q->group);
        if (q->type != NULL)
            vg_json_set_string(quota, "type", q->type);
        vg_json_set_int(quota, "most", q->most);
    }
    if (settings->experimental)
        vg_json_set_bool(o, "experimental", TRUE);
    return vg_json_print(o, TRUE);
}

/* --- over the inventory ------------------------------------------------------------------------------------------- */

static void group_clear(gpointer data) {
    VgGpuGroup *g = data;
    g_free(g->name);
    g_strfreev(g->former);
}

static guint group_find(const GArray *groups, const char *name) {
    for (guint i = 0; i < groups->len; i++)
        if (g_strcmp0(g_array_index(groups, VgGpuGroup, i).name, name) == 0)
            return i;
    return VG_PLACE_ANY;
}

char *vg_gpu_default_group(const VgGpu *gpu) {
    return g_strdup_printf("%s GPUs", gpu->model);
}

static void add_own(GArray *groups, const VgGroupSetting *setting) {
    VgGpuGroup g = {.name = g_strdup(setting->name),
                    .policy = setting->policy,
                    .own = TRUE,
                    .any_model = setting->any_model,
                    .former = g_new0(char *, setting->former->len + 1)};
    for (guint i = 0; i < setting->former->len; i++)
        g.former[i] = g_strdup(g_ptr_array_index(setting->former, i));
    g_array_append_val(groups, g);
}

/*
 * What is in no group of the administrator's is with its like. He may have set the policy of such a group by its name.
 */
static guint add_default(GArray *groups, const char *name) {
    VgGpuGroup g = {.name = g_strdup(name), .policy = VG_POLICY_DEPTH_FIRST, .former = g_new0(char *, 1)};
    g_array_append_val(groups, g);
    return groups->len - 1;
}

static void apply_gpu(VgGpu *gpu, const VgGpuSetting *setting, const GArray *groups) {
    gpu->group = setting->group != NULL ? group_find(groups, setting->group) : VG_PLACE_ANY;
    gpu->mode = setting->mode;
    gpu->closed = setting->closed;
    gpu->forced = setting->forced;
    g_free(gpu->closed_why);
    gpu->closed_why = g_strdup(setting->reason);
    for (guint i = 0; i < gpu->offers->len; i++) {
        VgGpuOffer *offer = &g_array_index(gpu->offers, VgGpuOffer, i);
        for (guint k = 0; k < setting->disabled->len; k++) {
            const char *name = g_ptr_array_index(setting->disabled, k);
            if (strcmp(offer->type->name, name) == 0 || strcmp(offer->type->id, name) == 0)
                offer->enabled = FALSE;
        }
    }
}

static void reset_gpu(VgGpu *gpu) {
    gpu->group = VG_PLACE_ANY;
    gpu->mode = VG_MODE_ONE_TYPE;
    gpu->closed = VG_GPU_OPEN;
    gpu->forced = VG_FORCED_NOTHING;
    g_clear_pointer(&gpu->closed_why, g_free);
    for (guint i = 0; i < gpu->offers->len; i++)
        g_array_index(gpu->offers, VgGpuOffer, i).enabled = TRUE;
}

GArray *vg_settings_apply(const VgSettings *settings, VgInventory *inventory) {
    GArray *groups = g_array_new(FALSE, FALSE, sizeof(VgGpuGroup));
    g_array_set_clear_func(groups, group_clear);
    for (guint i = 0; i < settings->groups->len; i++)
        add_own(groups, g_ptr_array_index(settings->groups, i));
    for (guint i = 0; i < inventory->n; i++)
        reset_gpu(&inventory->gpus[i]);
    for (guint k = 0; k < settings->gpus->len; k++) {
        const VgGpuSetting *setting = g_ptr_array_index(settings->gpus, k);
        VgGpu *found = NULL;
        for (guint i = 0; found == NULL && i < inventory->n; i++)
            found = is_about(setting, &inventory->gpus[i]) ? &inventory->gpus[i] : NULL;
        char addr[VG_PCIADDR_TEXT];
        if (found != NULL)
            apply_gpu(found, setting, groups);
        else
            vg_info("gpus.json names GPU %s%s%s, which this host does not have now",
                    vg_pciaddr_format(&setting->addr, addr), setting->identity != NULL ? ", " : "",
                    setting->identity != NULL ? setting->identity : "");
    }
    for (guint i = 0; i < inventory->n; i++) {
        VgGpu *gpu = &inventory->gpus[i];
        g_autofree char *name = vg_gpu_default_group(gpu);
        guint by_model = group_find(groups, name);
        if (by_model != VG_PLACE_ANY)
            g_array_index(groups, VgGpuGroup, by_model).own = FALSE;
        else if (gpu->group == VG_PLACE_ANY)
            by_model = add_default(groups, name);
        if (gpu->group == VG_PLACE_ANY)
            gpu->group = by_model;
    }
    return groups;
}
