/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nodedev.c: PCI devices of the host, the vGPUs of running guests, and those without a domain, as libvirt's node
 * devices. */
#include "driver/query.h"

#include <libvirt/libvirt.h>

#include "base/i18n.h"
#include "driver/mdevs.h"
#include "driver/run.h"
#include "gpu/functions.h"
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

/* What a name means here: a PCI device, a running guest's vGPU, or one without a domain. */
typedef struct {
    gboolean is_pci;
    VgPciAddr addr;
    gboolean is_gpu;
    VgGpuView gpu;
    const VgPciFunction *function; /* NULL: it has gone since the GPUs were read */
    const VgPlace *place;          /* NULL: it is not there now */
    VgMdev *mdev;                  /* NULL: it is a guest's */
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

static void find_pci(VgDriverState *hub, Device *ret) {
    ret->is_gpu = gpu_at(hub, &ret->addr, &ret->gpu);
    ret->function = vg_functions_find(hub->functions, &ret->addr);
    ret->is_pci = ret->is_gpu || ret->function;
}

static gboolean find_device(VgDriverState *hub, const char *name, Device *ret, GError **error) {
    Wanted wanted = {.found = NULL};
    *ret = (Device){.is_gpu = FALSE};
    if (vg_nodedev_parse_pci_name(name, &ret->addr))
        find_pci(hub, ret);
    else if (vg_nodedev_parse_mdev_name(name, &wanted.uuid, &wanted.parent, &wanted.has_parent))
        find_mdev(hub, &wanted, ret);
    if (ret->is_pci || ret->place || ret->mdev)
        return TRUE;
    vg_set_error(error, VG_ERR_NO_NODE_DEVICE, _("no node device with matching name '%s'"), name);
    return FALSE;
}

static char *device_name(const Device *dev) {
    if (dev->is_pci)
        return vg_nodedev_pci_name(&dev->addr);
    return dev->mdev ? vg_mdev_name(dev->mdev) : vg_nodedev_mdev_name(&dev->place->vgpu, parent_of(dev->place));
}

static gboolean is_active(const Device *dev) {
    return dev->is_pci || dev->place;
}

VgMdev *vg_nodedev_mdev(VgDriverState *hub, const char *name, GError **error) {
    Device dev;
    if (!find_device(hub, name, &dev, error) || dev.mdev)
        return dev.mdev;
    if (dev.is_pci)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("Unsupported device type: '%s' is a PCI device of the host"),
                     name);
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

/* Both are by address; a driver that came or went is news of the device. */
void vg_nodedev_tell_functions(VgDriverState *hub, const GArray *before, const GArray *after) {
    for (guint i = 0, k = 0; i < before->len || k < after->len;) {
        const VgPciFunction *old = i < before->len ? &g_array_index(before, VgPciFunction, i) : NULL;
        const VgPciFunction *new = k < after->len ? &g_array_index(after, VgPciFunction, k) : NULL;
        int order = !old ? 1 : !new ? -1 : vg_pciaddr_compare(&old->addr, &new->addr);
        g_autofree char *name = vg_nodedev_pci_name(order < 0 ? &old->addr : &new->addr);
        if (order != 0)
            vg_tell_nodedev(hub, VG_NODEDEV_EVENT_LIFECYCLE, order < 0 ? VG_NODEDEV_DELETED : VG_NODEDEV_CREATED, name);
        else if (g_strcmp0(old->driver, new->driver) != 0)
            vg_tell_nodedev(hub, VG_NODEDEV_EVENT_UPDATE, VG_NODEDEV_CREATED, name);
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
    }
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

static void add_one_pci(const VgPciAddr *addr, gboolean has_types, guint caps, GPtrArray *names) {
    guint has = VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV;
    if (has_types)
        has |= VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES;
    if (!caps || caps & has)
        g_ptr_array_add(names, vg_nodedev_pci_name(addr));
}

/* Both lists are by address; a GPU may have gone from one of them only. */
static void add_pci(VgDriverState *hub, guint caps, GPtrArray *names) {
    gsize n = vg_gpus_count(hub->gpus), gpu = 0, at = 0;
    VgGpuView view;
    while (gpu < n || at < hub->functions->len) {
        const VgPciFunction *f = at < hub->functions->len ? &g_array_index(hub->functions, VgPciFunction, at) : NULL;
        gboolean have = gpu < n && vg_gpus_view(hub->gpus, gpu, &view);
        int order = !have ? 1 : !f ? -1 : vg_pciaddr_compare(&view.record->addr, &f->addr);
        if (order <= 0)
            add_one_pci(&view.record->addr, view.n_types > 0, caps, names);
        else if (f)
            add_one_pci(&f->addr, FALSE, caps, names);
        gpu += order <= 0 || !have ? 1 : 0;
        at += order >= 0 && f ? 1 : 0;
    }
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
    if (active)
        add_pci(session->hub, caps, names);
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

static VgNodedevType *types_of(const VgGpuView *view) {
    VgNodedevType *types = g_new0(VgNodedevType, view->n_types + 1);
    for (gsize i = 0; i < view->n_types; i++)
        types[i] = (VgNodedevType){
            .id = view->types[i].type_id,
            .name = view->types[i].type_name,
            .device_api = view->types[i].device_api ? view->types[i].device_api : "vfio-pci",
            .available = view->types[i].available,
        };
    return types;
}

/* What is known of a GPU, besides what every PCI function has. */
static void take_gpu(VgNodedevPci *dev, const VgGpuView *view) {
    const VgGpuRecord *gpu = view->record;
    dev->class_code = gpu->class_code;
    dev->product = gpu->device;
    dev->vendor = gpu->vendor;
    dev->product_name = gpu->device_name;
    dev->vendor_name = gpu->vendor_name;
    dev->iommu_group = gpu->iommu_group;
    dev->numa_node = gpu->numa_node;
    dev->n_types = view->n_types;
}

static void take_function(VgNodedevPci *dev, const VgPciFunction *f) {
    dev->path = f->path;
    dev->driver = f->driver;
    dev->class_code = f->class_code;
    dev->product = f->device;
    dev->vendor = f->vendor;
    dev->product_name = f->device_name;
    dev->vendor_name = f->vendor_name;
    dev->is_vf = f->is_vf;
    dev->pf = f->pf;
    dev->max_vfs = f->max_vfs;
    dev->iommu_group = f->iommu_group;
    dev->numa_node = f->numa_node;
}

static GArray *vfs_of(const GArray *functions, const VgPciAddr *pf) {
    GArray *vfs = g_array_new(FALSE, FALSE, sizeof(VgPciAddr));
    for (guint i = 0; i < functions->len; i++) {
        const VgPciFunction *f = &g_array_index(functions, VgPciFunction, i);
        if (f->is_vf && vg_pciaddr_compare(&f->pf, pf) == 0)
            g_array_append_val(vfs, f->addr);
    }
    return vfs;
}

/* NULL: it is at the root of the tree. */
static char *pci_parent(VgDriverState *hub, const Device *dev) {
    const VgPciFunction *f = dev->function;
    return f && f->has_parent && vg_functions_find(hub->functions, &f->parent) ? vg_nodedev_pci_name(&f->parent) : NULL;
}

static char *pci_xml(VgDriverState *hub, const Device *dev) {
    g_autofree char *parent = pci_parent(hub, dev);
    g_autofree VgNodedevType *types = dev->is_gpu ? types_of(&dev->gpu) : NULL;
    g_autoptr(GArray) vfs = vfs_of(hub->functions, &dev->addr);
    VgNodedevPci xml = {.addr = dev->addr,
                        .parent = parent,
                        .types = types,
                        .vfs = (const VgPciAddr *)(const void *)vfs->data,
                        .n_vfs = vfs->len,
                        .iommu_group = -1,
                        .numa_node = -1};
    if (dev->function)
        take_function(&xml, dev->function);
    if (dev->is_gpu)
        take_gpu(&xml, &dev->gpu);
    return vg_nodedev_pci_format(&xml);
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
    return dev.is_pci ? pci_xml(session->hub, &dev) : mdev_xml(&dev);
}

gboolean vg_nodedev_parent(VgSession *session, const char *name, char **ret, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
        return FALSE;
    *ret = dev.is_pci ? pci_parent(session->hub, &dev)
                      : vg_nodedev_pci_name(dev.mdev ? &dev.mdev->parent : parent_of(dev.place));
    return TRUE;
}

gboolean vg_nodedev_caps(VgSession *session, const char *name, char ***ret, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
        return FALSE;
    const char *caps[] = {dev.is_pci ? "pci" : "mdev", dev.is_gpu && dev.gpu.n_types ? "mdev_types" : NULL, NULL};
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
    *ret = dev.is_pci || (dev.mdev && dev.mdev->persistent);
    return TRUE;
}

gboolean vg_nodedev_get_autostart(VgSession *session, const char *name, gboolean *ret, GError **error) {
    Device dev;
    if (!find_device(session->hub, name, &dev, error))
        return FALSE;
    *ret = dev.is_pci || (dev.mdev && dev.mdev->autostart);
    return TRUE;
}
