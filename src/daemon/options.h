/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.h: the command line of virtgridd. */
#pragma once

#include <glib.h>

typedef struct {
    /* Paths are absolute, without a slash at the end. */
    char *simulate; /* NULL: a real host */
    char *config;   /* NULL: the usual place */
    char *pid_file;
    gboolean daemon;
    int timeout;      /* seconds without clients and guests after which to leave; 0: never */
    int log_level;    /* a VgLogLevel; 0: not given */
    gboolean version; /* print it and leave */
} VgOptions;

/* What --help says names every option. Errors: G_OPTION_ERROR or INVALID_ARG, one line for the terminal. */
gboolean vg_options_parse(int *argc, char ***argv, VgOptions *ret, GError **error);
void vg_options_clear(VgOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgOptions, vg_options_clear)
