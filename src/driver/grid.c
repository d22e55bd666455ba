/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grid.c: what gridctl asks: documents of the GPU engine, and the config with which a domain would be started now. */
#include "driver/query.h"

#include "base/i18n.h"
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

static char *config_json(VgDriverState *hub, const VgDomain *def, const VgVgpuRequest *requests, const VgPlace *places,
                         gsize n, GError **error) {
    g_autofree VgXenGpu *gpus = vg_xen_gpus_of(requests, places, n);
    VgXenBuild build = {.host = &hub->info, .gpus = gpus, .n_gpus = n};
    g_autoptr(VgXenConfig) config = vg_xen_config_build(def, &build, error);
    return config ? vg_xen_config_to_json(config, error) : NULL;
}

/* With the places it has, if it runs; else with those it would get now. Nothing is reserved. */
static char *config_of(VgDriverState *hub, const char *arg, GError **error) {
    VgDom *dom = dom_by_arg(hub, arg, error);
    if (!dom)
        return NULL;
    g_autoptr(VgDomain) own = vg_dom_parse(dom, error);
    if (!own)
        return NULL;
    gsize n = 0, n_held = 0;
    VgVgpuRequest *requests = vg_requests_of(own, &n);
    VgPlace *planned = NULL;
    const VgPlace *held = dom->run && dom->run->claim ? vg_claim_places(dom->run->claim, &n_held) : NULL;
    char *json = NULL;
    if (n && held && n_held == n)
        json = config_json(hub, own, requests, held, n, error);
    else if (n == 0 || vg_gpus_plan(hub->gpus, requests, n, &planned, error))
        json = config_json(hub, own, requests, planned, n, error);
    if (planned)
        vg_places_free(planned, n);
    vg_requests_free(requests, n);
    return json;
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
        text = config_of(hub, arg, &error);
        break;
    default:
        vg_set_error(&error, VG_ERR_NO_SUPPORT, _("unknown query %d"), (int)what);
    }
    if (error)
        vg_done_error(done, error);
    else
        done.func(NULL, text, NULL, done.data);
}
