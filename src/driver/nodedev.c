/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nodedev.c: GPUs and running vGPUs as libvirt's node devices. */
#include "driver/query.h"

#include <libvirt/libvirt.h>

#include "base/i18n.h"
#include "driver/run.h"
#include "model/nodedev.h"

/* --- what there is ------------------------------------------------------------------------------------------------ */

static gboolean gpu_at(VgDriverState *hub, const VgPciAddr *addr, VgGpuView *ret) {
    gsize n = vg_gpus_count(hub->gpus);
    for (gsize i = 0; i < n; i++)
        if (vg_gpus_view(hub->gpus, i, ret) && vg_pciaddr_compare(&ret->record->addr, addr) == 0)
            return TRUE;
    return FALSE;
}

typedef void (*PlaceFunc)(const VgPlace *place, gpointer data);

/* Every vGPU that a guest holds. */
static void each_place(VgDriverState *hub, PlaceFunc func, gpointer data) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgDom *dom = value;
        gsize n = 0;
        const VgPlace *places = NULL;
        if (dom->run && dom->run->claim && vg_life_active(&dom->life))
            places = vg_claim_places(dom->run->claim, &n);
        for (gsize i = 0; i < n; i++)
            func(&places[i], data);
    }
}

typedef struct {
    VgUuid uuid;
    const VgPlace *found;
} Wanted;

static void match_place(const VgPlace *place, gpointer data) {
    Wanted *wanted = data;
    if (vg_uuid_equal(&place->vgpu, &wanted->uuid))
        wanted->found = place;
}

static const VgPciAddr *parent_of(const VgPlace *place) {
    return place->has_vf ? &place->vf : &place->gpu;
}

/* What a name means here: a GPU, or a running vGPU. */
typedef struct {
    gboolean is_gpu;
    VgGpuView gpu;
    const VgPlace *place;
} Device;

static gboolean find_device(VgSession *session, const char *name, Device *ret, GError **error) {
    VgPciAddr addr;
    Wanted wanted = {.found = NULL};
    gboolean has_parent = FALSE;
    *ret = (Device){.is_gpu = FALSE};
    if (vg_nodedev_parse_pci_name(name, &addr)) {
        ret->is_gpu = gpu_at(session->hub, &addr, &ret->gpu);
    } else if (vg_nodedev_parse_mdev_name(name, &wanted.uuid, &addr, &has_parent)) {
        each_place(session->hub, match_place, &wanted);
        ret->place = wanted.found;
    }
    if (ret->is_gpu || ret->place)
        return TRUE;
    vg_set_error(error, VG_ERR_NO_NODE_DEVICE, _("no node device with matching name '%s'"), name);
    return FALSE;
}

static char *device_name(const Device *dev) {
    return dev->is_gpu ? vg_nodedev_pci_name(&dev->gpu.record->addr)
                       : vg_nodedev_mdev_name(&dev->place->vgpu, parent_of(dev->place));
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static void add_mdev(const VgPlace *place, gpointer data) {
    g_ptr_array_add(data, vg_nodedev_mdev_name(&place->vgpu, parent_of(place)));
}

gboolean vg_nodedev_list(VgSession *session, guint flags, char ***ret, GError **error) {
    const guint states = VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE;
    const guint caps_known = (VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD << 1) - 1;
    if (!vg_flags_known(flags, caps_known | states, "virConnectListAllNodeDevices", error))
        return FALSE;
    guint caps = flags & caps_known;
    gboolean active = !(flags & states) || flags & VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE;
    GPtrArray *names = g_ptr_array_new();
    gsize n = active ? vg_gpus_count(session->hub->gpus) : 0;
    for (gsize i = 0; i < n; i++) {
        VgGpuView view;
        if (!vg_gpus_view(session->hub->gpus, i, &view))
            continue;
        guint has = VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV;
        if (view.n_types)
            has |= VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES;
        if (!caps || caps & has)
            g_ptr_array_add(names, vg_nodedev_pci_name(&view.record->addr));
    }
    if (active && (!caps || caps & VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV))
        each_place(session->hub, add_mdev, names);
    g_ptr_array_add(names, NULL);
    *ret = (char **)g_ptr_array_free(names, FALSE);
    return TRUE;
}

gboolean vg_nodedev_exists(VgSession *session, const char *name, char **ret_name, GError **error) {
    Device dev;
    if (!find_device(session, name, &dev, error))
        return FALSE;
    *ret_name = device_name(&dev);
    return TRUE;
}

/* --- XML ---------------------------------------------------------------------------------------------------------- */

static char *gpu_xml(const VgGpuView *view) {
    char text[VG_PCIADDR_TEXT];
    const VgGpuRecord *gpu = view->record;
    g_autofree VgNodedevType *types = g_new0(VgNodedevType, view->n_types + 1);
    for (gsize i = 0; i < view->n_types; i++)
        types[i] = (VgNodedevType){
            .id = view->types[i].type_id,
            .name = view->types[i].type_name,
            .device_api = view->types[i].device_api ? view->types[i].device_api : "vfio-pci",
            .available = view->types[i].available,
        };
    g_autofree char *path = g_strconcat("/sys/devices/pci0000:00/", vg_pciaddr_format(&gpu->addr, text), NULL);
    VgNodedevPci dev = {
        .addr = gpu->addr,
        .path = path,
        .driver = gpu->driver,
        .class_code = gpu->class_code,
        .product = gpu->device,
        .vendor = gpu->vendor,
        .product_name = gpu->device_name,
        .vendor_name = gpu->vendor_name,
        .is_vf = gpu->is_vf,
        .pf = gpu->pf,
        .types = types,
        .n_types = view->n_types,
        .iommu_group = gpu->iommu_group,
        .numa_node = gpu->numa_node,
    };
    return vg_nodedev_pci_format(&dev);
}

static char *mdev_xml(const VgPlace *place) {
    char text[VG_UUID_TEXT], pci[VG_PCIADDR_TEXT];
    g_autofree char *path = g_strdup_printf("/sys/devices/pci0000:00/%s/%s", vg_pciaddr_format(parent_of(place), pci),
                                            vg_uuid_format(&place->vgpu, text));
    VgNodedevMdev dev = {
        .uuid = place->vgpu,
        .parent = *parent_of(place),
        .path = path,
        .type_id = place->type_id,
        .iommu_group = -1,
    };
    return vg_nodedev_mdev_format(&dev);
}

char *vg_nodedev_xml(VgSession *session, const char *name, guint flags, GError **error) {
    Device dev;
    if (!vg_flags_known(flags, 0, "virNodeDeviceGetXMLDesc", error) || !find_device(session, name, &dev, error))
        return NULL;
    return dev.is_gpu ? gpu_xml(&dev.gpu) : mdev_xml(dev.place);
}

gboolean vg_nodedev_parent(VgSession *session, const char *name, char **ret, GError **error) {
    Device dev;
    if (!find_device(session, name, &dev, error))
        return FALSE;
    *ret = dev.is_gpu ? NULL : vg_nodedev_pci_name(parent_of(dev.place));
    return TRUE;
}

gboolean vg_nodedev_caps(VgSession *session, const char *name, char ***ret, GError **error) {
    Device dev;
    if (!find_device(session, name, &dev, error))
        return FALSE;
    const char *caps[] = {dev.is_gpu ? "pci" : "mdev", dev.is_gpu && dev.gpu.n_types ? "mdev_types" : NULL, NULL};
    *ret = g_strdupv((char **)caps);
    return TRUE;
}

gboolean vg_nodedev_is_active(VgSession *session, const char *name, gboolean *ret, GError **error) {
    Device dev;
    if (!find_device(session, name, &dev, error))
        return FALSE;
    *ret = TRUE;
    return TRUE;
}
