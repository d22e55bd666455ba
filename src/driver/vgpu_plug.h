/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vgpu_plug.h: a vGPU comes to a running guest, or goes. Only one that the guest gets as a PCI function can; it is
 * placed, claimed, put on record and made as at a start, by a ladder of its own, and leaves by the same ladder.
 */
#pragma once

#include "driver/run.h"

typedef struct VgVgpuPlug VgVgpuPlug;

/*
 * For the vGPU at @pos of the host devices of @with; @without is the definition that lacks it. One of the two is the
 * guest's now, the other (which the caller keeps until the end) will be. @out: it goes. Claims a place for one that
 * comes, and says so in @with. Main loop. CONFIG_UNSUPPORTED: it is none that can be plugged, with the reason, a half
 * sentence in *ret_why (static), or the error as it is, and NULL there; RESOURCE_BUSY as any start.
 */
VgVgpuPlug *vg_vgpu_plug_new(VgRun *run, VgDomain *with, const VgDomain *without, gsize pos, gboolean out,
                             const char **ret_why, GError **error);
/* Gives back what was claimed and not used. */
void vg_vgpu_plug_free(VgVgpuPlug *plug);
/* Does it; @after is told on the main loop, and takes over the error. Its op must not end before. */
void vg_vgpu_plug_go(VgVgpuPlug *plug, VgOp *op, void (*after)(VgOp *op, GError *error));

/* Start-up: the daemon died while the vGPU at @pos of the host devices of @with was on its way. It is taken away;
 * FALSE: the guest still has it. */
gboolean vg_vgpu_plug_repair(VgRun *run, const VgDomain *with, gsize pos, GError **error);
