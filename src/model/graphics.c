/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* graphics.c: <graphics>. */
#include "config.h"

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_graphics_names, VG_GRAPHICS_LAST, NULL, "sdl", "vnc", "spice");
VG_NAMES(vg_listen_names, VG_LISTEN_LAST, NULL, "address", "network", "socket");

#define GFX VgGraphics
#define INERT .flags = VG_ROW_INERT

/* --- ports: -1 stands for "chosen at start", and for the chosen one in a definition ------------------------------- */

static gboolean parse_number(const char *text, int *ret) {
    gint64 value;
    if (!g_ascii_string_to_signed(text, 10, -1, 65535, &value, NULL))
        return FALSE;
    *ret = (int)value;
    return TRUE;
}

static gboolean parse_port(const char *text, void *member, guint flags) {
    return parse_number(text, &((GFX *)member)->port);
}

static gboolean parse_tls_port(const char *text, void *member, guint flags) {
    return parse_number(text, &((GFX *)member)->tls_port);
}

static gboolean listens(const GFX *gfx) {
    return gfx->n_listens == 0 || gfx->listens[0]->type != VG_LISTEN_SOCKET;
}

static gboolean format_vnc_port(const void *member, GString *out, guint flags) {
    const GFX *gfx = member;
    gboolean automatic = gfx->autoport == VG_TRISTATE_YES;
    if (!listens(gfx) || (!automatic && gfx->port <= 0))
        return FALSE;
    g_string_append_printf(out, "%d", gfx->port > 0 && !(automatic && (flags & VG_XML_INACTIVE)) ? gfx->port : -1);
    return TRUE;
}

/* Unlike VNC's, a port that is to be chosen is not written. */
static gboolean format_spice_number(const GFX *gfx, int port, GString *out, guint flags) {
    if (!listens(gfx) || port <= 0 || (gfx->autoport == VG_TRISTATE_YES && (flags & VG_XML_INACTIVE)))
        return FALSE;
    g_string_append_printf(out, "%d", port);
    return TRUE;
}

static gboolean format_spice_port(const void *member, GString *out, guint flags) {
    return format_spice_number(member, ((const GFX *)member)->port, out, flags);
}

static gboolean format_tls_port(const void *member, GString *out, guint flags) {
    return format_spice_number(member, ((const GFX *)member)->tls_port, out, flags);
}

static const VgXmlType vnc_port_type = {
    .what = N_("a port number from 0 to 65535, or -1"), .parse = parse_port, .format = format_vnc_port};
static const VgXmlType spice_port_type = {
    .what = N_("a port number from 0 to 65535, or -1"), .parse = parse_port, .format = format_spice_port};
static const VgXmlType tls_port_type = {
    .what = N_("a port number from 0 to 65535, or -1"), .parse = parse_tls_port, .format = format_tls_port};

/* --- <listen> ----------------------------------------------------------------------------------------------------- */

static gboolean shows_address(const void *object, guint flags) {
    const VgListen *listen = object;
    return listen->type == VG_LISTEN_ADDRESS || (listen->type == VG_LISTEN_NETWORK && !(flags & VG_XML_INACTIVE));
}

static const VgXmlMap listen_map = {
    .size = sizeof(VgListen),
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgListen, type, "@type", vg_listen_names, .flags = VG_ROW_REQUIRED),
                               VG_X_STRING(VgListen, address, "@address", .when = shows_address),
                               VG_X_STRING(VgListen, network, "@network"), VG_X_STRING(VgListen, socket, "@socket"),
                               VG_X_END}};

static gboolean is_address(const void *object, guint flags) {
    const GFX *gfx = object;
    return gfx->n_listens == 0 || shows_address(gfx->listens[0], flags);
}

static gboolean has_port(const void *object, guint flags) {
    return listens(object);
}

static gboolean is_socket(const void *object, guint flags) {
    return !listens(object);
}

/* --- by type ------------------------------------------------------------------------------------------------------ */

#define VALUE_MAP(name, member, attribute)                                                                             \
    static const VgXmlMap name = {.rows = (const VgXmlRow[]){VG_X_STRING(GFX, member, attribute), VG_X_END}}
#define SWITCH_MAP(name, member, attribute, names)                                                                     \
    static const VgXmlMap name = {.rows = (const VgXmlRow[]){VG_X_ENUM(GFX, member, attribute, names), VG_X_END}}

VALUE_MAP(image_map, image_compression, "@compression");
VALUE_MAP(jpeg_map, jpeg_compression, "@compression");
VALUE_MAP(zlib_map, zlib_compression, "@compression");
VALUE_MAP(streaming_map, streaming, "@mode");
VALUE_MAP(mouse_map, mouse_mode, "@mode");
SWITCH_MAP(playback_map, playback_compression, "@compression", vg_onoff_names);
SWITCH_MAP(clipboard_map, clipboard_copypaste, "@copypaste", vg_yesno_names);
SWITCH_MAP(filetransfer_map, filetransfer, "@enable", vg_yesno_names);
SWITCH_MAP(gl_map, gl, "@enable", vg_yesno_names);

#define LISTENING VG_X_ENUM(GFX, autoport, "@autoport", vg_yesno_names, .when = has_port)
#define ACCESS                                                                                                         \
    VG_X_STRING(GFX, passwd, "@passwd", .flags = VG_ROW_SECRET),                                                       \
        VG_X_STRING(GFX, passwd_valid_to, "@passwdValidTo", .flags = VG_ROW_SECRET | VG_ROW_INERT),                    \
        VG_X_STRING(GFX, connected, "@connected", INERT)

static const VgXmlMap vnc_map = {
    .rows =
        (const VgXmlRow[]){VG_X_STRING(GFX, socket, "@socket", .when = is_socket), VG_X_WHOLE("@port", vnc_port_type),
                           LISTENING, VG_X_INT(GFX, websocket, "@websocket", -1, 65535, INERT),
                           VG_X_STRING(GFX, listen, "@listen", .when = is_address), VG_X_STRING(GFX, keymap, "@keymap"),
                           VG_X_STRING(GFX, share_policy, "@sharePolicy", INERT), ACCESS,
                           VG_X_ARRAY(GFX, listens, VgListen, "listen", listen_map, .max = 16), VG_X_END}};

static const VgXmlMap spice_map = {
    .rows = (const VgXmlRow[]){
        VG_X_WHOLE("@port", spice_port_type), VG_X_WHOLE("@tlsPort", tls_port_type), LISTENING,
        VG_X_STRING(GFX, listen, "@listen", .when = is_address), VG_X_STRING(GFX, keymap, "@keymap"),
        VG_X_STRING(GFX, default_mode, "@defaultMode", INERT), ACCESS,
        VG_X_ARRAY(GFX, listens, VgListen, "listen", listen_map, .max = 16), VG_X_GROUP("image", image_map, INERT),
        VG_X_GROUP("jpeg", jpeg_map, INERT), VG_X_GROUP("zlib", zlib_map, INERT),
        VG_X_GROUP("playback", playback_map, INERT), VG_X_GROUP("streaming", streaming_map, INERT),
        VG_X_GROUP("mouse", mouse_map), VG_X_GROUP("clipboard", clipboard_map),
        VG_X_GROUP("filetransfer", filetransfer_map), VG_X_GROUP("gl", gl_map), VG_X_END}};

static const VgXmlMap sdl_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(GFX, display, "@display"), VG_X_STRING(GFX, xauth, "@xauth"),
                               VG_X_ENUM(GFX, fullscreen, "@fullscreen", vg_yesno_names), VG_X_END}};

static const VgXmlMap *const arms[VG_GRAPHICS_LAST] = {
    [VG_GRAPHICS_SDL] = &sdl_map, [VG_GRAPHICS_VNC] = &vnc_map, [VG_GRAPHICS_SPICE] = &spice_map};

const VgXmlMap vg_graphics_map = {
    .name = "graphics",
    .size = sizeof(GFX),
    .fresh = &(const GFX){.port = -1, .tls_port = -1},
    .rows = (const VgXmlRow[]){VG_X_ENUM(GFX, type, "@type", vg_graphics_names, .flags = VG_ROW_REQUIRED),
                               VG_X_VARIANT(GFX, type, arms), VG_X_END}};

/* --- defaults ----------------------------------------------------------------------------------------------------- */

static void fill_listen(GFX *gfx) {
    if (gfx->n_listens == 0) {
        VgListen *listen = vg_xml_map_new(&listen_map);
        listen->type = gfx->socket != NULL ? VG_LISTEN_SOCKET : VG_LISTEN_ADDRESS;
        listen->address = gfx->socket != NULL ? NULL : g_strdup(gfx->listen);
        listen->socket = g_strdup(gfx->socket);
        vg_xml_array_add(&gfx->listens, &gfx->n_listens, listen);
    }
    const VgListen *first = gfx->listens[0];
    g_free(gfx->listen);
    gfx->listen = g_strdup(first->address);
    g_free(gfx->socket);
    gfx->socket = g_strdup(first->socket);
}

gboolean vg_graphics_fill_defaults(VgGraphics *gfx, GError **error) {
    if (gfx->type == VG_GRAPHICS_SDL) {
        if (gfx->fullscreen == VG_TRISTATE_NO)
            gfx->fullscreen = VG_TRISTATE_NONE;
        return TRUE;
    }
    if (gfx->listen != NULL && gfx->n_listens > 0 && gfx->listens[0]->address != NULL &&
        g_strcmp0(gfx->listen, gfx->listens[0]->address) != 0) {
        vg_set_error(error, VG_ERR_XML_ERROR, _("<graphics>: listen= and the address of the first <listen> differ"));
        return FALSE;
    }
    if (gfx->gl == VG_TRISTATE_YES) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<graphics><gl enable='yes'> is not supported: Xen's device model has no GL"));
        return FALSE;
    }
    fill_listen(gfx);
    gboolean none_given = gfx->port == -1 && gfx->tls_port == -1;
    if (gfx->autoport == VG_TRISTATE_NONE || (gfx->type == VG_GRAPHICS_VNC && gfx->port == -1))
        gfx->autoport = none_given || gfx->port == -1 ? VG_TRISTATE_YES : VG_TRISTATE_NO;
    if (gfx->type == VG_GRAPHICS_SPICE && gfx->autoport == VG_TRISTATE_YES && gfx->tls_port > 0 && gfx->port == -1 &&
        !none_given)
        gfx->autoport = VG_TRISTATE_NO;
    return TRUE;
}
