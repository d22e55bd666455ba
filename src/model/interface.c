/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* interface.c: <interface>. */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_net_type_names, VG_NET_LAST, NULL, "user", "ethernet", "network", "bridge", "direct", "hostdev", "internal",
         "vhostuser", "server", "client", "mcast", "udp", "vdpa");
VG_NAMES(vg_link_names, VG_LINK_LAST, NULL, "up", "down");

#define INERT .flags = VG_ROW_INERT
#define NET VgInterface

static gboolean is_hostdev(const void *object, guint flags) {
    return ((const NET *)object)->type == VG_NET_HOSTDEV;
}

static gboolean is_managed(const void *object, guint flags) {
    return is_hostdev(object, flags) && ((const NET *)object)->managed == VG_TRISTATE_YES;
}

static const VgXmlMap mac_map = {
    .rows = (const VgXmlRow[]){
        VG_X_CUSTOM(NET, mac, VgMac, "@address", vg_mac_type, VG_X_PRESENT(NET, mac_given), .flags = VG_ROW_REQUIRED),
        VG_X_END}};

/* --- <source>, by type -------------------------------------------------------------------------------------------- */

static const VgXmlMap host_pci_map = {
    .rows = (const VgXmlRow[]){VG_X_CONST("@type", "pci"), VG_X_INCLUDE(NET, host, vg_pciaddr_map), VG_X_END}};

static const VgXmlMap bridge_map = {.rows = (const VgXmlRow[]){VG_X_STRING(NET, bridge, "@bridge"), VG_X_END}};
static const VgXmlMap network_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(NET, network, "@network"), VG_X_STRING(NET, portgroup, "@portgroup"),
                               VG_X_STRING(NET, portid, "@portid", .flags = VG_ROW_LIVE),
                               VG_X_STRING(NET, bridge, "@bridge", .flags = VG_ROW_LIVE), VG_X_END}};
static const VgXmlMap direct_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(NET, dev, "@dev"), VG_X_STRING(NET, mode, "@mode"), VG_X_END}};
static const VgXmlMap hostdev_map = {.rows = (const VgXmlRow[]){VG_X_GROUP("address", host_pci_map), VG_X_END}};
static const VgXmlMap *const source_arms[VG_NET_LAST] = {
    [VG_NET_BRIDGE] = &bridge_map,
    [VG_NET_NETWORK] = &network_map,
    [VG_NET_DIRECT] = &direct_map,
    [VG_NET_HOSTDEV] = &hostdev_map,
};

/* Addresses of the host's end are no concern of Xen: libxl tells the script the guest's. */
static const VgXmlMap ip_map = {
    .size = sizeof(VgNetIp),
    .rows = (const VgXmlRow[]){VG_X_STRING(VgNetIp, address, "@address", .flags = VG_ROW_REQUIRED),
                               VG_X_STRING(VgNetIp, family, "@family"), VG_X_INT(VgNetIp, prefix, "@prefix", 1, 128),
                               VG_X_STRING(VgNetIp, peer, "@peer"), VG_X_END}};
static const VgXmlMap source_map = {.rows = (const VgXmlRow[]){VG_X_VARIANT(NET, type, source_arms), VG_X_END}};

/* --- what the switch does ----------------------------------------------------------------------------------------- */

static const VgXmlMap tag_map = {.size = sizeof(VgVlanTag),
                                 .rows =
                                     (const VgXmlRow[]){VG_X_INT(VgVlanTag, id, "@id", 0, 4095, .flags = VG_ROW_ALWAYS),
                                                        VG_X_STRING(VgVlanTag, native_mode, "@nativeMode"), VG_X_END}};

static gboolean parse_trunk(const char *text, void *member, guint flags) {
    ((NET *)member)->vlan_trunk = strcmp(text, "yes") == 0;
    return TRUE;
}

static gboolean format_trunk(const void *member, GString *out, guint flags) {
    g_string_append(out, "yes");
    return ((const NET *)member)->vlan_trunk;
}

static const VgXmlType trunk_type = {.what = N_("yes or no"), .parse = parse_trunk, .format = format_trunk};
static const VgXmlMap vlan_map = {
    .rows = (const VgXmlRow[]){VG_X_WHOLE("@trunk", trunk_type),
                               VG_X_ARRAY(NET, vlan, VgVlanTag, "tag", tag_map, .max = 4096), VG_X_END}};

static const VgXmlMap parameters_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(NET, virtualport_instanceid, "@instanceid"),
                               VG_X_STRING(NET, virtualport_interfaceid, "@interfaceid"),
                               VG_X_STRING(NET, virtualport_profileid, "@profileid"), VG_X_END}};
static const VgXmlMap virtualport_map = {
    .rows =
        (const VgXmlRow[]){VG_X_STRING(NET, virtualport, "@type"), VG_X_GROUP("parameters", parameters_map), VG_X_END}};

#define RATE(m) VG_X_INT(VgRate, m, "@" #m, 0, G_MAXINT64)
static const VgXmlMap rate_map = {
    .size = sizeof(VgRate), .rows = (const VgXmlRow[]){RATE(average), RATE(peak), RATE(floor), RATE(burst), VG_X_END}};
static const VgXmlMap bandwidth_map = {.rows = (const VgXmlRow[]){VG_X_STRUCT(NET, inbound, "inbound", rate_map, INERT),
                                                                  VG_X_STRUCT(NET, outbound, "outbound", rate_map),
                                                                  VG_X_END}};
static const VgXmlMap port_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(NET, isolated, "@isolated", vg_yesno_names), VG_X_END}};

/* --- the rest ----------------------------------------------------------------------------------------------------- */

/* <driver> belongs to the VF of type hostdev, and to the model of any other. */
static const VgXmlMap driver_map = {.rows = (const VgXmlRow[]){VG_X_STRING(NET, driver_name, "@name"),
                                                               VG_X_STRING(NET, driver_queues, "@queues"), VG_X_END}};
static const VgXmlMap hostdev_driver_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(NET, hostdev_driver, "@name"), VG_X_END}};
static const VgXmlMap hostdev_rows = {.rows = (const VgXmlRow[]){VG_X_GROUP("driver", hostdev_driver_map), VG_X_END}};
static const VgXmlMap model_rows = {.rows = (const VgXmlRow[]){VG_X_GROUP("driver", driver_map, INERT), VG_X_END}};
static const VgXmlMap *const driver_before_arms[VG_NET_LAST] = {[VG_NET_HOSTDEV] = &hostdev_rows};
static const VgXmlMap *const driver_after_arms[VG_NET_LAST] = {
    [VG_NET_USER] = &model_rows,   [VG_NET_ETHERNET] = &model_rows, [VG_NET_NETWORK] = &model_rows,
    [VG_NET_BRIDGE] = &model_rows, [VG_NET_DIRECT] = &model_rows,
};

static const VgXmlMap script_map = {.rows = (const VgXmlRow[]){VG_X_STRING(NET, script, "@path"), VG_X_END}};
static const VgXmlMap backend_map = {.rows = (const VgXmlRow[]){VG_X_STRING(NET, backenddomain, "@name"), VG_X_END}};

/* A definition forgets the names that Xen chose. */
static gboolean parse_target(const char *text, void *member, guint flags) {
    char **target = member;
    if ((flags & VG_XML_INACTIVE) && g_str_has_prefix(text, "vif"))
        return TRUE;
    g_free(*target);
    *target = g_strdup(text);
    return TRUE;
}

static gboolean format_target(const void *member, GString *out, guint flags) {
    const char *target = *(char *const *)member;
    if (target == NULL || ((flags & VG_XML_INACTIVE) && g_str_has_prefix(target, "vif")))
        return FALSE;
    vg_xml_escape(out, target);
    return TRUE;
}

static const VgXmlType target_type = {
    .what = N_("a name"), .parse = parse_target, .format = format_target, .is_string = TRUE};
static const VgXmlMap target_map = {
    .rows = (const VgXmlRow[]){VG_X_CUSTOM(NET, target, char *, "@dev", target_type), VG_X_END}};
static const VgXmlMap model_map = {.rows = (const VgXmlRow[]){VG_X_STRING(NET, model, "@type"), VG_X_END}};
static const VgXmlMap filter_map = {.rows = (const VgXmlRow[]){VG_X_STRING(NET, filterref, "@filter"), VG_X_END}};
static const VgXmlMap link_map = {.rows = (const VgXmlRow[]){VG_X_ENUM(NET, link, "@state", vg_link_names), VG_X_END}};
static const VgXmlMap mtu_map = {.rows = (const VgXmlRow[]){VG_X_INT(NET, mtu, "@size", 1, 65535), VG_X_END}};

static gboolean check_interface(void *object, GError **error) {
    const NET *net = object;
    const char *type = vg_names_name(&vg_net_type_names, (int)net->type);
    if (net->type >= VG_NET_INTERNAL)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<interface type='%s'> is not supported: Xen has bridge, network, ethernet and hostdev"), type);
    else if (net->type == VG_NET_USER || net->type == VG_NET_DIRECT)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<interface type='%s'> is not supported: Xen's back end needs a bridge; use bridge or network"),
                     type);
    else if (net->type == VG_NET_NETWORK && net->network == NULL)
        vg_set_error(error, VG_ERR_XML_ERROR, _("<interface type='network'> has no <source network='...'>"));
    else if (net->mac_given && (net->mac.b[0] & 1))
        vg_set_error(error, VG_ERR_XML_ERROR, _("<interface>: the MAC address is a multicast address"));
    else
        return TRUE;
    return FALSE;
}

const VgXmlMap vg_interface_map = {
    .name = "interface",
    .size = sizeof(NET),
    .check = check_interface,
    .rows = (const VgXmlRow[]){VG_X_ENUM(NET, type, "@type", vg_net_type_names, .flags = VG_ROW_REQUIRED),
                               VG_X_ENUM(NET, managed, "@managed", vg_yesno_names, .when = is_managed),
                               VG_X_GROUP("mac", mac_map),
                               VG_X_VARIANT(NET, type, driver_before_arms),
                               VG_X_GROUP("source", source_map),
                               VG_X_GROUP("vlan", vlan_map),
                               VG_X_GROUP("virtualport", virtualport_map),
                               VG_X_GROUP("bandwidth", bandwidth_map),
                               VG_X_GROUP("port", port_map, INERT),
                               VG_X_ARRAY(NET, ips, VgNetIp, "ip", ip_map, .max = 256),
                               VG_X_GROUP("script", script_map),
                               VG_X_GROUP("backenddomain", backend_map),
                               VG_X_GROUP("target", target_map),
                               VG_X_GROUP("model", model_map),
                               VG_X_VARIANT(NET, type, driver_after_arms),
                               VG_X_GROUP("filterref", filter_map, INERT),
                               VG_X_GROUP("link", link_map, INERT),
                               VG_X_GROUP("mtu", mtu_map),
                               VG_X_INCLUDE(NET, info, vg_info_map),
                               VG_X_END}};

void vg_interface_fill_defaults(VgInterface *net) {
    if (!net->mac_given) {
        VgUuid noise;
        vg_uuid_generate(&noise);
        net->mac = (VgMac){{0x00, 0x16, 0x3e, noise.b[0] & 0x7f, noise.b[1], noise.b[2]}};
        net->mac_given = TRUE;
    }
    net->vlan_trunk |= net->n_vlan > 1;
    if (net->type == VG_NET_HOSTDEV && net->hostdev_driver == NULL)
        net->hostdev_driver = g_strdup("xen");
}
