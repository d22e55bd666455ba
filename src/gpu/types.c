/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* types.c: the catalogue of vGPU types, read from its file, corrected and widened by the vendor's file and by what the
 * kernel says. Talks to the inventory. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "base/json.h"
#include "gpu/place.h"
#include "gpu/types.h"

#define MAX_FILE (4 << 20)
#define MAX_BOARDS 1000
#define MAX_TYPES 20000
#define MAX_PER_GPU 1024
#define MAX_PLACEMENTS 256
#define NVIDIA 0x10de

typedef struct {
    char *name;
    char **values; /* allowed ones */
    char **series; /* of the types that take it */
} Param;

struct VgTypes {
    GPtrArray *types, *boards, *params;
    GHashTable *by_name, *by_id;
    VgVendor *vendor; /* or NULL */
};

static void type_free(gpointer data) {
    VgType *t = data;
    g_free(t->name);
    g_free(t->id);
    g_free(t->series);
    g_free(t->device_api);
    g_free(t->placement_ids);
    g_free(t->pci);
    g_free(t->pci_subsystem);
    g_free(t);
}

static void board_free(gpointer data) {
    VgBoard *b = data;
    g_free(b->name);
    g_ptr_array_unref(b->types);
    g_free(b);
}

static void param_free(gpointer data) {
    Param *p = data;
    g_free(p->name);
    g_strfreev(p->values);
    g_strfreev(p->series);
    g_free(p);
}

static VgTypes *types_new(void) {
    VgTypes *t = g_new0(VgTypes, 1);
    t->types = g_ptr_array_new_with_free_func(type_free);
    t->boards = g_ptr_array_new_with_free_func(board_free);
    t->params = g_ptr_array_new_with_free_func(param_free);
    t->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    t->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return t;
}

void vg_types_free(VgTypes *types) {
    if (types == NULL)
        return;
    g_hash_table_unref(types->by_name);
    g_hash_table_unref(types->by_id);
    g_ptr_array_unref(types->boards);
    g_ptr_array_unref(types->params);
    g_ptr_array_unref(types->types);
    vg_vendor_free(types->vendor);
    g_free(types);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static gboolean bad(GError **error, const char *what, const char *member) {
    vg_set_error(error, VG_ERR_INVALID_ARG, _("catalogue of vGPU types: %s: '%s' is missing or out of range"), what,
                 member);
    return FALSE;
}

static gboolean read_hex(const VgJson *o, const char *member, gboolean needed, guint16 *ret) {
    const char *text = vg_json_get_string(o, member);
    if (text == NULL)
        return !needed;
    guint64 value;
    if (!g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT16, &value, NULL))
        return FALSE;
    *ret = (guint16)value;
    return TRUE;
}

static gboolean read_uint(const VgJson *o, const char *member, gint64 least, gint64 most, guint *ret) {
    gint64 value = vg_json_get_int(o, member, 0);
    if (value < least || value > most)
        return FALSE;
    *ret = (guint)value;
    return TRUE;
}

static char **read_strings(const VgJson *array) {
    gsize n = MIN(vg_json_length(array), 1000);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (gsize i = 0; i < n; i++)
        if (vg_json_string(vg_json_at(array, i)) != NULL)
            g_ptr_array_add(list, g_strdup(vg_json_string(vg_json_at(array, i))));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_steal(list, NULL);
}

static gboolean read_placements(const VgJson *ids, VgType *t) {
    gsize n = vg_json_length(ids);
    if (n > MAX_PLACEMENTS)
        return FALSE;
    t->placement_ids = g_new0(guint16, n + 1);
    t->n_placement_ids = (guint)n;
    for (gsize i = 0; i < n; i++) {
        gint64 id = vg_json_int(vg_json_at(ids, i), -1);
        if (id < 0 || id > G_MAXUINT16)
            return FALSE;
        t->placement_ids[i] = (guint16)id;
        if (id + t->placement_size > VG_PLACE_SLOTS || (i > 0 && id < t->placement_ids[i - 1] + t->placement_size))
            return FALSE;
    }
    return TRUE;
}

/* Figures that are plain numbers. */
static const struct {
    const char *member;
    gsize offset;
    gint64 least, most;
} figures[] = {
    {"framebuffer_mib", G_STRUCT_OFFSET(VgType, framebuffer_mib), 1, 1 << 24},
    {"heads", G_STRUCT_OFFSET(VgType, heads), 0, 64},
    {"frame_rate_limit", G_STRUCT_OFFSET(VgType, frame_rate_limit), 0, 1000},
    {"max", G_STRUCT_OFFSET(VgType, max), 1, MAX_PER_GPU},
    {"max_mixed", G_STRUCT_OFFSET(VgType, max_mixed), 0, MAX_PER_GPU},
    {"slices", G_STRUCT_OFFSET(VgType, slices), 0, 64},
    {"placement_size", G_STRUCT_OFFSET(VgType, placement_size), 0, G_MAXUINT16},
};

static gboolean type_fill(VgType *t, const VgJson *o, const char *name, GError **error) {
    for (gsize i = 0; i < G_N_ELEMENTS(figures); i++)
        if (!read_uint(o, figures[i].member, figures[i].least, figures[i].most,
                       G_STRUCT_MEMBER_P(t, figures[i].offset)))
            return bad(error, name, figures[i].member);
    const VgJson *resolution = vg_json_get(o, "resolution");
    t->width = (guint)CLAMP(vg_json_int(vg_json_at(resolution, 0), 0), 0, G_MAXUINT16);
    t->height = (guint)CLAMP(vg_json_int(vg_json_at(resolution, 1), 0), 0, G_MAXUINT16);
    t->usable_bytes = (guint64)MAX(vg_json_get_int(o, "usable_bytes", 0), 0);
    t->pixels = (guint64)MAX(vg_json_get_int(o, "pixels", 0), 0);
    t->mig = g_strcmp0(vg_json_get_string(o, "backing"), "mig") == 0;
    t->one_per_gpu = vg_json_get_bool(o, "one_per_gpu", FALSE);
    t->bar1_mib = (guint)CLAMP(vg_json_get_int(o, "bar1_mib", 0), 0, 1 << 20);
    t->experimental = g_strcmp0(vg_json_get_string(o, "id_from"), "inferred") == 0;
    t->one_per_guest = !vg_json_get_bool(o, "several_per_guest", TRUE);
    t->pci = g_strdup(vg_json_get_string(o, "pci"));
    t->pci_subsystem = g_strdup(vg_json_get_string(o, "pci_subsystem"));
    if (!read_placements(vg_json_get(o, "placement_ids"), t))
        return bad(error, name, "placement_ids");
    return TRUE;
}

static VgType *type_add(VgTypes *types, const char *name, const char *id, const char *series, const char *api) {
    VgType *t = g_new0(VgType, 1);
    t->index = types->types->len;
    t->name = g_strdup(name);
    t->id = g_strdup(id);
    t->series = g_strdup(series != NULL ? series : "");
    t->device_api = g_strdup(api != NULL ? api : "vfio-pci");
    g_ptr_array_add(types->types, t);
    g_hash_table_insert(types->by_name, t->name, t);
    g_hash_table_replace(types->by_id, g_strdup(id), t);
    return t;
}

static gboolean read_type(VgTypes *types, VgBoard *board, const VgJson *o, GError **error) {
    const char *name = vg_json_get_string(o, "name"), *id = vg_json_get_string(o, "id");
    if (name == NULL || *name == '\0' || g_hash_table_contains(types->by_name, name))
        return bad(error, board->name, "name");
    if (id == NULL || *id == '\0' || g_hash_table_contains(types->by_id, id) || types->types->len >= MAX_TYPES)
        return bad(error, name, "id");
    VgType *t = type_add(types, name, id, vg_json_get_string(o, "series"), NULL);
    g_ptr_array_add(board->types, t);
    return type_fill(t, o, name, error);
}

static gboolean read_board(VgTypes *types, const VgJson *o, GError **error) {
    const char *name = vg_json_get_string(o, "name");
    if (name == NULL)
        return bad(error, "boards", "name");
    VgBoard *b = g_new0(VgBoard, 1);
    b->name = g_strdup(name);
    b->types = g_ptr_array_new();
    g_ptr_array_add(types->boards, b);
    if (!read_hex(o, "vendor", TRUE, &b->vendor))
        return bad(error, name, "vendor");
    if (!read_hex(o, "device", TRUE, &b->device))
        return bad(error, name, "device");
    if (!read_hex(o, "subvendor", FALSE, &b->subvendor) || !read_hex(o, "subdevice", FALSE, &b->subdevice))
        return bad(error, name, "subdevice");
    if (!read_uint(o, "gpus", 1, 64, &b->gpus))
        return bad(error, name, "gpus");
    if (!read_uint(o, "framebuffer_mib", 1, 1 << 24, &b->framebuffer_mib))
        return bad(error, name, "framebuffer_mib");
    const VgJson *list = vg_json_get(o, "types");
    for (gsize i = 0; i < vg_json_length(list); i++)
        if (!read_type(types, b, vg_json_at(list, i), error))
            return FALSE;
    return TRUE;
}

static gboolean read_params(VgTypes *types, const VgJson *list, GError **error) {
    for (gsize i = 0; i < MIN(vg_json_length(list), 1000); i++) {
        const VgJson *o = vg_json_at(list, i);
        if (vg_json_get_string(o, "name") == NULL)
            return bad(error, "parameters", "name");
        Param *p = g_new0(Param, 1);
        p->name = g_strdup(vg_json_get_string(o, "name"));
        p->values = read_strings(vg_json_get(o, "values"));
        p->series = read_strings(vg_json_get(o, "series"));
        g_ptr_array_add(types->params, p);
    }
    return TRUE;
}

VgTypes *vg_types_load(const char *path, GError **error) {
    gsize len = 0;
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, MAX_FILE, &len);
    if (text == NULL) {
        vg_set_errno(error, errno, _("cannot read the catalogue of vGPU types %s"), path);
        return NULL;
    }
    g_autoptr(VgJson) json = vg_json_parse(text, len, path, error);
    if (json == NULL)
        return NULL;
    g_autoptr(VgTypes) types = types_new();
    if (!read_params(types, vg_json_get(json, "parameters"), error))
        return NULL;
    const VgJson *boards = vg_json_get(json, "boards");
    if (vg_json_length(boards) > MAX_BOARDS) {
        bad(error, path, "boards");
        return NULL;
    }
    for (gsize i = 0; i < vg_json_length(boards); i++)
        if (!read_board(types, vg_json_at(boards, i), error))
            return NULL;
    return g_steal_pointer(&types);
}

/* --- looking up --------------------------------------------------------------------------------------------------- */

/* NVIDIA's newer drivers say "NVIDIA T4-1Q" where older ones said "GRID T4-1Q". */
static VgType *by_any_name(const VgTypes *types, const char *name) {
    VgType *t = g_hash_table_lookup(types->by_name, name);
    if (t != NULL)
        return t;
    static const char *const prefixes[] = {"GRID ", "NVIDIA "};
    for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (g_str_has_prefix(name, prefixes[i])) {
            g_autofree char *other = g_strconcat(prefixes[1 - i], name + strlen(prefixes[i]), NULL);
            return g_hash_table_lookup(types->by_name, other);
        }
    return NULL;
}

guint vg_types_count(const VgTypes *types) {
    return types->types->len;
}

const VgType *vg_types_nth(const VgTypes *types, guint index) {
    return index < types->types->len ? g_ptr_array_index(types->types, index) : NULL;
}

const VgType *vg_types_by_name(const VgTypes *types, const char *name) {
    return by_any_name(types, name);
}

const VgType *vg_types_by_id(const VgTypes *types, const char *id) {
    return g_hash_table_lookup(types->by_id, id);
}

const VgBoard *vg_types_board(const VgTypes *types, guint16 vendor, guint16 device, guint16 subvendor,
                              guint16 subdevice) {
    const VgBoard *any = NULL;
    for (guint i = 0; i < types->boards->len; i++) {
        const VgBoard *b = g_ptr_array_index(types->boards, i);
        if (b->vendor != vendor || b->device != device)
            continue;
        if (b->subdevice == subdevice && b->subvendor == subvendor)
            return b;
        /* The chip decides what a GPU can run; a maker's own subsystem id on the same chip changes only the label. */
        if (any == NULL || any->subdevice != 0)
            any = b;
    }
    return any;
}

/* --- what a name says --------------------------------------------------------------------------------------------- */

/* "GRID M60-1Q" is of series Q, "A100-3-20C" of C on a GPU instance: a dash, then slices, then a dash. */
static const char *series_of(const char *name, const char *class_name, gboolean *ret_mig) {
    static const char *const series[] = {"A", "B", "Q", "C"};
    const char *dash = strrchr(name, '-'), *p = dash != NULL ? dash + 1 : name;
    *ret_mig = dash != NULL && dash - name >= 2 && g_ascii_isdigit(dash[-1]) && dash[-2] == '-';
    while (g_ascii_isdigit(*p))
        p++;
    for (gsize i = 0; dash != NULL && p > dash + 1 && i < G_N_ELEMENTS(series); i++)
        if (*p == *series[i])
            return series[i];
    return g_strcmp0(class_name, "Compute") == 0 ? "C" : "legacy";
}

/* --- the vendor's word -------------------------------------------------------------------------------------------- */

static void set_id(VgTypes *types, VgType *t, const char *id) {
    if (strcmp(t->id, id) == 0)
        return;
    g_free(t->id);
    t->id = g_strdup(id);
    g_hash_table_replace(types->by_id, g_strdup(id), t);
}

static VgType *vendor_type(const VgTypes *types, guint id) {
    g_autofree char *text = g_strdup_printf("nvidia-%u", id);
    return g_hash_table_lookup(types->by_id, text);
}

static void take_type(VgTypes *types, const VgVendorType *v) {
    g_autofree char *id = g_strdup_printf("nvidia-%u", v->id);
    const char *name = v->name != NULL ? v->name : id;
    gboolean mig = FALSE;
    VgType *t = v->name != NULL ? by_any_name(types, v->name) : g_hash_table_lookup(types->by_id, id);
    if (t == NULL) {
        const char *series = series_of(name, v->class_name, &mig);
        t = type_add(types, name, id, series, NULL);
        t->framebuffer_mib = (guint)CLAMP((v->framebuffer + v->reserved) >> 20, 1, 1 << 24);
        t->mig = mig || v->mig;
        t->max = 1;
    }
    set_id(types, t, id);
    t->source = VG_FROM_VENDOR;
    t->experimental = FALSE;
    t->usable_bytes = v->framebuffer;
    t->one_per_guest = !v->several_per_guest;
    t->heads = v->heads > 0 ? v->heads : t->heads;
    t->frame_rate_limit = v->frame_rate_limit > 0 ? v->frame_rate_limit : t->frame_rate_limit;
    t->pixels = v->pixels > 0 ? v->pixels : t->pixels;
    t->bar1_mib = v->bar1_mib > 0 ? v->bar1_mib : t->bar1_mib;
    if (v->width > 0 && v->height > 0) {
        t->width = v->width;
        t->height = v->height;
    }
    g_free(t->pci);
    t->pci = g_strdup_printf("%04x:%04x", v->vendor, v->device);
    if (v->subdevice != 0) {
        g_free(t->pci_subsystem);
        t->pci_subsystem = g_strdup_printf("%04x:%04x", v->subvendor, v->subdevice);
    }
}

void vg_types_take_vendor(VgTypes *types, VgVendor *vendor) {
    types->vendor = vendor;
    for (guint i = 0; vendor != NULL && i < vendor->types->len && types->types->len < MAX_TYPES; i++)
        take_type(types, &g_array_index(vendor->types, VgVendorType, i));
    /* On how many a GPU has, the file has a word for each GPU; the most is what the type itself says. */
    for (guint i = 0; vendor != NULL && i < vendor->gpus->len; i++) {
        const VgVendorGpu *g = &g_array_index(vendor->gpus, VgVendorGpu, i);
        for (guint k = 0; k < g->links->len; k++) {
            const VgVendorLink *l = &g_array_index(g->links, VgVendorLink, k);
            VgType *t = vendor_type(types, l->type);
            if (t != NULL)
                t->max = MAX(t->max, l->max);
        }
    }
}

static void add_offer(GArray *offers, const VgType *type, guint max) {
    for (guint i = 0; i < offers->len; i++)
        if (g_array_index(offers, VgTypeOffer, i).type == type)
            return; /* the first word stands */
    VgTypeOffer offer = {type, max};
    g_array_append_val(offers, offer);
}

/* A GPU matches its own subsystem and the entries for any; what they say is joined. */
static void offers_of_vendor(const VgTypes *types, guint16 vendor, guint16 device, guint16 subvendor, guint16 subdevice,
                             GArray *offers) {
    for (guint i = 0; i < types->vendor->gpus->len; i++) {
        const VgVendorGpu *g = &g_array_index(types->vendor->gpus, VgVendorGpu, i);
        if (g->vendor != vendor || g->device != device ||
            (g->subdevice != 0 && (g->subdevice != subdevice || g->subvendor != subvendor)))
            continue;
        for (guint k = 0; k < g->links->len; k++) {
            const VgVendorLink *l = &g_array_index(g->links, VgVendorLink, k);
            const VgType *t = vendor_type(types, l->type);
            if (t != NULL)
                add_offer(offers, t, l->max);
        }
    }
}

GArray *vg_types_offers(const VgTypes *types, guint16 vendor, guint16 device, guint16 subvendor, guint16 subdevice) {
    GArray *offers = g_array_new(FALSE, FALSE, sizeof(VgTypeOffer));
    const VgBoard *board = vg_types_board(types, vendor, device, subvendor, subdevice);
    if (types->vendor != NULL)
        offers_of_vendor(types, vendor, device, subvendor, subdevice, offers);
    /* The file is NVIDIA's own, and whole for its GPUs; it may have others besides. */
    if (offers->len == 0 && (types->vendor == NULL || vendor != NVIDIA))
        for (guint i = 0; board != NULL && i < board->types->len; i++) {
            const VgType *t = g_ptr_array_index(board->types, i);
            add_offer(offers, t, t->max);
        }
    return offers;
}

/* --- the kernel's word -------------------------------------------------------------------------------------------- */

/* "num_heads=4, frl_config=60, framebuffer=1024M, max_resolution=5120x2880, max_instance=16" */
static void read_description(VgType *t, const char *description) {
    if (description == NULL)
        return;
    g_auto(GStrv) parts = g_strsplit_set(description, ",\n", 64);
    for (char **p = parts; *p != NULL; p++) {
        char *key = g_strstrip(*p), *value = strchr(key, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        char *end = NULL;
        guint64 number = g_ascii_strtoull(value, &end, 10);
        if (end == value || number > (1 << 24))
            continue;
        if (strcmp(key, "num_heads") == 0)
            t->heads = (guint)number;
        else if (strcmp(key, "frl_config") == 0)
            t->frame_rate_limit = (guint)number;
        else if (strcmp(key, "framebuffer") == 0)
            t->framebuffer_mib = (guint)number;
        else if (strcmp(key, "max_instance") == 0 && number >= 1 && number <= MAX_PER_GPU)
            t->max = (guint)number;
        else if (strcmp(key, "max_resolution") == 0 && *end == 'x') {
            t->width = (guint)number;
            t->height = (guint)CLAMP(g_ascii_strtoll(end + 1, NULL, 10), 0, G_MAXUINT16);
        }
    }
}

const VgType *vg_types_of_kernel(VgTypes *types, const char *id, const char *name, const char *description,
                                 const char *device_api, guint max) {
    VgType *t = name != NULL && *name != '\0' ? by_any_name(types, name) : g_hash_table_lookup(types->by_id, id);
    if (t == NULL) {
        const char *called = name != NULL && *name != '\0' ? name : id;
        gboolean mig = FALSE;
        const char *series = series_of(called, NULL, &mig);
        t = type_add(types, called, id, strcmp(series, "legacy") != 0 ? series : NULL, device_api);
        t->mig = mig;
        t->max = CLAMP(max, 1, MAX_PER_GPU);
    }
    set_id(types, t, id);
    read_description(t, description);
    t->source = VG_FROM_KERNEL;
    t->experimental = FALSE;
    return t;
}

const VgType *vg_types_passthrough(VgTypes *types) {
    VgType *t = g_hash_table_lookup(types->by_name, "passthrough");
    if (t == NULL) {
        t = type_add(types, "passthrough", "passthrough", "whole", NULL);
        t->max = 1;
    }
    return t;
}

const VgType *vg_types_vf(VgTypes *types, const char *model, guint16 vendor, guint16 device) {
    g_autofree char *name = g_strdup_printf("%s VF", model), *id = g_strdup_printf("vf-%04x-%04x", vendor, device);
    VgType *t = g_hash_table_lookup(types->by_name, name);
    return t != NULL ? t : type_add(types, name, id, "whole", NULL);
}

/* --- parameters --------------------------------------------------------------------------------------------------- */

static const Param *param_of(const VgTypes *types, const VgType *type, const char *name) {
    for (guint i = 0; i < types->params->len; i++) {
        const Param *p = g_ptr_array_index(types->params, i);
        if (strcmp(p->name, name) == 0 &&
            (*type->series == '\0' || g_strv_contains((const char *const *)p->series, type->series)))
            return p;
    }
    return NULL;
}

static char *param_names(const VgTypes *types, const VgType *type) {
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < types->params->len; i++) {
        const Param *p = g_ptr_array_index(types->params, i);
        if (param_of(types, type, p->name) == p)
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", p->name);
    }
    return g_string_free(text, FALSE);
}

gboolean vg_types_check_params(const VgTypes *types, const VgType *type, const char *const *params, GError **error) {
    for (const char *const *p = params; p != NULL && p[0] != NULL; p += 2) {
        const char *name = p[0], *value = p[1];
        const Param *known = param_of(types, type, name);
        if (known == NULL) {
            g_autofree char *names = param_names(types, type);
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("a vGPU of type %s takes no parameter '%s'; it takes: %s"),
                         type->name, name, *names != '\0' ? names : _("none"));
            return FALSE;
        }
        if (value == NULL || !g_strv_contains((const char *const *)known->values, value)) {
            g_autofree char *values = g_strjoinv(", ", known->values);
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("parameter '%s' of a vGPU cannot be '%s'; it can be: %s"),
                         name, value != NULL ? value : "", values);
            return FALSE;
        }
        for (const char *const *q = params; q < p; q += 2)
            if (strcmp(q[0], name) == 0) {
                vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("parameter '%s' of a vGPU is given twice"), name);
                return FALSE;
            }
    }
    return TRUE;
}
