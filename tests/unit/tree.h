/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tree.h: a host from a file of tests/data/sysroots/ (README there), with the reactions that it tells. */
#pragma once

#include "gpu/host.h"

typedef struct {
    VgGpuHost host; /* can do whatever a back end needs */
    char *dir;
    char **life;     /* "TYPE", "NAME=VALUE", …; NULL: none */
    GPtrArray *when; /* of what it reacts to */
    GString *writes; /* every write, one a line */
} Tree;

/* @name with ".tree". */
Tree *tree_new(const char *name);
/* Also as the host's own. */
void tree_free(Tree *tree);
/* Names of all of them, sorted. g_strfreev. */
char **tree_names(void);
