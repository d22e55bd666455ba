/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* loader.h: finds the driver module and checks that it is one of ours. */
#pragma once

#include "api/driver.h"

/*
 * Loads NAME.so from VIRTGRID_DRIVER_DIR, else from the build tree if the program runs from there, else from where it
 * was installed. *ret is the module's table with what it does not have zeroed. The module stays loaded until the
 * process ends. Errors say which file and what is wrong with it.
 */
gboolean vg_loader_load(const char *name, VgDriver *ret, GError **error);

/* Of the shipped data: VIRTGRID_DATA_DIR, the build tree's or the installed. Caller frees. */
char *vg_loader_data_dir(void);
/* Of programs that no user calls: the build tree's or the installed. Caller frees. */
char *vg_loader_program_dir(void);
