/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain.c: <domain>, put together from the elements' tables, and the calls around it. */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"
#include "xml/schema.h"

VG_NAMES(vg_virt_names, VG_VIRT_LAST, NULL, "xen", "qemu", "kvm");
VG_NAMES(vg_on_names, VG_ON_LAST, NULL, "destroy", "restart", "rename-restart", "preserve", "coredump-destroy",
         "coredump-restart");

#define DOM VgDomain
#define INERT .flags = VG_ROW_INERT
/* Kept as it is, no effect. */
#define KEPT(m, nm) VG_X_RAW(DOM, m, nm, .flags = VG_ROW_STYLED | VG_ROW_INERT)
#define XEN_NS "http://libvirt.org/schemas/domain/xen/1.0"

static const VgXmlNamespace namespaces[] = {{"xen", XEN_NS}, {NULL, NULL}};

static gboolean has_xen_args(const void *object, guint flags) {
    return ((const DOM *)object)->n_xen_args > 0;
}

static gboolean is_numbered(const void *object, guint flags) {
    return ((const DOM *)object)->id >= 0;
}

static const VgXmlMap memory_backing_map = {.rows = (const VgXmlRow[]){KEPT(hugepages, "hugepages"),
                                                                       VG_X_FLAG(DOM, nosharepages, "nosharepages"),
                                                                       VG_X_FLAG(DOM, locked, "locked"), VG_X_END}};

#define ENABLED_MAP(name, member)                                                                                      \
    static const VgXmlMap name = {                                                                                     \
        .rows = (const VgXmlRow[]){VG_X_ENUM(DOM, member, "@enabled", vg_yesno_names), VG_X_END}}
ENABLED_MAP(suspend_to_mem_map, suspend_to_mem);
ENABLED_MAP(suspend_to_disk_map, suspend_to_disk);
static const VgXmlMap pm_map = {.rows =
                                    (const VgXmlRow[]){VG_X_GROUP("suspend-to-mem", suspend_to_mem_map),
                                                       VG_X_GROUP("suspend-to-disk", suspend_to_disk_map), VG_X_END}};

static const VgXmlMap devices_map = {
    .rows = (const VgXmlRow[]){
        VG_X_STRING(DOM, emulator, "emulator"),
        VG_X_ARRAY(DOM, disks, VgDisk, "disk", vg_disk_map),
        VG_X_ARRAY(DOM, controllers, VgController, "controller", vg_controller_map),
        KEPT(lease, "lease"),
        KEPT(filesystem, "filesystem"),
        VG_X_ARRAY(DOM, interfaces, VgInterface, "interface", vg_interface_map),
        KEPT(smartcard, "smartcard"),
        VG_X_ARRAY(DOM, serials, VgChardev, "serial", vg_serial_map),
        VG_X_ARRAY(DOM, parallels, VgChardev, "parallel", vg_parallel_map),
        VG_X_ARRAY(DOM, consoles, VgChardev, "console", vg_console_map),
        VG_X_ARRAY(DOM, channels, VgChardev, "channel", vg_channel_map),
        VG_X_ARRAY(DOM, inputs, VgInput, "input", vg_input_map),
        VG_X_ARRAY(DOM, tpms, VgTpm, "tpm", vg_tpm_map, INERT),
        VG_X_ARRAY(DOM, graphics, VgGraphics, "graphics", vg_graphics_map),
        VG_X_ARRAY(DOM, sounds, VgSound, "sound", vg_sound_map),
        VG_X_ARRAY(DOM, audios, VgAudio, "audio", vg_audio_map, INERT),
        VG_X_ARRAY(DOM, videos, VgVideo, "video", vg_video_map),
        VG_X_ARRAY(DOM, hostdevs, VgHostdev, "hostdev", vg_hostdev_map),
        KEPT(redirdev, "redirdev"),
        KEPT(redirfilter, "redirfilter"),
        KEPT(hub, "hub"),
        VG_X_ARRAY(DOM, watchdogs, VgWatchdog, "watchdog", vg_watchdog_map, INERT),
        VG_X_POINTER(DOM, memballoon, VgMemballoon, "memballoon", vg_memballoon_map),
        VG_X_ARRAY(DOM, rngs, VgRng, "rng", vg_rng_map, INERT),
        KEPT(nvram, "nvram"),
        VG_X_ARRAY(DOM, panics, VgPanic, "panic", vg_panic_map, INERT),
        KEPT(shmem, "shmem"),
        VG_X_UNSUPPORTED("memory", N_("Xen guests cannot plug in memory modules; use <memory> and <currentMemory>")),
        KEPT(iommu, "iommu"),
        KEPT(vsock, "vsock"),
        VG_X_END}};

static const VgXmlMap seclabel_map = {
    .size = sizeof(VgSeclabel),
    .rows = (const VgXmlRow[]){VG_X_STRING(VgSeclabel, type, "@type"), VG_X_STRING(VgSeclabel, model, "@model"),
                               VG_X_ENUM(VgSeclabel, relabel, "@relabel", vg_yesno_names),
                               VG_X_STRING(VgSeclabel, label, "label"), VG_X_END}};

static const VgXmlMap xen_arg_map = {
    .size = sizeof(VgXenArg),
    .rows = (const VgXmlRow[]){VG_X_STRING(VgXenArg, value, "@value", .flags = VG_ROW_REQUIRED), VG_X_END}};
static const VgXmlMap xen_commandline_map = {
    .rows = (const VgXmlRow[]){VG_X_ARRAY(DOM, xen_args, VgXenArg, "xen:arg", xen_arg_map, .max = 1024), VG_X_END}};

const VgXmlMap vg_domain_map = {
    .name = "domain",
    .size = sizeof(DOM),
    .fresh = &(const DOM){.id = -1, .os = VG_OS_FRESH},
    .rows = (const VgXmlRow[]){
        VG_X_ENUM(DOM, type, "@type", vg_virt_names, .flags = VG_ROW_REQUIRED),
        VG_X_INT(DOM, id, "@id", -1, G_MAXINT32, .flags = VG_ROW_LIVE, .when = is_numbered),
        VG_X_CONST("@xmlns:xen", XEN_NS, .when = has_xen_args),
        VG_X_STRING(DOM, name, "name", .flags = VG_ROW_REQUIRED),
        VG_X_CUSTOM(DOM, uuid, VgUuid, "uuid", vg_uuid_type),
        KEPT(genid, "genid"),
        VG_X_STRING(DOM, title, "title"),
        VG_X_STRING(DOM, description, "description"),
        VG_X_RAW(DOM, metadata, "metadata"),
        VG_X_UNSUPPORTED("maxMemory", N_("Xen guests cannot plug in memory modules; use <memory> and <currentMemory>")),
        VG_X_MEMORY(DOM, memory, "memory"),
        VG_X_MEMORY(DOM, current_memory, "currentMemory"),
        KEPT(blkiotune, "blkiotune"),
        KEPT(memtune, "memtune"),
        VG_X_GROUP("memoryBacking", memory_backing_map, .flags = VG_ROW_INERT),
        VG_X_STRUCT(DOM, vcpu, "vcpu", vg_vcpu_map),
        KEPT(vcpus, "vcpus"),
        KEPT(iothreads, "iothreads"),
        KEPT(iothreadids, "iothreadids"),
        VG_X_STRUCT(DOM, cputune, "cputune", vg_cputune_map),
        KEPT(numatune, "numatune"),
        KEPT(resource, "resource"),
        KEPT(sysinfo, "sysinfo"),
        VG_X_STRING(DOM, bootloader, "bootloader"),
        VG_X_STRING(DOM, bootloader_args, "bootloader_args"),
        VG_X_STRUCT(DOM, os, "os", vg_os_map),
        VG_X_STRUCT(DOM, features, "features", vg_features_map),
        VG_X_STRUCT(DOM, cpu, "cpu", vg_cpu_map),
        VG_X_STRUCT(DOM, clock, "clock", vg_clock_map),
        VG_X_ENUM(DOM, on_poweroff, "on_poweroff", vg_on_names),
        VG_X_ENUM(DOM, on_reboot, "on_reboot", vg_on_names),
        VG_X_ENUM(DOM, on_crash, "on_crash", vg_on_names),
        KEPT(on_lockfailure, "on_lockfailure"),
        VG_X_GROUP("pm", pm_map, INERT),
        KEPT(perf, "perf"),
        VG_X_GROUP("devices", devices_map, .flags = VG_ROW_ALWAYS),
        VG_X_ARRAY(DOM, seclabels, VgSeclabel, "seclabel", seclabel_map, .max = 16),
        KEPT(keywrap, "keywrap"),
        KEPT(launch_security, "launchSecurity"),
        VG_X_GROUP("xen:commandline", xen_commandline_map),
        VG_X_END}};

VgDomain *vg_domain_parse(const char *xml, guint flags, GError **error) {
    VgDomain *dom = vg_xml_map_parse(&vg_domain_map, namespaces, xml, flags, error);
    if (dom != NULL && vg_domain_fill_defaults(dom, flags, error) && vg_domain_validate(dom, error))
        return dom;
    vg_domain_free(dom);
    return NULL;
}

gboolean vg_domain_check_schema(const char *schema, const char *xml, GError **error) {
    return vg_xml_check_schema(schema, xml, error);
}

char *vg_domain_format(const VgDomain *dom, guint flags) {
    enum { USUAL = 4096 };
    GString *out = g_string_sized_new(USUAL);
    if (dom->id < 0)
        flags |= VG_XML_INACTIVE;
    vg_xml_map_format(&vg_domain_map, dom, flags, 0, out);
    /* Exact: what is kept for ten thousand domains should not be mostly room. */
    char *text = g_strndup(out->str, out->len);
    g_string_free(out, TRUE);
    return text;
}

VgDomain *vg_domain_copy(const VgDomain *dom) {
    return vg_xml_map_copy(&vg_domain_map, dom);
}

void vg_domain_free(VgDomain *dom) {
    vg_xml_map_free(&vg_domain_map, dom);
}

/* "devices/disk/serial" -> "<disk><serial>"; an attribute as " name=". */
static char *spell(const char *path) {
    if (g_str_has_prefix(path, "devices/"))
        path += strlen("devices/");
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    for (char **part = parts; *part != NULL; part++)
        if (**part == '@')
            g_string_append_printf(text, " %s=", *part + 1);
        else
            g_string_append_printf(text, "<%s>", *part);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void add_message(const char *path, const VgXmlRow *row, gpointer data) {
    GPtrArray *messages = data;
    g_autofree char *name = spell(path);
    g_autofree char *message = g_strdup_printf(_("%s has no effect on Xen guests"), name);
    if (!g_ptr_array_find_with_equal_func(messages, message, g_str_equal, NULL))
        g_ptr_array_add(messages, g_steal_pointer(&message));
}

char **vg_domain_messages(const VgDomain *dom) {
    GPtrArray *messages = g_ptr_array_new();
    vg_xml_map_inert(&vg_domain_map, dom, add_message, messages);
    g_ptr_array_add(messages, NULL);
    return (char **)g_ptr_array_free(messages, FALSE);
}
