/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plug.h: devices of a simulated domain, at its creation and while it runs. Lock held, but for the last three. */
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
