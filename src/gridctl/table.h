/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.h: an array of JSON objects as lines with columns for a person. A column that no row has a value for is left
 * out, so that a newer or older server prints what it knows.
 */
#pragma once

#include <glib.h>

#include "base/json.h"

typedef enum {
    VG_CELL_TEXT,   /* a string, or a number as it is */
    VG_CELL_NUMBER, /* aligned to the right */
    VG_CELL_MIB,    /* a number of MiB: "2 GiB", "512 MiB" */
    VG_CELL_LIST,   /* an array: its strings (or its objects' "name"), with commas */
    VG_CELL_LAST
} VgCellKind;

typedef struct {
    const char *title;  /* N_() */
    const char *member; /* of the row; "a.b" goes into an object */
    VgCellKind kind;
} VgColumn;

/* The lines, header first, each ended by a newline; "" when there are no rows. Caller frees. Control bytes become
 * '?'. */
char *vg_table_format(const VgJson *rows, const VgColumn *columns, gsize n_columns);
/* One cell, without its title; NULL when the row has no such member. Caller frees. */
char *vg_table_cell(const VgJson *row, const VgColumn *column);
