/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plug.h: devices of a simulated domain, at its creation and while it runs. Lock held, but for those of xen.h. */
#pragma once

#include "sim/sim.h"
#include "xen/libxl_config.h"

gboolean vg_sim_plug_disk(VgSimDomain *dom, const libxl_device_disk *disk, GError **error);
/* Its number. */
int vg_sim_plug_nic(VgSimDomain *dom, const libxl_device_nic *nic);
gboolean vg_sim_plug_pci(VgSim *sim, VgSimDomain *dom, const libxl_device_pci *pci, GError **error);

/* attach, detach, insert of xen.h */
gboolean vg_sim_attach(VgXen *xen, guint32 domid, const VgXenConfig *devices, int *ret_devid, GError **error);
gboolean vg_sim_detach(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error);
gboolean vg_sim_insert(VgXen *xen, guint32 domid, const VgXenConfig *devices, GError **error);
/* pci_lent, pci_lend, pci_give_back of xen.h: a file in DIR/state/xen/pciback stands for a function that is lent. */
gboolean vg_sim_pci_lent(VgXen *xen, const VgPciAddr *addr);
gboolean vg_sim_pci_lend(VgXen *xen, const VgPciAddr *addr, GError **error);
gboolean vg_sim_pci_give_back(VgXen *xen, const VgPciAddr *addr, gboolean rebind, GError **error);
gboolean vg_sim_pci_reset(VgXen *xen, const VgPciAddr *addr, GError **error);
