/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c: virtgridd. Up: options, configuration, folders and lock, driver, procedures, server, sockets, ready. Down in
 * the opposite order: no new calls, what is under way ends and is answered, clients, driver. No guest is touched by
 * either.
 */
#include "config.h"

#include <errno.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define VG_AREA "daemon"
#include "base/durable.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "base/job.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/loader.h"
#include "daemon/lock.h"

#define VENDOR_CATALOGUE "/usr/share/nvidia/vgpu/vgpuConfig.xml" /* where NVIDIA's host software puts it */

enum { EXIT_USAGE = 2, DRAIN_MS = 30 * 1000 };

/* --- what the driver tells ---------------------------------------------------------------------------------------- */

static void on_event(const VgHost *host, const VgEvent *event) {
    VgDaemon *daemon = (VgDaemon *)host;
    if (daemon->server != NULL)
        vg_proc_event(daemon->proc, event);
}

static void on_nodedev_event(const VgHost *host, const VgNodedevEvent *event) {
    VgDaemon *daemon = (VgDaemon *)host;
    if (daemon->server != NULL)
        vg_proc_nodedev_event(daemon->proc, event);
}

static gboolean on_grid_event(const VgHost *host, const char *json) {
    VgDaemon *daemon = (VgDaemon *)host;
    return daemon->server != NULL && vg_proc_grid_event(daemon->proc, json);
}

static void on_busy(const VgHost *host, guint guests) {
    VgDaemon *daemon = (VgDaemon *)host;
    daemon->guests = guests;
}

static void on_awake(const VgHost *host, gboolean wanted) {
    VgDaemon *daemon = (VgDaemon *)host;
    if (daemon->inhibit != NULL)
        vg_inhibit_set(daemon->inhibit, wanted);
}

/* --- signals and time --------------------------------------------------------------------------------------------- */

static gboolean on_stop(gpointer data) {
    VgDaemon *daemon = data;
    if (daemon->stopping) {
        vg_warn("asked a second time to stop: leaving at once");
        _exit(EXIT_FAILURE);
    }
    daemon->stopping = TRUE;
    g_main_loop_quit(daemon->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_hup(gpointer data) {
    VgDaemon *daemon = data;
    g_auto(VgConfig) fresh = {0};
    g_autoptr(GError) error = NULL;
    vg_config_init(&fresh);
    if (!vg_config_load(&fresh, daemon->config_path, FALSE, &error))
        vg_warn("configuration not read again: %s", error->message);
    else if (daemon->options.log_level == 0)
        vg_log_set_level((VgLogLevel)fresh.log_level);
    return G_SOURCE_CONTINUE;
}

static gboolean on_second(gpointer data) {
    VgDaemon *daemon = data;
    if (daemon->guests > 0 || vg_server_clients(daemon->server) > 0)
        daemon->idle_seconds = 0;
    else if (++daemon->idle_seconds >= (guint)daemon->options.timeout) {
        vg_info("nobody needed us for %d s: leaving", daemon->options.timeout);
        daemon->stopping = TRUE;
        g_main_loop_quit(daemon->loop);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

/* --- up ----------------------------------------------------------------------------------------------------------- */

static gboolean load_config(VgDaemon *daemon, GError **error) {
    const VgOptions *o = &daemon->options;
    daemon->config_path =
        o->config != NULL ? g_strdup(o->config) : g_build_filename(daemon->sysconfdir, "virtgridd.conf", NULL);
    vg_config_init(&daemon->config);
    if (!vg_config_load(&daemon->config, daemon->config_path, o->config != NULL, error))
        return FALSE;
    vg_log_set_level((VgLogLevel)(o->log_level != 0 ? o->log_level : daemon->config.log_level));
    return TRUE;
}

static void choose_folders(VgDaemon *daemon) {
    const char *dir = daemon->options.simulate;
    daemon->datadir = vg_loader_data_dir();
    daemon->libexecdir = vg_loader_program_dir();
    daemon->sysconfdir = dir != NULL ? g_build_filename(dir, "etc", NULL) : g_strdup(VG_SYSCONFDIR "/virtgrid");
    daemon->statedir = dir != NULL ? g_build_filename(dir, "state", NULL) : g_strdup(VG_STATEDIR);
    daemon->rundir = dir != NULL ? g_build_filename(dir, "run", NULL) : g_strdup(VG_RUNDIR);
}

static gboolean check_real_host(GError **error) {
    if (access("/proc/xen/capabilities", F_OK) == 0)
        return TRUE;
    vg_set_error(error, VG_ERR_NO_CONNECT, "%s",
                 _("this machine does not run Xen (there is no /proc/xen/capabilities): boot it under Xen, or try "
                   "virtgrid on a simulated host with --simulate DIR"));
    return FALSE;
}

/* libvirt's own folder is everybody's to pass through, whatever our mask. */
static gboolean make_socket_folder(const char *path, GError **error) {
    mode_t mask = umask(022);
    int r = g_mkdir_with_parents(path, 0755);
    umask(mask);
    if (r < 0)
        vg_set_errno(error, errno, _("cannot make the folder '%s'"), path);
    return r == 0;
}

static gboolean make_folders(VgDaemon *daemon, GError **error) {
    const char *dir = daemon->options.simulate;
    daemon->socketdir = g_strdup(dir != NULL ? daemon->rundir : daemon->config.socket_dir);
    const char *const folders[] = {daemon->sysconfdir, daemon->statedir, daemon->rundir};
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
        if (!vg_durable_mkdir(folders[i], error))
            return FALSE;
    if (dir == NULL && !make_socket_folder(daemon->socketdir, error))
        return FALSE;
    g_autofree char *lock = g_build_filename(daemon->rundir, "virtgridd.pid", NULL);
    daemon->lock = vg_lock_take(lock, error);
    if (daemon->lock < 0)
        return FALSE;
    /* Only now: until the lock is ours, the file may be that of the daemon that has it. */
    daemon->pid_file_is_ours = daemon->options.pid_file != NULL;
    return !daemon->pid_file_is_ours || vg_lock_write_pid(daemon->options.pid_file, error);
}

static gboolean start_driver(VgDaemon *daemon, GError **error) {
    const char *dir = daemon->options.simulate;
    if (daemon->config.vendor_catalogue == NULL) /* a simulated host has one of its own, if any */
        daemon->config.vendor_catalogue =
            dir != NULL ? g_build_filename(dir, "vgpuConfig.xml", NULL) : g_strdup(VENDOR_CATALOGUE);
    const VgDriverPaths paths = {
        .simulate = daemon->options.simulate,
        .sysconfdir = daemon->sysconfdir,
        .statedir = daemon->statedir,
        .rundir = daemon->rundir,
        .datadir = daemon->datadir,
        .vendor_catalogue = daemon->config.vendor_catalogue,
        .vfio_device_model = daemon->config.vfio_device_model,
        .libexecdir = daemon->libexecdir,
        .emulator = daemon->config.emulator,
        .device_model = daemon->config.device_model,
        .emulator_start_s = daemon->config.emulator_start_s,
        .emulator_ready_s = daemon->config.emulator_ready_s,
        .emulator_stop_s = daemon->config.emulator_stop_s,
    };
    daemon->host = (VgHost){.struct_size = sizeof(VgHost),
                            .event = on_event,
                            .busy = on_busy,
                            .nodedev_event = on_nodedev_event,
                            .grid_event = on_grid_event,
                            .awake = on_awake};
    /* A bus that is named to a simulated host is that of its machine. */
    if (dir == NULL || g_getenv("DBUS_SYSTEM_BUS_ADDRESS") != NULL)
        daemon->inhibit = vg_inhibit_new();
    daemon->state = daemon->driver.start(&daemon->host, &paths, error);
    if (daemon->state != NULL)
        return TRUE;
    if (daemon->options.simulate == NULL)
        g_prefix_error(error, "%s", _("Xen cannot be driven (--simulate DIR needs none): "));
    return FALSE;
}

/* Before anybody can connect: whoever got an answer may also end us properly. */
static void watch_signals(VgDaemon *daemon) {
    daemon->loop = g_main_loop_new(NULL, FALSE);
    g_unix_signal_add(SIGTERM, on_stop, daemon);
    g_unix_signal_add(SIGINT, on_stop, daemon);
    g_unix_signal_add(SIGHUP, on_hup, daemon);
}

/* A simulated host has no machine around it, unless it is told of one. */
static const char *libvirt_dir(const VgDaemon *daemon) {
    const char *dir = daemon->config.libvirt_dir;
    return dir != NULL ? dir : daemon->options.simulate != NULL ? "" : VG_SOCKETDIR;
}

static gboolean start(VgDaemon *daemon, GError **error) {
    if (daemon->options.simulate == NULL && !check_real_host(error))
        return FALSE;
    if (!vg_loader_load("xen", &daemon->driver, error) || !make_folders(daemon, error) || !start_driver(daemon, error))
        return FALSE;
    daemon->proc = vg_proc_new(&daemon->driver, daemon->state);
    daemon->forward = vg_forward_new(libvirt_dir(daemon), vg_proc_handler(), daemon->proc);
    daemon->server = vg_server_new(&daemon->config.limits, vg_forward_handler(), daemon->forward);
    vg_server_poll_directly(daemon->server);
    watch_signals(daemon);
    return vg_sockets_listen(daemon, error);
}

/* --- down --------------------------------------------------------------------------------------------------------- */

static void stop(VgDaemon *daemon) {
    daemon->stopping = TRUE;
    sd_notify(FALSE, "STOPPING=1");
    if (daemon->server != NULL)
        vg_server_stop_accepting(daemon->server);
    if (!vg_job_drain(DRAIN_MS))
        vg_warn("some calls did not end in %d s: their clients get no answer", DRAIN_MS / 1000);
    g_clear_pointer(&daemon->server, vg_server_free);
    g_clear_pointer(&daemon->forward, vg_forward_free);
    if (daemon->state != NULL)
        daemon->driver.stop(daemon->state);
    g_clear_pointer(&daemon->proc, vg_proc_free);
    g_clear_pointer(&daemon->inhibit, vg_inhibit_free);
    if (daemon->pid_file_is_ours)
        unlink(daemon->options.pid_file);
}

static void clear(VgDaemon *daemon) {
    vg_options_clear(&daemon->options);
    vg_config_clear(&daemon->config);
    char *const texts[] = {daemon->config_path, daemon->sysconfdir, daemon->statedir,
                           daemon->rundir,      daemon->datadir,    daemon->libexecdir,
                           daemon->socketdir};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_clear_pointer(&daemon->loop, g_main_loop_unref);
    vg_fd_clear(&daemon->lock);
}

/* --- the process -------------------------------------------------------------------------------------------------- */

static void prepare_process(void) {
    struct rlimit files;
    umask(077); /* sockets and pid files say themselves who else may */
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    vg_fault_init();
}

static void run(VgDaemon *daemon, int ready) {
    if (daemon->options.timeout > 0)
        g_timeout_add_seconds(1, on_second, daemon);
    vg_info("virtgridd %s is ready on %s/virtxend-sock", PACKAGE_VERSION, daemon->socketdir);
    sd_notify(FALSE, "READY=1");
    if (ready >= 0) {
        g_autofree char *log = g_build_filename(daemon->rundir, "virtgridd.log", NULL);
        vg_background_ready(ready, log);
    }
    g_main_loop_run(daemon->loop);
    vg_info("virtgridd stops; guests run on");
}

static int complain(const GError *error, int status) {
    g_printerr("virtgridd: %s\n", error->message);
    return status;
}

static int serve(VgDaemon *daemon) {
    g_autoptr(GError) error = NULL;
    int ready = -1;
    choose_folders(daemon);
    if (!load_config(daemon, &error))
        return complain(error, EXIT_FAILURE);
    if (daemon->options.daemon && (ready = vg_background_fork(&error)) < 0)
        return complain(error, EXIT_FAILURE);
    prepare_process();
    gboolean ok = start(daemon, &error);
    int status = ok ? EXIT_SUCCESS : complain(error, EXIT_FAILURE);
    if (ok)
        run(daemon, ready);
    stop(daemon);
    return status;
}

int main(int argc, char **argv) {
    VgDaemon daemon = {.lock = -1};
    g_autoptr(GError) error = NULL;
    setlocale(LC_ALL, "");
    bindtextdomain("virtgrid", VG_LOCALEDIR);
    bind_textdomain_codeset("virtgrid", "UTF-8");
    g_set_prgname("virtgridd");
    if (!vg_options_parse(&argc, &argv, &daemon.options, &error))
        return complain(error, EXIT_USAGE);
    if (daemon.options.version) {
        g_print("virtgridd %s\n", PACKAGE_VERSION);
        vg_options_clear(&daemon.options);
        return EXIT_SUCCESS;
    }
    int status = serve(&daemon);
    clear(&daemon);
    return status;
}
