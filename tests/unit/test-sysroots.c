/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-sysroots.c: what is made of each tree of tests/data/sysroots/, and one life of a vGPU there, write by write,
 * against NAME.expected. VG_REGENERATE=1 writes that.
 */
#include "config.h"

#include <string.h>

#include "gpu/engine.h"
#include "tree.h"

#define VG_AREA "test"
#include "base/log.h"

static const char vgpu[] = "11111111-1111-4111-8111-111111111111";

static void show_gpus(VgGpus *gpus, GString *out) {
    for (guint i = 0; i < gpus->inventory.n; i++) {
        const VgGpu *gpu = &gpus->inventory.gpus[i];
        g_string_append_printf(out, "GPU %s: %s, %s%s%s\n", gpu->text, gpu->model,
                               gpu->backend != NULL ? gpu->backend->name : "no vGPUs", gpu->why_not != NULL ? ", " : "",
                               gpu->why_not != NULL ? gpu->why_not : "");
        for (guint k = 0; k < gpu->vfs->len; k++) {
            const VgVf *vf = &g_array_index(gpu->vfs, VgVf, k);
            char addr[VG_PCIADDR_TEXT];
            g_string_append_printf(out, "  function %s%s\n", vg_pciaddr_format(&vf->addr, addr),
                                   vf->usable ? "" : ": not for vGPUs");
        }
        for (guint k = 0; k < gpu->offers->len; k++) {
            const VgGpuOffer *o = &g_array_index(gpu->offers, VgGpuOffer, k);
            g_string_append_printf(out, "  type %s (%s): %u of %u%s%s\n", o->type->name, o->type->id,
                                   vg_place_capacity(&gpus->room, i, o->type->index), o->max,
                                   o->why_not != NULL ? ", " : "", o->why_not != NULL ? o->why_not : "");
        }
    }
    for (guint i = 0; i < gpus->foreign->len; i++) {
        const VgKernelVgpu *v = &g_array_index(gpus->foreign, VgKernelVgpu, i);
        g_string_append_printf(out, "foreign: %s on %s\n", v->type != NULL ? v->type->name : "?",
                               gpus->inventory.gpus[v->gpu].text);
    }
}

static void end_step(Tree *tree, GString *out, const char *what, gboolean good, GError *error) {
    g_string_append_printf(out, "%s: %s\n%s", what, good ? "done" : error->message, tree->writes->str);
    g_string_truncate(tree->writes, 0);
}

static void live(Tree *tree, VgGpus *gpus, GString *out) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) params = g_ptr_array_new_with_free_func(g_free);
    for (char **p = tree->life + 1; *p != NULL; p++) {
        g_auto(GStrv) pair = g_strsplit(*p, "=", 2);
        g_ptr_array_add(params, g_strdup(pair[0]));
        g_ptr_array_add(params, g_strdup(pair[1]));
    }
    g_ptr_array_add(params, NULL);
    VgVgpuRequest r = {.type_id = tree->life[0], .params = (const char *const *)params->pdata};
    VgUuid owner;
    vg_uuid_generate(&owner);
    g_assert_true(vg_uuid_parse(vgpu, &r.vgpu));
    VgClaim *claim = vg_gpus_claim(gpus, &owner, "guest", &r, 1, &error);
    g_assert_no_error(error);
    gsize n;
    const VgPlace *place = vg_claim_places(claim, &n);
    char addr[VG_PCIADDR_TEXT];
    g_string_append_printf(out, "place: %s, for the device model: %s\n",
                           vg_pciaddr_format(vg_place_function(place), addr),
                           place->vfio_path != NULL ? place->vfio_path + strlen(tree->dir) : "-");
    gboolean good = vg_claim_create(claim, &error);
    end_step(tree, out, "create", good, error);
    g_clear_error(&error);
    good = vg_claim_create(claim, &error);
    end_step(tree, out, "create again", good, error);
    g_clear_error(&error);
    good = vg_claim_remove(claim, &error);
    end_step(tree, out, "remove", good, error);
    g_clear_error(&error);
    good = vg_claim_remove(claim, &error);
    end_step(tree, out, "remove again", good, error);
    vg_gpus_release(claim);
}

/* Nothing of the vGPU is left, says one who looks anew. */
static void show_rest(VgGpus *gpus, GString *out) {
    VgGpusLook *look = vg_gpus_look_begin(gpus);
    vg_gpus_look_read(look);
    g_assert_true(vg_gpus_look_end(look));
    g_string_append_printf(out, "vGPUs left: %u\n", gpus->inventory.kernel->len);
}

static void test_tree(gconstpointer name) {
    g_autoptr(GError) error = NULL;
    Tree *tree = tree_new(name);
    g_autofree char *types = g_build_filename(g_getenv("srcdir"), "src/gpu/catalogue.json", NULL);
    g_autofree char *ledger = g_build_filename(tree->dir, "ledger", NULL);
    VgGpusPaths paths = {.catalogue = types, .ledger = ledger};
    VgGpus *gpus = vg_gpus_open(&tree->host, &paths, &error);
    g_assert_no_error(error);
    gpus->backend_host.wait_ms = 50;
    g_autoptr(GString) out = g_string_new(NULL);
    show_gpus(gpus, out);
    if (tree->life != NULL) {
        live(tree, gpus, out);
        show_rest(gpus, out);
    }
    g_assert_cmpstr(tree->writes->str, ==, ""); /* to look changes nothing */
    vg_gpus_free(gpus);
    g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".tree"));
    g_autofree char *file = g_strconcat(stem, ".expected", NULL);
    g_autofree char *path = g_build_filename(g_getenv("srcdir"), "tests/data/sysroots", file, NULL), *expected = NULL;
    if (g_getenv("VG_REGENERATE") != NULL)
        g_assert_true(g_file_set_contents(path, out->str, -1, NULL));
    g_assert_true(g_file_get_contents(path, &expected, NULL, NULL));
    g_assert_cmpstr(out->str, ==, expected);
}

int main(int argc, char **argv) {
    vg_log_set_level(VG_LOG_ERROR);
    g_test_init(&argc, &argv, NULL);
    g_auto(GStrv) names = tree_names();
    g_assert_cmpuint(g_strv_length(names), >, 0);
    for (char **name = names; *name != NULL; name++) {
        g_autofree char *path = g_strconcat("/sysroots/", *name, NULL);
        g_test_add_data_func(path, *name, test_tree);
    }
    return g_test_run();
}
