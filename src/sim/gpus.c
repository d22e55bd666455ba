/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gpus.c: the GPUs of the simulated host: the GPU seam, from the "gpus" member of host.json. Its kernel is kernel.c. */
#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "sim/gpus.h"
#include "sim/kernel.h"

#define MAX_GPUS 4096
#define MAX_TYPES 256
#define MAX_INSTANCES 1024
#define MAX_DELAY_MS 600000
#define VGA_CLASS 0x030000
#define FIRST_INSTANCE 7 /* their numbers are not their places */

typedef struct {
    VgGpuHost host;
    VgSimKernel *kernel;
    GArray *gpus; /* of VgSimGpu, by address */
} SimHost;

static void type_clear(gpointer data) {
    VgSimMdevType *t = data;
    g_free(t->id);
    g_free(t->name);
    g_free(t->description);
}

static void gpu_clear(gpointer data) {
    VgSimGpu *g = data;
    g_free(g->vendor_name);
    g_free(g->device_name);
    g_free(g->driver);
    g_free(g->serial);
    g_clear_pointer(&g->mdev_types, g_array_unref);
}

/* --- reading host.json -------------------------------------------------------------------------------------------- */

static gboolean bad(GError **error, gsize i, const char *member, const char *reason) {
    vg_set_error(error, VG_ERR_INVALID_ARG, "host.json: gpus[%zu]: %s: %s", i, member, reason);
    return FALSE;
}

static gboolean read_hex(const VgJson *o, const char *member, guint16 *ret) {
    const char *text = vg_json_get_string(o, member);
    guint64 value = 0;
    if (text != NULL && !g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT16, &value, NULL))
        return FALSE;
    *ret = (guint16)value;
    return TRUE;
}

static const struct {
    const char *member;
    gsize offset;
    gboolean needed;
} ids[] = {
    {"vendor", G_STRUCT_OFFSET(VgSimGpu, vendor), TRUE},
    {"device", G_STRUCT_OFFSET(VgSimGpu, device), TRUE},
    {"subvendor", G_STRUCT_OFFSET(VgSimGpu, subvendor), FALSE},
    {"subdevice", G_STRUCT_OFFSET(VgSimGpu, subdevice), FALSE},
};

/* How slow its driver is. */
static const struct {
    const char *member;
    gsize offset;
} delays[] = {
    {"create_ms", G_STRUCT_OFFSET(VgSimGpu, create_ms)},
    {"release_ms", G_STRUCT_OFFSET(VgSimGpu, release_ms)},
    {"ready_ms", G_STRUCT_OFFSET(VgSimGpu, ready_ms)},
};

/* It becomes the name of a folder. */
static gboolean is_type_id(const char *id) {
    if (id == NULL || *id == '\0' || *id == '.' || strlen(id) > 64)
        return FALSE;
    for (const char *p = id; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("-_.", *p) == NULL)
            return FALSE;
    return TRUE;
}

static gboolean read_types(const VgJson *list, gsize i, VgSimGpu *gpu, GError **error) {
    gpu->mdev_types = g_array_new(FALSE, FALSE, sizeof(VgSimMdevType));
    g_array_set_clear_func(gpu->mdev_types, type_clear);
    if (vg_json_length(list) > MAX_TYPES)
        return bad(error, i, "mdev_types", _("too many"));
    for (gsize k = 0; k < vg_json_length(list); k++) {
        const VgJson *o = vg_json_at(list, k);
        const char *id = vg_json_get_string(o, "id");
        gint64 max = vg_json_get_int(o, "max", 0);
        if (!is_type_id(id))
            return bad(error, i, "mdev_types", _("an id is missing, or is not letters, digits, '-', '_' and '.'"));
        if (max < 1 || max > MAX_INSTANCES)
            return bad(error, i, id, _("max is not between 1 and 1024"));
        VgSimMdevType type = {g_strdup(id), g_strdup(vg_json_get_string(o, "name")),
                              g_strdup(vg_json_get_string(o, "description")), (guint)max};
        g_array_append_val(gpu->mdev_types, type);
    }
    return TRUE;
}

static gboolean read_gpu(const VgJson *o, gsize i, VgSimGpu *gpu, GError **error) {
    const char *addr = vg_json_get_string(o, "address");
    if (addr == NULL || !vg_pciaddr_parse(addr, &gpu->addr))
        return bad(error, i, "address", _("missing, or no PCI address such as 0000:05:00.0"));
    for (gsize k = 0; k < G_N_ELEMENTS(ids); k++) {
        guint16 *id = G_STRUCT_MEMBER_P(gpu, ids[k].offset);
        if (!read_hex(o, ids[k].member, id) || (ids[k].needed && *id == 0))
            return bad(error, i, ids[k].member, _("missing, or not four hexadecimal digits"));
    }
    gpu->class_code = VGA_CLASS;
    gpu->vendor_name = g_strdup(vg_json_get_string(o, "vendor_name"));
    gpu->device_name = g_strdup(vg_json_get_string(o, "device_name"));
    gpu->driver = g_strdup(vg_json_get_string(o, "driver"));
    if (gpu->driver != NULL && !is_type_id(gpu->driver))
        return bad(error, i, "driver", _("not letters, digits, '-', '_' and '.'"));
    gpu->serial = g_strdup(vg_json_get_string(o, "serial"));
    gpu->vfs = (int)CLAMP(vg_json_get_int(o, "vfs", 0), 0, 255);
    gpu->numa_node = (int)CLAMP(vg_json_get_int(o, "numa_node", -1), -1, 1023);
    gpu->iommu_group = (int)CLAMP(vg_json_get_int(o, "iommu_group", -1), -1, 65535);
    const char *framework = vg_json_get_string(o, "framework");
    gpu->vfio = g_strcmp0(framework, "vfio") == 0;
    if (framework != NULL && !gpu->vfio && strcmp(framework, "mdev") != 0)
        return bad(error, i, "framework", _("neither mdev nor vfio"));
    for (gsize k = 0; k < G_N_ELEMENTS(delays); k++)
        *(guint *)G_STRUCT_MEMBER_P(gpu, delays[k].offset) =
            (guint)CLAMP(vg_json_get_int(o, delays[k].member, 0), 0, MAX_DELAY_MS);
    gpu->boot_display = vg_json_get_bool(o, "boot_display", FALSE);
    gpu->can_reset = vg_json_get_bool(o, "reset", TRUE);
    return read_types(vg_json_get(o, "mdev_types"), i, gpu, error);
}

static int by_address(gconstpointer a, gconstpointer b) {
    return vg_pciaddr_compare(&((const VgSimGpu *)a)->addr, &((const VgSimGpu *)b)->addr);
}

static gboolean read_gpus(const VgJson *list, GArray *gpus, GError **error) {
    if (vg_json_length(list) > MAX_GPUS)
        return bad(error, MAX_GPUS, "address", _("too many GPUs"));
    for (gsize i = 0; i < vg_json_length(list); i++) {
        VgSimGpu gpu = {0};
        gboolean good = read_gpu(vg_json_at(list, i), i, &gpu, error);
        g_array_append_val(gpus, gpu);
        if (!good)
            return FALSE;
    }
    g_array_sort(gpus, by_address);
    for (guint i = 1; i < gpus->len; i++)
        if (by_address(&g_array_index(gpus, VgSimGpu, i - 1), &g_array_index(gpus, VgSimGpu, i)) == 0) {
            char addr[VG_PCIADDR_TEXT];
            vg_set_error(error, VG_ERR_INVALID_ARG, _("host.json: gpus: two GPUs have the address %s"),
                         vg_pciaddr_format(&g_array_index(gpus, VgSimGpu, i).addr, addr));
            return FALSE;
        }
    return TRUE;
}

/* --- the seam ----------------------------------------------------------------------------------------------------- */

static gboolean scan(VgGpuHost *host, VgGpuRecord **ret, gsize *ret_n, GError **error) {
    const SimHost *sim = (SimHost *)host;
    *ret = g_new0(VgGpuRecord, sim->gpus->len);
    *ret_n = sim->gpus->len;
    for (guint i = 0; i < sim->gpus->len; i++) {
        const VgSimGpu *g = &g_array_index(sim->gpus, VgSimGpu, i);
        (*ret)[i] = (VgGpuRecord){
            .addr = g->addr,
            .vendor = g->vendor,
            .device = g->device,
            .subvendor = g->subvendor,
            .subdevice = g->subdevice,
            .class_code = g->class_code,
            .vendor_name = g_strdup(g->vendor_name),
            .device_name = g_strdup(g->device_name),
            .driver = g_strdup(g->driver),
            .numa_node = g->numa_node,
            .iommu_group = g->iommu_group,
            .boot_display = g->boot_display,
            .identity = g->serial != NULL ? g_strconcat("serial:", g->serial, NULL) : NULL,
        };
    }
    return TRUE;
}

/* What NVIDIA's library does: files of nvml/ADDRESS. */
static char *nvml_path(const VgPciAddr *gpu, const char *name) {
    char text[VG_PCIADDR_TEXT];
    return g_strdup_printf("nvml/%s/%s", vg_pciaddr_format(gpu, text), name);
}

static const char *const mode_files[VG_DRIVER_MODE_LAST] = {
    [VG_DRIVER_MIXED] = "heterogeneous",
    [VG_DRIVER_MIG] = "mig",
};

static gboolean get_mode(VgGpuHost *host, const VgPciAddr *gpu, VgGpuDriverMode mode, gboolean *ret, GError **error) {
    g_autofree char *path = nvml_path(gpu, mode_files[mode]);
    char text[VG_PCIADDR_TEXT];
    gint64 on = 0;
    if (!vg_sysroot_read_int(host->root, path, &on)) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("GPU %s has no mode '%s'"), vg_pciaddr_format(gpu, text),
                     mode_files[mode]);
        return FALSE;
    }
    *ret = on == 1;
    return TRUE;
}

static gboolean set_mode(VgGpuHost *host, const VgPciAddr *gpu, VgGpuDriverMode mode, gboolean on, GError **error) {
    g_autofree char *path = nvml_path(gpu, mode_files[mode]);
    char text[VG_PCIADDR_TEXT];
    if (vg_sysroot_write(host->root, path, on ? "1" : "0"))
        return TRUE;
    vg_set_errno(error, errno, _("cannot set the mode of GPU %s"), vg_pciaddr_format(gpu, text));
    return FALSE;
}

/* --- GPU instances: a file for each, by its number, with its profile and where it lies ---------------------------- */

static GArray *instances(VgGpuHost *host, const VgPciAddr *gpu, GError **error) {
    GArray *list = g_array_new(FALSE, FALSE, sizeof(VgGpuInstance));
    g_autofree char *folder = nvml_path(gpu, "instances");
    g_auto(GStrv) names = vg_sysroot_list(host->root, folder);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        VgGpuInstance one = {.id = (guint)g_ascii_strtoull(*name, NULL, 10)};
        g_autofree char *path = g_strconcat(folder, "/", *name, NULL), *text = vg_sysroot_read(host->root, path);
        if (text != NULL && sscanf(text, "%31s %u:%u", one.profile, &one.start, &one.size) == 3)
            g_array_append_val(list, one);
    }
    return list;
}

static gboolean no_instance(const VgPciAddr *gpu, const char *profile, GError **error) {
    char text[VG_PCIADDR_TEXT];
    vg_set_error(error, VG_ERR_OPERATION_FAILED, _("GPU %s cannot have a GPU instance %s there"),
                 vg_pciaddr_format(gpu, text), profile);
    return FALSE;
}

/* As the driver: in its mode only, and not on top of another. */
static gboolean make_instance(VgGpuHost *host, const VgPciAddr *gpu, const VgGpuInstance *wanted, GError **error) {
    gboolean on = FALSE;
    g_autoptr(GArray) there = instances(host, gpu, NULL);
    if (!get_mode(host, gpu, VG_DRIVER_MIG, &on, error))
        return FALSE;
    for (guint i = 0; i < there->len; i++) {
        const VgGpuInstance *one = &g_array_index(there, VgGpuInstance, i);
        on = on && (one->start >= wanted->start + wanted->size || wanted->start >= one->start + one->size);
    }
    g_autofree char *name = g_strdup_printf("instances/%u", wanted->start + FIRST_INSTANCE);
    g_autofree char *path = nvml_path(gpu, name);
    g_autofree char *text = g_strdup_printf("%s %u:%u\n", wanted->profile, wanted->start, wanted->size);
    return (on && vg_sim_put(vg_sysroot_path(host->root), path, text)) || no_instance(gpu, wanted->profile, error);
}

static gboolean drop_instance(VgGpuHost *host, const VgPciAddr *gpu, const VgGpuInstance *instance, GError **error) {
    g_autofree char *name = g_strdup_printf("instances/%u", instance->id), *path = nvml_path(gpu, name);
    g_autofree char *file = g_build_filename(vg_sysroot_path(host->root), path, NULL);
    return g_unlink(file) == 0 || no_instance(gpu, instance->profile, error);
}

static void host_free(VgGpuHost *host) {
    SimHost *sim = (SimHost *)host;
    vg_sim_kernel_free(sim->kernel);
    g_array_unref(sim->gpus);
    g_free(sim);
}

static const VgGpuHostOps ops = {.scan = scan,
                                 .get_mode = get_mode,
                                 .set_mode = set_mode,
                                 .instances = instances,
                                 .make_instance = make_instance,
                                 .drop_instance = drop_instance,
                                 .free = host_free};

VgGpuHost *vg_sim_gpus_new(const char *dir, const VgJson *gpus, GError **error) {
    SimHost *sim = g_new0(SimHost, 1);
    sim->gpus = g_array_new(FALSE, FALSE, sizeof(VgSimGpu));
    g_array_set_clear_func(sim->gpus, gpu_clear);
    g_autofree char *tree = g_build_filename(dir, "state", "kernel", NULL);
    if (read_gpus(gpus, sim->gpus, error))
        sim->kernel = vg_sim_kernel_new(tree, (const VgSimGpu *)(const void *)sim->gpus->data, sim->gpus->len, error);
    if (sim->kernel == NULL) {
        host_free(&sim->host);
        return NULL;
    }
    sim->host =
        (VgGpuHost){.ops = &ops, .root = vg_sim_kernel_root(sim->kernel), .dm_can_vfio = TRUE, .has_emulator = TRUE};
    return &sim->host;
}

/* --- the default host --------------------------------------------------------------------------------------------- */

static const struct {
    const char *address, *device, *subdevice, *name, *driver;
    int numa_node, iommu_group;
    gboolean mdev;
} cards[] = {
    {"0000:05:00.0", "0ff2", "1012", "GK107GL [GRID K1]", "nvidia", 0, 20, FALSE},
    {"0000:06:00.0", "0ff2", "1012", "GK107GL [GRID K1]", "nvidia", 0, 21, FALSE},
    {"0000:07:00.0", "0ff2", "1012", "GK107GL [GRID K1]", "nvidia", 0, 22, FALSE},
    {"0000:08:00.0", "0ff2", "1012", "GK107GL [GRID K1]", "nvidia", 0, 23, FALSE},
    {"0000:44:00.0", "11bf", "100a", "GK104GL [GRID K2]", "nvidia", 0, 40, FALSE},
    {"0000:45:00.0", "11bf", "100a", "GK104GL [GRID K2]", "nvidia", 0, 41, FALSE},
    {"0000:82:00.0", "1eb8", "12a2", "TU104GL [Tesla T4]", "nvidia", 0, 60, TRUE},
};

static const struct {
    int id;
    const char *name;
    int heads, frame_rate, framebuffer_mib, width, height, max;
} t4_types[] = {
    {222, "GRID T4-1B", 4, 45, 1024, 5120, 2880, 16},  {223, "GRID T4-2B", 4, 45, 2048, 5120, 2880, 8},
    {224, "GRID T4-2B4", 4, 45, 2048, 5120, 2880, 8},  {225, "GRID T4-1A", 1, 60, 1024, 1280, 1024, 16},
    {226, "GRID T4-2A", 1, 60, 2048, 1280, 1024, 8},   {227, "GRID T4-4A", 1, 60, 4096, 1280, 1024, 4},
    {228, "GRID T4-8A", 1, 60, 8192, 1280, 1024, 2},   {229, "GRID T4-16A", 1, 60, 16384, 1280, 1024, 1},
    {230, "GRID T4-1Q", 4, 60, 1024, 5120, 2880, 16},  {231, "GRID T4-2Q", 4, 60, 2048, 7680, 4320, 8},
    {232, "GRID T4-4Q", 4, 60, 4096, 7680, 4320, 4},   {233, "GRID T4-8Q", 4, 60, 8192, 7680, 4320, 2},
    {234, "GRID T4-16Q", 4, 60, 16384, 7680, 4320, 1}, {252, "GRID T4-1B4", 4, 45, 1024, 5120, 2880, 16},
    {319, "GRID T4-4C", 1, 60, 4096, 4096, 2160, 4},   {320, "GRID T4-8C", 1, 60, 8192, 4096, 2160, 2},
    {321, "GRID T4-16C", 1, 60, 16384, 4096, 2160, 1},
};

static VgJson *default_types(void) {
    VgJson *list = vg_json_new_array();
    for (gsize i = 0; i < G_N_ELEMENTS(t4_types); i++) {
        g_autofree char *id = g_strdup_printf("nvidia-%d", t4_types[i].id);
        g_autofree char *description =
            g_strdup_printf("num_heads=%d, frl_config=%d, framebuffer=%dM, max_resolution=%dx%d, max_instance=%d",
                            t4_types[i].heads, t4_types[i].frame_rate, t4_types[i].framebuffer_mib, t4_types[i].width,
                            t4_types[i].height, t4_types[i].max);
        VgJson *o = vg_json_append(list, vg_json_new_object());
        vg_json_set_string(o, "id", id);
        vg_json_set_string(o, "name", t4_types[i].name);
        vg_json_set_string(o, "description", description);
        vg_json_set_int(o, "max", t4_types[i].max);
    }
    return list;
}

VgJson *vg_sim_gpus_default(void) {
    VgJson *list = vg_json_new_array();
    for (gsize i = 0; i < G_N_ELEMENTS(cards); i++) {
        VgJson *o = vg_json_append(list, vg_json_new_object());
        vg_json_set_string(o, "address", cards[i].address);
        vg_json_set_string(o, "vendor", "10de");
        vg_json_set_string(o, "device", cards[i].device);
        vg_json_set_string(o, "subvendor", "10de");
        vg_json_set_string(o, "subdevice", cards[i].subdevice);
        vg_json_set_string(o, "vendor_name", "NVIDIA Corporation");
        vg_json_set_string(o, "device_name", cards[i].name);
        vg_json_set_string(o, "driver", cards[i].driver);
        g_autofree char *serial = g_strdup_printf("0320%08zu", i + 1);
        vg_json_set_string(o, "serial", serial);
        vg_json_set_int(o, "numa_node", cards[i].numa_node);
        vg_json_set_int(o, "iommu_group", cards[i].iommu_group);
        if (cards[i].mdev)
            vg_json_set(o, "mdev_types", default_types());
    }
    return list;
}
