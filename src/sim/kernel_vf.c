/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel_vf.c: virtual functions come and go with a number; what is on them comes with their driver. NVIDIA's driver
 * does not take that number: another has to have the physical function for the moment. It forgets the mode of a GPU
 * each time it gets it.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "sim/kernel_inside.h"

#define DEVICES "sys/bus/pci/devices/"
#define VENDOR "nvidia"

static int outcome(gboolean good) {
    return good ? 0 : errno;
}

#define MIXED "heterogeneous"
#define MIG "mig"

static char *mode_path(const VgPciAddr *pf, const char *mode) {
    char text[VG_PCIADDR_TEXT];
    return g_strdup_printf("nvml/%s/%s", vg_pciaddr_format(pf, text), mode);
}

static gboolean put_mode(const VgSimKernel *k, const VgPciAddr *pf, const char *mode) {
    g_autofree char *path = mode_path(pf, mode);
    return vg_sysroot_exists(k->sysroot, path) || vg_sim_put(k->root, path, "0\n");
}

/* --- coming and going --------------------------------------------------------------------------------------------- */

/* One virtual function; its folder appears by one rename of its link. */
static gboolean make_vf(const VgSimKernel *k, const VgSimGpu *gpu, guint i) {
    char text[VG_PCIADDR_TEXT];
    VgPciAddr vf = vg_sim_gpu_vf(gpu, i);
    g_autofree char *folder = vg_sim_gpu_folder(&vf), *pf = vg_sim_gpu_folder(&gpu->addr);
    g_autofree char *override_file = g_strconcat(folder, "/driver_override", NULL);
    g_autofree char *vendor = g_strconcat(folder, "/vendor", NULL), *physfn = g_strconcat(folder, "/physfn", NULL);
    g_autofree char *virtfn = g_strdup_printf("%s/virtfn%u", pf, i);
    g_autofree char *down = g_strconcat("../", vg_pciaddr_format(&vf, text), NULL);
    g_autofree char *link = g_strconcat(DEVICES, text, NULL);
    g_autofree char *up = g_strconcat("../", vg_pciaddr_format(&gpu->addr, text), NULL);
    g_autofree char *id = g_strdup_printf("0x%04x\n", gpu->vendor);
    g_autofree char *target = g_strconcat("../../../", folder + strlen("sys/"), NULL);
    return vg_sim_put(k->root, override_file, "(null)\n") && vg_sim_put(k->root, vendor, id) &&
           vg_sim_link(k->root, physfn, up) && vg_sim_link(k->root, link, target) && vg_sim_link(k->root, virtfn, down);
}

static gboolean drop_vf(const VgSimKernel *k, const VgSimGpu *gpu, guint i) {
    VgPciAddr vf = vg_sim_gpu_vf(gpu, i);
    g_autofree char *pf = vg_sim_gpu_folder(&gpu->addr), *virtfn = g_strdup_printf("%s/virtfn%u", pf, i);
    return vg_sim_remove(k->root, virtfn) && vg_sim_gpu_remove(k->root, &vf);
}

static gboolean autoprobes(const VgSimKernel *k, const VgSimGpu *gpu) {
    g_autofree char *pf = vg_sim_gpu_folder(&gpu->addr), *path = g_strconcat(pf, "/sriov_drivers_autoprobe", NULL);
    gint64 on = 1;
    vg_sysroot_read_int(k->sysroot, path, &on);
    return on != 0;
}

/* A driver that knows them takes them as they appear, unless it is told not to. */
static gboolean probe_vf(VgSimKernel *k, const VgSimGpu *gpu, guint i) {
    VgPciAddr vf = vg_sim_gpu_vf(gpu, i);
    g_autofree char *folder = vg_sim_gpu_folder(&vf), *link = g_strconcat(folder, "/driver", NULL);
    if (gpu->mdev_types->len == 0 || gpu->driver == NULL || !autoprobes(k, gpu))
        return TRUE;
    g_autofree char *target = g_strconcat("../../../bus/pci/drivers/", gpu->driver, NULL);
    return vg_sim_link(k->root, link, target) && vg_sim_vf_driver_changed(k, &vf);
}

int vg_sim_vf_number(VgSimKernel *k, const VgPciAddr *pf, const char *text) {
    const VgSimGpu *gpu = vg_sim_gpu_find(k, pf);
    guint64 wanted = g_ascii_strtoull(text, NULL, 10);
    gint64 now = 0;
    if (gpu == NULL || gpu->vfs == 0)
        return ENOENT;
    g_autofree char *folder = vg_sim_gpu_folder(pf), *path = g_strconcat(folder, "/sriov_numvfs", NULL);
    g_autofree char *driver = vg_sim_driver(k, pf);
    if (driver == NULL || (strcmp(driver, VENDOR) == 0 && gpu->mdev_types->len > 0))
        return ENOENT; /* "driver does not support SRIOV configuration via sysfs" */
    if (!vg_sysroot_read_int(k->sysroot, path, &now) || wanted > (guint64)gpu->vfs)
        return ERANGE;
    if (now != 0 && wanted != 0)
        return (guint64)now == wanted ? 0 : EBUSY;
    for (guint i = 0; i < (guint)gpu->vfs; i++)
        if (i < wanted ? !make_vf(k, gpu, i) : !drop_vf(k, gpu, i))
            return errno;
    g_autofree char *line = g_strdup_printf("%" G_GUINT64_FORMAT "\n", wanted);
    if (vg_fault("sim.kernel.numvfs"))
        return EIO;
    if (!vg_sim_put(k->root, path, line))
        return errno;
    for (guint i = 0; i < wanted; i++)
        if (!probe_vf(k, gpu, i))
            return errno;
    return 0;
}

int vg_sim_vf_autoprobe(VgSimKernel *k, const VgPciAddr *pf, const char *text) {
    g_autofree char *folder = vg_sim_gpu_folder(pf);
    g_autofree char *path = g_strconcat(folder, "/sriov_drivers_autoprobe", NULL);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    return vg_sysroot_exists(k->sysroot, path) ? outcome(vg_sim_put(k->root, path, line)) : ENOENT;
}

/* --- what the driver puts there ----------------------------------------------------------------------------------- */

static gboolean has_vendor_driver(const VgSimKernel *k, const VgPciAddr *addr) {
    g_autofree char *driver = vg_sim_driver(k, addr);
    return g_strcmp0(driver, VENDOR) == 0;
}

static gboolean put_files(VgSimKernel *k, const VgSimGpu *gpu, const VgPciAddr *vf) {
    g_autofree char *folder = vg_sim_gpu_folder(vf);
    g_autofree char *types = g_strconcat(folder, "/mdev_supported_types", NULL);
    g_autofree char *current = g_strconcat(folder, "/" VENDOR "/current_vgpu_type", NULL);
    g_autofree char *params = g_strconcat(folder, "/" VENDOR "/vgpu_params", NULL);
    g_autofree char *start = g_strconcat(folder, "/" VENDOR "/placement_id", NULL);
    if (vg_sysroot_exists(k->sysroot, gpu->vfio ? current : types))
        return TRUE;
    if (gpu->vfio)
        return vg_sim_put(k->root, params, "\n") && vg_sim_put(k->root, start, "Not Applicable\n") &&
               vg_sim_put(k->root, current, "0\n");
    for (guint i = 0; i < gpu->mdev_types->len; i++)
        if (!vg_sim_type_build(k->root, folder, &g_array_index(gpu->mdev_types, VgSimMdevType, i)))
            return FALSE;
    char text[VG_PCIADDR_TEXT];
    g_autofree char *bus = g_strconcat("sys/class/mdev_bus/", vg_pciaddr_format(vf, text), NULL);
    g_autofree char *target = g_strconcat("../../", folder + strlen("sys/"), NULL);
    return vg_sim_link(k->root, bus, target);
}

static void put_files_late(VgSimKernel *k, const VgPciAddr *vf, const char *text) {
    VgSimParent at;
    if (vg_sim_parent_find(k, vf, &at) && has_vendor_driver(k, vf) && has_vendor_driver(k, &at.gpu->addr))
        put_files(k, at.gpu, vf);
    if (at.gpu != NULL)
        vg_sim_show_room(k, at.gpu);
}

static gboolean drop_files(VgSimKernel *k, const VgSimGpu *gpu, const VgPciAddr *vf) {
    char text[VG_PCIADDR_TEXT];
    g_autofree char *folder = vg_sim_gpu_folder(vf);
    g_autofree char *types = g_strconcat(folder, "/mdev_supported_types", NULL);
    g_autofree char *files = g_strconcat(folder, "/" VENDOR, NULL);
    g_autofree char *bus = g_strconcat("sys/class/mdev_bus/", vg_pciaddr_format(vf, text), NULL);
    return vg_sim_remove(k->root, types) && vg_sim_remove(k->root, files) && vg_sim_remove(k->root, bus);
}

static gboolean vf_changed(VgSimKernel *k, const VgSimGpu *gpu, const VgPciAddr *vf) {
    g_autofree char *folder = vg_sim_gpu_folder(vf);
    if (!vg_sysroot_exists(k->sysroot, folder))
        return TRUE;
    if (!has_vendor_driver(k, vf) || !has_vendor_driver(k, &gpu->addr))
        return drop_files(k, gpu, vf);
    if (gpu->ready_ms == 0)
        return put_files(k, gpu, vf);
    vg_sim_later(k, gpu->ready_ms, put_files_late, vf, NULL);
    return TRUE;
}

/* @addr: the physical function, whose driver serves all of them, or one of them. */
gboolean vg_sim_vf_driver_changed(VgSimKernel *k, const VgPciAddr *addr) {
    VgSimParent at;
    const VgSimGpu *gpu = vg_sim_gpu_find(k, addr);
    if (gpu == NULL)
        return !vg_sim_parent_find(k, addr, &at) || (vf_changed(k, at.gpu, addr) && vg_sim_show_room(k, at.gpu));
    if (gpu->mdev_types->len == 0)
        return TRUE;
    for (int i = 0; i < gpu->vfs; i++) {
        VgPciAddr vf = vg_sim_gpu_vf(gpu, (guint)i);
        if (!vf_changed(k, gpu, &vf))
            return FALSE;
    }
    if (!vg_sim_show_room(k, gpu))
        return FALSE;
    if (has_vendor_driver(k, addr))
        return put_mode(k, addr, MIXED) && put_mode(k, addr, MIG);
    g_autofree char *mixed = mode_path(addr, MIXED); /* the other one is the GPU's own */
    return vg_sim_remove(k->root, mixed);
}

/* --- NVIDIA's files ----------------------------------------------------------------------------------------------- */

char *vg_sim_vf_type(const VgSimKernel *k, const VgPciAddr *vf) {
    g_autofree char *folder = vg_sim_gpu_folder(vf);
    g_autofree char *path = g_strconcat(folder, "/" VENDOR "/current_vgpu_type", NULL);
    char *text = vg_sysroot_read(k->sysroot, path);
    if (g_strcmp0(text, "0") == 0)
        g_clear_pointer(&text, g_free);
    return text;
}

static int set_type(VgSimKernel *k, const VgSimParent *vf, const char *number) {
    g_autofree char *folder = vg_sim_gpu_folder(&vf->addr), *line = g_strconcat(number, "\n", NULL);
    g_autofree char *path = g_strconcat(folder, "/" VENDOR "/current_vgpu_type", NULL);
    g_autofree char *params = g_strconcat(folder, "/" VENDOR "/vgpu_params", NULL);
    g_autofree char *start = g_strconcat(folder, "/" VENDOR "/placement_id", NULL);
    gboolean mixed = strcmp(number, "0") != 0 && vg_sim_is_mixed(k, &vf->gpu->addr);
    if (vg_fault("sim.kernel.vgpu-type"))
        return EIO;
    if (!vg_sim_put(k->root, params, "\n") || !vg_sim_put(k->root, start, mixed ? "0\n" : "Not Applicable\n") ||
        !vg_sim_put(k->root, path, line))
        return errno;
    return vg_fault("sim.kernel.vgpu-room") ? EIO : outcome(vg_sim_show_room(k, vf->gpu));
}

static void set_type_late(VgSimKernel *k, const VgPciAddr *addr, const char *number) {
    VgSimParent vf;
    if (vg_sim_parent_find(k, addr, &vf) && has_vendor_driver(k, addr))
        set_type(k, &vf, number);
}

/* A vGPU on top of one, or the end of none: not permitted. */
static int write_type(VgSimKernel *k, const VgSimParent *vf, const char *number) {
    g_autofree char *now = vg_sim_vf_type(k, &vf->addr), *folder = vg_sim_gpu_folder(&vf->addr);
    if (strcmp(number, "0") == 0)
        return now == NULL || !vg_sim_released(k, vf->gpu, folder) ? EPERM : set_type(k, vf, number);
    const VgSimMdevType *type = NULL;
    for (guint i = 0; i < vf->gpu->mdev_types->len; i++) {
        const VgSimMdevType *t = &g_array_index(vf->gpu->mdev_types, VgSimMdevType, i);
        if (g_str_has_suffix(t->id, number) && t->id[strlen(t->id) - strlen(number) - 1] == '-')
            type = t;
    }
    if (type == NULL)
        return EINVAL;
    if (now != NULL || vg_sim_room(k, vf, type) == 0)
        return EPERM;
    if (vf->gpu->create_ms == 0)
        return set_type(k, vf, number);
    vg_sim_later(k, vf->gpu->create_ms, set_type_late, &vf->addr, number);
    return 0;
}

/* Attributes of a vGPU that is there. */
static int write_attribute(VgSimKernel *k, const VgSimParent *vf, const char *file, const char *text) {
    g_autofree char *now = vg_sim_vf_type(k, &vf->addr), *folder = vg_sim_gpu_folder(&vf->addr);
    g_autofree char *path = g_strdup_printf("%s/" VENDOR "/%s", folder, file), *line = g_strconcat(text, "\n", NULL);
    if (now == NULL)
        return EPERM;
    if (strcmp(file, "placement_id") == 0 && !vg_sim_is_mixed(k, &vf->gpu->addr))
        return EINVAL;
    if (strcmp(file, "vgpu_params") == 0 && strchr(text, '=') == NULL)
        return EINVAL;
    return outcome(vg_sim_put(k->root, path, line));
}

int vg_sim_vf_write(VgSimKernel *k, const VgSimParent *vf, const char *file, const char *text) {
    g_autofree char *folder = vg_sim_gpu_folder(&vf->addr), *path = g_strdup_printf("%s/" VENDOR "/%s", folder, file);
    g_autofree char *number = g_strstrip(g_strdup(text));
    if (!vg_sysroot_exists(k->sysroot, path))
        return ENOENT;
    if (strcmp(file, "current_vgpu_type") == 0)
        return *number != '\0' ? write_type(k, vf, number) : EINVAL;
    if (strcmp(file, "vgpu_params") == 0 || strcmp(file, "placement_id") == 0)
        return write_attribute(k, vf, file, text);
    return EACCES;
}

/* --- mixed sizes -------------------------------------------------------------------------------------------------- */

gboolean vg_sim_is_mixed(const VgSimKernel *k, const VgPciAddr *pf) {
    g_autofree char *path = mode_path(pf, MIXED);
    gint64 on = 0;
    return vg_sysroot_read_int(k->sysroot, path, &on) && on == 1;
}

int vg_sim_mode_write(VgSimKernel *k, const VgPciAddr *pf, const char *mode, const char *text) {
    const VgSimGpu *gpu = vg_sim_gpu_find(k, pf);
    g_autofree char *path = mode_path(pf, mode), *line = g_strconcat(text, "\n", NULL);
    if (gpu == NULL || !vg_sysroot_exists(k->sysroot, path))
        return ENODEV;
    return vg_sim_runs_any(k, gpu) ? EBUSY : outcome(vg_sim_put(k->root, path, line) && vg_sim_show_room(k, gpu));
}
