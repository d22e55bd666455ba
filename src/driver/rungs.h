/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rungs.h: the start ladder of a guest. */
#pragma once

#include "driver/ladder.h"

extern const VgRung vg_rungs[];
extern const int vg_n_rungs;
/* A guest that restarts descends to here only: its places, and what was made there, are kept. */
extern const int vg_rung_restart;
/* The rung that makes the domain; a descent that got below it left no guest. */
extern const int vg_rung_domain;
