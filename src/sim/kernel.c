/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel.c: what the kernel does when a file of a mediated device is written. A device is its folder below its GPU;
 * links to it and the counts of free instances follow from the folders, so a kill between two steps is repaired by
 * deriving them anew.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/uuid.h"
#include "sim/kernel_inside.h"

#define BUS "sys/bus/mdev/devices"
#define HALF_MADE ".new-"
#define HALF_GONE ".gone-"

VgSysroot *vg_sim_kernel_root(VgSimKernel *kernel) {
    return kernel->sysroot;
}

const VgSimGpu *vg_sim_gpu_find(const VgSimKernel *k, const VgPciAddr *addr) {
    for (gsize i = 0; i < k->n; i++)
        if (vg_pciaddr_compare(&k->gpus[i].addr, addr) == 0)
            return &k->gpus[i];
    return NULL;
}

gboolean vg_sim_parent_find(const VgSimKernel *k, const VgPciAddr *addr, VgSimParent *ret) {
    const VgSimGpu *gpu = vg_sim_gpu_find(k, addr);
    *ret = (VgSimParent){gpu, *addr, FALSE};
    for (gsize i = 0; gpu == NULL && i < k->n; i++)
        for (int v = 0; v < k->gpus[i].vfs; v++) {
            VgPciAddr vf = vg_sim_gpu_vf(&k->gpus[i], (guint)v);
            if (vg_pciaddr_compare(&vf, addr) == 0)
                *ret = (VgSimParent){&k->gpus[i], vf, TRUE};
        }
    return ret->gpu != NULL && ret->gpu->mdev_types->len > 0 && ret->is_vf == (ret->gpu->vfs > 0);
}

char *vg_sim_driver(const VgSimKernel *k, const VgPciAddr *addr) {
    g_autofree char *folder = vg_sim_gpu_folder(addr), *path = g_strconcat(folder, "/driver", NULL);
    g_autofree char *target = vg_sysroot_readlink(k->sysroot, path);
    return target != NULL ? g_path_get_basename(target) : NULL;
}

gboolean vg_sim_released(VgSimKernel *k, const VgSimGpu *gpu, const char *path) {
    if (gpu->release_ms == 0)
        return TRUE;
    gint64 *first = g_hash_table_lookup(k->asked, path), now = g_get_monotonic_time();
    if (first == NULL) {
        g_hash_table_insert(k->asked, g_strdup(path), g_memdup2(&now, sizeof now));
        return FALSE;
    }
    if (now < *first + (gint64)gpu->release_ms * 1000)
        return FALSE;
    g_hash_table_remove(k->asked, path);
    return TRUE;
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

/* The type of each vGPU on @addr, where a type is "nvidia-557". */
static void add_types_on(const VgSimKernel *k, const VgPciAddr *addr, GPtrArray *found) {
    g_autofree char *folder = vg_sim_gpu_folder(addr), *number = vg_sim_vf_type(k, addr);
    g_auto(GStrv) names = vg_sysroot_list(k->sysroot, folder);
    if (number != NULL)
        g_ptr_array_add(found, g_strconcat("nvidia-", number, NULL));
    for (char **name = names; name != NULL && *name != NULL; name++) {
        if (!is_uuid(*name))
            continue;
        g_autofree char *device = g_strconcat(folder, "/", *name, NULL);
        g_ptr_array_add(found, type_of(k, device));
    }
}

static GPtrArray *types_on(const VgSimKernel *k, const VgSimGpu *gpu) {
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    add_types_on(k, &gpu->addr, found);
    for (int i = 0; i < gpu->vfs; i++) {
        VgPciAddr vf = vg_sim_gpu_vf(gpu, (guint)i);
        add_types_on(k, &vf, found);
    }
    return found;
}

static const VgSimMdevType *find_type(const VgSimGpu *gpu, const char *id) {
    for (guint i = 0; i < gpu->mdev_types->len; i++)
        if (g_strcmp0(g_array_index(gpu->mdev_types, VgSimMdevType, i).id, id) == 0)
            return &g_array_index(gpu->mdev_types, VgSimMdevType, i);
    return NULL;
}

/* NVIDIA's way: a GPU runs one type at a time, so all others have no room as soon as one vGPU is there; in mixed-size
 * mode, what is left of its memory counts. */
static guint room_for(const VgSimKernel *k, const VgSimGpu *gpu, GPtrArray *running, const VgSimMdevType *type) {
    guint same = 0;
    double used = 0;
    for (guint i = 0; i < running->len; i++) {
        const VgSimMdevType *other = find_type(gpu, g_ptr_array_index(running, i));
        same += other == type;
        used += other != NULL ? 1.0 / other->max : 1.0;
    }
    if (vg_sim_is_mixed(k, &gpu->addr))
        return used >= 1 ? 0 : (guint)((1 - used) * type->max + 0.001);
    return same < running->len || same > type->max ? 0 : type->max - same;
}

/* On a virtual function there is room for one. @running: on the whole GPU. */
static guint room_at(const VgSimKernel *k, const VgSimParent *parent, GPtrArray *running, const VgSimMdevType *type) {
    guint room = room_for(k, parent->gpu, running, type);
    g_autoptr(GPtrArray) here = g_ptr_array_new_with_free_func(g_free);
    if (!parent->is_vf || room == 0)
        return room;
    add_types_on(k, &parent->addr, here);
    return here->len > 0 ? 0 : 1;
}

guint vg_sim_room(const VgSimKernel *k, const VgSimParent *parent, const VgSimMdevType *type) {
    g_autoptr(GPtrArray) running = types_on(k, parent->gpu);
    return room_at(k, parent, running, type);
}

static gboolean show_mdev(const VgSimKernel *k, const VgSimParent *parent, GPtrArray *running) {
    g_autofree char *folder = vg_sim_gpu_folder(&parent->addr);
    g_autofree char *types = g_strconcat(folder, "/mdev_supported_types", NULL);
    for (guint i = 0; vg_sysroot_exists(k->sysroot, types) && i < parent->gpu->mdev_types->len; i++) {
        const VgSimMdevType *type = &g_array_index(parent->gpu->mdev_types, VgSimMdevType, i);
        g_autofree char *path = g_strdup_printf("%s/%s/available_instances", types, type->id);
        g_autofree char *text = g_strdup_printf("%u\n", room_at(k, parent, running, type));
        if (!vg_sim_put(k->root, path, text))
            return FALSE;
    }
    return TRUE;
}

/* A head line, and what could be made there now. */
static gboolean show_vfio(const VgSimKernel *k, const VgSimParent *vf, GPtrArray *running) {
    g_autofree char *folder = vg_sim_gpu_folder(&vf->addr), *files = g_strconcat(folder, "/nvidia", NULL);
    g_autofree char *path = g_strconcat(files, "/creatable_vgpu_types", NULL);
    g_autoptr(GString) text = g_string_new("ID    : vGPU Name\n");
    if (!vg_sysroot_exists(k->sysroot, files))
        return TRUE;
    for (guint t = 0; t < vf->gpu->mdev_types->len; t++) {
        const VgSimMdevType *type = &g_array_index(vf->gpu->mdev_types, VgSimMdevType, t);
        const char *number = strrchr(type->id, '-');
        if (room_at(k, vf, running, type) > 0)
            g_string_append_printf(text, "%-5s : %s\n", number != NULL ? number + 1 : type->id,
                                   type->name != NULL ? type->name : "");
    }
    return vg_sim_put(k->root, path, text->str);
}

gboolean vg_sim_show_room(const VgSimKernel *k, const VgSimGpu *gpu) {
    VgSimParent self = {gpu, gpu->addr, FALSE};
    if (gpu->mdev_types->len == 0)
        return TRUE;
    g_autoptr(GPtrArray) running = types_on(k, gpu);
    for (int i = 0; i < gpu->vfs; i++) {
        VgSimParent vf = {gpu, vg_sim_gpu_vf(gpu, (guint)i), TRUE};
        if (gpu->vfio ? !show_vfio(k, &vf, running) : !show_mdev(k, &vf, running))
            return FALSE;
    }
    return show_mdev(k, &self, running);
}

gboolean vg_sim_runs_any(const VgSimKernel *k, const VgSimGpu *gpu) {
    g_autoptr(GPtrArray) running = types_on(k, gpu);
    return running->len > 0;
}

/* --- a device's links --------------------------------------------------------------------------------------------- */

static gboolean link_device(const VgSimKernel *k, const VgPciAddr *parent, const char *uuid, const char *type) {
    g_autofree char *folder = vg_sim_gpu_folder(parent);
    g_autofree char *in_type = g_strdup_printf("%s/mdev_supported_types/%s/devices/%s", folder, type, uuid);
    g_autofree char *in_type_to = g_strconcat("../../../", uuid, NULL);
    g_autofree char *on_bus = g_strconcat(BUS "/", uuid, NULL);
    g_autofree char *on_bus_to = g_strdup_printf("../../../%s/%s", folder + strlen("sys/"), uuid);
    return vg_sim_link(k->root, in_type, in_type_to) && step("sim.kernel.create.link") &&
           vg_sim_link(k->root, on_bus, on_bus_to);
}

static gboolean unlink_device(const VgSimKernel *k, const VgPciAddr *parent, const char *uuid, const char *type) {
    g_autofree char *folder = vg_sim_gpu_folder(parent);
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
static void undo_create(const VgSimKernel *k, const VgSimParent *parent, const char *uuid, const char *type) {
    g_autofree char *folder = vg_sim_gpu_folder(&parent->addr);
    g_autofree char *half = g_strconcat(folder, "/" HALF_MADE, uuid, NULL);
    g_autofree char *device = g_strconcat(folder, "/", uuid, NULL);
    unlink_device(k, &parent->addr, uuid, type);
    vg_sim_remove(k->root, device);
    vg_sim_remove(k->root, half);
    vg_sim_show_room(k, parent->gpu);
}

static gboolean put_in(const VgSimKernel *k, const char *folder, const char *name, const char *text) {
    g_autofree char *path = g_strconcat(folder, "/", name, NULL);
    return vg_sim_put(k->root, path, text);
}

/* Everything in a folder of another name first; the device exists from the rename on. */
static int make(VgSimKernel *k, const VgSimParent *parent, const char *type, const char *uuid) {
    g_autofree char *folder = vg_sim_gpu_folder(&parent->addr);
    g_autofree char *half = g_strconcat(folder, "/" HALF_MADE, uuid, NULL);
    g_autofree char *type_link = g_strconcat(half, "/mdev_type", NULL);
    g_autofree char *type_target = g_strconcat("../mdev_supported_types/", type, NULL);
    const char *start = vg_sim_is_mixed(k, &parent->gpu->addr) ? "0\n" : "Not Applicable\n";
    gboolean good = step("sim.kernel.create.begin") && put_in(k, half, "remove", "") &&
                    put_in(k, half, "nvidia/vgpu_params", "\n") && put_in(k, half, "nvidia/vm_name", "\n") &&
                    put_in(k, half, "nvidia/placement_id", start) && vg_sim_link(k->root, type_link, type_target) &&
                    step("sim.kernel.create.commit") && move(k, folder, HALF_MADE, uuid, FALSE) &&
                    step("sim.kernel.create.show") && link_device(k, &parent->addr, uuid, type) &&
                    step("sim.kernel.create.count") && vg_sim_show_room(k, parent->gpu);
    if (good)
        return 0;
    int errnum = errno;
    undo_create(k, parent, uuid, type);
    return errnum;
}

/* @text: "TYPE UUID". Its driver may have gone meanwhile. */
static void make_late(VgSimKernel *k, const VgPciAddr *addr, const char *text) {
    VgSimParent parent;
    g_auto(GStrv) words = g_strsplit(text, " ", 2);
    if (vg_sim_parent_find(k, addr, &parent))
        make(k, &parent, words[0], words[1]);
}

static int create(VgSimKernel *k, const VgSimParent *parent, const VgSimMdevType *type, const char *text) {
    g_autofree char *uuid = g_ascii_strdown(text, -1);
    g_strchomp(uuid);
    if (!is_uuid(uuid))
        return EINVAL;
    g_autofree char *bus = g_strconcat(BUS "/", uuid, NULL);
    if (vg_sysroot_exists(k->sysroot, bus))
        return EEXIST;
    if (vg_sim_room(k, parent, type) == 0)
        return ENOSPC;
    if (parent->gpu->create_ms == 0)
        return make(k, parent, type->id, uuid);
    g_autofree char *order = g_strconcat(type->id, " ", uuid, NULL);
    vg_sim_later(k, parent->gpu->create_ms, make_late, &parent->addr, order);
    return 0;
}

/* --- remove, parameters ------------------------------------------------------------------------------------------- */

/* A device that a process holds: a test puts this file there. */
static gboolean is_held(const VgSimKernel *k, const char *device) {
    g_autofree char *path = g_strconcat(device, "/.held", NULL);
    return vg_sysroot_exists(k->sysroot, path);
}

static int end(VgSimKernel *k, const VgSimParent *parent, const char *uuid, const char *text) {
    g_autofree char *folder = vg_sim_gpu_folder(&parent->addr);
    g_autofree char *device = g_strconcat(folder, "/", uuid, NULL);
    g_autofree char *half = g_strconcat(folder, "/" HALF_GONE, uuid, NULL);
    g_autofree char *type = type_of(k, vg_sysroot_exists(k->sysroot, device) ? device : half);
    char *rest = NULL;
    guint64 value = g_ascii_strtoull(text, &rest, 0);
    if (rest == text)
        return EINVAL;
    if (value == 0)
        return 0;
    if (is_held(k, device) || !vg_sim_released(k, parent->gpu, device))
        return EBUSY;
    /* The folder may have been moved by a removal that failed half way. */
    gboolean good = step("sim.kernel.remove.commit") && (move(k, folder, HALF_GONE, uuid, TRUE) || errno == ENOENT) &&
                    step("sim.kernel.remove.hide") && unlink_device(k, &parent->addr, uuid, type != NULL ? type : "") &&
                    step("sim.kernel.remove.files") && vg_sim_remove(k->root, half) &&
                    step("sim.kernel.remove.count") && vg_sim_show_room(k, parent->gpu);
    return outcome(good);
}

/* "name=value,name=value" */
static int set_params(VgSimKernel *k, const VgSimParent *parent, const char *uuid, const char *text) {
    g_autofree char *folder = vg_sim_gpu_folder(&parent->addr);
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

static int set_start(VgSimKernel *k, const VgSimParent *parent, const char *uuid, const char *text) {
    g_autofree char *folder = vg_sim_gpu_folder(&parent->addr), *device = g_strconcat(folder, "/", uuid, NULL);
    g_autofree char *line = g_strdup_printf("%s\n", text);
    if (!vg_sim_is_mixed(k, &parent->gpu->addr))
        return EINVAL;
    return is_held(k, device) ? EBUSY : outcome(put_in(k, device, "nvidia/placement_id", line));
}

/* --- who is written to -------------------------------------------------------------------------------------------- */

static const struct {
    const char *file; /* below the device */
    int (*react)(VgSimKernel *k, const VgSimParent *parent, const char *uuid, const char *text);
} device_files[] = {
    {"remove", end},
    {"nvidia/vgpu_params", set_params},
    {"nvidia/placement_id", set_start},
};

/* sys/bus/mdev/devices/UUID/FILE */
static int write_device(VgSimKernel *k, const char *uuid, const char *file, const char *text) {
    g_autofree char *path = g_strconcat(BUS "/", uuid, NULL);
    g_autofree char *target = vg_sysroot_readlink(k->sysroot, path);
    if (target == NULL)
        return ENOENT;
    g_autofree char *folder = g_path_get_dirname(target), *parent = g_path_get_basename(folder);
    VgPciAddr addr;
    VgSimParent at;
    if (!vg_pciaddr_parse(parent, &addr) || !vg_sim_parent_find(k, &addr, &at))
        return ENOENT;
    for (gsize i = 0; i < G_N_ELEMENTS(device_files); i++)
        if (strcmp(device_files[i].file, file) == 0)
            return device_files[i].react(k, &at, uuid, text);
    return ENOENT;
}

/* sys/bus/pci/devices/ADDR/… of one where vGPUs are made; -1: it is no file of these. @below: what follows ADDR. */
static int write_parent(VgSimKernel *k, const char *where, char **below, const char *text) {
    VgPciAddr addr;
    VgSimParent at;
    g_autofree char *file = g_strjoinv("/", below);
    if (!vg_pciaddr_parse(where, &addr) || !vg_sim_parent_find(k, &addr, &at))
        return g_str_has_prefix(file, "mdev_supported_types/") ? ENOENT : -1;
    if (g_str_has_prefix(file, "nvidia/"))
        return vg_sim_vf_write(k, &at, below[1], text);
    if (g_strv_length(below) != 3 || strcmp(below[0], "mdev_supported_types") != 0 || strcmp(below[2], "create") != 0)
        return -1;
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/%s", where, file);
    const VgSimMdevType *type = find_type(at.gpu, below[1]);
    return type != NULL && vg_sysroot_exists(k->sysroot, path) ? create(k, &at, type, text) : ENOENT;
}

static int answer(VgSimKernel *k, const char *path, const char *text) {
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    guint n = g_strv_length(parts);
    VgPciAddr addr;
    int errnum = -1;
    if (n >= 6 && g_str_has_prefix(path, BUS "/")) {
        g_autofree char *file = g_strjoinv("/", parts + 5);
        return write_device(k, parts[4], file, text);
    }
    if (n == 3 && strcmp(parts[0], "nvml") == 0 && vg_pciaddr_parse(parts[1], &addr))
        return vg_sim_mode_write(k, &addr, parts[2], text);
    if (n >= 7 && g_str_has_prefix(path, "sys/bus/pci/devices/"))
        errnum = write_parent(k, parts[4], parts + 5, text);
    if (errnum < 0)
        errnum = vg_sim_pci_write(k, path, text);
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

/* Finishes or undoes what was under way there, and makes links agree with the folders. */
static gboolean repair_parent(VgSimKernel *k, const VgPciAddr *parent) {
    g_autofree char *folder = vg_sim_gpu_folder(parent);
    g_auto(GStrv) names = vg_sysroot_list(k->sysroot, folder);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        g_autofree char *path = g_strconcat(folder, "/", *name, NULL);
        if (g_str_has_prefix(*name, HALF_MADE) || g_str_has_prefix(*name, HALF_GONE)) {
            if (!vg_sim_remove(k->root, path))
                return FALSE;
        } else if (is_uuid(*name)) {
            g_autofree char *type = type_of(k, path);
            if (type == NULL || !link_device(k, parent, *name, type))
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
        if (vg_pciaddr_parse(*name, &addr) && vg_sim_gpu_find(k, &addr) == NULL &&
            !vg_sysroot_exists(k->sysroot, physfn) && !vg_sim_gpu_remove(k->root, &addr))
            return FALSE;
    }
    return TRUE;
}

static gboolean drop_dangling_of_types(VgSimKernel *k, const VgSimGpu *gpu, const VgPciAddr *parent) {
    g_autofree char *folder = vg_sim_gpu_folder(parent);
    for (guint t = 0; t < gpu->mdev_types->len; t++) {
        g_autofree char *devices = g_strdup_printf("%s/mdev_supported_types/%s/devices", folder,
                                                   g_array_index(gpu->mdev_types, VgSimMdevType, t).id);
        if (!drop_dangling(k, devices))
            return FALSE;
    }
    return TRUE;
}

/* On every function where vGPUs of @gpu may be. */
static gboolean each_parent(VgSimKernel *k, const VgSimGpu *gpu,
                            gboolean (*func)(VgSimKernel *k, const VgSimGpu *gpu, const VgPciAddr *parent)) {
    for (int i = 0; i < gpu->vfs; i++) {
        VgPciAddr vf = vg_sim_gpu_vf(gpu, (guint)i);
        if (!func(k, gpu, &vf))
            return FALSE;
    }
    return func(k, gpu, &gpu->addr);
}

static gboolean repair_there(VgSimKernel *k, const VgSimGpu *gpu, const VgPciAddr *parent) {
    return repair_parent(k, parent) && (gpu->vfs == 0 || vg_sim_vf_driver_changed(k, parent));
}

/* As long as it is there, the machine has not been started anew. */
static gboolean make_boot_id(VgSimKernel *k) {
    VgUuid id;
    char text[VG_UUID_TEXT];
    if (vg_sysroot_exists(k->sysroot, VG_SIM_BOOT_ID))
        return TRUE;
    vg_uuid_generate(&id);
    g_autofree char *line = g_strconcat(vg_uuid_format(&id, text), "\n", NULL);
    return vg_sim_put(k->root, VG_SIM_BOOT_ID, line);
}

static gboolean start(VgSimKernel *k) {
    if (!vg_sim_mkdir(k->root, "dev") || !vg_sim_say(k->root, "simulated kernel: ready") ||
        !vg_sim_mkdir(k->root, "sys/bus/pci/devices") || !vg_sim_mkdir(k->root, BUS) ||
        !vg_sim_mkdir(k->root, "sys/class/mdev_bus") || !drop_pulled_gpus(k) || !make_boot_id(k))
        return FALSE;
    for (gsize i = 0; i < k->n; i++)
        if (!vg_sim_gpu_build(k->root, &k->gpus[i]) || !each_parent(k, &k->gpus[i], repair_there))
            return FALSE;
    if (!drop_dangling(k, BUS))
        return FALSE;
    for (gsize i = 0; i < k->n; i++)
        if (!each_parent(k, &k->gpus[i], drop_dangling_of_types) || !vg_sim_show_room(k, &k->gpus[i]))
            return FALSE;
    return TRUE;
}

VgSimKernel *vg_sim_kernel_new(const char *path, const VgSimGpu *gpus, gsize n, GError **error) {
    VgSimKernel *k = g_new0(VgSimKernel, 1);
    k->root = g_strdup(path);
    k->gpus = gpus;
    k->n = n;
    pthread_mutex_init(&k->lock, NULL);
    k->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
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
    vg_sim_later_end(kernel);
    g_hash_table_unref(kernel->asked);
    vg_sysroot_free(kernel->sysroot);
    pthread_mutex_destroy(&kernel->lock);
    g_free(kernel->root);
    g_free(kernel);
}
