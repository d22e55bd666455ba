/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hypervisor.h: the Xen seam on the simulated host. It takes the same libxl_domain_config as the real one, checks what
 * Xen would check, and keeps every domain in a file of DIR/state/xen, so that guests outlive the daemon.
 */
#pragma once

#include "xen/xen.h"

/* Main loop only: events and the guests' own time run there. Blocks while it reads DIR. */
VgXen *vg_sim_xen_new(const char *dir, GError **error);
