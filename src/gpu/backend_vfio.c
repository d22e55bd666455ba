/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend_vfio.c: NVIDIA's virtual functions of kernels from 6.8 on: a vGPU is a number written to its virtual
 * function's current_vgpu_type, and 0 takes it away. The function stays with NVIDIA's driver. Nothing there says whose
 * a vGPU is, so what is not of our type is somebody else's, and what was made before the host last started is gone.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "gpu/backend.h"
#include "gpu/vfs.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define STEP_MS 10
#define LIST_MS 500
#define PREFIX "nvidia-" /* of ids, as with mediated devices: definitions run on both */

static char *file_of(const VgPciAddr *vf, const char *name) {
    g_autofree char *below = g_strconcat("nvidia/", name, NULL);
    return vg_pci_file(vf, below);
}

static gboolean usable(const VgGpuHost *host, const VgGpuRecord *gpu, GError **error) {
    return vg_backend_can_vfio(host, error);
}

static char *path_of(const VgPlace *place) {
    return vg_pci_file(&place->vf, NULL);
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

static guint current_type(VgSysroot *root, const VgPciAddr *vf) {
    g_autofree char *path = file_of(vf, "current_vgpu_type");
    gint64 type = 0;
    return vg_sysroot_read_int(root, path, &type) ? (guint)CLAMP(type, 0, G_MAXINT) : 0;
}

/* "ID    : vGPU Name", then "941   : NVIDIA RTX6000-Ada-1Q": what could be made there now. */
static void read_creatable(VgSysroot *root, const VgPciAddr *vf, VgGpuFacts *facts) {
    g_autofree char *path = file_of(vf, "creatable_vgpu_types"), *text = vg_sysroot_read(root, path);
    g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", 1024);
    for (char **line = lines; *line != NULL; line++) {
        char *end = NULL;
        guint64 number = g_ascii_strtoull(*line, &end, 10);
        if (end == *line || number == 0 || number > G_MAXINT)
            continue;
        end += strspn(end, " :");
        g_autofree char *id = g_strdup_printf(PREFIX "%" G_GUINT64_FORMAT, number);
        VgTypeFact type = {id, *g_strstrip(end) != '\0' ? end : NULL, NULL, NULL, 1};
        vg_gpu_facts_add_type(facts, &type);
    }
}

static void read_device(VgSysroot *root, const VgPciAddr *vf, guint type, VgGpuFacts *facts) {
    VgDeviceFact device = {.has_vf = TRUE, .vf = *vf, .start = -1};
    g_autofree char *path = file_of(vf, "placement_id");
    gint64 start; /* words, if the GPU is not in mixed-size mode */
    if (vg_sysroot_read_int(root, path, &start))
        device.start = start;
    device.type_id = g_strdup_printf(PREFIX "%u", type);
    vg_gpu_facts_add_device(facts, &device);
}

static gboolean vfio_read(VgSysroot *root, const VgGpuRecord *gpu, VgGpuFacts *facts) {
    vg_vfs_read(root, &gpu->addr, facts);
    for (guint i = 0; i < facts->vfs->len; i++) {
        VgVf *vf = &g_array_index(facts->vfs, VgVf, i);
        g_autofree char *path = file_of(&vf->addr, "current_vgpu_type");
        vf->usable = vg_sysroot_exists(root, path);
        if (!vf->usable)
            continue;
        facts->on_vfs = TRUE;
        guint type = current_type(root, &vf->addr);
        if (type != 0)
            read_device(root, &vf->addr, type, facts);
        else
            read_creatable(root, &vf->addr, facts);
    }
    /* One vGPU is enough to hide the types that have no room beside it. */
    facts->partial = facts->devices->len > 0;
    return facts->on_vfs;
}

/* --- creating ----------------------------------------------------------------------------------------------------- */

static const VgBackendErrno create_errors[] = {
    {ENOSPC, VG_ERR_RESOURCE_BUSY, N_("the driver has no room left for it; vGPUs made by other hands may hold it")},
    {EPERM, VG_ERR_RESOURCE_BUSY, N_("the driver says no: it has no room for it, or a vGPU is there already")},
    {EINVAL, VG_ERR_RESOURCE_BUSY, N_("the driver does not offer this type now")},
    {ENOENT, VG_ERR_DEVICE_MISSING, N_("the virtual function is not there any more, or its driver has let it go")},
    {ENODEV, VG_ERR_DEVICE_MISSING, N_("the driver says that the GPU is gone")},
};

static gboolean create_failed(const VgPlace *place, int errnum, GError **error) {
    char vf[VG_PCIADDR_TEXT];
    const char *why;
    VgErrorCode code = vg_backend_errno(create_errors, G_N_ELEMENTS(create_errors), errnum, &why);
    vg_set_error(error, code, _("cannot make a vGPU of type %s on virtual function %s: %s"), place->type_name,
                 vg_pciaddr_format(&place->vf, vf), why);
    return FALSE;
}

static guint type_number(const VgPlace *place) {
    const char *digits = g_str_has_prefix(place->type_id, PREFIX) ? place->type_id + strlen(PREFIX) : place->type_id;
    return (guint)g_ascii_strtoull(digits, NULL, 10);
}

/* One write to a file of the virtual function; an errno, or 0. @point names it for the crash tests. */
static int put(const VgBackendHost *host, const VgPlace *place, const char *point, const char *name, const char *text) {
    g_autofree char *path = file_of(&place->vf, name);
    return vg_fault(point) ? EIO : vg_sysroot_write(host->root, path, text) ? 0 : errno;
}

/* Waits until the virtual function has @type; 0: no vGPU. */
static gboolean wait_type(const VgBackendHost *host, const VgPlace *place, guint type) {
    for (guint waited = 0; current_type(host->root, &place->vf) != type; waited += STEP_MS) {
        if (waited >= host->wait_ms)
            return FALSE;
        g_usleep(STEP_MS * 1000);
    }
    return TRUE;
}

static gboolean has_files(const VgBackendHost *host, const VgPlace *place) {
    g_autofree char *path = file_of(&place->vf, "current_vgpu_type");
    return vg_sysroot_exists(host->root, path);
}

/* Older drivers said "GRID" where newer ones say "NVIDIA". */
static const char *without_brand(const char *name) {
    const char *space = strchr(name, ' ');
    return space != NULL ? space + 1 : name;
}

/*
 * The catalogue's numbers of types are partly inferred, and a wrong one would make another type: what is written is
 * what the driver lists by that name at this moment.
 */
static gboolean is_listed(const VgBackendHost *host, const VgPlace *place) {
    g_auto(VgGpuFacts) facts = {0};
    vg_gpu_facts_init(&facts);
    read_creatable(host->root, &place->vf, &facts);
    for (guint i = 0; i < facts.types->len; i++) {
        const VgTypeFact *type = &g_array_index(facts.types, VgTypeFact, i);
        if (strcmp(type->id, place->type_id) == 0 &&
            (type->name == NULL || strcmp(without_brand(type->name), without_brand(place->type_name)) == 0))
            return TRUE;
    }
    return FALSE;
}

/* The lists follow what was made and taken away elsewhere on the GPU, a little later. */
static gboolean is_creatable(const VgBackendHost *host, const VgPlace *place, GError **error) {
    char vf[VG_PCIADDR_TEXT];
    for (guint waited = 0; waited <= MIN(host->wait_ms, LIST_MS); waited += STEP_MS) {
        if (is_listed(host, place))
            return TRUE;
        g_usleep(STEP_MS * 1000);
    }
    vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                 _("the driver does not offer type %s (%s) on virtual function %s now; vGPUs made by other hands may "
                   "hold its room"),
                 place->type_name, place->type_id, vg_pciaddr_format(&place->vf, vf));
    return FALSE;
}

static gboolean make(const VgBackendHost *host, const VgPlace *place, guint type, GError **error) {
    char vf[VG_PCIADDR_TEXT];
    if (!has_files(host, place))
        return create_failed(place, ENOENT, error);
    if (!is_creatable(host, place, error))
        return FALSE;
    g_autofree char *text = g_strdup_printf("%u", type);
    int errnum = put(host, place, "gpu.vfio.create", "current_vgpu_type", text);
    if (errnum != 0)
        return create_failed(place, errnum, error);
    if (vg_fault("gpu.vfio.created"))
        return create_failed(place, EIO, error);
    if (wait_type(host, place, type))
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_TIMEOUT,
                 _("the driver took the order for a vGPU of type %s on virtual function %s but has not shown it within "
                   "%u ms"),
                 place->type_name, vg_pciaddr_format(&place->vf, vf), host->wait_ms);
    return FALSE;
}

static gboolean set_attributes(const VgBackendHost *host, const VgPlace *place, const char *const *params,
                               GError **error) {
    char vf[VG_PCIADDR_TEXT];
    g_autofree char *text = vg_params_text(params), *start = g_strdup_printf("%d", place->start);
    const struct {
        const char *point, *file, *text;
    } files[] = {{"gpu.vfio.start", "placement_id", place->start >= 0 && !place->mig ? start : NULL},
                 {"gpu.vfio.params", "vgpu_params", text}};
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        int errnum = files[i].text != NULL ? put(host, place, files[i].point, files[i].file, files[i].text) : 0;
        if (errnum == 0)
            continue;
        vg_set_errno(error, errnum, _("the driver of virtual function %s does not take '%s' as %s"),
                     vg_pciaddr_format(&place->vf, vf), files[i].text, files[i].file);
        return FALSE;
    }
    return TRUE;
}

static gboolean vfio_remove(const VgBackendHost *host, const VgPlace *place, GError **error);

static gboolean vfio_create(const VgBackendHost *host, const VgPlace *place, const char *const *params,
                            GError **error) {
    char vf[VG_PCIADDR_TEXT];
    guint type = type_number(place), now = current_type(host->root, &place->vf);
    if (now != 0 && now != type) {
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("virtual function %s has a vGPU of type " PREFIX "%u that was made by somebody else; it is left "
                       "alone"),
                     vg_pciaddr_format(&place->vf, vf), now);
        return FALSE;
    }
    if ((now == type || make(host, place, type, error)) && set_attributes(host, place, params, error))
        return TRUE;
    /* The order may have been carried out all the same, now or a little later. */
    if (!vfio_remove(host, place, NULL))
        vg_warn("the vGPU on virtual function %s, whose making failed, could not be removed; a later stop or start "
                "tries again",
                vg_pciaddr_format(&place->vf, vf));
    return FALSE;
}

/* --- removing ----------------------------------------------------------------------------------------------------- */

/* Just after the device model has ended the driver refuses (EPERM, EBUSY), and may do it by itself meanwhile. */
static gboolean vfio_remove(const VgBackendHost *host, const VgPlace *place, GError **error) {
    char vf[VG_PCIADDR_TEXT];
    int errnum = 0;
    vg_pciaddr_format(&place->vf, vf);
    for (guint waited = 0; waited <= host->wait_ms; waited += STEP_MS) {
        guint now = current_type(host->root, &place->vf);
        if (now == 0)
            return TRUE;
        if (now != type_number(place)) {
            /* Ours is gone; what is there now is not ours to touch. */
            vg_warn("virtual function %s has a vGPU of another type now, made by somebody else; it is left alone", vf);
            return TRUE;
        }
        errnum = put(host, place, "gpu.vfio.remove", "current_vgpu_type", "0");
        if (errnum != 0 && errnum != EPERM && errnum != EBUSY && errnum != EAGAIN)
            break;
        if (errnum == 0 && vg_fault("gpu.vfio.removed"))
            errnum = EIO;
        if (errnum == EIO)
            break;
        g_usleep(STEP_MS * 1000);
    }
    if (errnum == EPERM || errnum == EBUSY || errnum == EAGAIN)
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("the vGPU on virtual function %s is still in use, says its driver after %u ms; it stays until "
                       "that ends"),
                     vf, host->wait_ms);
    else if (errnum != 0)
        vg_set_errno(error, errnum, _("cannot remove the vGPU on virtual function %s"), vf);
    else
        vg_set_error(error, VG_ERR_OPERATION_TIMEOUT,
                     _("the driver took the order to remove the vGPU on virtual function %s but still shows it after "
                       "%u ms"),
                     vf, host->wait_ms);
    return FALSE;
}

/* The function is always there; a vGPU of another type is not the one. */
static gboolean vfio_is_there(const VgBackendHost *host, const VgPlace *place) {
    return current_type(host->root, &place->vf) == type_number(place);
}

const VgBackend vg_backend_vfio = {
    .id = VG_BACKEND_VFIO,
    .name = "vfio",
    .bar_kib = 256 * 1024,
    .nameless = TRUE,
    .vfio_path = path_of,
    .read = vfio_read,
    .usable = usable,
    .create = vfio_create,
    .remove = vfio_remove,
    .is_there = vfio_is_there,
};
