/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * recover.c: start-up. What is on disk, what Xen runs and what the ledger says are put together again:
 *
 *     status recorded, domain runs with its token     adopted; unpaused if the start had not come so far
 *     intent only, domain with its token or nameless  half-made: destroyed
 *     a token of ours and no status at all            adopted if there is a definition (the status was lost, not the
 *                                                     guest), else shown
 *     being saved, stands still, its file has a name  it is saved: destroyed; else it goes on, and the file goes
 *     no token                                        of other hands: shown, left alone
 *     status, but no such domain                      it ended while nobody looked: shut off
 *     a device on its way in or out                   taken away
 *     a display emulator whose guest is gone          ended
 *     PCI devices of a guest that is gone             given back to the host's drivers
 *     a claim whose owner does not run                removed, forgotten, released
 *     a claim of a node device                        kept, unless the host was started anew or the device is gone
 *
 * Nothing is told to clients: none is there yet.
 */
#include "driver/hub.h"

#include <errno.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "driver/emulators.h"
#include "driver/leftovers.h"
#include "driver/mdevs.h"
#include "driver/pcidevs.h"
#include "driver/run.h"
#include "driver/state.h"

#define VG_AREA "driver"
#include "base/log.h"

/* --- guests ------------------------------------------------------------------------------------------------------- */

static const char *os_of(const VgXenDomain *xd) {
    if (g_strcmp0(xd->kind, "hvm") == 0)
        return "<type arch='x86_64' machine='xenfv'>hvm</type>";
    if (g_strcmp0(xd->kind, "pvh") == 0)
        return "<type arch='x86_64' machine='xenpvh'>xenpvh</type>";
    return "<type arch='x86_64' machine='xenpv'>linux</type>";
}

static VgDomain *foreign_def(const VgXenDomain *xd) {
    char uuid[VG_UUID_TEXT];
    gboolean dom0 = xd->domid == 0;
    g_autofree char *name = g_markup_escape_text(dom0 ? "Domain-0" : xd->name ? xd->name : "", -1);
    g_autofree char *xml =
        g_strdup_printf("<domain type='xen' id='%u'><name>%s</name><uuid>%s</uuid>"
                        "<memory unit='KiB'>%" G_GUINT64_FORMAT "</memory>"
                        "<currentMemory unit='KiB'>%" G_GUINT64_FORMAT "</currentMemory>"
                        "<vcpu>%u</vcpu><os>%s</os></domain>",
                        xd->domid, name, vg_uuid_format(&xd->uuid, uuid), MAX(xd->max_mem_kib, xd->mem_kib),
                        xd->mem_kib, MAX(xd->vcpus, 1), os_of(xd));
    g_autoptr(GError) error = NULL;
    VgDomain *def = vg_domain_parse(xml, 0, &error);
    if (!def) {
        vg_warn("domain %u of other hands cannot be shown: %s", xd->domid, error->message);
        return NULL;
    }
    def->uuid = xd->uuid; /* domain 0 has none but zeros, which a client's XML may not have */
    return def;
}

static void take_figures(VgRun *run, const VgXenDomain *xd) {
    run->mem_kib = xd->mem_kib;
    run->max_mem_kib = xd->max_mem_kib;
    run->cpu_ns = xd->cpu_ns;
    run->vcpus = xd->vcpus;
}

static void show_as_running(VgDom *dom, gboolean paused) {
    dom->life.phase = paused ? VG_LIFE_PAUSED : VG_LIFE_RUNNING;
    dom->life.reason = paused ? VG_PAUSED_UNKNOWN : VG_RUNNING_UNKNOWN;
}

void vg_adopt_foreign(VgDriverState *hub, const VgXenDomain *xd) {
    g_autoptr(GError) error = NULL;
    VgDom *dom = NULL;
    if (vg_doms_find_id(&hub->doms, (int)xd->domid))
        return;
    VgDomain *def = foreign_def(xd);
    if (!def)
        return;
    if (!vg_doms_admit(&hub->doms, &def->uuid, def->name, &dom, &error) || (dom && dom->run)) {
        vg_warn("domain %u of other hands is not shown: %s", xd->domid,
                error ? error->message : "its name and uuid are taken");
        vg_domain_free(def);
        return;
    }
    if (!dom)
        dom = vg_doms_add_def(&hub->doms, def, xd->domid == 0);
    dom->life.on_poweroff = dom->life.on_reboot = dom->life.on_crash = VG_LIFE_PRESERVE; /* whoever made it decides */
    dom->run = vg_run_new(hub, dom, def, FALSE);
    dom->run->foreign = TRUE;
    vg_run_adopt(dom->run, xd->domid);
    take_figures(dom->run, xd);
    show_as_running(dom, xd->run == VG_XEN_PAUSED);
    vg_run_up(dom->run);
}

/* The domain of a live status, if it may join the list. */
static VgDom *dom_of_status(VgDriverState *hub, const VgDomain *def) {
    g_autoptr(GError) error = NULL;
    VgDom *dom = NULL;
    if (!vg_doms_admit(&hub->doms, &def->uuid, def->name, &dom, &error)) {
        vg_warn("a running guest cannot be taken over: %s", error->message);
        return NULL;
    }
    return dom ? dom : vg_doms_add_def(&hub->doms, def, FALSE);
}

static gboolean stands_saved(const VgXenDomain *xd) {
    return xd->run == VG_XEN_SHUTDOWN && xd->reason == VG_XEN_SUSPEND;
}

/* The save had come so far that the file counts. */
static gboolean is_saved(const VgStatus *status, const VgXenDomain *xd) {
    return status->saving && stands_saved(xd) && access(status->saving, F_OK) != 0;
}

/* It had not: first the guest, then the file, by which the next to come here would know. */
static void undo_save(VgDriverState *hub, VgRun *run, const VgStatus *status, const VgXenDomain *xd) {
    g_autoptr(GError) error = NULL;
    if (stands_saved(xd) && !hub->xen->ops->resume(hub->xen, xd->domid, &error)) {
        vg_warn("'%s' was being saved and does not go on: %s", status->name, error->message);
        return;
    }
    if (vg_fault("driver.recover.save") || (unlink(status->saving) < 0 && errno != ENOENT))
        vg_warn("%s stays, the beginning of a save", status->saving);
    else if (!vg_run_write_status(run, &error))
        vg_warn("%s", error->message);
}

/* It came out of its managed save, which must not be there when it runs. */
static gboolean forget_image(VgDom *dom, const VgStatus *status) {
    g_autoptr(GError) error = NULL;
    if (!status->image)
        return TRUE;
    if (vg_fault("driver.recover.image") || !vg_save_drop(status->image, &error)) {
        vg_warn("'%s' stays paused, because the save it comes from would stay: %s", status->name,
                error ? error->message : "told to fail");
        return FALSE;
    }
    dom->saved = FALSE;
    return TRUE;
}

static gboolean adopt(VgDriverState *hub, const VgStatus *status, const VgXenDomain *xd) {
    g_autoptr(GError) error = NULL;
    VgDomain *def = vg_domain_parse(status->xml, 0, &error);
    VgDom *dom = def ? dom_of_status(hub, def) : NULL;
    if (!dom) {
        if (error)
            vg_warn("live status of '%s': %s", status->name, error->message);
        vg_domain_free(def);
        return FALSE;
    }
    vg_life_take_def(&dom->life, def);
    dom->run = vg_run_new(hub, dom, def, status->paused);
    g_strlcpy(dom->run->token, status->token, sizeof(dom->run->token));
    vg_run_adopt(dom->run, xd->domid);
    vg_live_fill_terminals(dom->run);
    take_figures(dom->run, xd);
    dom->run->pcidevs = g_strdupv(status->pcidevs);
    if (status->device)
        vg_plug_repair(dom->run, status->device, status->medium);
    dom->run->unsaved = status->saving != NULL;
    if (status->saving)
        undo_save(hub, dom->run, status, xd);
    gboolean paused = xd->run == VG_XEN_PAUSED, goes_on = paused && !status->paused;
    gboolean allowed = vg_emulators_allow(dom->run, goes_on);
    if (goes_on && allowed && forget_image(dom, status) && !vg_fault("driver.recover.unpause")) {
        if (!hub->xen->ops->unpause(hub->xen, xd->domid, &error))
            vg_warn("the start of '%s' could not be finished: %s", status->name, error->message);
        paused = error != NULL;
    }
    show_as_running(dom, paused);
    dom->life.reason = paused ? VG_PAUSED_USER : VG_RUNNING_BOOTED;
    vg_run_up(dom->run);
    return TRUE;
}

/* Its status was lost, but there is a definition, and the token says that it was ours. */
static gboolean adopt_without_status(VgDriverState *hub, const VgXenDomain *xd) {
    VgDom *dom = vg_doms_find(&hub->doms, &xd->uuid);
    if (!dom || dom->run || !dom->xml)
        return FALSE;
    g_autoptr(VgDomain) def = vg_dom_parse(dom, NULL);
    if (!def)
        return FALSE;
    def->id = (int)xd->domid;
    for (gsize i = 0; i < def->n_graphics; i++)
        if (def->graphics[i]->type == VG_GRAPHICS_VNC && def->graphics[i]->autoport == VG_TRISTATE_YES)
            def->graphics[i]->port = hub->xen->ops->vnc_port(hub->xen, xd->domid);
    g_autofree char *xml = vg_domain_format(def, VG_XML_SECURE);
    VgStatus status = {.uuid = xd->uuid,
                       .name = dom->name,
                       .boot = hub->boot_id,
                       .token = xd->token,
                       .recorded = TRUE,
                       .xml = xml,
                       .paused = xd->run == VG_XEN_PAUSED,
                       .domid = (int)xd->domid};
    vg_warn("the live status of '%s' was lost; it is taken over as its definition says", dom->name);
    vg_status_write(hub->statusdir, &status, NULL);
    return adopt(hub, &status, xd);
}

static void destroy_half_made(VgDriverState *hub, const VgXenDomain *xd) {
    g_autoptr(GError) error = NULL;
    vg_info("destroying domain %u ('%s'), whose start or save did not come to its end", xd->domid,
            xd->name ? xd->name : "");
    vg_emulators_drop(hub, &xd->uuid);
    if (vg_fault("driver.recover.destroy") || !hub->xen->ops->destroy(hub->xen, xd->domid, &error))
        vg_warn("domain %u would not go: %s", xd->domid, error ? error->message : "told to fail");
}

static const VgStatus *status_of(const VgStatus *all, gsize n, const VgUuid *uuid) {
    for (gsize i = 0; i < n; i++)
        if (vg_uuid_equal(&all[i].uuid, uuid))
            return &all[i];
    return NULL;
}

/* By its token; or, before it had one, by the intent with its UUID and by having no name yet either. */
static gboolean is_ours(const VgStatus *status, const VgXenDomain *xd) {
    if (!status)
        return FALSE;
    if (xd->token)
        return g_strcmp0(status->token, xd->token) == 0;
    gboolean other = !status->recorded || status->domid != (int)xd->domid;
    return other && !(xd->name && *xd->name);
}

static void take_domain(VgDriverState *hub, const VgStatus *all, gsize n, const VgXenDomain *xd) {
    const VgStatus *status = status_of(all, n, &xd->uuid);
    gboolean ours = is_ours(status, xd);
    if (xd->run == VG_XEN_DYING)
        return;
    if (ours && (!status->recorded || status->domid != (int)xd->domid || is_saved(status, xd)))
        destroy_half_made(hub, xd);
    else if (ours && adopt(hub, status, xd))
        return;
    else if (!ours && xd->token && adopt_without_status(hub, xd))
        return;
    else
        vg_adopt_foreign(hub, xd);
}

/* A guest that ended while nobody looked is treated as if it ended now. */
static void feed_end(VgDriverState *hub, const VgXenDomain *xd) {
    if (xd->run != VG_XEN_SHUTDOWN)
        return;
    VgXenEvent event = {.kind = VG_XEN_EVENT_SHUTDOWN, .domid = xd->domid, .uuid = xd->uuid, .reason = xd->reason};
    vg_on_xen_event(&event, hub);
}

static void drop_stale_status(VgDriverState *hub, const VgStatus *status) {
    g_autoptr(GError) error = NULL;
    VgDom *dom = vg_doms_find(&hub->doms, &status->uuid);
    if (dom && dom->run)
        return;
    if (g_strcmp0(status->boot, hub->boot_id) == 0)
        vg_pcidevs_repair(hub, status->pcidevs);
    if (status->saving)
        unlink(status->saving);
    if (vg_fault("driver.recover.status") || !vg_status_remove(hub->statusdir, &status->uuid, &error))
        vg_warn("live status of '%s' stays: %s", status->name, error ? error->message : "told to fail");
}

/* --- claims ------------------------------------------------------------------------------------------------------- */

static void take_claims(VgDriverState *hub) {
    gsize n = 0;
    g_autofree VgClaim **claims = vg_gpus_claims(hub->gpus, &n);
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        if (vg_claim_is_node_device(claims[i])) {
            vg_mdevs_adopt(hub, claims[i]);
            continue;
        }
        VgDom *dom = vg_doms_find(&hub->doms, vg_claim_owner(claims[i]));
        if (dom && dom->run) {
            g_ptr_array_add(dom->run->claims, claims[i]);
            dom->run->shown = TRUE;
            continue;
        }
        vg_pcidevs_free_claim(hub, claims[i]);
        if (vg_leftovers_drop_claim(hub, claims[i], &error))
            vg_gpus_release(claims[i]);
        else
            vg_leftovers_add_claim(hub, claims[i], error ? error->message : NULL);
    }
}

/* A guest that runs has what it has borrowed. */
static void lend_again(VgDriverState *hub) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        g_autoptr(GError) error = NULL;
        const VgDom *dom = value;
        if (dom->run && !dom->run->foreign && !vg_mdevs_lend(dom->run, &error))
            vg_warn("domain '%s' runs, but not with all that it has borrowed: %s", dom->name, error->message);
    }
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

gboolean vg_recover(VgDriverState *hub, GError **error) {
    VgXenDomain *doms = NULL;
    gsize n_doms = 0, n_all = 0;
    if (!hub->xen->ops->list(hub->xen, &doms, &n_doms, error))
        return FALSE;
    VgStatus *all = vg_status_read_all(hub->statusdir, &n_all);
    for (gsize i = 0; i < n_all; i++)
        if (g_strcmp0(all[i].boot, hub->boot_id) != 0)
            all[i].recorded = FALSE;
    for (gsize i = 0; i < n_doms; i++)
        take_domain(hub, all, n_all, &doms[i]);
    for (gsize i = 0; i < n_all; i++)
        drop_stale_status(hub, &all[i]);
    vg_emulators_repair(hub);
    take_claims(hub);
    lend_again(hub);
    for (gsize i = 0; i < n_doms; i++)
        feed_end(hub, &doms[i]);
    vg_status_free_all(all, n_all);
    vg_xen_domains_free(doms, n_doms);
    return TRUE;
}
