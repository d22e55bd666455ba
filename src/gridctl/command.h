/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command.h: a subcommand of gridctl: a row in the table of main.c, a function in a file of its group.
 */
#pragma once

#include <glib.h>

#include "base/json.h"
#include "gridctl/connection.h"

/* Exit codes of gridctl. */
typedef enum { VG_EXIT_OK = 0, VG_EXIT_FAILED = 1, VG_EXIT_USAGE = 2 } VgExit;

typedef struct VgCommand VgCommand;
typedef struct {
    const VgCommand *command;
    const VgTarget *target;
    gboolean json;
    char **args; /* after the subcommand; their number was checked */
} VgCall;

struct VgCommand {
    const char *name;
    int query;         /* of the grid program */
    const char *usage; /* of the arguments: "DOMAIN", or "" */
    int n_args;
    const char *help; /* N_() */
    /* The text to print, or NULL with *error. */
    char *(*run)(const VgCall *call, GError **error);
};

/* The server's document for the command's query, read. Caller frees. */
VgJson *vg_call_ask(const VgCall *call, const char *arg, GError **error);

/* list.c */
char *vg_cmd_gpus(const VgCall *call, GError **error);
char *vg_cmd_types(const VgCall *call, GError **error);
char *vg_cmd_vgpus(const VgCall *call, GError **error);
char *vg_cmd_capacity(const VgCall *call, GError **error);
/* config.c */
char *vg_cmd_config(const VgCall *call, GError **error);
