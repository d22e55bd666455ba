/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grid.c: gridctl's program; every procedure number is a VgGridQuery. */
#include "config.h"
#include "proc/table.h"

void vg_do_grid(VgCall *call, const grid_args *a, VgDone done) {
    call->driver->grid(call->session, (VgGridQuery)call->header.procedure, a->arg != NULL ? *a->arg : NULL, done);
}
