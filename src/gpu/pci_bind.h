/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pci_bind.h: a PCI function goes from its driver to xen-pciback, so that a guest may have it, and comes back. The
 * function's own driver_override is the mark of what we did: one that an administrator gave to xen-pciback is used and
 * left there. Both may be repeated; both block.
 */
#pragma once

#include "base/error.h"
#include "base/pciaddr.h"
#include "base/sysroot.h"

/* @take: also from a driver that has it. RESOURCE_BUSY if the driver does not let go, or (not @take) there is one. */
gboolean vg_pci_lend(VgSysroot *root, const VgPciAddr *addr, gboolean take, guint wait_ms, GError **error);
/* @probe: the host's own driver shall have it again. A function that is not there any more is no error. */
gboolean vg_pci_take_back(VgSysroot *root, const VgPciAddr *addr, gboolean probe, guint wait_ms, GError **error);

/* The same with another driver than xen-pciback. */
gboolean vg_pci_lend_to(VgSysroot *root, const VgPciAddr *addr, const char *to, gboolean take, guint wait_ms,
                        GError **error);
gboolean vg_pci_take_back_from(VgSysroot *root, const VgPciAddr *addr, const char *to, gboolean probe, guint wait_ms,
                               GError **error);
