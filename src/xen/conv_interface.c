/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_interface.c: network cards. A VF given as one is a PCI device to libxl. */
#include <string.h>

#include "xen/conv.h"

#define RATE_INTERVAL_US 50000u /* how often a vif's credit is filled up; xl's own default */
#define MOST_RATE_KIB (G_GUINT64_CONSTANT(1) << 32)

static gboolean refuse(const VgInterface *nic, GError **error, const char *why) {
    char mac[VG_MAC_TEXT];
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<interface> %s: %s"), vg_mac_format(&nic->mac, mac), why);
    return FALSE;
}

static gboolean set_model(const VgXenConv *conv, const VgInterface *nic, libxl_device_nic *x, GError **error) {
    gboolean netfront = g_strcmp0(nic->model, "netfront") == 0;
    if (nic->model && !netfront && !conv->hvm)
        return refuse(nic, error, _("a PV or PVH guest has the model 'netfront' and no other"));
    x->model = g_strdup(nic->model);
    x->nictype = conv->hvm && !netfront ? LIBXL_NIC_TYPE_VIF_IOEMU : LIBXL_NIC_TYPE_VIF;
    return TRUE;
}

/* Open vSwitch takes VLANs in the bridge's name: BRIDGE.TAG, or BRIDGE:TRUNK:TRUNK. */
static char *bridge_name(const VgInterface *nic) {
    GString *name = g_string_new(nic->bridge);
    if (g_strcmp0(nic->virtualport, "openvswitch") == 0) {
        for (gsize i = 0; i < nic->n_vlan && (i == 0 || nic->vlan_trunk); i++)
            g_string_append_printf(name, "%c%u", nic->vlan_trunk ? ':' : '.', nic->vlan[i]->id);
    }
    return g_string_free(name, FALSE);
}

static char *ip_list(const VgInterface *nic) {
    GString *list = g_string_new(NULL);
    for (gsize i = 0; i < nic->n_ips; i++)
        if (nic->ips[i]->address)
            g_string_append_printf(list, "%s%s", list->len ? " " : "", nic->ips[i]->address);
    return g_string_free(list, FALSE);
}

static gboolean set_source(const VgXenConv *conv, const VgInterface *nic, libxl_device_nic *x, GError **error) {
    const char *script = nic->script, *bridge = nic->bridge ? nic->bridge : conv->build->bridge;
    switch (nic->type) {
    case VG_NET_BRIDGE:
        x->bridge = bridge_name(nic);
        if (!script && g_strcmp0(nic->virtualport, "openvswitch") == 0)
            script = "vif-openvswitch";
        break;
    case VG_NET_ETHERNET:
        break;
    case VG_NET_NETWORK:
        if (script)
            return refuse(nic, error, _("a script is possible with the types 'bridge' and 'ethernet'"));
        if (!bridge)
            return refuse(nic, error,
                          _("it is not known which bridge its network uses; name one with <interface type='bridge'>"));
        x->bridge = g_strdup(bridge);
        break;
    default:
        return refuse(nic, error, _("Xen has interfaces of type 'bridge', 'ethernet', 'network' and 'hostdev'"));
    }
    x->script = g_strdup(script);
    if (nic->n_ips > 0)
        x->ip = ip_list(nic);
    return TRUE;
}

static gboolean set_rate(const VgInterface *nic, libxl_device_nic *x, GError **error) {
    guint64 kib = nic->outbound.average;
    if (kib > MOST_RATE_KIB)
        return refuse(nic, error, _("its bandwidth is beyond what Xen can count"));
    if (kib) {
        x->rate_bytes_per_interval = kib * 1024 * RATE_INTERVAL_US / 1000000;
        x->rate_interval_usecs = RATE_INTERVAL_US;
    }
    return TRUE;
}

static gboolean convert(const VgXenConv *conv, const VgInterface *nic, libxl_device_nic *x, GError **error) {
    memcpy(x->mac, nic->mac.b, sizeof nic->mac.b);
    x->ifname = g_strdup(nic->target);
    x->backend_domname = g_strdup(nic->backenddomain);
    if (nic->mtu > 65535)
        return refuse(nic, error, _("an MTU ends at 65535"));
    if (nic->mtu)
        x->mtu = (int)nic->mtu;
    return set_model(conv, nic, x, error) && set_source(conv, nic, x, error) && set_rate(nic, x, error);
}

gboolean vg_xen_conv_interface(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_config *c = conv->c;
    c->nics = g_new0(libxl_device_nic, dom->n_interfaces);
    for (gsize i = 0; i < dom->n_interfaces; i++) {
        const VgInterface *nic = dom->interfaces[i];
        if (nic->type == VG_NET_HOSTDEV) {
            vg_xen_add_pci(c, &nic->host);
            continue;
        }
        libxl_device_nic *x = &c->nics[c->num_nics];
        libxl_device_nic_init(x);
        x->devid = c->num_nics++;
        if (!convert(conv, nic, x, error))
            return FALSE;
    }
    return TRUE;
}
