/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* given.h: a GPU is given once: whole, by <hostdev type='pci'>, or in parts, as vGPUs. */
#pragma once

#include "driver/run.h"

/*
 * Once the run has its claim: is no GPU, and no VF, of it or of its PCI devices with a guest in the other way? Main
 * loop. RESOURCE_BUSY naming device and holder.
 */
gboolean vg_given_once(const VgRun *run, GError **error);
/* Can the running @run have @addr whole? RESOURCE_BUSY naming the holder. */
gboolean vg_given_free(const VgRun *run, const VgPciAddr *addr, GError **error);
/* The same for a claim alone, beside all runs @but one (or NULL). @whose: whose vGPU it is, for the error. */
gboolean vg_given_in_parts(VgDriverState *hub, const VgClaim *claim, const VgRun *but, const char *whose,
                           GError **error);
/* Has no guest it, whole or in parts? OPERATION_INVALID naming the one that has. */
gboolean vg_given_idle(VgDriverState *hub, const VgPciAddr *addr, GError **error);
