/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stats.c: figures of many domains in one answer. Names and texts are borrowed or made once for ever: a thousand
 * domains are tens of thousands of parameters, and no string of theirs is copied.
 */
#include "driver/query.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "base/i18n.h"
#include "driver/affect.h"
#include "driver/run.h"

#define KIB 1024u

/* --- names with a number in them ---------------------------------------------------------------------------------- */

typedef enum {
    VCPU_STATE,
    VCPU_TIME,
    NET_NAME,
    NET_RX_BYTES,
    NET_RX_PKTS,
    NET_RX_ERRS,
    NET_RX_DROP,
    NET_TX_BYTES,
    NET_TX_PKTS,
    NET_TX_ERRS,
    NET_TX_DROP,
    BLOCK_NAME,
    BLOCK_PATH,
    BLOCK_RD_REQS,
    BLOCK_RD_BYTES,
    BLOCK_WR_REQS,
    BLOCK_WR_BYTES,
    VGPU_UUID,
    VGPU_TYPE,
    VGPU_GPU,
    VGPU_BACKEND,
    VGPU_FRAMEBUFFER,
    N_NAMES
} Name;

static const char *const patterns[N_NAMES] = {
    [VCPU_STATE] = "vcpu.%u.state",
    [VCPU_TIME] = "vcpu.%u.time",
    [NET_NAME] = "net.%u.name",
    [NET_RX_BYTES] = "net.%u.rx.bytes",
    [NET_RX_PKTS] = "net.%u.rx.pkts",
    [NET_RX_ERRS] = "net.%u.rx.errs",
    [NET_RX_DROP] = "net.%u.rx.drop",
    [NET_TX_BYTES] = "net.%u.tx.bytes",
    [NET_TX_PKTS] = "net.%u.tx.pkts",
    [NET_TX_ERRS] = "net.%u.tx.errs",
    [NET_TX_DROP] = "net.%u.tx.drop",
    [BLOCK_NAME] = "block.%u.name",
    [BLOCK_PATH] = "block.%u.path",
    [BLOCK_RD_REQS] = "block.%u.rd.reqs",
    [BLOCK_RD_BYTES] = "block.%u.rd.bytes",
    [BLOCK_WR_REQS] = "block.%u.wr.reqs",
    [BLOCK_WR_BYTES] = "block.%u.wr.bytes",
    [VGPU_UUID] = "vgpu.%u.uuid",
    [VGPU_TYPE] = "vgpu.%u.type",
    [VGPU_GPU] = "vgpu.%u.gpu",
    [VGPU_BACKEND] = "vgpu.%u.backend",
    [VGPU_FRAMEBUFFER] = "vgpu.%u.framebuffer",
};

/* Made when first wanted, kept for ever: as many as the guest with most vcpus or devices has. */
static const char *name_of(Name name, guint i) {
    static GPtrArray *made[N_NAMES];
    if (!made[name])
        made[name] = g_ptr_array_new();
    for (guint n = made[name]->len; n <= i; n++) {
        g_autoptr(GString) text = g_string_new(NULL);
        const char *gap = strstr(patterns[name], "%u");
        g_string_append_len(text, patterns[name], gap - patterns[name]);
        g_string_append_printf(text, "%u%s", n, gap + 2);
        g_ptr_array_add(made[name], (gpointer)g_intern_string(text->str));
    }
    return g_ptr_array_index(made[name], i);
}

/* --- one parameter ------------------------------------------------------------------------------------------------ */

static void put_int(VgStats *stats, const char *name, int value) {
    VgParam param = {.name = name, .type = VG_PARAM_INT, .i = value};
    g_array_append_val(stats->params, param);
}

static void put_uint(VgStats *stats, const char *name, guint value) {
    VgParam param = {.name = name, .type = VG_PARAM_UINT, .ui = value};
    g_array_append_val(stats->params, param);
}

static void put_ullong(VgStats *stats, const char *name, guint64 value) {
    VgParam param = {.name = name, .type = VG_PARAM_ULLONG, .ul = value};
    g_array_append_val(stats->params, param);
}

static void put_text(VgStats *stats, const char *name, const char *value) {
    VgParam param = {.name = name, .type = VG_PARAM_STRING, .s = value};
    if (value)
        g_array_append_val(stats->params, param);
}

static const char *keep(VgStats *stats, const char *text) {
    if (!stats->texts)
        stats->texts = g_string_chunk_new(1024);
    return g_string_chunk_insert(stats->texts, text);
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

static void add_state(VgStats *stats, const VgDom *dom, const VgRun *run) {
    int reason = 0, state = vg_life_state(&dom->life, &reason);
    put_int(stats, "state.state", state);
    put_int(stats, "state.reason", reason);
}

static void add_cpu(VgStats *stats, const VgDom *dom, const VgRun *run) {
    if (run)
        put_ullong(stats, "cpu.time", run->cpu_ns);
}

static void add_balloon(VgStats *stats, const VgDom *dom, const VgRun *run) {
    put_ullong(stats, "balloon.current", run ? run->mem_kib : dom->facts.mem_kib);
    put_ullong(stats, "balloon.maximum", run ? run->def->memory : dom->facts.max_mem_kib);
}

static void add_vcpus(VgStats *stats, const VgDom *dom, const VgRun *run) {
    VgDomFacts facts = vg_facts_of(dom);
    put_uint(stats, "vcpu.current", facts.vcpus);
    put_uint(stats, "vcpu.maximum", facts.max_vcpus);
    for (guint i = 0; run && i < run->seen.n_vcpu; i++) {
        const VgXenVcpu *vcpu = &run->seen.vcpu[i];
        if (!vcpu->online)
            continue;
        put_int(stats, name_of(VCPU_STATE, i), vcpu->running ? VIR_VCPU_RUNNING : VIR_VCPU_BLOCKED);
        put_ullong(stats, name_of(VCPU_TIME, i), vcpu->time_ns);
    }
}

static void add_nics(VgStats *stats, const VgDom *dom, const VgRun *run) {
    if (!run)
        return;
    put_uint(stats, "net.count", (guint)run->def->n_interfaces);
    for (guint i = 0; i < run->def->n_interfaces; i++) {
        const VgXenNic *nic = vg_figures_nic(run, i);
        put_text(stats, name_of(NET_NAME, i), run->def->interfaces[i]->target);
        if (!nic)
            continue;
        put_ullong(stats, name_of(NET_RX_BYTES, i), nic->rx_bytes);
        put_ullong(stats, name_of(NET_RX_PKTS, i), nic->rx_packets);
        put_ullong(stats, name_of(NET_RX_ERRS, i), nic->rx_errors);
        put_ullong(stats, name_of(NET_RX_DROP, i), nic->rx_dropped);
        put_ullong(stats, name_of(NET_TX_BYTES, i), nic->tx_bytes);
        put_ullong(stats, name_of(NET_TX_PKTS, i), nic->tx_packets);
        put_ullong(stats, name_of(NET_TX_ERRS, i), nic->tx_errors);
        put_ullong(stats, name_of(NET_TX_DROP, i), nic->tx_dropped);
    }
}

static void add_disks(VgStats *stats, const VgDom *dom, const VgRun *run) {
    if (!run)
        return;
    put_uint(stats, "block.count", (guint)run->def->n_disks);
    for (guint i = 0; i < run->def->n_disks; i++) {
        const VgDisk *disk = run->def->disks[i];
        const VgXenDisk *seen = vg_figures_disk(run, disk);
        put_text(stats, name_of(BLOCK_NAME, i), disk->target);
        put_text(stats, name_of(BLOCK_PATH, i), vg_disk_path(disk));
        if (!seen)
            continue;
        put_ullong(stats, name_of(BLOCK_RD_REQS, i), seen->read_requests);
        put_ullong(stats, name_of(BLOCK_RD_BYTES, i), seen->read_bytes);
        put_ullong(stats, name_of(BLOCK_WR_REQS, i), seen->write_requests);
        put_ullong(stats, name_of(BLOCK_WR_BYTES, i), seen->write_bytes);
    }
}

/* libvirt has no vGPUs: they are what this hypervisor has of its own. */
static void add_vgpus(VgStats *stats, const VgDom *dom, const VgRun *run) {
    gsize n = 0;
    g_autofree VgPlace *places = vg_held_places(run, &n);
    if (n == 0)
        return;
    put_uint(stats, "vgpu.count", (guint)n);
    for (guint i = 0; i < n; i++) {
        char uuid[VG_UUID_TEXT], gpu[VG_PCIADDR_TEXT];
        put_text(stats, name_of(VGPU_UUID, i), keep(stats, vg_uuid_format(&places[i].vgpu, uuid)));
        put_text(stats, name_of(VGPU_TYPE, i), places[i].type_name);
        put_text(stats, name_of(VGPU_GPU, i), keep(stats, vg_pciaddr_format(&places[i].gpu, gpu)));
        put_text(stats, name_of(VGPU_BACKEND, i), places[i].backend_name);
        put_ullong(stats, name_of(VGPU_FRAMEBUFFER, i), (guint64)places[i].framebuffer_mib * KIB);
    }
}

static const struct {
    guint group;
    void (*add)(VgStats *stats, const VgDom *dom, const VgRun *run); /* @run NULL: not running */
} groups[] = {
    {VIR_DOMAIN_STATS_STATE, add_state},     {VIR_DOMAIN_STATS_CPU_TOTAL, add_cpu},
    {VIR_DOMAIN_STATS_BALLOON, add_balloon}, {VIR_DOMAIN_STATS_VCPU, add_vcpus},
    {VIR_DOMAIN_STATS_INTERFACE, add_nics},  {VIR_DOMAIN_STATS_BLOCK, add_disks},
    {VIR_DOMAIN_STATS_VM, add_vgpus},
};

/* --- all domains -------------------------------------------------------------------------------------------------- */

#define ENFORCE VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS
#define NO_EFFECT (VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT | VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING)
#define FILTERS 0xffu /* the same bits as those of the list */

static gboolean groups_ok(guint wanted, guint flags, GError **error) {
    guint known = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        known |= groups[i].group;
    if (!(flags & (guint)ENFORCE) || !(wanted & ~known))
        return TRUE;
    vg_set_error(error, VG_ERR_ARGUMENT_UNSUPPORTED, _("Stats types bits 0x%x are not supported by this daemon"),
                 wanted & ~known);
    return FALSE;
}

static void add_domain(VgStats *stats, const VgDom *dom, guint wanted) {
    const VgRun *run = vg_is_live(dom) ? dom->run : NULL;
    VgStatsRecord record = {
        .dom = {.name = dom->name, .uuid = dom->uuid, .id = vg_dom_id(dom)},
        .first = stats->params->len,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        if (wanted & groups[i].group)
            groups[i].add(stats, dom, run);
    record.n = stats->params->len - record.first;
    g_array_append_val(stats->records, record);
}

/* One that went since the client listed it is left out, as with libvirt's own drivers. */
static void add_named(VgStats *stats, VgDriverState *hub, const VgUuid *uuids, gsize n, guint wanted, guint filter) {
    for (gsize i = 0; i < n; i++) {
        const VgDom *dom = vg_doms_find(&hub->doms, &uuids[i]);
        if (dom && !dom->hidden && vg_filter_passes(dom, filter))
            add_domain(stats, dom, wanted);
    }
}

static void add_all(VgStats *stats, VgDriverState *hub, guint wanted, guint filter) {
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgDom *dom = value;
        if (!dom->hidden && vg_filter_passes(dom, filter))
            add_domain(stats, dom, wanted);
    }
}

gboolean vg_stats(VgSession *session, const VgUuid *uuids, gsize n_uuids, guint stats, guint flags, VgStats *ret,
                  GError **error) {
    const guint known = FILTERS | (guint)ENFORCE | (guint)NO_EFFECT;
    if (!vg_flags_known(flags, known, "virConnectGetAllDomainStats", error) || !groups_ok(stats, flags, error))
        return FALSE;
    guint filter = vg_filter_narrowing(flags & FILTERS), wanted = stats ? stats : G_MAXUINT;
    ret->records = g_array_new(FALSE, FALSE, sizeof(VgStatsRecord));
    ret->params = g_array_new(FALSE, FALSE, sizeof(VgParam));
    if (n_uuids)
        add_named(ret, session->hub, uuids, n_uuids, wanted, filter);
    else
        add_all(ret, session->hub, wanted, filter);
    return TRUE;
}
