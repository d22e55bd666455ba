/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * names.h: enum <-> string tables. A table is a `static const char *const x[]` with one name per enum value in order;
 * VG_NAMES() checks at compile time that no value lacks its name.
 */
#pragma once

#include <glib.h>

typedef struct {
    const char *const *names; /* names[value]; an entry may be NULL: the value has no name */
    int count;
} VgNames;

/* VG_NAMES(vg_bus_names, VG_BUS_LAST, "ide", "scsi", ...) */
#define VG_NAMES(table, last, ...)                                                                                     \
    static const char *const table##_list[] = {__VA_ARGS__};                                                           \
    G_STATIC_ASSERT(G_N_ELEMENTS(table##_list) == (last));                                                             \
    const VgNames table = {table##_list, (last)}

/* The value of @name, or -1; NULL has none. */
int vg_names_value(const VgNames *names, const char *name);
/* The name of @value, or NULL. */
const char *vg_names_name(const VgNames *names, int value);
