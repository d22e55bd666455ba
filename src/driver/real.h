/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* real.h: the Xen host this machine is. */
#pragma once

#include "driver/hub.h"

/*
 * Fills in hub->manager, hub->xen and hub->boot_id, and the GPU side of the host. Main loop. RESOURCE_BUSY naming the
 * program that drives this host already; NO_CONNECT if it is no Xen host.
 */
gboolean vg_real_open(VgDriverState *hub, VgGpuHost **ret_gpus, GError **error);
