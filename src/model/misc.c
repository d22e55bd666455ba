/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* misc.c: small devices; all but <sound> and <memballoon> are inert. */
#include "config.h"

#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_sound_names, VG_SOUND_LAST, NULL, "sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "ich7");
VG_NAMES(vg_balloon_names, VG_BALLOON_LAST, NULL, "virtio", "xen", "none");

#define INERT .flags = VG_ROW_INERT

const VgXmlMap vg_sound_map = {
    .name = "sound",
    .size = sizeof(VgSound),
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgSound, model, "@model", vg_sound_names, .flags = VG_ROW_REQUIRED),
                               VG_X_INCLUDE(VgSound, info, vg_info_map), VG_X_END}};

static const VgXmlMap stats_map = {
    .rows = (const VgXmlRow[]){VG_X_INT(VgMemballoon, stats_period, "@period", 0, G_MAXINT32), VG_X_END}};

const VgXmlMap vg_memballoon_map = {
    .name = "memballoon",
    .size = sizeof(VgMemballoon),
    .rows = (const VgXmlRow[]){
        VG_X_ENUM(VgMemballoon, model, "@model", vg_balloon_names, .flags = VG_ROW_REQUIRED),
        VG_X_ENUM(VgMemballoon, autodeflate, "@autodeflate", vg_onoff_names, INERT),
        VG_X_ENUM(VgMemballoon, free_page_reporting, "@freePageReporting", vg_onoff_names, INERT),
        VG_X_GROUP("stats", stats_map, INERT), VG_X_INCLUDE(VgMemballoon, info, vg_info_map), VG_X_END}};

static const VgXmlMap rate_map = {.rows = (const VgXmlRow[]){VG_X_INT(VgRng, rate_bytes, "@bytes", 1, G_MAXINT32),
                                                             VG_X_INT(VgRng, rate_period, "@period", 1, G_MAXINT32),
                                                             VG_X_END}};
static const VgXmlMap backend_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgRng, backend_model, "@model"), VG_X_STRING(VgRng, backend, ""), VG_X_END}};

const VgXmlMap vg_rng_map = {.name = "rng",
                             .size = sizeof(VgRng),
                             .rows =
                                 (const VgXmlRow[]){VG_X_STRING(VgRng, model, "@model", .flags = VG_ROW_REQUIRED),
                                                    VG_X_GROUP("rate", rate_map), VG_X_GROUP("backend", backend_map),
                                                    VG_X_INCLUDE(VgRng, info, vg_info_map), VG_X_END}};

static const VgXmlMap device_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgTpm, device_path, "@path"), VG_X_END}};
static const VgXmlMap tpm_backend_map = {.rows = (const VgXmlRow[]){VG_X_STRING(VgTpm, backend_type, "@type"),
                                                                    VG_X_STRING(VgTpm, backend_version, "@version"),
                                                                    VG_X_GROUP("device", device_map), VG_X_END}};

const VgXmlMap vg_tpm_map = {.name = "tpm",
                             .size = sizeof(VgTpm),
                             .rows = (const VgXmlRow[]){VG_X_STRING(VgTpm, model, "@model"),
                                                        VG_X_GROUP("backend", tpm_backend_map),
                                                        VG_X_INCLUDE(VgTpm, info, vg_info_map), VG_X_END}};

const VgXmlMap vg_watchdog_map = {
    .name = "watchdog",
    .size = sizeof(VgWatchdog),
    .rows = (const VgXmlRow[]){VG_X_STRING(VgWatchdog, model, "@model", .flags = VG_ROW_REQUIRED),
                               VG_X_STRING(VgWatchdog, action, "@action"), VG_X_INCLUDE(VgWatchdog, info, vg_info_map),
                               VG_X_END}};

const VgXmlMap vg_panic_map = {.name = "panic",
                               .size = sizeof(VgPanic),
                               .rows = (const VgXmlRow[]){VG_X_STRING(VgPanic, model, "@model"),
                                                          VG_X_INCLUDE(VgPanic, info, vg_info_map), VG_X_END}};

const VgXmlMap vg_audio_map = {
    .name = "audio",
    .size = sizeof(VgAudio),
    .fresh = &(const VgAudio){.id = -1},
    .rows = (const VgXmlRow[]){VG_X_INT(VgAudio, id, "@id", 1, G_MAXINT32, .flags = VG_ROW_ALWAYS),
                               VG_X_STRING(VgAudio, type, "@type", .flags = VG_ROW_REQUIRED), VG_X_END}};
