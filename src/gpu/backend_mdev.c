/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend_mdev.c: mediated devices. A UUID written to a type's "create" makes one, "1" written to its "remove" ends it;
 * both are believed only when the device is seen to be there, or gone. A device of our UUID that sits elsewhere or is
 * of another type is somebody else's.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "gpu/backend.h"
#include "gpu/vfs.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define STEP_MS 10

typedef struct {
    const VgBackendHost *host;
    const VgPlace *place;
    char uuid[VG_UUID_TEXT], parent[VG_PCIADDR_TEXT];
    char *device; /* sys/bus/mdev/devices/UUID */
} Mdev;

static char *path_of(const VgPlace *place) {
    char uuid[VG_UUID_TEXT];
    return g_strconcat("sys/bus/mdev/devices/", vg_uuid_format(&place->vgpu, uuid), NULL);
}

static void mdev_clear(Mdev *m) {
    g_free(m->device);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mdev, mdev_clear)

static void mdev_init(Mdev *m, const VgBackendHost *host, const VgPlace *place) {
    m->host = host;
    m->place = place;
    vg_uuid_format(&place->vgpu, m->uuid);
    vg_pciaddr_format(vg_place_function(place), m->parent);
    m->device = path_of(place);
}

static gboolean usable(const VgGpuHost *host, const VgGpuRecord *gpu, GError **error) {
    return vg_backend_can_vfio(host, error);
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

static char *attribute(VgSysroot *root, const char *folder, const char *id, const char *name) {
    g_autofree char *path = g_strdup_printf("%s/%s/%s", folder, id, name);
    return vg_sysroot_read(root, path);
}

static void read_type(VgSysroot *root, const char *folder, const char *id, VgGpuFacts *facts) {
    g_autofree char *name = attribute(root, folder, id, "name");
    g_autofree char *description = attribute(root, folder, id, "description");
    g_autofree char *api = attribute(root, folder, id, "device_api");
    g_autofree char *available = g_strdup_printf("%s/%s/available_instances", folder, id);
    g_autofree char *made = g_strdup_printf("%s/%s/devices", folder, id);
    g_auto(GStrv) devices = vg_sysroot_list(root, made);
    gint64 left = 0;
    vg_sysroot_read_int(root, available, &left);
    guint seen = (guint)CLAMP(left, 0, 1024) + (devices != NULL ? MIN(g_strv_length(devices), 1024) : 0);
    VgTypeFact type = {(char *)id, name, description, api, seen};
    vg_gpu_facts_add_type(facts, &type);
}

/* FALSE: it is no parent of mediated devices. */
static gboolean read_types(VgSysroot *root, const VgPciAddr *parent, VgGpuFacts *facts) {
    g_autofree char *folder = vg_pci_file(parent, "mdev_supported_types");
    g_auto(GStrv) ids = vg_sysroot_list(root, folder);
    for (char **id = ids; id != NULL && *id != NULL; id++)
        read_type(root, folder, *id, facts);
    return ids != NULL;
}

/* Devices are folders below their parent. */
static void read_devices(VgSysroot *root, const VgPciAddr *parent, gboolean is_vf, VgGpuFacts *facts) {
    g_autofree char *folder = vg_pci_file(parent, NULL);
    g_auto(GStrv) names = vg_sysroot_list(root, folder);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        VgDeviceFact device = {.has_uuid = TRUE, .has_vf = is_vf, .vf = *parent, .start = -1};
        g_autofree char *on_bus = g_strconcat("sys/bus/mdev/devices/", *name, NULL);
        /* Its folder outlives its place on the bus for a moment, and nobody tells when that is over. */
        if (strlen(*name) != VG_UUID_TEXT - 1 || !vg_uuid_parse(*name, &device.uuid) ||
            !vg_sysroot_exists(root, on_bus))
            continue;
        g_autofree char *type_path = g_strdup_printf("%s/%s/mdev_type", folder, *name);
        g_autofree char *start_path = g_strdup_printf("%s/%s/nvidia/placement_id", folder, *name);
        g_autofree char *type = vg_sysroot_readlink(root, type_path);
        gint64 start; /* a GPU not in mixed-size mode says so in words */
        if (vg_sysroot_read_int(root, start_path, &start))
            device.start = start;
        device.type_id = type != NULL ? g_path_get_basename(type) : NULL;
        vg_gpu_facts_add_device(facts, &device);
    }
}

/* On the GPU itself, or (SR-IOV) on its virtual functions, each of which lists the same types and is good for one. */
static gboolean mdev_read(VgSysroot *root, const VgGpuRecord *gpu, VgGpuFacts *facts) {
    if (read_types(root, &gpu->addr, facts)) {
        read_devices(root, &gpu->addr, FALSE, facts);
        return TRUE;
    }
    vg_vfs_read(root, &gpu->addr, facts);
    for (guint i = 0; i < facts->vfs->len; i++) {
        VgVf *vf = &g_array_index(facts->vfs, VgVf, i);
        g_autofree char *folder = vg_pci_file(&vf->addr, "mdev_supported_types");
        vf->usable = facts->on_vfs ? vg_sysroot_exists(root, folder) : read_types(root, &vf->addr, facts);
        facts->on_vfs = facts->on_vfs || vf->usable;
        if (vf->usable)
            read_devices(root, &vf->addr, TRUE, facts);
    }
    return facts->on_vfs;
}

static gboolean is_there(const Mdev *m) {
    return vg_sysroot_exists(m->host->root, m->device);
}

/* Waits until the device is (@wanted) or is not there. */
static gboolean wait_until(const Mdev *m, gboolean wanted) {
    for (guint waited = 0; is_there(m) != wanted; waited += STEP_MS) {
        if (waited >= m->host->wait_ms)
            return FALSE;
        g_usleep(STEP_MS * 1000);
    }
    return TRUE;
}

static char *link_name(const Mdev *m, const char *name) {
    g_autofree char *path = g_strconcat(m->device, name, NULL);
    g_autofree char *target = vg_sysroot_readlink(m->host->root, path);
    return target != NULL ? g_path_get_basename(target) : NULL;
}

/* The PCI function it sits on: the folder above it in its link. */
static char *parent_of(const Mdev *m) {
    g_autofree char *target = vg_sysroot_readlink(m->host->root, m->device);
    if (target == NULL)
        return NULL;
    g_autofree char *folder = g_path_get_dirname(target);
    return g_path_get_basename(folder);
}

/* Is the device that is there the one of this place? */
static gboolean is_ours(const Mdev *m, GError **error) {
    g_autofree char *parent = parent_of(m), *type = link_name(m, "/mdev_type");
    if (g_strcmp0(parent, m->parent) == 0 && (type == NULL || strcmp(type, m->place->type_id) == 0))
        return TRUE;
    vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                 _("the kernel has a mediated device %s already: type %s on %s, not type %s on %s; it was made by "
                   "somebody else and is left "
                   "alone; give the vGPU another UUID or remove that device"),
                 m->uuid, type != NULL ? type : "?", parent != NULL ? parent : "?", m->place->type_id, m->parent);
    return FALSE;
}

/* --- creating ----------------------------------------------------------------------------------------------------- */

static const VgBackendErrno create_errors[] = {
    {ENOSPC, VG_ERR_RESOURCE_BUSY, N_("the kernel has no room left for it; devices made by other hands may hold it")},
    {EUSERS, VG_ERR_RESOURCE_BUSY, N_("the kernel has no room left for it; devices made by other hands may hold it")},
    {EEXIST, VG_ERR_RESOURCE_BUSY, N_("the kernel says that a device of this UUID exists, and does not show it")},
    {ENOENT, VG_ERR_DEVICE_MISSING, N_("the kernel offers this type no more; its driver may have been unloaded")},
    {ENODEV, VG_ERR_DEVICE_MISSING, N_("the kernel says that the GPU is gone")},
};

static gboolean create_failed(const Mdev *m, int errnum, GError **error) {
    const char *why;
    VgErrorCode code = vg_backend_errno(create_errors, G_N_ELEMENTS(create_errors), errnum, &why);
    vg_set_error(error, code, _("cannot create mediated device %s of type %s on GPU %s: %s"), m->uuid,
                 m->place->type_id, m->parent, why);
    return FALSE;
}

static gboolean make(const Mdev *m, GError **error) {
    g_autofree char *path =
        g_strdup_printf("sys/bus/pci/devices/%s/mdev_supported_types/%s/create", m->parent, m->place->type_id);
    if (vg_fault("gpu.mdev.create"))
        return create_failed(m, EIO, error);
    if (!vg_sysroot_write(m->host->root, path, m->uuid))
        return create_failed(m, errno, error);
    if (vg_fault("gpu.mdev.created"))
        return create_failed(m, EIO, error);
    if (wait_until(m, TRUE))
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_TIMEOUT,
                 _("the kernel took the order for mediated device %s on GPU %s but has not shown it within %u ms"),
                 m->uuid, m->parent, m->host->wait_ms);
    return FALSE;
}

static gboolean set_params(const Mdev *m, const char *const *params, GError **error) {
    g_autofree char *text = vg_params_text(params);
    if (text == NULL)
        return TRUE;
    g_autofree char *path = g_strconcat(m->device, "/nvidia/vgpu_params", NULL);
    int errnum = vg_fault("gpu.mdev.params") ? EIO : vg_sysroot_write(m->host->root, path, text) ? 0 : errno;
    if (errnum != 0) {
        vg_set_errno(error, errnum, _("the driver of GPU %s does not take the parameters '%s'"), m->parent, text);
        return FALSE;
    }
    return !vg_fault("gpu.mdev.params-set") || create_failed(m, EIO, error);
}

/* Mixed-size mode: where it lies among the others is our choice, not the driver's. */
static gboolean set_start(const Mdev *m, GError **error) {
    if (m->place->start < 0 || m->place->mig)
        return TRUE;
    g_autofree char *path = g_strconcat(m->device, "/nvidia/placement_id", NULL);
    g_autofree char *text = g_strdup_printf("%d", m->place->start);
    int errnum = vg_fault("gpu.mdev.start") ? EIO : vg_sysroot_write(m->host->root, path, text) ? 0 : errno;
    if (errnum == 0)
        return TRUE;
    vg_set_errno(error, errnum, _("the driver of GPU %s does not take the placement id %s for a vGPU of type %s"),
                 m->parent, text, m->place->type_name);
    return FALSE;
}

static gboolean mdev_remove(const VgBackendHost *host, const VgPlace *place, GError **error);

static gboolean mdev_create(const VgBackendHost *host, const VgPlace *place, const char *const *params,
                            GError **error) {
    g_auto(Mdev) m = {0};
    mdev_init(&m, host, place);
    if (is_there(&m)) {
        if (!is_ours(&m, error))
            return FALSE;
    } else if (!make(&m, error)) {
        /* The order may have been carried out all the same, now or a little later. */
        if (!is_there(&m) || mdev_remove(host, place, NULL))
            return FALSE;
        vg_warn("mediated device %s, whose creation failed, could not be removed; a later stop or start tries again",
                m.uuid);
        return FALSE;
    }
    if (set_start(&m, error) && set_params(&m, params, error))
        return TRUE;
    if (!mdev_remove(host, place, NULL))
        vg_warn("mediated device %s, whose parameters failed, could not be removed; a later stop or start tries again",
                m.uuid);
    return FALSE;
}

/* --- removing ----------------------------------------------------------------------------------------------------- */

/* A device model that has just ended may still hold it for a moment, then the driver says EBUSY or EAGAIN. */
static gboolean end(const Mdev *m, GError **error) {
    g_autofree char *path = g_strconcat(m->device, "/remove", NULL);
    int errnum = 0;
    for (guint waited = 0; waited <= m->host->wait_ms; waited += STEP_MS) {
        errnum = 0;
        if (vg_fault("gpu.mdev.remove"))
            errnum = EIO;
        else if (!vg_sysroot_write(m->host->root, path, "1"))
            errnum = errno;
        if (errnum == 0 || !is_there(m))
            return TRUE;
        if (errnum != EBUSY && errnum != EAGAIN)
            break;
        g_usleep(STEP_MS * 1000);
    }
    if (errnum == EBUSY || errnum == EAGAIN)
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("mediated device %s on GPU %s is still in use by a process, says the kernel after %u ms; it "
                       "stays until that ends"),
                     m->uuid, m->parent, m->host->wait_ms);
    else
        vg_set_errno(error, errnum, _("cannot remove mediated device %s of GPU %s"), m->uuid, m->parent);
    return FALSE;
}

static gboolean mdev_remove(const VgBackendHost *host, const VgPlace *place, GError **error) {
    g_auto(Mdev) m = {0};
    mdev_init(&m, host, place);
    if (!is_there(&m))
        return TRUE;
    g_autoptr(GError) foreign = NULL;
    if (!is_ours(&m, &foreign)) {
        /* Ours is gone; what has its UUID now is not ours to touch. */
        vg_warn("%s", foreign->message);
        return TRUE;
    }
    if (!end(&m, error))
        return FALSE;
    if (vg_fault("gpu.mdev.removed")) {
        vg_set_errno(error, EIO, _("cannot remove mediated device %s of GPU %s"), m.uuid, m.parent);
        return FALSE;
    }
    if (wait_until(&m, FALSE))
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_TIMEOUT,
                 _("the kernel took the order to remove mediated device %s of GPU %s but still shows it after %u ms"),
                 m.uuid, m.parent, host->wait_ms);
    return FALSE;
}

static gboolean mdev_is_there(const VgBackendHost *host, const VgPlace *place) {
    g_autofree char *path = path_of(place);
    return vg_sysroot_exists(host->root, path);
}

const VgBackend vg_backend_mdev = {
    .id = VG_BACKEND_MDEV,
    .name = "mdev",
    .bar_kib = 256 * 1024,
    .vfio_path = path_of,
    .read = mdev_read,
    .usable = usable,
    .create = mdev_create,
    .remove = mdev_remove,
    .is_there = mdev_is_there,
};
