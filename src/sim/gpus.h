/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gpus.h: the GPUs of the simulated host: records for the inventory, and a tree with the kernel's layout in
 * DIR/state/kernel, in which sim/kernel.c takes the kernel's place. docs/simulated-host.md has the members of "gpus".
 */
#pragma once

#include "base/json.h"
#include "gpu/host.h"

/* @gpus: the "gpus" array of host.json (NULL: none); read here, not kept. Makes the tree, or repairs it: mediated
 * devices that are in it stay. INVALID_ARG naming the element that is wrong. Blocks. Freed by its ops->free. */
VgGpuHost *vg_sim_gpus_new(const char *dir, const VgJson *gpus, GError **error);

/* What a new host.json gets: a GRID K1 board (4 GPUs) and a GRID K2 board (2 GPUs) for the emulator, and a Tesla T4
 * that is a parent of mediated devices. */
VgJson *vg_sim_gpus_default(void);
