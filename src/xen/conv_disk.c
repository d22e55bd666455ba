/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_disk.c: disks. */
#include <string.h>

#include "xen/conv.h"

/* What each <driver name=> can hold; a pair that is not here is refused. */
static const struct {
    const char *driver;
    VgDiskFormat format;
    libxl_disk_backend backend;
    libxl_disk_format libxl;
} drivers[] = {
    {"phy", VG_FORMAT_RAW, LIBXL_DISK_BACKEND_PHY, LIBXL_DISK_FORMAT_RAW},
    {"file", VG_FORMAT_RAW, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_RAW},
    {"qemu", VG_FORMAT_RAW, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_RAW},
    {"qemu", VG_FORMAT_QCOW, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_QCOW},
    {"qemu", VG_FORMAT_QCOW2, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_QCOW2},
    {"qemu", VG_FORMAT_QED, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_QED},
    {"qemu", VG_FORMAT_VHD, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_VHD},
    {"tap", VG_FORMAT_RAW, LIBXL_DISK_BACKEND_TAP, LIBXL_DISK_FORMAT_RAW},
    {"tap", VG_FORMAT_QCOW, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_QCOW},
    {"tap", VG_FORMAT_QCOW2, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_QCOW2},
    {"tap", VG_FORMAT_QED, LIBXL_DISK_BACKEND_QDISK, LIBXL_DISK_FORMAT_QED},
    {"tap", VG_FORMAT_VHD, LIBXL_DISK_BACKEND_TAP, LIBXL_DISK_FORMAT_VHD},
};

static gboolean set_driver(const VgDisk *disk, libxl_device_disk *x, GError **error) {
    const char *driver = disk->driver_name;
    VgDiskFormat format = disk->format == VG_FORMAT_NONE ? VG_FORMAT_RAW : disk->format;
    x->format = LIBXL_DISK_FORMAT_RAW;
    if (!driver && disk->type != VG_DISK_NETWORK)
        return TRUE; /* libxl picks the back end; the image is taken as raw, as xl does */
    if (!driver || strcmp(driver, "tap2") == 0)
        driver = driver ? "tap" : "qemu";
    for (gsize i = 0; i < G_N_ELEMENTS(drivers); i++)
        if (drivers[i].format == format && strcmp(drivers[i].driver, driver) == 0) {
            x->backend = drivers[i].backend;
            x->format = drivers[i].libxl;
            return TRUE;
        }
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<disk> '%s': Xen's disk driver '%.32s' cannot hold format '%s'"),
                 disk->target, driver, vg_names_name(&vg_disk_format_names, (int)format));
    return FALSE;
}

/* QEMU's name of an RBD image: options between colons, a colon within one after a backslash. */
static void escaped(GString *text, const char *word) {
    for (; word && *word; word++) {
        if (*word == ':')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *word);
    }
}

static char *rbd_path(const VgDiskSource *source) {
    GString *text = g_string_new("rbd:");
    g_string_append(text, source->name);
    if (source->snapshot) {
        g_string_append_c(text, '@');
        escaped(text, source->snapshot);
    }
    g_string_append(text, ":auth_supported=none");
    for (gsize i = 0; i < source->n_hosts; i++) {
        const VgDiskHost *host = source->hosts[i];
        gboolean v6 = host->name && strchr(host->name, ':');
        g_string_append(text, i ? "\\;" : ":mon_host=");
        g_string_append(text, v6 ? "[" : "");
        escaped(text, host->name);
        g_string_append(text, v6 ? "]" : "");
        if (host->port)
            g_string_append_printf(text, "\\:%s", host->port);
    }
    if (source->config) {
        g_string_append(text, ":conf=");
        escaped(text, source->config);
    }
    return g_string_free(text, FALSE);
}

static gboolean network_path(const VgDisk *disk, libxl_device_disk *x, GError **error) {
    const VgDiskSource *source = &disk->source;
    const char *why = NULL;
    if (g_strcmp0(source->protocol, "rbd") != 0)
        why = _("of the network protocols Xen guests have 'rbd' only");
    else if (!source->name || strchr(source->name, ':'))
        why = _("an RBD image has a name without ':'");
    else if (source->auth_username)
        why = _("RBD with a secret is not available");
    else if (disk->driver_name && strcmp(disk->driver_name, "qemu") != 0)
        why = _("a network disk needs the driver 'qemu'");
    if (why) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<disk> '%s': %s"), disk->target, why);
        return FALSE;
    }
    x->pdev_path = rbd_path(source);
    return TRUE;
}

static gboolean set_source(const VgDisk *disk, libxl_device_disk *x, GError **error) {
    switch (disk->type) {
    case VG_DISK_NONE:
    case VG_DISK_FILE:
        x->pdev_path = g_strdup(disk->source.file);
        return TRUE;
    case VG_DISK_BLOCK:
        x->pdev_path = g_strdup(disk->source.dev);
        return TRUE;
    case VG_DISK_NETWORK:
        return network_path(disk, x, error);
    case VG_DISK_VOLUME:
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<disk> '%s': volume '%s' of pool '%s' was not resolved to a file or block device"),
                     disk->target, disk->source.volume ? disk->source.volume : "",
                     disk->source.pool ? disk->source.pool : "");
        return FALSE;
    case VG_DISK_DIR:
    case VG_DISK_LAST:
    default:
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<disk> '%s': Xen has no disks of this type"), disk->target);
        return FALSE;
    }
}

static gboolean convert(const VgDisk *disk, libxl_device_disk *x, GError **error) {
    if (!disk->target) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("a <disk> has no <target>"));
        return FALSE;
    }
    if (disk->transient) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("<disk> '%s': Xen has no transient disks"), disk->target);
        return FALSE;
    }
    x->vdev = g_strdup(disk->target);
    if (!set_source(disk, x, error) || !set_driver(disk, x, error))
        return FALSE;
    x->removable = 1;
    x->is_cdrom = disk->device == VG_DISK_DEVICE_CDROM;
    x->readwrite = !disk->readonly && !x->is_cdrom;
    if (x->readwrite && disk->discard != VG_DISCARD_NONE)
        libxl_defbool_set(&x->discard_enable, disk->discard == VG_DISCARD_UNMAP);
    if (x->is_cdrom && !x->pdev_path)
        x->format = LIBXL_DISK_FORMAT_EMPTY;
    x->backend_domname = g_strdup(disk->backenddomain);
    return TRUE;
}

gboolean vg_xen_conv_disk(const VgXenConv *conv, GError **error) {
    const VgDomain *dom = conv->dom;
    conv->c->disks = g_new0(libxl_device_disk, dom->n_disks);
    for (gsize i = 0; i < dom->n_disks; i++) {
        libxl_device_disk_init(&conv->c->disks[i]);
        conv->c->num_disks++;
        if (!convert(dom->disks[i], &conv->c->disks[i], error))
            return FALSE;
    }
    return TRUE;
}
