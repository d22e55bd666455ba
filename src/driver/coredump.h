/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* coredump.h: <on_crash>coredump-destroy</on_crash> and coredump-restart. */
#pragma once

#include "driver/hub.h"

/* Writes the crashed guest's memory into a file, if that can be, then @then in any case. */
void vg_coredump(VgOp *op, void (*then)(VgOp *op));
