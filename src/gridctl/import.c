/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * import.c: `gridctl export` and `gridctl import`: all settings as one document and back; `gridctl import domains`: the
 * definitions of libvirt's own Xen driver. All of it is done or nothing: everything is tried first, and what was done
 * is undone if something after it fails all the same.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "gridctl/command.h"
#include "gridctl/table.h"
#include "proc/grid_xdr.h"
#include "proc/remote_xdr.h"

#define LIBXL_DIR "/etc/libvirt/libxl"
#define STDIN "-"
/* Procedures of libvirt's program. */
enum { DEFINE = 350, UNDEFINE = 35, SET_AUTOSTART = 29, DEV_DEFINE = 428, DEV_UNDEFINE = 429, DEV_AUTOSTART = 434 };

/* What was made, to be taken back. */
typedef struct {
    gboolean is_device;
    remote_nonnull_domain dom;
    char *device;
} Made;

static void made_clear(gpointer data) {
    Made *made = data;
    xdr_free((xdrproc_t)xdr_remote_nonnull_domain, (char *)&made->dom);
    g_free(made->device);
}

static void take_back(VgCaller *caller, const GArray *made) {
    for (guint i = made->len; i > 0; i--) {
        const Made *one = &g_array_index(made, Made, i - 1);
        remote_domain_args dom = {one->dom};
        remote_text_flags device = {one->device, 0};
        g_autoptr(GError) error = NULL;
        gboolean gone =
            one->is_device
                ? vg_link_call(caller, DEV_UNDEFINE, (xdrproc_t)xdr_remote_text_flags, &device, NULL, NULL, &error)
                : vg_link_call(caller, UNDEFINE, (xdrproc_t)xdr_remote_domain_args, &dom, NULL, NULL, &error);
        if (!gone)
            g_printerr(_("gridctl: '%s' could not be taken back: %s\n"), one->is_device ? one->device : one->dom.name,
                       error->message);
    }
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

char *vg_cmd_export(const VgCall *call, GError **error) {
    g_autoptr(VgJson) json = vg_call_ask(call, NULL, error);
    return json ? vg_json_print(json, TRUE) : NULL;
}

static gboolean order(VgCaller *caller, const char *text, gboolean dry_run, GError **error) {
    g_autoptr(VgJson) json = vg_json_parse(text, strlen(text), _("the document"), error);
    if (!json)
        return FALSE;
    if (vg_json_type(json) != VG_JSON_OBJECT || vg_json_get_int(json, "virtgrid", 0) != 1) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("this is not what 'gridctl export' of this version writes"));
        return FALSE;
    }
    vg_json_set_string(json, "order", "import");
    vg_json_set_bool(json, "dry_run", dry_run);
    g_autofree char *printed = vg_json_print(json, FALSE);
    g_autofree char *answer = vg_link_ask(caller, GRID_PROC_ORDER, printed, error);
    return answer != NULL;
}

static char *device_xml(const VgJson *device) {
    const VgJson *attrs = vg_json_get(device, "attrs");
    const char *words[] = {vg_json_get_string(device, "parent"), vg_json_get_string(device, "type"),
                           vg_json_get_string(device, "uuid")};
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        words[i] = words[i] != NULL ? words[i] : "";
    g_autofree char *head = g_markup_printf_escaped("<device><parent>%s</parent><capability type='mdev'>"
                                                    "<type id='%s'/><uuid>%s</uuid>",
                                                    words[0], words[1], words[2]);
    GString *xml = g_string_new(head);
    for (gsize i = 0; i < vg_json_length(attrs); i++) {
        const char *value = vg_json_string(vg_json_at(attrs, i));
        g_autofree char *attr =
            g_markup_printf_escaped("<attr name='%s' value='%s'/>", vg_json_key(attrs, i), value != NULL ? value : "");
        g_string_append(xml, attr);
    }
    g_string_append(xml, "</capability></device>");
    return g_string_free(xml, FALSE);
}

static gboolean define_device(VgCaller *caller, const VgJson *device, GArray *made, GError **error) {
    g_autofree char *xml = device_xml(device);
    remote_text_flags args = {xml, 0};
    remote_nonnull_node_device ret = {0};
    if (!vg_link_call(caller, DEV_DEFINE, (xdrproc_t)xdr_remote_text_flags, &args,
                      (xdrproc_t)xdr_remote_nonnull_node_device, &ret, error))
        return FALSE;
    Made one = {.is_device = TRUE, .device = g_strdup(ret.name)};
    g_array_append_val(made, one);
    xdr_free((xdrproc_t)xdr_remote_nonnull_node_device, (char *)&ret);
    remote_text_on mark = {one.device, 1};
    return !vg_json_get_bool(device, "autostart", FALSE) ||
           vg_link_call(caller, DEV_AUTOSTART, (xdrproc_t)xdr_remote_text_on, &mark, NULL, NULL, error);
}

/* Is there a definition of the same already? */
static gboolean is_known(const VgJson *now, const VgJson *device) {
    const VgJson *list = vg_json_get(now, "node_devices");
    for (gsize i = 0; i < vg_json_length(list); i++)
        if (g_strcmp0(vg_json_get_string(vg_json_at(list, i), "uuid"), vg_json_get_string(device, "uuid")) == 0)
            return TRUE;
    return FALSE;
}

static gboolean define_devices(VgCaller *caller, const char *text, GArray *made, GError **error) {
    g_autofree char *there = vg_link_ask(caller, GRID_PROC_EXPORT, NULL, error);
    g_autoptr(VgJson) now = there ? vg_json_parse(there, strlen(there), _("the daemon's answer"), error) : NULL;
    g_autoptr(VgJson) json = vg_json_parse(text, strlen(text), _("the document"), NULL);
    const VgJson *list = vg_json_get(json, "node_devices");
    for (gsize i = 0; now && i < vg_json_length(list); i++)
        if (!is_known(now, vg_json_at(list, i)) && !define_device(caller, vg_json_at(list, i), made, error))
            return FALSE;
    return now != NULL;
}

static char *read_file(const char *path, GError **error) {
    g_autoptr(GError) why = NULL;
    g_autoptr(GIOChannel) in = strcmp(path, STDIN) == 0 ? g_io_channel_unix_new(0) : NULL;
    char *text = NULL;
    if (in ? g_io_channel_read_to_end(in, &text, NULL, &why) == G_IO_STATUS_NORMAL
           : g_file_get_contents(path, &text, NULL, &why))
        return text;
    vg_set_error(error, VG_ERR_INVALID_ARG, "%s", why != NULL ? why->message : _("cannot read the input"));
    return NULL;
}

char *vg_cmd_import(const VgCall *call, GError **error) {
    g_autofree char *text = read_file(call->args[0], error);
    g_autoptr(VgCaller) caller = text ? vg_target_connect(call->target, error) : NULL;
    g_autoptr(GArray) made = g_array_new(FALSE, FALSE, sizeof(Made));
    g_array_set_clear_func(made, made_clear);
    if (!caller || !order(caller, text, TRUE, error))
        return NULL;
    if (call->options->dry_run)
        return g_strdup(call->options->json ? "{}\n" : _("It could be imported.\n"));
    if (define_devices(caller, text, made, error) && order(caller, text, FALSE, error))
        return g_strdup(call->options->json ? "{}\n" : "");
    take_back(caller, made);
    return NULL;
}

/* --- domains of libvirt's own Xen driver -------------------------------------------------------------------------- */

static int by_name(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the definitions in @dir. */
static GPtrArray *xml_files(const char *dir, GError **error) {
    g_autoptr(GError) why = NULL;
    g_autoptr(GDir) open = g_dir_open(dir, 0, &why);
    if (!open) {
        vg_set_error(error, VG_ERR_INVALID_ARG, "%s", why->message);
        return NULL;
    }
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name = g_dir_read_name(open); name; name = g_dir_read_name(open))
        if (g_str_has_suffix(name, ".xml"))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_name);
    return names;
}

/* What would become of each; FALSE with the file's name before the reason. */
static gboolean check_all(VgCaller *caller, const char *dir, const GPtrArray *names, VgJson *rows, GError **error) {
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(dir, names->pdata[i], NULL);
        g_autofree char *mark = g_build_filename(dir, "autostart", names->pdata[i], NULL);
        g_autofree char *xml = read_file(path, error);
        g_autofree char *text = xml ? vg_link_ask(caller, GRID_PROC_CHECK, xml, error) : NULL;
        VgJson *row = text ? vg_json_parse(text, strlen(text), _("the daemon's answer"), error) : NULL;
        if (!row) {
            g_prefix_error(error, "%s: ", path);
            return FALSE;
        }
        gboolean known = vg_json_get_bool(row, "known", FALSE);
        vg_json_set_string(row, "file", path);
        vg_json_set_bool(row, "autostart", g_file_test(mark, G_FILE_TEST_EXISTS));
        vg_json_set_string(row, "result", known ? _("is there already") : _("can be defined"));
        vg_json_append(rows, row);
    }
    return TRUE;
}

static gboolean define_domain(VgCaller *caller, VgJson *row, GArray *made, GError **error) {
    const char *path = vg_json_get_string(row, "file");
    g_autofree char *xml = read_file(path, error);
    remote_text_flags args = {xml, 0};
    Made one = {.is_device = FALSE};
    if (!xml || !vg_link_call(caller, DEFINE, (xdrproc_t)xdr_remote_text_flags, &args,
                              (xdrproc_t)xdr_remote_nonnull_domain, &one.dom, error))
        return FALSE;
    g_array_append_val(made, one);
    vg_json_set_string(row, "result", _("defined"));
    remote_domain_set_autostart_args mark = {one.dom, 1};
    return !vg_json_get_bool(row, "autostart", FALSE) ||
           vg_link_call(caller, SET_AUTOSTART, (xdrproc_t)xdr_remote_domain_set_autostart_args, &mark, NULL, NULL,
                        error);
}

static gboolean define_all(VgCaller *caller, VgJson *rows, GError **error) {
    g_autoptr(GArray) made = g_array_new(FALSE, FALSE, sizeof(Made));
    g_array_set_clear_func(made, made_clear);
    for (gsize i = 0; i < vg_json_length(rows); i++) {
        VgJson *row = (VgJson *)vg_json_at(rows, i);
        if (vg_json_get_bool(row, "known", FALSE) || define_domain(caller, row, made, error))
            continue;
        g_prefix_error(error, "%s: ", vg_json_get_string(row, "file"));
        take_back(caller, made);
        return FALSE;
    }
    return TRUE;
}

char *vg_cmd_import_domains(const VgCall *call, GError **error) {
    static const VgColumn columns[] = {{N_("DOMAIN"), "name", VG_CELL_TEXT},
                                       {N_("AUTOSTART"), "autostart", VG_CELL_TEXT},
                                       {N_("RESULT"), "result", VG_CELL_TEXT}};
    const char *dir = call->args[0] ? call->args[0] : LIBXL_DIR;
    g_autoptr(GPtrArray) names = xml_files(dir, error);
    g_autoptr(VgCaller) caller = names ? vg_target_connect(call->target, error) : NULL;
    g_autoptr(VgJson) json = vg_json_new_object();
    VgJson *rows = vg_json_set(json, "domains", vg_json_new_array());
    if (!caller || !check_all(caller, dir, names, rows, error) ||
        (!call->options->dry_run && !define_all(caller, rows, error)))
        return NULL;
    if (call->options->json)
        return vg_json_print(json, TRUE);
    return vg_json_length(rows) ? vg_table_format(rows, columns, G_N_ELEMENTS(columns))
                                : g_strdup_printf(_("There are no definitions in %s.\n"), dir);
}
