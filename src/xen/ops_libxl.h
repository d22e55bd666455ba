/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ops_libxl.h: the Xen seam on a real host. */
#pragma once

#include "xen/xen.h"

/* Main loop. NO_CONNECT if this machine runs no Xen, or this process may not speak to it; the message names
 * --simulate. */
VgXen *vg_xen_libxl_new(GError **error);
