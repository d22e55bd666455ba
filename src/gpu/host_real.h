/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_real.h: the GPUs of this machine. */
#pragma once

#include "gpu/host.h"

/* @dm_can_vfio: the configuration declares such a device model. @emulator: its path, or NULL. Freed by its
 * ops->free. */
VgGpuHost *vg_gpu_host_real_new(gboolean dm_can_vfio, const char *emulator);
