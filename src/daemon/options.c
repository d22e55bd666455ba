/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.c: GOption does the work; what is left is to refuse what makes no sense. */
#include "config.h"

#include "base/error.h"
#include "base/i18n.h"
#include "base/log.h"
#include "daemon/options.h"

static gboolean check(int argc, char **argv, const VgOptions *options, GError **error) {
    if (argc > 1)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("'%s' is not an option; --help lists them"), argv[1]);
    else if (options->timeout < 0)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("--timeout %d: the number of seconds cannot be negative"),
                     options->timeout);
    else if (options->log_level != 0 && (options->log_level < VG_LOG_DEBUG || options->log_level > VG_LOG_ERROR))
        vg_set_error(error, VG_ERR_INVALID_ARG,
                     _("--log-level %d: levels are 1 (debug), 2 (info), 3 (warning), 4 (error)"), options->log_level);
    else if (options->simulate != NULL && *options->simulate == '\0')
        vg_set_error(error, VG_ERR_INVALID_ARG, "%s", _("--simulate needs the name of a folder"));
    else
        return TRUE;
    return FALSE;
}

/* A daemon in the background stands in the root folder. */
static void make_absolute(char **path) {
    if (*path == NULL)
        return;
    char *absolute = g_canonicalize_filename(*path, NULL);
    g_free(*path);
    *path = absolute;
}

gboolean vg_options_parse(int *argc, char ***argv, VgOptions *ret, GError **error) {
    g_auto(VgOptions) o = {0};
    gboolean foreground = FALSE, verbose = FALSE;
    const GOptionEntry entries[] = {
        {"simulate", 0, 0, G_OPTION_ARG_FILENAME, &o.simulate,
         N_("Run a simulated Xen host with GPUs, all of it below DIR"), N_("DIR")},
        {"config", 'f', 0, G_OPTION_ARG_FILENAME, &o.config, N_("Configuration file"), N_("FILE")},
        {"foreground", 0, 0, G_OPTION_ARG_NONE, &foreground, N_("Stay in the foreground (the default)"), NULL},
        {"daemon", 'd', 0, G_OPTION_ARG_NONE, &o.daemon, N_("Go to the background once ready to be called"), NULL},
        {"pid-file", 'p', 0, G_OPTION_ARG_FILENAME, &o.pid_file, N_("Write the process id there, too"), N_("FILE")},
        {"timeout", 't', 0, G_OPTION_ARG_INT, &o.timeout, N_("Leave after so long without clients and running guests"),
         N_("SECONDS")},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, N_("Log everything, as --log-level 1"), NULL},
        {"log-level", 0, 0, G_OPTION_ARG_INT, &o.log_level,
         N_("Least level to log: 1 debug, 2 info, 3 warning, 4 error"), N_("LEVEL")},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &o.version, N_("Print the version and leave"), NULL},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_translation_domain(context, "virtgrid");
    g_option_context_set_summary(
        context, _("Serves Xen guests with virtual GPUs to libvirt's clients: xen:///system and grid:///system."));
    g_option_context_add_main_entries(context, entries, "virtgrid");
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (verbose && o.log_level == 0)
        o.log_level = VG_LOG_DEBUG;
    if (foreground && o.daemon) {
        vg_set_error(error, VG_ERR_INVALID_ARG, "%s", _("--foreground and --daemon exclude each other"));
        return FALSE;
    }
    if (!check(*argc, *argv, &o, error))
        return FALSE;
    make_absolute(&o.simulate);
    make_absolute(&o.config);
    make_absolute(&o.pid_file);
    *ret = o;
    o = (VgOptions){0};
    return TRUE;
}

void vg_options_clear(VgOptions *options) {
    g_free(options->simulate);
    g_free(options->config);
    g_free(options->pid_file);
    *options = (VgOptions){0};
}
