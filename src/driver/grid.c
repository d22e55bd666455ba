/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grid.c: what gridctl asks and orders: documents of the GPU engine, the config with which a domain would be started
 * now, the administrator's settings.
 */
#include "driver/query.h"

#include <string.h>

#include "base/i18n.h"
#include "driver/health.h"
#include "driver/emulators.h"
#include "driver/mdevs.h"
#include "driver/network.h"
#include "driver/ports.h"
#include "driver/run.h"
#include "driver/telemetry.h"

static char *print(VgJson *json) {
    g_autoptr(VgJson) own = json;
    return vg_json_print(own, TRUE);
}

static VgDom *dom_by_arg(VgDriverState *hub, const char *arg, GError **error) {
    VgUuid uuid;
    VgDom *dom = arg ? vg_doms_find_name(&hub->doms, arg) : NULL;
    if (!dom && arg && vg_uuid_parse(arg, &uuid))
        dom = vg_doms_find(&hub->doms, &uuid);
    if (dom && !dom->hidden)
        return dom;
    vg_set_error(error, VG_ERR_NO_DOMAIN, _("no domain with matching name '%s'"), arg ? arg : "");
    return NULL;
}

/* --- what would be started ---------------------------------------------------------------------------------------- */

/* Prepared on the main loop, translated in a job: a network's bridge may have to be asked for. */
typedef struct {
    VgDriverState *hub;
    VgDone done;
    VgDomain *def;
    VgVgpuRequest *requests;
    gsize n;
    VgPlace *planned;
    VgXenGpu *gpus; /* with the devices that it would borrow */
    gsize n_gpus;
    GPtrArray *paths; /* of gpus: a guest may end, and give back its places, while the job reads them */
    char *json;
    GError *error;
} ConfigAsk;

static void config_free(ConfigAsk *ask) {
    vg_requests_free(ask->requests, ask->n);
    if (ask->planned)
        vg_places_free(ask->planned, ask->n);
    vg_domain_free(ask->def);
    g_free(ask->gpus);
    g_clear_pointer(&ask->paths, g_ptr_array_unref);
    g_free(ask->json);
    g_clear_error(&ask->error);
    g_free(ask);
}

static void config_run(gpointer data) {
    ConfigAsk *ask = data;
    VgXenBuild build = {.host = &ask->hub->info, .gpus = ask->gpus, .n_gpus = ask->n_gpus};
    build.emulator = vg_xen_emulator_of(ask->hub, ask->gpus, ask->n_gpus);
    g_auto(VgStarter) starter = {0};
    vg_starter_take(&starter, ask->hub, &ask->def->uuid, &build);
    if (!vg_networks_resolve(ask->def, ask->hub->simulated, &ask->error))
        return;
    g_autoptr(VgXenConfig) config = vg_xen_config_build(ask->def, &build, &ask->error);
    if (config)
        ask->json = vg_xen_config_to_json(config, &ask->error);
}

static void config_done(gpointer data) {
    ConfigAsk *ask = data;
    if (ask->error)
        vg_done_error(ask->done, g_steal_pointer(&ask->error));
    else
        ask->done.func(NULL, ask->json, NULL, ask->done.data);
    config_free(ask);
}

/* With the places it has, if it runs; else with those it would get now. Nothing is reserved. */
static gboolean config_places(ConfigAsk *ask, VgDom *dom, GError **error) {
    gsize n_held = 0;
    g_autofree VgPlace *held = vg_held_places(dom->run, &n_held);
    const VgPlace *places = held;
    if (ask->n > 0 && n_held != ask->n) {
        if (!vg_gpus_plan(ask->hub->gpus, ask->requests, ask->n, &ask->planned, error))
            return FALSE;
        places = ask->planned;
    }
    g_autoptr(GPtrArray) lent = vg_mdevs_of(ask->hub, ask->def, error);
    if (!lent)
        return FALSE;
    ask->gpus = vg_xen_gpus_of(ask->def, ask->requests, places, ask->n, lent, &ask->n_gpus);
    ask->paths = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < ask->n_gpus; i++) {
        char *path = g_strdup(ask->gpus[i].vfio_path);
        g_ptr_array_add(ask->paths, path);
        ask->gpus[i].vfio_path = path;
    }
    return TRUE;
}

static void config_of(VgDriverState *hub, const char *arg, VgDone done) {
    GError *error = NULL;
    VgDom *dom = dom_by_arg(hub, arg, &error);
    ConfigAsk *ask = g_new0(ConfigAsk, 1);
    ask->hub = hub;
    ask->done = done;
    ask->def = dom ? vg_dom_parse(dom, &error) : NULL;
    ask->requests = ask->def ? vg_requests_of(&hub->info, ask->def, &ask->n) : NULL;
    if (!ask->def || !vg_ports_choose(hub, ask->def, &error) || !config_places(ask, dom, &error)) {
        vg_done_error(done, error);
        config_free(ask);
        return;
    }
    vg_job_push(hub->asking, config_run, config_done, ask);
}

/* With the places it has, if it runs; else with those it would get now, or why there are none. */
static char *plan_of(VgDriverState *hub, const char *arg, GError **error) {
    VgDom *dom = dom_by_arg(hub, arg, error);
    g_autoptr(VgDomain) own = dom ? vg_dom_parse(dom, error) : NULL;
    if (!own)
        return NULL;
    gsize n = 0, n_held = 0;
    VgVgpuRequest *requests = vg_requests_of(&hub->info, own, &n);
    g_autofree VgPlace *held = vg_held_places(dom->run, &n_held);
    VgJson *json = NULL;
    g_autoptr(GError) missing = NULL;
    g_autoptr(GPtrArray) lent = vg_mdevs_of(hub, own, &missing);
    if (!lent) {
        json = vg_json_new_object();
        vg_json_set_bool(json, "possible", FALSE);
        vg_json_set(json, "places", vg_json_new_array());
        vg_json_set_string(json, "message", missing->message);
    } else if (held || n == 0) {
        json = vg_json_new_object();
        vg_json_set_bool(json, "possible", TRUE);
        vg_json_set(json, "places", vg_gpus_json_places(held, n_held));
    } else
        json = vg_gpus_json_plan(hub->gpus, requests, n);
    vg_json_set_string(json, "domain", dom->name);
    vg_json_set_bool(json, "running", held || (dom->run && dom->run->lent));
    vg_requests_free(requests, n);
    return print(json);
}

/* --- orders: one at a time; each counts from when it is checked, and is taken back if it cannot be made durable --- */

typedef struct {
    VgDriverState *hub;
    char *text;
    VgGpusChange *change;
    gboolean keep; /* counts also when it cannot be written */
    gboolean dry;  /* only whether it could be done */
    char *answer;
    GError *error;
    VgDone done;
} Order;

static void order_free(Order *order) {
    g_clear_error(&order->error);
    g_free(order->text);
    g_free(order->answer);
    g_free(order);
}

static void write_order(gpointer data) {
    Order *order = data;
    vg_gpus_change_write(order->change, &order->error);
}

static void begin_orders(VgDriverState *hub);

static void order_written(gpointer data) {
    Order *order = data;
    VgDriverState *hub = order->hub;
    g_queue_pop_head(&hub->orders);
    order->answer = vg_gpus_change_answer(order->change);
    vg_gpus_change_end(order->change, order->error == NULL || order->keep);
    if (order->error)
        vg_done_error(order->done, g_steal_pointer(&order->error));
    else if (order->done.func)
        order->done.func(NULL, order->answer, NULL, order->done.data);
    order_free(order);
    begin_orders(hub);
    vg_health_settle(hub);
    if (hub->health) /* a mode is also its driver's */
        vg_health_look(hub, (VgDone){NULL, NULL});
}

/* It was refused, or is taken back: it was only to be seen whether it could be done. */
static void end_early(Order *order) {
    if (order->change) {
        vg_gpus_change_end(order->change, FALSE);
        order->done.func(NULL, "{}\n", NULL, order->done.data);
    } else
        vg_done_error(order->done, g_steal_pointer(&order->error));
    order_free(order);
}

/* Until one is under way, or none is left. */
static void begin_orders(VgDriverState *hub) {
    for (Order *order = g_queue_peek_head(&hub->orders); order; order = g_queue_peek_head(&hub->orders)) {
        if (order->change) /* an answer brought it here before us */
            return;
        order->change = vg_gpus_change_begin(hub->gpus, order->text, &order->error);
        if (order->change && !order->dry) {
            vg_job_push(hub->ledger, write_order, order_written, order);
            return;
        }
        g_queue_pop_head(&hub->orders);
        end_early(order);
    }
}

static void push_order(Order *order) {
    VgDriverState *hub = order->hub;
    g_queue_push_tail(&hub->orders, order);
    if (hub->orders.length == 1)
        begin_orders(hub);
}

void vg_order(VgDriverState *hub, const char *text, gboolean keep, VgDone done) {
    Order *order = g_new0(Order, 1);
    *order = (Order){.hub = hub, .text = g_strdup(text), .keep = keep, .done = done};
    push_order(order);
}

/* What is not about settings is not the engine's. */
static void take_order(VgDriverState *hub, const char *text, VgDone done) {
    g_autoptr(VgJson) order = text ? vg_json_parse(text, strlen(text), "order", NULL) : NULL;
    if (g_strcmp0(vg_json_get_string(order, "order"), "rescan") == 0)
        vg_health_look(hub, done);
    else {
        Order *own = g_new0(Order, 1);
        *own = (Order){.hub = hub, .text = g_strdup(text), .done = done};
        own->dry = vg_json_get_bool(order, "dry_run", FALSE);
        push_order(own);
    }
}

/* --- export, and what could be defined ---------------------------------------------------------------------------- */

static char *export_all(VgDriverState *hub) {
    VgJson *json = vg_json_new_object();
    vg_json_set_int(json, "virtgrid", 1);
    vg_json_set(json, "settings", vg_gpus_json_settings(hub->gpus));
    vg_json_set(json, "node_devices", vg_mdevs_json(hub));
    return print(json);
}

/* As virDomainDefineXML would, but for the defining. */
static void check_def(VgDriverState *hub, VgDomain *def, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *known = NULL;
    char uuid[VG_UUID_TEXT];
    if (vg_def_complete(hub, def, &error) && vg_doms_admit(&hub->doms, &def->uuid, def->name, &known, &error)) {
        VgJson *json = vg_json_new_object();
        vg_json_set_string(json, "name", def->name);
        vg_json_set_string(json, "uuid", vg_uuid_format(&def->uuid, uuid));
        vg_json_set_bool(json, "known", known && known->life.persistent);
        g_autofree char *text = print(json);
        done.func(NULL, text, NULL, done.data);
    } else
        vg_done_error(done, error);
    vg_domain_free(def);
}

void vg_grid(VgSession *session, VgGridQuery what, const char *arg, VgDone done) {
    VgDriverState *hub = session->hub;
    GError *error = NULL;
    g_autofree char *text = NULL;
    switch (what) {
    case VG_GRID_GPUS:
        text = print(vg_gpus_json_gpus(hub->gpus));
        break;
    case VG_GRID_TYPES:
        text = print(vg_gpus_json_types(hub->gpus));
        break;
    case VG_GRID_VGPUS:
        vg_telemetry_want(hub);
        text = print(vg_gpus_json_vgpus(hub->gpus));
        break;
    case VG_GRID_CAPACITY:
        text = print(vg_gpus_json_capacity(hub->gpus));
        break;
    case VG_GRID_CONFIG:
        config_of(hub, arg, done);
        return;
    case VG_GRID_ORDER:
        take_order(hub, arg, done);
        return;
    case VG_GRID_PLAN:
        text = plan_of(hub, arg, &error);
        break;
    case VG_GRID_EXPORT:
        text = export_all(hub);
        break;
    case VG_GRID_CHECK:
        vg_read_def(hub, arg ? arg : "", 0, FALSE, check_def, done);
        return;
    case VG_GRID_WATCH:
        vg_grid_watch(hub);
        text = g_strdup("{}\n");
        break;
    case VG_GRID_WHY:
        text = print(vg_gpus_json_why(hub->gpus));
        break;
    default:
        vg_set_error(&error, VG_ERR_NO_SUPPORT, _("unknown query %d"), (int)what);
    }
    if (error)
        vg_done_error(done, error);
    else
        done.func(NULL, text, NULL, done.data);
}
