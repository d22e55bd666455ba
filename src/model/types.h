/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * types.h: what the records of a domain have in common.
 *
 * Records are plain: a member is named as the element or attribute it stands for. Every record owns what it points to.
 * Strings are NULL when absent. In every enum the value 0 (..._NONE or ..._DEFAULT) means "not given"; it has no name
 * in XML. A number whose 0 means something is -1 when absent, and says so.
 */
#pragma once

#include <glib.h>

#include "base/names.h"
#include "base/pciaddr.h"
#include "base/uuid.h"

/* yes/no and on/off alike */
typedef enum { VG_TRISTATE_NONE, VG_TRISTATE_YES, VG_TRISTATE_NO, VG_TRISTATE_LAST } VgTristate;
extern const VgNames vg_yesno_names;
extern const VgNames vg_onoff_names;

typedef struct {
    guint8 b[6];
} VgMac;
#define VG_MAC_TEXT 18
/* Six groups of one or two hex digits between colons. */
gboolean vg_mac_parse(const char *text, VgMac *ret);
const char *vg_mac_format(const VgMac *mac, char text[VG_MAC_TEXT]);

typedef enum {
    VG_ADDRESS_NONE,
    VG_ADDRESS_PCI,
    VG_ADDRESS_DRIVE,
    VG_ADDRESS_VIRTIO_SERIAL,
    VG_ADDRESS_CCID,
    VG_ADDRESS_USB,
    VG_ADDRESS_ISA,
    VG_ADDRESS_UNASSIGNED,
    VG_ADDRESS_LAST
} VgAddressType;
extern const VgNames vg_address_names;

/* Where the guest finds the device: <address type='...'/>. Only the members of its type count. */
typedef struct {
    VgAddressType type;
    VgPciAddr pci; /* PCI; all zero = let the hypervisor choose */
    VgTristate multifunction;
    guint controller, bus, target, unit; /* DRIVE; controller and bus also VIRTIO_SERIAL, CCID (unit = slot) */
    guint port;                          /* VIRTIO_SERIAL */
    guint usb_bus;                       /* USB */
    char *usb_port;                      /* USB, "1.2" */
    guint iobase, irq;                   /* ISA */
} VgAddress;

/* What every device has. */
typedef struct {
    char *alias;      /* "ua-..." is the user's and kept; any other is chosen at start and live only */
    guint boot_order; /* <boot order=/>, 0 = none */
    VgAddress address;
} VgDeviceInfo;
