/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inventory.c: what GPUs there are and what they offer. Talks to the host seam, the kernel's files and the
 * catalogue. */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/inventory.h"
#include "gpu/ready.h"
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
        g_free(g->waiting);
        g_free(g->mismatch);
        g_free(g->mode_why);
        g_clear_pointer(&g->offers, g_array_unref);
        g_clear_pointer(&g->vfs, g_array_unref);
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

/* --- what the host says of it ------------------------------------------------------------------------------------- */

guint vg_gpu_vf_number(const VgGpu *gpu, const VgPciAddr *addr) {
    for (guint i = 0; i < gpu->vfs->len; i++)
        if (vg_pciaddr_compare(&g_array_index(gpu->vfs, VgVf, i).addr, addr) == 0)
            return i;
    return VG_PLACE_ANY;
}

guint vg_gpu_usable_vfs(const VgGpu *gpu) {
    guint n = 0;
    for (guint i = 0; i < gpu->vfs->len; i++)
        n += g_array_index(gpu->vfs, VgVf, i).usable ? 1 : 0;
    return n;
}

/* On virtual functions a GPU runs as many as its memory and as the functions allow, whichever is less. */
static void add_types(VgTypes *types, VgGpu *gpu, const VgGpuFacts *facts) {
    guint most = gpu->on_vfs ? vg_gpu_usable_vfs(gpu) : G_MAXUINT;
    for (guint i = 0; i < facts->types->len; i++) {
        const VgTypeFact *f = &g_array_index(facts->types, VgTypeFact, i);
        guint seen = gpu->on_vfs ? most : f->seen;
        const VgType *type = vg_types_of_kernel(types, f->id, f->name, f->description, f->api, seen);
        add_offer(gpu, gpu->backend, type, gpu->on_vfs ? MIN(type->max, most) : MAX(type->max, seen));
    }
    if (gpu->backend->plain_vfs)
        add_offer(gpu, gpu->backend, vg_types_vf(types, gpu->model, gpu->record.vendor, gpu->record.device), most);
    /* Whole GPUs' and GPU instances' types: a driver shows those of its mode only, and an emulator knows no instances.
     */
    gboolean whole = gpu->backend->of_catalogue || facts->partial,
             parts = gpu->on_vfs && gpu->backend->vfio_path != NULL;
    if (!whole && !parts)
        return;
    const VgGpuRecord *r = &gpu->record;
    g_autoptr(GArray) offers = vg_types_offers(types, r->vendor, r->device, r->subvendor, r->subdevice);
    for (guint i = 0; i < offers->len; i++) {
        const VgTypeOffer *o = &g_array_index(offers, VgTypeOffer, i);
        if (o->type->mig ? parts : whole)
            add_offer(gpu, gpu->backend, o->type, MIN(o->max, most));
    }
}

GArray *vg_inventory_devices(VgTypes *types, const VgInventory *inventory, const VgGpuFacts *facts) {
    GArray *devices = g_array_new(FALSE, FALSE, sizeof(VgKernelVgpu));
    for (guint gpu = 0; gpu < inventory->n; gpu++)
        for (guint i = 0; i < facts[gpu].devices->len; i++) {
            const VgDeviceFact *f = &g_array_index(facts[gpu].devices, VgDeviceFact, i);
            VgKernelVgpu v = {.has_uuid = f->has_uuid,
                              .uuid = f->uuid,
                              .has_vf = f->has_vf,
                              .vf = f->vf,
                              .gpu = gpu,
                              .type = f->type_id != NULL ? vg_types_by_id(types, f->type_id) : NULL,
                              .start = f->start >= 0 && f->start < VG_PLACE_SLOTS ? (guint16)f->start : VG_NO_START};
            g_array_append_val(devices, v);
        }
    return devices;
}

static int by_type(gconstpointer a, gconstpointer b) {
    guint x = ((const VgGpuOffer *)a)->type->index, y = ((const VgGpuOffer *)b)->type->index;
    return x < y ? -1 : x > y;
}

static char *driver_of(VgSysroot *root, const VgPciAddr *addr) {
    g_autofree char *path = vg_pci_file(addr, "driver"), *target = vg_sysroot_readlink(root, path);
    return target != NULL ? g_path_get_basename(target) : NULL;
}

void vg_inventory_ask(VgGpuHost *host, const VgGpuRecord *record, VgGpuFacts *ret) {
    vg_gpu_facts_init(ret);
    for (guint i = 0; i < VG_BACKEND_LAST && ret->backend == NULL; i++) {
        const VgBackend *b = vg_backend((VgBackendId)i);
        if (b == NULL || b->read == NULL)
            continue;
        if (b->read(host->root, record, ret)) {
            ret->backend = b;
            break;
        }
        vg_gpu_facts_clear(ret);
        vg_gpu_facts_init(ret);
    }
    ret->driver = driver_of(host->root, &record->addr);
    if (g_strcmp0(ret->driver, "nvidia") == 0)
        ret->mismatch = vg_gpu_driver_mismatch(host->root);
    for (guint i = 0; ret->on_vfs && i < ret->vfs->len; i++) {
        const VgVf *vf = &g_array_index(ret->vfs, VgVf, i);
        g_autofree char *driver = vf->usable ? NULL : driver_of(host->root, &vf->addr);
        ret->missing += !vf->usable && (driver == NULL || g_strcmp0(driver, ret->driver) == 0) ? 1 : 0;
    }
    if (ret->backend == NULL)
        vg_ready_missing(host, record, ret);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

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

void vg_inventory_take(VgTypes *types, VgInventory *inventory, guint index, const VgGpuFacts *facts) {
    VgGpu *gpu = &inventory->gpus[index];
    g_clear_pointer(&gpu->offers, g_array_unref);
    g_clear_pointer(&gpu->vfs, g_array_unref);
    gpu->offers = g_array_new(FALSE, FALSE, sizeof(VgGpuOffer));
    gpu->vfs = g_array_ref(facts->vfs);
    gpu->on_vfs = facts->on_vfs;
    gpu->backend = facts->backend;
    if (gpu->backend == NULL)
        gpu->backend = vg_backend(VG_BACKEND_EMULATOR); /* if the vendor's file or the catalogue have types for it */
    add_types(types, gpu, facts);
    if (gpu->backend->of_catalogue && gpu->offers->len == 0)
        gpu->backend = NULL;
    add_offer(gpu, vg_backend(VG_BACKEND_PASSTHROUGH), vg_types_passthrough(types), 1);
    g_array_sort(gpu->offers, by_type);
    g_free(gpu->waiting);
    gpu->waiting = g_strdup(facts->waiting);
    g_free(gpu->mismatch);
    gpu->mismatch = g_strdup(facts->mismatch);
    g_free(gpu->record.driver);
    gpu->record.driver = g_strdup(facts->driver);
}

static void read_gpu(VgGpuHost *host, VgTypes *types, VgInventory *inv, guint index, VgGpuFacts *facts) {
    VgGpu *gpu = &inv->gpus[index];
    const VgGpuRecord *r = &gpu->record;
    vg_pciaddr_format(&r->addr, gpu->text);
    gpu->board = vg_types_board(types, r->vendor, r->device, r->subvendor, r->subdevice);
    gpu->model = model_name(gpu);
    gpu->functions = functions_of(host, gpu);
    vg_inventory_ask(host, r, facts);
    vg_inventory_take(types, inv, index, facts);
    vg_gpu_ready_update(host, gpu);
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
    g_autofree VgGpuFacts *facts = g_new0(VgGpuFacts, n + 1);
    for (gsize i = 0; i < n; i++) {
        /* A VF belongs to its GPU and is none itself. */
        if (records[i].is_vf || ret->n >= MAX_GPUS) {
            vg_gpu_record_clear(&records[i]);
            continue;
        }
        VgGpu *gpu = &ret->gpus[ret->n++];
        gpu->record = records[i];
        read_gpu(host, types, ret, ret->n - 1, &facts[ret->n - 1]);
        vg_debug("GPU %s: %s, %u types, %s", gpu->text, gpu->model, gpu->offers->len,
                 gpu->backend != NULL ? gpu->backend->name : "no back end");
    }
    g_free(records);
    g_autofree char *mismatch = vg_gpu_driver_mismatch(host->root);
    if (mismatch != NULL)
        vg_warn("%s", mismatch);
    drop_shared_identities(ret);
    ret->kernel = vg_inventory_devices(types, ret, facts);
    for (guint i = 0; i < ret->n; i++)
        vg_gpu_facts_clear(&facts[i]);
    return TRUE;
}
