/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mdevs.c: the list of vGPUs without a domain, their files, and who has borrowed which. */
#include "driver/mdevs.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/i18n.h"
#include "driver/leftovers.h"
#include "driver/run.h"

#define VG_AREA "driver"
#include "base/log.h"

/* Where NVIDIA's driver takes parameters; other attributes are parameters by themselves. */
#define PARAMS_ATTR "nvidia/vgpu_params"

/* --- the list ----------------------------------------------------------------------------------------------------- */

VgMdev *vg_mdevs_find(const VgDriverState *hub, const VgUuid *uuid) {
    return g_hash_table_lookup(hub->mdevs, uuid);
}

static void free_mdev(gpointer mdev) {
    vg_mdev_free(mdev);
}

void vg_mdev_free(VgMdev *mdev) {
    if (!mdev)
        return;
    g_clear_pointer(&mdev->user, vg_dom_unref);
    vg_ladder_clear(&mdev->ladder);
    g_strfreev(mdev->attrs);
    g_free(mdev->identity);
    g_free(mdev->type_id);
    g_free(mdev);
}

void vg_mdevs_add(VgMdev *mdev) {
    g_hash_table_replace(mdev->hub->mdevs, &mdev->uuid, mdev);
}

void vg_mdevs_remove(VgMdev *mdev) {
    g_hash_table_remove(mdev->hub->mdevs, &mdev->uuid);
}

void vg_mdevs_free(VgDriverState *hub) {
    g_clear_pointer(&hub->mdevs, g_hash_table_unref);
    g_free(hub->mdevdir);
}

char *vg_mdev_name(const VgMdev *mdev) {
    return vg_nodedev_mdev_name(&mdev->uuid, &mdev->parent);
}

/* --- what it would be --------------------------------------------------------------------------------------------- */

/* Attributes as parameters: those of NVIDIA's one file, "a=1,b=2", are several. */
static char **params_of(char **attrs) {
    GPtrArray *params = g_ptr_array_new();
    for (char **attr = attrs; attr && attr[0] && attr[1]; attr += 2) {
        if (strcmp(attr[0], PARAMS_ATTR) != 0) {
            g_ptr_array_add(params, g_strdup(attr[0]));
            g_ptr_array_add(params, g_strdup(attr[1]));
            continue;
        }
        g_auto(GStrv) pairs = g_strsplit(attr[1], ",", -1);
        for (char **pair = pairs; *pair; pair++) {
            char *value = strchr(*pair, '=');
            g_ptr_array_add(params, g_strstrip(g_strndup(*pair, value ? (gsize)(value - *pair) : strlen(*pair))));
            g_ptr_array_add(params, g_strstrip(g_strdup(value ? value + 1 : "")));
        }
    }
    g_ptr_array_add(params, NULL);
    return (char **)g_ptr_array_free(params, FALSE);
}

VgVgpuRequest vg_mdev_request(const VgMdev *mdev, char ***ret_params) {
    *ret_params = params_of(mdev->attrs);
    return (VgVgpuRequest){.vgpu = mdev->uuid,
                           .type_id = mdev->type_id,
                           .pinned = TRUE,
                           .gpu = mdev->parent,
                           .gpu_identity = mdev->identity,
                           .params = (const char *const *)*ret_params};
}

/* Of the GPU at @addr; NULL: it has none, or there is no GPU. */
static const char *identity_at(VgDriverState *hub, const VgPciAddr *addr, gboolean *ret_there) {
    VgGpuView view;
    for (gsize i = 0; i < vg_gpus_count(hub->gpus); i++)
        if (vg_gpus_view(hub->gpus, i, &view) && vg_pciaddr_compare(&view.record->addr, addr) == 0) {
            *ret_there = TRUE;
            return view.record->identity;
        }
    *ret_there = FALSE;
    return NULL;
}

/* Where the GPU of @identity is now. */
static gboolean find_identity(VgDriverState *hub, const char *identity, VgPciAddr *ret) {
    VgGpuView view;
    for (gsize i = 0; identity && i < vg_gpus_count(hub->gpus); i++)
        if (vg_gpus_view(hub->gpus, i, &view) && g_strcmp0(view.record->identity, identity) == 0) {
            *ret = view.record->addr;
            return TRUE;
        }
    return FALSE;
}

static gboolean check(const VgMdev *mdev, GError **error) {
    g_auto(GStrv) params = NULL;
    VgVgpuRequest request = vg_mdev_request(mdev, &params);
    return vg_gpus_check(mdev->hub->gpus, &request, 1, error);
}

VgMdev *vg_mdev_new(VgDriverState *hub, const VgNodedevWish *wish, GError **error) {
    VgMdev *mdev = g_new0(VgMdev, 1);
    mdev->hub = hub;
    mdev->type_id = g_strdup(wish->type_id);
    mdev->attrs = g_new0(char *, wish->n_attrs * 2 + 1);
    for (gsize i = 0; i < wish->n_attrs; i++) {
        mdev->attrs[i * 2] = g_strdup(wish->attrs[i]->name);
        mdev->attrs[i * 2 + 1] = g_strdup(wish->attrs[i]->value);
    }
    if (wish->has_uuid && !vg_uuid_is_null(&wish->uuid))
        mdev->uuid = wish->uuid;
    else
        vg_uuid_generate(&mdev->uuid);
    if (!vg_nodedev_parse_pci_name(wish->parent, &mdev->parent))
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("invalid parent device '%s': the parent of a mediated device is a GPU; "
                       "'virsh nodedev-list --cap mdev_types' lists them"),
                     wish->parent);
    else {
        gboolean there;
        mdev->identity = g_strdup(identity_at(hub, &mdev->parent, &there));
        if (check(mdev, error))
            return mdev;
    }
    vg_mdev_free(mdev);
    return NULL;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static char *folder_of(const VgMdev *mdev) {
    char addr[VG_PCIADDR_TEXT];
    return g_build_filename(mdev->hub->mdevdir, vg_pciaddr_format(&mdev->parent, addr), NULL);
}

static char *path_of(const VgMdev *mdev) {
    char uuid[VG_UUID_TEXT];
    g_autofree char *folder = folder_of(mdev);
    return g_build_filename(folder, vg_uuid_format(&mdev->uuid, uuid), NULL);
}

gboolean vg_mdev_write(const VgMdev *mdev, GError **error) {
    g_autofree char *folder = folder_of(mdev), *path = path_of(mdev);
    g_autoptr(VgJson) json = vg_json_new_object();
    vg_json_set_string(json, "mdev_type", mdev->type_id);
    vg_json_set_string(json, "start", mdev->autostart ? "auto" : "manual");
    if (mdev->identity) /* not of mdevctl's: what it leaves alone */
        vg_json_set_string(json, "gpu_identity", mdev->identity);
    VgJson *attrs = vg_json_set(json, "attrs", vg_json_new_array());
    for (char **attr = mdev->attrs; attr && attr[0] && attr[1]; attr += 2)
        vg_json_set_string(vg_json_append(attrs, vg_json_new_object()), attr[0], attr[1]);
    g_autofree char *text = vg_json_print(json, TRUE);
    return vg_durable_mkdir(folder, error) && vg_durable_write(path, text, strlen(text), FALSE, error);
}

gboolean vg_mdev_unlink(const VgMdev *mdev, GError **error) {
    g_autofree char *path = path_of(mdev);
    return vg_durable_remove(path, error);
}

static gboolean read_text(VgMdev *mdev, const char *path, GError **error) {
    g_autofree char *text = NULL;
    gsize len = 0;
    if (!g_file_get_contents(path, &text, &len, error))
        return FALSE;
    g_autoptr(VgJson) json = vg_json_parse(text, len, path, error);
    if (!json)
        return FALSE;
    mdev->type_id = g_strdup(vg_json_get_string(json, "mdev_type"));
    mdev->autostart = g_strcmp0(vg_json_get_string(json, "start"), "auto") == 0;
    mdev->identity = g_strdup(vg_json_get_string(json, "gpu_identity"));
    const VgJson *attrs = vg_json_get(json, "attrs");
    GPtrArray *list = g_ptr_array_new();
    for (gsize i = 0; i < vg_json_length(attrs); i++) {
        const VgJson *attr = vg_json_at(attrs, i);
        const char *name = vg_json_length(attr) ? vg_json_key(attr, 0) : NULL;
        const char *value = name ? vg_json_get_string(attr, name) : NULL;
        if (!value)
            continue;
        g_ptr_array_add(list, g_strdup(name));
        g_ptr_array_add(list, g_strdup(value));
    }
    g_ptr_array_add(list, NULL);
    mdev->attrs = (char **)g_ptr_array_free(list, FALSE);
    if (mdev->type_id)
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("%s: 'mdev_type' is missing"), path);
    return FALSE;
}

/* Its GPU sits elsewhere now: it follows, and so does its file. A death on the way leaves two that say the same. */
static void follow(VgMdev *mdev, const char *path) {
    g_autoptr(GError) error = NULL;
    VgPciAddr now;
    gboolean there;
    if (!mdev->identity)
        mdev->identity = g_strdup(identity_at(mdev->hub, &mdev->parent, &there));
    char from[VG_PCIADDR_TEXT], to[VG_PCIADDR_TEXT], uuid[VG_UUID_TEXT];
    if (!find_identity(mdev->hub, mdev->identity, &now)) {
        /* Not there at all: another GPU at its old address is not meant, unless that says nothing of itself. */
        if (!identity_at(mdev->hub, &mdev->parent, &there) && there)
            g_clear_pointer(&mdev->identity, g_free);
        return;
    }
    if (vg_pciaddr_compare(&now, &mdev->parent) == 0)
        return;
    vg_info("node device %s follows its GPU from %s to %s", vg_uuid_format(&mdev->uuid, uuid),
            vg_pciaddr_format(&mdev->parent, from), vg_pciaddr_format(&now, to));
    mdev->parent = now;
    if (!vg_mdev_write(mdev, &error) || !vg_durable_remove(path, &error))
        vg_warn("definition of a node device: %s", error->message);
}

/* The file of one that has followed its GPU: the new one, or the old one if we died before it was gone. */
static gboolean has_followed(const VgMdev *known, const VgMdev *mdev, const char *path) {
    g_autoptr(GError) error = NULL;
    if (!known || !known->identity || g_strcmp0(known->identity, mdev->identity) != 0)
        return FALSE;
    if (vg_pciaddr_compare(&known->parent, &mdev->parent) != 0 && !vg_durable_remove(path, &error))
        vg_warn("definition of a node device: %s", error->message);
    return TRUE;
}

/* A name that is no UUID is a temporary file, or somebody's note. */
static void read_one(VgDriverState *hub, const VgPciAddr *parent, const char *folder, const char *name) {
    g_autoptr(GError) error = NULL;
    VgUuid uuid;
    if (!vg_uuid_parse(name, &uuid))
        return;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    VgMdev *mdev = g_new0(VgMdev, 1);
    mdev->hub = hub;
    mdev->uuid = uuid;
    mdev->parent = *parent;
    mdev->persistent = TRUE;
    if (!read_text(mdev, path, &error)) {
        vg_warn("definition of a node device: %s", error->message);
        vg_durable_set_aside(path);
    } else if (has_followed(vg_mdevs_find(hub, &uuid), mdev, path)) {
        vg_debug("%s is of a node device that has followed its GPU", path);
    } else if (vg_mdevs_find(hub, &uuid)) {
        vg_warn("two definitions of node devices have the UUID %s; %s is not used", name, path);
    } else {
        follow(mdev, path);
        vg_mdevs_add(mdev);
        return;
    }
    vg_mdev_free(mdev);
}

void vg_mdevs_load(VgDriverState *hub, const char *confdir) {
    hub->mdevdir = g_strdup(confdir);
    hub->mdevs = g_hash_table_new_full(vg_uuid_hash, vg_uuid_equal_ptr, NULL, free_mdev);
    g_autoptr(GDir) parents = g_dir_open(confdir, 0, NULL);
    for (const char *name = parents ? g_dir_read_name(parents) : NULL; name; name = g_dir_read_name(parents)) {
        VgPciAddr parent;
        g_autofree char *folder = g_build_filename(confdir, name, NULL);
        g_autoptr(GDir) dir = vg_pciaddr_parse(name, &parent) ? g_dir_open(folder, 0, NULL) : NULL;
        for (const char *file = dir ? g_dir_read_name(dir) : NULL; file; file = g_dir_read_name(dir))
            read_one(hub, &parent, folder, file);
    }
}

VgJson *vg_mdevs_json(const VgDriverState *hub) {
    VgJson *list = vg_json_new_array();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->mdevs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgMdev *mdev = value;
        char uuid[VG_UUID_TEXT];
        g_autofree char *parent = vg_nodedev_pci_name(&mdev->parent);
        if (!mdev->persistent)
            continue;
        VgJson *item = vg_json_append(list, vg_json_new_object());
        vg_json_set_string(item, "uuid", vg_uuid_format(&mdev->uuid, uuid));
        vg_json_set_string(item, "parent", parent);
        vg_json_set_string(item, "type", mdev->type_id);
        vg_json_set_bool(item, "autostart", mdev->autostart);
        VgJson *attrs = vg_json_set(item, "attrs", vg_json_new_object());
        for (char **attr = mdev->attrs; attr && attr[0] && attr[1]; attr += 2)
            vg_json_set_string(attrs, attr[0], attr[1]);
    }
    return list;
}

/* --- start-up ----------------------------------------------------------------------------------------------------- */

static VgMdev *of_claim(VgDriverState *hub, VgClaim *claim) {
    gsize n = 0;
    const VgPlace *place = vg_claim_places(claim, &n);
    VgMdev *mdev = vg_mdevs_find(hub, &place->vgpu);
    if (mdev && vg_pciaddr_compare(&mdev->parent, &place->gpu) != 0)
        return NULL;
    if (mdev)
        return mdev;
    mdev = g_new0(VgMdev, 1);
    mdev->hub = hub;
    mdev->uuid = place->vgpu;
    mdev->parent = place->gpu;
    mdev->type_id = g_strdup(place->type_id);
    mdev->attrs = g_new0(char *, 1);
    vg_mdevs_add(mdev);
    return mdev;
}

void vg_mdevs_adopt(VgDriverState *hub, VgClaim *claim) {
    g_autoptr(GError) error = NULL;
    VgMdev *mdev = hub->same_boot && vg_claim_exists(claim) ? of_claim(hub, claim) : NULL;
    if (mdev) {
        mdev->claim = claim;
        mdev->active = TRUE;
    } else if (vg_leftovers_drop_claim(hub, claim, &error))
        vg_gpus_release(claim);
    else
        vg_leftovers_add_claim(hub, claim, error ? error->message : NULL);
}

/* --- lending ------------------------------------------------------------------------------------------------------ */

static gboolean may_have(const VgMdev *mdev, const VgDom *dom, GError **error) {
    char uuid[VG_UUID_TEXT];
    if (!mdev->user || mdev->user == dom)
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_INVALID,
                 _("mediated device %s is in use by driver %s, domain %s; stop that one, or name another device"),
                 vg_uuid_format(&mdev->uuid, uuid), "Xen", mdev->user->name);
    return FALSE;
}

GPtrArray *vg_mdevs_of(const VgDriverState *hub, const VgDomain *def, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (gsize i = 0; i < def->n_hostdevs; i++) {
        char text[VG_UUID_TEXT];
        if (def->hostdevs[i]->type != VG_HOSTDEV_MDEV)
            continue;
        VgMdev *mdev = vg_mdevs_find(hub, &def->hostdevs[i]->mdev.uuid);
        if (mdev && mdev->active) {
            g_ptr_array_add(list, mdev);
            continue;
        }
        vg_uuid_format(&def->hostdevs[i]->mdev.uuid, text);
        g_autofree char *name = mdev ? vg_mdev_name(mdev) : NULL;
        if (mdev)
            vg_set_error(error, VG_ERR_DEVICE_MISSING,
                         _("mediated device '%s' not found: it is defined but not active; "
                           "'virsh nodedev-start %s' makes it"),
                         text, name);
        else
            vg_set_error(
                error, VG_ERR_DEVICE_MISSING,
                _("mediated device '%s' not found; 'virsh nodedev-list --cap mdev' lists those that are there"), text);
        return NULL;
    }
    return g_steal_pointer(&list);
}

gboolean vg_mdevs_lend(VgRun *run, GError **error) {
    g_autoptr(GPtrArray) list = vg_mdevs_of(run->hub, run->def, error);
    for (guint i = 0; list && i < list->len; i++)
        if (!may_have(list->pdata[i], run->dom, error))
            return FALSE;
    if (!list)
        return FALSE;
    for (guint i = 0; i < list->len; i++) {
        VgMdev *mdev = list->pdata[i];
        g_clear_pointer(&mdev->user, vg_dom_unref);
        mdev->user = vg_dom_ref(run->dom);
        vg_claim_lend(mdev->claim, &run->dom->uuid, run->dom->name);
    }
    if (list->len)
        run->lent = g_steal_pointer(&list);
    return TRUE;
}

void vg_mdevs_return(VgRun *run) {
    for (guint i = 0; run->lent && i < run->lent->len; i++) {
        VgMdev *mdev = run->lent->pdata[i];
        g_clear_pointer(&mdev->user, vg_dom_unref);
        vg_claim_lend(mdev->claim, NULL, NULL);
    }
    g_clear_pointer(&run->lent, g_ptr_array_unref);
}
