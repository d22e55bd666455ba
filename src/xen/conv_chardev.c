/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_chardev.c: serial ports, as QEMU's character devices, and channels. A PV console is libxl's own doing. */
#include <string.h>

#include "xen/conv.h"

static gboolean refuse(GError **error, const char *element, const char *why) {
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, "<%s>: %s", element, why);
    return FALSE;
}

static const char *or_empty(const char *text) {
    return text ? text : "";
}

static char *udp_name(const VgChardev *chr) {
    static const VgChrSource nothing;
    const VgChrSource *to = &nothing, *from = &nothing;
    for (gsize i = 0; i < chr->n_udp; i++)
        *(chr->udp[i]->mode == VG_CHR_MODE_BIND ? &from : &to) = chr->udp[i];
    return g_strdup_printf("udp:%s:%s@%s:%s", or_empty(to->host), or_empty(to->service), or_empty(from->host),
                           from->service ? from->service : "0");
}

/* NULL: QEMU under Xen has nothing like it. Caller frees. */
static char *qemu_name(const VgChardev *chr) {
    const char *name = vg_names_name(&vg_chr_names, (int)chr->type), *path = or_empty(chr->source.path);
    gboolean listens = chr->source.mode == VG_CHR_MODE_BIND;
    switch (chr->type) {
    case VG_CHR_NULL:
    case VG_CHR_STDIO:
    case VG_CHR_VC:
    case VG_CHR_PTY:
        return g_strdup(name);
    case VG_CHR_FILE:
    case VG_CHR_PIPE:
        return g_strdup_printf("%s:%s", name, path);
    case VG_CHR_DEV:
        return g_strdup(path);
    case VG_CHR_UDP:
        return udp_name(chr);
    case VG_CHR_TCP:
        return g_strdup_printf("%s:%s:%s%s", g_strcmp0(chr->protocol, "telnet") == 0 ? "telnet" : "tcp",
                               or_empty(chr->source.host), or_empty(chr->source.service),
                               listens ? ",server,nowait" : "");
    case VG_CHR_UNIX:
        return g_strdup_printf("unix:%s%s", path, listens ? ",server,nowait" : "");
    default:
        return NULL;
    }
}

gboolean vg_xen_conv_serial(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_build_info *b = &conv->c->b_info;
    if (!conv->hvm)
        return TRUE;
    if (dom->n_parallels > 0)
        return refuse(error, "parallel", _("Xen guests have no parallel ports"));
    for (gsize i = 0; i < dom->n_serials; i++) {
        g_autofree char *name = qemu_name(dom->serials[i]);
        if (!name)
            return refuse(error, "serial", _("Xen has no serial ports of this type"));
        if (dom->n_serials == 1)
            b->u.hvm.serial = g_steal_pointer(&name);
        else
            vg_xen_list_add(&b->u.hvm.serial_list, name);
    }
    return TRUE;
}

static gboolean channel(const VgDomain *dom, const VgChardev *chr, libxl_device_channel *x, GError **error) {
    if (chr->channel_target != VG_CHANNEL_XEN)
        return refuse(error, "channel", _("Xen guests have channels with the target type 'xen'"));
    if (!chr->target_name)
        return refuse(error, "channel", _("its target has no name"));
    if (chr->type == VG_CHR_PTY)
        libxl_device_channel_init_connection(x, LIBXL_CHANNEL_CONNECTION_PTY);
    else if (chr->type == VG_CHR_UNIX) {
        if (!chr->source.path && strchr(chr->target_name, '/'))
            return refuse(error, "channel", _("the name of its target has a '/', so its <source> needs a path"));
        libxl_device_channel_init_connection(x, LIBXL_CHANNEL_CONNECTION_SOCKET);
        x->u.socket.path = chr->source.path
                               ? g_strdup(chr->source.path)
                               : g_strdup_printf("%s/channel/%s-%s", VG_STATEDIR, dom->name, chr->target_name);
    } else
        return refuse(error, "channel", _("Xen has channels of type 'pty' and 'unix'"));
    x->name = g_strdup(chr->target_name);
    return TRUE;
}

gboolean vg_xen_conv_channel(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    libxl_domain_config *c = conv->c;
    c->channels = g_new0(libxl_device_channel, dom->n_channels);
    for (gsize i = 0; i < dom->n_channels; i++) {
        libxl_device_channel_init(&c->channels[i]);
        c->num_channels++;
        if (!channel(dom, dom->channels[i], &c->channels[i], error))
            return FALSE;
    }
    return TRUE;
}
