/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* chardev.h: <serial>, <parallel>, <console>, <channel>: one record for the four. */
#pragma once

#include "model/types.h"

typedef enum {
    VG_CHR_NONE,
    VG_CHR_NULL,
    VG_CHR_VC,
    VG_CHR_PTY,
    VG_CHR_DEV,
    VG_CHR_FILE,
    VG_CHR_PIPE,
    VG_CHR_STDIO,
    VG_CHR_UDP,
    VG_CHR_TCP,
    VG_CHR_UNIX,
    VG_CHR_SPICEVMC,
    VG_CHR_SPICEPORT,
    VG_CHR_NMDM,
    VG_CHR_LAST
} VgChrType;
extern const VgNames vg_chr_names;

typedef enum { VG_CHR_DEVICE_PARALLEL, VG_CHR_DEVICE_SERIAL, VG_CHR_DEVICE_CONSOLE, VG_CHR_DEVICE_CHANNEL } VgChrDevice;

/* <target type=> of a console */
typedef enum { VG_CONSOLE_NONE, VG_CONSOLE_SERIAL, VG_CONSOLE_XEN, VG_CONSOLE_VIRTIO, VG_CONSOLE_LAST } VgConsoleTarget;
/* of a channel */
typedef enum {
    VG_CHANNEL_NONE,
    VG_CHANNEL_GUESTFWD,
    VG_CHANNEL_VIRTIO,
    VG_CHANNEL_XEN,
    VG_CHANNEL_LAST
} VgChannelTarget;
/* of a serial */
typedef enum {
    VG_SERIAL_NONE,
    VG_SERIAL_ISA,
    VG_SERIAL_USB,
    VG_SERIAL_PCI,
    VG_SERIAL_ISA_DEBUG,
    VG_SERIAL_LAST
} VgSerialTarget;

typedef enum { VG_CHR_MODE_NONE, VG_CHR_MODE_CONNECT, VG_CHR_MODE_BIND, VG_CHR_MODE_LAST } VgChrMode;

/* <source> */
typedef struct {
    VgChrMode mode;
    char *host, *service; /* TCP, UDP */
    char *path;           /* DEV FILE PIPE UNIX; PTY: live, the terminal that was given */
    VgTristate append;    /* FILE */
    char *channel;        /* SPICEPORT */
    VgTristate tls;
} VgChrSource;

typedef struct {
    VgChrDevice device; /* set by the list it is in */
    VgChrType type;
    VgChrSource source; /* not of UDP */
    VgChrSource **udp;  /* UDP: by mode, at most one each */
    gsize n_udp;
    char *protocol; /* TCP: "raw", "telnet", ... */
    char *log_file; /* <log file=>; inert */
    VgTristate log_append;
    int port; /* of target: serial, parallel, console; -1 only while parsing */
    VgConsoleTarget console_target;
    VgChannelTarget channel_target;
    VgSerialTarget serial_target;
    char *serial_model; /* <target><model name=> */
    char *target_name;  /* channel: "org.qemu.guest_agent.0" */
    char *target_state; /* channel, live: "connected" */
    VgDeviceInfo info;
} VgChardev;
