/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nodedev.c: GPUs, the vGPUs of running guests, and those without a domain, as libvirt's node devices. */
#include "driver/query.h"

#include <libvirt/libvirt.h>

#include "base/i18n.h"
#include "driver/mdevs.h"
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

/* Every vGPU of its own that a guest has. */
static void each_place(VgDriverState *hub, PlaceFunc func, gpointer data) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgDom *dom = value;
        guint claims = dom->run && dom->run->shown ? dom->run->claims->len : 0;
        for (guint c = 0; c < claims; c++) {
            gsize n = 0;
            const VgPlace *places = vg_claim_places(dom->run->claims->pdata[c], &n);
            for (gsize i = 0; i < n; i++)
                func(&places[i], data);
        }
    }
}

static const VgPciAddr *parent_of(const VgPlace *place) {
    return place->has_vf ? &place->vf : &place->gpu;
}

typedef struct {
    VgUuid uuid;
    gboolean has_parent; /* clients before libvirt 7.8 left it out of the name */
    VgPciAddr parent;
    const VgPlace *found;
} Wanted;

static gboolean is_below(const Wanted *wanted, const VgPciAddr *parent) {
    return !wanted->has_parent || vg_pciaddr_compare(&wanted->parent, parent) == 0;
}

static void match_place(const VgPlace *place, gpointer data) {
    Wanted *wanted = data;
    if (vg_uuid_equal(&place->vgpu, &wanted->uuid) && is_below(wanted, parent_of(place)))
        wanted->found = place;
}

/* What a name means here: a GPU, a running guest's vGPU, or one without a domain. */
typedef struct {
    gboolean is_gpu;
    VgGpuView gpu;
    const VgPlace *place; /* NULL: it is not there now */
    VgMdev *mdev;         /* NULL: it is a guest's */
} Device;

static void find_mdev(VgDriverState *hub, Wanted *wanted, Device *ret) {
    gsize n = 0;
    VgMdev *mdev = vg_mdevs_find(hub, &wanted->uuid);
    if (mdev && is_below(wanted, &mdev->parent)) {
        ret->mdev = mdev;
        ret->place = mdev->active ? vg_claim_places(mdev->claim, &n) : NULL;
        return;
    }
    each_place(hub, match_place, wanted);
    ret->place = wanted->found;
}

static gboolean find_device(VgDriverState *hub, const char *name, Device *ret, GError **error) {
    VgPciAddr addr;
    Wanted wanted = {.found = NULL};
    *ret = (Device){.is_gpu = FALSE};
    if (vg_nodedev_parse_pci_name(name, &addr))
        ret->is_gpu = gpu_at(hub, &addr, &ret->gpu);
    else if (vg_nodedev_parse_mdev_name(name, &wanted.uuid, &wanted.parent, &wanted.has_parent))
        find_mdev(hub, &wanted, ret);
    if (ret->is_gpu || ret->place || ret->mdev)
        return TRUE;
    vg_set_error(error, VG_ERR_NO_NODE_DEVICE, _("no node device with matching name '%s'"), name);
    return FALSE;
}

static char *device_name(const Device *dev) {
    if (dev->is_gpu)
        return vg_nodedev_pci_name(&dev->gpu.record->addr);
    return dev->mdev ? vg_mdev_name(dev->mdev) : vg_nodedev_mdev_name(&dev->place->vgpu, parent_of(dev->place));
}

static gboolean is_active(const Device *dev) {
    return dev->is_gpu || dev->place;
}

VgMdev *vg_nodedev_mdev(VgDriverState *hub, const char *name, GError **error) {
    Device dev;
    if (!find_device(hub, name, &dev, error) || dev.mdev)
        return dev.mdev;
    if (dev.is_gpu)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("Unsupported device type: '%s' is a GPU of the host"), name);
    else
        vg_set_error(
            error, VG_ERR_OPERATION_INVALID,
            _("node device '%s' is a vGPU that a domain's own definition asks for; it comes and goes with that"), name);
    return NULL;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

/* With each that comes or goes, its GPU has another number of instances to give. */
static void tell(VgDriverState *hub, VgNodedevChange change, const char *name, const VgPciAddr *parent) {
    vg_tell_nodedev(hub, VG_NODEDEV_EVENT_LIFECYCLE, change, name);
    if (change == VG_NODEDEV_DEFINED || change == VG_NODEDEV_UNDEFINED)
        return;
    g_autofree char *gpu = vg_nodedev_pci_name(parent);
    vg_tell_nodedev(hub, VG_NODEDEV_EVENT_UPDATE, change, gpu);
}

void vg_nodedev_tell(const VgMdev *mdev, VgNodedevChange change) {
    g_autofree char *name = vg_mdev_name(mdev);
    tell(mdev->hub, change, name, &mdev->parent);
}

void vg_nodedev_show_place(VgDriverState *hub, const VgPlace *place, gboolean on) {
    g_autofree char *name = vg_nodedev_mdev_name(&place->vgpu, parent_of(place));
    tell(hub, on ? VG_NODEDEV_CREATED : VG_NODEDEV_DELETED, name, &place->gpu);
}

void vg_nodedev_show(VgRun *run, gboolean on) {
    gsize n = 0;
    g_autofree VgPlace *places = run->shown != on ? vg_held_places(run, &n) : NULL;
    run->shown = on;
    for (gsize i = 0; i < n; i++)
        vg_nodedev_show_place(run->hub, &places[i], on);
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static void add_mdev(const VgPlace *place, gpointer data) {
    g_ptr_array_add(data, vg_nodedev_mdev_name(&place->vgpu, parent_of(place)));
}

static void add_mdevs(VgDriverState *hub, gboolean active, gboolean inactive, GPtrArray *names) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->mdevs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgMdev *mdev = value;
        if (mdev->active ? active : inactive)
            g_ptr_array_add(names, vg_mdev_name(mdev));
    }
    if (active)
        each_place(hub, add_mdev, names);
}

gboolean vg_nodedev_list(VgSession *session, guint flags, char ***ret, GError **error) {
    const guint states = VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE;
    const guint caps_known = (VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD << 1) - 1;
    if (!vg_flags_known(flags, caps_known | states, "virConnectListAllNodeDevices", error))
        return FALSE;
    guint caps = flags & caps_known;
    gboolean active = !(flags & states) || flags & VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE;
    gboolean inactive = !(flags & states) || flags & VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE;
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
    if (!caps || caps & VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV)
        add_mdevs(session->hub, active, inactive, names);
    g_ptr_array_add(names, NULL);
    *ret = (char **)g_ptr_array_free(names, FALSE);
    return TRUE;
}

gboolean vg_nodedev_exists(VgSession *session, const char *name, char **ret_name, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
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

/* libvirt writes the group of one that has none, or is not there, as 0. */
static char *mdev_xml(const Device *dev) {
    char text[VG_UUID_TEXT], pci[VG_PCIADDR_TEXT];
    const VgUuid *uuid = dev->mdev ? &dev->mdev->uuid : &dev->place->vgpu;
    const VgPciAddr *parent = dev->mdev ? &dev->mdev->parent : parent_of(dev->place);
    g_autofree char *path = !dev->place ? NULL
                                        : g_strdup_printf("/sys/devices/pci0000:00/%s/%s",
                                                          vg_pciaddr_format(parent, pci), vg_uuid_format(uuid, text));
    VgNodedevMdev xml = {
        .uuid = *uuid,
        .parent = *parent,
        .path = path,
        .type_id = dev->place ? dev->place->type_id : dev->mdev->type_id,
        .iommu_group = 0,
        .attrs = dev->mdev ? (const char *const *)dev->mdev->attrs : NULL,
    };
    return vg_nodedev_mdev_format(&xml);
}

char *vg_nodedev_xml(VgSession *session, const char *name, guint flags, GError **error) {
    Device dev;
    if (!vg_flags_known(flags, 0, "virNodeDeviceGetXMLDesc", error) || !find_device(session->hub, name, &dev, error))
        return NULL;
    return dev.is_gpu ? gpu_xml(&dev.gpu) : mdev_xml(&dev);
}

gboolean vg_nodedev_parent(VgSession *session, const char *name, char **ret, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
        return FALSE;
    *ret = dev.is_gpu ? NULL : vg_nodedev_pci_name(dev.mdev ? &dev.mdev->parent : parent_of(dev.place));
    return TRUE;
}

gboolean vg_nodedev_caps(VgSession *session, const char *name, char ***ret, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
        return FALSE;
    const char *caps[] = {dev.is_gpu ? "pci" : "mdev", dev.is_gpu && dev.gpu.n_types ? "mdev_types" : NULL, NULL};
    *ret = g_strdupv((char **)caps);
    return TRUE;
}

gboolean vg_nodedev_is_active(VgSession *session, const char *name, gboolean *ret, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
        return FALSE;
    *ret = is_active(&dev);
    return TRUE;
}

/* As libvirt says of what the machine itself has: there, and there again after a boot. */
gboolean vg_nodedev_is_persistent(VgSession *session, const char *name, gboolean *ret, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
        return FALSE;
    *ret = dev.is_gpu || (dev.mdev && dev.mdev->persistent);
    return TRUE;
}

gboolean vg_nodedev_get_autostart(VgSession *session, const char *name, gboolean *ret, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
        return FALSE;
    *ret = dev.is_gpu || (dev.mdev && dev.mdev->autostart);
    return TRUE;
}
