/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* names.c: looks a word up in a table. The tables are short, a walk is fastest. */
#include "config.h"
#include "base/names.h"

#include <string.h>

int vg_names_value(const VgNames *names, const char *name) {
    for (int i = 0; name != NULL && i < names->count; i++)
        if (names->names[i] != NULL && strcmp(names->names[i], name) == 0)
            return i;
    return -1;
}

const char *vg_names_name(const VgNames *names, int value) {
    return value >= 0 && value < names->count ? names->names[value] : NULL;
}
