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

static const VgCommand commands[] = {
    {"gpus", GRID_PROC_GPUS, "", 0, N_("the GPUs of the host, their group and what runs on them"), vg_cmd_gpus},
    {"types", GRID_PROC_TYPES, "", 0, N_("the types of virtual GPU that can be had here"), vg_cmd_types},
    {"vgpus", GRID_PROC_VGPUS, "", 0, N_("the virtual GPUs in use: who has what, where"), vg_cmd_vgpus},
    {"capacity", GRID_PROC_CAPACITY, "", 0, N_("how many more virtual GPUs of each type would find room"),
     vg_cmd_capacity},
    {"config", GRID_PROC_CONFIG, "DOMAIN", 1,
     N_("what would be started now for a guest, as libxl's JSON; reserves nothing"), vg_cmd_config},
};

typedef struct {
    gboolean json, version;
    char *socket, *uri;
} Options;

static void options_clear(Options *o) {
    g_free(o->socket);
    g_free(o->uri);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static char *summary(void) {
    GString *text = g_string_new(_("Commands:\n"));
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *form = g_strjoin(*commands[i].usage ? " " : "", commands[i].name, commands[i].usage, NULL);
        g_string_append_printf(text, "  %-16s %s\n", form, _(commands[i].help));
    }
    g_string_append(text, _("\nExit status: 0 done, 1 refused or failed, 2 wrong use."));
    return g_string_free(text, FALSE);
}

static const VgCommand *find(const char *name) {
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

VgJson *vg_call_ask(const VgCall *call, const char *arg, GError **error) {
    g_autofree char *text = vg_target_ask(call->target, call->command->query, arg, error);
    return text ? vg_json_parse(text, strlen(text), _("the daemon's answer"), error) : NULL;
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
    VgCall call = {.command = command, .target = &target, .json = options->json, .args = args};
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
        {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json, N_("print the server's JSON"), NULL},
        {"socket", 's', 0, G_OPTION_ARG_FILENAME, &options->socket, N_("the daemon's socket"), "PATH"},
        {"connect", 'c', 0, G_OPTION_ARG_STRING, &options->uri, N_("the daemon's URI, grid:///system?socket=PATH"),
         "URI"},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &options->version, N_("print the version and stop"), NULL},
        {0}};
    GOptionContext *context = g_option_context_new(_("COMMAND [ARGUMENT]"));
    g_option_context_add_main_entries(context, entries, PACKAGE);
    g_autofree char *text = summary();
    g_option_context_set_summary(context, text);
    return context;
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
    const VgCommand *command = find(argv[1]);
    if (!command) {
        g_autofree char *message = g_strdup_printf(_("no command '%s'"), argv[1]);
        return wrong_use(message);
    }
    if (argc - 2 != command->n_args) {
        g_autofree char *message = command->n_args ? g_strdup_printf(_("'%s' takes %s"), command->name, command->usage)
                                                   : g_strdup_printf(_("'%s' takes no argument"), command->name);
        return wrong_use(message);
    }
    if (options.socket && options.uri)
        return wrong_use(_("give --socket or --connect, not both"));
    return run(&options, command, argv + 2);
}
