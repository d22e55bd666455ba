/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* told.c: compares the engine's documents with those that were told last. */
#include "config.h"

#include "gpu/told.h"

#include <string.h>

#include "gpu/engine.h"

/* A message of the grid's program is shorter than this. */
#define MOST (64 * 1024 - 256)

/* What is wrong from the beginning: told to whoever begins to listen, not only when it changes. */
#define PROBLEM "problem"

struct VgGpusTold {
    VgGpusListener listener;
    GHashTable *known; /* "gpu 0000:05:00.0" -> its document on one line */
};

typedef struct {
    const char *kind;
    VgJson *(*list)(VgGpus *gpus);
    const char *array;
    const char *key[2]; /* the members that say which one it is */
} Kind;

static const Kind kinds[] = {
    {"gpu", vg_gpus_json_gpus, "gpus", {"address", NULL}},
    {"group", vg_gpus_json_capacity, "groups", {"name", NULL}},
    {"quota", vg_gpus_json_capacity, "quotas", {"group", "type"}},
    {"vgpu", vg_gpus_json_vgpus, "vgpus", {"uuid", NULL}},
    {PROBLEM, vg_gpus_json_gpus, "problems", {"about", NULL}},
};

static char *key_of(const char *kind, const char *const key[2], const VgJson *item) {
    const char *first = vg_json_get_string(item, key[0]);
    const char *second = key[1] != NULL ? vg_json_get_string(item, key[1]) : NULL;
    return g_strdup_printf("%s %s\n%s", kind, first != NULL ? first : "", second != NULL ? second : "");
}

/* One that is too long for a message is told without its document: whoever wants it asks for the list. */
static void tell(const VgGpusTold *told, const char *key, const char *what, const char *document) {
    g_autofree char *kind = g_strndup(key, strcspn(key, " "));
    g_autofree char *text = g_strdup_printf("{\"event\":\"%s-%s\",\"%s\":%s}", kind, what, kind,
                                            strlen(document) < MOST ? document : "null");
    told->listener.tell(text, told->listener.data);
}

/* Tells if it is new, or another than it was. Takes over @key and @document. */
static void see(VgGpusTold *told, char *key, char *document, gboolean quiet) {
    if (quiet && g_str_has_prefix(key, PROBLEM " ")) {
        g_free(key);
        g_free(document);
        told->listener.later(told->listener.data);
        return;
    }
    const char *before = g_hash_table_lookup(told->known, key);
    if (!quiet && g_strcmp0(before, document) != 0)
        tell(told, key, before != NULL ? "changed" : "added", document);
    g_hash_table_replace(told->known, key, document);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void see_all(VgGpus *gpus, gboolean quiet, GHashTable *seen) {
    VgJson *(*list)(VgGpus *) = NULL;
    VgJson *json = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const Kind *kind = &kinds[i];
        if (kind->list != list) {
            vg_json_free(json);
            list = kind->list;
            json = list(gpus);
        }
        const VgJson *items = vg_json_get(json, kind->array);
        for (gsize k = 0; k < vg_json_length(items); k++) {
            const VgJson *item = vg_json_at(items, k);
            char *key = key_of(kind->kind, kind->key, item);
            g_hash_table_add(seen, g_strdup(key));
            see(gpus->told, key, vg_json_print(item, FALSE), quiet);
        }
    }
    vg_json_free(json);
}

static void see_what_is_gone(VgGpusTold *told, GHashTable *seen) {
    GHashTableIter iter;
    gpointer key, document;
    g_hash_table_iter_init(&iter, told->known);
    while (g_hash_table_iter_next(&iter, &key, &document)) {
        if (g_hash_table_contains(seen, key))
            continue;
        tell(told, key, "removed", document);
        g_hash_table_iter_remove(&iter);
    }
}

static void compare(VgGpus *gpus, gboolean quiet) {
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    see_all(gpus, quiet, seen);
    see_what_is_gone(gpus->told, seen);
}

void vg_gpus_listen(VgGpus *gpus, const VgGpusListener *listener) {
    if (gpus->told != NULL) {
        g_hash_table_unref(gpus->told->known);
        g_clear_pointer(&gpus->told, g_free);
    }
    if (listener == NULL)
        return;
    gpus->told = g_new0(VgGpusTold, 1);
    gpus->told->listener = *listener;
    gpus->told->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    compare(gpus, TRUE);
}

static gboolean is_problem(gpointer key, gpointer document, gpointer unused) {
    return g_str_has_prefix(key, PROBLEM " ");
}

void vg_gpus_tell_problems(VgGpus *gpus) {
    if (gpus->told != NULL && g_hash_table_foreach_remove(gpus->told->known, is_problem, NULL) > 0)
        gpus->told->listener.later(gpus->told->listener.data);
}

void vg_gpus_tell(VgGpus *gpus) {
    if (gpus->told != NULL)
        compare(gpus, FALSE);
}

/* --- of the engine ------------------------------------------------------------------------------------------------ */

void vg_gpus_changed(VgGpus *gpus) {
    if (gpus->told != NULL)
        gpus->told->listener.later(gpus->told->listener.data);
}

void vg_gpus_claim_changed(VgClaim *claim, gboolean gone) {
    VgGpusTold *told = claim->gpus->told;
    for (gsize i = 0; told != NULL && i < claim->n; i++) {
        g_autoptr(VgJson) item = vg_gpus_json_vgpu(claim, i);
        char *key = key_of("vgpu", (const char *const[2]){"uuid", NULL}, item);
        char *document = vg_json_print(item, FALSE);
        if (!gone) {
            see(told, key, document, FALSE);
            continue;
        }
        tell(told, key, "removed", document);
        g_hash_table_remove(told->known, key);
        g_free(key);
        g_free(document);
    }
    vg_gpus_changed(claim->gpus);
}
