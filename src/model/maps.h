/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* maps.h: the tables of the elements, one file each, for those that are built of others. */
#pragma once

#include "model/domain.h"
#include "xml/map.h"

/* address.c: for every device */
extern const VgXmlMap vg_pciaddr_map;        /* domain= bus= slot= function=, of the host */
extern const VgXmlMap vg_pciaddr_chosen_map; /* the same; all zero: not said */
extern const VgXmlMap vg_info_map;           /* <boot order=>, <alias>, <address>: included */
extern const VgXmlType vg_mac_type;
extern const VgXmlType vg_uuid_type;

extern const VgXmlMap vg_os_map;
extern const VgXmlMap vg_vcpu_map;
extern const VgXmlMap vg_cpu_map;
extern const VgXmlMap vg_cputune_map;
extern const VgXmlMap vg_features_map;
extern const VgXmlMap vg_clock_map;
extern const VgXmlMap vg_disk_map;
extern const VgXmlMap vg_controller_map;
extern const VgXmlMap vg_interface_map;
extern const VgXmlMap vg_serial_map;
extern const VgXmlMap vg_parallel_map;
extern const VgXmlMap vg_console_map;
extern const VgXmlMap vg_channel_map;
extern const VgXmlMap vg_input_map;
extern const VgXmlMap vg_graphics_map;
extern const VgXmlMap vg_video_map;
extern const VgXmlMap vg_hostdev_map;
extern const VgXmlMap vg_sound_map;
extern const VgXmlMap vg_memballoon_map;
extern const VgXmlMap vg_rng_map;
extern const VgXmlMap vg_tpm_map;
extern const VgXmlMap vg_watchdog_map;
extern const VgXmlMap vg_panic_map;
extern const VgXmlMap vg_audio_map;
extern const VgXmlMap vg_domain_map;

/* What a fresh <os> holds; a fresh domain holds one. */
#define VG_OS_FRESH                                                                                                    \
    { .bootmenu_timeout = -1, .bios_reboot_timeout = -2 }

/* defaults.c: the passes after the tables. Each leaves alone what is given. */
gboolean vg_domain_fill_defaults(VgDomain *dom, guint flags, GError **error);
/* One device that was read alone. */
gboolean vg_disk_fill_defaults(VgDisk *disk, const VgDomain *dom, GError **error);
void vg_interface_fill_defaults(VgInterface *net);
void vg_chardev_fill_defaults(VgChardev *chr, const VgDomain *dom);
gboolean vg_graphics_fill_defaults(VgGraphics *graphics, GError **error);
void vg_video_fill_defaults(VgVideo *video, const VgDomain *dom);
void vg_controller_fill_defaults(VgController *controller, const VgDomain *dom);
void vg_hostdev_fill_defaults(VgHostdev *hostdev);
void vg_input_fill_defaults(VgInput *input, const VgDomain *dom);

/* "xvdc" -> 2, "sdaa" -> 26; -1: not such a name. A number after it (a partition) is allowed. */
int vg_disk_index(const char *target);
/* Adds the controllers that disks and channels need and nobody gave. */
void vg_domain_add_controllers(VgDomain *dom);
