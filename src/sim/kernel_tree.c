/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_tree.c: the files that a PCI device of display class has under /sys, made on disk. Called by the simulated
 * kernel. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sim/kernel.h"

static char *full(const char *root, const char *path) {
    return g_build_filename(root, path, NULL);
}

gboolean vg_sim_mkdir(const char *root, const char *path) {
    g_autofree char *p = full(root, path);
    return g_mkdir_with_parents(p, 0755) == 0;
}

static gboolean make_parent(const char *path) {
    g_autofree char *folder = g_path_get_dirname(path);
    return g_mkdir_with_parents(folder, 0755) == 0;
}

gboolean vg_sim_put(const char *root, const char *path, const char *text) {
    g_autofree char *to = full(root, path);
    g_autofree char *temporary = g_strconcat(to, ".new", NULL);
    g_auto(VgFd) fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 && errno == ENOENT && make_parent(to))
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd >= 0 && vg_fd_write_all(fd, text, strlen(text)) && rename(temporary, to) == 0;
}

gboolean vg_sim_link(const char *root, const char *path, const char *target) {
    g_autofree char *at = full(root, path);
    char now[4096];
    ssize_t len = readlink(at, now, sizeof now);
    if (len >= 0 && (gsize)len == strlen(target) && memcmp(now, target, (gsize)len) == 0)
        return TRUE;
    if (!make_parent(at) || (unlink(at) != 0 && errno != ENOENT))
        return FALSE;
    return symlink(target, at) == 0;
}

gboolean vg_sim_say(const char *root, const char *line) {
    g_autofree char *path = full(root, "dev/kmsg"), *text = g_strconcat(line, "\n", NULL);
    g_auto(VgFd) fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return fd >= 0 && vg_fd_write_all(fd, text, strlen(text));
}

static gboolean remove_at(int folder, const char *name) {
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return TRUE;
    if (errno != EISDIR && errno != EPERM)
        return FALSE;
    g_auto(VgFd) fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return FALSE;
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    for (const char *entry = dir != NULL ? g_dir_read_name(dir) : NULL; entry != NULL; entry = g_dir_read_name(dir))
        if (!remove_at(fd, entry))
            return FALSE;
    return unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

gboolean vg_sim_remove(const char *root, const char *path) {
    g_autofree char *at = full(root, path);
    return remove_at(AT_FDCWD, at);
}

/* --- a GPU -------------------------------------------------------------------------------------------------------- */

char *vg_sim_gpu_folder(const VgPciAddr *addr) {
    char text[VG_PCIADDR_TEXT];
    return g_strdup_printf("sys/devices/pci%04x:00/%s", addr->domain, vg_pciaddr_format(addr, text));
}

static gboolean put_under(const char *root, const char *folder, const char *name, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* NVIDIA's begin at the fourth function. */
static guint vf_offset(const VgSimGpu *gpu) {
    return gpu->mdev_types->len > 0 ? 4 : 1;
}

VgPciAddr vg_sim_gpu_vf(const VgSimGpu *gpu, guint i) {
    guint id = ((guint)gpu->addr.bus << 8 | (guint)gpu->addr.slot << 3 | gpu->addr.function) + vf_offset(gpu) + i;
    return (VgPciAddr){.domain = gpu->addr.domain,
                       .bus = (guint8)(id >> 8),
                       .slot = (guint8)(id >> 3 & 31),
                       .function = (guint8)(id & 7)};
}

/* Attribute @name of @folder, with the kernel's newline. */
static gboolean put_under(const char *root, const char *folder, const char *name, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *path = g_strconcat(folder, "/", name, NULL);
    g_autofree char *text = g_strconcat(value, "\n", NULL);
    return vg_sim_put(root, path, text);
}

static gboolean link_under(const char *root, const char *folder, const char *name, const char *target) {
    g_autofree char *path = g_strconcat(folder, "/", name, NULL);
    return vg_sim_link(root, path, target);
}

gboolean vg_sim_type_build(const char *root, const char *gpu, const VgSimMdevType *type) {
    g_autofree char *folder = g_strdup_printf("%s/mdev_supported_types/%s", gpu, type->id);
    g_autofree char *devices = g_strconcat(folder, "/devices", NULL);
    return vg_sim_mkdir(root, devices) && put_under(root, folder, "create", "%s", "") &&
           put_under(root, folder, "device_api", "vfio-pci") &&
           (type->name == NULL || put_under(root, folder, "name", "%s", type->name)) &&
           (type->description == NULL || put_under(root, folder, "description", "%s", type->description));
}

/* The links by which a device is found; @target: its folder, below sys/. */
static gboolean build_links(const char *root, const VgSimGpu *gpu, const char *folder, const char *addr) {
    const char *below = folder + strlen("sys/");
    g_autofree char *target = g_strconcat("../../../", below, NULL);
    g_autofree char *driver = g_strconcat("../../../bus/pci/drivers/", gpu->driver, NULL);
    g_autofree char *group = g_strdup_printf("../../../kernel/iommu_groups/%d", gpu->iommu_group);
    if (!link_under(root, "sys/bus/pci/devices", addr, target))
        return FALSE;
    /* What was bound otherwise stays so, as it does while a daemon is away. */
    g_autofree char *override = g_strconcat(folder, "/driver_override", NULL), *at = full(root, override);
    if (!g_file_test(at, G_FILE_TEST_EXISTS) && ((gpu->driver != NULL && !link_under(root, folder, "driver", driver)) ||
                                                 !put_under(root, folder, "driver_override", "%s", "(null)")))
        return FALSE;
    if (gpu->iommu_group >= 0 && !link_under(root, folder, "iommu_group", group))
        return FALSE;
    g_autofree char *bus = g_strconcat("../../", below, NULL);
    return gpu->mdev_types->len == 0 || gpu->vfs > 0 || link_under(root, "sys/class/mdev_bus", addr, bus);
}

gboolean vg_sim_gpu_build(const char *root, const VgSimGpu *gpu) {
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(&gpu->addr, addr);
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    if (!put_under(root, folder, "vendor", "0x%04x", gpu->vendor) ||
        !put_under(root, folder, "device", "0x%04x", gpu->device) ||
        !put_under(root, folder, "subsystem_vendor", "0x%04x", gpu->subvendor) ||
        !put_under(root, folder, "subsystem_device", "0x%04x", gpu->subdevice) ||
        !put_under(root, folder, "class", "0x%06x", gpu->class_code) ||
        !put_under(root, folder, "numa_node", "%d", gpu->numa_node) ||
        !put_under(root, folder, "boot_vga", "%d", gpu->boot_display) ||
        (gpu->can_reset && !put_under(root, folder, "reset", "%s", "")))
        return FALSE;
    g_autofree char *numvfs = g_strconcat(folder, "/sriov_numvfs", NULL), *at = full(root, numvfs);
    if (gpu->vfs > 0 &&
        (!put_under(root, folder, "sriov_totalvfs", "%d", gpu->vfs) ||
         !put_under(root, folder, "sriov_offset", "%u", vf_offset(gpu)) ||
         !put_under(root, folder, "sriov_stride", "%d", 1) ||
         (!g_file_test(at, G_FILE_TEST_EXISTS) && (!put_under(root, folder, "sriov_drivers_autoprobe", "%d", 1) ||
                                                   !put_under(root, folder, "sriov_numvfs", "%d", 0)))))
        return FALSE;
    for (guint i = 0; gpu->vfs == 0 && i < gpu->mdev_types->len; i++)
        if (!vg_sim_type_build(root, folder, &g_array_index(gpu->mdev_types, VgSimMdevType, i)))
            return FALSE;
    return build_links(root, gpu, folder, addr);
}

/* The link goes last: as long as it is there, the next start goes on here. */
gboolean vg_sim_gpu_remove(const char *root, const VgPciAddr *addr) {
    char text[VG_PCIADDR_TEXT];
    vg_pciaddr_format(addr, text);
    g_autofree char *folder = vg_sim_gpu_folder(addr);
    g_autofree char *parent = g_strconcat("sys/class/mdev_bus/", text, NULL);
    g_autofree char *device = g_strconcat("sys/bus/pci/devices/", text, NULL);
    return vg_sim_remove(root, folder) && vg_sim_remove(root, parent) && vg_sim_remove(root, device);
}
