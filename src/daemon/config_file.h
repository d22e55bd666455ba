/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config_file.h: virtgridd.conf, in the manner of libvirt's daemons: `key = value` lines, a value being a number or a
 * text in double quotes, '#' begins a comment. Keys that libvirtd.conf has too mean the same here.
 */
#pragma once

#include <glib.h>

#include "wire/server.h"

typedef struct {
    char *socket_dir;         /* real host only */
    char *libvirt_dir;        /* sockets of the machine's other libvirt daemons; "": they are not asked */
    char *socket_group;       /* of the read-write sockets; NULL: the daemon's own */
    guint rw_perms, ro_perms; /* G_MAXUINT: what the kind of host wants */
    int log_level;            /* a VgLogLevel */
    char *vendor_catalogue;   /* vgpuConfig.xml; NULL: where this kind of host has it */
    char *vfio_device_model;  /* NULL: none */
    char *emulator;           /* NULL: none */
    char *device_model;       /* NULL: where this host has it */
    guint emulator_start_s, emulator_ready_s, emulator_stop_s;
    VgServerLimits limits;
} VgConfig;

void vg_config_init(VgConfig *config);
/* A line that makes no sense is an error, a key nobody knows a warning; both name file and line. */
gboolean vg_config_parse(VgConfig *config, const char *text, const char *path, GError **error);
/* @must_exist: else a missing file leaves everything as it is. */
gboolean vg_config_load(VgConfig *config, const char *path, gboolean must_exist, GError **error);
void vg_config_clear(VgConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgConfig, vg_config_clear)
