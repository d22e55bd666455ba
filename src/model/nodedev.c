/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nodedev.c: writes and reads <device>, and turns addresses into libvirt's device names and back. */
#include "config.h"

#include "model/nodedev.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"
#include "model/out.h"

/* --- names -------------------------------------------------------------------------------------------------------- */

#define PCI_PREFIX "pci_"
#define MDEV_PREFIX "mdev_"
#define UUID_CHARS (VG_UUID_TEXT - 1)

static char *underscored(const char *prefix, const char *text) {
    return g_strdelimit(g_strconcat(prefix, text, NULL), "-:.", '_');
}

/* "0000_05_00_0", whole. */
static gboolean parse_addr(const char *text, VgPciAddr *ret) {
    g_auto(GStrv) parts = g_strsplit(text, "_", 5);
    if (g_strv_length(parts) != 4)
        return FALSE;
    g_autofree char *kernel = g_strdup_printf("%s:%s:%s.%s", parts[0], parts[1], parts[2], parts[3]);
    return vg_pciaddr_parse(kernel, ret);
}

char *vg_nodedev_pci_name(const VgPciAddr *addr) {
    char text[VG_PCIADDR_TEXT];
    return underscored(PCI_PREFIX, vg_pciaddr_format(addr, text));
}

char *vg_nodedev_mdev_name(const VgUuid *uuid, const VgPciAddr *parent) {
    char id[VG_UUID_TEXT], at[VG_PCIADDR_TEXT];
    g_autofree char *both = g_strconcat(vg_uuid_format(uuid, id), "_", vg_pciaddr_format(parent, at), NULL);
    return underscored(MDEV_PREFIX, both);
}

gboolean vg_nodedev_parse_pci_name(const char *name, VgPciAddr *ret) {
    return g_str_has_prefix(name, PCI_PREFIX) && parse_addr(name + strlen(PCI_PREFIX), ret);
}

gboolean vg_nodedev_parse_mdev_name(const char *name, VgUuid *ret, VgPciAddr *ret_parent, gboolean *ret_has_parent) {
    if (!g_str_has_prefix(name, MDEV_PREFIX) || strlen(name) < strlen(MDEV_PREFIX) + UUID_CHARS)
        return FALSE;
    const char *rest = name + strlen(MDEV_PREFIX);
    g_autofree char *uuid = g_strdelimit(g_strndup(rest, UUID_CHARS), "_", '-');
    rest += UUID_CHARS;
    if (!vg_uuid_parse(uuid, ret))
        return FALSE;
    *ret_has_parent = *rest == '_';
    return *rest == '_' ? parse_addr(rest + 1, ret_parent) : *rest == '\0';
}

/* --- documents ---------------------------------------------------------------------------------------------------- */

static void write_address(VgOut *out, const VgPciAddr *addr) {
    vg_out_open(out, "address");
    vg_out_attrf(out, "domain", "0x%04x", addr->domain);
    vg_out_attrf(out, "bus", "0x%02x", addr->bus);
    vg_out_attrf(out, "slot", "0x%02x", addr->slot);
    vg_out_attrf(out, "function", "0x%x", addr->function);
    vg_out_close(out, "address");
}

static void write_id(VgOut *out, const char *name, guint16 id, const char *text) {
    vg_out_open(out, name);
    vg_out_attrf(out, "id", "0x%04x", id);
    vg_out_content(out, name, text);
}

static void write_sriov(VgOut *out, const VgNodedevPci *dev) {
    if (dev->is_vf) {
        vg_out_open(out, "capability");
        vg_out_attr(out, "type", "phys_function");
        write_address(out, &dev->pf);
        vg_out_close(out, "capability");
    }
    if (dev->max_vfs || dev->n_vfs) {
        vg_out_open(out, "capability");
        vg_out_attr(out, "type", "virt_functions");
        if (dev->max_vfs)
            vg_out_attrf(out, "maxCount", "%u", dev->max_vfs);
        for (gsize i = 0; i < dev->n_vfs; i++)
            write_address(out, &dev->vfs[i]);
        vg_out_close(out, "capability");
    }
}

static void write_types(VgOut *out, const VgNodedevType *types, gsize n_types) {
    if (n_types == 0)
        return;
    vg_out_open(out, "capability");
    vg_out_attr(out, "type", "mdev_types");
    for (gsize i = 0; i < n_types; i++) {
        vg_out_open(out, "type");
        vg_out_attr(out, "id", types[i].id);
        vg_out_leaf(out, "name", types[i].name);
        vg_out_leaf(out, "deviceAPI", types[i].device_api);
        vg_out_leaff(out, "availableInstances", "%u", types[i].available);
        vg_out_close(out, "type");
    }
    vg_out_close(out, "capability");
}

static void write_group(VgOut *out, const VgNodedevPci *dev) {
    if (dev->iommu_group < 0)
        return;
    vg_out_open(out, "iommuGroup");
    vg_out_attrf(out, "number", "%d", dev->iommu_group);
    for (gsize i = 0; dev->group && i < dev->n_group; i++)
        write_address(out, &dev->group[i]);
    if (!dev->group)
        write_address(out, &dev->addr);
    vg_out_close(out, "iommuGroup");
}

static void begin_device(VgOut *out, const char *name, const char *path, const char *parent, const char *driver) {
    vg_out_open(out, "device");
    vg_out_leaf(out, "name", name);
    vg_out_leaf(out, "path", path);
    vg_out_leaf(out, "parent", parent);
    if (driver) {
        vg_out_open(out, "driver");
        vg_out_leaf(out, "name", driver);
        vg_out_close(out, "driver");
    }
}

char *vg_nodedev_pci_format(const VgNodedevPci *dev) {
    VgOut out = {.text = g_string_sized_new(1024)};
    g_autofree char *name = vg_nodedev_pci_name(&dev->addr);
    begin_device(&out, name, dev->path, dev->parent, dev->driver);
    vg_out_open(&out, "capability");
    vg_out_attr(&out, "type", "pci");
    vg_out_leaff(&out, "class", "0x%.6x", dev->class_code);
    vg_out_leaff(&out, "domain", "%u", dev->addr.domain);
    vg_out_leaff(&out, "bus", "%u", dev->addr.bus);
    vg_out_leaff(&out, "slot", "%u", dev->addr.slot);
    vg_out_leaff(&out, "function", "%u", dev->addr.function);
    write_id(&out, "product", dev->product, dev->product_name);
    write_id(&out, "vendor", dev->vendor, dev->vendor_name);
    write_sriov(&out, dev);
    write_types(&out, dev->types, dev->n_types);
    write_group(&out, dev);
    if (dev->numa_node >= 0) {
        vg_out_open(&out, "numa");
        vg_out_attrf(&out, "node", "%d", dev->numa_node);
        vg_out_close(&out, "numa");
    }
    vg_out_close(&out, "capability");
    vg_out_close(&out, "device");
    return g_string_free(out.text, FALSE);
}

char *vg_nodedev_mdev_format(const VgNodedevMdev *dev) {
    VgOut out = {.text = g_string_sized_new(512)};
    char uuid[VG_UUID_TEXT], at[VG_PCIADDR_TEXT];
    g_autofree char *name = vg_nodedev_mdev_name(&dev->uuid, &dev->parent);
    g_autofree char *parent = vg_nodedev_pci_name(&dev->parent);
    begin_device(&out, name, dev->path, parent, "vfio_mdev");
    vg_out_open(&out, "capability");
    vg_out_attr(&out, "type", "mdev");
    vg_out_open(&out, "type");
    vg_out_attr(&out, "id", dev->type_id);
    vg_out_close(&out, "type");
    vg_out_leaf(&out, "uuid", vg_uuid_format(&dev->uuid, uuid));
    vg_out_leaf(&out, "parent_addr", vg_pciaddr_format(&dev->parent, at));
    if (dev->iommu_group >= 0) {
        vg_out_open(&out, "iommuGroup");
        vg_out_attrf(&out, "number", "%d", dev->iommu_group);
        vg_out_close(&out, "iommuGroup");
    }
    for (const char *const *attr = dev->attrs; attr && attr[0]; attr += 2) {
        vg_out_open(&out, "attr");
        vg_out_attr(&out, "name", attr[0]);
        vg_out_attr(&out, "value", attr[1]);
        vg_out_close(&out, "attr");
    }
    vg_out_close(&out, "capability");
    vg_out_close(&out, "device");
    return g_string_free(out.text, FALSE);
}

/* --- what a client wants ------------------------------------------------------------------------------------------ */

#define WISH VgNodedevWish

static const VgXmlMap attr_map = {
    .size = sizeof(VgNodedevAttr),
    .rows = (const VgXmlRow[]){VG_X_STRING(VgNodedevAttr, name, "@name", .flags = VG_ROW_REQUIRED),
                               VG_X_STRING(VgNodedevAttr, value, "@value", .flags = VG_ROW_REQUIRED), VG_X_END}};
static const VgXmlMap type_map = {.rows = (const VgXmlRow[]){VG_X_STRING(WISH, type_id, "@id"), VG_X_END}};
static const VgXmlMap capability_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(WISH, capability, "@type"), VG_X_GROUP("type", type_map),
                               VG_X_CUSTOM(WISH, uuid, VgUuid, "uuid", vg_uuid_type, VG_X_PRESENT(WISH, has_uuid)),
                               VG_X_ARRAY(WISH, attrs, VgNodedevAttr, "attr", attr_map, .max = 64), VG_X_END}};

static gboolean check_wish(void *object, GError **error) {
    const WISH *wish = object;
    const char *capability = wish->capability != NULL ? wish->capability : "";
    if (strcmp(capability, "mdev") != 0)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("Unsupported device type '%.40s': only mediated devices, <capability type='mdev'>, can be made"),
                     capability);
    else if (wish->parent == NULL)
        vg_set_error(error, VG_ERR_XML_ERROR,
                     _("cannot create a mediated device without a parent: name a GPU's node "
                       "device in <parent>"));
    else if (wish->type_id == NULL)
        vg_set_error(error, VG_ERR_XML_ERROR, _("missing type id attribute: <type id='...'/> in <capability>"));
    else
        return TRUE;
    return FALSE;
}

static const VgXmlMap wish_map = {.name = "device",
                                  .size = sizeof(WISH),
                                  .check = check_wish,
                                  .rows = (const VgXmlRow[]){VG_X_STRING(WISH, name, "name"),
                                                             VG_X_STRING(WISH, parent, "parent"),
                                                             VG_X_GROUP("capability", capability_map), VG_X_END}};

VgNodedevWish *vg_nodedev_parse(const char *xml, GError **error) {
    return vg_xml_map_parse(&wish_map, NULL, xml, 0, error);
}

void vg_nodedev_wish_free(VgNodedevWish *wish) {
    vg_xml_map_free(&wish_map, wish);
}
