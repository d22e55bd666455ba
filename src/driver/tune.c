/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tune.c: a guest gets more or less: memory, vcpus, CPUs to run on, a share of them; now, from its next start on, or
 * both. Each is a row: may it be, what of the definition changes, what Xen is told. Xen is told first: what it refuses
 * has changed nothing.
 */
#include "driver/hub.h"

#include <inttypes.h>
#include <libvirt/libvirt.h>
#include <string.h>

#include "base/i18n.h"
#include "driver/affect.h"
#include "driver/query.h"
#include "driver/run.h"
#include "model/cpuset.h"

#define DEFAULT_WEIGHT 256

typedef struct Tune Tune;

typedef struct {
    /* Of @def, the live or the persistent one. */
    gboolean (*fits)(const VgOp *op, const Tune *tune, const VgDomain *def, GError **error);
    void (*apply)(const Tune *tune, VgDomain *def);
    gboolean (*tell_xen)(VgXen *xen, guint32 domid, const Tune *tune, GError **error);
} Kind;

struct Tune {
    const Kind *kind;
    guint64 kib;
    guint n; /* vcpus, or the one to pin */
    guint8 map[VG_CPUSET_MAX / 8];
    gboolean has_weight, has_cap;
    guint weight, cap;
    VgDomain *live; /* what the live definition becomes */
};

static void tune_free(gpointer data) {
    Tune *tune = data;
    vg_domain_free(tune->live);
    g_free(tune);
}

/* --- the way of each ---------------------------------------------------------------------------------------------- */

static void end(VgOp *op, GError *error) {
    op->hub->figures_us = 0;
    vg_op_end(op, error);
}

static void config_written(VgOp *op, GError *error) {
    if (!error)
        vg_affect_take_config(op);
    end(op, error);
}

static void write_config(VgOp *op) {
    if (op->def)
        vg_op_job(op, vg_affect_write_config, config_written);
    else
        end(op, NULL);
}

static gboolean write_live(VgOp *op, GError **error) {
    return op->dom->run->foreign || vg_run_write_status(op->dom->run, error);
}

static void live_written(VgOp *op, GError *error) {
    if (error)
        end(op, error);
    else
        write_config(op);
}

static gboolean tell_xen(VgOp *op, GError **error) {
    const Tune *tune = op->data;
    return tune->kind->tell_xen(op->hub->xen, op->dom->run->domid, tune, error);
}

static void xen_told(VgOp *op, GError *error) {
    Tune *tune = op->data;
    if (error) {
        end(op, error);
        return;
    }
    vg_run_change_def(op->dom->run, g_steal_pointer(&tune->live));
    vg_op_job(op, write_live, live_written);
}

static gboolean prepare(VgOp *op, GError **error) {
    Tune *tune = op->data;
    if (!vg_affect_resolve(op->dom, &op->flags, error))
        return FALSE;
    if (op->flags & VIR_DOMAIN_AFFECT_LIVE) {
        if (!tune->kind->fits(op, tune, op->dom->run->def, error))
            return FALSE;
        tune->live = vg_domain_copy(op->dom->run->def);
        tune->kind->apply(tune, tune->live);
        if (!vg_domain_validate(tune->live, error))
            return FALSE;
    }
    if (op->flags & VIR_DOMAIN_AFFECT_CONFIG) {
        op->def = vg_dom_parse(op->dom, error);
        if (!op->def || !tune->kind->fits(op, tune, op->def, error))
            return FALSE;
        tune->kind->apply(tune, op->def);
        return vg_domain_validate(op->def, error);
    }
    return TRUE;
}

static void begin(VgOp *op) {
    GError *error = NULL;
    const Tune *tune = op->data;
    if (!prepare(op, &error))
        vg_op_end(op, error);
    else if (tune->live)
        vg_op_job(op, tell_xen, xen_told);
    else
        write_config(op);
}

/* Takes over @tune. */
static void push(VgSession *session, const VgUuid *uuid, Tune *tune, guint flags, guint known, const char *call,
                 VgDone done) {
    GError *error = NULL;
    VgDom *dom = vg_flags_known(flags, known, call, &error) ? vg_hub_guest(session->hub, uuid, &error) : NULL;
    if (!dom) {
        tune_free(tune);
        vg_done_error(done, error);
        return;
    }
    VgOp *op = vg_op_new(session->hub, dom, begin, done);
    op->flags = flags;
    op->data = tune;
    op->free_data = tune_free;
    vg_op_push(op, VG_OP_LAST);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* A device that writes into the guest's memory by itself needs all of it to be there: no balloon. */
static gboolean may_balloon(const VgOp *op, const VgDomain *def, GError **error) {
    const char *what = NULL;
    for (gsize i = 0; i < def->n_hostdevs && !what; i++)
        if (def->hostdevs[i]->type == VG_HOSTDEV_PCI)
            what = "<hostdev type='pci'>";
    gsize n = 0;
    const VgRun *run = op->dom->run;
    g_autofree VgPlace *places = vg_held_places(run, &n);
    for (gsize i = 0; i < n && !what; i++)
        if (places[i].backend == VG_BACKEND_SRIOV || places[i].backend == VG_BACKEND_PASSTHROUGH)
            what = places[i].type_name;
    if (!what)
        return TRUE;
    vg_set_error(error, VG_ERR_OPERATION_INVALID,
                 _("domain '%s' has a device (%s) that reads and writes the guest's memory by itself, so its memory is "
                   "fixed while it runs; change <memory> and <currentMemory> of the definition (--config) and start it "
                   "anew"),
                 def->name, what);
    return FALSE;
}

static gboolean memory_fits(const VgOp *op, const Tune *tune, const VgDomain *def, GError **error) {
    if (tune->kib == 0)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("a guest without memory is none"));
    else if (tune->kib > def->memory)
        vg_set_error(error, VG_ERR_INVALID_ARG, _("cannot set memory higher than max memory"));
    else
        return !(op->flags & VIR_DOMAIN_AFFECT_LIVE) || may_balloon(op, def, error);
    return FALSE;
}

static void memory_apply(const Tune *tune, VgDomain *def) {
    def->current_memory = tune->kib;
}

static gboolean memory_xen(VgXen *xen, guint32 domid, const Tune *tune, GError **error) {
    return xen->ops->set_memory(xen, domid, tune->kib, error);
}

#define MOST_KIB (G_GUINT64_CONSTANT(1) << 40) /* as xen/conv_memory.c */

/* What runs keeps what it has now. */
static gboolean max_memory_fits(const VgOp *op, const Tune *tune, const VgDomain *def, GError **error) {
    if (tune->kib == 0 || tune->kib > MOST_KIB) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("%" PRIu64 " KiB is no size for a guest"), tune->kib);
        return FALSE;
    }
    if (def->id < 0 || tune->kib >= def->current_memory)
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG,
                 _("domain '%s' runs with %" PRIu64 " KiB: its maximum cannot be made less; 'setmem' first"), def->name,
                 def->current_memory);
    return FALSE;
}

static void max_memory_apply(const Tune *tune, VgDomain *def) {
    def->memory = tune->kib;
    def->current_memory = MIN(def->current_memory, tune->kib);
}

static gboolean max_memory_xen(VgXen *xen, guint32 domid, const Tune *tune, GError **error) {
    return xen->ops->set_max_memory(xen, domid, tune->kib, error);
}

void vg_set_memory(VgSession *session, const VgUuid *uuid, guint64 kib, guint flags, VgDone done) {
    static const Kind memory = {memory_fits, memory_apply, memory_xen};
    static const Kind max_memory = {max_memory_fits, max_memory_apply, max_memory_xen};
    Tune *tune = g_new0(Tune, 1);
    tune->kind = flags & VIR_DOMAIN_MEM_MAXIMUM ? &max_memory : &memory;
    tune->kib = kib;
    push(session, uuid, tune, flags, VG_AFFECT | VIR_DOMAIN_MEM_MAXIMUM, "virDomainSetMemoryFlags", done);
}

/* --- vcpus -------------------------------------------------------------------------------------------------------- */

static gboolean vcpus_fit(const VgOp *op, const Tune *tune, const VgDomain *def, GError **error) {
    guint most = op->flags & VIR_DOMAIN_VCPU_MAXIMUM ? op->hub->info.cpus : def->vcpu.max;
    if (tune->n <= most)
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG,
                 _("requested vcpus is greater than max allowable vcpus for the domain: %u > %u"), tune->n, most);
    return FALSE;
}

static void vcpus_apply(const Tune *tune, VgDomain *def) {
    def->vcpu.current = tune->n == def->vcpu.max ? 0 : tune->n;
}

static void max_vcpus_apply(const Tune *tune, VgDomain *def) {
    guint current = def->vcpu.current ? def->vcpu.current : def->vcpu.max;
    def->vcpu.max = tune->n;
    def->vcpu.current = current < tune->n ? current : 0;
}

static gboolean vcpus_xen(VgXen *xen, guint32 domid, const Tune *tune, GError **error) {
    return xen->ops->set_vcpus(xen, domid, tune->n, error);
}

void vg_set_vcpus(VgSession *session, const VgUuid *uuid, guint n, guint flags, VgDone done) {
    static const Kind vcpus = {vcpus_fit, vcpus_apply, vcpus_xen}, max_vcpus = {vcpus_fit, max_vcpus_apply, NULL};
    const guint maximum = VIR_DOMAIN_VCPU_MAXIMUM;
    GError *error = NULL;
    if (n == 0)
        vg_set_error(&error, VG_ERR_INVALID_ARG, _("nvcpus is zero"));
    else if (flags & maximum && (flags & VG_AFFECT) != VIR_DOMAIN_VCPU_CONFIG)
        vg_set_error(&error, VG_ERR_INVALID_ARG,
                     _("the maximum of vcpus is of the definition: use --config, and it counts from the next start"));
    if (error) {
        vg_done_error(done, error);
        return;
    }
    Tune *tune = g_new0(Tune, 1);
    tune->kind = flags & maximum ? &max_vcpus : &vcpus;
    tune->n = n;
    push(session, uuid, tune, flags, VG_AFFECT | maximum, "virDomainSetVcpusFlags", done);
}

/* --- pins --------------------------------------------------------------------------------------------------------- */

static gboolean pin_fits(const VgOp *op, const Tune *tune, const VgDomain *def, GError **error) {
    if (tune->n < (def->vcpu.current ? def->vcpu.current : def->vcpu.max))
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("vcpu '%u' is not active"), tune->n);
    return FALSE;
}

static void drop_pin(VgCputune *cputune, guint vcpu) {
    gsize kept = 0;
    for (gsize i = 0; i < cputune->n_vcpupins; i++) {
        VgVcpuPin *pin = cputune->vcpupins[i];
        if (pin->vcpu != vcpu) {
            cputune->vcpupins[kept++] = pin;
            continue;
        }
        g_free(pin->cpuset);
        g_free(pin);
    }
    cputune->n_vcpupins = kept;
}

/* As in libvirt a pin to all CPUs is one, too. */
static void pin_apply(const Tune *tune, VgDomain *def) {
    VgCputune *cputune = &def->cputune;
    drop_pin(cputune, tune->n);
    VgVcpuPin *pin = g_new0(VgVcpuPin, 1);
    pin->vcpu = tune->n;
    pin->cpuset = vg_cpuset_format(tune->map);
    cputune->vcpupins = g_renew(VgVcpuPin *, cputune->vcpupins, cputune->n_vcpupins + 2);
    cputune->vcpupins[cputune->n_vcpupins++] = pin;
    cputune->vcpupins[cputune->n_vcpupins] = NULL;
}

static gboolean pin_xen(VgXen *xen, guint32 domid, const Tune *tune, GError **error) {
    return xen->ops->pin_vcpu(xen, domid, tune->n, tune->map, sizeof tune->map, error);
}

/* Only CPUs that the host has; how many of them are left. */
static guint take_map(Tune *tune, const guint8 *map, gsize len, guint cpus) {
    guint n = 0;
    for (guint cpu = 0; cpu < MIN(cpus, VG_CPUSET_MAX) && cpu / 8 < len; cpu++) {
        guint8 bit = (guint8)(1u << cpu % 8);
        tune->map[cpu / 8] |= map[cpu / 8] & bit;
        n += map[cpu / 8] & bit ? 1 : 0;
    }
    return n;
}

void vg_pin_vcpu(VgSession *session, const VgUuid *uuid, guint vcpu, const guint8 *map, gsize len, guint flags,
                 VgDone done) {
    static const Kind pin = {pin_fits, pin_apply, pin_xen};
    Tune *tune = g_new0(Tune, 1);
    tune->kind = &pin;
    tune->n = vcpu;
    if (take_map(tune, map, len, session->hub->info.cpus)) {
        push(session, uuid, tune, flags, VG_AFFECT, "virDomainPinVcpuFlags", done);
        return;
    }
    GError *error = NULL;
    vg_set_error(&error, VG_ERR_INVALID_ARG, _("vcpu %u has to run somewhere: the host's CPUs are 0 to %u"), vcpu,
                 session->hub->info.cpus - 1);
    tune_free(tune);
    vg_done_error(done, error);
}

/* --- the scheduler ------------------------------------------------------------------------------------------------ */

static gboolean shares_fit(const VgOp *op, const Tune *tune, const VgDomain *def, GError **error) {
    if (tune->has_weight && (tune->weight < 1 || tune->weight > G_MAXUINT16))
        vg_set_error(error, VG_ERR_INVALID_ARG, _("'weight' is %u, but goes from 1 to %u"), tune->weight, G_MAXUINT16);
    else if (tune->has_cap && op->flags & VIR_DOMAIN_AFFECT_CONFIG)
        vg_set_error(error, VG_ERR_OPERATION_UNSUPPORTED,
                     _("a definition has no place for 'cap': it can be set while the guest runs (--live)"));
    else
        return TRUE;
    return FALSE;
}

static void shares_apply(const Tune *tune, VgDomain *def) {
    if (tune->has_weight)
        def->cputune.shares = tune->weight;
}

static gboolean shares_xen(VgXen *xen, guint32 domid, const Tune *tune, GError **error) {
    return xen->ops->set_shares(xen, domid, tune->weight, tune->cap, error);
}

/* What is not named stays as it is. */
static void begin_shares(VgOp *op) {
    Tune *tune = op->data;
    const VgRun *run = vg_is_live(op->dom) ? op->dom->run : NULL;
    if (run && !tune->has_weight)
        tune->weight = run->seen.weight ? run->seen.weight : DEFAULT_WEIGHT;
    if (run && !tune->has_cap)
        tune->cap = run->seen.cap;
    begin(op);
}

void vg_set_scheduler(VgSession *session, const VgUuid *uuid, const VgParam *params, gsize n, guint flags,
                      VgDone done) {
    static const Kind shares = {shares_fit, shares_apply, shares_xen};
    GError *error = NULL;
    VgDom *dom = vg_flags_known(flags, VG_AFFECT, "virDomainSetSchedulerParametersFlags", &error)
                     ? vg_hub_guest(session->hub, uuid, &error)
                     : NULL;
    if (!dom) {
        vg_done_error(done, error);
        return;
    }
    Tune *tune = g_new0(Tune, 1);
    tune->kind = &shares;
    for (gsize i = 0; i < n; i++) {
        gboolean weight = g_str_equal(params[i].name, VIR_DOMAIN_SCHEDULER_WEIGHT);
        *(weight ? &tune->weight : &tune->cap) = params[i].ui;
        *(weight ? &tune->has_weight : &tune->has_cap) = TRUE;
    }
    VgOp *op = vg_op_new(session->hub, dom, begin_shares, done);
    op->flags = flags;
    op->data = tune;
    op->free_data = tune_free;
    vg_op_push(op, VG_OP_LAST);
}
