/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nodedev_pci.c: an administrator takes a PCI device from the host's drivers, gives it back, or resets it. What a guest
 * has is left alone. */
#include <libvirt/libvirt.h>

#include "base/i18n.h"
#include "driver/given.h"
#include "driver/health.h"
#include "driver/query.h"
#include "gpu/functions.h"
#include "model/nodedev.h"

typedef struct {
    VgDriverState *hub;
    VgNodedevOrder order;
    VgPciAddr addr;
    VgDone done;
    GError *error;
} Order;

static void order_run(gpointer data) {
    Order *order = data;
    VgXen *xen = order->hub->xen;
    switch (order->order) {
    case VG_NODEDEV_DETACH:
        xen->ops->pci_lend(xen, &order->addr, &order->error);
        break;
    case VG_NODEDEV_REATTACH:
        xen->ops->pci_give_back(xen, &order->addr, TRUE, &order->error);
        break;
    case VG_NODEDEV_RESET:
    default:
        xen->ops->pci_reset(xen, &order->addr, &order->error);
    }
}

static void order_seen(const VgDomRef *dom, const char *text, const GError *error, gpointer data) {
    Order *order = data;
    order->done.func(NULL, NULL, NULL, order->done.data);
    g_free(order);
}

/* Whoever asks next is told of the driver that it has now. */
static void order_done(gpointer data) {
    Order *order = data;
    if (!order->error && order->hub->health && !order->hub->stopping) {
        vg_health_look(order->hub, (VgDone){order_seen, order});
        return;
    }
    if (order->error)
        vg_done_error(order->done, order->error);
    else
        order->done.func(NULL, NULL, NULL, order->done.data);
    g_free(order);
}

/* What hangs below a bridge would go with it. */
static gboolean is_there(VgDriverState *hub, const char *name, const VgPciAddr *addr, GError **error) {
    const VgPciFunction *f = vg_functions_find(hub->functions, addr);
    if (!f)
        vg_set_error(error, VG_ERR_NO_NODE_DEVICE, _("no node device with matching name '%s'"), name);
    else if (f->class_code >> 16 == VG_BRIDGE_CLASS)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("'%s' is a bridge, which the devices below it need: take those from the host one by one"), name);
    return f && f->class_code >> 16 != VG_BRIDGE_CLASS;
}

static gboolean check(VgDriverState *hub, const char *name, const char *driver, guint flags, VgPciAddr *ret,
                      GError **error) {
    if (!vg_flags_known(flags, 0, "virNodeDeviceDetachFlags", error))
        return FALSE;
    if (!vg_nodedev_parse_pci_name(name, ret)) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("'%s' is no PCI device"), name);
        return FALSE;
    }
    if (driver && g_strcmp0(driver, "xen") != 0) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("unsupported driver name '%s': here it is 'xen'"), driver);
        return FALSE;
    }
    return is_there(hub, name, ret, error) && vg_given_idle(hub, ret, error);
}

void vg_nodedev_order(VgSession *session, VgNodedevOrder what, const char *name, const char *driver, guint flags,
                      VgDone done) {
    GError *error = NULL;
    VgPciAddr addr;
    if (!check(session->hub, name, driver, flags, &addr, &error)) {
        vg_done_error(done, error);
        return;
    }
    Order *order = g_new0(Order, 1);
    *order = (Order){.hub = session->hub, .order = what, .addr = addr, .done = done};
    vg_job_alone(VG_JOB_BESIDE, order_run, order_done, order);
}
