/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host_nvidia.h: what NVIDIA's driver says only to its own library, asked through the program that comes with it,
 * nvidia-smi. All block; NO_SUPPORT if there is no such program.
 */
#pragma once

#include "gpu/host.h"

gboolean vg_nvidia_get_mixed(VgGpuHost *host, const VgPciAddr *gpu, gboolean *ret, GError **error);
gboolean vg_nvidia_set_mixed(VgGpuHost *host, const VgPciAddr *gpu, gboolean on, GError **error);
/* Of the text that "nvidia-smi -q" prints: the value of @field, or NULL. Caller frees. Pure. */
char *vg_nvidia_field(const char *text, const char *field);
