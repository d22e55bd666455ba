/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel.c: what the kernel does when a file of a mediated device is written. A device is its folder below its GPU;
 * links to it and the counts of free instances follow from the folders, so a kill between two steps is repaired by
 * deriving them anew.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/uuid.h"
#include "sim/kernel.h"

#define BUS "sys/bus/mdev/devices"
#define HALF_MADE ".new-"
#define HALF_GONE ".gone-"

struct VgSimKernel {
    char *root;
    const VgSimGpu *gpus;
    gsize n;
    VgSysroot *sysroot;
    /* The kernel serialises writers itself, and so must who is in its place: jobs of many domains write at once. */
    pthread_mutex_t lock;
};

VgSysroot *vg_sim_kernel_root(VgSimKernel *kernel) {
    return kernel->sysroot;
}

static const VgSimGpu *find_gpu(const VgSimKernel *k, const VgPciAddr *addr) {
    for (gsize i = 0; i < k->n; i++)
        if (vg_pciaddr_compare(&k->gpus[i].addr, addr) == 0)
            return &k->gpus[i];
    return NULL;
}

/* errno as a value: 0 if @good. */
static int outcome(gboolean good) {
    return good ? 0 : errno;
}

static gboolean step(const char *name) {
    if (!vg_fault(name))
        return TRUE;
    errno = EIO;
    return FALSE;
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

static char *type_of(const VgSimKernel *k, const char *device) {
    g_autofree char *path = g_strconcat(device, "/mdev_type", NULL);
    g_autofree char *target = vg_sysroot_readlink(k->sysroot, path);
    return target != NULL ? g_path_get_basename(target) : NULL;
}

static gboolean is_uuid(const char *name) {
    VgUuid uuid;
    return strlen(name) == VG_UUID_TEXT - 1 && vg_uuid_parse(name, &uuid);
}

/* How many devices of type @id are on @gpu; @others: how many of other types. */
static guint count(const VgSimKernel *k, const VgSimGpu *gpu, const char *id, guint *others) {
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    g_auto(GStrv) names = vg_sysroot_list(k->sysroot, folder);
    guint same = 0;
    *others = 0;
    for (char **name = names; name != NULL && *name != NULL; name++) {
        if (!is_uuid(*name))
            continue;
        g_autofree char *device = g_strconcat(folder, "/", *name, NULL);
        g_autofree char *type = type_of(k, device);
        if (g_strcmp0(type, id) == 0)
            same++;
        else
            (*others)++;
    }
    return same;
}

/* NVIDIA's way: a GPU runs one type at a time, so all others have no room as soon as one device is there. */
static guint available(const VgSimKernel *k, const VgSimGpu *gpu, const VgSimMdevType *type) {
    guint others, same = count(k, gpu, type->id, &others);
    return others > 0 || same > type->max ? 0 : type->max - same;
}

static gboolean show_available(const VgSimKernel *k, const VgSimGpu *gpu) {
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    for (guint i = 0; i < gpu->mdev_types->len; i++) {
        const VgSimMdevType *type = &g_array_index(gpu->mdev_types, VgSimMdevType, i);
        g_autofree char *path = g_strdup_printf("%s/mdev_supported_types/%s/available_instances", folder, type->id);
        g_autofree char *text = g_strdup_printf("%u\n", available(k, gpu, type));
        if (!vg_sim_put(k->root, path, text))
            return FALSE;
    }
    return TRUE;
}

/* --- a device's links --------------------------------------------------------------------------------------------- */

static gboolean link_device(const VgSimKernel *k, const VgSimGpu *gpu, const char *uuid, const char *type) {
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    g_autofree char *in_type = g_strdup_printf("%s/mdev_supported_types/%s/devices/%s", folder, type, uuid);
    g_autofree char *in_type_to = g_strconcat("../../../", uuid, NULL);
    g_autofree char *on_bus = g_strconcat(BUS "/", uuid, NULL);
    g_autofree char *on_bus_to = g_strdup_printf("../../../%s/%s", folder + strlen("sys/"), uuid);
    return vg_sim_link(k->root, in_type, in_type_to) && step("sim.kernel.create.link") &&
           vg_sim_link(k->root, on_bus, on_bus_to);
}

static gboolean unlink_device(const VgSimKernel *k, const VgSimGpu *gpu, const char *uuid, const char *type) {
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    g_autofree char *in_type = g_strdup_printf("%s/mdev_supported_types/%s/devices/%s", folder, type, uuid);
    g_autofree char *on_bus = g_strconcat(BUS "/", uuid, NULL);
    return vg_sim_remove(k->root, on_bus) && step("sim.kernel.remove.unlink") && vg_sim_remove(k->root, in_type);
}

/* --- create ------------------------------------------------------------------------------------------------------- */

static gboolean move(const VgSimKernel *k, const char *folder, const char *prefix, const char *uuid,
                     gboolean to_prefix) {
    g_autofree char *plain = g_strconcat(k->root, "/", folder, "/", uuid, NULL);
    g_autofree char *prefixed = g_strconcat(k->root, "/", folder, "/", prefix, uuid, NULL);
    return to_prefix ? rename(plain, prefixed) == 0 : rename(prefixed, plain) == 0;
}

/* A kernel that says no has made nothing. */
static void undo_create(const VgSimKernel *k, const VgSimGpu *gpu, const char *uuid, const char *type) {
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    g_autofree char *half = g_strconcat(folder, "/" HALF_MADE, uuid, NULL);
    g_autofree char *device = g_strconcat(folder, "/", uuid, NULL);
    unlink_device(k, gpu, uuid, type);
    vg_sim_remove(k->root, device);
    vg_sim_remove(k->root, half);
    show_available(k, gpu);
}

/* Everything in a folder of another name first; the device exists from the rename on. */
static int create(VgSimKernel *k, const VgSimGpu *gpu, const VgSimMdevType *type, const char *text) {
    g_autofree char *uuid = g_ascii_strdown(text, -1);
    g_strchomp(uuid);
    if (!is_uuid(uuid))
        return EINVAL;
    g_autofree char *bus = g_strconcat(BUS "/", uuid, NULL);
    if (vg_sysroot_exists(k->sysroot, bus))
        return EEXIST;
    if (available(k, gpu, type) == 0)
        return ENOSPC;
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    g_autofree char *half = g_strconcat(folder, "/" HALF_MADE, uuid, NULL);
    g_autofree char *remove_file = g_strconcat(half, "/remove", NULL);
    g_autofree char *params = g_strconcat(half, "/nvidia/vgpu_params", NULL);
    g_autofree char *vm_name = g_strconcat(half, "/nvidia/vm_name", NULL);
    g_autofree char *type_link = g_strconcat(half, "/mdev_type", NULL);
    g_autofree char *type_target = g_strconcat("../mdev_supported_types/", type->id, NULL);
    gboolean good = step("sim.kernel.create.begin") && vg_sim_put(k->root, remove_file, "") &&
                    vg_sim_put(k->root, params, "\n") && vg_sim_put(k->root, vm_name, "\n") &&
                    vg_sim_link(k->root, type_link, type_target) && step("sim.kernel.create.commit") &&
                    move(k, folder, HALF_MADE, uuid, FALSE) && step("sim.kernel.create.show") &&
                    link_device(k, gpu, uuid, type->id) && step("sim.kernel.create.count") && show_available(k, gpu);
    if (good)
        return 0;
    int errnum = errno;
    undo_create(k, gpu, uuid, type->id);
    return errnum;
}

/* --- remove, parameters ------------------------------------------------------------------------------------------- */

/* A device that a process holds: a test puts this file there. */
static gboolean is_held(const VgSimKernel *k, const char *device) {
    g_autofree char *path = g_strconcat(device, "/.held", NULL);
    return vg_sysroot_exists(k->sysroot, path);
}

static int end(VgSimKernel *k, const VgSimGpu *gpu, const char *uuid, const char *text) {
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    g_autofree char *device = g_strconcat(folder, "/", uuid, NULL);
    g_autofree char *half = g_strconcat(folder, "/" HALF_GONE, uuid, NULL);
    g_autofree char *type = type_of(k, vg_sysroot_exists(k->sysroot, device) ? device : half);
    char *rest = NULL;
    guint64 value = g_ascii_strtoull(text, &rest, 0);
    if (rest == text)
        return EINVAL;
    if (value == 0)
        return 0;
    if (is_held(k, device))
        return EBUSY;
    /* The folder may have been moved by a removal that failed half way. */
    gboolean good = step("sim.kernel.remove.commit") && (move(k, folder, HALF_GONE, uuid, TRUE) || errno == ENOENT) &&
                    step("sim.kernel.remove.hide") && unlink_device(k, gpu, uuid, type != NULL ? type : "") &&
                    step("sim.kernel.remove.files") && vg_sim_remove(k->root, half) &&
                    step("sim.kernel.remove.count") && show_available(k, gpu);
    return outcome(good);
}

/* "name=value,name=value" */
static int set_params(VgSimKernel *k, const VgSimGpu *gpu, const char *uuid, const char *text) {
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    g_autofree char *device = g_strconcat(folder, "/", uuid, NULL);
    g_autofree char *path = g_strconcat(device, "/nvidia/vgpu_params", NULL);
    g_autofree char *line = g_strdup_printf("%s\n", text);
    g_auto(GStrv) pairs = g_strsplit(text, ",", -1);
    for (char **p = pairs; *p != NULL; p++)
        if (strchr(*p, '=') == NULL || **p == '=')
            return EINVAL;
    if (is_held(k, device))
        return EBUSY;
    return outcome(vg_sim_put(k->root, path, line));
}

/* --- who is written to -------------------------------------------------------------------------------------------- */

static const struct {
    const char *file; /* below the device */
    int (*react)(VgSimKernel *k, const VgSimGpu *gpu, const char *uuid, const char *text);
} device_files[] = {
    {"remove", end},
    {"nvidia/vgpu_params", set_params},
};

/* sys/bus/mdev/devices/UUID/FILE */
static int write_device(VgSimKernel *k, const char *uuid, const char *file, const char *text) {
    g_autofree char *path = g_strconcat(BUS "/", uuid, NULL);
    g_autofree char *target = vg_sysroot_readlink(k->sysroot, path);
    if (target == NULL)
        return ENOENT;
    g_autofree char *folder = g_path_get_dirname(target), *parent = g_path_get_basename(folder);
    VgPciAddr addr;
    const VgSimGpu *gpu = vg_pciaddr_parse(parent, &addr) ? find_gpu(k, &addr) : NULL;
    for (gsize i = 0; gpu != NULL && i < G_N_ELEMENTS(device_files); i++)
        if (strcmp(device_files[i].file, file) == 0)
            return device_files[i].react(k, gpu, uuid, text);
    return ENOENT;
}

/* sys/bus/pci/devices/ADDR/mdev_supported_types/ID/create */
static int write_type(VgSimKernel *k, const char *where, const char *id, const char *text) {
    VgPciAddr addr;
    const VgSimGpu *gpu = vg_pciaddr_parse(where, &addr) ? find_gpu(k, &addr) : NULL;
    for (guint i = 0; gpu != NULL && i < gpu->mdev_types->len; i++) {
        const VgSimMdevType *type = &g_array_index(gpu->mdev_types, VgSimMdevType, i);
        if (strcmp(type->id, id) == 0)
            return create(k, gpu, type, text);
    }
    return ENOENT;
}

static int answer(VgSimKernel *k, const char *path, const char *text) {
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    guint n = g_strv_length(parts);
    if (n >= 6 && g_str_has_prefix(path, BUS "/")) {
        g_autofree char *file = g_strjoinv("/", parts + 5);
        return write_device(k, parts[4], file, text);
    }
    if (n == 8 && g_str_has_prefix(path, "sys/bus/pci/devices/") && strcmp(parts[5], "mdev_supported_types") == 0 &&
        strcmp(parts[7], "create") == 0)
        return write_type(k, parts[4], parts[6], text);
    int errnum = vg_sim_pci_write(k->root, k->sysroot, k->gpus, k->n, path, text);
    if (errnum >= 0)
        return errnum;
    return vg_sysroot_exists(k->sysroot, path) ? EACCES : ENOENT;
}

static int on_write(VgSysroot *root, const char *path, const char *text, gpointer data) {
    VgSimKernel *k = data;
    pthread_mutex_lock(&k->lock);
    int errnum = answer(k, path, text);
    pthread_mutex_unlock(&k->lock);
    return errnum;
}

/* --- starting ----------------------------------------------------------------------------------------------------- */

/* Finishes or undoes what was under way on @gpu, and makes links and counts agree with the folders. */
static gboolean repair_gpu(VgSimKernel *k, const VgSimGpu *gpu) {
    g_autofree char *folder = vg_sim_gpu_folder(&gpu->addr);
    g_auto(GStrv) names = vg_sysroot_list(k->sysroot, folder);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        g_autofree char *path = g_strconcat(folder, "/", *name, NULL);
        if (g_str_has_prefix(*name, HALF_MADE) || g_str_has_prefix(*name, HALF_GONE)) {
            if (!vg_sim_remove(k->root, path))
                return FALSE;
        } else if (is_uuid(*name)) {
            g_autofree char *type = type_of(k, path);
            if (type == NULL || !link_device(k, gpu, *name, type))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean drop_dangling(VgSimKernel *k, const char *folder) {
    g_auto(GStrv) names = vg_sysroot_list(k->sysroot, folder);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        g_autofree char *path = g_strconcat(folder, "/", *name, NULL);
        g_autofree char *followed = g_build_filename(k->root, path, NULL);
        if (!g_file_test(followed, G_FILE_TEST_EXISTS) && !vg_sim_remove(k->root, path))
            return FALSE;
    }
    return TRUE;
}

static gboolean drop_pulled_gpus(VgSimKernel *k) {
    g_auto(GStrv) names = vg_sysroot_list(k->sysroot, "sys/bus/pci/devices");
    for (char **name = names; name != NULL && *name != NULL; name++) {
        VgPciAddr addr;
        g_autofree char *physfn = g_strdup_printf("sys/bus/pci/devices/%s/physfn", *name);
        if (vg_pciaddr_parse(*name, &addr) && find_gpu(k, &addr) == NULL && !vg_sysroot_exists(k->sysroot, physfn) &&
            !vg_sim_gpu_remove(k->root, &addr))
            return FALSE;
    }
    return TRUE;
}

static gboolean start(VgSimKernel *k) {
    if (!vg_sim_mkdir(k->root, "dev") || !vg_sim_say(k->root, "simulated kernel: ready") ||
        !vg_sim_mkdir(k->root, "sys/bus/pci/devices") || !vg_sim_mkdir(k->root, BUS) ||
        !vg_sim_mkdir(k->root, "sys/class/mdev_bus") || !drop_pulled_gpus(k))
        return FALSE;
    for (gsize i = 0; i < k->n; i++)
        if (!vg_sim_gpu_build(k->root, &k->gpus[i]) || !repair_gpu(k, &k->gpus[i]))
            return FALSE;
    if (!drop_dangling(k, BUS))
        return FALSE;
    for (gsize i = 0; i < k->n; i++) {
        g_autofree char *folder = vg_sim_gpu_folder(&k->gpus[i].addr);
        for (guint t = 0; t < k->gpus[i].mdev_types->len; t++) {
            g_autofree char *devices = g_strdup_printf("%s/mdev_supported_types/%s/devices", folder,
                                                       g_array_index(k->gpus[i].mdev_types, VgSimMdevType, t).id);
            if (!drop_dangling(k, devices))
                return FALSE;
        }
        if (!show_available(k, &k->gpus[i]))
            return FALSE;
    }
    return TRUE;
}

VgSimKernel *vg_sim_kernel_new(const char *path, const VgSimGpu *gpus, gsize n, GError **error) {
    VgSimKernel *k = g_new0(VgSimKernel, 1);
    k->root = g_strdup(path);
    k->gpus = gpus;
    k->n = n;
    pthread_mutex_init(&k->lock, NULL);
    k->sysroot = vg_sysroot_new(path);
    vg_sysroot_set_writer(k->sysroot, on_write, k);
    if (!start(k)) {
        vg_set_errno(error, errno, _("cannot make the simulated kernel's files in %s"), path);
        vg_sim_kernel_free(k);
        return NULL;
    }
    return k;
}

void vg_sim_kernel_free(VgSimKernel *kernel) {
    if (kernel == NULL)
        return;
    vg_sysroot_free(kernel->sysroot);
    pthread_mutex_destroy(&kernel->lock);
    g_free(kernel->root);
    g_free(kernel);
}
