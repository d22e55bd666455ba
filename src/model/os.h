/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* os.h: <os>, <bootloader>: what kind of guest and how it boots. */
#pragma once

#include "model/types.h"

typedef enum { VG_OS_NONE, VG_OS_HVM, VG_OS_XEN, VG_OS_LINUX, VG_OS_XENPVH, VG_OS_LAST } VgOsType;
extern const VgNames
    vg_os_names; /* after parsing, VG_OS_XEN never occurs: PV is VG_OS_LINUX, as libvirt's driver prints it */

typedef enum { VG_BOOT_NONE, VG_BOOT_FD, VG_BOOT_CDROM, VG_BOOT_HD, VG_BOOT_NETWORK, VG_BOOT_LAST } VgBootDev;
extern const VgNames vg_boot_names;

typedef enum { VG_LOADER_NONE, VG_LOADER_ROM, VG_LOADER_PFLASH, VG_LOADER_LAST } VgLoaderType;
typedef enum { VG_FIRMWARE_NONE, VG_FIRMWARE_BIOS, VG_FIRMWARE_EFI, VG_FIRMWARE_LAST } VgFirmware;
typedef enum { VG_SMBIOS_NONE, VG_SMBIOS_EMULATE, VG_SMBIOS_HOST, VG_SMBIOS_SYSINFO, VG_SMBIOS_LAST } VgSmbiosMode;

typedef struct {
    VgBootDev dev;
} VgBoot;

typedef struct {
    VgOsType type;
    char *arch;    /* "x86_64" */
    char *machine; /* "xenfv", "xenpv", "xenpvh" */
    VgFirmware firmware;
    char *loader;
    VgTristate loader_readonly, loader_secure;
    VgLoaderType loader_type;
    char *nvram, *nvram_template;
    char *kernel, *initrd, *cmdline;
    char *acpi_table;          /* a file of table type slic */
    VgBoot **boot;             /* in order; HVM has at least one, unless a device has a boot order */
    gsize n_boot;              /* at most 4 */
    VgTristate bootmenu;       /* inert */
    int bootmenu_timeout;      /* ms, -1 = absent; inert */
    VgTristate bios_useserial; /* inert */
    int bios_reboot_timeout;   /* ms, -1 = reboot never, -2 = absent; inert */
    VgSmbiosMode smbios;       /* inert */
} VgOs;
