/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* network.c: asks the machine's libvirt daemon, as a client of it, which bridge a network is. Networks are its matter,
 * not ours. */
#include "driver/network.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/error.h"
#include "base/i18n.h"

/* libvirt's client prints errors to stderr unless told otherwise. */
static void silent(void *data, virErrorPtr error) {
}

/* NULL: @ret_why says why, in libvirt's words; taken before the connection goes, which forgets them. */
static char *bridge_of(const char *network, char **ret_why) {
    virSetErrorFunc(NULL, silent);
    virConnectPtr conn = virConnectOpenReadOnly("network:///system");
    virNetworkPtr net = conn ? virNetworkLookupByName(conn, network) : NULL;
    char *name = net ? virNetworkGetBridgeName(net) : NULL;
    char *bridge = g_strdup(name);
    if (!name)
        *ret_why = g_strdup(virGetLastErrorMessage());
    free(name);
    if (net)
        virNetworkFree(net);
    if (conn)
        virConnectClose(conn);
    return bridge;
}

gboolean vg_networks_resolve(VgDomain *def, gboolean simulated, GError **error) {
    for (gsize i = 0; i < def->n_interfaces; i++) {
        VgInterface *nic = def->interfaces[i];
        if (nic->type != VG_NET_NETWORK || nic->bridge)
            continue;
        g_autofree char *why = NULL;
        nic->bridge = simulated ? g_strdup("virbr0") : bridge_of(nic->network, &why);
        if (nic->bridge)
            continue;
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<interface> of domain '%s': network '%s' has no bridge (%s); start the network, or name a "
                       "bridge with <interface type='bridge'>"),
                     def->name, nic->network, why);
        return FALSE;
    }
    return TRUE;
}
