/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state.c: any bytes as each of the files that the daemon reads back: the ledger, gpus.json, host.json. Refused with a
 * short error, or read; then what is written of it is read again and is the same, and a ledger takes another claim.
 */
#include "config.h"

#include <glib/gstdio.h>
#include <stdint.h>
#include <string.h>

#include "gpu/ledger.h"
#include "gpu/settings.h"
#include "sim/host.h"

#define VG_AREA "fuzz"
#include "base/log.h"

static char *folder;

static char *put(const char *name, const uint8_t *data, size_t size) {
    char *path = g_build_filename(folder, name, NULL);
    g_assert_true(g_file_set_contents(path, (const char *)data, (gssize)size, NULL));
    return path;
}

static void check_error(const GError *error) {
    g_assert_nonnull(error);
    g_assert_cmpuint(strlen(error->message), <, 2000);
}

/* --- the ledger --------------------------------------------------------------------------------------------------- */

static void add_claim(VgLedger *ledger, guint64 id) {
    VgLedgerVgpu v = {.backend = (char *)"mdev",
                      .type_name = (char *)"T",
                      .type_id = (char *)"t",
                      .generation = id,
                      .start = -1};
    VgLedgerClaim c = {.id = id, .owner_name = (char *)"guest", .vgpus = &v, .n = 1};
    g_autofree char *record = vg_ledger_print(&c);
    g_assert_true(vg_ledger_claim(ledger, id, record, NULL));
}

/* Opens it; the claims as text. NULL: refused. */
static char *read_ledger(const char *path, gboolean add) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) claims = NULL;
    guint64 generation = 0;
    VgLedger *ledger = vg_ledger_open(path, &claims, &generation, &error);
    if (ledger == NULL) {
        check_error(error);
        return NULL;
    }
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < claims->len; i++) {
        g_autofree char *record = vg_ledger_print(g_ptr_array_index(claims, i));
        g_string_append_printf(text, "%s\n", record);
    }
    if (add && generation < G_MAXINT64)
        add_claim(ledger, generation + 1);
    vg_ledger_free(ledger);
    return g_string_free(text, FALSE);
}

static void check_ledger(const uint8_t *data, size_t size) {
    g_autofree char *path = put("ledger", data, size);
    g_autofree char *first = read_ledger(path, TRUE);
    if (first != NULL) {
        g_autofree char *second = read_ledger(path, FALSE);
        g_assert_true(second != NULL && g_str_has_prefix(second, first));
    }
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL); /* what was set aside */
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *old = g_build_filename(folder, name, NULL);
        g_unlink(old);
    }
}

/* --- gpus.json, host.json ----------------------------------------------------------------------------------------- */

static void check_settings(const uint8_t *data, size_t size) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(VgSettings) settings = vg_settings_parse(text, strlen(text), "gpus.json", &error);
    if (settings == NULL) {
        check_error(error);
        return;
    }
    g_autofree char *first = vg_settings_print(settings);
    g_autoptr(VgSettings) again = vg_settings_parse(first, strlen(first), "gpus.json", &error);
    if (again == NULL)
        g_error("what was written is refused: %s\n%s", error->message, first);
    g_autofree char *second = vg_settings_print(again);
    g_assert_cmpstr(first, ==, second);
}

static void check_host(const uint8_t *data, size_t size) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = put("host.json", data, size);
    g_autoptr(VgSimHost) host = vg_sim_host_load(folder, &error);
    if (host == NULL)
        check_error(error);
    else
        g_assert_cmpuint(host->info.memory_kib, >, host->dom0_kib);
    g_unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (folder == NULL) {
        vg_log_set_level(VG_LOG_ERROR);
        folder = g_mkdtemp(g_strdup("/dev/shm/vg-fuzz-XXXXXX"));
        if (folder == NULL)
            folder = g_dir_make_tmp("vg-fuzz-XXXXXX", NULL);
    }
    check_settings(data, size);
    check_ledger(data, size);
    check_host(data, size);
    return 0;
}

#ifdef FUZZ_REPLAY
/* The seed, then some neighbours of it. */
static void replay(gconstpointer path) {
    g_autofree char *data = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    LLVMFuzzerTestOneInput((const uint8_t *)data, len);
    for (gsize at = 0; at < len; at += 1 + len / 128) {
        LLVMFuzzerTestOneInput((const uint8_t *)data, at);
        data[at] = (char)(data[at] ^ 1);
        LLVMFuzzerTestOneInput((const uint8_t *)data, len);
        data[at] = (char)(data[at] ^ 1);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *seeds = g_build_filename(srcdir != NULL ? srcdir : ".", "tests/fuzz/corpus/state", NULL);
    g_autoptr(GDir) dir = g_dir_open(seeds, 0, NULL);
    g_assert_nonnull(dir);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *test = g_strconcat("/fuzz/state/", name, NULL);
        g_test_add_data_func_full(test, g_build_filename(seeds, name, NULL), replay, g_free);
    }
    int rc = g_test_run();
    if (folder != NULL)
        g_rmdir(folder);
    return rc;
}
#endif
