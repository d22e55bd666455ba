/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* graphics.h: <graphics> and <video>: how a guest's screen is seen. */
#pragma once

#include "model/types.h"

typedef enum { VG_GRAPHICS_NONE, VG_GRAPHICS_SDL, VG_GRAPHICS_VNC, VG_GRAPHICS_SPICE, VG_GRAPHICS_LAST } VgGraphicsType;
extern const VgNames vg_graphics_names;

typedef enum { VG_LISTEN_NONE, VG_LISTEN_ADDRESS, VG_LISTEN_NETWORK, VG_LISTEN_SOCKET, VG_LISTEN_LAST } VgListenType;

typedef struct {
    VgListenType type; /* never NONE after parsing */
    char *address;     /* NETWORK: live */
    char *network;
    char *socket;
} VgListen;

typedef struct {
    VgGraphicsType type;
    int port;      /* VNC, SPICE; -1 = chosen at start (the number is then live) or none */
    int tls_port;  /* SPICE; -1 likewise */
    int websocket; /* VNC, 0 = absent; inert */
    VgTristate autoport;
    char *listen, *socket; /* VNC, SPICE: address and socket of listens[0] */
    char *keymap;
    char *share_policy;    /* VNC; inert */
    char *passwd;          /* printed with VG_XML_SECURE only */
    char *passwd_valid_to; /* inert, secure */
    char *connected;       /* inert */
    char *display, *xauth; /* SDL */
    VgTristate fullscreen; /* SDL */
    VgListen **listens;    /* VNC, SPICE: the first counts */
    gsize n_listens;
    char *default_mode;                                                        /* SPICE; inert */
    char *image_compression, *jpeg_compression, *zlib_compression, *streaming; /* SPICE; inert */
    VgTristate playback_compression;                                           /* SPICE; inert */
    char *mouse_mode;                                                          /* SPICE: "client", "server" */
    VgTristate clipboard_copypaste, filetransfer;                              /* SPICE */
    VgTristate gl;                                                             /* SPICE; refused if yes */
} VgGraphics;

typedef enum {
    VG_VIDEO_NONE,
    VG_VIDEO_VGA,
    VG_VIDEO_CIRRUS,
    VG_VIDEO_VMVGA,
    VG_VIDEO_XEN,
    VG_VIDEO_VBOX,
    VG_VIDEO_QXL,
    VG_VIDEO_PARALLELS,
    VG_VIDEO_VIRTIO,
    VG_VIDEO_GOP,
    VG_VIDEO_OFF, /* model type='none': no video card */
    VG_VIDEO_BOCHS,
    VG_VIDEO_RAMFB,
    VG_VIDEO_LAST
} VgVideoType;
extern const VgNames vg_video_names;

typedef struct {
    VgVideoType type;
    guint ram, vram, vram64, vgamem; /* KiB, 0 = absent */
    guint heads;                     /* 0 = absent */
    VgTristate primary;
    VgTristate accel3d, accel2d;
    char *driver_name;
    guint resolution_x, resolution_y; /* 0 = absent */
    VgDeviceInfo info;
} VgVideo;
