/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* chardev.c: <serial>, <parallel>, <console>, <channel>: the same but for their <target>. */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_chr_names, VG_CHR_LAST, NULL, "null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp", "unix",
         "spicevmc", "spiceport", "nmdm");
VG_NAMES(vg_console_target_names, VG_CONSOLE_LAST, NULL, "serial", "xen", "virtio");
VG_NAMES(vg_channel_target_names, VG_CHANNEL_LAST, NULL, "guestfwd", "virtio", "xen");
VG_NAMES(vg_serial_target_names, VG_SERIAL_LAST, NULL, "isa-serial", "usb-serial", "pci-serial", "isa-debug");
VG_NAMES(vg_chr_mode_names, VG_CHR_MODE_LAST, NULL, "connect", "bind");

#define CHR VgChardev

/* --- <source>: UDP has two of them, told apart by their mode ------------------------------------------------------ */

static const VgXmlMap path_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgChrSource, path, "@path"), VG_X_END}};
static const VgXmlMap live_path_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgChrSource, path, "@path", .flags = VG_ROW_LIVE), VG_X_END}};
static const VgXmlMap file_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgChrSource, path, "@path"),
                                                             VG_X_ENUM(VgChrSource, append, "@append", vg_onoff_names),
                                                             VG_X_END}};
static const VgXmlMap tcp_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgChrSource, mode, "@mode", vg_chr_mode_names),
                               VG_X_STRING(VgChrSource, host, "@host"), VG_X_STRING(VgChrSource, service, "@service"),
                               VG_X_ENUM(VgChrSource, tls, "@tls", vg_yesno_names), VG_X_END}};

static gboolean has_path(const void *object, guint flags) {
    return ((const VgChrSource *)object)->path != NULL;
}

static const VgXmlMap unix_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgChrSource, mode, "@mode", vg_chr_mode_names, .when = has_path),
                               VG_X_STRING(VgChrSource, path, "@path"), VG_X_END}};
static const VgXmlMap channel_map = {.rows =
                                         (const VgXmlRow[]){VG_X_STRING(VgChrSource, channel, "@channel"), VG_X_END}};

#define SOURCE(mp) VG_X_STRUCT(CHR, source, "source", mp)
static const VgXmlMap source_path = {.rows = (const VgXmlRow[]){SOURCE(path_map), VG_X_END}};
static const VgXmlMap source_pty = {.rows = (const VgXmlRow[]){SOURCE(live_path_map), VG_X_END}};
static const VgXmlMap source_file = {.rows = (const VgXmlRow[]){SOURCE(file_map), VG_X_END}};
static const VgXmlMap source_unix = {.rows = (const VgXmlRow[]){SOURCE(unix_map), VG_X_END}};
static const VgXmlMap source_spiceport = {.rows = (const VgXmlRow[]){SOURCE(channel_map), VG_X_END}};

static const VgXmlMap protocol_map = {.rows = (const VgXmlRow[]){VG_X_STRING(CHR, protocol, "@type"), VG_X_END}};
static const VgXmlMap source_tcp = {
    .rows = (const VgXmlRow[]){SOURCE(tcp_map), VG_X_GROUP("protocol", protocol_map), VG_X_END}};

static const VgXmlMap udp_map = {
    .size = sizeof(VgChrSource),
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgChrSource, mode, "@mode", vg_chr_mode_names, .flags = VG_ROW_REQUIRED),
                               VG_X_STRING(VgChrSource, host, "@host"), VG_X_STRING(VgChrSource, service, "@service"),
                               VG_X_END}};
static const VgXmlMap source_udp = {
    .rows = (const VgXmlRow[]){VG_X_ARRAY(CHR, udp, VgChrSource, "source", udp_map, .max = 2), VG_X_END}};

static const VgXmlMap *const source_arms[VG_CHR_LAST] = {
    [VG_CHR_PTY] = &source_pty,   [VG_CHR_DEV] = &source_path,
    [VG_CHR_FILE] = &source_file, [VG_CHR_PIPE] = &source_path,
    [VG_CHR_UDP] = &source_udp,   [VG_CHR_TCP] = &source_tcp,
    [VG_CHR_UNIX] = &source_unix, [VG_CHR_SPICEPORT] = &source_spiceport,
};

static const VgXmlMap log_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(CHR, log_file, "@file", .flags = VG_ROW_REQUIRED),
                               VG_X_ENUM(CHR, log_append, "@append", vg_onoff_names), VG_X_END}};

static gboolean check_chardev(void *object, GError **error) {
    CHR *chr = object;
    const char *type = vg_names_name(&vg_chr_names, (int)chr->type);
    if (chr->type == VG_CHR_NMDM) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("character device of type '%s' is not supported: Xen's device model has none"), type);
        return FALSE;
    }
    if ((chr->type == VG_CHR_DEV || chr->type == VG_CHR_FILE || chr->type == VG_CHR_PIPE) && chr->source.path == NULL) {
        vg_set_error(error, VG_ERR_XML_ERROR, _("character device of type '%s' has no <source path='...'>"), type);
        return FALSE;
    }
    /* Of a channel, the driver chooses one. */
    if (chr->type == VG_CHR_UNIX && chr->source.path == NULL && chr->device != VG_CHR_DEVICE_CHANNEL) {
        vg_set_error(error, VG_ERR_XML_ERROR, _("character device of type 'unix' has no <source path='...'>"));
        return FALSE;
    }
    if (chr->type == VG_CHR_TCP && (chr->source.host == NULL || chr->source.service == NULL)) {
        vg_set_error(error, VG_ERR_XML_ERROR,
                     _("character device of type 'tcp' needs <source host='...' service='...'>"));
        return FALSE;
    }
    if ((chr->type == VG_CHR_TCP || chr->type == VG_CHR_UNIX) && chr->source.mode == VG_CHR_MODE_NONE)
        chr->source.mode = VG_CHR_MODE_CONNECT;
    if (chr->type == VG_CHR_TCP && chr->protocol == NULL)
        chr->protocol = g_strdup("raw");
    return TRUE;
}

#define COMMON_TOP VG_X_ENUM(CHR, type, "@type", vg_chr_names, .flags = VG_ROW_REQUIRED)
#define COMMON_SOURCE VG_X_VARIANT(CHR, type, source_arms), VG_X_GROUP("log", log_map, .flags = VG_ROW_INERT)
#define PORT VG_X_INT(CHR, port, "@port", 0, 65535, .flags = VG_ROW_ALWAYS)

/* --- <serial> ----------------------------------------------------------------------------------------------------- */

static const VgXmlMap serial_model_map = {.rows =
                                              (const VgXmlRow[]){VG_X_STRING(CHR, serial_model, "@name"), VG_X_END}};
static const VgXmlMap serial_target_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(CHR, serial_target, "@type", vg_serial_target_names), PORT,
                               VG_X_GROUP("model", serial_model_map), VG_X_END}};

const VgXmlMap vg_serial_map = {.name = "serial",
                                .size = sizeof(CHR),
                                .fresh = &(const CHR){.device = VG_CHR_DEVICE_SERIAL, .port = -1},
                                .check = check_chardev,
                                .rows = (const VgXmlRow[]){COMMON_TOP, COMMON_SOURCE,
                                                           VG_X_GROUP("target", serial_target_map),
                                                           VG_X_INCLUDE(CHR, info, vg_info_map), VG_X_END}};

/* --- <parallel> --------------------------------------------------------------------------------------------------- */

static const VgXmlMap parallel_target_map = {.rows = (const VgXmlRow[]){PORT, VG_X_END}};

const VgXmlMap vg_parallel_map = {.name = "parallel",
                                  .size = sizeof(CHR),
                                  .fresh = &(const CHR){.device = VG_CHR_DEVICE_PARALLEL, .port = -1},
                                  .check = check_chardev,
                                  .rows = (const VgXmlRow[]){COMMON_TOP, COMMON_SOURCE,
                                                             VG_X_GROUP("target", parallel_target_map),
                                                             VG_X_INCLUDE(CHR, info, vg_info_map), VG_X_END}};

/* --- <console> ---------------------------------------------------------------------------------------------------- */

static const VgXmlMap console_target_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(CHR, console_target, "@type", vg_console_target_names), PORT, VG_X_END}};

/* tty= is an old spelling of <source path=>, which old clients read still. */
static gboolean parse_tty(const char *text, void *member, guint flags) {
    return TRUE;
}

static gboolean format_tty(const void *member, GString *out, guint flags) {
    const CHR *chr = member;
    if (chr->port != 0 || chr->type != VG_CHR_PTY || chr->source.path == NULL || (flags & VG_XML_INACTIVE))
        return FALSE;
    vg_xml_escape(out, chr->source.path);
    return TRUE;
}

static const VgXmlType tty_type = {.what = N_("a path"), .parse = parse_tty, .format = format_tty};

const VgXmlMap vg_console_map = {.name = "console",
                                 .size = sizeof(CHR),
                                 .fresh = &(const CHR){.device = VG_CHR_DEVICE_CONSOLE, .port = -1},
                                 .check = check_chardev,
                                 .rows = (const VgXmlRow[]){COMMON_TOP, VG_X_WHOLE("@tty", tty_type), COMMON_SOURCE,
                                                            VG_X_GROUP("target", console_target_map),
                                                            VG_X_INCLUDE(CHR, info, vg_info_map), VG_X_END}};

/* --- <channel> ---------------------------------------------------------------------------------------------------- */

static const VgXmlMap channel_target_map = {
    .rows =
        (const VgXmlRow[]){VG_X_ENUM(CHR, channel_target, "@type", vg_channel_target_names, .flags = VG_ROW_REQUIRED),
                           VG_X_STRING(CHR, target_name, "@name"),
                           VG_X_STRING(CHR, target_state, "@state", .flags = VG_ROW_LIVE), VG_X_END}};

const VgXmlMap vg_channel_map = {.name = "channel",
                                 .size = sizeof(CHR),
                                 .fresh = &(const CHR){.device = VG_CHR_DEVICE_CHANNEL, .port = -1},
                                 .check = check_chardev,
                                 .rows = (const VgXmlRow[]){COMMON_TOP, COMMON_SOURCE,
                                                            VG_X_GROUP("target", channel_target_map),
                                                            VG_X_INCLUDE(CHR, info, vg_info_map), VG_X_END}};

/* --- defaults ----------------------------------------------------------------------------------------------------- */

static int next_port(VgChardev *const *list, gsize n) {
    int highest = -1;
    for (gsize i = 0; i < n; i++)
        highest = MAX(highest, list[i]->port);
    return highest + 1;
}

void vg_chardev_fill_defaults(VgChardev *chr, const VgDomain *dom) {
    if (chr->device == VG_CHR_DEVICE_CONSOLE) {
        if (chr->console_target == VG_CONSOLE_NONE)
            chr->console_target = vg_domain_is_hvm(dom) ? VG_CONSOLE_SERIAL : VG_CONSOLE_XEN;
        if (chr->port < 0)
            chr->port = next_port(dom->consoles, dom->n_consoles);
    } else if (chr->device == VG_CHR_DEVICE_SERIAL) {
        if (chr->port < 0)
            chr->port = next_port(dom->serials, dom->n_serials);
    } else if (chr->device == VG_CHR_DEVICE_PARALLEL && chr->port < 0) {
        chr->port = next_port(dom->parallels, dom->n_parallels);
    }
}
