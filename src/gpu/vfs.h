/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfs.h: virtual functions of a GPU: which there are, where they will be, and how all of them come to be. All block.
 */
#pragma once

#include "gpu/facts.h"

#define VG_NVIDIA 0x10de /* whose virtual functions need its own driver */

/* Those that there are, by number. */
void vg_vfs_read(VgSysroot *root, const VgPciAddr *pf, VgGpuFacts *facts);
/* Those that there are or, before they are enabled, those that will be. FALSE: it has none. All usable. */
gboolean vg_vfs_foresee(VgSysroot *root, const VgPciAddr *pf, VgGpuFacts *facts);
/* How many are enabled. */
guint vg_vfs_count(VgSysroot *root, const VgPciAddr *pf);

/*
 * All of them: a number, once written, cannot be raised. @vendor_driver: the driver of the physical function refuses to
 * do it (NVIDIA's), so the function is lent to pci-pf-stub for that moment, and its driver gets both it and the virtual
 * functions afterwards; FALSE: no driver of this host is to take them. May be repeated, also after a crash half way.
 * RESOURCE_BUSY if somebody has the GPU open.
 */
gboolean vg_vfs_enable(VgSysroot *root, const VgPciAddr *pf, gboolean vendor_driver, guint wait_ms, GError **error);
/* For one that is to be given away whole: none any more. RESOURCE_BUSY: somebody has one of them. May be repeated. */
gboolean vg_vfs_clear(VgSysroot *root, const VgPciAddr *pf, guint wait_ms, GError **error);
/* None any more. No virtual function may be in use. */
gboolean vg_vfs_disable(VgSysroot *root, const VgPciAddr *pf, gboolean vendor_driver, guint wait_ms, GError **error);
