/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault.h: named points at which an effect can be made to fail, or the process to die as by kill -9. For tests; costs
 * one load when unused. VIRTGRID_FAULT="NAME=ACTION[:N][,...]" with ACTION fail (returns TRUE here), kill (SIGKILL to
 * ourselves) or pause (sleep 1 s); N: only at the N-th time (default 1), "*" every time. NAME may end in '*'.
 * VIRTGRID_FAULT_LOG=FILE appends each point passed, one name per line, so that a harness can enumerate the steps of an
 * operation and die at each. A fault that cannot be read ends the program with status 2.
 */
#pragma once

#include <glib.h>

extern gboolean vg_fault_armed; /* set once, before threads, by vg_fault_init() */
void vg_fault_init(void);
gboolean vg_fault_hit(const char *name);

/* TRUE: behave as if the effect that follows had failed (EIO). Any thread. */
#define vg_fault(name) (G_UNLIKELY(vg_fault_armed) && vg_fault_hit(name))
