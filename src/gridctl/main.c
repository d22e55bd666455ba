/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c: gridctl, the command for what libvirt's API has no call for. Reads the command line, finds the subcommand in
 * the table, prints its text.
 */
#include "config.h"

#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "gridctl/command.h"
#include "proc/grid_xdr.h"

#define ORDER(name, usage, least, most, takes, help, order, ...)                                                       \
    {                                                                                                                  \
        name, GRID_PROC_ORDER, usage, least, most, (takes) | VG_TAKES_DRY_RUN, help, vg_cmd_order, order, {            \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

#define LIST(name, query, usage, n, takes, help, run)                                                                  \
    {                                                                                                                  \
        name, query, usage, n, n, takes, help, run, NULL, {                                                            \
            NULL                                                                                                       \
        }                                                                                                              \
    }

static const VgCommand commands[] = {
    LIST("gpus", GRID_PROC_GPUS, "", 0, 0, N_("the GPUs of the host, their group and what runs on them"), vg_cmd_gpus),
    LIST("types", GRID_PROC_TYPES, "", 0, 0, N_("the types of virtual GPU that can be had here"), vg_cmd_types),
    LIST("vgpus", GRID_PROC_VGPUS, "", 0, 0, N_("the virtual GPUs in use: who has what, where"), vg_cmd_vgpus),
    LIST("groups", GRID_PROC_CAPACITY, "", 0, 0, N_("the groups of GPUs"), vg_cmd_groups),
    LIST("capacity", GRID_PROC_CAPACITY, "[--why]", 0, VG_TAKES_WHY,
         N_("how many more of each type would find room, and why none"), vg_cmd_capacity),
    LIST("plan", GRID_PROC_PLAN, "DOMAIN", 1, 0, N_("where a guest's virtual GPUs would go now, or what is in the way"),
         vg_cmd_plan),
    LIST("watch", GRID_PROC_WATCH, "", 0, 0, N_("what changes, as it happens, until it is interrupted"), vg_cmd_watch),
    LIST("export", GRID_PROC_EXPORT, "", 0, 0, N_("all that was set, as one document"), vg_cmd_export),
    {"import domains",
     GRID_PROC_CHECK,
     "[DIR] [--dry-run]",
     0,
     1,
     VG_TAKES_DRY_RUN,
     N_("take over the definitions of libvirt's own Xen driver"),
     vg_cmd_import_domains,
     NULL,
     {NULL}},
    LIST("import", GRID_PROC_ORDER, "FILE|- [--dry-run]", 1, VG_TAKES_DRY_RUN,
         N_("set all that an exported document says"), vg_cmd_import),
    LIST("config", GRID_PROC_CONFIG, "DOMAIN", 1, 0, N_("what would be started now for a guest, as libxl's JSON"),
         vg_cmd_config),
    ORDER("group create", "GROUP [--policy P] [--any-model]", 1, 1, VG_TAKES_POLICY | VG_TAKES_ANY_MODEL,
          N_("make a group of GPUs"), "group-create", "group"),
    ORDER("group rename", "GROUP NAME", 2, 2, 0, N_("call it otherwise; guests may go on using the old name"),
          "group-rename", "group", "to"),
    ORDER("group delete", "GROUP", 1, 1, 0, N_("end a group that has no GPUs"), "group-delete", "group"),
    ORDER("group move", "GPU GROUP", 2, 2, 0, N_("put an idle GPU into a group"), "group-move", "gpu", "group"),
    ORDER("type enable", "TYPE [--gpu G | --group G]", 1, 1, VG_TAKES_GPU | VG_TAKES_GROUP, N_("let a type be started"),
          "type-enable", "type"),
    ORDER("type disable", "TYPE [--gpu G | --group G]", 1, 1, VG_TAKES_GPU | VG_TAKES_GROUP,
          N_("let a type not be started any more"), "type-disable", "type"),
    ORDER("set policy", "GROUP POLICY", 2, 2, 0, N_("how a group is filled"), "policy", "group", "policy"),
    ORDER("set mode", "GPU MODE", 2, 2, 0, N_("what may share a GPU"), "mode", "gpu", "mode"),
    ORDER("set scheduler", "GPU POLICY", 2, 2, 0, N_("says why a GPU's scheduler is not set here"), "scheduler", "gpu",
          "scheduler"),
    ORDER("set after-force-stop", "GPU nothing|reset|quarantine", 2, 2, 0,
          N_("what happens to a GPU when a guest on it was stopped by force"), "after-force-stop", "gpu", "then"),
    ORDER("set quota", "N|none [--type T] [--group G]", 1, 1, VG_TAKES_TYPE | VG_TAKES_GROUP, N_("at most so many"),
          "quota", "most"),
    ORDER("set experimental", "yes|no", 1, 1, 0, N_("may types run that nobody vouches for"), "experimental", "allow"),
    ORDER("quarantine", "GPU|all [REASON]", 1, 2, 0, N_("a GPU is not to be trusted: nothing new goes there"),
          "quarantine", "gpu", "reason"),
    ORDER("drain", "GPU|all [REASON]", 1, 2, 0, N_("a GPU is to become empty: nothing new goes there"), "drain", "gpu",
          "reason"),
    ORDER("open", "GPU|all", 1, 1, 0, N_("the end of a quarantine or a drain"), "open", "gpu"),
    ORDER("reset", "GPU [REASON]", 1, 2, 0, N_("reset a GPU as soon as it is empty; until then nothing new goes there"),
          "reset", "gpu", "reason"),
    {"rescan",
     GRID_PROC_ORDER,
     "",
     0,
     0,
     0,
     N_("look for virtual GPUs that other programs made or removed"),
     vg_cmd_order,
     "rescan",
     {NULL}},
};

typedef struct {
    VgCallOptions call;
    gboolean version;
    char *socket, *uri;
} Options;

static void options_clear(Options *o) {
    g_free(o->socket);
    g_free(o->uri);
    g_free(o->call.gpu);
    g_free(o->call.group);
    g_free(o->call.type);
    g_free(o->call.policy);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static char *summary(void) {
    GString *text = g_string_new(_("Commands:\n"));
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *form = g_strjoin(*commands[i].usage ? " " : "", commands[i].name, commands[i].usage, NULL);
        g_string_append_printf(text, "  %-40s %s\n", form, _(commands[i].help));
    }
    g_string_append(text, _("\nExit status: 0 done, 1 refused or failed, 2 wrong use."));
    return g_string_free(text, FALSE);
}

/* By one word or two; @ret_words: how many. */
static const VgCommand *find(char **words, int *ret_words) {
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        const char *space = strchr(commands[i].name, ' ');
        g_autofree char *two = words[1] ? g_strjoin(" ", words[0], words[1], NULL) : NULL;
        *ret_words = space ? 2 : 1;
        if (g_strcmp0(commands[i].name, space ? two : words[0]) == 0)
            return &commands[i];
    }
    return NULL;
}

static VgJson *ask(const VgCall *call, int query, const char *arg, GError **error) {
    g_autofree char *text = vg_target_ask(call->target, query, arg, error);
    return text ? vg_json_parse(text, strlen(text), _("the daemon's answer"), error) : NULL;
}

VgJson *vg_call_ask(const VgCall *call, const char *arg, GError **error) {
    return ask(call, call->command->query, arg, error);
}

VgJson *vg_call_ask_other(const VgCall *call, int query, GError **error) {
    return ask(call, query, NULL, error);
}

static int wrong_use(const char *message) {
    g_printerr("gridctl: %s\n%s\n", message, _("Try 'gridctl --help'."));
    return VG_EXIT_USAGE;
}

static int failed(const GError *error) {
    g_printerr("gridctl: %s\n", error->message);
    return VG_EXIT_FAILED;
}

static int run(const Options *options, const VgCommand *command, char **args) {
    g_autoptr(GError) error = NULL;
    g_auto(VgTarget) target = {0};
    if (!vg_target_resolve(options->socket, options->uri, &target, &error))
        return failed(error);
    VgCall call = {.command = command, .target = &target, .options = &options->call, .args = args};
    g_autofree char *text = command->run(&call, &error);
    if (!text)
        return failed(error);
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        g_printerr("gridctl: %s\n", _("cannot write the output"));
        return VG_EXIT_FAILED;
    }
    return VG_EXIT_OK;
}

static GOptionContext *parser(Options *options) {
    const GOptionEntry entries[] = {
        {"json", 'j', 0, G_OPTION_ARG_NONE, &options->call.json, N_("print the server's JSON"), NULL},
        {"socket", 's', 0, G_OPTION_ARG_FILENAME, &options->socket, N_("the daemon's socket"), "PATH"},
        {"connect", 'c', 0, G_OPTION_ARG_STRING, &options->uri, N_("the daemon's URI, grid:///system?socket=PATH"),
         "URI"},
        {"why", 0, 0, G_OPTION_ARG_NONE, &options->call.why, N_("say why there is no room"), NULL},
        {"gpu", 0, 0, G_OPTION_ARG_STRING, &options->call.gpu, N_("only this GPU, by address or identity"), "GPU"},
        {"group", 0, 0, G_OPTION_ARG_STRING, &options->call.group, N_("only this group of GPUs"), "GROUP"},
        {"type", 0, 0, G_OPTION_ARG_STRING, &options->call.type, N_("only this type"), "TYPE"},
        {"policy", 0, 0, G_OPTION_ARG_STRING, &options->call.policy, N_("depth-first, breadth-first, pack or numa"),
         "POLICY"},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &options->call.dry_run, N_("only say whether it could be done"), NULL},
        {"any-model", 0, 0, G_OPTION_ARG_NONE, &options->call.any_model, N_("for GPUs of any model"), NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &options->version, N_("print the version and stop"), NULL},
        {0}};
    GOptionContext *context = g_option_context_new(_("COMMAND [ARGUMENT]"));
    g_option_context_add_main_entries(context, entries, PACKAGE);
    g_autofree char *text = summary();
    g_option_context_set_summary(context, text);
    return context;
}

/* NULL, or what is wrong with the call. Caller frees. */
static char *check(const VgCommand *command, const VgCallOptions *o, int n_args) {
    if (n_args < command->least || n_args > command->most)
        return command->most ? g_strdup_printf(_("'%s' takes %s"), command->name, command->usage)
                             : g_strdup_printf(_("'%s' takes no argument"), command->name);
    const struct {
        VgTakes what;
        gboolean given;
        const char *name;
    } rows[] = {{VG_TAKES_GPU, o->gpu != NULL, "--gpu"},           {VG_TAKES_GROUP, o->group != NULL, "--group"},
                {VG_TAKES_TYPE, o->type != NULL, "--type"},        {VG_TAKES_POLICY, o->policy != NULL, "--policy"},
                {VG_TAKES_ANY_MODEL, o->any_model, "--any-model"}, {VG_TAKES_WHY, o->why, "--why"},
                {VG_TAKES_DRY_RUN, o->dry_run, "--dry-run"}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].given && !(command->takes & rows[i].what))
            return g_strdup_printf(_("'%s' takes no option %s"), command->name, rows[i].name);
    return NULL;
}

static int read_and_run(const Options *options, char **words, int n) {
    int used = 1;
    const VgCommand *command = find(words, &used);
    g_autofree char *message = NULL;
    if (!command)
        message = g_strdup_printf(_("no command '%s'"), words[0]);
    else
        message = check(command, &options->call, n - used);
    if (!message && options->socket && options->uri)
        message = g_strdup(_("give --socket or --connect, not both"));
    return message ? wrong_use(message) : run(options, command, words + used);
}

int main(int argc, char **argv) {
    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, VG_LOCALEDIR);
    textdomain(PACKAGE);

    g_autoptr(GError) error = NULL;
    g_auto(Options) options = {0};
    g_autoptr(GOptionContext) context = parser(&options);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        return wrong_use(error->message);
    if (options.version) {
        g_print("gridctl (%s) %s\n", PACKAGE, VERSION);
        return VG_EXIT_OK;
    }
    if (argc < 2)
        return wrong_use(_("no command given"));
    return read_and_run(&options, argv + 1, argc - 1);
}
