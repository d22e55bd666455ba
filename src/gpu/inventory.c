/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inventory.c: what GPUs there are and what they offer. Talks to the host seam, the kernel's files and the
 * catalogue. */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/inventory.h"
#include "gpu/versions.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define MAX_GPUS 4096
#define MAX_OFFERS 1024

void vg_gpu_record_clear(VgGpuRecord *record) {
    g_clear_pointer(&record->vendor_name, g_free);
    g_clear_pointer(&record->device_name, g_free);
    g_clear_pointer(&record->driver, g_free);
    g_clear_pointer(&record->identity, g_free);
}

void vg_inventory_clear(VgInventory *inventory) {
    for (guint i = 0; i < inventory->n; i++) {
        VgGpu *g = &inventory->gpus[i];
        vg_gpu_record_clear(&g->record);
        g_free(g->model);
        g_free(g->why_not);
        g_free(g->whole_why_not);
        g_free(g->closed_why);
        g_clear_pointer(&g->offers, g_array_unref);
    }
    g_clear_pointer(&inventory->gpus, g_free);
    g_clear_pointer(&inventory->kernel, g_array_unref);
    inventory->n = 0;
}

guint vg_inventory_find(const VgInventory *inventory, const VgPciAddr *addr) {
    guint low = 0, high = inventory->n;
    while (low < high) {
        guint mid = low + (high - low) / 2;
        int c = vg_pciaddr_compare(&inventory->gpus[mid].record.addr, addr);
        if (c == 0)
            return mid;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return VG_PLACE_ANY;
}

VgGpuOffer *vg_gpu_offer(const VgGpu *gpu, const VgType *type) {
    for (guint i = 0; i < gpu->offers->len; i++) {
        VgGpuOffer *o = &g_array_index(gpu->offers, VgGpuOffer, i);
        if (o->type == type)
            return o;
    }
    return NULL;
}

static void add_offer(VgGpu *gpu, const VgBackend *backend, const VgType *type, guint max) {
    if (vg_gpu_offer(gpu, type) != NULL || gpu->offers->len >= MAX_OFFERS)
        return;
    VgGpuOffer offer = {.type = type, .max = MAX(max, 1), .enabled = TRUE, .backend = backend};
    g_array_append_val(gpu->offers, offer);
}

static char *model_name(const VgGpu *gpu) {
    const VgGpuRecord *r = &gpu->record;
    if (gpu->board != NULL)
        return g_strdup(gpu->board->name);
    if (r->vendor_name != NULL && r->device_name != NULL)
        return g_strdup_printf("%s %s", r->vendor_name, r->device_name);
    return g_strdup_printf("%04x:%04x", r->vendor, r->device);
}

/* --- the kernel's mediated devices -------------------------------------------------------------------------------- */

static char *attribute(VgSysroot *root, const char *folder, const char *id, const char *name) {
    g_autofree char *path = g_strdup_printf("%s/%s/%s", folder, id, name);
    return vg_sysroot_read(root, path);
}

/* Reads what it offers now; TRUE if it is a parent of mediated devices. */
static gboolean read_kernel_types(VgGpuHost *host, VgTypes *types, VgGpu *gpu) {
    g_autofree char *folder = g_strdup_printf("sys/bus/pci/devices/%s/mdev_supported_types", gpu->text);
    g_auto(GStrv) ids = vg_sysroot_list(host->root, folder);
    if (ids == NULL)
        return FALSE;
    for (char **id = ids; *id != NULL && gpu->offers->len < MAX_OFFERS; id++) {
        g_autofree char *name = attribute(host->root, folder, *id, "name");
        g_autofree char *description = attribute(host->root, folder, *id, "description");
        g_autofree char *api = attribute(host->root, folder, *id, "device_api");
        g_autofree char *available = g_strdup_printf("%s/%s/available_instances", folder, *id);
        gint64 left = 0;
        vg_sysroot_read_int(host->root, available, &left);
        g_autofree char *made = g_strdup_printf("%s/%s/devices", folder, *id);
        g_auto(GStrv) devices = vg_sysroot_list(host->root, made);
        guint seen = (guint)CLAMP(left, 0, 1024) + (devices != NULL ? MIN(g_strv_length(devices), 1024) : 0);
        const VgType *type = vg_types_of_kernel(types, *id, name, description, api, seen);
        add_offer(gpu, vg_backend(VG_BACKEND_MDEV), type, MAX(type->max, seen));
    }
    return TRUE;
}

GArray *vg_inventory_read_devices(VgGpuHost *host, VgTypes *types, const VgInventory *inv) {
    GArray *devices = g_array_new(FALSE, FALSE, sizeof(VgKernelVgpu));
    g_auto(GStrv) names = vg_sysroot_list(host->root, "sys/bus/mdev/devices");
    for (char **name = names; name != NULL && *name != NULL; name++) {
        VgKernelVgpu v = {.start = VG_NO_START};
        g_autofree char *path = g_strconcat("sys/bus/mdev/devices/", *name, NULL);
        g_autofree char *type_path = g_strconcat(path, "/mdev_type", NULL);
        g_autofree char *target = vg_sysroot_readlink(host->root, path);
        g_autofree char *type_target = vg_sysroot_readlink(host->root, type_path);
        if (target == NULL || !vg_uuid_parse(*name, &v.uuid))
            continue;
        g_autofree char *folder = g_path_get_dirname(target), *parent = g_path_get_basename(folder);
        VgPciAddr addr;
        if (!vg_pciaddr_parse(parent, &addr) || (v.gpu = vg_inventory_find(inv, &addr)) == VG_PLACE_ANY)
            continue;
        if (type_target != NULL) {
            g_autofree char *id = g_path_get_basename(type_target);
            v.type = vg_types_by_id(types, id);
        }
        g_autofree char *start_path = g_strconcat(path, "/nvidia/placement_id", NULL);
        gint64 start; /* a GPU not in mixed-size mode says so in words */
        if (vg_sysroot_read_int(host->root, start_path, &start) && start >= 0 && start < VG_PLACE_SLOTS)
            v.start = (guint16)start;
        g_array_append_val(devices, v);
    }
    return devices;
}

static int by_type(gconstpointer a, gconstpointer b) {
    guint x = ((const VgGpuOffer *)a)->type->index, y = ((const VgGpuOffer *)b)->type->index;
    return x < y ? -1 : x > y;
}

/* --- plain virtual functions ------------------------------------------------------------------------------------- */

#define NVIDIA 0x10de /* whose virtual functions need its own driver */
#define MAX_VFS 256

static guint routing_id(const VgPciAddr *a) {
    return (guint)a->bus << 8 | (guint)a->slot << 3 | a->function;
}

VgPciAddr vg_gpu_vf(const VgGpu *gpu, guint i) {
    guint id = routing_id(&gpu->record.addr) + gpu->vf_offset + i * gpu->vf_stride;
    return (VgPciAddr){.domain = gpu->record.addr.domain,
                       .bus = (guint8)(id >> 8),
                       .slot = (guint8)(id >> 3 & 31),
                       .function = (guint8)(id & 7)};
}

guint vg_gpu_vf_number(const VgGpu *gpu, const VgPciAddr *addr) {
    for (guint i = 0; i < gpu->n_vfs; i++) {
        VgPciAddr vf = vg_gpu_vf(gpu, i);
        if (vg_pciaddr_compare(&vf, addr) == 0)
            return i;
    }
    return gpu->n_vfs;
}

static guint vf_figure(VgGpuHost *host, const VgGpu *gpu, const char *name) {
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/%s", gpu->text, name);
    gint64 value = 0;
    return vg_sysroot_read_int(host->root, path, &value) ? (guint)CLAMP(value, 0, G_MAXUINT16) : 0;
}

/* If some are enabled already, it was decided how many. */
static gboolean read_vfs(VgGpuHost *host, VgTypes *types, VgGpu *gpu) {
    guint total = vf_figure(host, gpu, "sriov_totalvfs"), now = vf_figure(host, gpu, "sriov_numvfs");
    gpu->vf_offset = vf_figure(host, gpu, "sriov_offset");
    gpu->vf_stride = vf_figure(host, gpu, "sriov_stride");
    if (gpu->record.vendor == NVIDIA || total == 0 || gpu->vf_offset == 0 || (total > 1 && gpu->vf_stride == 0))
        return FALSE;
    gpu->n_vfs = MIN(now > 0 ? now : total, MAX_VFS);
    const VgType *type = vg_types_vf(types, gpu->model, gpu->record.vendor, gpu->record.device);
    add_offer(gpu, vg_backend(VG_BACKEND_SRIOV), type, gpu->n_vfs);
    return TRUE;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static char *why_not(VgGpuHost *host, const VgBackend *backend, const VgGpuRecord *record) {
    g_autoptr(GError) reason = NULL;
    if (record->driver != NULL && strcmp(record->driver, "nvidia") == 0 && backend->id != VG_BACKEND_PASSTHROUGH) {
        char *mismatch = vg_gpu_driver_mismatch(host->root);
        if (mismatch != NULL)
            return mismatch;
    }
    return backend->usable(host, record, &reason) ? NULL : g_strdup(reason->message);
}

/* Those of its slot that have to move together: its sound, its USB; a virtual function has an owner of its own. */
static guint8 functions_of(VgGpuHost *host, const VgGpu *gpu) {
    guint8 bits = (guint8)(1u << gpu->record.addr.function);
    for (guint i = 0; i < 8; i++) {
        VgPciAddr addr = gpu->record.addr;
        char text[VG_PCIADDR_TEXT];
        addr.function = (guint8)i;
        g_autofree char *path = g_strconcat("sys/bus/pci/devices/", vg_pciaddr_format(&addr, text), NULL);
        g_autofree char *physfn = g_strconcat(path, "/physfn", NULL);
        if (vg_sysroot_exists(host->root, path) && !vg_sysroot_exists(host->root, physfn))
            bits |= (guint8)(1u << i);
    }
    return bits;
}

/* What the vendor's file or the shipped one have for it; a GPU instance is nothing that an emulator makes. */
static void read_catalogues(VgTypes *types, VgGpu *gpu) {
    const VgGpuRecord *r = &gpu->record;
    g_autoptr(GArray) offers = vg_types_offers(types, r->vendor, r->device, r->subvendor, r->subdevice);
    for (guint i = 0; i < offers->len; i++) {
        const VgTypeOffer *o = &g_array_index(offers, VgTypeOffer, i);
        if (!o->type->mig)
            add_offer(gpu, vg_backend(VG_BACKEND_EMULATOR), o->type, o->max);
    }
    if (gpu->offers->len > 0)
        gpu->backend = vg_backend(VG_BACKEND_EMULATOR);
}

static void read_gpu(VgGpuHost *host, VgTypes *types, VgGpu *gpu) {
    const VgGpuRecord *r = &gpu->record;
    vg_pciaddr_format(&r->addr, gpu->text);
    gpu->board = vg_types_board(types, r->vendor, r->device, r->subvendor, r->subdevice);
    gpu->model = model_name(gpu);
    gpu->offers = g_array_new(FALSE, FALSE, sizeof(VgGpuOffer));
    if (read_kernel_types(host, types, gpu))
        gpu->backend = vg_backend(VG_BACKEND_MDEV);
    else if (read_vfs(host, types, gpu))
        gpu->backend = vg_backend(VG_BACKEND_SRIOV);
    else
        read_catalogues(types, gpu);
    add_offer(gpu, vg_backend(VG_BACKEND_PASSTHROUGH), vg_types_passthrough(types), 1);
    g_array_sort(gpu->offers, by_type);
    gpu->functions = functions_of(host, gpu);
    if (gpu->backend != NULL)
        gpu->why_not = why_not(host, gpu->backend, r);
    gpu->whole_why_not = why_not(host, vg_backend(VG_BACKEND_PASSTHROUGH), r);
    for (guint i = 0; i < gpu->offers->len; i++) {
        VgGpuOffer *o = &g_array_index(gpu->offers, VgGpuOffer, i);
        o->why_not = o->backend->id == VG_BACKEND_PASSTHROUGH ? gpu->whole_why_not : gpu->why_not;
    }
}

/* What two GPUs say of themselves tells neither from the other. */
static void drop_shared_identities(VgInventory *inv) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) shared = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < inv->n; i++)
        if (inv->gpus[i].record.identity != NULL && !g_hash_table_add(seen, inv->gpus[i].record.identity))
            g_hash_table_add(shared, g_strdup(inv->gpus[i].record.identity));
    for (guint i = 0; i < inv->n; i++)
        if (inv->gpus[i].record.identity != NULL && g_hash_table_contains(shared, inv->gpus[i].record.identity))
            g_clear_pointer(&inv->gpus[i].record.identity, g_free);
}

gboolean vg_inventory_read(VgGpuHost *host, VgTypes *types, VgInventory *ret, GError **error) {
    VgGpuRecord *records = NULL;
    gsize n = 0;
    if (!host->ops->scan(host, &records, &n, error))
        return FALSE;
    *ret = (VgInventory){.gpus = g_new0(VgGpu, n)};
    for (gsize i = 0; i < n; i++) {
        /* A VF belongs to its GPU and is none itself. */
        if (records[i].is_vf || ret->n >= MAX_GPUS) {
            vg_gpu_record_clear(&records[i]);
            continue;
        }
        VgGpu *gpu = &ret->gpus[ret->n++];
        gpu->record = records[i];
        read_gpu(host, types, gpu);
        vg_debug("GPU %s: %s, %u types, %s", gpu->text, gpu->model, gpu->offers->len,
                 gpu->backend != NULL ? gpu->backend->name : "no back end");
    }
    g_free(records);
    g_autofree char *mismatch = vg_gpu_driver_mismatch(host->root);
    if (mismatch != NULL)
        vg_warn("%s", mismatch);
    drop_shared_identities(ret);
    ret->kernel = vg_inventory_read_devices(host, types, ret);
    return TRUE;
}
