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

/* Options that only some commands take; a command names those it does. */
typedef enum {
    VG_TAKES_GPU = 1 << 0,
    VG_TAKES_GROUP = 1 << 1,
    VG_TAKES_TYPE = 1 << 2,
    VG_TAKES_POLICY = 1 << 3,
    VG_TAKES_ANY_MODEL = 1 << 4,
    VG_TAKES_WHY = 1 << 5,
    VG_TAKES_DRY_RUN = 1 << 6
} VgTakes;

typedef struct {
    gboolean json, any_model, why, dry_run;
    char *gpu, *group, *type, *policy;
} VgCallOptions;

typedef struct VgCommand VgCommand;
typedef struct {
    const VgCommand *command;
    const VgTarget *target;
    const VgCallOptions *options;
    char **args; /* after the subcommand; their number was checked; ends with NULL */
} VgCall;

struct VgCommand {
    const char *name;  /* one word or two */
    int query;         /* of the grid program */
    const char *usage; /* of the arguments and options: "DOMAIN", or "" */
    int least, most;   /* arguments */
    guint takes;       /* VgTakes */
    const char *help;  /* N_() */
    /* The text to print, or NULL with *error. */
    char *(*run)(const VgCall *call, GError **error);
    const char *order;      /* vg_cmd_order: its name, */
    const char *members[3]; /* and what its arguments are called in the document */
};

/* The server's document for the command's query (or another one), read. Caller frees. */
VgJson *vg_call_ask(const VgCall *call, const char *arg, GError **error);
VgJson *vg_call_ask_other(const VgCall *call, int query, GError **error);

/* list.c */
char *vg_cmd_gpus(const VgCall *call, GError **error);
char *vg_cmd_types(const VgCall *call, GError **error);
char *vg_cmd_vgpus(const VgCall *call, GError **error);
char *vg_cmd_capacity(const VgCall *call, GError **error);
char *vg_cmd_groups(const VgCall *call, GError **error);
/* config.c */
char *vg_cmd_config(const VgCall *call, GError **error);
/* order.c */
char *vg_cmd_order(const VgCall *call, GError **error);
/* import.c */
char *vg_cmd_export(const VgCall *call, GError **error);
char *vg_cmd_import(const VgCall *call, GError **error);
char *vg_cmd_import_domains(const VgCall *call, GError **error);
/* watch.c */
char *vg_cmd_watch(const VgCall *call, GError **error);
/* plan.c */
char *vg_cmd_plan(const VgCall *call, GError **error);
