/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* misc.h: small devices: <sound>, <memballoon>, <rng>, <tpm>, <watchdog>, <panic>, <hub>, <vsock>, <audio>. */
#pragma once

#include "model/types.h"

typedef enum {
    VG_SOUND_NONE,
    VG_SOUND_SB16,
    VG_SOUND_ES1370,
    VG_SOUND_PCSPK,
    VG_SOUND_AC97,
    VG_SOUND_ICH6,
    VG_SOUND_ICH9,
    VG_SOUND_USB,
    VG_SOUND_ICH7,
    VG_SOUND_LAST
} VgSoundModel;
extern const VgNames vg_sound_names;

typedef struct {
    VgSoundModel model; /* Xen: SB16, ES1370, AC97, ICH6; others are refused */
    VgDeviceInfo info;
} VgSound;

typedef enum { VG_BALLOON_NONE, VG_BALLOON_VIRTIO, VG_BALLOON_XEN, VG_BALLOON_OFF, VG_BALLOON_LAST } VgBalloonModel;

typedef struct {
    VgBalloonModel model;                        /* OFF: model='none' */
    VgTristate autodeflate, free_page_reporting; /* inert */
    guint stats_period;                          /* s, 0 = absent; inert */
    VgDeviceInfo info;
} VgMemballoon;

/* All below: inert. */
typedef struct {
    char *model;         /* "virtio" */
    char *backend_model; /* "random", "egd", "builtin" */
    char *backend;       /* "/dev/urandom" */
    guint rate_bytes, rate_period;
    VgDeviceInfo info;
} VgRng;

typedef struct {
    char *model, *backend_type, *backend_version, *device_path;
    VgDeviceInfo info;
} VgTpm;

typedef struct {
    char *model, *action;
    VgDeviceInfo info;
} VgWatchdog;

typedef struct {
    char *model;
    VgDeviceInfo info;
} VgPanic;

typedef struct {
    int id;     /* -1 only while parsing */
    char *type; /* "none", "spice", ... */
} VgAudio;
