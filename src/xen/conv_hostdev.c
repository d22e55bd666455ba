/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_hostdev.c: USB controllers, and devices of the host given whole: PCI and USB. */
#include "xen/conv.h"

#define USB_PORTS 8
#define USB_MOST_PORTS 31

static gboolean controller(const VgController *controller, libxl_device_usbctrl *x, GError **error) {
    gboolean one = g_strcmp0(controller->model, "qusb1") == 0;
    if ((controller->model && !one && g_strcmp0(controller->model, "qusb2") != 0) ||
        controller->ports > USB_MOST_PORTS) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<controller type='usb' index='%d'>: Xen has the models qusb1 and qusb2, with up to %d ports"),
                     controller->index, USB_MOST_PORTS);
        return FALSE;
    }
    x->devid = controller->index;
    x->type = LIBXL_USBCTRL_TYPE_QUSB;
    x->version = one ? 1 : 2;
    x->ports = controller->ports ? (int)controller->ports : USB_PORTS;
    return TRUE;
}

static gsize count_usb(const VgDomain *dom) {
    gsize n = 0;
    for (gsize i = 0; i < dom->n_hostdevs; i++)
        n += dom->hostdevs[i]->type == VG_HOSTDEV_USB;
    return n;
}

gboolean vg_xen_conv_controller(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_config *c = conv->c;
    /* Enough for all of the host's USB devices, if the domain does not say. */
    VgController absent = {.type = VG_CONTROLLER_USB};
    gsize spare = (count_usb(dom) + USB_PORTS - 1) / USB_PORTS;
    c->usbctrls = g_new0(libxl_device_usbctrl, dom->n_controllers + spare);
    for (gsize i = 0; i < dom->n_controllers; i++) {
        if (dom->controllers[i]->type != VG_CONTROLLER_USB)
            continue;
        libxl_device_usbctrl_init(&c->usbctrls[c->num_usbctrls]);
        if (!controller(dom->controllers[i], &c->usbctrls[c->num_usbctrls++], error))
            return FALSE;
    }
    for (; c->num_usbctrls == absent.index && (gsize)absent.index < spare; absent.index++) {
        libxl_device_usbctrl_init(&c->usbctrls[c->num_usbctrls]);
        if (!controller(&absent, &c->usbctrls[c->num_usbctrls++], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean usb(const VgHostdevUsb *source, libxl_domain_config *c, GError **error) {
    if (source->bus == 0 || source->device == 0 || source->bus > 255 || source->device > 255) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<hostdev type='usb'> %04x:%04x: it is not known where on the host it is plugged in; "
                       "give <address bus= device=/> in its <source>"),
                     source->vendor, source->product);
        return FALSE;
    }
    libxl_device_usbdev *x = &c->usbdevs[c->num_usbdevs++];
    libxl_device_usbdev_init(x);
    x->type = LIBXL_USBDEV_TYPE_HOSTDEV;
    x->u.hostdev.hostbus = (uint8_t)source->bus;
    x->u.hostdev.hostaddr = (uint8_t)source->device;
    return TRUE;
}

gboolean vg_xen_conv_hostdev(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_config *c = conv->c;
    c->usbdevs = g_new0(libxl_device_usbdev, count_usb(dom));
    for (gsize i = 0; i < dom->n_hostdevs; i++) {
        const VgHostdev *dev = dom->hostdevs[i];
        if (dev->type == VG_HOSTDEV_PCI)
            vg_xen_add_pci(c, &dev->pci.addr)->permissive = dev->pci.write_filtering == VG_TRISTATE_NO;
        else if (dev->type == VG_HOSTDEV_USB && !usb(&dev->usb, c, error))
            return FALSE;
        else if (dev->type == VG_HOSTDEV_SCSI || dev->type == VG_HOSTDEV_SCSI_HOST) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<hostdev>: Xen guests have no SCSI devices of the host"));
            return FALSE;
        }
    }
    return TRUE;
}
