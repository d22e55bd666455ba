/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ledger.c: the claims on disk, over base's journal: one JSON object a record. Talks to the engine. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/durable.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/json.h"
#include "gpu/ledger.h"
#include "gpu/place.h"

/* Rewritten when it has this many records more than it needs. */
#define WASTE 256
#define MAX_PARAMS 64

struct VgLedger {
    VgJournal *journal;
    char *path;
    GHashTable *live; /* claim id -> its record */
    guint64 generation;
};

typedef struct {
    VgLedger *ledger;
    GError *error;
    guint records;
} Reading;

static void vgpu_clear(VgLedgerVgpu *v) {
    g_free(v->backend);
    g_free(v->type_name);
    g_free(v->type_id);
    g_strfreev(v->params);
    g_strfreev(v->affinity);
}

void vg_ledger_claim_free(VgLedgerClaim *claim) {
    if (claim == NULL)
        return;
    for (gsize i = 0; i < claim->n; i++)
        vgpu_clear(&claim->vgpus[i]);
    g_free(claim->vgpus);
    g_free(claim->owner_name);
    g_free(claim->boot);
    g_free(claim);
}

/* --- a record as text --------------------------------------------------------------------------------------------- */

static void print_texts(VgJson *o, const char *member, char *const *texts) {
    if (texts == NULL)
        return;
    VgJson *list = vg_json_set(o, member, vg_json_new_array());
    for (char *const *text = texts; *text != NULL; text++)
        vg_json_append(list, vg_json_new_string(*text));
}

/* NULL if there are none. */
static gboolean read_texts(const VgJson *list, gsize most, char ***ret) {
    gsize n = vg_json_length(list);
    if (n > most)
        return FALSE;
    *ret = n > 0 ? g_new0(char *, n + 1) : NULL;
    for (gsize i = 0; i < n; i++)
        if (((*ret)[i] = g_strdup(vg_json_string(vg_json_at(list, i)))) == NULL)
            return FALSE;
    return TRUE;
}

static VgJson *print_vgpu(const VgLedgerVgpu *v) {
    char uuid[VG_UUID_TEXT], addr[VG_PCIADDR_TEXT];
    VgJson *o = vg_json_new_object();
    vg_json_set_string(o, "vgpu", vg_uuid_format(&v->vgpu, uuid));
    vg_json_set_string(o, "gpu", vg_pciaddr_format(&v->gpu, addr));
    if (v->has_vf)
        vg_json_set_string(o, "vf", vg_pciaddr_format(&v->vf, addr));
    vg_json_set_string(o, "backend", v->backend);
    vg_json_set_string(o, "type", v->type_name);
    vg_json_set_string(o, "type_id", v->type_id);
    vg_json_set_int(o, "generation", (gint64)v->generation);
    vg_json_set_int(o, "slot", v->slot);
    vg_json_set_bool(o, "primary", v->primary);
    if (v->start >= 0)
        vg_json_set_int(o, "start", v->start);
    if (v->instance_found)
        vg_json_set_bool(o, "instance_found", TRUE);
    print_texts(o, "params", v->params);
    print_texts(o, "affinity", v->affinity);
    return o;
}

char *vg_ledger_print(const VgLedgerClaim *claim) {
    char uuid[VG_UUID_TEXT];
    g_autoptr(VgJson) o = vg_json_new_object();
    vg_json_set_string(o, "op", "claim");
    vg_json_set_int(o, "id", (gint64)claim->id);
    vg_json_set_string(o, "owner", vg_uuid_format(&claim->owner, uuid));
    vg_json_set_string(o, "name", claim->owner_name);
    if (claim->boot != NULL)
        vg_json_set_string(o, "boot", claim->boot);
    VgJson *list = vg_json_set(o, "vgpus", vg_json_new_array());
    for (gsize i = 0; i < claim->n; i++)
        vg_json_append(list, print_vgpu(&claim->vgpus[i]));
    return vg_json_print(o, FALSE);
}

static gboolean read_uuid(const VgJson *o, const char *member, VgUuid *ret) {
    const char *text = vg_json_get_string(o, member);
    return text != NULL && vg_uuid_parse(text, ret);
}

static gboolean read_addr(const VgJson *o, const char *member, VgPciAddr *ret) {
    const char *text = vg_json_get_string(o, member);
    return text != NULL && vg_pciaddr_parse(text, ret);
}

static gboolean read_vgpu(const VgJson *o, VgLedgerVgpu *v) {
    gint64 generation = vg_json_get_int(o, "generation", 0);
    if (!read_uuid(o, "vgpu", &v->vgpu) || !read_addr(o, "gpu", &v->gpu) || generation < 1)
        return FALSE;
    v->generation = (guint64)generation;
    v->has_vf = read_addr(o, "vf", &v->vf);
    v->backend = g_strdup(vg_json_get_string(o, "backend"));
    v->type_name = g_strdup(vg_json_get_string(o, "type"));
    v->type_id = g_strdup(vg_json_get_string(o, "type_id"));
    v->slot = (guint)CLAMP(vg_json_get_int(o, "slot", 0), 0, 255);
    v->primary = vg_json_get_bool(o, "primary", FALSE);
    v->instance_found = vg_json_get_bool(o, "instance_found", FALSE);
    v->start = (int)CLAMP(vg_json_get_int(o, "start", -1), -1, VG_PLACE_SLOTS - 1);
    if (!read_texts(vg_json_get(o, "params"), MAX_PARAMS, &v->params) ||
        !read_texts(vg_json_get(o, "affinity"), VG_WANT_BONDS, &v->affinity))
        return FALSE;
    for (char **key = v->affinity; key != NULL && *key != NULL; key++)
        if (strchr(*key, ' ') == NULL)
            return FALSE;
    if (v->params != NULL && g_strv_length(v->params) % 2 != 0)
        return FALSE;
    return v->backend != NULL && v->type_name != NULL && v->type_id != NULL;
}

static VgLedgerClaim *read_claim(const VgJson *o) {
    const VgJson *list = vg_json_get(o, "vgpus");
    gsize n = vg_json_length(list);
    gint64 id = vg_json_get_int(o, "id", 0);
    if (n < 1 || n > VG_PLACE_MOST || id < 1)
        return NULL;
    VgLedgerClaim *claim = g_new0(VgLedgerClaim, 1);
    claim->id = (guint64)id;
    claim->owner_name = g_strdup(vg_json_get_string(o, "name"));
    claim->boot = g_strdup(vg_json_get_string(o, "boot"));
    claim->vgpus = g_new0(VgLedgerVgpu, n);
    claim->n = n;
    gboolean good = read_uuid(o, "owner", &claim->owner);
    for (gsize i = 0; good && i < n; i++)
        good = read_vgpu(vg_json_at(list, i), &claim->vgpus[i]);
    if (!good)
        g_clear_pointer(&claim, vg_ledger_claim_free);
    return claim;
}

/* --- reading the journal ------------------------------------------------------------------------------------------ */

static void remember(VgLedger *ledger, guint64 id, const char *record) {
    guint64 *key = g_new(guint64, 1);
    *key = id;
    g_hash_table_replace(ledger->live, key, g_strdup(record));
}

static void note_generation(VgLedger *ledger, guint64 generation) {
    ledger->generation = MAX(ledger->generation, generation);
}

static gboolean take_claim(VgLedger *ledger, const VgJson *o, const char *text) {
    VgLedgerClaim *claim = read_claim(o);
    if (claim == NULL)
        return FALSE;
    for (gsize i = 0; i < claim->n; i++)
        note_generation(ledger, claim->vgpus[i].generation);
    remember(ledger, claim->id, text);
    vg_ledger_claim_free(claim);
    return TRUE;
}

static gboolean take_release(VgLedger *ledger, const VgJson *o, const char *text) {
    guint64 id = (guint64)vg_json_get_int(o, "id", 0);
    g_hash_table_remove(ledger->live, &id);
    return id > 0;
}

static gboolean take_base(VgLedger *ledger, const VgJson *o, const char *text) {
    gint64 generation = vg_json_get_int(o, "generation", -1);
    if (generation >= 0)
        note_generation(ledger, (guint64)generation);
    return generation >= 0;
}

static const struct {
    const char *op;
    gboolean (*take)(VgLedger *ledger, const VgJson *o, const char *text);
} operations[] = {
    {"claim", take_claim},
    {"release", take_release},
    {"base", take_base},
};

static void read_record(const char *payload, gsize len, gpointer data) {
    Reading *r = data;
    if (r->error != NULL)
        return;
    r->records++;
    g_autofree char *text = g_strndup(payload, len);
    g_autoptr(VgJson) o = vg_json_parse(text, strlen(text), r->ledger->path, NULL);
    const char *op = vg_json_get_string(o, "op");
    for (gsize i = 0; i < G_N_ELEMENTS(operations); i++)
        if (g_strcmp0(op, operations[i].op) == 0 && operations[i].take(r->ledger, o, text))
            return;
    vg_set_error(&r->error, VG_ERR_INVALID_ARG,
                 _("the ledger of vGPUs %s: record %u is whole but not understood: \"%.60s\"; was it written by a "
                   "newer virtgrid? It is left as it "
                   "is: start that version, or move the file away and check by hand which vGPUs exist"),
                 r->ledger->path, r->records, text);
}

static int by_id(gconstpointer a, gconstpointer b) {
    const VgLedgerClaim *x = *(VgLedgerClaim *const *)a, *y = *(VgLedgerClaim *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static GPtrArray *claims_of(VgLedger *ledger) {
    GPtrArray *claims = g_ptr_array_new_with_free_func((GDestroyNotify)vg_ledger_claim_free);
    GHashTableIter iter;
    gpointer record;
    g_hash_table_iter_init(&iter, ledger->live);
    while (g_hash_table_iter_next(&iter, NULL, &record)) {
        g_autoptr(VgJson) o = vg_json_parse(record, strlen(record), ledger->path, NULL);
        g_ptr_array_add(claims, read_claim(o));
    }
    g_ptr_array_sort(claims, by_id);
    return claims;
}

VgLedger *vg_ledger_open(const char *path, GPtrArray **ret_claims, guint64 *ret_generation, GError **error) {
    VgLedger *ledger = g_new0(VgLedger, 1);
    ledger->path = g_strdup(path);
    ledger->live = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    Reading reading = {.ledger = ledger};
    ledger->journal = vg_journal_open(path, read_record, &reading, error);
    if (reading.error != NULL) {
        if (ledger->journal != NULL)
            g_propagate_error(error, reading.error);
        else
            g_error_free(reading.error);
    }
    if (ledger->journal == NULL || reading.error != NULL) {
        vg_ledger_free(ledger);
        return NULL;
    }
    *ret_claims = claims_of(ledger);
    *ret_generation = ledger->generation;
    return ledger;
}

void vg_ledger_free(VgLedger *ledger) {
    if (ledger == NULL)
        return;
    vg_journal_free(ledger->journal);
    g_hash_table_unref(ledger->live);
    g_free(ledger->path);
    g_free(ledger);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static gboolean refused(GError **error, VgLedger *ledger) {
    vg_set_errno(error, EIO, _("cannot write the ledger of vGPUs %s"), ledger->path);
    return FALSE;
}

/* Writing anew what is owned now; the generations that were ever given out stay known. */
static gboolean compact(VgLedger *ledger, GError **error) {
    if (vg_journal_records(ledger->journal) < 2 * (gsize)g_hash_table_size(ledger->live) + WASTE)
        return TRUE;
    if (vg_fault("gpu.ledger.compact"))
        return refused(error, ledger);
    g_autofree char *base =
        g_strdup_printf("{\"op\":\"base\",\"generation\":%" G_GUINT64_FORMAT "}", ledger->generation);
    g_autoptr(GPtrArray) records = g_ptr_array_new();
    g_ptr_array_add(records, base);
    GHashTableIter iter;
    gpointer record;
    g_hash_table_iter_init(&iter, ledger->live);
    while (g_hash_table_iter_next(&iter, NULL, &record))
        g_ptr_array_add(records, record);
    return vg_journal_rewrite(ledger->journal, (const char *const *)records->pdata, records->len, error);
}

gboolean vg_ledger_claim(VgLedger *ledger, guint64 id, const char *record, GError **error) {
    if (g_hash_table_contains(ledger->live, &id))
        return TRUE;
    if (vg_fault("gpu.ledger.claim"))
        return refused(error, ledger);
    if (!vg_journal_append(ledger->journal, record, strlen(record), error))
        return FALSE;
    remember(ledger, id, record);
    g_autoptr(VgJson) o = vg_json_parse(record, strlen(record), ledger->path, NULL);
    take_claim(ledger, o, record);
    return !vg_fault("gpu.ledger.claimed") || refused(error, ledger);
}

gboolean vg_ledger_release(VgLedger *ledger, guint64 id, GError **error) {
    if (!g_hash_table_contains(ledger->live, &id))
        return TRUE;
    if (vg_fault("gpu.ledger.release"))
        return refused(error, ledger);
    g_autofree char *record = g_strdup_printf("{\"op\":\"release\",\"id\":%" G_GUINT64_FORMAT "}", id);
    if (!vg_journal_append(ledger->journal, record, strlen(record), error))
        return FALSE;
    g_hash_table_remove(ledger->live, &id);
    if (vg_fault("gpu.ledger.released"))
        return refused(error, ledger);
    /* The release is durable; a compaction that fails costs disk only and is tried again at the next. */
    g_autoptr(GError) later = NULL;
    compact(ledger, &later);
    return TRUE;
}
