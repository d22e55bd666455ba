/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostdev.c: <hostdev>, by type. */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_hostdev_names, VG_HOSTDEV_LAST, NULL, "usb", "pci", "scsi", "scsi_host", "mdev", "vgpu");

#define DEV VgHostdev

/* --- pci ---------------------------------------------------------------------------------------------------------- */

static const VgXmlMap pci_driver_map = {.rows = (const VgXmlRow[]){VG_X_STRING(DEV, pci.driver, "@name"), VG_X_END}};
static const VgXmlMap pci_source_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(DEV, pci.write_filtering, "@writeFiltering", vg_yesno_names),
                               VG_X_STRUCT(DEV, pci.addr, "address", vg_pciaddr_map, VG_X_PRESENT(DEV, pci.has_addr),
                                           .flags = VG_ROW_REQUIRED),
                               VG_X_END}};
static const VgXmlMap pci_map = {
    .rows = (const VgXmlRow[]){VG_X_GROUP("driver", pci_driver_map), VG_X_GROUP("source", pci_source_map), VG_X_END}};

/* --- usb ---------------------------------------------------------------------------------------------------------- */

static const VgXmlMap usb_vendor_map = {
    .rows = (const VgXmlRow[]){VG_X_INT(DEV, usb.vendor, "@id", 0, 0xffff, .hex = 4), VG_X_END}};
static const VgXmlMap usb_product_map = {
    .rows = (const VgXmlRow[]){VG_X_INT(DEV, usb.product, "@id", 0, 0xffff, .hex = 4), VG_X_END}};
static const VgXmlMap usb_address_map = {.rows = (const VgXmlRow[]){VG_X_INT(DEV, usb.bus, "@bus", 0, 65535),
                                                                    VG_X_INT(DEV, usb.device, "@device", 0, 65535),
                                                                    VG_X_END}};

static gboolean has_product(const void *object, guint flags) {
    return ((const DEV *)object)->usb.has_product;
}

static const VgXmlMap usb_source_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(DEV, usb.startup_policy, "@startupPolicy", .flags = VG_ROW_INERT),
                               VG_X_GROUP("vendor", usb_vendor_map, VG_X_PRESENT(DEV, usb.has_product)),
                               VG_X_GROUP("product", usb_product_map, .when = has_product),
                               VG_X_GROUP("address", usb_address_map), VG_X_END}};
static const VgXmlMap usb_map = {.rows = (const VgXmlRow[]){VG_X_GROUP("source", usb_source_map), VG_X_END}};

/* --- mdev --------------------------------------------------------------------------------------------------------- */

static const VgXmlMap mdev_address_map = {
    .rows = (const VgXmlRow[]){VG_X_CUSTOM(DEV, mdev.uuid, VgUuid, "@uuid", vg_uuid_type,
                                           VG_X_PRESENT(DEV, mdev.has_uuid), .flags = VG_ROW_REQUIRED),
                               VG_X_END}};
static const VgXmlMap mdev_source_map = {.rows = (const VgXmlRow[]){VG_X_GROUP("address", mdev_address_map), VG_X_END}};
static const VgXmlMap mdev_map = {.rows = (const VgXmlRow[]){VG_X_STRING(DEV, mdev.model, "@model"),
                                                             VG_X_ENUM(DEV, mdev.display, "@display", vg_onoff_names),
                                                             VG_X_ENUM(DEV, mdev.ramfb, "@ramfb", vg_onoff_names),
                                                             VG_X_GROUP("source", mdev_source_map), VG_X_END}};

/* --- vgpu: what is wanted, and while it runs what was given ------------------------------------------------------- */

static const VgXmlMap vgpu_type_map = {.rows = (const VgXmlRow[]){VG_X_STRING(DEV, vgpu.type_name, "@name"),
                                                                  VG_X_STRING(DEV, vgpu.type_id, "@id"), VG_X_END}};
static const VgXmlMap vgpu_group_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(DEV, vgpu.group, "@name", .flags = VG_ROW_REQUIRED), VG_X_END}};
static const VgXmlMap vgpu_gpu_map = {.rows = (const VgXmlRow[]){VG_X_STRING(DEV, vgpu.gpu_identity, "@identity"),
                                                                 VG_X_INCLUDE(DEV, vgpu.gpu, vg_pciaddr_chosen_map),
                                                                 VG_X_END}};
static const VgXmlMap vgpu_address_map = {
    .rows = (const VgXmlRow[]){
        VG_X_CUSTOM(DEV, vgpu.uuid, VgUuid, "@uuid", vg_uuid_type, VG_X_PRESENT(DEV, vgpu.has_uuid)), VG_X_END}};
VG_NAMES(affinity_names, VG_AFFINITY_LAST, NULL, "together", "apart");
VG_NAMES(strength_names, VG_STRENGTH_LAST, NULL, "required", "preferred");

static const VgXmlMap affinity_map = {
    .size = sizeof(VgVgpuAffinity),
    .rows = (const VgXmlRow[]){VG_X_STRING(VgVgpuAffinity, name, "@name", .flags = VG_ROW_REQUIRED),
                               VG_X_ENUM(VgVgpuAffinity, type, "@type", affinity_names, .flags = VG_ROW_REQUIRED),
                               VG_X_ENUM(VgVgpuAffinity, strength, "@strength", strength_names), VG_X_END}};
static const VgXmlMap vgpu_source_map = {
    .rows = (const VgXmlRow[]){VG_X_GROUP("type", vgpu_type_map), VG_X_GROUP("group", vgpu_group_map),
                               VG_X_GROUP("gpu", vgpu_gpu_map, VG_X_PRESENT(DEV, vgpu.has_gpu)),
                               VG_X_ARRAY_AT(DEV, vgpu.affinities, vgpu.n_affinities, VgVgpuAffinity, "affinity",
                                             affinity_map, .max = VG_VGPU_AFFINITIES),
                               VG_X_GROUP("address", vgpu_address_map), VG_X_END}};

static const VgXmlMap bound_mdev_map = {
    .rows = (const VgXmlRow[]){
        VG_X_CUSTOM(VgVgpuBound, mdev, VgUuid, "@uuid", vg_uuid_type, VG_X_PRESENT(VgVgpuBound, has_mdev)), VG_X_END}};
static const VgXmlMap bound_map = {
    .size = sizeof(VgVgpuBound),
    .rows = (const VgXmlRow[]){VG_X_STRING(VgVgpuBound, backend, "@backend"),
                               VG_X_STRUCT(VgVgpuBound, gpu, "gpu", vg_pciaddr_map, .flags = VG_ROW_ALWAYS),
                               VG_X_STRUCT(VgVgpuBound, vf, "vf", vg_pciaddr_map, VG_X_PRESENT(VgVgpuBound, has_vf)),
                               VG_X_GROUP("mdev", bound_mdev_map), VG_X_END}};

static const VgXmlMap param_map = {
    .size = sizeof(VgVgpuParam),
    .rows = (const VgXmlRow[]){VG_X_STRING(VgVgpuParam, name, "@name", .flags = VG_ROW_REQUIRED),
                               VG_X_STRING(VgVgpuParam, value, "@value", .flags = VG_ROW_REQUIRED), VG_X_END}};

static const VgXmlMap vgpu_map = {
    .rows = (const VgXmlRow[]){
        VG_X_ENUM(DEV, vgpu.display, "@display", vg_onoff_names), VG_X_GROUP("source", vgpu_source_map),
        VG_X_STRUCT(DEV, vgpu.bound, "bound", bound_map, VG_X_PRESENT(DEV, vgpu.bound.present), .flags = VG_ROW_LIVE),
        VG_X_ARRAY_AT(DEV, vgpu.params, vgpu.n_params, VgVgpuParam, "param", param_map, .max = 64), VG_X_END}};

/* --- all ---------------------------------------------------------------------------------------------------------- */

static const VgXmlMap *const arms[VG_HOSTDEV_LAST] = {[VG_HOSTDEV_USB] = &usb_map,
                                                      [VG_HOSTDEV_PCI] = &pci_map,
                                                      [VG_HOSTDEV_MDEV] = &mdev_map,
                                                      [VG_HOSTDEV_VGPU] = &vgpu_map};

static gboolean parse_mode(const char *text, void *member, guint flags) {
    return strcmp(text, "subsystem") == 0;
}

static gboolean format_mode(const void *member, GString *out, guint flags) {
    g_string_append(out, "subsystem");
    return TRUE;
}

static const VgXmlType mode_type = {
    .what = N_("'subsystem', the only mode of Xen"), .parse = parse_mode, .format = format_mode};

static gboolean check_vgpu(const VgHostdevVgpu *vgpu, GError **error) {
    if (vgpu->type_name == NULL && vgpu->type_id == NULL) {
        vg_set_error(error, VG_ERR_XML_ERROR,
                     _("<hostdev type='vgpu'> does not say which: <source><type name='...'/> or id='...'"));
        return FALSE;
    }
    VgPciAddr nowhere = {0};
    if (vgpu->has_gpu && vgpu->gpu_identity == NULL && vg_pciaddr_compare(&vgpu->gpu, &nowhere) == 0) {
        vg_set_error(error, VG_ERR_XML_ERROR,
                     _("<hostdev type='vgpu'>: <gpu> names no GPU: it takes a PCI address, identity='...' as 'gridctl "
                       "gpus' shows it, or both"));
        return FALSE;
    }
    for (gsize i = 0; i < vgpu->n_affinities; i++)
        for (gsize j = 0; j < i; j++)
            if (vgpu->affinities[i]->type == vgpu->affinities[j]->type &&
                strcmp(vgpu->affinities[i]->name, vgpu->affinities[j]->name) == 0) {
                vg_set_error(error, VG_ERR_XML_ERROR,
                             _("<hostdev type='vgpu'>: <affinity name='%.40s'> is given twice with one type"),
                             vgpu->affinities[i]->name);
                return FALSE;
            }
    for (gsize i = 0; i < vgpu->n_params; i++)
        for (gsize j = 0; j < i; j++)
            if (strcmp(vgpu->params[i]->name, vgpu->params[j]->name) == 0) {
                vg_set_error(error, VG_ERR_XML_ERROR, _("<hostdev type='vgpu'>: <param name='%.40s'> is given twice"),
                             vgpu->params[i]->name);
                return FALSE;
            }
    return TRUE;
}

static gboolean check_usb(VgHostdevUsb *usb, GError **error) {
    if (usb->has_product == FALSE && usb->bus == 0 && usb->device == 0) {
        vg_set_error(error, VG_ERR_XML_ERROR, _("<hostdev type='usb'> needs <vendor> and <product>, or an <address>"));
        return FALSE;
    }
    return TRUE;
}

static gboolean check_hostdev(void *object, GError **error) {
    DEV *dev = object;
    switch (dev->type) {
    case VG_HOSTDEV_VGPU:
        return check_vgpu(&dev->vgpu, error);
    case VG_HOSTDEV_USB:
        return check_usb(&dev->usb, error);
    case VG_HOSTDEV_PCI:
        if (dev->pci.has_addr)
            return TRUE;
        vg_set_error(error, VG_ERR_XML_ERROR, _("<hostdev type='pci'> has no <source><address .../>"));
        return FALSE;
    case VG_HOSTDEV_MDEV:
        if (dev->mdev.has_uuid)
            return TRUE;
        vg_set_error(error, VG_ERR_XML_ERROR, _("<hostdev type='mdev'> has no <source><address uuid='...'/>"));
        return FALSE;
    default:
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<hostdev type='%s'> is not supported: Xen gives a guest pci, usb, mdev and vgpu devices"),
                     vg_names_name(&vg_hostdev_names, (int)dev->type));
        return FALSE;
    }
}

/* A vGPU is made and taken away by us, always. */
static gboolean is_manageable(const void *object, guint flags) {
    return ((const DEV *)object)->type != VG_HOSTDEV_VGPU;
}

static const VgXmlMap rom_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(DEV, rom_bar, "@bar"), VG_X_STRING(DEV, rom_file, "@file"), VG_X_END}};

const VgXmlMap vg_hostdev_map = {
    .name = "hostdev",
    .size = sizeof(DEV),
    .check = check_hostdev,
    .rows = (const VgXmlRow[]){
        VG_X_WHOLE("@mode", mode_type), VG_X_ENUM(DEV, type, "@type", vg_hostdev_names, .flags = VG_ROW_REQUIRED),
        VG_X_ENUM(DEV, managed, "@managed", vg_yesno_names, .when = is_manageable), VG_X_VARIANT(DEV, type, arms),
        VG_X_GROUP("rom", rom_map, .flags = VG_ROW_INERT), VG_X_INCLUDE(DEV, info, vg_info_map), VG_X_END}};

void vg_hostdev_fill_defaults(VgHostdev *dev) {
    if (dev->managed == VG_TRISTATE_NONE && dev->type != VG_HOSTDEV_VGPU)
        dev->managed = VG_TRISTATE_NO;
    if (dev->type == VG_HOSTDEV_PCI && dev->pci.driver == NULL)
        dev->pci.driver = g_strdup("xen");
    if (dev->type == VG_HOSTDEV_MDEV && dev->mdev.model == NULL)
        dev->mdev.model = g_strdup("vfio-pci");
    if (dev->type == VG_HOSTDEV_VGPU && !dev->vgpu.has_uuid) {
        vg_uuid_generate(&dev->vgpu.uuid);
        dev->vgpu.has_uuid = TRUE;
    }
}
