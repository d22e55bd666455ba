/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* address.c: what devices share: MAC, UUID and PCI address as values, and <boot>, <alias>, <address>. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_yesno_names, VG_TRISTATE_LAST, NULL, "yes", "no");
VG_NAMES(vg_onoff_names, VG_TRISTATE_LAST, NULL, "on", "off");
VG_NAMES(vg_address_names, VG_ADDRESS_LAST, NULL, "pci", "drive", "virtio-serial", "ccid", "usb", "isa", "unassigned");

gboolean vg_mac_parse(const char *text, VgMac *ret) {
    VgMac mac;
    for (gsize i = 0; i < sizeof(mac.b); i++) {
        int digit = g_ascii_xdigit_value(*text), value = digit;
        if (digit < 0)
            return FALSE;
        if ((digit = g_ascii_xdigit_value(*++text)) >= 0) {
            value = value << 4 | digit;
            text++;
        }
        mac.b[i] = (guint8)value;
        if (*text != (i + 1 < sizeof(mac.b) ? ':' : '\0'))
            return FALSE;
        text++;
    }
    *ret = mac;
    return TRUE;
}

const char *vg_mac_format(const VgMac *mac, char text[VG_MAC_TEXT]) {
    snprintf(text, VG_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac->b[0], mac->b[1], mac->b[2], mac->b[3], mac->b[4],
             mac->b[5]);
    return text;
}

static gboolean parse_mac(const char *text, void *member, guint flags) {
    return vg_mac_parse(text, member);
}

static gboolean format_mac(const void *member, GString *out, guint flags) {
    char text[VG_MAC_TEXT];
    g_string_append(out, vg_mac_format(member, text));
    return TRUE;
}

const VgXmlType vg_mac_type = {.what = N_("a MAC address"), .parse = parse_mac, .format = format_mac};

static gboolean parse_uuid(const char *text, void *member, guint flags) {
    return vg_uuid_parse(text, member);
}

static gboolean format_uuid(const void *member, GString *out, guint flags) {
    char text[VG_UUID_TEXT];
    g_string_append(out, vg_uuid_format(member, text));
    return TRUE;
}

const VgXmlType vg_uuid_type = {.what = N_("a UUID"), .parse = parse_uuid, .format = format_uuid};

/* A definition keeps only an alias that the user chose. */
static gboolean is_users_alias(const char *alias) {
    return g_str_has_prefix(alias, "ua-");
}

static gboolean parse_alias(const char *text, void *member, guint flags) {
    char **alias = member;
    if ((flags & VG_XML_INACTIVE) && !is_users_alias(text))
        return TRUE;
    g_free(*alias);
    *alias = g_strdup(text);
    return TRUE;
}

static gboolean format_alias(const void *member, GString *out, guint flags) {
    const char *alias = *(char *const *)member;
    if (alias == NULL || ((flags & VG_XML_INACTIVE) && !is_users_alias(alias)))
        return FALSE;
    vg_xml_escape(out, alias);
    return TRUE;
}

static const VgXmlType alias_type = {
    .what = N_("an alias"), .parse = parse_alias, .format = format_alias, .is_string = TRUE};

/* --- <address> ---------------------------------------------------------------------------------------------------- */

#define PCI_ROWS(...)                                                                                                  \
    VG_X_INT(VgPciAddr, domain, "@domain", 0, G_MAXUINT32, .hex = 4, __VA_ARGS__),                                     \
        VG_X_INT(VgPciAddr, bus, "@bus", 0, 0xff, .hex = 2, __VA_ARGS__),                                              \
        VG_X_INT(VgPciAddr, slot, "@slot", 0, 0x1f, .hex = 2, __VA_ARGS__),                                            \
        VG_X_INT(VgPciAddr, function, "@function", 0, 7, .hex = 1, __VA_ARGS__)

const VgXmlMap vg_pciaddr_map = {.name = "address",
                                 .size = sizeof(VgPciAddr),
                                 .rows = (const VgXmlRow[]){PCI_ROWS(.flags = VG_ROW_ALWAYS), VG_X_END}};

/* All zero: not said. */
static gboolean is_chosen(const void *object, guint flags) {
    const VgPciAddr *addr = object;
    return addr->domain != 0 || addr->bus != 0 || addr->slot != 0 || addr->function != 0;
}

const VgXmlMap vg_pciaddr_chosen_map = {
    .name = "address",
    .size = sizeof(VgPciAddr),
    .rows = (const VgXmlRow[]){PCI_ROWS(.flags = VG_ROW_ALWAYS, .when = is_chosen), VG_X_END}};

#define ADDRESS_INT(m, nm, ...) VG_X_INT(VgAddress, m, nm, 0, G_MAXINT32, .flags = VG_ROW_ALWAYS, __VA_ARGS__)

static const VgXmlMap pci_map = {
    .rows = (const VgXmlRow[]){VG_X_INCLUDE(VgAddress, pci, vg_pciaddr_chosen_map),
                               VG_X_ENUM(VgAddress, multifunction, "@multifunction", vg_onoff_names), VG_X_END}};
static const VgXmlMap drive_map = {.rows = (const VgXmlRow[]){ADDRESS_INT(controller, "@controller"),
                                                              ADDRESS_INT(bus, "@bus"), ADDRESS_INT(target, "@target"),
                                                              ADDRESS_INT(unit, "@unit"), VG_X_END}};
static const VgXmlMap virtio_serial_map = {.rows = (const VgXmlRow[]){ADDRESS_INT(controller, "@controller"),
                                                                      ADDRESS_INT(bus, "@bus"),
                                                                      ADDRESS_INT(port, "@port"), VG_X_END}};
static const VgXmlMap ccid_map = {
    .rows = (const VgXmlRow[]){ADDRESS_INT(controller, "@controller"), ADDRESS_INT(unit, "@slot"), VG_X_END}};
static const VgXmlMap usb_map = {
    .rows = (const VgXmlRow[]){ADDRESS_INT(usb_bus, "@bus"), VG_X_STRING(VgAddress, usb_port, "@port"), VG_X_END}};
static const VgXmlMap isa_map = {.rows =
                                     (const VgXmlRow[]){VG_X_INT(VgAddress, iobase, "@iobase", 0, 0xffff, .hex = 1),
                                                        VG_X_INT(VgAddress, irq, "@irq", 0, 0xff, .hex = 1), VG_X_END}};

static const VgXmlMap *const address_arms[VG_ADDRESS_LAST] = {
    [VG_ADDRESS_PCI] = &pci_map,   [VG_ADDRESS_DRIVE] = &drive_map, [VG_ADDRESS_VIRTIO_SERIAL] = &virtio_serial_map,
    [VG_ADDRESS_CCID] = &ccid_map, [VG_ADDRESS_USB] = &usb_map,     [VG_ADDRESS_ISA] = &isa_map,
};

static const VgXmlMap address_map = {
    .name = "address",
    .size = sizeof(VgAddress),
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgAddress, type, "@type", vg_address_names, .flags = VG_ROW_REQUIRED),
                               VG_X_VARIANT(VgAddress, type, address_arms), VG_X_END}};

static const VgXmlMap boot_map = {
    .rows = (const VgXmlRow[]){VG_X_INT(VgDeviceInfo, boot_order, "@order", 1, G_MAXINT32), VG_X_END}};
static const VgXmlMap alias_map = {
    .rows = (const VgXmlRow[]){VG_X_CUSTOM(VgDeviceInfo, alias, char *, "@name", alias_type), VG_X_END}};

const VgXmlMap vg_info_map = {.rows = (const VgXmlRow[]){VG_X_GROUP("boot", boot_map), VG_X_GROUP("alias", alias_map),
                                                         VG_X_STRUCT(VgDeviceInfo, address, "address", address_map),
                                                         VG_X_END}};
