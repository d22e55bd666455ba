/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grid.c: gridctl's program; every procedure number is a VgGridQuery. */
#include "config.h"
#include "proc/table.h"

/* gridctl, which knows no driver, has the numbers from grid.x. */
#define SAME(query) G_STATIC_ASSERT((int)GRID_PROC_##query == (int)VG_GRID_##query)
SAME(GPUS);
SAME(TYPES);
SAME(VGPUS);
SAME(CAPACITY);
SAME(CONFIG);
SAME(ORDER);
SAME(PLAN);
SAME(WHY);
G_STATIC_ASSERT((int)VG_GRID_LAST == (int)GRID_PROC_WHY + 1);

void vg_do_grid(VgCall *call, const grid_args *a, VgDone done) {
    call->driver->grid(call->session, (VgGridQuery)call->header.procedure, a->arg != NULL ? *a->arg : NULL, done);
}
