/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grid.c: what gridctl asks: documents of the GPU engine, and the config with which a domain would be started now. */
#include "driver/query.h"

#include "base/i18n.h"
#include "driver/network.h"
#include "driver/ports.h"
#include "driver/run.h"

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
    VgXenGpu *gpus;
    char *json;
    GError *error;
} ConfigAsk;

static void config_free(ConfigAsk *ask) {
    vg_requests_free(ask->requests, ask->n);
    if (ask->planned)
        vg_places_free(ask->planned, ask->n);
    vg_domain_free(ask->def);
    g_free(ask->gpus);
    g_free(ask->json);
    g_clear_error(&ask->error);
    g_free(ask);
}

static void config_run(gpointer data) {
    ConfigAsk *ask = data;
    VgXenBuild build = {.host = &ask->hub->info, .gpus = ask->gpus, .n_gpus = ask->gpus ? ask->n : 0};
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
    const VgPlace *places = dom->run && dom->run->claim ? vg_claim_places(dom->run->claim, &n_held) : NULL;
    if (!places || n_held != ask->n) {
        if (!vg_gpus_plan(ask->hub->gpus, ask->requests, ask->n, &ask->planned, error))
            return FALSE;
        places = ask->planned;
    }
    ask->gpus = vg_xen_gpus_of(ask->requests, places, ask->n);
    return TRUE;
}

static void config_of(VgDriverState *hub, const char *arg, VgDone done) {
    GError *error = NULL;
    VgDom *dom = dom_by_arg(hub, arg, &error);
    ConfigAsk *ask = g_new0(ConfigAsk, 1);
    ask->hub = hub;
    ask->done = done;
    ask->def = dom ? vg_dom_parse(dom, &error) : NULL;
    ask->requests = ask->def ? vg_requests_of(ask->def, &ask->n) : NULL;
    if (!ask->def || !vg_ports_choose(hub, ask->def, &error) || (ask->n > 0 && !config_places(ask, dom, &error))) {
        vg_done_error(done, error);
        config_free(ask);
        return;
    }
    vg_job_push(hub->asking, config_run, config_done, ask);
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
        text = print(vg_gpus_json_vgpus(hub->gpus));
        break;
    case VG_GRID_CAPACITY:
        text = print(vg_gpus_json_capacity(hub->gpus));
        break;
    case VG_GRID_CONFIG:
        config_of(hub, arg, done);
        return;
    default:
        vg_set_error(&error, VG_ERR_NO_SUPPORT, _("unknown query %d"), (int)what);
    }
    if (error)
        vg_done_error(done, error);
    else
        done.func(NULL, text, NULL, done.data);
}
