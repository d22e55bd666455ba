/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gpus.c: the engine: puts inventory, groups, placement, ledger and back ends together for the driver. A claim counts
 * from the moment it is made.
 */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/engine.h"
#include "gpu/mig.h"
#include "gpu/ready.h"
#include "gpu/told.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define KERNEL_WAIT_MS 5000
#define CLEAN_MS 10000
#define CLEAN_STEP_MS 20

/* --- claims ------------------------------------------------------------------------------------------------------- */

static VgClaim *claim_new(VgGpus *gpus, const VgUuid *owner, const char *owner_name, gsize n) {
    VgClaim *c = g_new0(VgClaim, 1);
    c->gpus = gpus;
    c->owner = *owner;
    c->owner_name = g_strdup(owner_name != NULL ? owner_name : "?");
    c->n = n;
    c->places = g_new0(VgPlace, n);
    c->insides = g_new0(VgPlaceInside, n);
    return c;
}

static void claim_free(VgClaim *c) {
    vg_places_free(c->places, c->n);
    for (gsize i = 0; i < c->n; i++) {
        g_strfreev(c->insides[i].params);
        g_strfreev(c->insides[i].bonds);
    }
    g_free(c->insides);
    g_free(c->owner_name);
    g_free(c->user_name);
    g_free(c->record);
    g_free(c->stuck);
    g_free(c);
}

/* From now on it counts. */
static void claim_enter(VgClaim *c) {
    VgGpus *gpus = c->gpus;
    for (gsize i = 0; i < c->n; i++) {
        g_hash_table_replace(gpus->by_vgpu, &c->places[i].vgpu, c);
    }
    g_ptr_array_add(gpus->claims, c);
    vg_gpus_room_enter(c);
    vg_gpus_claim_changed(c, FALSE);
}

void vg_gpus_release(VgClaim *claim) {
    if (claim == NULL)
        return;
    VgGpus *gpus = claim->gpus;
    vg_gpus_room_leave(claim);
    gpus->releases++;
    for (gsize i = 0; i < claim->n; i++)
        if (g_hash_table_lookup(gpus->by_vgpu, &claim->places[i].vgpu) == claim)
            g_hash_table_remove(gpus->by_vgpu, &claim->places[i].vgpu);
    g_ptr_array_remove(gpus->claims, claim);
    vg_gpus_claim_changed(claim, TRUE);
    claim_free(claim);
}

void vg_claim_set_stuck(VgClaim *claim, const char *why) {
    if (claim == NULL)
        return;
    g_free(claim->stuck);
    claim->stuck = g_strdup(why);
    vg_gpus_claim_changed(claim, FALSE);
}

void vg_places_free(VgPlace *places, gsize n) {
    for (gsize i = 0; places != NULL && i < n; i++)
        g_free(places[i].vfio_path);
    g_free(places);
}

const VgPlace *vg_claim_places(const VgClaim *claim, gsize *ret_n) {
    *ret_n = claim->n;
    return claim->places;
}

const VgUuid *vg_claim_owner(const VgClaim *claim) {
    return &claim->owner;
}

gboolean vg_claim_is_node_device(const VgClaim *claim) {
    return vg_uuid_is_null(&claim->owner);
}

void vg_claim_lend(VgClaim *claim, const VgUuid *user, const char *user_name) {
    g_free(claim->user_name);
    claim->user_name = g_strdup(user_name);
    claim->user = user != NULL ? *user : (VgUuid){{0}};
    vg_gpus_claim_changed(claim, FALSE);
}

const char *vg_claim_holder(const VgClaim *claim) {
    return claim->user_name != NULL ? claim->user_name : claim->owner_name;
}

gboolean vg_claim_exists(const VgClaim *claim) {
    for (gsize i = 0; i < claim->n; i++) {
        const VgBackend *backend = vg_backend(claim->places[i].backend);
        if (backend->is_there != NULL && !backend->is_there(&claim->gpus->backend_host, &claim->places[i]))
            return FALSE;
    }
    return TRUE;
}

VgClaim **vg_gpus_claims(VgGpus *gpus, gsize *ret_n) {
    *ret_n = gpus->claims->len;
    VgClaim **list = g_new0(VgClaim *, gpus->claims->len + 1);
    for (guint i = 0; i < gpus->claims->len; i++)
        list[i] = g_ptr_array_index(gpus->claims, i);
    return list;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

#define OTHER_BARS_MIB 64 /* registers, 16, and instance memory, 32, beside the window that the type's figure is of */

/* @gpu NULL: it is not there any more. */
static void place_fill(VgPlace *p, const VgGpu *gpu, const VgBackend *backend, const VgType *type) {
    p->node = gpu != NULL ? gpu->record.numa_node : -1;
    p->backend = backend->id;
    p->backend_name = backend->name;
    p->bar_kib = backend->bar_kib > 0 && type->bar1_mib > 0 ? (type->bar1_mib + OTHER_BARS_MIB) * (guint64)1024
                                                            : backend->bar_kib;
    p->type_name = type->name;
    p->type_id = type->id;
    p->framebuffer_mib = type->framebuffer_mib;
    p->mig = type->mig;
    p->compute = g_strcmp0(type->series, "C") == 0;
}

/* Once it is known which function it is on. */
static void place_path(const VgGpus *gpus, VgPlace *p) {
    const VgBackend *backend = vg_backend(p->backend);
    p->saves = gpus->host->saves_vgpus && backend->id == VG_BACKEND_EMULATOR;
    if (backend->vfio_path == NULL)
        return;
    g_autofree char *below = backend->vfio_path(p);
    p->vfio_path = g_build_filename(vg_sysroot_path(gpus->host->root), below, NULL);
}

/* One that neither catalogue nor kernel have any more is remembered by what the ledger says of it. */
static const VgType *type_of_ledger(VgGpus *gpus, const VgLedgerVgpu *v) {
    const VgType *type = vg_types_by_name(gpus->types, v->type_name);
    if (type == NULL)
        type = vg_types_by_id(gpus->types, v->type_id);
    return type != NULL ? type : vg_types_of_kernel(gpus->types, v->type_id, v->type_name, NULL, NULL, 1);
}

/* One place, two owners on record: the older one's release came, and its record stayed. */
static void drop_older(VgGpus *gpus, VgClaim *c, gsize i) {
    for (guint k = 0; c->places[i].has_vf && k < gpus->claims->len; k++) {
        VgClaim *other = g_ptr_array_index(gpus->claims, k);
        for (gsize m = 0; m < other->n; m++)
            if (other->places[m].has_vf && vg_pciaddr_compare(&other->places[m].vf, &c->places[i].vf) == 0) {
                gboolean newer = c->places[i].generation > other->places[m].generation;
                (newer ? &other->insides[m] : &c->insides[i])->lost = TRUE;
            }
    }
}

static gboolean adopt(VgGpus *gpus, const VgLedgerClaim *l, GError **error) {
    VgClaim *c = claim_new(gpus, &l->owner, l->owner_name, l->n);
    c->id = l->id;
    c->record = vg_ledger_print(l);
    c->used = TRUE;
    for (gsize i = 0; i < l->n; i++) {
        const VgLedgerVgpu *v = &l->vgpus[i];
        VgPlace *p = &c->places[i];
        VgPlaceInside *in = &c->insides[i];
        const VgBackend *backend = vg_backend_by_name(v->backend);
        const VgType *type = type_of_ledger(gpus, v);
        if (backend == NULL) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                         _("the ledger of vGPUs has one of back end '%s', which this virtgrid does not have; was it "
                           "written by a newer one?"),
                         v->backend);
            claim_free(c);
            return FALSE;
        }
        p->vgpu = v->vgpu;
        p->gpu = v->gpu;
        p->has_vf = v->has_vf;
        p->vf = v->vf;
        p->generation = v->generation;
        p->start = v->start;
        in->gpu = vg_inventory_find(&gpus->inventory, &v->gpu);
        const VgGpu *gpu = in->gpu != VG_PLACE_ANY ? &gpus->inventory.gpus[in->gpu] : NULL;
        place_fill(p, gpu, backend, type);
        place_path(gpus, p);
        p->functions = (guint8)(gpu != NULL ? gpu->functions : 1u << v->gpu.function);
        in->type = type;
        in->slot = v->slot;
        in->instance_found = v->instance_found;
        in->instance_made = !v->instance_found;
        in->primary = v->primary;
        in->params = g_strdupv(v->params);
        in->lost = backend->nameless && l->boot != NULL && gpus->boot != NULL && strcmp(l->boot, gpus->boot) != 0;
        drop_older(gpus, c, i);
        in->bonds = g_strdupv(v->affinity);
        if (in->gpu == VG_PLACE_ANY)
            vg_warn("GPU of a vGPU of '%s' is not there any more", c->owner_name);
        g_hash_table_replace(gpus->by_vgpu, &p->vgpu, c);
    }
    g_ptr_array_add(gpus->claims, c);
    return TRUE;
}

static gboolean is_claimed(const VgGpus *gpus, const VgPciAddr *vf) {
    for (guint i = 0; i < gpus->claims->len; i++) {
        const VgClaim *c = g_ptr_array_index(gpus->claims, i);
        for (gsize k = 0; k < c->n; k++)
            if (c->places[k].has_vf && vg_pciaddr_compare(&c->places[k].vf, vf) == 0)
                return TRUE;
    }
    return FALSE;
}

/* What the kernel has and the ledger does not know: it takes room and is left alone. */
void vg_gpus_find_foreign(VgGpus *gpus) {
    char text[MAX(VG_UUID_TEXT, VG_PCIADDR_TEXT)];
    gpus->foreign = g_array_new(FALSE, FALSE, sizeof(VgKernelVgpu));
    for (guint i = 0; i < gpus->inventory.kernel->len; i++) {
        const VgKernelVgpu *v = &g_array_index(gpus->inventory.kernel, VgKernelVgpu, i);
        if (v->has_uuid ? g_hash_table_contains(gpus->by_vgpu, &v->uuid) : is_claimed(gpus, &v->vf))
            continue;
        g_array_append_val(gpus->foreign, *v);
        vg_info("vGPU %s on GPU %s was made by other hands: it counts and is left alone",
                v->has_uuid ? vg_uuid_format(&v->uuid, text) : vg_pciaddr_format(&v->vf, text),
                gpus->inventory.gpus[v->gpu].text);
    }
}

/* "510.108.03": from there on it cleans up after a guest by itself, at least now and then. */
static guint clean_time(VgSysroot *root) {
    g_autofree char *version = vg_sysroot_read(root, "sys/module/nvidia/version");
    char *end = NULL;
    guint64 major = g_ascii_strtoull(version != NULL ? version : "0", &end, 10);
    guint64 minor = *end == '.' ? g_ascii_strtoull(end + 1, NULL, 10) : 0;
    return major > 510 || (major == 510 && minor >= 108) ? CLEAN_MS : 0;
}

static gboolean read_ledger(VgGpus *gpus, const char *path, GError **error) {
    g_autoptr(GPtrArray) claims = NULL;
    gpus->ledger = vg_ledger_open(path, &claims, &gpus->generation, error);
    if (gpus->ledger == NULL)
        return FALSE;
    for (guint i = 0; i < claims->len; i++)
        if (!adopt(gpus, g_ptr_array_index(claims, i), error))
            return FALSE;
    return TRUE;
}

static void read_vendor(VgGpus *gpus, const VgGpusPaths *paths) {
    VgVendor *vendor = vg_vendor_read(paths->vendor, paths->vendor_copy, &gpus->vendor_problem);
    if (gpus->vendor_problem != NULL)
        vg_warn("%s", gpus->vendor_problem);
    if (vendor != NULL)
        vg_info("%s: %u types of vGPU on %u GPUs", paths->vendor, vendor->types->len, vendor->gpus->len);
    gpus->vendor = vendor != NULL || gpus->vendor_problem != NULL ? g_strdup(paths->vendor) : NULL;
    vg_types_take_vendor(gpus->types, vendor);
}

void vg_gpus_apply(VgGpus *gpus) {
    g_clear_pointer(&gpus->groups, g_array_unref);
    vg_gpus_room_free(gpus);
    gpus->groups = vg_settings_apply(gpus->settings, &gpus->inventory);
    for (guint i = 0; i < gpus->inventory.n; i++)
        vg_gpu_ready_update(gpus->host, &gpus->inventory.gpus[i]);
    vg_gpus_room_build(gpus);
    vg_gpus_changed(gpus);
}

VgGpus *vg_gpus_open(VgGpuHost *host, const VgGpusPaths *paths, GError **error) {
    VgGpus *gpus = g_new0(VgGpus, 1);
    gpus->host = host;
    gpus->backend_host = (VgBackendHost){host->root, KERNEL_WAIT_MS};
    gpus->clean_ms = clean_time(host->root);
    gpus->claims = g_ptr_array_new();
    gpus->by_vgpu = g_hash_table_new(vg_uuid_hash, vg_uuid_equal_ptr);
    gpus->views = g_array_new(FALSE, FALSE, sizeof(VgGpuTypeView));
    gpus->config = g_strdup(paths->config);
    gpus->boot = vg_sysroot_read(host->root, "proc/sys/kernel/random/boot_id");
    gpus->types = vg_types_load(paths->catalogue, error);
    if (gpus->types != NULL)
        read_vendor(gpus, paths);
    if (gpus->types == NULL || !vg_inventory_read(host, gpus->types, &gpus->inventory, error) ||
        (gpus->settings = vg_settings_read(paths->config, error)) == NULL || !read_ledger(gpus, paths->ledger, error)) {
        vg_gpus_free(gpus);
        return NULL;
    }
    gpus->can_tell = vg_smi_is_there(host->root);
    vg_gpus_find_foreign(gpus);
    /* After the ledger: it may know types that neither catalogue nor kernel have now. */
    vg_gpus_apply(gpus);
    vg_info("%u GPUs, %u claims, %u devices made by other hands", gpus->inventory.n, gpus->claims->len,
            gpus->foreign->len);
    return gpus;
}

void vg_gpus_free(VgGpus *gpus) {
    if (gpus == NULL)
        return;
    for (guint i = 0; i < gpus->claims->len; i++)
        claim_free(g_ptr_array_index(gpus->claims, i));
    g_ptr_array_unref(gpus->claims);
    g_hash_table_unref(gpus->by_vgpu);
    g_clear_pointer(&gpus->foreign, g_array_unref);
    g_array_unref(gpus->views);
    g_clear_pointer(&gpus->sides, g_array_unref);
    vg_gpus_listen(gpus, NULL);
    vg_gpus_room_free(gpus);
    vg_ledger_free(gpus->ledger);
    g_clear_pointer(&gpus->groups, g_array_unref);
    vg_settings_free(gpus->settings);
    g_free(gpus->config);
    g_free(gpus->vendor);
    g_free(gpus->vendor_problem);
    g_free(gpus->boot);
    vg_inventory_clear(&gpus->inventory);
    vg_types_free(gpus->types);
    gpus->host->ops->free(gpus->host);
    g_free(gpus);
}

VgGpuHost *vg_gpus_host(const VgGpus *gpus) {
    return gpus->host;
}

/* --- placing ------------------------------------------------------------------------------------------------------ */

/* FALSE if a vGPU's UUID is in use already, here or in the kernel. */
static gboolean check_identities(VgGpus *gpus, const VgVgpuRequest *requests, gsize n, GError **error) {
    char uuid[VG_UUID_TEXT];
    for (gsize i = 0; i < n; i++) {
        const VgClaim *c = g_hash_table_lookup(gpus->by_vgpu, &requests[i].vgpu);
        if (c != NULL) {
            vg_set_error(
                error, VG_ERR_RESOURCE_BUSY,
                vg_claim_is_node_device(c)
                    ? _("vGPU %s is there already, as node device '%s'; name it with <hostdev type='mdev'>, or "
                        "destroy it first")
                    : _("vGPU %s is in use by domain '%s'"),
                vg_uuid_format(&requests[i].vgpu, uuid), c->owner_name);
            return FALSE;
        }
        for (guint k = 0; k < gpus->foreign->len; k++) {
            const VgKernelVgpu *v = &g_array_index(gpus->foreign, VgKernelVgpu, k);
            if (v->has_uuid && vg_uuid_equal(&v->uuid, &requests[i].vgpu)) {
                vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                             _("a mediated device %s exists on GPU %s already and was made by other hands; remove it, "
                               "or give the vGPU another UUID"),
                             vg_uuid_format(&v->uuid, uuid), gpus->inventory.gpus[v->gpu].text);
                return FALSE;
            }
        }
    }
    return TRUE;
}

static gboolean place_all(VgGpus *gpus, const VgVgpuRequest *requests, gsize n, VgWant wants[VG_PLACE_MOST],
                          VgPick picked[VG_PLACE_MOST], GError **error) {
    if (!vg_gpus_resolve(gpus, requests, n, wants, error))
        return FALSE;
    if (vg_place(&gpus->room, wants, (guint)n, picked))
        return TRUE;
    vg_gpus_explain(gpus, wants, (guint)n, error);
    return FALSE;
}

static void place_set(VgGpus *gpus, VgPlace *p, const VgVgpuRequest *r, const VgWant *want, VgPick picked) {
    const VgGpu *gpu = &gpus->inventory.gpus[picked.gpu];
    p->vgpu = r->vgpu;
    p->gpu = gpu->record.addr;
    p->start = picked.start != VG_NO_START ? picked.start : -1;
    const VgType *type = vg_types_nth(gpus->types, want->type);
    p->functions = gpu->functions;
    const VgBackend *backend = vg_gpu_offer(gpu, type)->backend;
    p->has_vf = gpu->on_vfs && backend == gpu->backend;
    place_fill(p, gpu, backend, type);
}

static void mark_vf(const VgGpu *gpu, const VgPciAddr *vf, guint8 taken[]) {
    guint i = vg_gpu_vf_number(gpu, vf);
    if (i != VG_PLACE_ANY)
        taken[i] = 1;
}

static void mark_vfs(const VgGpu *gpu, const VgPlace *places, gsize n, guint8 taken[]) {
    for (gsize i = 0; i < n; i++)
        if (places[i].has_vf && vg_pciaddr_compare(&places[i].gpu, &gpu->record.addr) == 0)
            mark_vf(gpu, &places[i].vf, taken);
}

/* The lowest free virtual function for each of @places that needs one. There is one: no more fit than there are. */
static void choose_vfs(const VgGpus *gpus, VgPlace *places, gsize n) {
    for (gsize i = 0; i < n; i++) {
        if (places[i].has_vf) {
            guint index = vg_inventory_find(&gpus->inventory, &places[i].gpu), vf = 0;
            const VgGpu *gpu = &gpus->inventory.gpus[index];
            g_autofree guint8 *taken = g_new0(guint8, gpu->vfs->len + 1);
            for (guint k = 0; k < gpu->vfs->len; k++)
                taken[k] = !g_array_index(gpu->vfs, VgVf, k).usable;
            for (guint k = 0; k < gpus->claims->len; k++) {
                const VgClaim *c = g_ptr_array_index(gpus->claims, k);
                mark_vfs(gpu, c->places, c->n, taken);
            }
            for (guint k = 0; k < gpus->foreign->len; k++) {
                const VgKernelVgpu *v = &g_array_index(gpus->foreign, VgKernelVgpu, k);
                if (v->has_vf && v->gpu == index)
                    mark_vf(gpu, &v->vf, taken);
            }
            mark_vfs(gpu, places, i, taken);
            while (vf + 1 < gpu->vfs->len && taken[vf])
                vf++;
            places[i].vf = g_array_index(gpu->vfs, VgVf, vf).addr;
        }
        place_path(gpus, &places[i]);
    }
}

gboolean vg_gpus_plan(VgGpus *gpus, const VgVgpuRequest *requests, gsize n, VgPlace **ret_places, GError **error) {
    VgWant wants[VG_PLACE_MOST];
    VgPick picked[VG_PLACE_MOST];
    if (!place_all(gpus, requests, n, wants, picked, error))
        return FALSE;
    *ret_places = g_new0(VgPlace, n);
    for (gsize i = 0; i < n; i++)
        place_set(gpus, &(*ret_places)[i], &requests[i], &wants[i], picked[i]);
    choose_vfs(gpus, *ret_places, n);
    return TRUE;
}

/* The record for the ledger; its strings are the claim's. */
static char *claim_print(const VgClaim *c) {
    g_autofree VgLedgerVgpu *vgpus = g_new0(VgLedgerVgpu, c->n);
    VgLedgerClaim l = {
        .id = c->id, .owner = c->owner, .owner_name = c->owner_name, .boot = c->gpus->boot, .vgpus = vgpus, .n = c->n};
    for (gsize i = 0; i < c->n; i++) {
        const VgPlace *p = &c->places[i];
        vgpus[i] = (VgLedgerVgpu){.vgpu = p->vgpu,
                                  .gpu = p->gpu,
                                  .has_vf = p->has_vf,
                                  .vf = p->vf,
                                  .backend = (char *)p->backend_name,
                                  .type_name = (char *)p->type_name,
                                  .type_id = (char *)p->type_id,
                                  .generation = p->generation,
                                  .slot = c->insides[i].slot,
                                  .primary = c->insides[i].primary,
                                  .start = p->start,
                                  .instance_found = c->insides[i].instance_found,
                                  .params = c->insides[i].params,
                                  .affinity = c->insides[i].bonds};
    }
    return vg_ledger_print(&l);
}

static char **bond_keys(const VgVgpuRequest *r) {
    char **keys = r->n_affinities > 0 ? g_new0(char *, r->n_affinities + 1) : NULL;
    for (guint i = 0; i < r->n_affinities; i++)
        keys[i] = vg_bond_key(&r->affinities[i]);
    return keys;
}

VgClaim *vg_gpus_claim(VgGpus *gpus, const VgUuid *owner, const char *owner_name, const VgVgpuRequest *requests,
                       gsize n, GError **error) {
    VgWant wants[VG_PLACE_MOST];
    VgPick picked[VG_PLACE_MOST];
    if (n == 0) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("a claim needs at least one vGPU"));
        return NULL;
    }
    if (!place_all(gpus, requests, n, wants, picked, error) || !check_identities(gpus, requests, n, error))
        return NULL;
    VgClaim *c = claim_new(gpus, owner, owner_name, n);
    for (gsize i = 0; i < n; i++) {
        place_set(gpus, &c->places[i], &requests[i], &wants[i], picked[i]);
        c->places[i].generation = ++gpus->generation;
        c->insides[i] = (VgPlaceInside){.gpu = picked[i].gpu,
                                        .type = vg_types_nth(gpus->types, wants[i].type),
                                        .slot = requests[i].guest_slot,
                                        .primary = requests[i].primary,
                                        .params = g_strdupv((char **)requests[i].params),
                                        .bonds = bond_keys(&requests[i])};
    }
    choose_vfs(gpus, c->places, n);
    c->id = c->places[0].generation;
    c->record = claim_print(c);
    claim_enter(c);
    return c;
}

VgClaim *vg_claim_split(VgClaim *claim) {
    VgGpus *gpus = claim->gpus;
    VgClaim *c = claim_new(gpus, &claim->owner, claim->owner_name, 1);
    vg_gpus_room_leave(claim);
    claim->n--;
    c->places[0] = claim->places[claim->n];
    c->insides[0] = claim->insides[claim->n];
    c->id = c->places[0].generation;
    c->record = claim_print(c);
    g_free(claim->record);
    claim->record = claim_print(claim);
    g_hash_table_replace(gpus->by_vgpu, &c->places[0].vgpu, c);
    g_ptr_array_add(gpus->claims, c);
    vg_gpus_room_enter(claim);
    vg_gpus_room_enter(c);
    return c;
}

/* --- from jobs: touch only the claim and what never changes ------------------------------------------------------- */

static gboolean is_on_instance(const VgClaim *claim, gsize i) {
    return claim->places[i].mig && claim->places[i].start >= 0 && claim->gpus->host->ops->instances != NULL;
}

/* Who made the instance has to be on record before we do anything there. */
static gboolean look_for_instances(VgClaim *claim, GError **error) {
    gboolean any = FALSE;
    for (gsize i = 0; i < claim->n; i++) {
        VgPlaceInside *in = &claim->insides[i];
        if (is_on_instance(claim, i) &&
            !vg_mig_look(claim->gpus->host, &claim->places[i], in->type->placement_size, &in->instance_found, error))
            return FALSE;
        any = any || in->instance_found;
    }
    if (any) {
        g_free(claim->record);
        claim->record = claim_print(claim);
    }
    return TRUE;
}

gboolean vg_claim_record(VgClaim *claim, GError **error) {
    return look_for_instances(claim, error) && vg_ledger_claim(claim->gpus->ledger, claim->id, claim->record, error);
}

gboolean vg_claim_forget(VgClaim *claim, GError **error) {
    return vg_ledger_release(claim->gpus->ledger, claim->id, error);
}

static gboolean create_one(VgClaim *claim, gsize i, GError **error) {
    const VgPlace *p = &claim->places[i];
    VgPlaceInside *in = &claim->insides[i];
    const VgBackend *backend = vg_backend(p->backend);
    if (is_on_instance(claim, i) && !in->instance_found) {
        in->instance_made = TRUE;
        if (!vg_mig_make(claim->gpus->host, p, in->type->placement_size, error))
            return FALSE;
    }
    return backend->create == NULL ||
           backend->create(&claim->gpus->backend_host, p, (const char *const *)in->params, error);
}

static gboolean remove_one(VgClaim *claim, gsize i, GError **error) {
    const VgPlace *p = &claim->places[i];
    const VgBackend *backend = vg_backend(p->backend);
    if (backend->remove != NULL && !backend->remove(&claim->gpus->backend_host, p, error))
        return FALSE;
    return !is_on_instance(claim, i) || !claim->insides[i].instance_made || vg_mig_drop(claim->gpus->host, p, error);
}

gboolean vg_claim_create(VgClaim *claim, GError **error) {
    for (gsize i = 0; i < claim->n; i++) {
        if (create_one(claim, i, error))
            continue;
        for (gsize k = 0; k <= i; k++)
            remove_one(claim, k, NULL);
        return FALSE;
    }
    return TRUE;
}

void vg_claim_use(VgClaim *claim) {
    g_atomic_int_set(&claim->used, TRUE);
}

/*
 * What is removed before such a driver has done it stays in its books until the host is started anew. It does one after
 * the other, so each has its time.
 */
static void let_driver_clean(VgClaim *claim) {
    VgGpus *gpus = claim->gpus;
    gboolean wait = gpus->clean_ms > 0 && g_atomic_int_get(&claim->used) && !g_atomic_int_get(&gpus->in_vain);
    for (gsize i = 0; wait && i < claim->n; i++) {
        const VgBackend *backend = vg_backend(claim->places[i].backend);
        if (backend->is_there == NULL || claim->insides[i].lost)
            continue;
        for (guint ms = 0; wait && backend->is_there(&gpus->backend_host, &claim->places[i]); ms += CLEAN_STEP_MS) {
            g_usleep(CLEAN_STEP_MS * 1000);
            wait = ms < gpus->clean_ms;
        }
    }
    if (wait || gpus->clean_ms == 0 || !g_atomic_int_get(&claim->used) || g_atomic_int_get(&gpus->in_vain))
        return;
    g_atomic_int_set(&gpus->in_vain, TRUE);
    vg_info("the driver has not cleaned up after '%s' within %u ms, so it is not waited for again", claim->owner_name,
            gpus->clean_ms);
}

gboolean vg_claim_renew(VgClaim *claim, GError **error) {
    if (claim->gpus->clean_ms == 0)
        return TRUE;
    let_driver_clean(claim);
    return vg_claim_create(claim, error);
}

/* All that can go, goes; the first failure is told. */
gboolean vg_claim_remove(VgClaim *claim, GError **error) {
    gboolean good = TRUE;
    let_driver_clean(claim);
    for (gsize i = 0; i < claim->n; i++) {
        char vf[VG_PCIADDR_TEXT];
        if (claim->insides[i].lost)
            vg_info("generation %" G_GUINT64_FORMAT " of %s, of '%s', is gone: what is there now is left alone",
                    claim->places[i].generation, vg_pciaddr_format(vg_place_function(&claim->places[i]), vf),
                    claim->owner_name);
        else if (!remove_one(claim, i, good ? error : NULL))
            good = FALSE;
    }
    return good;
}
