/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * load.c: definitions at start-up. A file that is byte for byte what we wrote need not be parsed: the INDEX, a journal
 * of one record for each definition, has its checksum and what queries want to know of it. Any other file (edited,
 * copied, torn, or written since the index was) is parsed, completed and made canonical. The index holds nothing of its
 * own: without it a start takes longer. It is written after a start that had something to parse, and when the daemon
 * stops.
 */
#include "config.h"
#include "driver/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"

#define VG_AREA "driver"
#include "base/log.h"

#define DEF_MAX (64u << 20)
#define SUFFIX ".xml"

/* What the index says of a definition. */
typedef struct {
    guint32 crc;
    gsize len;
    VgUuid uuid;
    VgDomFacts facts;
} Known;

typedef struct {
    VgDriverState *hub;
    GHashTable *known; /* name -> Known */
    gboolean trusted;  /* the index is of this version, which would write the same text */
    gboolean news;     /* something belongs into the index that is not there */
} Loading;

/* --- the index ---------------------------------------------------------------------------------------------------- */

#define INDEX_VERSION "virtgrid " PACKAGE_VERSION

static void take_record(const char *payload, gsize len, gpointer data) {
    Loading *loading = data;
    char uuid[VG_UUID_TEXT];
    int name_at = 0;
    Known k = {0};
    if (g_str_equal(payload, INDEX_VERSION))
        loading->trusted = TRUE;
    if (!loading->trusted ||
        sscanf(payload, "%8x %zu %36s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %u %u %hhu %n", &k.crc, &k.len, uuid,
               &k.facts.max_mem_kib, &k.facts.mem_kib, &k.facts.vcpus, &k.facts.max_vcpus, &k.facts.os_type,
               &name_at) != 8 ||
        name_at == 0 || !vg_uuid_parse(uuid, &k.uuid))
        return;
    g_hash_table_replace(loading->known, g_strdup(payload + name_at), g_memdup2(&k, sizeof k));
}

static char *record_of(const VgDom *dom) {
    char uuid[VG_UUID_TEXT];
    gsize len = strlen(dom->xml);
    return g_strdup_printf("%08x %zu %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %u %u %u %s",
                           vg_crc32c(0, dom->xml, len), len, vg_uuid_format(&dom->uuid, uuid), dom->facts.max_mem_kib,
                           dom->facts.mem_kib, dom->facts.vcpus, dom->facts.max_vcpus, dom->facts.os_type, dom->name);
}

/* What asks for vGPUs is read anew by every start: whether this host can give them may have changed. */
static gboolean belongs(const VgDom *dom) {
    return dom->life.persistent && !dom->hidden && !dom->facts.vgpus && dom->xml;
}

void vg_save_index(VgDriverState *hub) {
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    GHashTableIter iter;
    gpointer dom;
    if (!hub->index)
        return;
    g_ptr_array_add(records, g_strdup(INDEX_VERSION));
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &dom))
        if (belongs(dom))
            g_ptr_array_add(records, record_of(dom));
    if (!vg_journal_rewrite(hub->index, (const char *const *)records->pdata, records->len, &error))
        vg_warn("the next start will take longer: %s", error->message);
}

/* --- a definition ------------------------------------------------------------------------------------------------- */

/* @ret_torn: it is no XML at all. What is XML and refused stays where it is: another version may take it. */
static VgDomain *parse_def(const char *path, const char *text, gboolean *ret_torn) {
    g_autoptr(GError) error = NULL;
    VgDomain *def = vg_domain_parse(text, VG_XML_INACTIVE, &error);
    if (!def)
        vg_warn("%s: %s", path, error->message);
    *ret_torn = g_error_matches(error, VG_ERROR, VG_ERR_XML_DETAIL);
    return def;
}

static char *read_text(const char *path, gsize *ret_len) {
    char *text = vg_fd_read_file(AT_FDCWD, path, DEF_MAX, ret_len);
    if (!text)
        vg_warn("cannot read %s: %s", path, g_strerror(errno));
    return text;
}

/* A definition that another tool wrote is completed once and for all: identities must not change with every start of
 * the daemon. */
static char *settle(VgDriverState *hub, const char *path, VgDomain *def, const char *text) {
    g_autoptr(GError) error = NULL;
    if (!vg_def_complete(hub, def, &error)) {
        vg_warn("%s: %s", path, error->message);
        g_clear_error(&error);
    }
    char *canonical = vg_domain_format(def, VG_XML_SECURE | VG_XML_INACTIVE);
    if (!g_str_equal(text, canonical) && !vg_durable_write(path, canonical, strlen(canonical), TRUE, &error))
        vg_warn("%s: %s", path, error->message);
    return canonical;
}

/* A new domain of the list, or NULL if another has its name or UUID. */
static VgDom *admit(VgDriverState *hub, const char *path, const VgUuid *uuid, const char *name) {
    g_autoptr(GError) error = NULL;
    VgDom *dom = NULL;
    if (!vg_doms_admit(&hub->doms, uuid, name, &dom, &error) || dom) {
        vg_warn("%s: %s; left out", path, error ? error->message : "defined twice");
        return NULL;
    }
    dom = vg_dom_new(uuid, name, TRUE);
    vg_doms_add(&hub->doms, dom);
    return dom;
}

static void load_parsed(Loading *loading, const char *path, const char *name, const char *text) {
    gboolean torn = FALSE;
    g_autoptr(VgDomain) def = parse_def(path, text, &torn);
    g_autofree char *before = NULL;
    gsize len;
    if (torn && vg_durable_set_aside(path) && (before = read_text(path, &len)) != NULL)
        def = parse_def(path, text = before, &torn);
    if (!def)
        return;
    if (!g_str_equal(def->name, name)) {
        vg_warn("%s defines domain '%s', which belongs into %s" SUFFIX "; left out", path, def->name, def->name);
        return;
    }
    VgDom *dom = admit(loading->hub, path, &def->uuid, def->name);
    if (!dom)
        return;
    dom->xml = settle(loading->hub, path, def, text);
    vg_dom_facts_of(def, &dom->facts);
    loading->news = loading->news || belongs(dom);
}

static gboolean is_known(const Known *known, const char *text, gsize len) {
    return known && known->len == len && known->crc == vg_crc32c(0, text, len);
}

static void load_def(Loading *loading, const char *file) {
    g_autofree char *path = g_build_filename(loading->hub->confdir, file, NULL);
    g_autofree char *name = g_strndup(file, strlen(file) - strlen(SUFFIX));
    gsize len;
    g_autofree char *text = read_text(path, &len);
    const Known *known = g_hash_table_lookup(loading->known, name);
    if (!text)
        return;
    if (!is_known(known, text, len)) {
        load_parsed(loading, path, name, text);
        return;
    }
    VgDom *dom = admit(loading->hub, path, &known->uuid, name);
    if (!dom)
        return;
    dom->xml = g_steal_pointer(&text);
    dom->facts = known->facts;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static int by_name(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the folder's definitions, sorted. */
static GPtrArray *files_of(const char *folder) {
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir))
        if (g_str_has_suffix(name, SUFFIX))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_name);
    return names;
}

static void load_autostarts(VgDriverState *hub) {
    g_autoptr(GPtrArray) files = files_of(hub->autodir);
    for (guint i = 0; i < files->len; i++) {
        const char *file = g_ptr_array_index(files, i);
        g_autofree char *path = g_build_filename(hub->autodir, file, NULL);
        g_autofree char *name = g_strndup(file, strlen(file) - strlen(SUFFIX));
        VgDom *dom = vg_doms_find_name(&hub->doms, name);
        if (dom && g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            dom->autostart = TRUE;
    }
}

void vg_load_defs(VgDriverState *hub, const char *index) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) files = files_of(hub->confdir);
    Loading loading = {.hub = hub, .known = known};
    hub->index = vg_journal_open(index, take_record, &loading, &error);
    if (!hub->index)
        vg_warn("every definition is read in full: %s", error->message);
    for (guint i = 0; i < files->len; i++)
        load_def(&loading, g_ptr_array_index(files, i));
    load_autostarts(hub);
    if (loading.news)
        vg_save_index(hub);
}
