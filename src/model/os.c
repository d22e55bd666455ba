/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* os.c: <os>. */
#include "config.h"

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_os_names, VG_OS_LAST, NULL, "hvm", "xen", "linux", "xenpvh");
VG_NAMES(vg_boot_names, VG_BOOT_LAST, NULL, "fd", "cdrom", "hd", "network");
VG_NAMES(vg_loader_names, VG_LOADER_LAST, NULL, "rom", "pflash");
VG_NAMES(vg_firmware_names, VG_FIRMWARE_LAST, NULL, "bios", "efi");
VG_NAMES(vg_smbios_names, VG_SMBIOS_LAST, NULL, "emulate", "host", "sysinfo");

static const VgXmlMap type_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgOs, arch, "@arch"), VG_X_STRING(VgOs, machine, "@machine"),
                               VG_X_ENUM(VgOs, type, "", vg_os_names, .flags = VG_ROW_REQUIRED), VG_X_END}};
static const VgXmlMap loader_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgOs, loader_readonly, "@readonly", vg_yesno_names),
                               VG_X_ENUM(VgOs, loader_secure, "@secure", vg_yesno_names),
                               VG_X_ENUM(VgOs, loader_type, "@type", vg_loader_names), VG_X_STRING(VgOs, loader, ""),
                               VG_X_END}};
static const VgXmlMap nvram_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgOs, nvram_template, "@template"), VG_X_STRING(VgOs, nvram, ""), VG_X_END}};

/* Only this kind of table reaches a Xen guest. */
static gboolean parse_table_type(const char *text, void *member, guint flags) {
    return g_str_equal(text, "slic");
}

static gboolean format_table_type(const void *member, GString *out, guint flags) {
    g_string_append(out, "slic");
    return ((const VgOs *)member)->acpi_table != NULL;
}

static const VgXmlType table_type = {
    .what = N_("'slic', the only kind"), .parse = parse_table_type, .format = format_table_type};
static const VgXmlMap table_map = {
    .rows = (const VgXmlRow[]){VG_X_WHOLE("@type", table_type), VG_X_STRING(VgOs, acpi_table, ""), VG_X_END}};
static const VgXmlMap acpi_map = {.rows = (const VgXmlRow[]){VG_X_GROUP("table", table_map), VG_X_END}};

static const VgXmlMap boot_map = {
    .size = sizeof(VgBoot),
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgBoot, dev, "@dev", vg_boot_names, .flags = VG_ROW_REQUIRED), VG_X_END}};
static const VgXmlMap bootmenu_map = {.rows = (const VgXmlRow[]){VG_X_ENUM(VgOs, bootmenu, "@enable", vg_yesno_names),
                                                                 VG_X_INT(VgOs, bootmenu_timeout, "@timeout", 0, 65535),
                                                                 VG_X_END}};
static const VgXmlMap bios_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgOs, bios_useserial, "@useserial", vg_yesno_names),
                               VG_X_INT(VgOs, bios_reboot_timeout, "@rebootTimeout", -1, 65535), VG_X_END}};
static const VgXmlMap smbios_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgOs, smbios, "@mode", vg_smbios_names, .flags = VG_ROW_REQUIRED), VG_X_END}};

const VgXmlMap vg_os_map = {
    .name = "os",
    .size = sizeof(VgOs),
    .fresh = &(const VgOs)VG_OS_FRESH,
    .rows =
        (const VgXmlRow[]){VG_X_ENUM(VgOs, firmware, "@firmware", vg_firmware_names), VG_X_GROUP("type", type_map),
                           VG_X_UNSUPPORTED("init", N_("it is for containers")), VG_X_GROUP("loader", loader_map),
                           VG_X_GROUP("nvram", nvram_map, .flags = VG_ROW_INERT), VG_X_STRING(VgOs, kernel, "kernel"),
                           VG_X_STRING(VgOs, initrd, "initrd"), VG_X_STRING(VgOs, cmdline, "cmdline"),
                           VG_X_UNSUPPORTED("dtb", N_("Xen has no device trees for x86 guests")),
                           VG_X_GROUP("acpi", acpi_map), VG_X_ARRAY(VgOs, boot, VgBoot, "boot", boot_map, .max = 4),
                           VG_X_GROUP("bootmenu", bootmenu_map, .flags = VG_ROW_INERT),
                           VG_X_GROUP("bios", bios_map, .flags = VG_ROW_INERT),
                           VG_X_GROUP("smbios", smbios_map, .flags = VG_ROW_INERT), VG_X_END}};
