/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* versions.h: does what the kernel runs of NVIDIA's driver go with what is installed beside it? */
#pragma once

#include "base/sysroot.h"

/*
 * NULL: it does, or there is no such driver, or nothing to compare it with. Otherwise what is wrong, for users: an
 * upgrade without a restart leaves the old module in the kernel, and no vGPU can be started until they agree. Caller
 * frees. Blocks.
 */
char *vg_gpu_driver_mismatch(VgSysroot *root);
