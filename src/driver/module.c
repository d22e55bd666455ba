/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* module.c: the one symbol that the daemon knows, and the driver's own start and stop. */
#include "driver/hub.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "driver/console.h"
#include "driver/emulators.h"
#include "driver/health.h"
#include "driver/leftovers.h"
#include "driver/mdevs.h"
#include "driver/query.h"
#include "driver/real.h"
#include "driver/telemetry.h"
#include "driver/run.h"
#include "driver/save.h"
#include "driver/work.h"
#include "driver/screenshot.h"
#include "gpu/functions.h"
#include "sim/gpus.h"
#include "sim/host.h"
#include "sim/hypervisor.h"
#include "sim/kernel.h"

#define VG_AREA "driver"
#include "base/log.h"

#define DRAIN_MS 30000

/* --- autostart, once per boot of the host: vGPUs without a domain before the domains that may name them ----------- */

static void start_domains(VgDriverState *hub) {
    GHashTableIter iter;
    gpointer value;
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        VgDom *dom = value;
        if (dom->autostart && !dom->run)
            g_ptr_array_add(wanted, dom);
    }
    for (guint i = 0; i < wanted->len; i++)
        if (!vg_health_start_later(hub, g_ptr_array_index(wanted, i)))
            vg_autostart(hub, g_ptr_array_index(wanted, i));
}

static char *mark_of(const VgDriverState *hub) {
    return g_build_filename(hub->rundir, "autostarted", NULL);
}

static gboolean ran_before(const VgDriverState *hub) {
    g_autofree char *mark = mark_of(hub);
    g_autofree char *boot = NULL;
    return g_file_get_contents(mark, &boot, NULL, NULL) && g_str_equal(boot, hub->boot_id);
}

static void begin_autostarts(VgDriverState *hub) {
    g_autofree char *mark = mark_of(hub);
    g_autoptr(GError) error = NULL;
    if (hub->same_boot)
        return;
    vg_mdevs_autostart(hub, start_domains);
    if (!vg_durable_write(mark, hub->boot_id, strlen(hub->boot_id), FALSE, &error))
        vg_warn("%s", error->message);
}

/* --- the host that is driven -------------------------------------------------------------------------------------- */

static gboolean open_simulated(VgDriverState *hub, const VgDriverPaths *paths, VgGpuHost **ret_gpus, GError **error) {
    g_autoptr(VgSimHost) host = vg_sim_host_load(paths->simulate, error);
    if (!host)
        return FALSE;
    hub->xen = vg_sim_xen_new(paths->simulate, error);
    if (!hub->xen)
        return FALSE;
    *ret_gpus = vg_sim_gpus_new(paths->simulate, vg_sim_host_gpus(host), error);
    if (!*ret_gpus)
        return FALSE;
    const char *emulator = vg_emulators_program(hub); /* without one it is played, or rather left out */
    (*ret_gpus)->has_emulator = !emulator || access(emulator, X_OK) == 0;
    (*ret_gpus)->saves_vgpus = vg_json_get_bool(host->json, "saves_vgpus", FALSE);
    hub->boot_id = vg_sysroot_read((*ret_gpus)->root, VG_SIM_BOOT_ID);
    return hub->boot_id != NULL;
}

static gboolean open_gpus(VgDriverState *hub, VgGpuHost *host, const VgDriverPaths *paths, GError **error) {
    g_autofree char *config = g_build_filename(paths->sysconfdir, "gpus.json", NULL);
    g_autofree char *catalogue = g_build_filename(paths->datadir, "catalogue.json", NULL);
    g_autofree char *ledger = g_build_filename(paths->statedir, "ledger", NULL);
    g_autofree char *copy = g_build_filename(paths->statedir, "vgpuConfig.xml", NULL);
    VgGpusPaths files = {.config = config,
                         .catalogue = catalogue,
                         .ledger = ledger,
                         .vendor = paths->vendor_catalogue,
                         .vendor_copy = copy};
    hub->gpus = vg_gpus_open(host, &files, error);
    hub->functions = hub->gpus ? vg_functions_read(host, NULL) : NULL;
    return hub->gpus != NULL;
}

static gboolean make_folders(VgDriverState *hub, const VgDriverPaths *paths, GError **error) {
    return vg_durable_mkdir(hub->confdir, error) && vg_durable_mkdir(hub->statusdir, error) &&
           vg_durable_mkdir(paths->statedir, error);
}

static gboolean open_all(VgDriverState *hub, const VgDriverPaths *paths, GError **error) {
    VgGpuHost *gpu_host = NULL;
    if (!make_folders(hub, paths, error) ||
        !(paths->simulate ? open_simulated(hub, paths, &gpu_host, error) : vg_real_open(hub, &gpu_host, error)) ||
        !open_gpus(hub, gpu_host, paths, error) || !hub->xen->ops->host_info(hub->xen, &hub->info, error))
        return FALSE;
    hub->xen->event = vg_on_xen_event;
    hub->xen->event_data = hub;
    g_autofree char *index = g_build_filename(paths->statedir, "definitions", NULL);
    g_autofree char *mdevs = g_build_filename(paths->sysconfdir, "mdevs", NULL);
    vg_mdevs_load(hub, mdevs);
    hub->same_boot = ran_before(hub);
    vg_load_defs(hub, index);
    vg_save_look(hub);
    return vg_recover(hub, error);
}

/* --- start and stop ----------------------------------------------------------------------------------------------- */

static void hub_free(VgDriverState *hub) {
    if (hub->gpus)
        vg_grid_watch_end(hub);
    vg_health_end(hub);
    vg_figures_close(hub);
    vg_leftovers_end(hub);
    vg_telemetry_end(hub);
    g_clear_pointer(&hub->ledger, vg_job_queue_free);
    g_clear_pointer(&hub->asking, vg_job_queue_free);
    g_clear_pointer(&hub->mdev_queue, vg_job_queue_free);
    vg_mdevs_free(hub);
    vg_doms_clear(&hub->doms);
    if (hub->gpus)
        vg_gpus_free(hub->gpus);
    g_clear_pointer(&hub->functions, g_array_unref);
    if (hub->xen)
        hub->xen->ops->free(hub->xen);
    vg_journal_free(hub->index);
    vg_fd_clear(&hub->manager);
    vg_xen_host_info_clear(&hub->info);
    vg_emulators_end(hub);
    g_free(hub->confdir);
    g_free(hub->autodir);
    g_free(hub->statusdir);
    g_free(hub->savedir);
    g_free(hub->dumpdir);
    g_free(hub->rundir);
    g_free(hub->schema);
    g_free(hub->vfio_model);
    g_free(hub->boot_id);
    g_free(hub->hostname);
    g_free(hub);
}

static VgDriverState *driver_start(const VgHost *host, const VgDriverPaths *paths, GError **error) {
    VgDriverState *hub = g_new0(VgDriverState, 1);
    hub->host = host;
    hub->manager = -1;
    hub->simulated = paths->simulate != NULL;
    hub->confdir = g_build_filename(paths->sysconfdir, "xen", NULL);
    hub->autodir = g_build_filename(hub->confdir, "autostart", NULL);
    hub->rundir = g_strdup(paths->rundir);
    hub->statusdir = g_build_filename(paths->rundir, "xen", NULL);
    hub->savedir = g_build_filename(paths->statedir, "save", NULL);
    hub->dumpdir = g_build_filename(paths->statedir, "dump", NULL);
    hub->schema = g_build_filename(paths->datadir, "schemas", "virtgrid-domain.rng", NULL);
    hub->vfio_model = g_strdup(paths->vfio_device_model);
    hub->hostname = g_strdup(g_get_host_name());
    hub->ledger = vg_job_queue_new(VG_JOB_HOST, "ledger");
    hub->asking = vg_job_queue_new(VG_JOB_HOST, "figures");
    hub->waiting = g_array_new(FALSE, FALSE, sizeof(VgDone));
    hub->mdev_queue = vg_job_queue_new(VG_JOB_HOST, "node devices");
    vg_doms_init(&hub->doms);
    vg_leftovers_begin(hub);
    vg_emulators_begin(hub, paths);
    vg_telemetry_begin(hub);
    if (!open_all(hub, paths, error)) {
        hub_free(hub);
        return NULL;
    }
    vg_health_begin(hub);
    begin_autostarts(hub);
    return hub;
}

static void driver_stop(VgDriverState *hub) {
    hub->stopping = TRUE;
    vg_run_hurry_all(hub);
    if (!vg_job_drain(DRAIN_MS))
        vg_warn("leaving with work under way; the next start repairs what it left");
    vg_save_index(hub);
    hub_free(hub);
}

/* clang-format off */
extern const VgDriver vg_driver;
const VgDriver vg_driver = {
    .struct_size = sizeof(VgDriver),
    .abi = VG_DRIVER_ABI,
    .name = "xen",
    .schemes = (const char *const[]){"xen", "grid", NULL},
    .start = driver_start,
    .stop = driver_stop,
    .open = vg_session_open,
    .close = vg_session_close,
    .type = vg_host_type,
    .version = vg_host_version,
    .hostname = vg_host_name,
    .uri = vg_host_uri,
    .capabilities = vg_host_capabilities,
    .domain_capabilities = vg_host_domain_capabilities,
    .node_info = vg_host_node_info,
    .max_vcpus = vg_host_max_vcpus,
    .list = vg_list,
    .lookup_id = vg_lookup_id,
    .lookup_uuid = vg_lookup_uuid,
    .lookup_name = vg_lookup_name,
    .xml = vg_xml,
    .info = vg_info_of,
    .state = vg_state,
    .os_type = vg_os_type,
    .is_active = vg_is_active,
    .is_persistent = vg_is_persistent,
    .is_updated = vg_is_updated,
    .has_managed_save = vg_has_managed_save,
    .get_autostart = vg_get_autostart,
    .vcpus = vg_vcpus,
    .memory_stats = vg_memory_stats,
    .get_metadata = vg_get_metadata,
    .messages = vg_messages,
    .snapshot_num = vg_snapshot_num,
    .define = vg_define,
    .create_xml = vg_create_xml,
    .create = vg_create,
    .destroy = vg_destroy,
    .shutdown = vg_shutdown,
    .reboot = vg_reboot,
    .suspend = vg_suspend,
    .resume = vg_resume,
    .undefine = vg_undefine,
    .set_autostart = vg_set_autostart,
    .set_metadata = vg_set_metadata,
    .nodedev_list = vg_nodedev_list,
    .nodedev_exists = vg_nodedev_exists,
    .nodedev_xml = vg_nodedev_xml,
    .nodedev_parent = vg_nodedev_parent,
    .nodedev_caps = vg_nodedev_caps,
    .nodedev_is_active = vg_nodedev_is_active,
    .nodedev_is_persistent = vg_nodedev_is_persistent,
    .nodedev_get_autostart = vg_nodedev_get_autostart,
    .nodedev_create_xml = vg_nodedev_create_xml,
    .nodedev_define = vg_nodedev_define,
    .nodedev_undefine = vg_nodedev_undefine,
    .nodedev_create = vg_nodedev_create,
    .nodedev_destroy = vg_nodedev_destroy,
    .nodedev_set_autostart = vg_nodedev_set_autostart,
    .grid = vg_grid,
    .attach_device = vg_attach,
    .detach_device = vg_detach,
    .detach_alias = vg_detach_alias,
    .update_device = vg_update,
    .fresh = vg_fresh,
    .free_memory = vg_free_memory,
    .max_memory = vg_max_memory,
    .vcpu_list = vg_vcpu_list,
    .vcpu_pins = vg_vcpu_pins,
    .scheduler = vg_scheduler,
    .block_stats = vg_block_stats,
    .net_stats = vg_net_stats,
    .stats = vg_stats,
    .set_memory = vg_set_memory,
    .set_vcpus = vg_set_vcpus,
    .pin_vcpu = vg_pin_vcpu,
    .set_scheduler = vg_set_scheduler,
    .open_console = vg_open_console,
    .screenshot = vg_screenshot,
    .nodedev_order = vg_nodedev_order,
    .save = vg_save,
    .restore = vg_restore,
    .managed_save = vg_managed_save,
    .managed_save_remove = vg_managed_save_remove,
    .managed_save_xml = vg_managed_save_xml,
    .managed_save_define = vg_managed_save_define,
    .save_image_xml = vg_save_image_xml,
    .save_image_define = vg_save_image_define,
    .core_dump = vg_core_dump,
    .job_info = vg_job_info,
    .job_abort = vg_job_abort,
};
/* clang-format on */
