/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysroot.h: the kernel's files under some root. On a real host the root is "/", in tests a small tree, on the
 * simulated host DIR/state/kernel with somebody in the place of the kernel. All paths are relative to the root, without
 * leading slash ("sys/bus/pci/devices"). Calls block and may be made from any one thread at a time per path; never on
 * the main loop when they touch a driver's files.
 */
#pragma once

#include <glib.h>

typedef struct VgSysroot VgSysroot;

/* In the place of the kernel: called instead of write(2), may change the tree. Returns 0 or an errno. */
typedef int (*VgSysrootWrite)(VgSysroot *root, const char *path, const char *text, gpointer data);

VgSysroot *vg_sysroot_new(const char *root);
void vg_sysroot_set_writer(VgSysroot *root, VgSysrootWrite writer, gpointer data);
void vg_sysroot_free(VgSysroot *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgSysroot, vg_sysroot_free)

const char *vg_sysroot_path(const VgSysroot *root); /* of the root, on this machine */

/* The file's text with trailing newline cut, at most 64 KiB; NULL with errno. Caller frees. */
char *vg_sysroot_read(VgSysroot *root, const char *path);
/* A number as the kernel writes it (decimal or 0x…); FALSE if absent or no number. */
gboolean vg_sysroot_read_int(VgSysroot *root, const char *path, gint64 *ret);
/* One write(2), as the kernel's attribute files need it. FALSE with errno. */
gboolean vg_sysroot_write(VgSysroot *root, const char *path, const char *text);
gboolean vg_sysroot_exists(VgSysroot *root, const char *path);
/* Sorted names in a folder, without . and ..; NULL with errno. g_strfreev. */
char **vg_sysroot_list(VgSysroot *root, const char *path);
/* Target of a symbolic link as written; NULL with errno. */
char *vg_sysroot_readlink(VgSysroot *root, const char *path);
