/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_nvidia.h: what NVIDIA's driver takes and tells by its own program only, nvidia-smi: modes and GPU instances. */
#pragma once

#include "gpu/host.h"

gboolean vg_nvidia_get_mode(VgGpuHost *host, const VgPciAddr *gpu, VgGpuDriverMode mode, gboolean *ret, GError **error);
gboolean vg_nvidia_set_mode(VgGpuHost *host, const VgPciAddr *gpu, VgGpuDriverMode mode, gboolean on, GError **error);
GArray *vg_nvidia_instances(VgGpuHost *host, const VgPciAddr *gpu, GError **error);
gboolean vg_nvidia_make_instance(VgGpuHost *host, const VgPciAddr *gpu, const VgGpuInstance *wanted, GError **error);
gboolean vg_nvidia_drop_instance(VgGpuHost *host, const VgPciAddr *gpu, const VgGpuInstance *instance, GError **error);

/* The value of "field : value" in what nvidia-smi printed; with @section, of the first one below that. NULL: it has
 * none. Caller frees. */
char *vg_nvidia_field(const char *text, const char *section, const char *field);
/* The rows of "nvidia-smi mig -lgi", of VgGpuInstance. */
GArray *vg_nvidia_read_instances(const char *text);
