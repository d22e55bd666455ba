/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* video.c: <video>. */
#include "config.h"

#include "model/maps.h"

VG_NAMES(vg_video_names, VG_VIDEO_LAST, NULL, "vga", "cirrus", "vmvga", "xen", "vbox", "qxl", "parallels", "virtio",
         "gop", "none", "bochs", "ramfb");

#define INERT .flags = VG_ROW_INERT

/* Only "yes" is ever written: the first card is the primary one. */
static gboolean is_primary(const void *object, guint flags) {
    return ((const VgVideo *)object)->primary == VG_TRISTATE_YES;
}

static const VgXmlMap acceleration_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgVideo, accel3d, "@accel3d", vg_yesno_names),
                               VG_X_ENUM(VgVideo, accel2d, "@accel2d", vg_yesno_names), VG_X_END}};
static const VgXmlMap resolution_map = {.rows = (const VgXmlRow[]){VG_X_INT(VgVideo, resolution_x, "@x", 1, 65535),
                                                                   VG_X_INT(VgVideo, resolution_y, "@y", 1, 65535),
                                                                   VG_X_END}};
static const VgXmlMap driver_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgVideo, driver_name, "@name"), VG_X_END}};

#define KIB(m) VG_X_INT(VgVideo, m, "@" #m, 0, G_MAXINT32)
static const VgXmlMap model_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgVideo, type, "@type", vg_video_names), KIB(ram), KIB(vram), KIB(vram64),
                               KIB(vgamem), VG_X_INT(VgVideo, heads, "@heads", 1, 64),
                               VG_X_ENUM(VgVideo, primary, "@primary", vg_yesno_names, .when = is_primary),
                               VG_X_GROUP("acceleration", acceleration_map, INERT),
                               VG_X_GROUP("resolution", resolution_map, INERT), VG_X_END}};

const VgXmlMap vg_video_map = {.name = "video",
                               .size = sizeof(VgVideo),
                               .rows = (const VgXmlRow[]){VG_X_GROUP("driver", driver_map, INERT),
                                                          VG_X_GROUP("model", model_map),
                                                          VG_X_INCLUDE(VgVideo, info, vg_info_map), VG_X_END}};

static guint power_of_two(guint value) {
    guint power = 1;
    while (power < value && power < 1u << 31)
        power *= 2;
    return value == 0 ? 0 : power;
}

/* What QEMU needs of each for a Xen guest; 16 MiB for what it does not know by itself. */
static guint usual_vram(const VgVideo *video, gboolean hvm) {
    switch (video->type) {
    case VG_VIDEO_VGA:
    case VG_VIDEO_GOP:
        return 16 * 1024;
    case VG_VIDEO_CIRRUS:
        return hvm ? 8 * 1024 : 16 * 1024;
    case VG_VIDEO_XEN:
        return hvm ? 16 * 1024 : 4 * 1024;
    case VG_VIDEO_VMVGA:
    case VG_VIDEO_BOCHS:
        return 16 * 1024;
    case VG_VIDEO_QXL:
        return hvm ? 128 * 1024 : 64 * 1024;
    default:
        return 0;
    }
}

void vg_video_fill_defaults(VgVideo *video, const VgDomain *dom) {
    gboolean hvm = vg_domain_is_hvm(dom);
    if (video->type == VG_VIDEO_NONE)
        video->type = hvm ? VG_VIDEO_CIRRUS : VG_VIDEO_XEN;
    if (video->type == VG_VIDEO_OFF) {
        video->vram = video->ram = video->heads = 0;
        video->primary = VG_TRISTATE_NONE;
        return;
    }
    if (video->vram == 0)
        video->vram = usual_vram(video, hvm);
    if (video->ram == 0 && video->type == VG_VIDEO_QXL)
        video->ram = 64 * 1024;
    video->vram = power_of_two(video->vram);
    video->ram = power_of_two(video->ram);
    if (video->heads == 0)
        video->heads = 1;
}
