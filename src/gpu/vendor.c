/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vendor.c: vgpuConfig.xml as structs. The table of rows takes every value as text: what is wrong is judged entry by
 * entry. Talks to the XML engine.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/durable.h"
#include "base/fd.h"
#include "base/i18n.h"
#include "gpu/vendor.h"
#include "xml/map.h"

#define VG_AREA "gpu"
#include "base/log.h"

#define MAX_TYPES 10000
#define MAX_GPUS 10000
#define MAX_LINKS 1000
#define MAX_PER_GPU 1024

/* --- the file's own form ------------------------------------------------------------------------------------------ */

typedef struct {
    char *vendor, *device, *subvendor, *subdevice;
} RawIds;

typedef struct {
    char *id, *name, *class_name;
    RawIds ids;
    char *framebuffer, *reserved, *heads, *width, *height, *frame_rate_limit, *pixels, *bar1, *several, *instance;
} RawType;

typedef struct {
    char *type, *max;
} RawLink;

typedef struct {
    char *mode;
    RawIds ids;
    RawLink **links;
    gsize n_links;
} RawGpu;

typedef struct {
    RawType **types;
    gsize n_types;
    RawGpu **gpus;
    gsize n_gpus;
} RawFile;

#define TEXT_OF(T, m) ((const VgXmlMap){.rows = (const VgXmlRow[]){VG_X_STRING(T, m, ""), VG_X_END}})

static const VgXmlMap ids_map = {.size = sizeof(RawIds),
                                 .rows = (const VgXmlRow[]){VG_X_STRING(RawIds, vendor, "@vendorId"),
                                                            VG_X_STRING(RawIds, device, "@deviceId"),
                                                            VG_X_STRING(RawIds, subvendor, "@subsystemVendorId"),
                                                            VG_X_STRING(RawIds, subdevice, "@subsystemId"), VG_X_END}};
static const VgXmlMap display_map = {.rows = (const VgXmlRow[]){VG_X_STRING(RawType, width, "@width"),
                                                                VG_X_STRING(RawType, height, "@height"), VG_X_END}};
static const VgXmlMap type_map = {
    .name = "vgpuType",
    .size = sizeof(RawType),
    .rows = (const VgXmlRow[]){
        VG_X_STRING(RawType, id, "@id"), VG_X_STRING(RawType, name, "@name"),
        VG_X_STRING(RawType, class_name, "@class"), VG_X_STRUCT(RawType, ids, "devId", ids_map),
        VG_X_GROUP("framebuffer", TEXT_OF(RawType, framebuffer)),
        VG_X_GROUP("fbReservation", TEXT_OF(RawType, reserved)), VG_X_GROUP("numHeads", TEXT_OF(RawType, heads)),
        VG_X_GROUP("display", display_map), VG_X_GROUP("frlConfig", TEXT_OF(RawType, frame_rate_limit)),
        VG_X_GROUP("maxPixels", TEXT_OF(RawType, pixels)), VG_X_GROUP("bar1Length", TEXT_OF(RawType, bar1)),
        VG_X_GROUP("multiVgpuSupported", TEXT_OF(RawType, several)),
        VG_X_GROUP("gpuInstanceSize", TEXT_OF(RawType, instance)), VG_X_END}};
static const VgXmlMap link_map = {.name = "supportedVgpu",
                                  .size = sizeof(RawLink),
                                  .rows = (const VgXmlRow[]){VG_X_STRING(RawLink, type, "@vgpuId"),
                                                             VG_X_GROUP("maxVgpus", TEXT_OF(RawLink, max)), VG_X_END}};
static const VgXmlMap gpu_map = {
    .name = "pgpu",
    .size = sizeof(RawGpu),
    .rows =
        (const VgXmlRow[]){VG_X_STRING(RawGpu, mode, "@hostVgpuMode"), VG_X_STRUCT(RawGpu, ids, "devId", ids_map),
                           VG_X_ARRAY(RawGpu, links, RawLink, "supportedVgpu", link_map, .max = MAX_LINKS), VG_X_END}};
static const VgXmlMap file_map = {
    .name = "vgpuconfig",
    .size = sizeof(RawFile),
    .rows = (const VgXmlRow[]){VG_X_ARRAY(RawFile, types, RawType, "vgpuType", type_map, .max = MAX_TYPES),
                               VG_X_ARRAY(RawFile, gpus, RawGpu, "pgpu", gpu_map, .max = MAX_GPUS), VG_X_END}};

/* --- entry by entry ----------------------------------------------------------------------------------------------- */

static void skip(VgVendor *v, const char *element, const char *id, const char *member) {
    if (v->skipped++ == 0)
        v->why =
            g_strdup_printf(_("<%s> %.40s: '%s' is missing or out of range"), element, id != NULL ? id : "?", member);
}

/* Decimal, or hexadecimal after 0x. @text NULL: @fallback. */
static gboolean number(const char *text, guint64 least, guint64 most, guint64 fallback, guint64 *ret) {
    *ret = fallback;
    if (text == NULL)
        return fallback >= least && fallback <= most;
    g_autofree char *plain = g_strstrip(g_strdup(text));
    gboolean hex = g_ascii_strncasecmp(plain, "0x", 2) == 0;
    return g_ascii_string_to_unsigned(hex ? plain + 2 : plain, hex ? 16 : 10, least, most, ret, NULL);
}

static gboolean pci_id(const char *text, guint16 fallback, gboolean needed, guint16 *ret) {
    guint64 value = 0;
    if ((text == NULL && needed) || !number(text, 0, G_MAXUINT16, fallback, &value))
        return FALSE;
    *ret = (guint16)value;
    return TRUE;
}

static gboolean yes(const char *text) {
    guint64 value;
    return text != NULL && number(text, 0, 1, 0, &value) && value == 1;
}

#define NVIDIA 0x10de

/* The name of the member that is wrong, or NULL. */
static const char *read_type(const RawType *r, VgVendorType *t) {
    const struct {
        const char *text, *name;
        guint64 least, most, fallback;
        guint *where;
    } figures[] = {
        {r->id, "id", 1, G_MAXUINT32, 0, &t->id},
        {r->heads, "numHeads", 0, 64, 0, &t->heads},
        {r->width, "display", 0, G_MAXUINT16, 0, &t->width},
        {r->height, "display", 0, G_MAXUINT16, 0, &t->height},
        {r->frame_rate_limit, "frlConfig", 0, 1000, 0, &t->frame_rate_limit},
        {r->bar1, "bar1Length", 0, 1 << 20, 0, &t->bar1_mib},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(figures); i++) {
        guint64 value;
        if (!number(figures[i].text, figures[i].least, figures[i].most, figures[i].fallback, &value))
            return figures[i].name;
        *figures[i].where = (guint)value;
    }
    if (!number(r->framebuffer, 1 << 20, G_GUINT64_CONSTANT(1) << 48, 0, &t->framebuffer))
        return "framebuffer";
    if (!number(r->reserved, 0, G_GUINT64_CONSTANT(1) << 48, 0, &t->reserved))
        return "fbReservation";
    if (!number(r->pixels, 0, G_GUINT64_CONSTANT(1) << 40, 0, &t->pixels))
        return "maxPixels";
    if (!pci_id(r->ids.vendor, NVIDIA, FALSE, &t->vendor) || !pci_id(r->ids.device, 0, TRUE, &t->device) ||
        !pci_id(r->ids.subvendor, NVIDIA, FALSE, &t->subvendor) || !pci_id(r->ids.subdevice, 0, FALSE, &t->subdevice))
        return "devId";
    guint64 instance = 0;
    t->mig = r->instance != NULL && number(r->instance, 0, G_MAXUINT32, 0, &instance) && instance > 0;
    t->several_per_guest = yes(r->several);
    return NULL;
}

static void type_clear(gpointer data) {
    VgVendorType *t = data;
    g_free(t->name);
    g_free(t->class_name);
}

static void gpu_clear(gpointer data) {
    g_array_unref(((VgVendorGpu *)data)->links);
}

static void read_types(VgVendor *v, const RawFile *file, GHashTable *known) {
    for (gsize i = 0; i < file->n_types; i++) {
        const RawType *r = file->types[i];
        VgVendorType t = {0};
        const char *wrong = read_type(r, &t);
        if (wrong == NULL && !g_hash_table_add(known, GUINT_TO_POINTER(t.id)))
            wrong = "id";
        if (wrong != NULL) {
            skip(v, "vgpuType", r->id, wrong);
            continue;
        }
        t.name = r->name != NULL && *r->name != '\0' ? g_strdup(r->name) : NULL;
        t.class_name = g_strdup(r->class_name);
        g_array_append_val(v->types, t);
    }
}

static void read_links(VgVendor *v, const RawGpu *r, GHashTable *known, GArray *links) {
    for (gsize i = 0; i < r->n_links; i++) {
        const RawLink *l = r->links[i];
        guint64 type = 0, max = 0;
        if (l->type == NULL || !number(l->type, 1, G_MAXUINT32, 0, &type) ||
            !g_hash_table_contains(known, GUINT_TO_POINTER((guint)type)))
            skip(v, "supportedVgpu", l->type, "vgpuId");
        else if (!number(l->max, 1, MAX_PER_GPU, 0, &max))
            skip(v, "supportedVgpu", l->type, "maxVgpus");
        else {
            VgVendorLink link = {(guint)type, (guint)max};
            g_array_append_val(links, link);
        }
    }
}

static void read_gpus(VgVendor *v, const RawFile *file, GHashTable *known) {
    for (gsize i = 0; i < file->n_gpus; i++) {
        const RawGpu *r = file->gpus[i];
        VgVendorGpu g = {.sriov = g_strcmp0(r->mode, "sriov") == 0};
        if (!pci_id(r->ids.vendor, NVIDIA, FALSE, &g.vendor) || !pci_id(r->ids.device, 0, TRUE, &g.device) ||
            !pci_id(r->ids.subvendor, NVIDIA, FALSE, &g.subvendor) ||
            !pci_id(r->ids.subdevice, 0, FALSE, &g.subdevice)) {
            skip(v, "pgpu", r->ids.device, "devId");
            continue;
        }
        g.links = g_array_new(FALSE, FALSE, sizeof(VgVendorLink));
        read_links(v, r, known, g.links);
        g_array_append_val(v->gpus, g);
    }
}

VgVendor *vg_vendor_parse(const char *text, const char *what, GError **error) {
    g_autoptr(GHashTable) known = g_hash_table_new(g_direct_hash, g_direct_equal);
    RawFile *file = vg_xml_map_parse(&file_map, NULL, text, VG_XML_MAP_HOST_FILE, error);
    if (file == NULL) {
        g_prefix_error(error, "%s: ", what);
        return NULL;
    }
    VgVendor *v = g_new0(VgVendor, 1);
    v->types = g_array_new(FALSE, FALSE, sizeof(VgVendorType));
    g_array_set_clear_func(v->types, type_clear);
    v->gpus = g_array_new(FALSE, FALSE, sizeof(VgVendorGpu));
    g_array_set_clear_func(v->gpus, gpu_clear);
    read_types(v, file, known);
    read_gpus(v, file, known);
    vg_xml_map_free(&file_map, file);
    if (v->types->len > 0 && v->gpus->len > 0)
        return v;
    vg_set_error(error, VG_ERR_XML_ERROR, _("%s: it has no type of vGPU, or no GPU"), what);
    vg_vendor_free(v);
    return NULL;
}

void vg_vendor_free(VgVendor *vendor) {
    if (vendor == NULL)
        return;
    g_array_unref(vendor->types);
    g_array_unref(vendor->gpus);
    g_free(vendor->why);
    g_free(vendor);
}

/* --- from disk ---------------------------------------------------------------------------------------------------- */

static VgVendor *read_file(const char *path, char **ret_text, GError **error) {
    *ret_text = vg_fd_read_file(AT_FDCWD, path, VG_XML_MAX_HOST_SIZE, NULL);
    if (*ret_text != NULL)
        return vg_vendor_parse(*ret_text, path, error);
    vg_set_errno(error, errno, _("cannot read %s"), path);
    return NULL;
}

/* A file that is the same as before is not written again. */
static void keep_copy(const char *copy, const char *text) {
    g_autoptr(GError) error = NULL;
    g_autofree char *before = vg_fd_read_file(AT_FDCWD, copy, VG_XML_MAX_HOST_SIZE, NULL);
    if (g_strcmp0(before, text) != 0 && !vg_durable_write(copy, text, strlen(text), FALSE, &error))
        vg_warn("%s", error->message);
}

VgVendor *vg_vendor_read(const char *path, const char *copy, char **ret_problem) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL, *old = NULL;
    *ret_problem = NULL;
    if (path == NULL || !g_file_test(path, G_FILE_TEST_EXISTS))
        return NULL;
    VgVendor *v = read_file(path, &text, &error);
    if (v != NULL) {
        keep_copy(copy, text);
        if (v->skipped > 0)
            *ret_problem = g_strdup_printf(_("%s: %u entries are left out: %s"), path, v->skipped, v->why);
        return v;
    }
    v = read_file(copy, &old, NULL);
    *ret_problem = g_strdup_printf(v != NULL ? _("%s; the last good copy of it is used")
                                             : _("%s; it is not used, and there is no good copy of it"),
                                   error->message);
    return v;
}
